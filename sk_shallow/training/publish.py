"""What a training becomes on the estimator: its fitted attributes."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
from numpy.typing import DTypeLike
from sklearn.base import BaseEstimator

from sk_shallow._core.columns import ColumnMoments
from sk_shallow._core.objective import SampleTotals
from sk_shallow._core.parameters import Net, cast
from sk_shallow.training.monitor import Training
from sk_shallow.training.options import Options
from sk_shallow.training.start import Start
from sk_shallow.validation import Labels


def net_attributes(net: Net, dtype: DTypeLike) -> dict[str, Any]:
    """The weights of a net, as arrays of their own."""
    net = cast(net, dtype)
    return {
        "coefs_": [net.W1.copy(), net.w2[:, None].copy()],
        "intercepts_": [net.b1.copy(), net.b2.copy()],
    }


def attributes_of_labels(labels: Labels, options: Options) -> dict[str, Any]:
    """What predictions and reports need beside the weights."""
    return {
        "classes_": labels.classes,
        "alpha_": options.alpha,
        # Predictions are those of the fitted net, whatever set_params does later.
        "_activation": options.activation.name,
        "_class_weights": labels.weights,  # for the J of a report
    }


def attributes_of_data(
    labels: Labels,
    options: Options,
    entropy: list[int],
    totals: SampleTotals,
    columns: ColumnMoments,
) -> dict[str, Any]:
    """The attributes that do not depend on how training goes."""
    return attributes_of_labels(labels, options) | {
        "n_samples_seen_": totals.n_rows,
        "total_weight_": totals.weight,
        # What a call that continues needs.
        "_entropy": entropy,
        "_columns": columns._asdict(),
    }


def fitted_attributes(
    of_data: dict[str, Any],
    dtype: DTypeLike,
    start: Start,
    training: Training,
    outcomes: Sequence[float | ValueError] = (),
) -> dict[str, Any]:
    """All attributes that a training from `start` ends with.

    `outcomes` are how the trainings from all starts ended, their criteria or errors, if
    there were others.
    """
    state = start.adam_state
    ends = outcomes or [training.criterion]
    criteria = [end if isinstance(end, float) else np.inf for end in ends]
    return of_data | {
        **net_attributes(training.net, dtype),
        "loss_": training.loss,
        "init_losses_": np.array(criteria),
        "loss_curve_": training.loss_curve,
        "validation_loss_curve_": training.validation_loss_curve,
        "best_iteration_": training.best_iteration,
        "n_iter_": training.n_iter,
        "stop_reason_": training.stop_reason,
        # What a call that continues needs.
        "_adam_state": None if state is None else state.stored(),
    }


def predicting_attributes(
    net: Net, labels: Labels, options: Options, dtype: DTypeLike
) -> dict[str, Any]:
    """The attributes with which an estimator predicts by a net."""
    return attributes_of_labels(labels, options) | net_attributes(net, dtype)


Estimator = TypeVar("Estimator", bound=BaseEstimator)
P = ParamSpec("P")
R = TypeVar("R")
Method = Callable[Concatenate[Estimator, P], R]


def unchanged_on_error(method: Method[Estimator, P, R]) -> Method[Estimator, P, R]:
    """Give the estimator its attributes back if anything goes wrong, Ctrl-C included.

    The outermost decorator: scikit-learn ends callbacks by what it notes in the attributes,
    and they may fail; and an exception from outside may come at the very end.

    A shallow copy is enough: methods replace attributes and never write into them, but
    for a RandomState, which they move on.
    """

    @wraps(method)
    def all_or_nothing(estimator: Estimator, /, *args: P.args, **kwargs: P.kwargs) -> R:
        before = vars(estimator).copy()
        generator = estimator.random_state
        is_moved_on = isinstance(generator, np.random.RandomState)
        state = generator.get_state() if is_moved_on else None
        try:
            return method(estimator, *args, **kwargs)
        except BaseException:
            estimator.__dict__ = before
            if state is not None:
                generator.set_state(state)
            raise

    return all_or_nothing
