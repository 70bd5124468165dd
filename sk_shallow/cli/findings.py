"""What the command has found out, and its words."""

from typing import Any, NamedTuple

import numpy as np

from sk_shallow._core.activations import Vector
from sk_shallow.cli.tables import LabelledTable
from sk_shallow.inspection.comparison import LogisticRegressionComparison
from sk_shallow.inspection.effects_report import EffectsReport


class Findings(NamedTuple):
    """All that is printed and put on a page."""

    table: LabelledTable
    cautions: list[str]  # on columns
    comparisons: list[LogisticRegressionComparison]
    net: Any  # the better one behind its preparation, fitted to all rows
    effects: EffectsReport
    with_terms: Vector | None  # log-loss of LogisticRegression with `effects.recipe`
    messages: list[str]  # of warnings while fitting

    @property
    def net_name(self) -> str:
        """The class of the better net."""
        return type(self.net[-1]).__name__

    @property
    def on_terms(self) -> str:
        """Whether LogisticRegression does with the terms that it misses; "" without any."""
        if self.with_terms is None:
            return ""
        if np.isnan(self.with_terms).any():
            return (
                "These terms cannot be tried by folds: one fold lacks a column of theirs."
            )
        net = better(self.comparisons).scores["log-loss"]["net"].mean()
        line = self.comparisons[0].scores["log-loss"]["line"].mean()
        return (
            f"With these terms, LogisticRegression has a log-loss of "
            f"{self.with_terms.mean():.3f} on the same folds: {line:.3f} without, "
            f"{net:.3f} for {self.net_name}."
        )

    @property
    def text(self) -> str:
        """What is printed in the end."""
        parts = [str(report) for report in self.comparisons]
        parts.append(f"{self.net_name}, fitted to all rows.\n{self.effects}")
        parts.append(self.on_terms)
        if self.messages:
            parts.append("\n".join(["Warnings while fitting:", *self.messages]))
        return "\n\n".join(part for part in parts if part)


def better(
    comparisons: list[LogisticRegressionComparison],
) -> LogisticRegressionComparison:
    """That of the net with the lower log-loss."""
    return min(comparisons, key=lambda report: report.scores["log-loss"]["net"].mean())
