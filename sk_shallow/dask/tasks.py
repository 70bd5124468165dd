"""What workers do: each function runs on one of them, with a part of the table.

Columns (one number for each row) travel packed, inside the task: so a worker that takes
over the part of one that died has all it needs.
"""

import zlib
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import DTypeLike
from scipy import sparse
from sklearn.utils import check_array

from sk_shallow._core.activations import Activation
from sk_shallow._core.objective import Block, BlockwiseSums, Sums, added
from sk_shallow._core.parameters import Parameters, Vector, cast, unflatten
from sk_shallow._core.rows import Matrix, one_by_one
from sk_shallow.threads import on_one_blas_thread

T = TypeVar("T")


class Packed(NamedTuple):
    """A column; labels and weights that are alike take next to no room."""

    dtype: str
    compressed: bytes

    @classmethod
    def of(cls, column: Vector) -> "Packed":
        return cls(column.dtype.str, zlib.compress(column.tobytes(), level=1))

    def unpacked(self) -> Vector:
        return np.frombuffer(zlib.decompress(self.compressed), dtype=self.dtype)


def read_part(number: int, X: Any, n_features: int, dtype: DTypeLike) -> Matrix:
    """One partition as a finite array or CSR matrix.

    Raises
    ------
    ValueError
        If it is none, with the number of the partition.
    """
    try:
        if X.shape[0] == 0:
            return np.empty((0, n_features), dtype)
        X = check_array(X, accept_sparse="csr", dtype=dtype, input_name="X")
    except ValueError as error:
        raise ValueError(f"Partition {number} of X: {error}") from error
    if X.shape[1] != n_features:
        raise ValueError(
            f"Partition {number} of X has {X.shape[1]} columns, and {n_features} are known."
        )
    # What came over a network may lie across words, where products take twice the time.
    return X if sparse.issparse(X) else np.require(X, requirements="A")


def received(theta: Vector, n_features: int, dtype: DTypeLike) -> Parameters:
    """The weights of a net, from their flat vector."""
    n_hidden = (theta.size - 1) // (n_features + 2)
    return cast(unflatten(theta, n_features, n_hidden), dtype)


def n_rows(X: Matrix) -> int:
    return int(X.shape[0])


def do(task: Callable[..., T], X: Matrix, columns: Sequence[Packed]) -> T:
    """A task of `by_parts`."""
    with np.errstate(over="ignore", invalid="ignore"):
        done: T = on_one_blas_thread(task)(X, *(column.unpacked() for column in columns))
    return done


def unpack(columns: Sequence[Packed | None]) -> tuple[Vector | None, ...]:
    return tuple(None if column is None else column.unpacked() for column in columns)


Columns = tuple[Vector, Vector, Vector | None]  # signs, weights, held-out weights


@on_one_blas_thread
def part_sums(
    parameters: Parameters, X: Matrix, columns: Columns, activation: Activation
) -> Sums:
    """What J and its gradient are made of, over one part."""
    with np.errstate(over="ignore", invalid="ignore"):
        return over(X, columns, activation, parameters).sums(parameters)


@on_one_blas_thread
def part_loss(
    parameters: Parameters, X: Matrix, columns: Columns, activation: Activation
) -> float:
    """The weighted sum of the log-loss alone."""
    with np.errstate(over="ignore", invalid="ignore"):
        return over(X, columns, activation, parameters).loss(parameters)


def over(
    X: Matrix, columns: Columns, activation: Activation, parameters: Parameters
) -> BlockwiseSums:
    return BlockwiseSums(Block(X, *columns), activation, parameters.n_hidden, one_by_one)


def added_in_order(parts: Sequence[Sums]) -> Sums:
    return reduce(added, parts)


def predicted(net: Any, method: str, X: Any, empty: Any) -> Any:
    """`net.method(X)` of one partition, which may have no rows."""
    return getattr(net, method)(X) if X.shape[0] else empty
