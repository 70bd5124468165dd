"""Where training starts: weights drawn by `init`, or those of the last fit."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from sk_shallow._core.initializers import INITIALIZERS, Draw, Scheme, layerwise
from sk_shallow._core.parameters import Array, Parameters
from sk_shallow._core.rows import Rows
from sk_shallow.exceptions import InvalidParameterError


class Start(NamedTuple):
    """The weights training starts from, and the parameters that made them."""

    parameters: Parameters
    activation: str
    init: str | Callable[..., Any] | None  # None: the weights of the last fit
    init_scale: float = 1.0

    @property
    def origin(self) -> str:
        if self.init is None:
            return "the weights of the last fit, warm_start=True"
        named = isinstance(self.init, str)
        name = repr(self.init) if named else getattr(self.init, "__name__", self.init)
        return f"init={name}, init_scale={self.init_scale:.3g}"


def draw_start(
    init: str | Callable[..., Any],
    init_scale: float | None,
    activation: str,
    n_hidden: int,
    rows: Rows,
    rng: np.random.Generator,
) -> Start:
    """Draw weights by the scheme that `init` names, or by the user's callable.

    Raises
    ------
    InvalidParameterError
        If a callable returns weights of another shape or no finite real numbers.
    """
    if isinstance(init, str):
        scheme = INITIALIZERS[init]
    else:
        scheme = Scheme(layerwise(checked_draw(init)), default_scale=1.0)
    scale = scheme.default_scale if init_scale is None else float(init_scale)
    X, _, sample_weight = rows
    with np.errstate(over="ignore"):  # the first iteration speaks of it
        drawn = scheme.initialize(rng, X, sample_weight, n_hidden, scale)
    return Start(drawn, activation, init, scale)


def checked_draw(init: Callable[..., Any]) -> Draw:
    """The user's `init(rng, shape)`, its weights checked."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        weights = np.asarray(init(rng, shape))
        if weights.shape != shape:
            raise InvalidParameterError(
                f"init(rng, shape) must return an array of the shape it is given: "
                f"for shape={shape} it returned {weights.shape}."
            )
        if weights.dtype.kind not in "fiu" or not np.isfinite(weights).all():
            raise InvalidParameterError(
                f"init(rng, shape) must return finite real numbers: "
                f"for shape={shape} it returned others."
            )
        return weights.astype(np.float64)

    return draw
