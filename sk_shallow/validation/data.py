"""Checks of data: clean arrays, or a clear error."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from numbers import Real
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse
from sklearn import get_config
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import check_array, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from sk_shallow._core.activations import Vector
from sk_shallow._core.rows import Column, Matrix
from sk_shallow._core.table import ArrayTable, Rows, Table
from sk_shallow.validation.parameters import is_bool

DTYPES = [np.float64, np.float32]  # anything else becomes the first


TINY_WEIGHT = 1e-100  # a mean weight by which the penalty cannot be divided


class Labels(NamedTuple):
    """The two classes in sorted order, and the weight of a row of each."""

    classes: NDArray[Any]  # (2,)
    weights: Vector  # (2,)


def read_table(
    estimator: Any,
    X: Any,
    *y: Any,
    reset: bool,
    dtype: DTypeLike | list[Any] = DTYPES,
    suffix: str = "",
) -> Any:
    """X, or X and y, as `validate_data` of scikit-learn checks them: NumPy arrays or CSR.

    Raises
    ------
    ValueError
        If X is not a finite two-dimensional table, or y has not one label for each row.
    TypeError
        If scikit-learn would leave them in another library.
    """
    names = (f"X{suffix}", f"y{suffix}")
    check_is_numpy(**dict(zip(names, (X, *y), strict=False)))
    # scikit-learn looks at the sum of X first, which may overflow where no entry does.
    with np.errstate(over="ignore", invalid="ignore"):
        return validate_data(
            estimator, X, *y, reset=reset, accept_sparse="csr", dtype=dtype
        )


def check_is_numpy(**arrays: Any) -> None:
    """Refuse arrays of other libraries, which array_api_dispatch=True keeps as they are.

    Raises
    ------
    TypeError
        If one of them is.
    """
    if not get_config()["array_api_dispatch"]:
        return
    for name, array in arrays.items():
        if is_of_another_library(array):
            kind = f"{type(array).__module__}.{type(array).__name__}"
            raise TypeError(
                f"{name} must be a NumPy array where array_api_dispatch=True, got {kind}: "
                f"convert to NumPy, as with numpy.asarray({name}), or set "
                f"array_api_dispatch=False."
            )


def is_of_another_library(array: Any) -> bool:
    """Whether it is an array that scikit-learn would dispatch on."""
    marks = ("__array_namespace__", "__dlpack__", "__dask_graph__")
    return (
        any(hasattr(array, mark) for mark in marks)
        and not isinstance(array, np.ndarray | np.generic)
        and not hasattr(array, "__arrow_c_array__")  # Arrow's come out as NumPy's
    )


def check_training_data(
    estimator: Any, X: Any, y: Any, sample_weight: Any, *, reset: bool
) -> tuple[Labels, Rows]:
    """Classes of y, and rows with y encoded as 0 and 1 and class weights folded in.

    With `reset`, sets `n_features_in_` and, for data frames, `feature_names_in_` on the
    estimator; without, X must have these columns.

    Raises
    ------
    ValueError
        If X is not a finite two-dimensional table, y has not exactly two classes, or
        weights are negative, not finite, of another length, or leave a class empty.
    """
    X, y = read_table(estimator, X, y, reset=reset)
    return labelled_rows(estimator, ArrayTable(X), y, sample_weight)


def labelled_rows(
    estimator: Any, X: Table, y: NDArray[Any], sample_weight: Any
) -> tuple[Labels, Rows]:
    """The same, for an X that has been checked."""
    sample_weight = check_sample_weight(sample_weight, X.shape[0])
    counts = sample_weight > 0
    counted, weight = counting(y, counts), counting(sample_weight, counts)
    if not counts.all():
        check_classes_left(y, counted)
    classes, encoded = encode_labels(y, counts=counts)
    labels = Labels(classes, class_weights(estimator, classes, counted, weight))
    rows = weighted_rows(X, encoded, sample_weight, labels)
    check_class_totals(classes, encoded, rows.sample_weight)
    return labels, rows


def check_validation_data(
    estimator: Any,
    X_val: Any,
    y_val: Any,
    sample_weight_val: Any,
    labels: Labels,
    dtype: DTypeLike,
) -> Rows | None:
    """The validation data that the user gives, if any, encoded and weighted as y is.

    `dtype` is that of X.

    Raises
    ------
    ValueError
        If only some of the three are given, they are not as training data must be, or
        early stopping is off.
    """
    if not holds_out(estimator, X_val, y_val, sample_weight_val):
        return None
    try:
        X_val, y_val = read_table(
            estimator, X_val, y_val, reset=False, dtype=dtype, suffix="_val"
        )
    except ValueError as error:
        raise ValueError(f"In X_val or y_val: {error}") from error
    return labelled_validation_rows(ArrayTable(X_val), y_val, sample_weight_val, labels)


def holds_out(estimator: Any, X_val: Any, y_val: Any, sample_weight_val: Any) -> bool:
    """Whether the user gives validation data, all of it."""
    if X_val is None and y_val is None and sample_weight_val is None:
        return False
    if X_val is None or y_val is None:
        missing = "X_val" if X_val is None else "y_val"
        raise ValueError(f"X_val and y_val belong together, and {missing} is None.")
    if is_bool(estimator.early_stopping) and not estimator.early_stopping:
        raise ValueError(
            "X_val and y_val are for early stopping, and early_stopping=False. Set "
            "early_stopping='auto' or True, or leave them out."
        )
    return True


def labelled_validation_rows(
    X_val: Table, y_val: NDArray[Any], sample_weight_val: Any, labels: Labels
) -> Rows:
    """The validation data, for an X that has been checked."""
    weight = check_sample_weight(sample_weight_val, X_val.shape[0], "sample_weight_val")
    encoded = encode_as(labels.classes, y_val, "y_val", weight)
    rows = weighted_rows(X_val, encoded, weight, labels)
    totals = class_totals(encoded, rows.sample_weight)
    for label, total in zip(labels.classes.tolist(), totals, strict=True):
        if total == 0:
            raise ValueError(
                f"y_val has no row of class {label!r} (of weight > 0): early stopping "
                f"needs both classes."
            )
    if not np.isfinite(totals).all():
        raise ValueError("sample_weight_val times class_weight adds up to infinity.")
    return rows


def check_chunk(
    estimator: Any, X: Any, y: Any, classes: Any, sample_weight: Any, *, first: bool
) -> tuple[Labels, Rows]:
    """The classes, and the rows of a chunk, which may lack one of them.

    Raises
    ------
    ValueError
        If `classes` are not given with the first chunk, or others with a later one; if
        the net is another than that of the first; or if the chunk is not as training
        data must be.
    """
    X, y = read_table(estimator, X, y, reset=first)
    if classes is not None:
        classes = check_classes(classes)
    elif first:
        raise ValueError(
            "classes must be given in the first call of partial_fit: the two labels that "
            "y will have, as in partial_fit(X, y, classes=[0, 1])."
        )
    else:
        classes = estimator.classes_
    if not first:
        check_same_net(estimator, classes, "partial_fit")
    sample_weight = check_sample_weight(sample_weight, X.shape[0])
    encoded = encode_as(classes, y, "y", sample_weight)
    labels = Labels(classes, class_weights(estimator, classes, classes, None))
    rows = weighted_rows(ArrayTable(X), encoded, sample_weight, labels)
    before = 0.0 if first else estimator.total_weight_
    with np.errstate(over="ignore"):
        total = rows.sample_weight.sum()
        all_so_far = before + total
    if not (total > 0 and all_so_far < np.inf):
        raise ValueError(
            f"sample_weight times class_weight must add up to more than 0 in every chunk "
            f"and to a finite number over all, got {total}."
        )
    return labels, rows


@contextmanager
def naming_what_overflows(rows: Rows, held_out: Rows | None = None) -> Iterator[None]:
    """An error of training says so where X is not finite, or weights are next to 0.

    With scikit-learn's ``assume_finite=True``, X has not been checked; it is looked at only
    where training has failed.
    """
    try:
        yield
    except ValueError as error:
        check_is_finite(rows.X, "X", error)
        if held_out is not None and held_out.X is not rows.X:
            check_is_finite(held_out.X, "X_val", error)
        counted = rows.sample_weight[rows.sample_weight > 0]
        if counted.mean() < TINY_WEIGHT:
            raise ValueError(
                f"sample_weight times class_weight is {counted.mean():.1g} on average, and "
                f"J divides the penalty by its sum: the numbers overflow. Rescale "
                f"sample_weight (and class_weight) to a mean of 1."
            ) from error
        raise


def check_is_finite(X: Table, name: str, error: Exception | None = None) -> None:
    """Check that X holds no NaN and no infinity.

    Raises
    ------
    ValueError
        If it does, from `error`.
    """
    found = [kind for part in X.map(not_finite) for kind in part]
    if found:
        kinds = " and ".join(sorted(set(found), reverse=True))
        raise ValueError(
            f"{name} contains {kinds}, which assume_finite=True let through. Impute these "
            f"values (sklearn.impute.SimpleImputer), or drop their rows."
        ) from error


def not_finite(X: Matrix) -> list[str]:
    """Which of NaN and infinity X holds."""
    values = X.data if sparse.issparse(X) else X
    tests = {"NaN": np.isnan, "infinity": np.isinf}
    return [kind for kind, test in tests.items() if test(values).any()]


def check_known_rows(estimator: Any, X: Any, y: Any, sample_weight: Any) -> Rows:
    """Rows encoded and weighted as the training rows of the fitted estimator.

    Raises
    ------
    ValueError
        If they are not as `fit` takes them, or have other columns or labels. One class
        is enough.
    """
    X, y = read_table(estimator, X, y, reset=False)
    weight = check_sample_weight(sample_weight, X.shape[0])
    encoded = encode_as(estimator.classes_, y, "y", weight)
    labels = Labels(estimator.classes_, estimator._class_weights)
    return weighted_rows(ArrayTable(X), encoded, weight, labels)


# What continues from fitted weights, and how to start afresh instead.
HOW_TO_CONTINUE = {
    "warm_start": ("warm_start=True continues", "Set warm_start=False"),
    "partial_fit": ("partial_fit continues", "Use fit, or a clone of the estimator,"),
}


def check_same_net(estimator: Any, classes: NDArray[Any], how: str) -> None:
    """Check that training can continue from the weights that the estimator has.

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
            continues, afresh = HOW_TO_CONTINUE[how]
            raise ValueError(
                f"{continues} from the last fit, which had {what}={before!r}, and not "
                f"{now!r}. {afresh} to start afresh."
            )


def class_weights(
    estimator: Any, classes: NDArray[Any], y: NDArray[Any], sample_weight: Column | None
) -> Vector:
    """The weight that `class_weight` gives to a row of each class."""
    if estimator.class_weight is None:
        return np.ones(2)
    given = estimator.class_weight
    return compute_class_weight(
        dict(given) if isinstance(given, Mapping) else given,
        classes=classes,
        y=y,
        sample_weight=sample_weight,
    )


def weighted_rows(
    X: Table, encoded: NDArray[np.bool_], sample_weight: Column, labels: Labels
) -> Rows:
    weight = sample_weight
    if (labels.weights != 1).any():
        first, second = labels.weights
        weight = sample_weight * np.where(encoded, second, first)
    return Rows(X, encoded, weight)


def check_classes(classes: Any) -> NDArray[Any]:
    """The two labels that all chunks will have, in sorted order."""
    array = np.asarray(classes)
    if array.ndim != 1:
        raise ValueError(
            f"classes must be a list or an array of two labels, got {classes!r}."
        )
    return encode_labels(array, "classes")[0]


def check_classes_left(y: NDArray[Any], counted: NDArray[Any]) -> None:
    """Check that rows of weight > 0 have more than one label, where all rows do."""
    if (counted == counted[0]).all():
        others = y[y != counted[0]].tolist()
        if others:
            raise_class_without_weight(others[0], counted.tolist()[0])


def raise_class_without_weight(empty: Any, left: Any) -> NoReturn:
    raise ValueError(
        f"All rows of class {empty!r} have weight 0, so y has one class only "
        f"({left!r}): a classifier needs two. Check sample_weight and class_weight."
    )


def counting(column: NDArray[Any], counts: NDArray[np.bool_]) -> NDArray[Any]:
    """The entries of rows of weight > 0; no copy where all are."""
    return column if counts.all() else column[counts]


def encode_labels(
    y: NDArray[Any], name: str = "y", counts: NDArray[np.bool_] | None = None
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The two classes in sorted order, and where y is the second.

    Rows that do not count may have any label.
    """
    counted = y if counts is None else counting(y, counts)
    check_classification_targets(counted)
    classes = LabelEncoder().fit(counted).classes_
    if len(classes) > 2:
        raise ValueError(
            f"Only binary classification is supported. {name} has {len(classes)} classes: "
            f"{np.array2string(classes, threshold=10)}. Wrap the estimator in "
            f"sklearn.multiclass.OneVsRestClassifier for more."
        )
    if len(classes) == 1:
        raise ValueError(
            f"{name} has one class only ({classes.tolist()[0]!r}): a classifier needs two."
        )
    is_second: NDArray[np.bool_] = y == classes[1]
    return classes, is_second


def encode_as(
    classes: NDArray[Any], y: NDArray[Any], name: str, sample_weight: Column
) -> NDArray[np.bool_]:
    """Where labels are the second of the classes that are known already.

    Rows of weight 0 may have any label.
    """
    counted = counting(y, sample_weight > 0)
    check_classification_targets(counted)
    labels = np.unique(counted)
    # As Python objects: NumPy would cast labels to the type of the classes, and cut off
    # what does not fit in.
    known, given = classes.tolist(), labels.tolist()
    unknown = [label for label in given if label not in known]
    if unknown:
        raise ValueError(
            f"{name} must have labels of {known} only, got "
            f"{', '.join(map(repr, unknown[:3]))}{', ...' if len(unknown) > 3 else ''}."
        )
    return y == classes[1]


def check_sample_weight(
    sample_weight: Any, n_samples: int, name: str = "sample_weight"
) -> Column:
    """One finite weight >= 0 for each row, not all of them 0; without any, all True."""
    if sample_weight is None:
        return np.ones(n_samples, dtype=np.bool_)
    check_is_numpy(**{name: sample_weight})
    try:
        weight = as_numbers(sample_weight, n_samples, name)
    except (ValueError, TypeError, OverflowError) as error:
        if str(error).startswith(f"Input {name}"):  # NaN or infinity
            raise
        raise ValueError(
            f"{name} must be a finite number >= 0, or one for each row: {error}"
        ) from error
    if weight.shape != (n_samples,):
        raise ValueError(
            f"{name} must have shape (n_samples,) = ({n_samples},), got {weight.shape}."
        )
    if (weight < 0).any():
        raise ValueError(f"{name} must be >= 0, got {weight.min()}.")
    if not weight.any():
        raise ValueError(f"{name} is zero for every row: some weights must be > 0.")
    return weight


def as_numbers(sample_weight: Any, n_samples: int, name: str) -> Column:
    """Finite weights as float64; a single one, a number or a 0-d array, for each row."""
    array = np.asarray(sample_weight)
    if array.dtype.kind == "c":
        raise TypeError("got complex numbers.")
    if array.ndim == 0:
        value = array.item()
        if not isinstance(value, Real):
            raise TypeError(f"got {value!r}.")
        sample_weight = np.full(n_samples, value)
    return check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name=name)


def check_class_totals(
    classes: NDArray[Any], encoded: NDArray[np.bool_], weight: Column
) -> None:
    totals = class_totals(encoded, weight)
    if not np.isfinite(totals).all():
        raise ValueError(
            "The weights overflow: sample_weight times class_weight adds up to infinity."
        )
    if not totals.all():
        raise_class_without_weight(*classes.tolist()[:: 1 if totals[1] else -1])


def class_totals(encoded: NDArray[np.bool_], weight: Column) -> Vector:
    """Weight of all rows of each class, shape (2,)."""
    with np.errstate(over="ignore"):
        return np.array(
            [weight.sum(where=~encoded), weight.sum(where=encoded)], dtype=np.float64
        )
