"""A net beside LogisticRegression, fold by fold and row by row."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sk_shallow._core.activations import Array, Vector
from sk_shallow.inspection.comparison import (
    LogisticRegressionComparison,
    compare_with_logistic_regression,
)
from sk_shallow.inspection.displays.style import BLUE, GREEN, GREY, ORANGE, RED, new_axes

N_BINS = 10  # of calibration
MOST_POINTS = 2000
N_RINGED = 5
APART = 0.07  # of the height, between two numbers of rows
GAP, ROOM = 0.08, 0.25  # of the width: from a ring to its number, and for both
COLOURS = {"net": BLUE, "line": RED}


class ComparisonDisplay:
    """A net beside LogisticRegression: folds, calibration, and where they disagree most.

    On the left, a line for each fold leads from the log-loss of LogisticRegression to that
    of the net. In the middle is the observed frequency of ``classes[1]`` against the
    probability, in ten bins with as many rows each. On the right is the probability of
    each row by both; the rows with the largest differences are ringed, with their numbers.
    Probabilities are those of nets that were not trained on the row. Use
    :meth:`from_estimator` or :meth:`from_report`.

    Parameters
    ----------
    report : LogisticRegressionComparison
        What is drawn.

    Attributes
    ----------
    axes_ : ndarray of shape (3,) of matplotlib Axes
        What was drawn on.
    figure_ : matplotlib Figure
        The figure with these axes.
    """

    def __init__(self, *, report: LogisticRegressionComparison) -> None:
        self.report = report

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        cv: Any = 5,
        sample_weight: Any = None,
        groups: Any = None,
        line: Any = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: bool = False,
        axes: Any = None,
    ) -> Self:
        """Compare on the same folds, and draw.

        Parameters
        ----------
        estimator, X, y : optional
            As :func:`~sk_shallow.inspection.compare_with_logistic_regression` takes them.
        cv, sample_weight, groups, line : optional
            Likewise.
        n_jobs, random_state, verbose : optional
            Likewise.
        axes : array-like of three matplotlib Axes or None, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        display : ComparisonDisplay
            With the report as an attribute.

        Raises
        ------
        TypeError, ValueError
            As `compare_with_logistic_regression`.
        """
        report = compare_with_logistic_regression(
            estimator,
            X,
            y,
            cv=cv,
            sample_weight=sample_weight,
            groups=groups,
            line=line,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )
        return cls.from_report(report, axes=axes)

    @classmethod
    def from_report(cls, report: LogisticRegressionComparison, *, axes: Any = None) -> Self:
        """Draw a comparison that is there already.

        Parameters
        ----------
        report : LogisticRegressionComparison
            What is drawn.
        axes : array-like of three matplotlib Axes or None, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        display : ComparisonDisplay
            With the report as an attribute.
        """
        return cls(report=report).plot(axes)

    def plot(self, axes: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        axes : array-like of three matplotlib Axes or None, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        self : ComparisonDisplay
            The display, with `axes_` and `figure_`.

        Raises
        ------
        ValueError
            If there are not three axes.
        """
        if axes is None:
            axes = new_axes(3, figsize=(13.5, 4.6))
        self.axes_ = np.ravel(axes)
        if len(self.axes_) != 3:
            raise ValueError(f"axes must be three, got {len(self.axes_)}.")
        folds, calibration, rows = self.axes_
        self.figure_ = folds.figure
        self._draw_folds(folds)
        self._draw_calibration(calibration)
        self._draw_rows(rows)
        return self

    def _draw_folds(self, ax: Any) -> None:
        """The log-loss of the line and of the net, joined by fold."""
        losses, names = self.report.scores["log-loss"], self.report.names
        is_better = losses["net"] < losses["line"]
        for better, colour, name in ((True, BLUE, "net"), (False, RED, "line")):
            pairs = np.stack([losses["line"], losses["net"]])[:, is_better == better]
            label = f"{names[name]} better: {pairs.shape[1]}"
            for k, pair in enumerate(pairs.T):
                shown = label if k == 0 else None
                ax.plot([0, 1], pair, "o-", ms=4, lw=1, color=colour, label=shown)
        means = [losses["line"].mean(), losses["net"].mean()]
        ax.plot([0, 1], means, "D-", color="black", lw=2, ms=7, label="mean")
        mean, low, high = self.report.difference
        ax.set(
            xlim=(-0.35, 1.35),
            ylim=ax.get_ylim(),  # the class frequency may be far off
            ylabel="log-loss on test rows (lower is better)",
            title=f"Net minus line: {mean:+.3g} ({low:+.3g} to {high:+.3g})",
        )
        prior = losses["prior"].mean()
        label = f"{names['prior']}: {prior:.3g}"
        ax.axhline(prior, color=GREY, ls=":", label=label)
        ax.set_xticks([0, 1], [on_lines(names["line"]), on_lines(names["net"])])
        ax.legend(fontsize="small")

    def _draw_calibration(self, ax: Any) -> None:
        """The observed frequency in bins of the probability."""
        report = self.report
        ax.plot([0, 1], [0, 1], color=GREY, ls=":", label="calibrated")
        for name, marker in (("line", "s"), ("net", "o")):
            probability, frequency = calibration(
                report.y, report.probabilities[name], report.sample_weight
            )
            style = {"color": COLOURS[name], "label": report.names[name]}
            ax.plot(probability, frequency, f"{marker}-", ms=5, **style)
        second = report.classes.tolist()[1]
        ax.set(
            xlabel=f"mean probability of {second!r}",
            ylabel=f"share of {second!r}",
            title="Calibration",
            xlim=(-0.03, 1.03),
            ylim=(-0.03, 1.03),
        )
        ax.legend(fontsize="small")

    def _draw_rows(self, ax: Any) -> None:
        """The probability by the net against that by the line."""
        report = self.report
        line, net = report.probabilities["line"], report.probabilities["net"]
        ringed = self.disagreements()
        shown = np.union1d(some_rows(np.flatnonzero(~np.isnan(line))), ringed)
        for number, colour, marker in ((0, ORANGE, "^"), (1, GREEN, "o")):
            rows = shown[report.y[shown] == number]
            label = f"{report.classes.tolist()[number]!r}"
            style = {"s": 14, "alpha": 0.6, "linewidths": 0, "label": label}
            ax.scatter(line[rows], net[rows], color=colour, marker=marker, **style)
        ax.plot([0, 1], [0, 1], color=GREY, ls=":")
        ax.scatter(line[ringed], net[ringed], s=80, facecolors="none", edgecolors="black")
        number_rows(ax, ringed, line[ringed], net[ringed])
        second = report.classes.tolist()[1]
        ax.set(
            xlabel=f"probability of {second!r},\n{report.names['line']}",
            ylabel=f"probability of {second!r},\n{report.names['net']}",
            title="Rows with the largest differences",
            xlim=(-0.03, 1.03),
            ylim=(-0.03, 1.03),
        )
        ax.legend(fontsize="small", title="label")

    def disagreements(self, n_rows: int = N_RINGED) -> NDArray[np.intp]:
        """The rows to which the net and the line give the most different probabilities.

        Parameters
        ----------
        n_rows : int, default=5
            How many.

        Returns
        -------
        rows : ndarray of shape (n_rows,)
            Their numbers, the largest difference first; only rows that were in a test fold.
        """
        line, net = self.report.probabilities["line"], self.report.probabilities["net"]
        difference = np.nan_to_num(np.abs(net - line), nan=-1.0)
        first = np.argsort(-difference, kind="stable")[:n_rows]
        return first[difference[first] > 0]


def calibration(
    y: NDArray[np.bool_], probabilities: Vector, weight: Array | None
) -> tuple[Vector, Vector]:
    """Mean probability and share of y in bins with as many rows each, with weights.

    Without, those of scikit-learn's `calibration_curve`, which has none in all versions.
    """
    known = ~np.isnan(probabilities)
    y, p = y[known], probabilities[known].astype(np.float64)
    w = np.ones(len(p)) if weight is None else weight[known]
    edges = np.quantile(p, np.linspace(0, 1, N_BINS + 1)[1:-1])
    bins = np.searchsorted(edges, p)
    total, of_p, of_y = (np.bincount(bins, weights) for weights in (w, w * p, w * y))
    there = total > 0
    return of_p[there] / total[there], of_y[there] / total[there]


def some_rows(rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """All of them, or a seeded sample where they would be too many to see."""
    if len(rows) <= MOST_POINTS:
        return rows
    return np.random.default_rng(0).choice(rows, MOST_POINTS, replace=False)


def number_rows(ax: Any, rows: NDArray[np.intp], x: Vector, y: Vector) -> None:
    """Write the number of each row beside its point, away from the diagonal if it fits."""
    for is_above in (True, False):
        side = np.flatnonzero((y > x) == is_above)
        side = side[np.argsort(y[side])]
        first, last = x[side].min(initial=1), x[side].max(initial=0)
        is_left = first > ROOM if is_above else last > 1 - ROOM
        place = first - GAP if is_left else last + GAP
        for k, height in zip(side, apart(y[side]), strict=True):
            ax.annotate(
                str(rows[k]),
                (x[k], y[k]),
                (place, height),
                ha="right" if is_left else "left",
                va="center",
                arrowprops={"arrowstyle": "-", "color": "black", "lw": 0.7, "shrinkB": 5},
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
            )


def apart(heights: Vector) -> Vector:
    """The heights, in ascending order, moved so that none is closer than `APART`."""
    steps = APART * np.arange(len(heights))
    moved = np.maximum.accumulate(heights - steps) + steps
    over = max(0.0, moved.max(initial=0) - 1)
    lowered: Vector = moved - over
    return lowered


def on_lines(name: str) -> str:
    return name.replace(" + ", " +\n")
