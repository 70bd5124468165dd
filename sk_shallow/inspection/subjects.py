"""Which net is to be looked at, with which weights, and on which rows."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sk_shallow._core.columns import column_moments
from sk_shallow._core.parameters import cast
from sk_shallow._core.rows import Matrix
from sk_shallow._core.table import ArrayTable, Rows, matrix_of
from sk_shallow.advice.layer import Subject
from sk_shallow.classifier import BaseShallowNet, FittedNet
from sk_shallow.training.held_out import hold_out
from sk_shallow.training.options import resolve_options
from sk_shallow.training.start import Start, draw_entropy, draw_start, spawn_generators
from sk_shallow.validation import (
    check_known_rows,
    check_parameters,
    check_training_data,
    read_table,
)
from sk_shallow.validation.parameters import is_number_above_0


def check_tol(tol: Any) -> None:
    """A tolerance is a finite number above 0."""
    if not is_number_above_0(tol):
        raise ValueError(f"tol must be a finite number > 0, got {tol!r}.")


def check_in_memory(X: Any) -> None:
    """Refuse a table on Dask, which would come into memory as a whole.

    Raises
    ------
    TypeError
        If X is one.
    """
    if hasattr(X, "__dask_graph__"):
        raise TypeError(
            f"X must be in memory, got a Dask {type(X).__name__}. Take a sample of its "
            f"rows, as X.partitions[0].compute(), and the net in memory, net.to_local()."
        )


def find_subject(
    estimator: Any, X: Any, y: Any, sample_weight: Any = None, *, at_start: bool
) -> Subject:
    """The net inside `estimator`, trained or as it would start, with checked rows.

    Raises
    ------
    TypeError
        If there is no ShallowNetClassifier inside, or X is on Dask.
    sklearn.exceptions.NotFittedError
        If the weights after training are asked for, and there are none.
    ValueError
        If X, y or the weights are not as `fit` takes them, or do not fit the net.
    """
    if y is None and sample_weight is not None:
        raise ValueError("sample_weight is given without y: give y, too.")
    check_in_memory(X)
    net, X, y = unwrap(estimator, X, y, sample_weight, at_start=at_start)
    look = would_start if at_start else trained
    return look(net, X, y, sample_weight)


def unwrap(
    estimator: Any, X: Any, y: Any, sample_weight: Any = None, *, at_start: bool
) -> tuple[Any, Any, Any]:
    """The net inside pipelines and searches, and X and y, if given, as they get there."""
    while not isinstance(estimator, FittedNet):
        if isinstance(estimator, Pipeline):
            if X is not None:
                arrive = arriving_in_fit if at_start else arriving
                X, y = arrive(estimator, X, y, sample_weight)
            estimator = estimator[-1]
        elif is_search(estimator):
            estimator = searched(estimator, at_start=at_start)
        else:
            raise TypeError(
                f"Expected a ShallowNetClassifier, or a Pipeline that ends in one, or a "
                f"search over one; got {type(estimator).__name__}."
            )
    return estimator, X, y


def column_names(estimator: Any, net: Any) -> NDArray[np.object_]:
    """Names of the columns that the net inside a fitted estimator gets.

    By `get_feature_names_out` of the steps before it, where they have it; else the net's
    own; else x0, x1, and so on.
    """
    names = None
    while estimator is not net:
        if is_search(estimator):
            estimator = searched(estimator, at_start=False)
            continue
        if steps_before(estimator):
            names = names_after(estimator[:-1], names)
        estimator = estimator[-1]
    n_features = net.n_features_in_
    if names is None or len(names) != n_features:
        names = getattr(net, "feature_names_in_", [f"x{j}" for j in range(n_features)])
    return np.array([str(name) for name in names], dtype=object)


def names_after(steps: Pipeline, names: Any) -> Any:
    """Names of the columns that some steps make; None where they give none."""
    try:
        return steps.get_feature_names_out(names)
    except (AttributeError, TypeError, ValueError):  # a step cannot, or not from these
        return None


def steps_before(pipeline: Pipeline) -> list[Any]:
    """The steps but for the last, without those that do nothing."""
    steps = [step for _, step in pipeline.steps[:-1]]
    return [step for step in steps if step is not None and step != "passthrough"]


def is_sampler(step: Any) -> bool:
    """Whether it changes the rows in `fit`, as those of imbalanced-learn do."""
    return hasattr(step, "fit_resample")


def arriving(pipeline: Pipeline, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:  # noqa: ARG001
    """X and y before the last step, as in `predict`, where samplers do nothing."""
    for step in steps_before(pipeline):
        if not is_sampler(step):
            X = step.transform(X)
    return X, y


class Arrival(BaseEstimator):
    """A last step that keeps what it is fitted to."""

    def fit(self, X: Any, y: Any = None) -> Self:
        self.rows_ = X, y
        return self


def arriving_in_fit(
    pipeline: Pipeline, X: Any, y: Any, sample_weight: Any
) -> tuple[Any, Any]:
    """X and y before the last step, as `fit` fits the others to them.

    Raises
    ------
    ValueError
        If a sampler changes the rows, and y is missing or there are weights.
    """
    if any(map(is_sampler, steps_before(pipeline))):
        if y is None:
            raise ValueError(
                "y must be given with at_start=True, as the pipeline has a sampler, which "
                "chooses rows by their labels."
            )
        if sample_weight is not None:
            raise ValueError(
                "sample_weight must be None with at_start=True, as the pipeline has a "
                "sampler, which makes other rows, without weights."
            )
    last, _ = pipeline.steps[-1]
    copy = clone(pipeline).set_params(**{last: Arrival()})
    X, y = copy.fit(X, y)[-1].rows_
    return X, y


def is_search(estimator: Any) -> bool:
    """Whether it has what the searches of scikit-learn, and those like them, have."""
    return all(hasattr(estimator, name) for name in ("estimator", "refit", "error_score"))


def searched(search: Any, *, at_start: bool) -> Any:
    """What the search found best; for a start, what it searches over if it has not yet."""
    if hasattr(search, "best_estimator_"):
        return search.best_estimator_
    if at_start:
        return search.estimator
    if hasattr(search, "cv_results_"):
        raise ValueError(
            f"This {type(search).__name__} keeps no best estimator, as refit is "
            f"{search.refit!r}. Set refit=True, or give a net that is fitted."
        )
    check_is_fitted(search, "best_estimator_")  # which it is not
    return None


def unlabelled(X: Matrix) -> Rows:
    each = np.ones(X.shape[0], dtype=np.bool_)
    return Rows(ArrayTable(X), each, each)


def trained(net: FittedNet, X: Any, y: Any, sample_weight: Any) -> Subject:
    check_is_fitted(net)
    start = Start(net._net(), init=None)
    if y is None:
        X = read_table(net, X, reset=False)
        return Subject(start, X, unlabelled(X), has_labels=False, alpha=net.alpha_)
    rows = check_known_rows(net, X, y, sample_weight)
    return Subject(start, matrix_of(rows.X), rows, has_labels=True, alpha=net.alpha_)


def would_start(net: FittedNet, X: Any, y: Any, sample_weight: Any) -> Subject:
    """The first start that `fit` would take, with the same bits where y is given."""
    if not isinstance(net, BaseShallowNet):
        raise TypeError(
            f"at_start=True is for a net with one start; a {type(net).__name__} has one "
            f"for each fold. Give a ShallowNetClassifier with the same init."
        )
    check_parameters(vars(net))
    if net._continues():
        return trained(net, X, y, sample_weight)
    net = clone(net)  # so that neither the net nor its random_state is changed
    generators = spawn_generators(draw_entropy(net.random_state))
    if y is None:  # at which no start looks
        X = read_table(net, X, reset=True)
        rows = learnt_from = unlabelled(X)
    else:
        _, rows = check_training_data(net, X, y, sample_weight, reset=True)
        learnt_from, _ = hold_out(
            rows, net.early_stopping, net.validation_fraction, generators.split
        )
    columns = column_moments(rows.X, rows.sample_weight)
    options = resolve_options(vars(net), columns)
    start = draw_start(options, learnt_from, generators)
    start = start._replace(net=cast(start.net, rows.X.dtype))
    return Subject(
        start, matrix_of(rows.X), rows, has_labels=y is not None, alpha=options.alpha
    )
