"""A net and a model in its place, fitted to the same folds."""

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn import config_context, get_config
from sklearn.base import clone
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
)
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from sk_shallow._core.activations import Vector
from sk_shallow._core.rows import Column
from sk_shallow.advice.wording import Message, collected
from sk_shallow.inspection.subjects import is_search
from sk_shallow.threads.blas import on_one_blas_thread


class Sample(NamedTuple):
    """Rows to compare on."""

    X: Any
    y: NDArray[Any]  # labels, (n_samples,)
    classes: NDArray[Any]  # (2,)
    is_second: NDArray[np.bool_]  # whether y is classes[1]
    sample_weight: Column | None
    groups: Any

    @property
    def n_columns(self) -> int:
        """Number of columns of X; a series, as of texts, has one."""
        return int(self.X.shape[1]) if len(self.X.shape) > 1 else 1


class Split(NamedTuple):
    """Numbers of the rows of a fold."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]


class Outcome(NamedTuple):
    """A model that was fitted to the training rows of a fold."""

    estimator: Any
    probabilities: Vector  # of classes[1], (n_test,)
    scores: dict[str, float]
    fit_time: float  # seconds


class Fold(NamedTuple):
    """What came of a fold: by model, and the warnings of trainings."""

    outcomes: dict[str, Outcome]
    messages: list[Message]


def with_model(estimator: Any, model: Any) -> Any:
    """A clone with `model` in the place of the net, however deep that is in pipelines.

    The place of a search over a net is that of the net.
    """
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return clone(estimator).set_params(**{name: with_model(last, model)})
    if is_search(estimator):
        return with_model(estimator.estimator, model)
    return clone(model)


def last_step(model: Any) -> Any:
    return last_step(model[-1]) if isinstance(model, Pipeline) else model


def learner(model: Any) -> Any:
    """The last step, inside searches, too."""
    model = last_step(model)
    return learner(model.estimator) if is_search(model) else model


def rows_of(table: Any, rows: Any) -> Any:
    """Some rows of an array, a data frame, a series, a sparse matrix or a list."""
    if hasattr(table, "iloc"):
        return table.iloc[rows]
    return table[rows] if hasattr(table, "shape") else np.asarray(table)[rows]


def taking_weights(model: Any, name: str) -> Any:
    """The model (not a copy), as its last step asks metadata routing for the weights.

    Raises
    ------
    TypeError
        If it takes none.
    """
    last = learner(model)
    if not has_fit_parameter(last, "sample_weight"):
        raise TypeError(
            f"{name} must take sample_weight in fit, as sample_weight is given; "
            f"{type(last).__name__} does not. Set {name} to another model, or "
            f"sample_weight=None."
        )
    if get_config()["enable_metadata_routing"]:
        last.set_fit_request(sample_weight=True)
        of_score = getattr(get_routing_for_object(last), "score", None)
        if of_score and "sample_weight" in of_score.requests:  # for a search
            last.set_score_request(sample_weight=True)
    return model


def weight_argument(model: Any) -> str:
    """How `fit` of the model calls the weights of its last step."""
    if isinstance(model, Pipeline):
        name, last = model.steps[-1]
        return f"{name}__{weight_argument(last)}"
    return weight_argument(model.estimator) if is_search(model) else "sample_weight"


def fit_arguments(model: Any, sample: Sample, rows: NDArray[np.intp]) -> dict[str, Any]:
    """Give weights to the last step; with metadata routing, groups to who asks for them."""
    given = {"sample_weight": sample.sample_weight, "groups": sample.groups}
    given = {
        name: rows_of(column, rows) for name, column in given.items() if column is not None
    }
    if get_config()["enable_metadata_routing"]:
        taken = get_routing_for_object(model).consumes("fit", given.keys())
        return {name: given[name] for name in taken}
    return {weight_argument(model): w for name, w in given.items() if name != "groups"}


def fitted_folds(
    models: dict[str, Any], sample: Sample, splits: Sequence[Split], n_jobs: int | None
) -> Iterator[Fold]:
    """Each fold as soon as it and those before it are done.

    By joblib's `Parallel`: that of scikit-learn sets the filters of warnings of the process
    in every task, and tasks may be threads.
    """
    try:
        parallel = Parallel(n_jobs=n_jobs, return_as="generator")
    except ValueError:  # a backend that gives all results at the end
        parallel = Parallel(n_jobs=n_jobs)
    config = get_config()
    yield from parallel(
        delayed(fitted_fold)(models, sample, split, config) for split in splits
    )


@on_one_blas_thread  # so that n_jobs, which sets the threads of BLAS, changes no bit
def fitted_fold(
    models: dict[str, Any], sample: Sample, split: Split, config: dict[str, Any]
) -> Fold:
    with config_context(**config), collected() as messages:
        outcomes = {
            name: outcome(clone(model), sample, split) for name, model in models.items()
        }
    return Fold(outcomes, messages)


def outcome(model: Any, sample: Sample, split: Split) -> Outcome:
    """Fit the model to the training rows, and score it on the others."""
    X, y = rows_of(sample.X, split.train), sample.y[split.train]
    arguments = fit_arguments(model, sample, split.train)
    start = perf_counter()
    model.fit(X, y, **arguments)
    fit_time = perf_counter() - start
    X, second = rows_of(sample.X, split.test), sample.classes[1]
    probabilities = np.asarray(model.predict_proba(X))[:, 1]
    is_predicted = np.asarray(model.predict(X)) == second
    weight = sample.sample_weight
    scores = scores_of(
        sample.is_second[split.test],
        probabilities,
        is_predicted,
        None if weight is None else weight[split.test],
    )
    return Outcome(model, probabilities, scores, fit_time)


def scores_of(
    is_second: NDArray[np.bool_],
    probabilities: Vector,
    is_predicted: NDArray[np.bool_],
    weight: Column | None,
) -> dict[str, float]:
    """The scores of a fold by scikit-learn; AUC is NaN where a class has no weight."""
    weights = {"sample_weight": weight}
    present = is_second if weight is None else is_second[weight > 0]
    has_both = present.any() and not present.all()
    auc = roc_auc_score(is_second, probabilities, **weights) if has_both else np.nan
    loss = log_loss(is_second, probabilities, labels=[False, True], **weights)
    return {
        "log-loss": float(loss),
        "Brier": float(
            brier_score_loss(is_second, probabilities, pos_label=True, **weights)
        ),
        "AUC": float(auc),
        "accuracy": float(accuracy_score(is_second, is_predicted, **weights)),
    }
