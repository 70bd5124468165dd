"""What to set for each finding, and the causes of a net that ends constant."""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from sk_shallow._core.columns import (
    column_moments,
    column_sizes,
    default_alpha,
    rows_are_alike,
)
from sk_shallow._core.diagnostics import (
    HiddenLayer,
    hidden_layer,
    is_symmetric,
    linear_signal,
)
from sk_shallow._core.parameters import cast
from sk_shallow._core.rows import Matrix
from sk_shallow._core.table import ArrayTable, Rows, sample
from sk_shallow.advice.wording import sentence, significant
from sk_shallow.training.start import Start, default_scale

MOST_ROWS = 200  # so that looking at them costs less than 1 % of most fits
LARGEST_COLUMN = 3.0  # a column of X of a size above this has not been standardised
TINY_SIZE = 0.05  # mean |Z1| below this: a start next to the zero net
LIVELY_SIZE = 0.5  # mean |Z1| that a start away from the zero net has
LIGHT_ROWS = 0.5  # mean weight of a row below which alpha is strong by accident
WEAK_SHARE = 0.0125  # of the weight of all rows: an alpha under which four rows can bend


def standardise(X: Matrix) -> str:
    scaler = "StandardScaler(with_mean=False)" if sparse.issparse(X) else "StandardScaler"
    return f"standardise X (sklearn.preprocessing.{scaler})"


def layer_of(start: Start, X: Matrix) -> HiddenLayer:
    return hidden_layer(cast(start.net, X.dtype), X)


def remedy_for_symmetry(start: Start) -> str:
    if start.init is None:
        return "set warm_start=False"
    if start.init_scale == 0 and start.init not in ("zeros", "constant"):
        return f"set init_scale={default_scale(start.init):g}"
    return "set init='glorot_uniform' and init_scale=1"


def remedy_for_dead_units(X: Matrix) -> str:
    """Where X stays sparse, its columns are not centred, and units stay dead."""
    if sparse.issparse(X):
        return "Set activation='tanh'."
    return f"{sentence(standardise(X))} Or set activation='tanh'."


def remedy_for_size(start: Start, X: Matrix, factor: float) -> str:
    """What makes pre-activations smaller: other columns, or `factor` on the weights."""
    remedy = f"multiply the W1 and w2 of init by {significant(factor):g}"
    if start.is_drawn:
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
        return bool((X != 0).sum() > np.prod(X.shape) / 2)
    return not largest <= LARGEST_COLUMN


class Cause(NamedTuple):
    """Why training ended at the zero net, and what to set."""

    why: str
    remedy: str


def collapse_causes(start: Start, rows: Rows, alpha: float) -> list[Cause]:
    """All causes that apply; after columns or weights, size and alpha are not asked."""
    units = cause_in_units(start)
    data = cause_in_columns(rows) or cause_in_weights(start, rows, alpha)
    if data:
        causes = [units, data]
    else:
        causes = [units or cause_in_size(start, rows), cause_in_alpha(start, rows, alpha)]
    return [cause for cause in causes if cause] or [last_cause(start, rows, alpha)]


def causes_but_alpha(start: Start, rows: Rows) -> list[Cause]:
    """Those that hold where a search has found no better penalty."""
    causes = (cause_in_units(start), cause_in_columns(rows), cause_in_size(start, rows))
    return [cause for cause in causes if cause][:1]


def last_cause(start: Start, rows: Rows, alpha: float) -> Cause:
    if alpha == 0:
        return Cause("X says nothing about y", "give X a column that varies with y")
    return Cause(
        "the penalty outweighs what X says about y",
        f"set alpha={significant(weak_alpha(start, rows, alpha)):g}",
    )


def auto_alpha(rows: Rows) -> float:
    """What alpha="auto" makes of rows like these, from a few of them."""
    X, _, sample_weight = sample(rows, MOST_ROWS)
    return default_alpha(column_moments(ArrayTable(X), sample_weight))


def weak_alpha(start: Start, rows: Rows, alpha: float) -> float:
    """An alpha under which the net can leave zero, also where no linear model helps.

    Less for logistic units, whose slope is smaller, and which start nearer to zero.
    """
    weight = float(rows.sample_weight.sum())
    weak = min(0.1 * auto_alpha(rows), WEAK_SHARE * weight)
    return min(alpha / 10, weak * start.net.activation.max_slope**2)


def cause_in_units(start: Start) -> Cause | None:
    if not is_symmetric(start.net):
        return None
    return Cause(
        f"it started with identical units ({start.origin})", remedy_for_symmetry(start)
    )


def cause_in_columns(rows: Rows) -> Cause | None:
    X = sample(rows, MOST_ROWS).X
    if rows_are_alike(rows.X, rows.sample_weight):
        return Cause("X is the same in every row", "give X a column that varies with y")
    if not is_unscaled(X):
        return None
    sizes = column_sizes(X)
    return Cause(
        f"columns of X have sizes from {sizes.min():.1g} to {sizes.max():.1g}, far from 1",
        standardise(X),
    )


def cause_in_weights(start: Start, rows: Rows, alpha: float) -> Cause | None:
    """Light rows, unless alpha is as light ("auto" is), or far too strong for any."""
    n, total = np.count_nonzero(rows.sample_weight), rows.sample_weight.sum()
    default = auto_alpha(rows)
    if total >= LIGHT_ROWS * n or not 2 * default < alpha <= 10 * default * n / total:
        return None
    # Logistic units leave zero under a smaller alpha only, as in `weak_alpha`.
    as_light = alpha * total / n * start.net.activation.max_slope**2
    return Cause(
        f"the weights add up to {total:.3g} over {n} rows, and alpha={alpha:.3g} is "
        f"measured against that sum",
        f"rescale sample_weight (and class_weight) to a mean of 1, or set "
        f"alpha={significant(as_light):g}",
    )


def cause_in_size(start: Start, rows: Rows) -> Cause | None:
    size = layer_of(start, sample(rows, MOST_ROWS).X).size
    if size >= TINY_SIZE:
        return None
    scalable = size > 0 and start.is_drawn
    return Cause(
        f"it started next to the zero net ({start.origin})",
        f"set init_scale={significant(start.init_scale * LIVELY_SIZE / size):g}"
        if scalable
        else remedy_for_symmetry(start),
    )


def cause_in_alpha(start: Start, rows: Rows, alpha: float) -> Cause | None:
    if start.net.activation.name == "relu":  # no slope at 0, so no such threshold
        strong = alpha > auto_alpha(rows) / 2
        return last_cause(start, rows, alpha) if strong else None
    # On all rows, not on a sample: it is one product with a vector, paid only by
    # collapsed nets, and the noise of a sampled norm would hide the trap.
    signal = start.net.activation.max_slope * linear_signal(rows)
    if alpha <= signal:
        return None
    # Classes that no linear model separates have almost no signal.
    weak = weak_alpha(start, rows, alpha)
    return Cause(
        f"alpha={alpha:.3g} is above the pull of the data on a net near zero, "
        f"|X'(y - mean y)| phi'(0) = {signal:.3g}, so the zero net is a local minimum",
        f"set alpha={significant(max(signal / 2, weak)):g}",
    )
