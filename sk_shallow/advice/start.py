"""Warnings of a bad start: SymmetryWarning and SaturationWarning."""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

import numpy as np
from scipy.special import entr

from sk_shallow._core.block import log_loss_and_slope, signs
from sk_shallow._core.diagnostics import HiddenLayer, is_symmetric
from sk_shallow._core.parameters import cast
from sk_shallow._core.rows import Matrix
from sk_shallow._core.solvers import SOLVERS
from sk_shallow._core.table import Rows, Sample, logits, sample
from sk_shallow.advice.remedies import (
    MOST_ROWS,
    layer_of,
    remedy_for_dead_units,
    remedy_for_size,
    remedy_for_symmetry,
)
from sk_shallow.advice.wording import (
    dead,
    on_the_flat_part,
    plural,
    sentence,
    warn,
    worth_one,
)
from sk_shallow.exceptions import SaturationWarning, SymmetryWarning
from sk_shallow.training.start import Start

MOST_SATURATED = 0.5  # share of unit-row pairs on the flat part from which we warn
MOST_DEAD = 0.25  # share of relu units dead on every row from which we warn
LARGEST_LOGIT = 100.0  # mean |z2| of a relu net from which we warn


def warn_of_start(start: Start, rows: Rows) -> None:
    """SymmetryWarning or SaturationWarning, if the start is a bad one."""
    if is_symmetric(start.net):
        warn(symmetry_message(start), SymmetryWarning)
        return
    if start.init is None:  # trained units may well be saturated
        return
    few = sample(rows, MOST_ROWS)
    X = few.X
    message = relu_message if start.net.activation.name == "relu" else plateau_message
    with np.errstate(over="ignore", invalid="ignore"):
        if not start.is_drawn and beats_a_constant(start, few):
            return
        layer = layer_of(start, X)
        text, size = message(start, layer, X), layer.size
    # A zero start of one unit has nothing to scale. What overflows is an error at the
    # first iteration.
    if text and 0 < size < np.inf:
        warn(text, SaturationWarning)


def beats_a_constant(start: Start, rows: Sample) -> bool:
    """Whether the log-loss at the start is below that of the class frequencies."""
    X, y, weight = rows
    z2 = logits(cast(start.net, X.dtype), X)
    loss, _ = log_loss_and_slope(z2, signs(y))
    share = np.average(y, weights=weight)
    return bool(np.average(loss, weights=weight) < entr(share) + entr(1 - share))


def warn_of_unused_rate(solver: str, learning_rate: float | None) -> None:
    """A UserWarning, if there is a learning rate that the solver does not use."""
    if learning_rate is not None and SOLVERS[solver].learning_rate is None:
        warn(
            f"learning_rate={learning_rate!r} is not used: solver={solver!r} finds its own "
            f"steps. Set solver='gd' or solver='adam', or learning_rate=None.",
            UserWarning,
        )


def warn_of_small_class(n_folds: int, sizes: Mapping[Any, int]) -> None:
    """A UserWarning, if a class has fewer rows than there are folds."""
    label, size = min(sizes.items(), key=itemgetter(1))
    if size < n_folds:
        warn(
            f"cv={n_folds} is more than the {plural(size, 'row')} of class {label!s} (of "
            f"weight > 0): some test folds lack it. Set cv={size}.",
            UserWarning,
        )


def symmetry_message(start: Start) -> str:
    same = f"start identical ({start.origin}), and get the same gradient at every iteration"
    return f"{worth_one(start.net.n_hidden, same)} {sentence(remedy_for_symmetry(start))}"


def plateau_message(start: Start, layer: HiddenLayer, X: Matrix) -> str | None:
    """For tanh and logistic: too many unit-row pairs where phi is flat."""
    if layer.saturated_share <= MOST_SATURATED:
        return None
    phi = start.net.activation
    return (
        f"{on_the_flat_part(layer.saturated_share, phi.name, 'start')}: training may take "
        f"longer, or end in a worse net. "
        f"{remedy_for_size(start, X, phi.linear_range / layer.size)}"
    )


def relu_message(start: Start, layer: HiddenLayer, X: Matrix) -> str | None:
    """For relu: too many dead units, or logits that explode."""
    n_hidden = start.net.n_hidden
    if layer.n_dead >= MOST_DEAD * n_hidden:
        return f"{dead(layer.n_dead, n_hidden, 'start')} {remedy_for_dead_units(X)}"
    z2 = logits(cast(start.net, X.dtype), X)
    return logit_message(start, float(np.abs(z2).mean(dtype=np.float64)), X)


def logit_message(start: Start, size: float, X: Matrix) -> str | None:
    """For relu: logits of a mean size that is too large."""
    if size < LARGEST_LOGIT:
        return None
    # Without biases a relu net grows with the square of init_scale.
    return (
        f"The logits start at a size of {size:.1g}, where the output is flat: the net is "
        f"sure of every row before it has learnt, and training may end in a worse net. "
        f"{remedy_for_size(start, X, size**-0.5)}"
    )
