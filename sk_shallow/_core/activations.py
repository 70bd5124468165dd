"""The hidden activation phi, its slope and curvature in terms of A1 = phi(Z1).

Every function writes over its argument and returns it, so that the pass over a
block of rows needs one buffer.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Vector = NDArray[np.float64]


class Activation(NamedTuple):
    """phi, phi' and phi'' as in-place functions, with the facts a diagnosis needs."""

    name: str
    apply: Callable[[Array], Array]  # Z1 -> A1
    slope: Callable[[Array], Array]  # A1 -> phi'(Z1)
    curvature: Callable[[Array], Array] | None  # A1 -> phi''(Z1); None where it is 0
    max_slope: float
    linear_range: float  # |Z1| up to which phi is roughly linear


def tanh(Z1: Array) -> Array:
    return np.tanh(Z1, out=Z1)


def tanh_slope(A1: Array) -> Array:
    np.square(A1, out=A1)
    return np.subtract(1, A1, out=A1)


def tanh_curvature(A1: Array) -> Array:
    # -2 a (1 - a^2)
    A1 *= np.square(A1) - 1
    A1 *= 2
    return A1


def logistic(Z1: Array) -> Array:
    # (1 + tanh(z / 2)) / 2 cannot overflow, and NumPy's tanh is vectorised.
    Z1 *= 0.5
    np.tanh(Z1, out=Z1)
    Z1 += 1
    Z1 *= 0.5
    return Z1


def logistic_slope(A1: Array) -> Array:
    # a (1 - a) = 1/4 - (a - 1/2)^2
    A1 -= 0.5
    np.square(A1, out=A1)
    return np.subtract(0.25, A1, out=A1)


def logistic_curvature(A1: Array) -> Array:
    # a (1 - a) (1 - 2 a) = 2 (a - 1/2) ((a - 1/2)^2 - 1/4)
    A1 -= 0.5
    A1 *= np.square(A1) - 0.25
    A1 *= 2
    return A1


def relu(Z1: Array) -> Array:
    return np.maximum(Z1, 0, out=Z1)


def relu_slope(A1: Array) -> Array:
    return np.greater(A1, 0, out=A1)


ACTIVATIONS: dict[str, Activation] = {
    phi.name: phi
    for phi in (
        Activation(
            "tanh", tanh, tanh_slope, tanh_curvature, max_slope=1.0, linear_range=1.0
        ),
        Activation(
            "logistic",
            logistic,
            logistic_slope,
            logistic_curvature,
            max_slope=0.25,
            linear_range=2.0,
        ),
        Activation("relu", relu, relu_slope, None, max_slope=1.0, linear_range=np.inf),
    )
}
