"""J, the penalised log-loss, and its gradient, as a function of one flat vector.

    J = [ sum_i s_i * logloss(y_i, z2_i)  +  alpha/2 * (|W1|^2 + |w2|^2) ] / sum_i s_i

The sums over rows come from a table; the penalty is added here.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_shallow._core.activations import Vector
from sk_shallow._core.block import Sums, signs
from sk_shallow._core.parameters import Net, cast, unflatten
from sk_shallow._core.rows import Column, Run, one_by_one
from sk_shallow._core.table import ArrayTable, LossSums, Rows, matrix_of


class SampleTotals(NamedTuple):
    """Number of rows of weight > 0 that training has used so far, and their weight.

    In `fit`, these are the training rows. In `partial_fit`, those of all chunks up to now.
    """

    n_rows: int
    weight: float

    def plus(self, other: "SampleTotals") -> "SampleTotals":
        return SampleTotals(self.n_rows + other.n_rows, self.weight + other.weight)


def sample_totals(weight: Column) -> SampleTotals:
    return SampleTotals(int(np.count_nonzero(weight)), float(weight.sum()))


class Evaluation(NamedTuple):
    """J at one net."""

    net: Net  # of float64, whatever dtype the rows have
    loss: float
    gradient: Vector
    held_out_loss: float | None = None  # weighted mean log-loss, without penalty


class Objective:
    """J and its gradient as a function of the flat vector theta.

    The evaluation keeps theta, which must not be written to afterwards; its gradient is a
    fresh vector.

    Parameters
    ----------
    rows : Rows
        Training rows; sample weights sum to more than 0.
    start : Net
        A net of the same shape and activation.
    alpha : float
        Strength of the L2 penalty on W1 and w2; biases are free.
    totals : SampleTotals or None
        Those of all rows so far, if `rows` are a chunk: its sums count for all of them.
    held_out : Rows or None
        Rows whose loss each evaluation gives, too. If they are `rows` with other weights,
        it comes from the same pass.
    run : callable
        Computes the blocks of rows in memory, in one thread or several.
    """

    def __init__(
        self,
        rows: Rows,
        start: Net,
        alpha: float,
        totals: SampleTotals | None = None,
        held_out: Rows | None = None,
        run: Run = one_by_one,
    ) -> None:
        self.alpha = alpha
        self._shape = *start.W1.shape, start.activation
        self._rows = rows
        self._run = run
        self._own_totals = sample_totals(rows.sample_weight)
        self._totals = totals or self._own_totals
        self._validation: LossSums | None = None
        self._held_out_total: float | None = None
        held_out_weight = None
        if held_out is not None:
            self._held_out_total = held_out.sample_weight.sum()
            if held_out.X is rows.X and held_out.y is rows.y:
                held_out_weight = held_out.sample_weight
            else:
                self._validation = self._sums_of(held_out)
        self._training = self._sums_of(rows, held_out_weight)

    def __call__(self, theta: Vector) -> Evaluation:
        net = unflatten(theta, *self._shape)
        of_data = cast(net, self._rows.X.dtype)
        sums = self._training.sums(of_data)
        held_out_loss = None
        if self._held_out_total is not None:
            held_out_loss = sums.held_out_loss
            if self._validation is not None:
                held_out_loss = self._validation.loss(of_data)
            held_out_loss = float(held_out_loss / self._held_out_total)
        share = self._own_totals.weight / self._totals.weight
        penalised = self._penalised(theta)
        penalty = 0.5 * self.alpha * float(penalised @ penalised)
        loss = float((sums.loss / share + penalty) / self._totals.weight)
        gradient = self._gradient(sums, of_data, share, penalised)
        return Evaluation(net, loss, gradient, held_out_loss)

    def batches(
        self, rng: np.random.Generator, batch_size: int
    ) -> Iterator[Callable[[Vector], Vector]]:
        """One function theta -> gradient for each batch of a pass in random order.

        Each estimates the gradient of J without bias, from `batch_size` rows of weight
        > 0 (the last one from what is left).
        """
        order = rng.permutation(np.flatnonzero(self._rows.sample_weight))
        for start in range(0, order.size, batch_size):
            yield partial(self._batch_gradient, order[start : start + batch_size])

    def _batch_gradient(self, batch: NDArray[np.intp], theta: Vector) -> Vector:
        X, y, sample_weight = self._rows
        net = cast(unflatten(theta, *self._shape), X.dtype)
        rows = Rows(ArrayTable(matrix_of(X)[batch]), y[batch], sample_weight[batch])
        sums = self._sums_of(rows).sums(net)
        share = batch.size / self._totals.n_rows
        return self._gradient(sums, net, share, self._penalised(theta))

    def _sums_of(self, rows: Rows, held_out_weight: Column | None = None) -> LossSums:
        X, y, sample_weight = rows
        _, n_hidden, _ = self._shape
        return X.loss_sums(signs(y), sample_weight, held_out_weight, n_hidden, self._run)

    def _gradient(self, sums: Sums, net: Net, share: float, penalised: Vector) -> Vector:
        """The gradient of J from sums over a share of the rows. Writes over `penalised`."""
        gradient = np.multiply(penalised, self.alpha, out=penalised)
        parts = unflatten(gradient, *self._shape).weights
        for part, of_loss in zip(parts, sums.gradient(net.w2), strict=True):
            of_loss = of_loss.astype(np.float64, copy=False)
            part += np.divide(of_loss, share, out=of_loss)
        gradient /= self._totals.weight
        return gradient

    def _penalised(self, theta: Vector) -> Vector:
        """A copy of theta whose biases are 0: the weights that alpha penalises."""
        penalised = theta.copy()
        net = unflatten(penalised, *self._shape)
        net.b1[:] = 0
        net.b2[:] = 0
        return penalised
