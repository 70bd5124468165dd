"""Which net is to be looked at, with which weights, and on which rows."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from sk_shallow._core.parameters import Parameters
from sk_shallow._core.rows import Matrix, Rows
from sk_shallow.chance import draw_entropy, streams
from sk_shallow.classifier import ShallowNetClassifier
from sk_shallow.held_out import hold_out
from sk_shallow.recipe import read_recipe
from sk_shallow.start import Start
from sk_shallow.validation import DTYPES, check_parameters, check_training_data


class Subject(NamedTuple):
    """A net on some rows."""

    start: Start  # the weights; its `init` is None where they are trained
    X: Matrix
    rows: Rows | None  # X with y, if there is one
    alpha: float

    @property
    def parameters(self) -> Parameters:
        return self.start.parameters

    @property
    def is_odd(self) -> bool:
        """Whether phi is odd, so that mirrored units compute the same but for the sign."""
        return self.start.activation == "tanh"


def find_subject(
    estimator: Any, X: Any, y: Any, sample_weight: Any = None, *, at_start: bool
) -> Subject:
    """The net inside `estimator`, trained or as it would start, with checked rows.

    Raises
    ------
    TypeError
        If there is no ShallowNetClassifier inside.
    sklearn.exceptions.NotFittedError
        If the weights after training are asked for, and there are none.
    ValueError
        If X or y is not as `fit` takes it, or does not fit the net.
    """
    net, X = unwrap(estimator, X, y, at_start=at_start)
    look = would_start if at_start else trained
    return look(net, X, y, sample_weight)


def unwrap(estimator: Any, X: Any, y: Any, *, at_start: bool) -> tuple[Any, Any]:
    """The net inside pipelines and searches, and X, if there is one, as it gets there."""
    while not isinstance(estimator, ShallowNetClassifier):
        if isinstance(estimator, Pipeline):
            before, estimator = estimator[:-1], estimator[-1]
            X = transformed(before, X, y, may_fit=at_start)
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "refit") and hasattr(estimator, "estimator"):  # a search
            if not at_start:
                check_is_fitted(estimator, "best_estimator_")
            estimator = estimator.estimator
        else:
            raise TypeError(
                f"Expected a ShallowNetClassifier, or a Pipeline that ends in one, or a "
                f"search over one; got {type(estimator).__name__}."
            )
    return estimator, X


def transformed(before: Pipeline, X: Any, y: Any, *, may_fit: bool) -> Any:
    """X after the steps before the last, which are fitted on it if they have to be."""
    if X is None or not before.steps:
        return X
    try:
        check_is_fitted(before)
    except NotFittedError:
        if not may_fit:
            raise
        return clone(before).fit_transform(X, y)
    return before.transform(X)


def trained(net: ShallowNetClassifier, X: Any, y: Any, sample_weight: Any) -> Subject:
    check_is_fitted(net)
    start = Start(net._parameters(), net._activation, init=None)
    if y is None:
        X = validate_data(net, X, accept_sparse="csr", dtype=DTYPES, reset=False)
        return Subject(start, X, None, net.alpha_)
    labels, rows = check_training_data(net, X, y, sample_weight, reset=False)
    if labels.classes.tolist() != net.classes_.tolist():
        raise ValueError(
            f"y must have the labels that the net was fitted to, "
            f"{net.classes_.tolist()}, got {labels.classes.tolist()}."
        )
    return Subject(start, rows.X, rows, net.alpha_)


def would_start(net: ShallowNetClassifier, X: Any, y: Any, sample_weight: Any) -> Subject:
    """The first start that `fit` would draw, with the same bits where y is given."""
    net = clone(net)  # so that neither the net nor its random_state is changed
    check_parameters(net.get_params(deep=False))
    (chance,) = streams(draw_entropy(net.random_state), 1)
    if y is None:
        X = check_array(X, accept_sparse="csr", dtype=DTYPES)
        n_rows = X.shape[0]
        rows = learnt_from = Rows(X, np.zeros(n_rows), np.ones(n_rows))
    else:
        _, rows = check_training_data(net, X, y, sample_weight, reset=True)
        learnt_from, _ = hold_out(
            rows, net.early_stopping, net.validation_fraction, chance.split
        )
    start, _ = net._drawn(chance, learnt_from)
    alpha = read_recipe(net.get_params(deep=False), rows.X.shape[1]).alpha
    return Subject(start, rows.X, None if y is None else rows, alpha)
