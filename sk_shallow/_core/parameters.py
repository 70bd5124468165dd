"""The weights of a net, and their way into one flat vector and back."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[np.floating[Any]]
Vector = NDArray[np.float64]


class Parameters(NamedTuple):
    """Weights and biases of a net with one hidden layer.

    A gradient of J has the same four parts, so it is stored in the same way.
    """

    W1: Array  # (n_features, n_hidden)
    b1: Array  # (n_hidden,)
    w2: Array  # (n_hidden,)
    b2: Array  # (1,)

    @property
    def n_features(self) -> int:
        return int(self.W1.shape[0])

    @property
    def n_hidden(self) -> int:
        return int(self.W1.shape[1])


def n_parameters(n_features: int, n_hidden: int) -> int:
    """Length of the flat vector."""
    return n_features * n_hidden + 2 * n_hidden + 1


def flatten(parameters: Parameters) -> Vector:
    """One float64 vector [W1, b1, w2, b2], whatever the dtype of the parts."""
    return np.concatenate([part.ravel() for part in parameters], dtype=np.float64)


def unflatten(theta: Array, n_features: int, n_hidden: int) -> Parameters:
    """The four parts as views into `theta`: no copy is made."""
    end_W1 = n_features * n_hidden
    end_b1 = end_W1 + n_hidden
    return Parameters(
        W1=theta[:end_W1].reshape(n_features, n_hidden),
        b1=theta[end_W1:end_b1],
        w2=theta[end_b1:-1],
        b2=theta[-1:],
    )


def cast(parameters: Parameters, dtype: DTypeLike) -> Parameters:
    """The same weights in another dtype, copied only where it differs."""
    if all(part.dtype == dtype for part in parameters):
        return parameters
    return Parameters(*(part.astype(dtype, copy=False) for part in parameters))
