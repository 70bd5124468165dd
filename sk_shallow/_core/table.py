"""Where the rows of X lie, and how sums and predictions go over them block by block.

Blocks are added in a fixed order, so the same data and weights give the same bits,
whatever the number of threads.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from math import isfinite
from threading import Lock
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit

from sk_shallow._core.activations import Array
from sk_shallow._core.block import (
    Block,
    Sums,
    added,
    block_sums,
    log_loss_and_slope,
)
from sk_shallow._core.network import output, pre_activations
from sk_shallow._core.parameters import Net
from sk_shallow._core.rows import (
    Column,
    Matrix,
    Run,
    groups_of,
    most_block_rows,
    one_by_one,
    row_blocks,
    stacked,
    take_rows,
)

T = TypeVar("T")


class LossSums(Protocol):
    """Sums over the rows of a table, with labels and weights."""

    def sums(self, net: Net) -> Sums:
        """What J and its gradient are made of."""

    def loss(self, net: Net) -> float:
        """Weighted sum of the log-loss alone."""


class Table(Protocol):
    """The rows of X, wherever they lie."""

    @property
    def shape(self) -> tuple[int, int]:
        """(n_samples, n_features)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64."""

    def map(self, function: Callable[..., T], *columns: Column) -> list[T]:
        """`function(X, *columns)` of each partition, in the order of the rows.

        A partition is a Matrix, with its part of each column.
        """

    def loss_sums(
        self,
        sign: Column,
        sample_weight: Column,
        held_out_weight: Column | None,
        n_hidden: int,
        run: Run,
    ) -> LossSums:
        """An object that computes sums over the rows, for nets of `n_hidden` units."""


class Rows(NamedTuple):
    """Rows to learn from or to be judged by."""

    X: Table
    y: Column  # 0 or 1
    sample_weight: Column  # boolean, if it only says which rows count


class ArrayTable:
    """Rows in memory, as one partition: an array, a memory map or CSR."""

    def __init__(self, X: Matrix) -> None:
        self.X = X
        self.shape: tuple[int, int] = X.shape
        self.dtype: np.dtype[Any] = X.dtype

    def map(self, function: Callable[..., T], *columns: Column) -> list[T]:
        return [function(self.X, *columns)]

    def loss_sums(
        self,
        sign: Column,
        sample_weight: Column,
        held_out_weight: Column | None,
        n_hidden: int,
        run: Run,
    ) -> "BlockwiseSums":
        block = Block(self.X, sign, sample_weight, held_out_weight)
        return BlockwiseSums(block, n_hidden, run)


def matrix_of(X: Table) -> Matrix:
    """The rows of a table that has to be in memory, as the caller has seen to."""
    assert isinstance(X, ArrayTable)
    return X.X


class OrderedSum(Generic[T]):
    """A sum whose parts come from several threads, added in the order of their numbers.

    So its bits are always the same. A part is kept only until those before it have come.
    """

    def __init__(self, added: Callable[[T, T], T]) -> None:
        self.sums: T | None = None
        self._added = added
        self._waiting: dict[int, T] = {}
        self._n_added = 0
        self._lock = Lock()

    def add(self, number: int, part: T) -> None:
        """Add the part of that number; the first is 0."""
        with self._lock:
            self._waiting[number] = part
            while self._n_added in self._waiting:
                part = self._waiting.pop(self._n_added)
                whole = self.sums
                self.sums = part if whole is None else self._added(whole, part)
                self._n_added += 1


class BlockwiseSums:
    """Sums over rows in memory, over blocks in one thread or several.

    Its memory does not grow with the number of rows: it owns a buffer for the hidden
    layer of a block, one for each thread.
    """

    def __init__(self, rows: Block, n_hidden: int, run: Run) -> None:
        (n_samples, n_features), dtype = rows.X.shape, rows.X.dtype
        # The gradient of a block is dense. Where X is sparse and wide, it would cost more
        # than all else; blocks of as many rows as there are columns keep it in proportion.
        least_rows = n_features // 2 if sparse.issparse(rows.X) else 1
        limits = row_blocks(n_samples, n_hidden * dtype.itemsize, least_rows)
        if len(limits) == 1:  # made float64 once, not at each evaluation
            self._blocks = [rows.as_float64()]
        else:
            self._blocks = [rows.part(block) for block in limits]
        self._rows = rows
        self._run = run
        most_rows = -(-n_samples // len(limits))
        self._buffer_size = n_hidden * most_rows
        self._buffers: deque[Array] = deque()  # that no thread uses now
        self._ones = np.ones(most_rows, dtype=dtype)

    def sums(self, net: Net) -> Sums:
        if len(self._blocks) == 1:
            return self._sums_of(net, self._blocks)
        total: OrderedSum[Sums] = OrderedSum(partial(added, in_place=True))

        def add(numbered: tuple[int, Sequence[Block]]) -> None:
            number, blocks = numbered
            total.add(number, self._sums_of(net, blocks))

        self._run(add, list(enumerate(groups_of(self._blocks))))
        assert total.sums is not None  # a table has rows
        return total.sums

    def _sums_of(self, net: Net, blocks: Sequence[Block]) -> Sums:
        """The sums over consecutive blocks, in a buffer that no other thread has."""
        try:
            buffer = self._buffers.pop()
        except IndexError:
            buffer = np.empty(self._buffer_size, dtype=self._rows.X.dtype)
        total = None
        for block in blocks:
            block = block.as_float64()
            sums = block_sums(net, block, buffer, self._ones)
            if not sums.is_finite:  # by 0 times infinity? Rows of weight 0 are absent
                sums = block_sums(net, block.present(), buffer, self._ones)
            total = sums if total is None else added(total, sums, in_place=True)
        self._buffers.append(buffer)
        assert total is not None
        return total

    def loss(self, net: Net) -> float:
        X, sign, sample_weight, _ = self._rows
        loss, _ = log_loss_and_slope(logits(net, X, self._run), sign)
        total = float(sample_weight @ loss)
        if not isfinite(total):  # 0 times infinity is NaN, and rows of weight 0 are absent
            loss[sample_weight == 0] = 0.0
            total = float(sample_weight @ loss)
        return total


def logits(
    net: Net, X: Matrix, run: Run = one_by_one, blocks: Sequence[slice] | None = None
) -> Array:
    """z2 of every row, shape (n_samples,), in the dtype of the net.

    `blocks` are those of rows, if they are to be others than usual.
    """
    z2 = np.empty(X.shape[0], dtype=net.W1.dtype)

    def write(rows: slice, of_block: Array) -> None:
        z2[rows] = of_block

    each_block(write, net, X, run, blocks)
    return z2


def probabilities(
    net: Net, X: Matrix, run: Run = one_by_one, blocks: Sequence[slice] | None = None
) -> Array:
    """1 - p and p of every row, shape (n_samples, 2), in the dtype of the net."""
    p = np.empty((X.shape[0], 2), dtype=net.W1.dtype)

    def write(rows: slice, z2: Array) -> None:
        expit(z2, out=p[rows, 1])
        expit(np.negative(z2, out=z2), out=p[rows, 0])

    each_block(write, net, X, run, blocks)
    return p


def each_block(
    write: Callable[[slice, Array], None],
    net: Net,
    X: Matrix,
    run: Run,
    blocks: Sequence[slice] | None,
) -> None:
    """Call `write(rows, z2)` for each block."""
    row_bytes = net.b1.nbytes
    if blocks is None:
        blocks = row_blocks(X.shape[0], row_bytes)
    most_rows = min(X.shape[0], most_block_rows(row_bytes))

    def write_group(group: Sequence[slice]) -> None:
        buffer = np.empty(net.b1.size * most_rows, dtype=net.W1.dtype)
        for rows in group:
            block = take_rows(X, rows).astype(net.W1.dtype, copy=False)
            A1 = net.activation.apply(pre_activations(net, block, buffer))
            write(rows, output(net, A1))

    if len(blocks) == 1:
        write_group(blocks)
    else:
        run(write_group, groups_of(blocks))


def all_logits(net: Net, X: Table) -> Array:
    """z2 of every row of a table, shape (n_samples,)."""
    return stacked(X.map(partial(logits, net)))


class Sample(NamedTuple):
    """A few rows in memory."""

    X: Matrix
    y: Column
    sample_weight: Column


def sample(rows: Rows, most: int) -> Sample:
    """At most `most` rows of weight > 0, drawn at random; the same ones at every call."""
    X, y, sample_weight = rows
    is_drawn = sample_weight > 0
    n_present = np.count_nonzero(is_drawn)
    if n_present > most:
        rng = np.random.default_rng(0)
        numbers = np.sort(rng.choice(n_present, most, replace=False, shuffle=False))
        places = places_of(is_drawn, numbers)
        is_drawn = np.zeros(y.size, dtype=np.bool_)
        is_drawn[places] = True
    few = stacked(X.map(rows_where, is_drawn))
    return Sample(few, y[is_drawn], sample_weight[is_drawn])


def places_of(present: NDArray[np.bool_], numbers: NDArray[np.intp]) -> NDArray[np.intp]:
    """The places of some of the present rows, given by number; in little memory."""
    starts = np.arange(0, present.size, 2**16)
    counts = np.add.reduceat(present, starts, dtype=np.intp)
    ends = np.cumsum(counts)
    block = np.searchsorted(ends, numbers, side="right")
    within = numbers - ends[block] + counts[block]
    found = np.empty_like(numbers)
    for k in np.unique(block):
        places = np.flatnonzero(present[starts[k] : starts[k] + 2**16])
        found[block == k] = starts[k] + places[within[block == k]]
    return found


def rows_where(X: Matrix, chosen: NDArray[np.bool_]) -> Matrix:
    return X[chosen]
