"""What workers do: each function runs on one of them, with a partition of the table.

Columns (one number for each row) travel packed, inside the task: so a worker that takes
over the part of one that died has all it needs.
"""

import zlib
from collections.abc import Callable, Sequence
from functools import reduce, wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse
from sklearn.utils import check_array

from sk_shallow._core.activations import Activation, Vector
from sk_shallow._core.block import Block, Sums, added
from sk_shallow._core.parameters import Net, cast, unflatten
from sk_shallow._core.rows import Column, Matrix, one_by_one
from sk_shallow._core.table import BlockwiseSums
from sk_shallow.threads.blas import on_one_blas_thread

P = ParamSpec("P")
T = TypeVar("T")


class Packed(NamedTuple):
    """A column; labels and weights that are alike take little memory."""

    dtype: str
    compressed: bytes

    @classmethod
    def of(cls, column: Column) -> "Packed":
        return cls(column.dtype.str, zlib.compress(column.tobytes(), level=1))

    def unpacked(self) -> Column:
        return np.frombuffer(zlib.decompress(self.compressed), dtype=self.dtype)


def as_in_memory(task: Callable[P, T]) -> Callable[P, T]:
    """BLAS has one thread; overflow is an error on the client, and underflow is none."""

    @wraps(task)
    @on_one_blas_thread
    def done(*args: P.args, **kwargs: P.kwargs) -> T:
        with np.errstate(over="ignore", invalid="ignore"):
            return task(*args, **kwargs)

    return done


def read_partition(
    X: Any, number: int, name: str, n_features: int, dtype: DTypeLike
) -> Matrix:
    """One partition of the table of that name as a finite array or CSR matrix.

    Raises
    ------
    ValueError, TypeError
        If it is none, with the number of the partition.
    """
    partition = f"Partition {number} of {name}"
    try:
        if X.shape[0] == 0:
            return np.empty((0, n_features), dtype)
        X = check_array(X, accept_sparse="csr", dtype=dtype, input_name=name)
    except (ValueError, TypeError) as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(f"{partition}: {error}") from error
    if X.shape[1] != n_features:
        raise ValueError(
            f"{partition} has {X.shape[1]} columns, and {n_features} are known."
        )
    # What came over a network may lie across words, where products take twice the time; and
    # it may be laid out in another way than where it came from, which gives other bits.
    return X if sparse.issparse(X) else np.require(X, requirements=["C", "A"])


def received(
    theta: Vector, n_features: int, activation: Activation, dtype: DTypeLike
) -> Net:
    """A net, from the flat vector of its weights."""
    n_hidden = (theta.size - 1) // (n_features + 2)
    return cast(unflatten(theta, n_features, n_hidden, activation), dtype)


def n_rows(X: Matrix) -> int:
    return int(X.shape[0])


@as_in_memory
def do(X: Matrix, columns: Sequence[Packed], task: Callable[..., T]) -> T:
    """The task of a `map`."""
    return task(X, *(column.unpacked() for column in columns))


def unpack(columns: Sequence[Packed | None]) -> tuple[Column | None, ...]:
    return tuple(None if column is None else column.unpacked() for column in columns)


Columns = tuple[Column, Column, Column | None]  # signs, weights, held-out weights


@as_in_memory
def partition_sums(X: Matrix, columns: Columns, net: Net) -> Sums:
    """What J and its gradient are made of, over one partition."""
    return over(X, columns, net).sums(net)


@as_in_memory
def partition_loss(X: Matrix, columns: Columns, net: Net) -> float:
    """The weighted sum of the log-loss alone."""
    return over(X, columns, net).loss(net)


def over(X: Matrix, columns: Columns, net: Net) -> BlockwiseSums:
    return BlockwiseSums(Block(X, *columns), net.n_hidden, one_by_one)


def added_in_order(parts: Sequence[Sums]) -> Sums:
    return reduce(added, parts)


def predicted(
    predict: Callable[[Any], NDArray[Any]], X: Any, empty: NDArray[Any]
) -> NDArray[Any]:
    """`predict(X)` of one partition, which may have no rows."""
    return predict(X) if X.shape[0] else empty
