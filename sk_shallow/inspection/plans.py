"""What is compared, on which rows and folds: checked before anything is fitted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import get_scorer
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import column_or_1d, indexable

from sk_shallow.classifier import ShallowNetClassifier
from sk_shallow.cross_validation import ShallowNetClassifierCV
from sk_shallow.inspection.pairs import (
    Sample,
    Split,
    last_step,
    taking_weights,
    with_model,
)
from sk_shallow.inspection.subjects import (
    check_in_memory,
    is_search,
    steps_before,
    unwrap,
)
from sk_shallow.validation import check_is_numpy, check_sample_weight, encode_labels
from sk_shallow.validation.parameters import is_integer


@dataclass(frozen=True, eq=False)
class Plan:
    """Who is compared with whom, on which folds."""

    models: dict[str, Any]  # "net", "line" and "prior"; unfitted
    names: dict[str, str]
    sample: Sample
    splits: list[Split]


def plan_comparison(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    cv: Any = 5,
    sample_weight: Any = None,
    groups: Any = None,
    line: Any = None,
    random_state: Any = None,
) -> Plan:
    """The plan for arguments of `compare_with_logistic_regression`, or its errors."""
    net = net_of(estimator)
    if line is None:
        line = default_line(net, is_tuned=is_search(last_step(estimator)))
    check_line(line)
    sample = checked_sample(X, y, sample_weight, groups)
    models = {
        "net": clone(estimator),
        "line": with_model(estimator, line),
        "prior": DummyClassifier(strategy="prior"),
    }
    if sample.sample_weight is not None:
        of = {"net": "estimator", "line": "line", "prior": ""}
        models = {name: taking_weights(model, of[name]) for name, model in models.items()}
    names = {
        "net": name_of(last_step(estimator)),
        "line": name_of(line),
        "prior": "class frequency",
    }
    return Plan(models, names, sample, splits_of(sample, cv, random_state))


def net_of(estimator: Any) -> ShallowNetClassifier | ShallowNetClassifierCV:
    """The net inside.

    Raises
    ------
    TypeError
        If there is none, or it is for tables on Dask.
    """
    net, _, _ = unwrap(estimator, None, None, at_start=True)
    if not isinstance(net, ShallowNetClassifier | ShallowNetClassifierCV):
        raise TypeError(
            f"estimator must be a net in memory, got a {type(net).__name__}. Take a "
            f"ShallowNetClassifier with the same parameters, and a sample of the rows."
        )
    return net


def default_line(
    net: ShallowNetClassifier | ShallowNetClassifierCV, *, is_tuned: bool
) -> LogisticRegression | LogisticRegressionCV:
    """LogisticRegression; for a net that is tuned, with its penalty tuned as well."""
    weights = net.class_weight
    common = {
        "max_iter": 1000,
        "class_weight": dict(weights) if isinstance(weights, Mapping) else weights,
    }
    if not (is_tuned or isinstance(net, ShallowNetClassifierCV)):
        return LogisticRegression(**common)
    scorer: Any = "neg_log_loss"
    if get_config()["enable_metadata_routing"]:
        scorer = get_scorer(scorer).set_score_request(sample_weight=True)
    line = LogisticRegressionCV(scoring=scorer, **common)
    new = {"l1_ratios": (0.0,), "use_legacy_attributes": False}
    # scikit-learn 1.8 and 1.9 warn where these are left to their defaults.
    unset = [name for name in new if is_word(line.get_params().get(name), "warn")]
    return line.set_params(**{name: new[name] for name in unset})


def is_word(value: Any, word: str) -> bool:
    return isinstance(value, str) and value == word


def check_line(line: Any) -> None:
    """Check that it is an estimator with probabilities, and no class."""
    if isinstance(line, type) or not (
        hasattr(line, "fit") and hasattr(line, "predict_proba")
    ):
        what = f"the class {line.__name__}" if isinstance(line, type) else repr(line)
        raise TypeError(
            f"line must be a classifier with predict_proba, or None, got {what}."
        )


def name_of(model: Any) -> str:
    """The classes, as "SplineTransformer + LogisticRegression"."""
    if isinstance(model, Pipeline):
        return " + ".join(map(name_of, [*steps_before(model), model[-1]]))
    name = type(model).__name__
    return f"{name}({name_of(model.estimator)})" if is_search(model) else name


def checked_sample(X: Any, y: Any, sample_weight: Any, groups: Any) -> Sample:
    check_in_memory(X)
    check_is_numpy(X=X, y=y)
    if not hasattr(X, "shape"):
        X = np.asarray(X)
    y = column_or_1d(y)
    X, y, groups = indexable(X, y, groups)  # CSR, if sparse
    classes, is_second = encode_labels(y)
    weight = None if sample_weight is None else check_sample_weight(sample_weight, len(y))
    return Sample(X, y, classes, is_second, weight, groups)


def splits_of(sample: Sample, cv: Any, random_state: Any) -> list[Split]:
    """The folds, at least two, each with test rows that have some weight."""
    if is_integer(cv):
        check_n_folds(cv)
        folds = StratifiedKFold if sample.groups is None else StratifiedGroupKFold
        cv = folds(cv, shuffle=True, random_state=random_state)
    splitter = check_cv(cv, sample.y, classifier=True)
    number: NDArray[np.intp] = np.arange(len(sample.y))
    splits = [
        Split(number[train], number[test])
        for train, test in splitter.split(sample.X, sample.y, sample.groups)
    ]
    check_n_folds(len(splits))
    weight = sample.sample_weight
    for k, (_, test) in enumerate(splits, start=1):
        if not test.size or (weight is not None and not weight[test].any()):
            raise ValueError(
                f"Fold {k} of {len(splits)} has no test row of weight > 0. Set cv to other "
                f"folds."
            )
    return splits


def check_n_folds(number: int) -> None:
    if number < 2:
        raise ValueError(f"cv must give at least two folds, got {number}.")
