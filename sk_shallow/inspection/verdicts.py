"""What is wrong with a hidden layer, a sentence for each problem, with what to change."""

from collections.abc import Sequence

import numpy as np

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.diagnostics import HiddenStatistics, rows_are_alike
from sk_shallow._core.rows import Matrix, spread_rows
from sk_shallow.advice.ends import CONSTANT_LOGITS
from sk_shallow.advice.starts import (
    MOST_DEAD,
    MOST_ROWS,
    MOST_SATURATED,
    is_unscaled,
    logit_message,
    remedy_for_size,
    remedy_for_symmetry,
)
from sk_shallow.advice.wording import sentence, significant, standardise
from sk_shallow.start import Start

AFRESH = "set init='glorot_uniform' and init_scale=1, and fit again"


def verdicts_on(
    start: Start,
    X: Matrix,
    alpha: float,
    statistics: HiddenStatistics,
    groups: Sequence[Sequence[int]],
    rank: float,
) -> tuple[str, ...]:
    """All problems that hold, the gravest first."""
    if start.activation == "relu":
        flat = on_dead_units(X, statistics) or on_logits(start, X, statistics)
    else:
        flat = on_saturation(start, X, statistics)
    n_lasting = n_lasting_functions(start, groups)
    if rank == 0:  # of flat units, of course; and of equal rows
        same = None if flat else on_stillness(start, X)
    else:
        same = on_sameness(start, n_lasting) or on_collapse(start, alpha, statistics)
    if not same and not flat:
        same = on_repetition(start.parameters.n_hidden, n_lasting)
    return tuple(verdict for verdict in (same, flat) if verdict)


def n_lasting_functions(start: Start, groups: Sequence[Sequence[int]]) -> int:
    """How many units are different, or will be.

    Units that start the same, but with different w2, get different gradients.
    """
    if start.init is None:
        return len(groups)
    w2 = np.abs(start.parameters.w2)  # tanh units may be mirrored, and w2 with them
    return sum(np.unique(w2[list(group)]).size for group in groups)


def on_stillness(start: Start, X: Matrix) -> str | None:
    if rows_are_alike(spread_rows(X, MOST_ROWS)) and rows_are_alike(X):
        if X.shape[0] == 1:  # it says nothing of the units
            return None
        return "X is the same in every row. Give X a column that varies."
    return (
        f"No unit varies over the rows, so every row gets the same probability. "
        f"{sentence(afresh(start))}"
    )


def on_sameness(start: Start, n_lasting: int) -> str | None:
    n_hidden = start.parameters.n_hidden
    if n_hidden == 1 or n_lasting > 1:
        return None
    return (
        f"All {n_hidden} units compute the same function: the net is worth one unit. "
        f"{sentence(afresh(start))}"
    )


def on_collapse(start: Start, alpha: float, statistics: HiddenStatistics) -> str | None:
    """Of trained nets only: logits that start alike may still part."""
    if start.init is not None or statistics.z2_deviation >= CONSTANT_LOGITS:
        return None
    weaker = f"alpha={significant(alpha / 10):g} (now {alpha:.3g})"
    return (
        f"The net is almost constant: its logits vary by {statistics.z2_deviation:.1g}, so "
        f"every row gets nearly the same probability. If X says something about y, set "
        f"{weaker + ', or ' if alpha else ''}init='glorot_uniform' and init_scale=1, and "
        f"fit again."
    )


def on_repetition(n_hidden: int, n_lasting: int) -> str | None:
    if n_lasting == n_hidden:
        return None
    n_repeated = n_hidden - n_lasting
    return (
        f"{n_repeated} of {n_hidden} units {'repeats' if n_repeated == 1 else 'repeat'} "
        f"others: a net of n_hidden={n_lasting} can compute the same. Set that, or lower "
        f"alpha."
    )


def on_saturation(start: Start, X: Matrix, statistics: HiddenStatistics) -> str | None:
    share = float(statistics.flat_share.mean())
    if share <= MOST_SATURATED:
        return None
    size = float((statistics.mean**2 + statistics.deviation**2).mean() ** 0.5)
    return (
        f"{share:.0%} of the activations lie on the flat part of {start.activation}, where "
        f"gradients are small. "
        f"{remedy_by_size(start, X, ACTIVATIONS[start.activation].linear_range / size)}"
    )


def on_dead_units(X: Matrix, statistics: HiddenStatistics) -> str | None:
    n_hidden, n_dead = len(statistics.flat_share), int((statistics.flat_share == 1).sum())
    if n_dead == 0 or n_dead < MOST_DEAD * n_hidden:
        return None
    remedy = standardise(X) if is_unscaled(X) else "set activation='tanh'"
    return (
        f"{n_dead} of {n_hidden} units {'is' if n_dead == 1 else 'are'} dead: relu gives 0 "
        f"on every row, so there is no gradient and nothing to learn by. {sentence(remedy)}"
    )


def on_logits(start: Start, X: Matrix, statistics: HiddenStatistics) -> str | None:
    if start.init is None:  # a trained net may well be sure
        return None
    return logit_message(start, statistics.z2_size, spread_rows(X, MOST_ROWS))


def afresh(start: Start) -> str:
    return AFRESH if start.init is None else remedy_for_symmetry(start)


def remedy_by_size(start: Start, X: Matrix, factor: float) -> str:
    if start.init is not None:
        return remedy_for_size(start, spread_rows(X, MOST_ROWS), factor)
    if is_unscaled(X):
        return f"{sentence(standardise(X))}"
    return "If training ended early, fit again with a smaller init_scale."
