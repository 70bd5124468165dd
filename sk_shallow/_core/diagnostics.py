"""Numbers about a hidden layer: is it symmetric, saturated, dead, collapsed?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sk_shallow._core.activations import Activation
from sk_shallow._core.network import pre_activations
from sk_shallow._core.parameters import Array, Parameters, Vector
from sk_shallow._core.rows import Matrix, Rows

FLAT_SLOPE = 0.05  # a slope under 5 % of phi's maximum counts as flat


class HiddenLayer(NamedTuple):
    """How a hidden layer responds to some rows."""

    Z1: Array  # (n_hidden, n_rows)
    flat: NDArray[np.bool_]  # (n_hidden, n_rows): slope under 5 % of phi's maximum

    @property
    def size(self) -> float:
        """Mean |Z1|."""
        return float(np.abs(self.Z1).mean(dtype=np.float64))

    @property
    def saturated_share(self) -> float:
        """Share of unit-row pairs on the flat part of phi."""
        return float(self.flat.mean())

    @property
    def n_dead(self) -> int:
        """Number of units that are flat on every row."""
        return int(self.flat.all(axis=1).sum())


def is_symmetric(parameters: Parameters) -> bool:
    """Whether there are several hidden units, and all of them are the same.

    They then get the same gradient, and stay the same.
    """
    W1, b1, w2, _ = parameters
    return bool(
        parameters.n_hidden > 1
        and W1[0, 0] == W1[0, 1]  # settles nearly every case, at once
        and (W1[:, :1] == W1).all()
        and (b1[0] == b1).all()
        and (w2[0] == w2).all()
    )


def hidden_layer(parameters: Parameters, X: Matrix, activation: Activation) -> HiddenLayer:
    """The pre-activations on the rows of X, and where phi is flat there."""
    buffer = np.empty(parameters.n_hidden * X.shape[0], dtype=parameters.W1.dtype)
    Z1 = pre_activations(parameters, X, buffer)
    slope = activation.slope(activation.apply(Z1.copy()))
    return HiddenLayer(Z1, slope < FLAT_SLOPE * activation.max_slope)


def column_sizes(X: Matrix) -> Vector:
    """The size of each column that standardising makes 1, shape (n_features,).

    The root mean square; for CSR, whose columns keep their mean, the standard deviation.
    """
    if not sparse.issparse(X):
        rms: Vector = np.sqrt(np.mean(np.square(X, dtype=np.float64), axis=0))
        return rms
    mean, mean_square = (
        np.asarray(part.mean(axis=0, dtype=np.float64)).ravel()
        for part in (X, X.multiply(X))
    )
    deviation: Vector = np.sqrt(np.maximum(mean_square - mean**2, 0.0))
    return deviation


def rows_are_alike(X: Matrix) -> bool:
    """Whether X is the same in every row."""
    if sparse.issparse(X):
        return np.array_equal(X.min(axis=0).toarray(), X.max(axis=0).toarray())
    return bool((X[:1] == X).all())


def linear_signal(rows: Rows) -> float:
    """|X'(y - mean y)|, weighted: what a net near zero can gain by growing.

    Near zero the net is linear, z2 = X W1 w2 * phi'(0), and both layers gain from
    growing only if alpha is under phi'(0) times this norm. Above it, the zero net is
    a local minimum of J.
    """
    X, y, sample_weight = rows
    residual = sample_weight * (y - np.average(y, weights=sample_weight))
    gain: Vector = X.T @ residual.astype(X.dtype, copy=False)
    return float(np.linalg.norm(gain))
