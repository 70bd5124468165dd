"""Where training starts: weights that `init` draws or gives, or those of the last fit."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_shallow._core.initializers import (
    INITIALIZERS,
    Draw,
    Initializer,
    Scheme,
    layerwise,
)
from sk_shallow._core.parameters import Array, Parameters
from sk_shallow._core.rows import Column, Matrix, Rows
from sk_shallow.exceptions import InvalidParameterError


class Start(NamedTuple):
    """The weights training starts from, and the parameters that made them."""

    parameters: Parameters
    activation: str
    init: str | Callable[..., Any] | Sequence[Any] | None  # None: the last fit's weights
    init_scale: float = 1.0

    @property
    def origin(self) -> str:
        if self.init is None:
            return "the weights of the last fit, warm_start=True"
        if isinstance(self.init, str):
            name = repr(self.init)
        elif callable(self.init):
            name = getattr(self.init, "__name__", repr(self.init))
        else:
            name = "(W1, b1, w2, b2)"
        return f"init={name}, init_scale={self.init_scale:.3g}"


def draw_start(
    init: str | Callable[..., Any] | Sequence[Any],
    init_scale: float | None,
    activation: str,
    n_hidden: int,
    rows: Rows,
    rng: np.random.Generator,
) -> Start:
    """Weights by the scheme that `init` names, by the user's callable, or as given.

    Raises
    ------
    InvalidParameterError
        If the user's weights have another shape or are no finite real numbers.
    """
    if isinstance(init, str):
        scheme = INITIALIZERS[init]
    elif callable(init):
        scheme = Scheme(layerwise(checked_draw(init)), default_scale=1.0)
    else:
        scheme = Scheme(given(init), default_scale=1.0)
    scale = scheme.default_scale if init_scale is None else float(init_scale)
    X, _, sample_weight = rows
    with np.errstate(over="ignore", invalid="ignore"):  # the first iteration speaks
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
        if not are_finite_numbers(weights):
            raise InvalidParameterError(
                f"init(rng, shape) must return finite real numbers: "
                f"for shape={shape} it returned others."
            )
        return weights.astype(np.float64)

    return draw


def given(init: Sequence[Any]) -> Initializer:
    """The user's (W1, b1, w2, b2), checked; the scale multiplies W1 and w2."""

    def initialize(
        rng: np.random.Generator,  # noqa: ARG001 (nothing is left to chance)
        X: Matrix,
        sample_weight: Column,  # noqa: ARG001
        n_hidden: int,
        scale: float,
    ) -> Parameters:
        shapes = {
            "W1": (X.shape[1], n_hidden),
            "b1": (n_hidden,),
            "w2": (n_hidden,),
            "b2": (1,),
        }
        W1, b1, w2, b2 = (
            checked_part(name, part, shape)
            for (name, shape), part in zip(shapes.items(), init, strict=True)
        )
        return Parameters(scale * W1, b1, scale * w2, b2)

    return initialize


def checked_part(name: str, part: Any, shape: tuple[int, ...]) -> Array:
    """One of the four as a float64 array; as in `coefs_`, w2 may be a column."""
    try:
        array = np.asarray(part)
    except ValueError as error:
        raise InvalidParameterError(
            f"init=(W1, b1, w2, b2) must hold arrays: {name} is none ({error})."
        ) from error
    if (name == "w2" and array.shape == (*shape, 1)) or (name == "b2" and array.ndim == 0):
        array = array.reshape(shape)
    if array.shape != shape:
        raise InvalidParameterError(
            f"init=(W1, b1, w2, b2) must fit X and n_hidden: {name} must have shape "
            f"{shape}, got {array.shape}."
        )
    if not are_finite_numbers(array):
        raise InvalidParameterError(
            f"init=(W1, b1, w2, b2) must hold finite real numbers: {name} has others."
        )
    return array.astype(np.float64)


def are_finite_numbers(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "fiu" and bool(np.isfinite(array).all())
