"""Rows of X in memory, and the limits of the blocks in which they are computed."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sk_shallow._core.activations import Array

CSR: TypeAlias = Any  # csr_array or csr_matrix, which SciPy gives no types
# (n_samples, n_features), of float32 or float64.
Matrix: TypeAlias = Array | CSR

# (n_samples,): one number for each row, in the narrowest type that holds it.
Column = NDArray[Any]

# Small enough that A1 of a block stays in cache; large enough that what NumPy does takes
# longer than calling it, and than handing Python from one thread to the next.
BLOCK_BYTES = 2**20
BLOCK_ROWS = 4096  # at most
LEAST_BLOCK_ROWS = 256  # but for the last of the rows
MOST_GROUPS = 32  # of blocks, each of which one thread computes

T = TypeVar("T")
S = TypeVar("S")


class Run(Protocol):
    """Does a task for each part, in one thread or several.

    The results come in the order of the parts.
    """

    def __call__(self, task: Callable[[S], T], parts: Sequence[S], /) -> list[T]:
        """The results of the task."""


def one_by_one(task: Callable[[S], T], parts: Sequence[S], /) -> list[T]:
    """The `Run` of a single thread."""
    return list(map(task, parts))


def parts_of(n_rows: int, n_parts: int) -> list[slice]:
    """Consecutive slices of rows, of nearly equal sizes."""
    if n_parts == 1:
        return [slice(0, n_rows)]
    ends = (n_rows * np.arange(n_parts + 1) // n_parts).tolist()
    return list(map(slice, ends, ends[1:]))


def most_block_rows(row_bytes: int) -> int:
    """The largest number of rows of a block, if A1 takes `row_bytes` for each."""
    return max(LEAST_BLOCK_ROWS, min(BLOCK_ROWS, BLOCK_BYTES // row_bytes))


def row_blocks(n_rows: int, row_bytes: int, least_rows: int = 1) -> list[slice]:
    """Blocks of rows, of nearly equal sizes.

    `row_bytes` is what A1 takes for each row. If there are several blocks, their number is
    even, for two threads to share. Blocks of `least_rows` are not divided further.
    """
    n_blocks = -(-n_rows // max(most_block_rows(row_bytes), least_rows))
    if n_blocks > 1:
        n_blocks += n_blocks % 2
    return parts_of(n_rows, n_blocks) if n_blocks else []


def groups_of(blocks: Sequence[S]) -> list[Sequence[S]]:
    """At most MOST_GROUPS groups of consecutive blocks, of nearly equal sizes.

    Each is computed by one thread, in order: so the bits of a sum over a group do not
    depend on how many threads there are.
    """
    if not blocks:
        return []
    return [blocks[part] for part in parts_of(len(blocks), min(len(blocks), MOST_GROUPS))]


def take_rows(X: Matrix, rows: slice) -> Matrix:
    """Consecutive rows of X as a view, for CSR too (where X[rows] would copy)."""
    return take_csr_rows(X, rows) if sparse.issparse(X) else X[rows]


def take_csr_rows(X: CSR, rows: slice) -> CSR:
    indptr = X.indptr[rows.start : rows.stop + 1]
    stored = slice(indptr[0], indptr[-1])
    block = type(X)((rows.stop - rows.start, X.shape[1]), dtype=X.dtype)
    # Attributes, because the constructor copies what is part of something larger.
    block.data, block.indices = X.data[stored], X.indices[stored]
    block.indptr = indptr - indptr[0]
    return block


def present_blocks(
    X: Matrix, row_bytes: int, sample_weight: Column | None = None
) -> Iterator[Matrix]:
    """Row blocks of X, without the rows of weight 0: as if they were not there."""
    if sample_weight is None or sample_weight.all():
        for rows in row_blocks(X.shape[0], row_bytes):
            yield take_rows(X, rows)
        return
    places = np.flatnonzero(sample_weight)
    for rows in row_blocks(places.size, row_bytes):
        yield X[places[rows]]


def stacked(parts: Sequence[Any]) -> Any:
    """The rows of all parts, in order."""
    if len(parts) == 1:
        return parts[0]
    if any(map(sparse.issparse, parts)):
        return sparse.vstack([sparse.csr_array(part) for part in parts], "csr")
    return np.concatenate(parts)
