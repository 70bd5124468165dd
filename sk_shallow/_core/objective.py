"""J, the penalised log-loss, and its gradient, summed over row blocks.

    J = [ sum_i s_i * logloss(y_i, z2_i)  +  alpha/2 * (|W1|^2 + |w2|^2) ] / sum_i s_i

Blocks are added in a fixed order, so the same data and weights give the same bits.
Whatever there is one of per row (logit, loss, residual) is float64, and so are the
sums; only the hidden layer has the dtype of X.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_shallow._core.activations import Activation
from sk_shallow._core.network import hidden_buffer, logits, output, pre_activations
from sk_shallow._core.parameters import (
    Array,
    Parameters,
    Vector,
    cast,
    flatten,
    n_parameters,
    unflatten,
)
from sk_shallow._core.rows import Rows, row_blocks, take_rows


def log_loss_and_slope(z2: Array, y: Vector) -> tuple[Vector, Vector]:
    """Log-loss of each row and its derivative in z2, p - y.

    Both follow from one exponential that cannot overflow. With u = z2 where y is 0
    and -z2 where y is 1, the loss is softplus(u) = max(u, 0) + log(1 + exp(-|u|)).

    Parameters
    ----------
    z2 : array of shape (n_rows,)
        Logits.
    y : array of shape (n_rows,)
        0 or 1.

    Returns
    -------
    loss, slope : float64 arrays of shape (n_rows,)
        The log-loss and its derivative in z2.
    """
    sign = 1.0 - 2.0 * y
    u = sign * z2
    e = np.exp(-np.abs(u))
    loss = np.maximum(u, 0.0) + np.log1p(e)
    sigmoid_u = np.where(u >= 0, 1.0, e) / (1.0 + e)
    return loss, sign * sigmoid_u


def mean_log_loss(
    theta: Vector, rows: Rows, activation: Activation, n_hidden: int
) -> float:
    """Weighted mean log-loss of some rows at theta, without penalty."""
    parameters = cast(unflatten(theta, rows.X.shape[1], n_hidden), rows.X.dtype)
    z2 = logits(parameters, rows.X, activation)
    loss, _ = log_loss_and_slope(z2, rows.y)
    return float(rows.sample_weight @ loss / rows.sample_weight.sum())


def block_loss_and_gradient(
    parameters: Parameters, rows: Rows, activation: Activation, buffer: Array
) -> tuple[float, Parameters]:
    """Loss and gradient summed over one block: no penalty, not yet divided.

    `parameters` and `buffer` have the dtype of X.
    """
    X, y, sample_weight = rows
    A1 = activation.apply(pre_activations(parameters, X, buffer))
    loss, slope = log_loss_and_slope(output(parameters, A1), y)
    residual = sample_weight * slope
    dz2 = residual.astype(A1.dtype, copy=False)
    dw2 = A1 @ dz2

    # dZ1 = w2 * phi'(Z1) * dz2. The factor w2 is the same for all rows of the block,
    # so it is left out of D and multiplied to the small products instead.
    D = activation.slope(A1)
    D *= dz2
    dW1 = (D @ X).T * parameters.w2
    db1 = (D @ np.ones_like(dz2)) * parameters.w2
    db2 = residual.sum(keepdims=True)
    return float(sample_weight @ loss), Parameters(dW1, db1, dw2, db2)


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
    with the number of rows: it owns one buffer for the hidden layer of a block.

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
    """

    def __init__(
        self,
        rows: Rows,
        activation: Activation,
        n_hidden: int,
        alpha: float,
        all_seen: Seen | None = None,
    ) -> None:
        self.activation = activation
        self.n_features = rows.X.shape[1]
        self.n_hidden = n_hidden
        self.alpha = alpha
        self._rows = rows
        self._seen = seen(rows)
        self._all_seen = all_seen or self._seen
        self._dtype = rows.X.dtype
        self._buffer = hidden_buffer(n_hidden, rows.X.shape[0], self._dtype)
        self._blocks = [
            Rows(take_rows(rows.X, block), rows.y[block], rows.sample_weight[block])
            for block in row_blocks(rows.X.shape[0])
        ]
        self._is_penalised = flatten(
            Parameters(
                np.ones((self.n_features, n_hidden)),
                np.zeros(n_hidden),
                np.ones(n_hidden),
                np.zeros(1),
            )
        )

    def __call__(self, theta: Vector) -> tuple[float, Vector]:
        loss, gradient = self._summed(theta, self._blocks)
        penalised = theta * self._is_penalised
        penalty = 0.5 * self.alpha * float(penalised @ penalised)
        share = self._seen.n_rows / self._all_seen.n_rows
        loss = (loss / share + penalty) / self._all_seen.total_weight
        gradient = (gradient / share + self.alpha * penalised) / self._all_seen.total_weight
        return loss, gradient

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
        blocks = (
            Rows(*(part[batch[block]] for part in self._rows))
            for block in row_blocks(batch.size)
        )
        _, gradient = self._summed(theta, blocks)
        share = batch.size / self._all_seen.n_rows
        penalty_gradient = self.alpha * (theta * self._is_penalised)
        return (gradient / share + penalty_gradient) / self._all_seen.total_weight

    def _summed(self, theta: Vector, blocks: Iterable[Rows]) -> tuple[float, Vector]:
        """Loss and gradient summed over the rows of some blocks, without penalty."""
        parameters = cast(self._unflatten(theta), self._dtype)
        loss = 0.0
        gradient = np.zeros(n_parameters(self.n_features, self.n_hidden))
        for block in blocks:
            block_loss, block_gradient = block_loss_and_gradient(
                parameters, block, self.activation, self._buffer
            )
            loss += block_loss
            gradient += flatten(block_gradient)
        return loss, gradient

    def _unflatten(self, theta: Vector) -> Parameters:
        return unflatten(theta, self.n_features, self.n_hidden)
