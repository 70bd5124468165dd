"""How a net starts: scheme x init_scale -> Net.

A draw gives unit weights for one layer, `draw(rng, shape) -> array` with shape
(fan_in, fan_out). An initialiser gives a whole start. It also sees the data: `lsuv` fits
its start to it; for all others, biases start at 0 and only the shape of the net counts.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sk_shallow._core.activations import Activation, Array
from sk_shallow._core.diagnostics import unit_moments
from sk_shallow._core.parameters import Net, cast
from sk_shallow._core.table import Rows

Draw = Callable[[np.random.Generator, tuple[int, int]], Array]
# (rng, rows, n_hidden, activation, scale) -> net
Initializer = Callable[[np.random.Generator, Rows, int, Activation, float], Net]


class Scheme(NamedTuple):
    """An initialiser and the `init_scale` that stands for `None`."""

    initialize: Initializer
    default_scale: float


def layerwise(draw: Draw) -> Initializer:
    """The initialiser that scales one unit draw for W1 and one for w2."""

    def initialize(
        rng: np.random.Generator,
        rows: Rows,
        n_hidden: int,
        activation: Activation,
        scale: float,
    ) -> Net:
        W1 = scale * draw(rng, (rows.X.shape[1], n_hidden))
        w2 = scale * draw(rng, (n_hidden, 1))[:, 0]
        return Net(W1, np.zeros(n_hidden), w2, np.zeros(1), activation)

    return initialize


def zeros(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    return np.zeros(shape)


def constant(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    return np.ones(shape)


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    return rng.standard_normal(shape)


def uniform(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    return rng.uniform(-1.0, 1.0, shape)


def glorot_variance(fan_in: int, fan_out: int) -> float:
    """Glorot & Bengio (2010): halfway between keeping signal and gradient."""
    return 2.0 / (fan_in + fan_out)


def he_variance(fan_in: int, fan_out: int) -> float:
    """He, Zhang, Ren & Sun (2015): keeps the signal through relu."""
    return 2.0 / fan_in


def lecun_variance(fan_in: int, fan_out: int) -> float:
    """LeCun, Bottou, Orr & Mueller (1998): keeps the signal through tanh."""
    return 1.0 / fan_in


def normal_with(variance: Callable[[int, int], float]) -> Draw:
    """N(0, variance(fan_in, fan_out))."""
    return lambda rng, shape: np.sqrt(variance(*shape)) * normal(rng, shape)


def uniform_with(variance: Callable[[int, int], float]) -> Draw:
    """U(-a, a) with a^2 / 3 = variance(fan_in, fan_out)."""
    return lambda rng, shape: np.sqrt(3.0 * variance(*shape)) * uniform(rng, shape)


def orthogonal(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Orthonormal columns, or rows where there are fewer of them.

    Saxe, McClelland & Ganguli (2014). The signs of R's diagonal make Q uniformly
    distributed (Mezzadri, 2007).
    """
    tall = (max(shape), min(shape))
    Q, R = np.linalg.qr(normal(rng, tall))
    Q *= np.where(np.diagonal(R) < 0, -1.0, 1.0)
    return Q if shape == tall else Q.T


def lsuv(
    rng: np.random.Generator,
    rows: Rows,
    n_hidden: int,
    activation: Activation,
    scale: float,
) -> Net:
    """Orthonormal weights, then every unit brought to mean 0 and unit sd on the rows.

    Layer-sequential unit-variance start (Mishkin & Matas, 2016), with one step for each
    unit instead of one for the layer, and with biases. So columns of any size and offset
    start off the plateau. A unit that is the same on every row keeps its weights.
    """
    drawn = layerwise(orthogonal)(rng, rows, n_hidden, activation, 1.0)
    X, _, sample_weight = rows
    mean, deviation = unit_moments(cast(drawn, X.dtype), X, sample_weight)
    rounding = 100 * np.finfo(X.dtype).eps * np.abs(mean)
    factor = scale / np.where(deviation > rounding, deviation, 1.0)
    return drawn._replace(W1=drawn.W1 * factor, b1=-mean * factor, w2=scale * drawn.w2)


INITIALIZERS: dict[str, Scheme] = {
    "zeros": Scheme(layerwise(zeros), 1.0),
    "constant": Scheme(layerwise(constant), 0.01),
    "normal": Scheme(layerwise(normal), 0.01),
    "uniform": Scheme(layerwise(uniform), 0.01),
    "glorot_normal": Scheme(layerwise(normal_with(glorot_variance)), 1.0),
    "glorot_uniform": Scheme(layerwise(uniform_with(glorot_variance)), 1.0),
    "he_normal": Scheme(layerwise(normal_with(he_variance)), 1.0),
    "he_uniform": Scheme(layerwise(uniform_with(he_variance)), 1.0),
    "lecun_normal": Scheme(layerwise(normal_with(lecun_variance)), 1.0),
    "lecun_uniform": Scheme(layerwise(uniform_with(lecun_variance)), 1.0),
    "orthogonal": Scheme(layerwise(orthogonal), 1.0),
    "lsuv": Scheme(lsuv, 1.0),
}
