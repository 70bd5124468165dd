"""Warnings of a bad end of training: CollapseWarning and ConvergenceWarning."""

import re
from collections.abc import Sequence

import numpy as np
from scipy.special import entr
from sklearn.exceptions import ConvergenceWarning

from sk_shallow._core.activations import Vector
from sk_shallow._core.diagnostics import is_symmetric
from sk_shallow._core.parameters import cast
from sk_shallow._core.table import Rows, all_logits, logits, sample
from sk_shallow.advice.remedies import (
    MOST_ROWS,
    causes_but_alpha,
    collapse_causes,
    is_unscaled,
    standardise,
)
from sk_shallow.advice.start import warn_of_start
from sk_shallow.advice.wording import almost_constant, collected, sentence, warn
from sk_shallow.exceptions import CollapseWarning, SaturationWarning, SymmetryWarning
from sk_shallow.training.folds import Fold, FoldNet
from sk_shallow.training.monitor import Training
from sk_shallow.training.options import Options
from sk_shallow.training.search import SMALLEST_FACTOR
from sk_shallow.training.start import Start

OF_START = (SymmetryWarning, SaturationWarning)
CONSTANT_LOGITS = 0.05  # standard deviation of z2 below this: a collapsed net
DIVERGED = 1.1  # J at the end, relative to that at the start, from which we warn
MOST_RISES = 0.1  # share of iterations in which J rises from which steps are too long

# The gradient above which a line search that fails has ended too early. The minima of
# relu may lie on kinks, where no gradient is 0.
LARGE_GRADIENT = {"tanh": 1e-3, "logistic": 1e-3, "relu": 0.1}


def warn_of_end(
    training: Training,
    start: Start,
    rows: Rows,
    options: Options,
    outcomes: Sequence[float | ValueError],
) -> None:
    """ConvergenceWarning and CollapseWarning, if training ended badly."""
    warn_of_left_out_starts(outcomes)
    warn_of_early_end(training, start, rows, options)
    warn_of_collapse(training, start, rows, options)


def search_verdict(alphas: Vector, alpha: float, auto: float, logits: Vector) -> str:
    """What a search says of the table, if it ended at a limit; `logits` are out of fold."""
    if alphas.min() <= auto and np.nanstd(logits) < CONSTANT_LOGITS:
        return "No signal found: the best net is almost constant.\n"
    if alpha <= SMALLEST_FACTOR * auto:
        return (
            "The weakest penalty is best: X tells the classes apart almost without error.\n"
        )
    return ""


def warn_of_refit(training: Training, start: Start, rows: Rows, options: Options) -> None:
    """The warnings of a bad end of the training on all rows, in the words of a search."""
    with collected() as messages:
        warn_of_early_end(training, start, rows, options)
        warn_of_collapse(training, start, rows, options, is_searched=True)
    for message, category in messages:
        warn(f"In the training on all rows (refit=True): {of_lists(message)}", category)


def warn_of_folds(
    nets: Sequence[FoldNet],
    folds: Sequence[Fold],
    options: Options,
    *,
    is_searched: bool,
) -> None:
    """The warnings of a bad start or end of the trainings on folds, each given once.

    With `is_searched`, weaker penalties were tried: a constant net has found no signal.
    """
    with collected() as messages:
        warn_of_start(nets[0].start, folds[0].rows)
        for net, fold in zip(nets, folds, strict=True):
            warn_of_early_end(net.training, net.start, fold.rows, options)
            warn_of_collapse(
                net.training, net.start, fold.rows, options, is_searched=is_searched
            )
    for category in dict.fromkeys(category for _, category in messages):
        of_category = [message for message, of_it in messages if of_it is category]
        times = f" (on {len(of_category)} of {len(nets)} folds)"
        several = "" if issubclass(category, OF_START) else times
        warn(f"{of_lists(of_category[0])}{several}", category)


def of_lists(message: str) -> str:
    """A message about one net, with the parameters of a search, which are lists."""
    message = re.sub(r"\b(init_scale|alpha)=([-+.\de]*\d)", r"\1s=[\2]", message)
    return re.sub(r"\b(init_scale|alpha)\b", r"\1s", message)


def warn_of_left_out_settings(errors: Sequence[ValueError], n_settings: int) -> None:
    """ConvergenceWarning, if the numbers overflowed with some settings of a search."""
    if errors:
        first = of_lists(str(errors[0]))
        message = f"{len(errors)} of {n_settings} settings were left out. {first}"
        notes = " ".join(getattr(errors[0], "__notes__", ()))
        warn(f"{message} {notes}", ConvergenceWarning)


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


def warn_of_early_end(
    training: Training, start: Start, rows: Rows, options: Options
) -> None:
    """ConvergenceWarning, if training ended far from a minimum of J."""
    is_steep = training.max_gradient > LARGE_GRADIENT[start.net.activation.name]
    if diverged(training):
        text = (
            f"Training ended with J = {training.loss:.3g}, above the "
            f"{training.loss_curve[0]:.3g} it started from: {lower_rate(options)}"
        )
    elif is_as_drawn(training, start):
        text = (
            f"The held-out log-loss was lowest at the start, so the net is as it was "
            f"drawn. {sentence(lower_rate(options))} Check that y says something about the "
            f"rows that are held out (X_val and y_val, if you gave them)"
        )
    elif training.stop_reason == "max_iter":
        text = used_up(training, rows, options)
    elif training.stop_reason == "line_search" and is_steep:
        text = stuck(training, start, rows, options)
    elif start.is_drawn and is_steep and never_fell(training, options):
        text = (
            f"J hardly fell from the start on; {reached(training, options)}. Raise "
            f"learning_rate (now {options.learning_rate:g})"
        )
    else:
        return
    warn(f"{text}.", ConvergenceWarning)


def used_up(training: Training, rows: Rows, options: Options) -> str:
    remedies = [remedy_for_steps(training, options)]
    X = sample(rows, MOST_ROWS).X
    if is_unscaled(X):
        remedies.append(standardise(X))
    return (
        f"Training used up max_iter={options.max_iter} iterations; "
        f"{reached(training, options)}. {', or '.join(remedies)}"
    )


def stuck(training: Training, start: Start, rows: Rows, options: Options) -> str:
    lower = "init_scale or alpha" if start.is_drawn else "alpha"
    remedy = f"lower {lower}, and give rows weights near 1"
    X = sample(rows, MOST_ROWS).X
    if is_unscaled(X):
        remedy = standardise(X)
    return (
        f"Training stopped at iteration {training.n_iter} because no step lowers J any "
        f"more; {reached(training, options)}. {sentence(remedy).removesuffix('.')}"
    )


def reached(training: Training, options: Options) -> str:
    gradient = f"the largest gradient is {training.max_gradient:.1e}"
    if options.tol == 0:
        return f"{gradient}, and with tol=0 training goes on until it is 0"
    return f"{gradient}, where {options.tol / 10:.0e} counts as converged"


def diverged(training: Training) -> bool:
    return bool(training.loss > DIVERGED * training.loss_curve[0])


def is_as_drawn(training: Training, start: Start) -> bool:
    """Whether early stopping went back to the start, for another reason than symmetry."""
    return (
        training.best_iteration == 0
        and training.stop_reason in ("validation", "max_iter")
        and start.is_drawn
        and not is_symmetric(start.net)
    )


def never_fell(training: Training, options: Options) -> bool:
    """Whether training gave up because no step of given size lowered J by much."""
    if training.stop_reason != "loss" or options.learning_rate is None:
        return False
    before, after = training.loss_curve[:-1], training.loss_curve[1:]
    return not (before - after >= options.tol * before).any()


def lower_rate(options: Options) -> str:
    if options.learning_rate is None:
        return "raise alpha"
    return f"lower learning_rate (now {options.learning_rate:g})"


def remedy_for_steps(training: Training, options: Options) -> str:
    """What to set when all iterations were used up."""
    if options.learning_rate is None:
        return "Raise max_iter or tol" if options.tol == 0 else "Raise max_iter"
    n_rises = int((np.diff(training.loss_curve) > 0).sum())
    # That J rises now and then is the noise of batches. On all rows, it is too long a step.
    if options.solver == "gd" and n_rises > MOST_RISES * training.n_iter:
        return f"J rose in {n_rises} of {training.n_iter} of them: {lower_rate(options)}"
    return (
        f"Raise max_iter or learning_rate (now {options.learning_rate:g}), or set "
        f"solver='lbfgs'"
    )


def warn_of_collapse(
    training: Training,
    start: Start,
    rows: Rows,
    options: Options,
    *,
    is_searched: bool = False,
) -> None:
    """CollapseWarning, if the net that training ended with is constant.

    With `is_searched`, not for its penalty: no weaker one was better.
    """
    share = np.average(rows.y, weights=rows.sample_weight)
    entropy = entr(share) + entr(1 - share)  # the log-loss of the best constant
    # By convexity, logits that vary by sd gain at most sd sqrt(share (1 - share)) on it.
    # This settles nearly every case without a look at X.
    if training.loss < entropy - CONSTANT_LOGITS / 2:
        return
    if diverged(training) or is_as_drawn(training, start):  # of which we have warned
        return
    # All rows are looked at only where a few suggest a collapse: few may be alike.
    net, few = cast(training.net, rows.X.dtype), sample(rows, MOST_ROWS)
    with np.errstate(over="ignore", invalid="ignore"):
        spread = float(logits(net, few.X).std(dtype=np.float64))
        if spread < CONSTANT_LOGITS:
            z2 = all_logits(net, rows.X)[rows.sample_weight > 0]
            spread = float(z2.std(dtype=np.float64))
    if spread >= CONSTANT_LOGITS:
        return
    if is_searched:
        causes = causes_but_alpha(start, rows)
    else:
        causes = collapse_causes(start, rows, options.alpha)
    if not causes:
        return
    why = "; ".join(cause.why for cause in causes)
    remedy = sentence(" and ".join(cause.remedy for cause in causes))
    finding = almost_constant(spread, "the training rows")
    warn(f"{finding} Cause: {why}. {remedy}", CollapseWarning)
