"""Is the start a bad one? SymmetryWarning and SaturationWarning."""

import numpy as np
from scipy import sparse
from scipy.special import entr

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.diagnostics import (
    HiddenLayer,
    column_sizes,
    hidden_layer,
    is_symmetric,
)
from sk_shallow._core.initializers import INITIALIZERS
from sk_shallow._core.network import logits
from sk_shallow._core.objective import log_loss_and_slope, signs
from sk_shallow._core.parameters import cast
from sk_shallow._core.rows import Matrix, Rows, few_of
from sk_shallow._core.solvers import SOLVERS
from sk_shallow.advice.wording import sentence, significant, standardise, warn
from sk_shallow.exceptions import SaturationWarning, SymmetryWarning
from sk_shallow.start import Start

MOST_ROWS = 200  # so that looking at them costs less than 1 % of most fits
MOST_SATURATED = 0.5  # share of unit-row pairs on the flat part from which we warn
MOST_DEAD = 0.25  # share of relu units dead on every row from which we warn
LARGEST_LOGIT = 100.0  # mean |z2| of a relu net from which we warn
LARGEST_COLUMN = 3.0  # a column of X of a size above this has not been standardised


def warn_of_start(start: Start, rows: Rows) -> None:
    """SymmetryWarning or SaturationWarning, if the start deserves one."""
    if is_symmetric(start.parameters):
        warn(symmetry_message(start), SymmetryWarning)
        return
    if start.init is None:  # trained units may well be saturated
        return
    few = few_of(rows, MOST_ROWS)
    X = few.X
    message = relu_message if start.activation == "relu" else plateau_message
    with np.errstate(over="ignore", invalid="ignore"):
        if not is_drawn(start) and beats_a_constant(start, few):
            return
        layer = layer_of(start, X)
        text, size = message(start, layer, X), layer.size
    # Not of a zero start of one unit, which has nothing to scale; and of what overflows,
    # the first iteration speaks.
    if text and 0 < size < np.inf:
        warn(text, SaturationWarning)


def is_drawn(start: Start) -> bool:
    """Whether weights are drawn, and not given or those of the last fit."""
    return isinstance(start.init, str) or callable(start.init)


def beats_a_constant(start: Start, rows: Rows) -> bool:
    """Whether the log-loss at the start is below that of the class frequencies."""
    X, y, weight = rows
    z2 = logits(cast(start.parameters, X.dtype), X, ACTIVATIONS[start.activation])
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


def layer_of(start: Start, X: Matrix) -> HiddenLayer:
    return hidden_layer(cast(start.parameters, X.dtype), X, ACTIVATIONS[start.activation])


def symmetry_message(start: Start) -> str:
    return (
        f"All {start.parameters.n_hidden} hidden units start identical ({start.origin}), "
        f"so they get the same gradient at every iteration and the net is worth one unit. "
        f"{sentence(remedy_for_symmetry(start))}"
    )


def remedy_for_symmetry(start: Start) -> str:
    if start.init is None:
        return "set warm_start=False"
    if start.init_scale == 0 and start.init not in ("zeros", "constant"):
        scheme = INITIALIZERS.get(str(start.init))
        return f"set init_scale={scheme.default_scale if scheme else 1:g}"
    return "set init='glorot_uniform' and init_scale=1"


def plateau_message(start: Start, layer: HiddenLayer, X: Matrix) -> str | None:
    """For tanh and logistic: too many unit-row pairs where phi is flat."""
    if layer.saturated_share <= MOST_SATURATED:
        return None
    linear_range = ACTIVATIONS[start.activation].linear_range
    return (
        f"{layer.saturated_share:.0%} of the hidden activations start on the flat part of "
        f"{start.activation} (slope under 5 % of its maximum), where gradients are small: "
        f"training may take longer, or end in a worse net. "
        f"{remedy_for_size(start, X, linear_range / layer.size)}"
    )


def relu_message(start: Start, layer: HiddenLayer, X: Matrix) -> str | None:
    """For relu: too many dead units, or logits that explode."""
    n_hidden = start.parameters.n_hidden
    if layer.n_dead >= MOST_DEAD * n_hidden:
        return (
            f"{layer.n_dead} of {n_hidden} hidden units ({layer.n_dead / n_hidden:.0%}) "
            f"start dead: relu gives 0 on every row, so they get no gradient and never "
            f"learn. {remedy_for_dead_units(X)}"
        )
    z2 = logits(cast(start.parameters, X.dtype), X, ACTIVATIONS["relu"])
    return logit_message(start, float(np.abs(z2).mean(dtype=np.float64)), X)


def remedy_for_dead_units(X: Matrix) -> str:
    """Where X stays sparse, its columns are not centred, and units stay dead."""
    if sparse.issparse(X):
        return "Set activation='tanh'."
    return f"{sentence(standardise(X))} Or set activation='tanh'."


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


def remedy_for_size(start: Start, X: Matrix, factor: float) -> str:
    """What makes pre-activations smaller: other columns, or `factor` on the weights."""
    remedy = f"multiply the W1 and w2 of init by {significant(factor):g}"
    if is_drawn(start):
        remedy = (
            f"set init_scale={significant(start.init_scale * factor):g} "
            f"(now {start.init_scale:.3g})"
        )
    largest = column_sizes(X).max()
    if largest <= LARGEST_COLUMN:
        return sentence(remedy)
    return (
        f"Columns of X have a size of up to {largest:.2g}: {standardise(X)}. Only where "
        f"that is impossible, {remedy}."
    )


def is_unscaled(X: Matrix) -> bool:
    """Whether columns have a size that standardising X would improve.

    Not so where most entries are 0, as in frequencies of words: rare columns are small,
    and would become as large as frequent ones.
    """
    largest = column_sizes(X).max()
    if largest < 1 / LARGEST_COLUMN:
        n_stored = X.count_nonzero() if sparse.issparse(X) else np.count_nonzero(X)
        return bool(n_stored > np.prod(X.shape) / 2)
    return not largest <= LARGEST_COLUMN
