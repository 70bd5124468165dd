"""The sums over one block of rows, of which J and its gradient are made.

Whatever there is one of per row (logit, loss, residual) is float64, and so are sums over
blocks; only the hidden layer has the dtype of X.
"""

from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_shallow._core.activations import Array, Vector
from sk_shallow._core.network import output, pre_activations
from sk_shallow._core.parameters import Net
from sk_shallow._core.rows import Column, Matrix, take_rows


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
    """Some rows, with what J needs of each."""

    X: Matrix
    sign: Column
    sample_weight: Column
    held_out_weight: Column | None  # of validation rows

    def part(self, rows: slice) -> "Block":
        """The block of some of the rows, which are consecutive, as views."""
        X, sign, weight, held_out = self
        held_out = None if held_out is None else held_out[rows]
        return Block(take_rows(X, rows), sign[rows], weight[rows], held_out)

    def as_float64(self) -> "Block":
        """The same block with its columns in float64, as `block_sums` takes them."""
        X, sign, weight, held_out = self
        if sign.dtype == np.float64:
            return self
        sign, weight = sign.astype(np.float64), weight.astype(np.float64, copy=False)
        if held_out is not None:
            held_out = held_out.astype(np.float64, copy=False)
        return Block(X, sign, weight, held_out)

    def present(self) -> "Block":
        """A copy without the rows that count neither in training nor in validation."""
        X, sign, weight, held_out = self
        is_present = weight > 0
        if held_out is not None:
            is_present |= held_out > 0
            held_out = held_out[is_present]
        return Block(X[is_present], sign[is_present], weight[is_present], held_out)


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
        """Whether no row made them infinite or NaN.

        A row that does so shows in the loss or in the gradient of the output layer.
        """
        of_units = float(np.add.reduce(self.dw2))
        return isfinite(self.loss + self.held_out_loss + self.db2 + of_units)

    def gradient(self, w2: Array) -> tuple[Array, Array, Array, Array]:
        """The gradient of the summed loss in W1, b1, w2 and b2.

        Written over DX, the largest array, if its dtype allows.
        """
        out = self.DX.T if self.DX.dtype == np.float64 else None
        dW1 = np.multiply(self.DX.T, w2, out=out)
        return dW1, self.D1 * w2, self.dw2, np.array([self.db2])


def block_sums(net: Net, block: Block, buffer: Array, ones: Array) -> Sums:
    """The sums over one block in float64. `buffer` and `ones` have the dtype of X."""
    X, sign, sample_weight, held_out_weight = block
    A1 = net.activation.apply(pre_activations(net, X, buffer))
    loss, slope = log_loss_and_slope(output(net, A1), sign)
    residual = np.multiply(slope, sample_weight, out=slope)
    dz2 = residual.astype(A1.dtype, copy=False)
    dw2 = A1 @ dz2
    D = net.activation.slope(A1)
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
    """The sum of two `Sums`, its arrays in float64.

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
