"""Rows of data, and their way into the blocks over which everything is summed."""

from collections.abc import Callable, Iterator, Sequence
from functools import singledispatch
from itertools import pairwise
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

# (n_samples, n_features): a float32 or float64 array, or CSR; or such a table in parts that
# lie elsewhere, of which only `by_parts` asks anything but shape and dtype.
Matrix = Any

# (n_samples,): one number for each row, in as narrow a type as holds it, for rows are many.
Column = NDArray[Any]

GOLDEN_RATIO = (5**0.5 - 1) / 2

# Small enough that A1 of a block stays in cache; large enough that what NumPy does takes
# longer than calling it, and than handing Python from one thread to the next.
BLOCK_BYTES = 2**20
BLOCK_ROWS = 4096  # at most
LEAST_BLOCK_ROWS = 256  # but for the last of the rows
MOST_SPANS = 32  # parts that threads share out among themselves

T = TypeVar("T")
S = TypeVar("S")


class Run(Protocol):
    """Does a task for each part, by as many threads as it likes.

    The results come in the order of the parts.
    """

    def __call__(self, task: Callable[[S], T], parts: Sequence[S], /) -> list[T]:
        """The results of the task."""


def one_by_one(task: Callable[[S], T], parts: Sequence[S]) -> list[T]:
    """The `Run` of a single thread."""
    return [task(part) for part in parts]


class Rows(NamedTuple):
    """Rows to learn from or to be judged by."""

    X: Matrix
    y: Column  # 0 or 1
    sample_weight: Column  # boolean, if it only says which rows count


def most_block_rows(row_bytes: int) -> int:
    """How many rows a block has at most, if A1 takes so many bytes for each."""
    return max(LEAST_BLOCK_ROWS, min(BLOCK_ROWS, BLOCK_BYTES // row_bytes))


def row_blocks(n_samples: int, row_bytes: int, least_rows: int = 1) -> list[slice]:
    """Consecutive slices of rows, in order, of a size as equal as can be.

    `row_bytes` is what A1 takes for each row. If there are several blocks, their number is
    even, for two threads to share. Blocks of `least_rows` are not divided further.
    """
    n_blocks = -(-n_samples // max(most_block_rows(row_bytes), least_rows))
    if n_blocks > 1:
        n_blocks += n_blocks % 2
    return [
        slice(start, end) for start, end in pairwise(ends_of_parts(n_samples, n_blocks))
    ]


def ends_of_parts(n: int, n_parts: int) -> list[int]:
    """0, ..., n: where parts of equal size, or almost, begin and end."""
    return [n * k // n_parts for k in range(n_parts + 1)] if n_parts else [0]


def spans(blocks: Sequence[S]) -> list[Sequence[S]]:
    """At most MOST_SPANS consecutive parts, of a size as equal as can be.

    Each is summed up by one thread, and then the sums are added, both in order: so the bits
    of a sum do not depend on how many threads there are.
    """
    ends = ends_of_parts(len(blocks), min(len(blocks), MOST_SPANS))
    return [blocks[start:end] for start, end in pairwise(ends)]


def take_rows(X: Matrix, rows: slice) -> Matrix:
    """Consecutive rows of X as a view, for CSR too (where X[rows] would copy)."""
    if not sparse.issparse(X):
        return X[rows]
    indptr = X.indptr[rows.start : rows.stop + 1]
    stored = slice(indptr[0], indptr[-1])
    block = type(X)((rows.stop - rows.start, X.shape[1]), dtype=X.dtype)
    # Attributes, because the constructor copies what is part of something larger.
    block.data, block.indices = X.data[stored], X.indices[stored]
    block.indptr = indptr - indptr[0]
    return block


def counted_blocks(
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


@singledispatch
def by_parts(X: Matrix, task: Callable[..., T], *columns: Column) -> list[T]:
    """`task(X, *columns)` for each part of the rows, in order: here, for all at once.

    A type of table that lies in parts elsewhere registers how it sends the task there, with
    the stretch of each column that belongs to the part.
    """
    return [task(X, *columns)]


def spread_rows(X: Matrix, most: int, sample_weight: Column | None = None) -> Matrix:
    """At most `most` rows of weight > 0, spread evenly over X."""
    each = np.ones(X.shape[0], dtype=np.bool_) if sample_weight is None else sample_weight
    return few_of(Rows(X, each, each), most).X


def few_of(rows: Rows, most: int) -> Rows:
    """At most `most` rows of weight > 0, spread evenly, but in no rhythm they may have.

    One row out of each of `most` equal parts, at the places of a golden-ratio sequence.
    """
    X, y, sample_weight = rows
    chosen = sample_weight > 0
    n_samples = np.count_nonzero(chosen)
    if n_samples > most:
        part = np.arange(most)
        places = (part + part * GOLDEN_RATIO % 1) * (n_samples / most)
        spread = nth_chosen(chosen, places.astype(np.intp))
        chosen = np.zeros(X.shape[0], dtype=np.bool_)
        chosen[spread] = True
    few = stacked(by_parts(X, rows_where, chosen))
    return Rows(few, y[chosen], sample_weight[chosen])


def nth_chosen(chosen: NDArray[np.bool_], numbers: NDArray[np.intp]) -> NDArray[np.intp]:
    """The places of the chosen rows of these numbers; without a list of all places."""
    starts = np.arange(0, chosen.size, 2**16)
    counts = np.add.reduceat(chosen, starts, dtype=np.intp)
    ends = np.cumsum(counts)
    block = np.searchsorted(ends, numbers, side="right")
    within = numbers - ends[block] + counts[block]
    found = np.empty_like(numbers)
    for k in np.unique(block):
        places = np.flatnonzero(chosen[starts[k] : starts[k] + 2**16])
        found[block == k] = starts[k] + places[within[block == k]]
    return found


def rows_where(X: Matrix, chosen: NDArray[np.bool_]) -> Matrix:
    return X[chosen]


def stacked(parts: Sequence[Matrix]) -> Matrix:
    """The rows of all parts, in order."""
    if len(parts) == 1:
        return parts[0]
    if any(map(sparse.issparse, parts)):
        return sparse.vstack([sparse.csr_array(part) for part in parts], "csr")
    return np.concatenate(parts)
