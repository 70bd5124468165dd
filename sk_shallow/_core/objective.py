"""J, the penalised log-loss, and its gradient, summed over row blocks.

    J = [ sum_i s_i * logloss(y_i, z2_i)  +  alpha/2 * (|W1|^2 + |w2|^2) ] / sum_i s_i

Blocks are added in a fixed order, so the same data and weights give the same bits,
whatever the number of threads. Whatever there is one of per row (logit, loss, residual)
is float64, and so are the sums; only the hidden layer has the dtype of X.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial, reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_shallow._core.activations import Activation
from sk_shallow._core.network import Buffers, logits, output, pre_activations
from sk_shallow._core.parameters import (
    Array,
    Parameters,
    Vector,
    cast,
    flatten,
    unflatten,
)
from sk_shallow._core.rows import (
    Matrix,
    Rows,
    Run,
    one_by_one,
    row_blocks,
    spans,
    take_rows,
)

ALL = slice(None)


def signs(y: Vector) -> Vector:
    """1 where y is 0, and -1 where y is 1."""
    return 1.0 - 2.0 * y


def log_loss_and_slope(z2: Array, sign: Vector) -> tuple[Vector, Vector]:
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
    u = sign * z2
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


def mean_log_loss(
    parameters: Parameters, rows: Rows, activation: Activation, run: Run = one_by_one
) -> float:
    """Weighted mean log-loss of some rows, without penalty."""
    z2 = logits(parameters, rows.X, activation, run)
    loss, _ = log_loss_and_slope(z2, signs(rows.y))
    return float(rows.sample_weight @ loss / rows.sample_weight.sum())


class Block(NamedTuple):
    """Some rows as J needs them."""

    X: Matrix
    sign: Vector
    sample_weight: Vector
    held_out_weight: Vector | None  # of the rows that training does not see


def block_of(
    rows: Rows, held_out_weight: Vector | None = None, block: slice = ALL
) -> Block:
    """Consecutive rows, of which X and the weights are views."""
    X, y, sample_weight = rows
    return Block(
        X if block is ALL else take_rows(X, block),
        signs(y[block]),
        sample_weight[block],
        None if held_out_weight is None else held_out_weight[block],
    )


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

    def gradient(self, w2: Array) -> Vector:
        """The flat gradient of the loss."""
        n_hidden, n_features = self.DX.shape
        gradient = np.empty(self.DX.size + 2 * n_hidden + 1)
        dW1, db1, dw2, db2 = unflatten(gradient, n_features, n_hidden)
        np.multiply(self.DX.T, w2, out=dW1)
        np.multiply(self.D1, w2, out=db1)
        dw2[:] = self.dw2
        db2[:] = self.db2
        return gradient


def block_sums(
    parameters: Parameters, block: Block, activation: Activation, buffer: Array, ones: Array
) -> Sums:
    """The sums over one block. All arrays but those of the block have the dtype of X."""
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


def added(one: Sums, other: Sums) -> Sums:
    """Arrays in float64, whatever the dtype of the parts."""
    return Sums(
        one.loss + other.loss,
        one.held_out_loss + other.held_out_loss,
        np.add(one.DX, other.DX, dtype=np.float64),
        np.add(one.D1, other.D1, dtype=np.float64),
        np.add(one.dw2, other.dw2, dtype=np.float64),
        one.db2 + other.db2,
    )


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

    Calling it returns a float and a fresh float64 vector. Its memory does not grow
    with the number of rows, but for a sign of each: it owns a buffer for the hidden layer
    of a block, one for each thread.

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
        Who sums up the spans of blocks.
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
        self.activation = activation
        self.n_features = rows.X.shape[1]
        self.n_hidden = n_hidden
        self.alpha = alpha
        self._rows = rows
        self._held_out = held_out
        self._run = run
        self._seen = seen(rows)
        self._all_seen = all_seen or self._seen
        self._dtype = rows.X.dtype
        self._one_pass = bool(held_out and held_out.X is rows.X and held_out.y is rows.y)
        held_out_weight = held_out.sample_weight if held_out and self._one_pass else None
        self._row_bytes = n_hidden * self._dtype.itemsize
        blocks = row_blocks(rows.X.shape[0], self._row_bytes)
        self._spans = spans([block_of(rows, held_out_weight, block) for block in blocks])
        self._buffers = Buffers(rows.X.shape[0], n_hidden, self._dtype)
        self._ones = np.ones(self._buffers.n_rows, dtype=self._dtype)
        self._is_penalised = flatten(
            Parameters(
                np.ones((self.n_features, n_hidden)),
                np.zeros(n_hidden),
                np.ones(n_hidden),
                np.zeros(1),
            )
        )
        self._told = (np.array([]), np.nan)  # the last theta, and its held-out loss

    def __call__(self, theta: Vector) -> tuple[float, Vector]:
        parameters = cast(self._unflatten(theta), self._dtype)
        sums = self._summed(parameters, self._spans)
        if self._one_pass:
            self._told = theta.copy(), sums.held_out_loss
        share = self._seen.n_rows / self._all_seen.n_rows
        penalised = theta * self._is_penalised
        penalty = 0.5 * self.alpha * float(penalised @ penalised)
        loss = (sums.loss / share + penalty) / self._all_seen.total_weight
        return float(loss), self._gradient(sums, parameters, share, penalised)

    def held_out_loss(self, theta: Vector) -> float:
        """Weighted mean log-loss of the held-out rows, without penalty."""
        assert self._held_out is not None
        if not self._one_pass:
            parameters = cast(self._unflatten(theta), self._dtype)
            return mean_log_loss(parameters, self._held_out, self.activation, self._run)
        if not np.array_equal(theta, self._told[0]):
            self(theta)
        return float(self._told[1] / self._held_out.sample_weight.sum())

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
        parameters = cast(self._unflatten(theta), self._dtype)
        blocks = [
            block_of(Rows(*(part[batch[block]] for part in self._rows)))
            for block in row_blocks(batch.size, self._row_bytes)
        ]
        sums = self._summed(parameters, spans(blocks))
        share = batch.size / self._all_seen.n_rows
        return self._gradient(sums, parameters, share, theta * self._is_penalised)

    def _summed(self, parameters: Parameters, parts: Sequence[Sequence[Block]]) -> Sums:
        """Sums over the blocks of some spans, added in their order."""

        def summed(blocks: Sequence[Block]) -> Sums:
            with self._buffers.one() as buffer:
                each = (
                    block_sums(parameters, block, self.activation, buffer, self._ones)
                    for block in blocks
                )
                return reduce(added, each)

        return reduce(added, self._run(summed, parts))

    def _gradient(
        self, sums: Sums, parameters: Parameters, share: float, penalised: Vector
    ) -> Vector:
        """That of J, from sums over a share of the rows."""
        gradient = sums.gradient(parameters.w2)
        gradient /= share
        gradient += self.alpha * penalised
        gradient /= self._all_seen.total_weight
        return gradient

    def _unflatten(self, theta: Vector) -> Parameters:
        return unflatten(theta, self.n_features, self.n_hidden)
