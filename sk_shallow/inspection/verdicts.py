"""What is wrong with a hidden layer, a sentence for each problem, with what to change."""

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.diagnostics import HiddenStatistics
from sk_shallow._core.rows import Matrix
from sk_shallow.advice.starts import (
    MOST_DEAD,
    MOST_SATURATED,
    is_unscaled,
    remedy_for_size,
    remedy_for_symmetry,
)
from sk_shallow.advice.wording import sentence, standardise
from sk_shallow.start import Start

AFRESH = "set init='glorot_uniform' and init_scale=1, and fit again"


def verdicts_on(
    start: Start, X: Matrix, statistics: HiddenStatistics, n_distinct: int, rank: float
) -> tuple[str, ...]:
    """All problems that hold, the gravest first."""
    if start.activation == "relu":
        flat = on_dead_units(X, statistics)
    else:
        flat = on_saturation(start, X, statistics)
    same = on_sameness(start, n_distinct, rank)
    if not same and not flat:  # flat units repeat each other, of course
        same = on_repetition(start.parameters.n_hidden, n_distinct)
    return tuple(verdict for verdict in (same, flat) if verdict)


def on_sameness(start: Start, n_distinct: int, rank: float) -> str | None:
    n_hidden = start.parameters.n_hidden
    remedy = AFRESH if start.init is None else remedy_for_symmetry(start)
    if rank == 0:
        return (
            f"No unit varies over the rows, so every row gets the same probability. "
            f"{sentence(remedy)}"
        )
    if n_hidden > 1 and n_distinct == 1:
        return (
            f"All {n_hidden} units compute the same function: the net is worth one unit. "
            f"{sentence(remedy)}"
        )
    return None


def on_repetition(n_hidden: int, n_distinct: int) -> str | None:
    if n_distinct == n_hidden:
        return None
    return (
        f"{n_hidden - n_distinct} of {n_hidden} units repeat others: a net of "
        f"n_hidden={n_distinct} can compute the same. Set that, or lower alpha."
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
        f"{n_dead} of {n_hidden} units are dead: relu gives 0 on every row, so they get no "
        f"gradient and never learn. {sentence(remedy)}"
    )


def remedy_by_size(start: Start, X: Matrix, factor: float) -> str:
    if start.init is not None:
        return remedy_for_size(start, X, factor)
    if is_unscaled(X):
        return f"{sentence(standardise(X))}"
    return "If training ended early, fit again with a smaller init_scale."
