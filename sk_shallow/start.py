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


def is_random(init: str | Callable[..., Any] | Sequence[Any], scale: float | None) -> bool:
    """Whether another seed draws another start."""
    if isinstance(init, str):
        return init not in ("zeros", "constant") and scale != 0
    return callable(init) and scale != 0


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
        If the user's weights have other shapes or are no finite real numbers.
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
        weights = as_array(init(rng, shape))
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
        W1, b1, w2, b2 = checked_parts(init, X.shape[1], n_hidden)
        return Parameters(scale * W1, b1, scale * w2, b2)

    return initialize


def checked_parts(init: Sequence[Any], n_features: int, n_hidden: int) -> list[Array]:
    """The four as float64 arrays; all that is wrong with them is told at once."""
    shapes: dict[str, list[tuple[int, ...]]] = {
        "W1": [(n_features, n_hidden)],
        # And as the columns and rows that lectures have, and `coefs_`.
        "b1": [(n_hidden,), (n_hidden, 1)],
        "w2": [(n_hidden,), (n_hidden, 1), (1, n_hidden)],
        "b2": [(1,), (), (1, 1)],
    }
    arrays = [as_array(part) for part in init]
    faults = {
        name: fault_of(array, legal)
        for (name, legal), array in zip(shapes.items(), arrays, strict=True)
    }
    told = "; ".join(f"{name} {fault}" for name, fault in faults.items() if fault)
    if told:
        raise InvalidParameterError(
            f"init=(W1, b1, w2, b2) must hold arrays that fit X and n_hidden, of finite "
            f"real numbers: {told}."
        )
    return [
        array.reshape(legal[0]).astype(np.float64)
        for legal, array in zip(shapes.values(), arrays, strict=True)
    ]


def as_array(part: Any) -> NDArray[Any]:
    try:
        return np.asarray(part)
    except (ValueError, TypeError):  # a ragged list
        return np.array(None)


def fault_of(array: NDArray[Any], legal: Sequence[tuple[int, ...]]) -> str:
    """What is wrong with a part, if anything is."""
    if array.dtype == object and array.ndim == 0:
        return "is no array"
    if array.shape not in legal:
        # Only W1 has two dimensions in the first place.
        turned = " (W1.T?)" if array.shape[::-1] == legal[0] else ""
        return f"must have shape {legal[0]}, got {array.shape}{turned}"
    return "" if are_finite_numbers(array) else "has others"


def are_finite_numbers(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "fiu" and bool(np.isfinite(array).all())
