"""The effects of a net, as numbers, as text and as a table in a notebook."""

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_shallow._core.activations import Vector
from sk_shallow.advice.wording import plural

STRAIGHT = 0.95  # share from which nothing large is missed
MOST_LINES = 15  # of the table


@dataclass(frozen=True, eq=False)
class EffectsReport:
    """What :func:`inspect_effects` found.

    ``print(report)`` shows a table, a sentence for each thing that LogisticRegression
    misses, and the code that gives it to it; `to_dict` gives the numbers of each column in
    a form that data frames are made of.

    The slope of a row is ``g_j = sd_j dz2/dx_j``: the change of the logit for a standard
    deviation of the column. A column of two values has no slope between them; there it is
    the difference of the logit between the two, times ``sd_j / (high_j - low_j)``.

    Attributes
    ----------
    activation : str
        The function phi.
    n_rows : int
        Rows looked at: those of weight > 0.
    n_units : int
        Units of the hidden layer.
    feature_names : ndarray of shape (n_features,)
        Names of the columns that the net gets.
    sd : ndarray of shape (n_features,)
        Standard deviation of each column.
    is_two_valued : ndarray of shape (n_features,)
        Whether the column has two values on these rows.
    mean_slope, sd_slope : ndarray of shape (n_features,)
        Mean and standard deviation of g over the rows.
    importance : ndarray of shape (n_features,)
        Root mean square of g; ``importance**2 == mean_slope**2 + sd_slope**2``.
    linear_share : ndarray of shape (n_features,)
        ``mean_slope**2 / importance**2``: 1 for a straight line, 0 for a slope that goes up
        here and down there; NaN where `importance` is 0.
    slope_range : ndarray of shape (n_features, 2)
        The 5 % and the 95 % quantile of g, on at most 10,000 of the rows.
    mean_slope_spread, importance_spread : ndarray of shape (n_features,) or None
        Standard deviation of the quantity over the nets in `estimators_`, each on the same
        rows, where the net is their average; else None. Divided by their number, as
        `importances_std` of scikit-learn.
    interaction_columns : ndarray of shape (k,)
        The columns of `interactions`, in the order of X: all, or the 50 of the greatest
        `importance`.
    interactions : ndarray of shape (k, k)
        Root mean square of ``sd_j sd_k d2z2/dx_j dx_k``, on the diagonal the curvature in a
        column's own value. NaN with relu, which has no curvature.
    line_coefficients : ndarray of shape (n_features,) or None
        Coefficients of the LogisticRegression given as `line`, times `sd`.
    missed : tuple of str
        A sentence for each thing in the net that LogisticRegression misses. Whether the net
        is right in that, and better for it, only rows that it has not seen can show.
    recipe : str
        Code that makes `line`, a LogisticRegression with terms for what it misses, to be
        put in the place of the net; "" if it misses nothing.
    """

    activation: str
    n_rows: int
    n_units: int
    feature_names: NDArray[np.object_]
    sd: Vector
    is_two_valued: NDArray[np.bool_]
    mean_slope: Vector
    sd_slope: Vector
    importance: Vector
    linear_share: Vector
    slope_range: Vector
    mean_slope_spread: Vector | None
    importance_spread: Vector | None
    interaction_columns: NDArray[np.intp]
    interactions: Vector
    line_coefficients: Vector | None
    missed: tuple[str, ...]
    recipe: str

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @property
    def straight_share(self) -> float:
        """`linear_share` of all columns together; NaN if all are of importance 0."""
        total = float(np.sum(self.importance**2))
        return float(np.sum(self.mean_slope**2)) / total if total else np.nan

    def to_dict(self) -> dict[str, NDArray[Any]]:
        """One column for each quantity and one entry for each column of X.

        Returns
        -------
        columns : dict of str to ndarray of shape (n_features,)
            As ``pandas.DataFrame(report.to_dict())`` or ``polars.DataFrame(...)`` takes it.
        """
        columns = {
            "feature": self.feature_names,
            "importance": self.importance,
            "mean_slope": self.mean_slope,
            "sd_slope": self.sd_slope,
            "linear_share": self.linear_share,
            "slope_low": self.slope_range[:, 0],
            "slope_high": self.slope_range[:, 1],
            "sd": self.sd,
            "is_two_valued": self.is_two_valued,
            "importance_spread": self.importance_spread,
            "mean_slope_spread": self.mean_slope_spread,
            "line_coefficient": self.line_coefficients,
        }
        return {name: values for name, values in columns.items() if values is not None}

    def __str__(self) -> str:
        columns = list(zip(*self._table(), strict=True))
        widths = [max(map(len, column)) for column in columns]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
            for row in self._table()
        ]
        code = ["", self.recipe] if self.recipe else []
        return "\n".join([self._title(), *lines, *self._conclusion(), *code])

    def _repr_html_(self) -> str:
        heading, *rows = self._table()
        head = "".join(f"<th>{escape(cell)}</th>" for cell in heading)
        body = "".join(
            f"<tr><th style='text-align: left'>{escape(row[0])}</th>"
            + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
            + "</tr>"
            for row in rows
        )
        conclusion = "".join(f"<p>{escape(text)}</p>" for text in self._conclusion())
        code = f"<pre>{escape(self.recipe)}</pre>" if self.recipe else ""
        return (
            f"<table><caption>{escape(self._title())}</caption><tr>{head}</tr>{body}"
            f"</table>{conclusion}{code}"
        )

    def _title(self) -> str:
        return (
            f"Effects of a net of {plural(self.n_units, 'unit')} ({self.activation}) on "
            f"{plural(self.n_rows, 'row')}: change of the logit per standard deviation"
        )

    def _table(self) -> list[list[str]]:
        """A heading, and a row for each of the most important columns."""
        columns = np.argsort(-self.importance, kind="stable")[:MOST_LINES]
        has_line = self.line_coefficients is not None
        heading = ["column", "importance", "mean slope", "straight"]
        return [
            heading + ["LogisticRegression"] * has_line,
            *(self._row(int(j)) for j in columns),
        ]

    def _row(self, j: int) -> list[str]:
        slope, share = f"{self.mean_slope[j]:.3f}", self.linear_share[j]
        if self.mean_slope_spread is not None:
            slope += f" ± {self.mean_slope_spread[j]:.3f}"
        straight = "-" if np.isnan(share) else f"{share:.0%}"
        row = [self.feature_names[j], f"{self.importance[j]:.3f}", slope, straight]
        if self.line_coefficients is not None:
            row.append(f"{self.line_coefficients[j]:.3f}")
        return row

    def _conclusion(self) -> list[str]:
        """What the table leaves out, what LogisticRegression misses, and how to add it."""
        n_more = self.importance.size - MOST_LINES
        more = [f"... and {n_more} more"] if n_more > 0 else []
        if self.activation == "relu":
            more.append(
                "relu has no curvature: how columns of more than two values act together "
                "shows only in the spread of their slopes, `sd_slope`."
            )
        if not self.missed:
            return [*more, self._without_findings()]
        found = [f"- {sentence}" for sentence in self.missed]
        return [*more, "LogisticRegression misses:", *found, "The terms that it needs:"]

    def _without_findings(self) -> str:
        share = self.straight_share
        if not share < STRAIGHT:  # NaN, too
            return "LogisticRegression misses nothing large."
        return (
            f"No column and no pair stands out, but only {share:.0%} of all squared slopes "
            f"are straight: what the net does beyond LogisticRegression is spread over "
            f"many."
        )
