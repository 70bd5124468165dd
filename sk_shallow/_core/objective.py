"""J, the penalised log-loss, and its gradient, summed over row blocks.

    J = [ sum_i s_i * logloss(y_i, z2_i)  +  alpha/2 * (|W1|^2 + |w2|^2) ] / sum_i s_i

Blocks are added in a fixed order, so the same data and weights give the same bits,
whatever the number of threads. Whatever there is one of per row (logit, loss, residual)
is float64, and so are the sums; only the hidden layer has the dtype of X.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial, reduce, singledispatch
from math import isfinite
from threading import Lock
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sk_shallow._core.activations import Activation
from sk_shallow._core.network import Buffers, logits, output, pre_activations
from sk_shallow._core.parameters import (
    Array,
    Parameters,
    Vector,
    cast,
    unflatten,
)
from sk_shallow._core.rows import (
    Column,
    Matrix,
    Rows,
    Run,
    one_by_one,
    row_blocks,
    spans,
    take_rows,
)


def signs(y: Column) -> NDArray[np.int8]:
    """1 where y is 0, and -1 where y is 1."""
    return 1 - 2 * y.astype(np.int8)


def log_loss_and_slope(z2: Array, sign: Column) -> tuple[Vector, Vector]:
    """Log-loss of each row and its derivative in z2, p - y.

    With u = sign * z2, the logit of being wrong, the loss is
    softplus(u) = max(u, 0) + log(1 + exp(-|u|)), and the probability of being wrong is
    exp(min(u, 0) - log(1 + exp(-|u|))). No exponential can overflow.

    Parameters
    ----------
    z2 : array of shape (n_rows,)
        Logits.
    sign : array of shape (n_rows,)
        1 where y is 0, and -1 where y is 1.

    Returns
    -------
    loss, slope : float64 arrays of shape (n_rows,)
        The log-loss and its derivative in z2.
    """
    u = np.multiply(sign, z2, dtype=np.float64)
    log_term = np.abs(u)
    np.negative(log_term, out=log_term)
    np.exp(log_term, out=log_term)
    np.log1p(log_term, out=log_term)
    loss = np.maximum(u, 0.0)
    loss += log_term
    slope = np.minimum(u, 0.0, out=u)
    slope -= log_term
    np.exp(slope, out=slope)
    slope *= sign
    return loss, slope


class Block(NamedTuple):
    """Some rows as J needs them."""

    X: Matrix
    sign: Column
    sample_weight: Column
    held_out_weight: Column | None  # of the rows that training does not see

    def rows(self, rows: slice) -> "Block":
        """Consecutive ones of them, as views."""
        return Block(
            take_rows(self.X, rows),
            self.sign[rows],
            self.sample_weight[rows],
            None if self.held_out_weight is None else self.held_out_weight[rows],
        )

    def wide(self) -> "Block":
        """The same with columns in float64, to calculate with."""
        if self.sign.dtype == np.float64:
            return self
        X, sign, sample_weight, held_out_weight = self
        return Block(
            X,
            sign.astype(np.float64),
            sample_weight.astype(np.float64, copy=False),
            None
            if held_out_weight is None
            else held_out_weight.astype(np.float64, copy=False),
        )

    def counted(self) -> "Block":
        """The rows of weight > 0, in training or held out, as a copy."""
        X, sign, sample_weight, held_out_weight = self
        counts = sample_weight > 0
        if held_out_weight is not None:
            counts |= held_out_weight > 0
            held_out_weight = held_out_weight[counts]
        return Block(X[counts], sign[counts], sample_weight[counts], held_out_weight)


class Sums(NamedTuple):
    """Sums over rows, of which J and its gradient are made.

    D = phi'(Z1) * dz2 lacks the factor w2 of dZ1, which is the same for all rows.
    """

    loss: float
    held_out_loss: float
    DX: Array  # (n_hidden, n_features)
    D1: Array  # (n_hidden,), of D
    dw2: Array  # (n_hidden,)
    db2: float

    @property
    def is_finite(self) -> bool:
        """Whether no row made them infinite or NaN; what does, does so in one of these."""
        of_units = float(np.add.reduce(self.dw2))
        return isfinite(self.loss + self.held_out_loss + self.db2 + of_units)

    def gradient(self, w2: Array) -> Parameters:
        """That of the loss. Writes over DX, the largest array, if its dtype allows."""
        out = self.DX.T if self.DX.dtype == np.float64 else None
        dW1 = np.multiply(self.DX.T, w2, out=out)
        return Parameters(dW1, self.D1 * w2, self.dw2, np.array([self.db2]))


def block_sums(
    parameters: Parameters, block: Block, activation: Activation, buffer: Array, ones: Array
) -> Sums:
    """The sums over one wide block. `buffer` and `ones` have the dtype of X.

    Rows of weight 0 are absent also where their numbers overflow (0 times infinity is NaN).
    """
    sums = sums_of_all(parameters, block, activation, buffer, ones)
    if sums.is_finite:
        return sums
    return sums_of_all(parameters, block.counted(), activation, buffer, ones)


def sums_of_all(
    parameters: Parameters, block: Block, activation: Activation, buffer: Array, ones: Array
) -> Sums:
    """The same, where no row of weight 0 overflows."""
    X, sign, sample_weight, held_out_weight = block
    A1 = activation.apply(pre_activations(parameters, X, buffer))
    loss, slope = log_loss_and_slope(output(parameters, A1), sign)
    residual = np.multiply(slope, sample_weight, out=slope)
    dz2 = residual.astype(A1.dtype, copy=False)
    dw2 = A1 @ dz2
    D = activation.slope(A1)
    D *= dz2
    return Sums(
        loss=float(sample_weight @ loss),
        held_out_loss=0.0 if held_out_weight is None else float(held_out_weight @ loss),
        DX=D @ X,
        D1=D @ ones[: sign.size],
        dw2=dw2,
        db2=float(np.add.reduce(residual)),
    )


def added(one: Sums, other: Sums, *, in_place: bool = False) -> Sums:
    """Arrays in float64, whatever the dtype of the parts.

    With `in_place`, the largest is written over that of `one`, if its dtype allows.
    """
    out = one.DX if in_place and one.DX.dtype == np.float64 else None
    return Sums(
        one.loss + other.loss,
        one.held_out_loss + other.held_out_loss,
        np.add(one.DX, other.DX, out=out, dtype=np.float64),
        np.add(one.D1, other.D1, dtype=np.float64),
        np.add(one.dw2, other.dw2, dtype=np.float64),
        one.db2 + other.db2,
    )


add_onto = partial(added, in_place=True)


class OrderedSum:
    """Sums that threads bring, added in the order of their numbers.

    So the bits are always the same, and sums wait only for those before them.
    """

    def __init__(self) -> None:
        self.sums: Sums | None = None
        self._waiting: dict[int, Sums] = {}
        self._n_added = 0
        self._lock = Lock()

    def add(self, number: int, part: Sums) -> None:
        """Take in the part of that number, from 0."""
        with self._lock:
            self._waiting[number] = part
            while self._n_added in self._waiting:
                part = self._waiting.pop(self._n_added)
                self.sums = part if self.sums is None else add_onto(self.sums, part)
                self._n_added += 1


class RowSums(Protocol):
    """Whoever sums up over rows, wherever they lie."""

    def sums(self, parameters: Parameters) -> Sums:
        """What J and its gradient are made of."""

    def loss(self, parameters: Parameters) -> float:
        """Weighted sum of the log-loss alone."""


@singledispatch
def row_sums(
    X: Matrix,
    sign: Column,
    sample_weight: Column,
    held_out_weight: Column | None,
    *,
    activation: Activation,
    n_hidden: int,
    run: Run,
) -> RowSums:
    """Who sums up over the rows of a table: here, of one in memory.

    A type of table that lies in parts elsewhere registers its own.
    """
    block = Block(X, sign, sample_weight, held_out_weight)
    return BlockwiseSums(block, activation, n_hidden, run)


class BlockwiseSums:
    """Sums over rows in memory, in blocks that threads share out among themselves.

    Its memory does not grow with the number of rows: it owns a buffer for the hidden
    layer of a block, one for each thread.
    """

    def __init__(
        self, rows: Block, activation: Activation, n_hidden: int, run: Run
    ) -> None:
        (n_samples, n_features), dtype = rows.X.shape, rows.X.dtype
        # The gradient of a block is dense. Where X is sparse and wide, it would cost more
        # than all else; blocks of as many rows as there are columns keep it in proportion.
        least_rows = n_features // 2 if sparse.issparse(rows.X) else 1
        blocks = row_blocks(n_samples, n_hidden * dtype.itemsize, least_rows)
        if len(blocks) == 1:  # widened once, not at each evaluation
            rows = rows.wide()
        self._spans = spans([rows.rows(block) for block in blocks])
        self._rows = rows
        self._activation = activation
        self._run = run
        self._buffers = Buffers(
            max(block.stop - block.start for block in blocks), n_hidden, dtype
        )
        self._ones = np.ones(self._buffers.n_rows, dtype=dtype)

    def sums(self, parameters: Parameters) -> Sums:
        total = OrderedSum()

        def add_up(numbered: tuple[int, Sequence[Block]]) -> None:
            number, blocks = numbered
            with self._buffers.one() as buffer:
                each = (
                    block_sums(
                        parameters, block.wide(), self._activation, buffer, self._ones
                    )
                    for block in blocks
                )
                total.add(number, reduce(add_onto, each))

        self._run(add_up, list(enumerate(self._spans)))
        assert total.sums is not None  # a table has rows
        return total.sums

    def loss(self, parameters: Parameters) -> float:
        X, sign, sample_weight, _ = self._rows
        loss, _ = log_loss_and_slope(
            logits(parameters, X, self._activation, self._run), sign
        )
        total = float(sample_weight @ loss)
        if not isfinite(total):  # 0 times infinity is NaN, and rows of weight 0 are absent
            loss[sample_weight == 0] = 0.0
            total = float(sample_weight @ loss)
        return total


class Seen(NamedTuple):
    """The rows of weight > 0 that training has seen so far, and their total weight.

    In `fit`, these are the training rows. In a stream, those of all chunks up to now.
    """

    n_rows: int
    total_weight: float

    def and_also(self, rows: Rows) -> "Seen":
        n_rows, total_weight = seen(rows)
        return Seen(self.n_rows + n_rows, self.total_weight + total_weight)


def seen(rows: Rows) -> Seen:
    """These rows only."""
    weight = rows.sample_weight
    return Seen(int(np.count_nonzero(weight)), float(weight.sum()))


class Objective:
    """J and its gradient as a function of the flat vector theta.

    Calling it returns a float and a fresh float64 vector.

    Parameters
    ----------
    rows : Rows
        Training rows; sample weights sum to more than 0.
    activation : Activation
        phi and its slope.
    n_hidden : int
        Units of the hidden layer.
    alpha : float
        Strength of the L2 penalty on W1 and w2; biases are free.
    all_seen : Seen or None
        What `rows` stand for, if that is more than themselves: their sums count for
        those of all rows seen.
    held_out : Rows or None
        Rows whose loss is told by `held_out_loss`. If they are `rows` with other weights,
        it comes from the same pass.
    run : callable
        Who sums up the spans of blocks of rows in memory.
    """

    def __init__(
        self,
        rows: Rows,
        activation: Activation,
        n_hidden: int,
        alpha: float,
        all_seen: Seen | None = None,
        held_out: Rows | None = None,
        run: Run = one_by_one,
    ) -> None:
        self.n_features = rows.X.shape[1]
        self.n_hidden = n_hidden
        self.alpha = alpha
        self._rows = rows
        self._held_out = held_out
        self._seen = seen(rows)
        self._all_seen = all_seen or self._seen
        self._dtype = rows.X.dtype
        self._one_pass = bool(held_out and held_out.X is rows.X and held_out.y is rows.y)
        self._sums_over = partial(
            row_sums, activation=activation, n_hidden=n_hidden, run=run
        )
        held_out_weight = held_out.sample_weight if held_out and self._one_pass else None
        self._training = self._sums_of(rows, held_out_weight)
        if held_out and not self._one_pass:
            self._validation = self._sums_of(held_out)
        self._told = (np.array([]), np.nan)  # the last theta, and its held-out loss

    def __call__(self, theta: Vector) -> tuple[float, Vector]:
        parameters = self._parameters(theta)
        sums = self._training.sums(parameters)
        if self._one_pass:
            self._told = theta.copy(), sums.held_out_loss
        share = self._seen.total_weight / self._all_seen.total_weight
        penalised = self._penalised(theta)
        penalty = 0.5 * self.alpha * float(penalised @ penalised)
        loss = (sums.loss / share + penalty) / self._all_seen.total_weight
        return float(loss), self._gradient(sums, parameters, share, penalised)

    def held_out_loss(self, theta: Vector) -> float:
        """Weighted mean log-loss of the held-out rows, without penalty."""
        assert self._held_out is not None
        if not self._one_pass:
            loss = self._validation.loss(self._parameters(theta))
        else:
            if not np.array_equal(theta, self._told[0]):
                self(theta)
            loss = self._told[1]
        return float(loss / self._held_out.sample_weight.sum())

    def batches(
        self, rng: np.random.Generator, batch_size: int
    ) -> Iterator[Callable[[Vector], Vector]]:
        """For one pass over all rows in random order, functions theta -> gradient.

        Each estimates the gradient of J without bias, from `batch_size` rows of weight
        > 0 (the last one from what is left).
        """
        order = rng.permutation(np.flatnonzero(self._rows.sample_weight))
        for start in range(0, order.size, batch_size):
            yield partial(self._batch_gradient, order[start : start + batch_size])

    def _batch_gradient(self, batch: NDArray[np.intp], theta: Vector) -> Vector:
        parameters = self._parameters(theta)
        sums = self._sums_of(Rows(*(part[batch] for part in self._rows))).sums(parameters)
        share = batch.size / self._all_seen.n_rows
        return self._gradient(sums, parameters, share, self._penalised(theta))

    def _sums_of(self, rows: Rows, held_out_weight: Column | None = None) -> RowSums:
        X, y, sample_weight = rows
        sums: RowSums = self._sums_over(X, signs(y), sample_weight, held_out_weight)
        return sums

    def _gradient(
        self, sums: Sums, parameters: Parameters, share: float, penalised: Vector
    ) -> Vector:
        """That of J, from sums over a share of the rows, written over `penalised`."""
        gradient = np.multiply(penalised, self.alpha, out=penalised)
        parts = unflatten(gradient, self.n_features, self.n_hidden)
        for part, of_loss in zip(parts, sums.gradient(parameters.w2), strict=True):
            of_loss = of_loss.astype(np.float64, copy=False)
            part += np.divide(of_loss, share, out=of_loss)
        gradient /= self._all_seen.total_weight
        return gradient

    def _penalised(self, theta: Vector) -> Vector:
        """A copy whose biases are 0."""
        penalised = theta.copy()
        _, b1, _, b2 = unflatten(penalised, self.n_features, self.n_hidden)
        b1[:] = 0
        b2[:] = 0
        return penalised

    def _parameters(self, theta: Vector) -> Parameters:
        return cast(unflatten(theta, self.n_features, self.n_hidden), self._dtype)
