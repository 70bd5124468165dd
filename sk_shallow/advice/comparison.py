"""Whether a net does better than a line, in words."""

import math
from typing import NamedTuple

import numpy as np

from sk_shallow._core.activations import Vector

NUMBERS = (
    *("no", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
NEGLIGIBLE = 1e-3  # of the log-loss: a constant net is this near to the class frequency
ORDERS_ROWS = 0.6  # AUC
LOOK = "look at the warnings of its fit and at inspect_hidden_layer"


class Difference(NamedTuple):
    """Log-loss of the net minus that of the line, with a 95 % interval."""

    mean: float
    low: float
    high: float

    @property
    def winner(self) -> str | None:
        """The better model, "net" or "line"; None if the interval holds 0."""
        if self.high < 0:
            return "net"
        return "line" if self.low > 0 else None


def comparison_verdict(
    difference: Difference, losses: dict[str, Vector], areas: dict[str, Vector]
) -> str:
    """A sentence on the log-losses and AUCs of the models on the same folds."""
    net, line, prior = losses["net"], losses["line"], losses["prior"]
    floor = (1 - NEGLIGIBLE) * prior.mean()
    if min(net.mean(), line.mean()) > floor:
        return (
            f"Neither beats the class frequency, whose log-loss is {prior.mean():.3f}"
            f"{why_not(areas)}."
        )
    n_folds = len(net)
    if difference.winner is None:
        return f"No difference that {in_words(n_folds)} folds can show: take the line."
    amount = amount_of(difference)
    if difference.winner == "net":
        return (
            f"The net lowers the log-loss by {amount}, {percent(net, line)}, and is better "
            f"on {np.sum(net < line)} of {n_folds} folds."
        )
    note = f" (the net does not beat the class frequency: {LOOK})"
    return (
        f"The line's log-loss is lower by {amount}, {percent(line, net)}, on "
        f"{np.sum(line < net)} of {n_folds} folds: take the line"
        f"{note if net.mean() > floor else ''}."
    )


def why_not(areas: dict[str, Vector]) -> str:
    """Why the log-loss is high although a model may order the rows well."""
    better, area = "line", -math.inf
    for name in ("net", "line"):
        known = areas[name][~np.isnan(areas[name])]
        if known.size and known.mean() > area:
            better, area = name, float(known.mean())
    if area < ORDERS_ROWS:
        return f": the columns tell nothing about y, or the net started badly ({LOOK})"
    remedy = (
        "raise alpha, or take a ShallowNetClassifierCV"
        if better == "net"
        else "lower C, or take a LogisticRegressionCV"
    )
    return (
        f", though the {better} orders the rows better than chance (AUC {area:.2f}): its "
        f"probabilities lie too near 0 and 1. For the {better}, {remedy}"
    )


def in_words(number: int) -> str:
    return NUMBERS[number] if number < len(NUMBERS) else str(number)


def percent(better: Vector, worse: Vector) -> str:
    """By how much the mean of the one is under that of the other."""
    share = 100 * (1 - better.mean() / worse.mean())
    return f"{share:.0f} %" if share >= 1 else f"{share:.1g} %"


def amount_of(difference: Difference) -> str:
    """As "0.144 (0.11 to 0.18)", to as many decimals as the interval allows."""
    least, most = sorted((abs(difference.low), abs(difference.high)))
    half = (most - least) / 2
    if half:
        decimals = decimals_of(half)
        decimals = min(max(decimals, decimals_of(least)), decimals + 2)
    else:
        decimals = decimals_of(most) + 1
    mean = abs(difference.mean)
    return f"{mean:.{decimals + 1}f} ({least:.{decimals}f} to {most:.{decimals}f})"


def decimals_of(value: float) -> int:
    """How many show the first digit of a number above 0."""
    return max(0, -math.floor(math.log10(value)))
