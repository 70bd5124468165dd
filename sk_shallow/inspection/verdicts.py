"""What is wrong with a hidden layer, a sentence for each problem, with what to change."""

import math
from collections.abc import Sequence

import numpy as np

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.columns import linear_share
from sk_shallow._core.diagnostics import (
    HiddenStatistics,
    is_symmetric,
    rows_are_alike,
)
from sk_shallow._core.network import logits
from sk_shallow._core.rows import Matrix, Rows, spread_rows
from sk_shallow.advice.ends import (
    CONSTANT_LOGITS,
    cause_in_alpha,
    cause_in_columns,
    cause_in_weights,
    last_cause,
    weak_alpha,
)
from sk_shallow.advice.starts import (
    MOST_DEAD,
    MOST_ROWS,
    MOST_SATURATED,
    is_unscaled,
    layer_of,
    logit_message,
    remedy_for_dead_units,
    remedy_for_size,
    remedy_for_symmetry,
)
from sk_shallow.advice.wording import sentence, significant, standardise
from sk_shallow.inspection.subjects import Subject
from sk_shallow.start import Start

FEW_ROWS = 20  # too few to say that a net is constant, or X not scaled
FEW_DIRECTIONS = 0.25  # share of the units from which fewer may do
LINE = 0.98  # share of the variance of the logits from which we call them a line
LINE_ROWS = 1000  # that are looked at for it
AFRESH = "set init='glorot_uniform' and init_scale=1, and fit again"


def verdicts_on(
    subject: Subject,
    statistics: HiddenStatistics,
    groups: Sequence[Sequence[int]],
    rank: float,
) -> tuple[str, ...]:
    """All problems that hold, the gravest first."""
    start = subject.start
    if is_symmetric(start.parameters):
        return (on_symmetry(start, rank),)
    n_lasting = n_lasting_functions(start, groups, statistics)
    if start.activation == "relu":
        flat = on_dead_units(subject, statistics) or on_logits(subject, statistics)
    else:
        flat = on_saturation(subject, statistics)
    if rank == 0:  # of flat units, of course; and of equal rows
        same = None if flat else on_stillness(subject, statistics)
    else:
        same = (
            on_sameness(start, n_lasting)
            or on_collapse(subject, statistics)
            or on_line(subject, rank)
        )
    if not same and not flat:
        same = on_repetition(start, n_lasting) or on_few_directions(start, rank)
    return tuple(verdict for verdict in (same, flat) if verdict)


def n_lasting_functions(
    start: Start, groups: Sequence[Sequence[int]], statistics: HiddenStatistics
) -> int:
    """How many units are different, or will be.

    Units that start the same, but with different w2, get different gradients. A unit
    that is the mirror image of another stays so if its w2 is, too.
    """
    if start.init is None:
        return len(groups)
    w2, products = start.parameters.w2, statistics.products
    return sum(
        np.unique(w2[list(group)] * np.sign(products[group[0], list(group)])).size
        for group in groups
    )


def on_symmetry(start: Start, rank: float) -> str:
    """Of units with the same weights in both layers."""
    if rank == 0:
        return (
            f"No unit varies over the rows, so every row gets the same probability. "
            f"{sentence(afresh(start))}"
        )
    return worth_one(start)


def on_stillness(subject: Subject, statistics: HiddenStatistics) -> str | None:
    if not rows_are_alike(subject.X, subject.sample_weight):
        return on_symmetry(subject.start, rank=0)
    if statistics.n_rows == 1:  # it says nothing of the units
        return None
    return "X is the same in every row. Give X a column that varies."


def on_sameness(start: Start, n_lasting: int) -> str | None:
    if start.parameters.n_hidden == 1 or n_lasting > 1:
        return None
    return worth_one(start)


def worth_one(start: Start) -> str:
    return (
        f"All {start.parameters.n_hidden} units compute the same function: the net is "
        f"worth one unit. {sentence(afresh(start))}"
    )


def on_collapse(subject: Subject, statistics: HiddenStatistics) -> str | None:
    """Of trained nets only: logits that start alike may still part."""
    start, _, rows, alpha = subject
    if start.init is not None or statistics.n_rows < FEW_ROWS:
        return None
    if statistics.z2_deviation >= CONSTANT_LOGITS:
        return None
    text = (
        f"The net is almost constant: its logits vary by {statistics.z2_deviation:.1g}, so "
        f"every row gets nearly the same probability."
    )
    if rows is None:
        return f"{text} Give y, too, to be told the cause."
    cause = (
        cause_in_columns(rows)
        or cause_in_weights(start, rows, alpha)
        or cause_in_alpha(start, rows, alpha)
        or last_cause(start, rows, alpha)
    )
    return (
        f"{text} Cause: {cause.why}. {sentence(cause.remedy)} If it started next to the "
        f"zero net, set init='glorot_uniform' and init_scale=1, too."
    )


def on_repetition(start: Start, n_lasting: int) -> str | None:
    n_hidden = start.parameters.n_hidden
    if n_lasting == n_hidden:
        return None
    more = n_hidden - n_lasting
    repeated = "1 unit repeats" if more == 1 else f"{more} of {n_hidden} units repeat"
    trained = ", or lower alpha and fit again" if start.init is None else ""
    return (
        f"{repeated} others: a net of n_hidden={n_lasting} can compute the same. Set "
        f"that{trained}."
    )


def on_few_directions(start: Start, rank: float) -> str | None:
    """Of trained nets: different units, but not by much."""
    n_hidden = start.parameters.n_hidden
    if start.init is not None or rank == 0 or rank > FEW_DIRECTIONS * n_hidden:
        return None
    return (
        f"{directions(start, rank)}: a smaller net, or a line, may do as well. Compare "
        f"n_hidden={math.ceil(2 * rank)} and LogisticRegression."
    )


def directions(start: Start, rank: float) -> str:
    n_hidden = start.parameters.n_hidden
    return f"The {n_hidden} units move in about {rank:.1f} directions on these rows"


def on_line(subject: Subject, rank: float) -> str | None:
    """Of trained nets: whatever its units do, the net is a line."""
    if subject.start.init is not None:
        return None
    share = share_of_a_line(subject)
    if share <= LINE:
        return None
    return (
        f"{directions(subject.start, rank)}, and the logits are a line: a linear function "
        f"of X explains {share:.1%} of their variance. If a curve fits better, training "
        f"has missed it: {remedy_for_a_line(subject)}. Compare LogisticRegression."
    )


def share_of_a_line(subject: Subject) -> float:
    """R² of the logits on X, over as many rows as the columns need."""
    few = few_rows(subject, max(LINE_ROWS, 4 * subject.X.shape[1]))
    few = few.astype(subject.parameters.W1.dtype, copy=False)
    return linear_share(few, logits(subject.parameters, few, subject.activation))


def remedy_for_a_line(subject: Subject) -> str:
    start, X, rows, alpha = subject
    if alpha == 0:
        return "set n_init=5"
    if rows is None:
        each = np.ones(X.shape[0], dtype=np.bool_)
        rows = Rows(X, each, each)
    return f"set alpha={significant(weak_alpha(start, rows, alpha)):g} and n_init=5"


def on_saturation(subject: Subject, statistics: HiddenStatistics) -> str | None:
    start = subject.start
    share = float(statistics.flat_share.mean())
    if share <= MOST_SATURATED:
        return None
    return (
        f"{share:.0%} of the activations lie on the flat part of {start.activation}, where "
        f"gradients are small. {remedy_by_size(subject, statistics)}"
    )


def on_dead_units(subject: Subject, statistics: HiddenStatistics) -> str | None:
    n_hidden, n_dead = len(statistics.flat_share), int((statistics.flat_share == 1).sum())
    if n_dead == 0 or n_dead < MOST_DEAD * n_hidden:
        return None
    X = few_rows(subject)
    scaled = statistics.n_rows < FEW_ROWS or not is_unscaled(X)
    remedy = "Set activation='tanh'." if scaled else remedy_for_dead_units(X)
    dead = "1 unit is" if n_dead == 1 else f"{n_dead} of {n_hidden} units are"
    return (
        f"{dead} dead: relu gives 0 on every row, so there is no gradient and nothing to "
        f"learn by. {remedy}"
    )


def on_logits(subject: Subject, statistics: HiddenStatistics) -> str | None:
    start = subject.start
    if start.init is None:  # a trained net may well be sure
        return None
    return logit_message(start, statistics.z2_size, few_rows(subject))


def few_rows(subject: Subject, most: int = MOST_ROWS) -> Matrix:
    return spread_rows(subject.X, most, subject.sample_weight)


def afresh(start: Start) -> str:
    return AFRESH if start.init is None else remedy_for_symmetry(start)


def remedy_by_size(subject: Subject, statistics: HiddenStatistics) -> str:
    start, few = subject.start, few_rows(subject)
    if start.init is not None:
        size = layer_of(start, few).size
        return remedy_for_size(
            start, few, ACTIVATIONS[start.activation].linear_range / size
        )
    if statistics.n_rows >= FEW_ROWS and is_unscaled(few):
        return sentence(standardise(few))
    return (
        f"Where the penalty is weak, weights grow as long as training lasts: raise alpha "
        f"(now {subject.alpha:.3g}). If training ended early instead, lower init_scale."
    )
