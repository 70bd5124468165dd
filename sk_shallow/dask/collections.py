"""Dask arrays and data frames, as users give them, as partitions and columns."""

from collections.abc import Callable
from typing import Any

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
from distributed import Client
from numpy.typing import DTypeLike, NDArray

from sk_shallow.dask.table import ClusterTable
from sk_shallow.dask.tasks import predicted


def is_table(X: Any) -> bool:
    """Whether X is a dask array of two dimensions or a dask data frame."""
    return isinstance(X, da.Array | dd.DataFrame) and X.ndim == 2


def has_names(X: Any) -> bool:
    """Whether X is a data frame."""
    return hasattr(X, "columns")


def dtype_of(X: Any) -> np.dtype[Any]:
    """float32 if that holds all columns and one of them is, float64 otherwise."""
    try:
        common = np.result_type(*X.dtypes) if has_names(X) else X.dtype
    except TypeError:  # some are not NumPy's
        common = np.float64
    return np.dtype(np.float32 if common == np.float32 else np.float64)


def example_row(X: Any) -> Any:
    """A row of zeros with the columns of X, and their names."""
    zeros = np.zeros((1, X.shape[1]))
    return pd.DataFrame(zeros, columns=X.columns) if has_names(X) else zeros


def partitions(X: Any) -> list[Any]:
    """Consecutive rows of X, with all columns."""
    if not has_names(X):
        X = X.rechunk({1: -1})
    return list(np.ravel(X.to_delayed()))


def check_is_table(X: Any, name: str = "X") -> None:
    """Check that X is on Dask.

    Raises
    ------
    TypeError
        If it is not, or no table.
    """
    if not is_table(X):
        is_in_memory = X is not None and not dask.is_dask_collection(X)
        raise TypeError(
            f"{name} must be a dask array of two dimensions or a dask data frame, got "
            f"{type(X).__name__}."
            + is_in_memory
            * " For data in memory, use ShallowNetClassifier."
        )


def on_cluster(client: Client, X: Any, dtype: DTypeLike, name: str = "X") -> ClusterTable:
    """X on the workers."""
    return ClusterTable(client, partitions(X), dtype, example_row(X), name)


def column(client: Client, y: Any) -> Any:
    """Labels or weights of all rows, here; what is here already, as it is."""
    if not dask.is_dask_collection(y):
        return y
    future = client.compute(y)
    try:
        values = future.result()
    finally:
        future.release()
    is_column = getattr(values, "ndim", 0) == 2 and values.shape[1] == 1
    return np.ravel(values) if is_column else values


def odd_label(
    y: NDArray[Any], classes: Any = None, sample_weight: Any = None
) -> int | None:
    """The first row whose label is missing or, at a weight > 0, is none of the classes.

    Those that are not known are the first two in the order of the rows.
    """
    missing = pd.isna(y)
    if missing.any():
        return int(np.argmax(missing))
    counts = (
        np.full(y.shape, fill_value=True) if sample_weight is None else sample_weight > 0
    )
    known = pd.unique(y[counts])[:2] if classes is None else classes
    return first(~pd.Series(y).isin(known).to_numpy() & counts)


def odd_weight(weight: Any) -> int | None:
    """The first row whose weight is missing, infinite or below 0."""
    try:
        weight = np.asarray(weight)
    except ValueError:  # a ragged list
        return None
    if weight.ndim != 1 or weight.dtype.kind not in "biuf":
        return None
    return first(~((weight >= 0) & (weight < np.inf)))


def first(odd: NDArray[np.bool_]) -> int | None:
    return int(np.argmax(odd)) if odd.any() else None


def lazily(predict: Callable[[Any], Any], X: Any, empty: NDArray[Any]) -> da.Array:
    """`predict(X)` as a dask array in the partitions of X.

    `empty` is what it gives for no rows, which `predict` refuses.
    """
    delayed, predict = dask.delayed(predicted), dask.delayed(predict)  # sent once
    width = empty.shape[1:]
    lengths = [np.nan] * X.npartitions if has_names(X) else X.chunks[0]
    return da.concatenate(
        [
            da.from_delayed(delayed(predict, part, empty), (length, *width), empty.dtype)
            for part, length in zip(partitions(X), lengths, strict=True)
        ],
        allow_unknown_chunksizes=True,
    )
