"""The start of training: its random numbers, and its weights.

Each purpose has a random generator of its own, so that one choice never changes another.
The weights are those that `init` draws or gives, or those of the last fit.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from sk_shallow._core.activations import Activation, Array
from sk_shallow._core.initializers import INITIALIZERS, Draw, Initializer, layerwise
from sk_shallow._core.parameters import Net, n_parameters
from sk_shallow._core.solvers import AdamState
from sk_shallow._core.table import Rows
from sk_shallow.exceptions import InvalidParameterError
from sk_shallow.training.options import Options


class Generators(NamedTuple):
    """The random generators of one training."""

    init: np.random.Generator
    split: np.random.RandomState
    shuffle: np.random.Generator


def draw_entropy(random_state: Any) -> list[int]:
    """What all generators of a fit follow from, drawn from `random_state`."""
    generator = check_random_state(random_state)
    return generator.randint(2**32, size=4, dtype=np.uint32).tolist()


def spawn_generators(entropy: list[int], number: int = 0) -> Generators:
    """The generators of one start, which do not depend on how many starts there are.

    One SeedSequence is spawned for each start, and from that one for each purpose.
    """
    start = np.random.SeedSequence(entropy, spawn_key=(number,))
    init, split, shuffle = start.spawn(3)
    return Generators(
        init=np.random.default_rng(init),
        split=np.random.RandomState(np.random.MT19937(split)),
        shuffle=np.random.default_rng(shuffle),
    )


class Start(NamedTuple):
    """The net training starts from, and the parameters that made it."""

    net: Net
    init: str | Callable[..., Any] | Sequence[Any] | None  # None: the last fit's weights
    init_scale: float = 1.0
    adam_state: AdamState | None = None

    @property
    def is_drawn(self) -> bool:
        """Whether weights are drawn, and not given or those of the last fit."""
        return isinstance(self.init, str) or callable(self.init)

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


def default_scale(init: str | Callable[..., Any] | Sequence[Any]) -> float:
    """What `init_scale=None` stands for."""
    return INITIALIZERS[init].default_scale if isinstance(init, str) else 1.0


def draw_start(options: Options, rows: Rows, generators: Generators) -> Start:
    """Weights by the scheme that `init` names, by the user's callable, or as given.

    Raises
    ------
    InvalidParameterError
        If the user's weights have other shapes or are no finite real numbers.
    """
    init, scale = options.init, options.init_scale
    if isinstance(init, str):
        initialize = INITIALIZERS[init].initialize
    else:
        initialize = layerwise(checked_draw(init)) if callable(init) else given(init)
    scale = default_scale(init) if scale is None else float(scale)
    with np.errstate(over="ignore", invalid="ignore"):  # an error at the first iteration
        net = initialize(generators.init, rows, options.n_hidden, options.activation, scale)
    return Start(net, init, scale, initial_adam_state(options, net, generators))


def initial_adam_state(
    options: Options, net: Net, generators: Generators
) -> AdamState | None:
    """Adam's state before its first step; None for other solvers."""
    if options.solver != "adam":
        return None
    size = n_parameters(net.n_features, net.n_hidden)
    return AdamState.initial(generators.shuffle, size)


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
        rng: np.random.Generator,  # noqa: ARG001 (nothing is drawn)
        rows: Rows,
        n_hidden: int,
        activation: Activation,
        scale: float,
    ) -> Net:
        W1, b1, w2, b2 = checked_parts(init, rows.X.shape[1], n_hidden)
        return Net(scale * W1, b1, scale * w2, b2, activation)

    return initialize


def checked_parts(init: Sequence[Any], n_features: int, n_hidden: int) -> list[Array]:
    """W1, b1, w2 and b2 as float64 arrays; one error names all that is wrong."""
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
    all_faults = "; ".join(f"{name} {fault}" for name, fault in faults.items() if fault)
    if all_faults:
        raise InvalidParameterError(
            f"init=(W1, b1, w2, b2) must hold arrays that fit X and n_hidden, of finite "
            f"real numbers: {all_faults}."
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
