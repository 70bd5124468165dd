"""What is wrong with a hidden layer, a sentence for each problem, with what to set."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sk_shallow._core.columns import linear_share, rows_are_alike
from sk_shallow._core.diagnostics import (
    HiddenStatistics,
    hidden_statistics,
    is_symmetric,
    units_alike,
)
from sk_shallow._core.parameters import Net
from sk_shallow._core.rows import Matrix
from sk_shallow._core.table import Rows, logits, sample
from sk_shallow.advice.end import CONSTANT_LOGITS
from sk_shallow.advice.remedies import (
    MOST_ROWS,
    cause_in_alpha,
    cause_in_columns,
    cause_in_weights,
    is_unscaled,
    last_cause,
    layer_of,
    remedy_for_dead_units,
    remedy_for_size,
    remedy_for_symmetry,
    standardise,
    weak_alpha,
)
from sk_shallow.advice.start import MOST_DEAD, MOST_SATURATED, logit_message
from sk_shallow.advice.wording import (
    almost_constant,
    dead,
    on_the_flat_part,
    sentence,
    significant,
    worth_one,
)
from sk_shallow.training.start import Start
from sk_shallow.validation import check_is_finite

FEW_ROWS = 20  # too few to say that a net is constant, or X not scaled
FEW_DIRECTIONS = 0.25  # share of the units from which fewer may do
LINEAR = 0.98  # share of the variance of the logits from which we call them linear
LINEAR_ROWS = 1000  # that are looked at for it
SAME = "compute the same function"
AFRESH = "set init='glorot_uniform' and init_scale=1, and fit again"


class Subject(NamedTuple):
    """A net on some rows in memory."""

    start: Start  # the net; its `init` is None where it is trained
    X: Matrix
    rows: Rows  # X, with labels and weights
    has_labels: bool  # if not, those of `rows` mean nothing
    alpha: float

    @property
    def net(self) -> Net:
        return self.start.net

    def statistics(self) -> HiddenStatistics:
        """What the hidden layer does with the rows.

        Raises
        ------
        ValueError
            If numbers overflow.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            statistics = hidden_statistics(self.net, self.X, self.rows.sample_weight)
        if not statistics.is_finite:
            check_is_finite(self.rows.X, "X")
            scaler = standardise(self.X)
            raise ValueError(
                f"The hidden layer, or its moments, are not finite on these rows: the "
                f"numbers overflow. {scaler[0].upper()}{scaler[1:]}, or lower init_scale."
            )
        return statistics

    def groups(self, statistics: HiddenStatistics, tol: float) -> list[list[int]]:
        """Units that compute the same function; with tanh, but for the sign."""
        is_odd = self.net.activation.name == "tanh"
        return units_alike(statistics, float(tol), mirrored=is_odd)


def verdicts_on(
    subject: Subject,
    statistics: HiddenStatistics,
    groups: Sequence[Sequence[int]],
    rank: float,
) -> tuple[str, ...]:
    """A sentence for each problem, the gravest first."""
    start = subject.start
    if is_symmetric(start.net):
        return (constant_or_worth_one(start, rank),)
    n_lasting = n_lasting_functions(start, groups, statistics)
    if start.net.activation.name == "relu":
        flat = dead_units(subject, statistics) or large_logits(subject, statistics)
    else:
        flat = saturation(subject, statistics)
    if rank == 0:  # of flat units, of course; and of equal rows
        same = None if flat else constant_units(subject, statistics)
    else:
        same = (
            single_function(start, n_lasting)
            or collapse(subject, statistics)
            or linear_logits(subject, rank)
        )
    if not same and not flat:
        same = duplicate_units(start, n_lasting) or few_directions(start, rank)
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
    w2, products = start.net.w2, statistics.products
    return sum(
        np.unique(w2[list(group)] * np.sign(products[group[0], list(group)])).size
        for group in groups
    )


def constant_or_worth_one(start: Start, rank: float) -> str:
    """The sentence for units with the same weights in both layers."""
    if rank == 0:
        return (
            f"No unit varies over the rows, so every row gets the same probability. "
            f"{sentence(afresh(start))}"
        )
    return f"{worth_one(start.net.n_hidden, SAME)} {sentence(afresh(start))}"


def constant_units(subject: Subject, statistics: HiddenStatistics) -> str | None:
    if not rows_are_alike(subject.rows.X, subject.rows.sample_weight):
        return constant_or_worth_one(subject.start, rank=0)
    if statistics.n_rows == 1:  # it says nothing of the units
        return None
    return "X is the same in every row. Give X a column that varies."


def single_function(start: Start, n_lasting: int) -> str | None:
    if start.net.n_hidden == 1 or n_lasting > 1:
        return None
    return f"{worth_one(start.net.n_hidden, SAME)} {sentence(afresh(start))}"


def collapse(subject: Subject, statistics: HiddenStatistics) -> str | None:
    """For trained nets only: logits that are alike at the start may come to differ."""
    start, _, rows, has_labels, alpha = subject
    if start.init is not None or statistics.n_rows < FEW_ROWS:
        return None
    if statistics.z2_deviation >= CONSTANT_LOGITS:
        return None
    text = almost_constant(statistics.z2_deviation, "these rows")
    if not has_labels:
        return f"{text} Give y, too, to get the cause."
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


def duplicate_units(start: Start, n_lasting: int) -> str | None:
    n_hidden = start.net.n_hidden
    if n_lasting == n_hidden:
        return None
    more = n_hidden - n_lasting
    repeated = "1 unit repeats" if more == 1 else f"{more} of {n_hidden} units repeat"
    trained = ", or lower alpha and fit again" if start.init is None else ""
    return (
        f"{repeated} others: a net of n_hidden={n_lasting} can compute the same. Set "
        f"that{trained}."
    )


def few_directions(start: Start, rank: float) -> str | None:
    """For trained nets: the units differ, but not by much."""
    n_hidden = start.net.n_hidden
    if start.init is not None or rank == 0 or rank > FEW_DIRECTIONS * n_hidden:
        return None
    return (
        f"{directions(start, rank)}: a smaller net, or a linear model, may do as well. "
        f"Compare n_hidden={math.ceil(2 * rank)} and LogisticRegression."
    )


def directions(start: Start, rank: float) -> str:
    n_hidden = start.net.n_hidden
    return f"The {n_hidden} units move in about {rank:.1f} directions on these rows"


def linear_logits(subject: Subject, rank: float) -> str | None:
    """For trained nets: the logits are a linear function of X."""
    if subject.start.init is not None:
        return None
    share = linear_share_of(subject)
    if share <= LINEAR:
        return None
    return (
        f"{directions(subject.start, rank)}, and the logits are linear: a linear function "
        f"of X explains {share:.1%} of their variance. If a curve fits better, training "
        f"has missed it: {remedy_for_linear_logits(subject)}. Compare LogisticRegression."
    )


def linear_share_of(subject: Subject) -> float:
    """R² of the logits on X, over as many rows as the columns need."""
    few = few_rows(subject, max(LINEAR_ROWS, 4 * subject.X.shape[1]))
    few = few.astype(subject.net.W1.dtype, copy=False)
    return linear_share(few, logits(subject.net, few))


def remedy_for_linear_logits(subject: Subject) -> str:
    if subject.alpha == 0:
        return "set n_init=5"
    alpha = weak_alpha(subject.start, subject.rows, subject.alpha)
    return f"set alpha={significant(alpha):g} and n_init=5"


def saturation(subject: Subject, statistics: HiddenStatistics) -> str | None:
    start = subject.start
    share = float(statistics.flat_share.mean())
    if share <= MOST_SATURATED:
        return None
    flat = on_the_flat_part(share, start.net.activation.name, "lie")
    return f"{flat}. {remedy_by_size(subject, statistics)}"


def dead_units(subject: Subject, statistics: HiddenStatistics) -> str | None:
    n_hidden, n_dead = len(statistics.flat_share), int((statistics.flat_share == 1).sum())
    if n_dead == 0 or n_dead < MOST_DEAD * n_hidden:
        return None
    X = few_rows(subject)
    scaled = statistics.n_rows < FEW_ROWS or not is_unscaled(X)
    remedy = "Set activation='tanh'." if scaled else remedy_for_dead_units(X)
    return f"{dead(n_dead, n_hidden, 'are')} {remedy}"


def large_logits(subject: Subject, statistics: HiddenStatistics) -> str | None:
    start = subject.start
    if start.init is None:  # a trained net may well be sure
        return None
    return logit_message(start, statistics.z2_size, few_rows(subject))


def few_rows(subject: Subject, most: int = MOST_ROWS) -> Matrix:
    return sample(subject.rows, most).X


def afresh(start: Start) -> str:
    return AFRESH if start.init is None else remedy_for_symmetry(start)


def remedy_by_size(subject: Subject, statistics: HiddenStatistics) -> str:
    start, few = subject.start, few_rows(subject)
    if start.init is not None:
        size = layer_of(start, few).size
        return remedy_for_size(start, few, start.net.activation.linear_range / size)
    if statistics.n_rows >= FEW_ROWS and is_unscaled(few):
        return sentence(standardise(few))
    return (
        f"Where the penalty is weak, weights grow as long as training lasts: raise alpha "
        f"(now {subject.alpha:.3g}). If training ended early instead, lower init_scale."
    )
