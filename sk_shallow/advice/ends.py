"""Did training end badly? CollapseWarning and ConvergenceWarning."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import entr
from sklearn.exceptions import ConvergenceWarning

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.diagnostics import (
    column_sizes,
    is_symmetric,
    linear_signal,
    rows_are_alike,
)
from sk_shallow._core.moments import column_moments, default_alpha
from sk_shallow._core.network import logits
from sk_shallow._core.parameters import cast, unflatten
from sk_shallow._core.rows import Rows, few_of
from sk_shallow.advice.starts import (
    MOST_ROWS,
    is_drawn,
    is_unscaled,
    layer_of,
    remedy_for_symmetry,
)
from sk_shallow.advice.wording import sentence, significant, standardise, warn
from sk_shallow.exceptions import CollapseWarning
from sk_shallow.recipe import Recipe
from sk_shallow.start import Start
from sk_shallow.training import Training

CONSTANT_LOGITS = 0.05  # standard deviation of z2 below this: a collapsed net
TINY_SIZE = 0.05  # mean |Z1| below this: a start next to the zero net
LIVELY_SIZE = 0.5  # mean |Z1| that a start away from the zero net has
DIVERGED = 1.1  # J at the end, relative to that at the start, from which we warn
MOST_RISES = 0.1  # share of iterations in which J rises from which steps are too long
LIGHT_ROWS = 0.5  # mean weight of a row below which alpha is strong by accident

WEAK_SHARE = 0.0125  # of the weight of all rows: an alpha under which four rows can bend

# The gradient above which a line search that fails has ended too early. The minima of
# relu may lie on kinks, where no gradient is 0.
LARGE_GRADIENT = {"tanh": 1e-3, "logistic": 1e-3, "relu": 0.1}


def warn_of_left_out_starts(outcomes: Sequence[float | ValueError]) -> None:
    """ConvergenceWarning, if the numbers of some starts overflowed."""
    errors = [(k, end) for k, end in enumerate(outcomes) if isinstance(end, ValueError)]
    if errors:
        number, error = errors[0]
        warn(
            f"{len(errors)} of {len(outcomes)} starts were left out. Start {number}: "
            f"{error}",
            ConvergenceWarning,
        )


def warn_of_early_end(training: Training, start: Start, rows: Rows, recipe: Recipe) -> None:
    """ConvergenceWarning, if training ended before it got down."""
    is_steep = training.max_gradient > LARGE_GRADIENT[start.activation]
    if diverged(training):
        text = (
            f"Training ended with J = {training.loss:.3g}, above the "
            f"{training.loss_curve[0]:.3g} it started from: {lower_rate(recipe)}"
        )
    elif is_as_drawn(training, start):
        text = (
            f"The held-out log-loss was lowest at the start, so the net is as it was "
            f"drawn. {sentence(lower_rate(recipe))} Check that y says something about the "
            f"rows that are held out (X_val and y_val, if you gave them)"
        )
    elif training.stop_reason == "max_iter":
        text = used_up(training, rows, recipe)
    elif training.stop_reason == "line_search" and is_steep:
        text = stuck(training, start, rows, recipe)
    elif is_drawn(start) and is_steep and never_fell(training, recipe):
        text = (
            f"J hardly fell from the start on; {reached(training, recipe)}. Raise "
            f"learning_rate (now {recipe.learning_rate:g})"
        )
    else:
        return
    warn(f"{text}.", ConvergenceWarning)


def used_up(training: Training, rows: Rows, recipe: Recipe) -> str:
    remedies = [remedy_for_steps(training, recipe)]
    X = few_of(rows, MOST_ROWS).X
    if is_unscaled(X):
        remedies.append(standardise(X))
    return (
        f"Training used up max_iter={recipe.max_iter} iterations; "
        f"{reached(training, recipe)}. {', or '.join(remedies)}"
    )


def stuck(training: Training, start: Start, rows: Rows, recipe: Recipe) -> str:
    lower = "init_scale or alpha" if is_drawn(start) else "alpha"
    remedy = f"lower {lower}, and give rows weights near 1"
    X = few_of(rows, MOST_ROWS).X
    if is_unscaled(X):
        remedy = standardise(X)
    return (
        f"Training stopped at iteration {training.n_iter} because no step lowers J any "
        f"more; {reached(training, recipe)}. {sentence(remedy).removesuffix('.')}"
    )


def reached(training: Training, recipe: Recipe) -> str:
    gradient = f"the largest gradient is {training.max_gradient:.1e}"
    if recipe.tol == 0:
        return f"{gradient}, and with tol=0 training goes on until it is 0"
    return f"{gradient}, where {recipe.tol / 10:.0e} counts as converged"


def diverged(training: Training) -> bool:
    return bool(training.loss > DIVERGED * training.loss_curve[0])


def is_as_drawn(training: Training, start: Start) -> bool:
    """Whether early stopping went back to the start, for another reason than symmetry."""
    return (
        training.best_iteration == 0
        and training.stop_reason in ("validation", "max_iter")
        and is_drawn(start)
        and not is_symmetric(start.parameters)
    )


def never_fell(training: Training, recipe: Recipe) -> bool:
    """Whether training gave up because no step of given size lowered J by much."""
    if training.stop_reason != "loss" or recipe.learning_rate is None:
        return False
    before, after = training.loss_curve[:-1], training.loss_curve[1:]
    return not (before - after >= recipe.tol * before).any()


def lower_rate(recipe: Recipe) -> str:
    if recipe.learning_rate is None:
        return "raise alpha"
    return f"lower learning_rate (now {recipe.learning_rate:g})"


def remedy_for_steps(training: Training, recipe: Recipe) -> str:
    """What to set when all iterations were used up."""
    if recipe.learning_rate is None:
        return "Raise max_iter or tol" if recipe.tol == 0 else "Raise max_iter"
    n_rises = int((np.diff(training.loss_curve) > 0).sum())
    # That J rises now and then is the noise of batches. On all rows, it is too long a step.
    if recipe.solver == "gd" and n_rises > MOST_RISES * training.n_iter:
        return f"J rose in {n_rises} of {training.n_iter} of them: {lower_rate(recipe)}"
    return (
        f"Raise max_iter or learning_rate (now {recipe.learning_rate:g}), or set "
        f"solver='lbfgs'"
    )


def warn_of_collapse(training: Training, start: Start, rows: Rows, recipe: Recipe) -> None:
    """CollapseWarning, if the net that training ended with is constant."""
    share = np.average(rows.y, weights=rows.sample_weight)
    entropy = entr(share) + entr(1 - share)  # the log-loss of the best constant
    # By convexity, logits that vary by sd gain at most sd sqrt(share (1 - share)) on it.
    # This settles nearly every case without a look at X.
    if training.loss < entropy - CONSTANT_LOGITS / 2:
        return
    if diverged(training) or is_as_drawn(training, start):  # of which we have warned
        return
    # All rows are looked at only where a few suggest a collapse: few may be alike.
    end = cast(unflatten(training.theta, *start.parameters.W1.shape), rows.X.dtype)
    for X, _, weight in (few_of(rows, MOST_ROWS), rows):
        with np.errstate(over="ignore", invalid="ignore"):
            z2 = logits(end, X, ACTIVATIONS[start.activation])[weight > 0]
            spread = float(z2.std(dtype=np.float64))
        if spread >= CONSTANT_LOGITS:
            return
    causes = collapse_causes(start, rows, recipe.alpha)
    warn(
        f"The fitted net is almost constant: its logits vary by {spread:.1g} over the "
        f"training rows, so every row gets nearly the same probability. Cause: "
        f"{'; '.join(cause.why for cause in causes)}. "
        f"{sentence(' and '.join(cause.remedy for cause in causes))}",
        CollapseWarning,
    )


class Cause(NamedTuple):
    """What drew training to the zero net, and what to set against it."""

    why: str
    remedy: str


def collapse_causes(start: Start, rows: Rows, alpha: float) -> list[Cause]:
    """All causes that hold; where columns or weights are off, those come first."""
    units = cause_in_units(start)
    data = cause_in_columns(rows) or cause_in_weights(start, rows, alpha)
    if data:
        causes = [units, data]
    else:
        causes = [units or cause_in_size(start, rows), cause_in_alpha(start, rows, alpha)]
    return [cause for cause in causes if cause] or [last_cause(start, rows, alpha)]


def last_cause(start: Start, rows: Rows, alpha: float) -> Cause:
    if alpha == 0:
        return Cause("X says nothing about y", "give X a column that varies with y")
    return Cause(
        "the penalty outweighs what X says about y",
        f"set alpha={significant(weak_alpha(start, rows, alpha)):g}",
    )


def auto_alpha(rows: Rows) -> float:
    """What alpha="auto" makes of rows like these, from a few of them."""
    X, _, sample_weight = few_of(rows, MOST_ROWS)
    return default_alpha(column_moments(X, sample_weight))


def weak_alpha(start: Start, rows: Rows, alpha: float) -> float:
    """An alpha under which the net can leave zero, also where no line helps.

    Less for logistic units, whose slope is smaller, and which start nearer to zero.
    """
    weight = float(rows.sample_weight.sum())
    weak = min(0.1 * auto_alpha(rows), WEAK_SHARE * weight)
    return min(alpha / 10, weak * ACTIVATIONS[start.activation].max_slope ** 2)


def cause_in_units(start: Start) -> Cause | None:
    if not is_symmetric(start.parameters):
        return None
    return Cause(
        f"it started with identical units ({start.origin})", remedy_for_symmetry(start)
    )


def cause_in_columns(rows: Rows) -> Cause | None:
    X = few_of(rows, MOST_ROWS).X
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
    as_light = alpha * total / n * ACTIVATIONS[start.activation].max_slope ** 2
    return Cause(
        f"the weights add up to {total:.3g} over {n} rows, and alpha={alpha:.3g} is "
        f"measured against that sum",
        f"rescale sample_weight (and class_weight) to a mean of 1, or set "
        f"alpha={significant(as_light):g}",
    )


def cause_in_size(start: Start, rows: Rows) -> Cause | None:
    size = layer_of(start, few_of(rows, MOST_ROWS).X).size
    if size >= TINY_SIZE:
        return None
    scalable = size > 0 and is_drawn(start)
    return Cause(
        f"it started next to the zero net ({start.origin})",
        f"set init_scale={significant(start.init_scale * LIVELY_SIZE / size):g}"
        if scalable
        else remedy_for_symmetry(start),
    )


def cause_in_alpha(start: Start, rows: Rows, alpha: float) -> Cause | None:
    if start.activation == "relu":  # no slope at 0, so no such threshold
        strong = alpha > auto_alpha(rows) / 2
        return last_cause(start, rows, alpha) if strong else None
    # On all rows, not on a sample: it is one product with a vector, paid only by
    # collapsed nets, and the noise of a sampled norm would hide the trap.
    signal = ACTIVATIONS[start.activation].max_slope * linear_signal(rows)
    if alpha <= signal:
        return None
    # Classes that no line separates have next to no signal.
    weak = weak_alpha(start, rows, alpha)
    return Cause(
        f"alpha={alpha:.3g} is above the pull of the data on a net near zero, "
        f"|X'(y - mean y)| phi'(0) = {signal:.3g}, so the zero net is a local minimum",
        f"set alpha={significant(max(signal / 2, weak)):g}",
    )
