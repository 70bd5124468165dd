"""Parameters and data in, clean arrays or a clear error out."""

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import check_array, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.initializers import INITIALIZERS
from sk_shallow._core.parameters import Vector
from sk_shallow._core.rows import Rows
from sk_shallow._core.solvers import SOLVERS
from sk_shallow.exceptions import InvalidParameterError

DTYPES = [np.float64, np.float32]  # anything else becomes the first


# --- Parameters -----------------------------------------------------------------


class Requirement(NamedTuple):
    """What a parameter must be, in words and as a test."""

    words: str
    holds: Callable[[Any], bool]
    also: str = ""  # what else it may be, as a sentence


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Check every parameter of the estimator.

    Raises
    ------
    InvalidParameterError
        Names the parameter, what it must be, and the value it has.
    """
    for name, (words, holds, also) in REQUIREMENTS.items():
        value = parameters[name]
        if not holds(value):
            shown = value.item() if isinstance(value, np.generic) else value
            raise InvalidParameterError(f"{name} must be {words}, got {shown!r}.{also}")


def is_number(value: Any) -> bool:
    """Whether `value` is a real number that a float can hold, and no bool."""
    if not isinstance(value, Real) or is_bool(value):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not is_bool(value)


def is_bool(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def is_number_from_0(value: Any) -> bool:
    return is_number(value) and bool(value >= 0)


def is_one_of(value: Any, *names: str) -> bool:
    return isinstance(value, str) and value in names


def integer_from(least: int) -> Requirement:
    return Requirement(
        f"an integer >= {least}",
        lambda value: is_integer(value) and value >= least,
    )


def name_from(registry: Mapping[str, Any], *, or_callable: str = "") -> Requirement:
    return Requirement(
        "one of " + ", ".join(map(repr, registry)) + or_callable,
        lambda value: (
            is_one_of(value, *registry) or (bool(or_callable) and callable(value))
        ),
    )


def is_class_weight(value: Any) -> bool:
    if isinstance(value, dict):
        return all(is_number_from_0(weight) for weight in value.values())
    return value is None or is_one_of(value, "balanced")


def is_random_state(value: Any) -> bool:
    if is_integer(value):
        return bool(0 <= value < 2**32)
    return value is None or isinstance(value, np.random.RandomState)


REQUIREMENTS: dict[str, Requirement] = {
    "n_hidden": integer_from(1),
    "activation": name_from(ACTIVATIONS),
    "init": name_from(INITIALIZERS, or_callable=" or a callable init(rng, shape)"),
    "init_scale": Requirement(
        "a finite number >= 0",
        lambda value: value is None or is_number_from_0(value),
        " None means the scheme's own scale.",
    ),
    "alpha": Requirement(
        "a finite number >= 0",
        lambda value: is_one_of(value, "auto") or is_number_from_0(value),
        " 'auto' means sqrt(n_features).",
    ),
    "solver": name_from(SOLVERS),
    "max_iter": integer_from(1),
    "tol": Requirement("a finite number >= 0", is_number_from_0),
    "early_stopping": Requirement(
        "'auto', True or False", lambda value: is_bool(value) or is_one_of(value, "auto")
    ),
    "validation_fraction": Requirement(
        "a number between 0 and 1, both excluded",
        lambda value: is_number(value) and 0 < value < 1,
    ),
    "n_iter_no_change": integer_from(1),
    "class_weight": Requirement(
        "None, 'balanced' or a dict of finite numbers >= 0 by class label",
        is_class_weight,
    ),
    "warm_start": Requirement("True or False", is_bool),
    "random_state": Requirement(
        "None, an integer from 0 to 2**32 - 1 or a numpy.random.RandomState",
        is_random_state,
    ),
    "verbose": Requirement(
        "True, False or an integer >= 0",
        lambda value: is_bool(value) or (is_integer(value) and value >= 0),
    ),
}


def check_warm_start(estimator: Any, classes: NDArray[Any]) -> None:
    """Check that training can go on from the weights of the last fit.

    Raises
    ------
    ValueError
        If the units, their activation or the labels are not those of that fit.
    """
    for what, before, now in (
        ("n_hidden", len(estimator.intercepts_[0]), estimator.n_hidden),
        ("activation", estimator._activation, estimator.activation),
        ("classes", estimator.classes_.tolist(), classes.tolist()),
    ):
        if before != now:
            raise ValueError(
                f"warm_start=True continues from the last fit, which had another {what}: "
                f"{before!r}, now {now!r}. Set warm_start=False to start afresh."
            )


# --- Data -----------------------------------------------------------------------


def check_training_data(
    estimator: Any, X: Any, y: Any, sample_weight: Any, *, reset: bool
) -> tuple[NDArray[Any], Rows]:
    """Classes of y, and rows with y encoded as 0 and 1 and class weights folded in.

    With `reset`, sets `n_features_in_` and, for data frames, `feature_names_in_` on the
    estimator; without, X must have the columns they tell.

    Raises
    ------
    ValueError
        If X is not a finite two-dimensional table, y has not exactly two classes, or
        weights are negative, not finite, of another length, or leave a class empty.
    """
    X, y = validate_data(estimator, X, y, reset=reset, accept_sparse="csr", dtype=DTYPES)
    sample_weight = check_sample_weight(sample_weight, X.shape[0])
    classes, labels = encode_labels(y)
    if estimator.class_weight is not None:
        # Classes with no weight at all would make "balanced" divide by 0.
        check_class_totals(classes, labels, sample_weight)
        by_class = compute_class_weight(
            estimator.class_weight, classes=classes, y=y, sample_weight=sample_weight
        )
        sample_weight = sample_weight * by_class[labels]
    check_class_totals(classes, labels, sample_weight)
    return classes, Rows(X, labels.astype(np.float64), sample_weight)


def encode_labels(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The two classes in sorted order, and y as 0 and 1."""
    check_classification_targets(y)
    encoder = LabelEncoder()
    labels = encoder.fit_transform(y)
    classes = encoder.classes_
    if len(classes) > 2:
        raise ValueError(
            f"Only binary classification is supported. y has {len(classes)} classes: "
            f"{np.array2string(classes, threshold=10)}. Wrap the estimator in "
            f"sklearn.multiclass.OneVsRestClassifier for more."
        )
    if len(classes) == 1:
        raise ValueError(
            f"y has one class only ({classes.tolist()[0]!r}): a classifier needs two."
        )
    return classes, labels


def check_sample_weight(sample_weight: Any, n_samples: int) -> Vector:
    """One finite float64 weight >= 0 for each row, not all of them 0."""
    if sample_weight is None:
        return np.ones(n_samples)
    if isinstance(sample_weight, Real):
        sample_weight = np.full(n_samples, sample_weight)
    weight: Vector = check_array(
        sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight"
    )
    if weight.shape != (n_samples,):
        raise ValueError(
            f"sample_weight must have shape (n_samples,) = ({n_samples},), "
            f"got {weight.shape}."
        )
    if (weight < 0).any():
        raise ValueError(f"sample_weight must be >= 0, got {weight.min()}.")
    if not weight.any():
        raise ValueError("sample_weight is zero for every row: some weights must be > 0.")
    return weight


def check_class_totals(
    classes: NDArray[Any], labels: NDArray[np.intp], weight: Vector
) -> None:
    totals = np.bincount(labels, weights=weight, minlength=2)
    if not np.isfinite(totals).all():
        raise ValueError(
            "The weights overflow: sample_weight times class_weight adds up to infinity."
        )
    if not totals.all():
        empty, left = classes.tolist() if totals[1] else classes.tolist()[::-1]
        raise ValueError(
            f"All rows of class {empty!r} have weight 0, so y has one class only "
            f"({left!r}): a classifier needs two. Check sample_weight and class_weight."
        )
