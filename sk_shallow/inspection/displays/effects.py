"""How the logit of a net depends on its columns."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sk_shallow._core.slopes import SampledSlopes, bins_of, values_of
from sk_shallow.inspection.displays.style import BLUE, GREY, ORANGE, SKY, new_axes
from sk_shallow.inspection.effects import report_on
from sk_shallow.inspection.effects_report import EffectsReport
from sk_shallow.inspection.slopes import effects_subject
from sk_shallow.threads.blas import on_one_blas_thread
from sk_shallow.validation.parameters import is_integer

KINDS = ("importance", "slopes")
MOST_POINTS = 1000  # of a panel
MOST_LETTERS = 24  # of a name
PER_ROW = 5  # panels


class EffectsDisplay:
    """Slopes and curvatures of the logit in the columns of X.

    With ``kind="importance"``, there are bars on the left: the root mean square of the
    slope of each column, divided as its square is, into the squared mean (straight: all
    that a linear model can have) and the variance (curved, or changed by other columns). On
    the right is a map of the second derivatives: of pairs, and on the diagonal of each
    column alone.

    With ``kind="slopes"``, there is a panel for each column, with the slope against the
    value of the column, as in the profile of Lek et al. [1]_, but at the rows themselves: a
    point for each of 1,000 rows, and the mean in bins. A level line is a straight effect.
    Points far above and below the line show that other columns change the slope.

    Use :meth:`from_estimator` or :meth:`from_report`.

    Parameters
    ----------
    report : EffectsReport
        The numbers.
    sampled : tuple of three arrays or None, default=None
        Rows as the net gets them, their slopes, of the same shape, and their weights, of
        shape (n_rows,): for ``kind="slopes"``; None is for ``kind="importance"``.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        What was drawn on: two, or one for each column.
    figure_ : matplotlib Figure
        The figure with these axes.

    References
    ----------
    .. [1] Lek, Delacoste, Baran, Dimopoulos, Lauga & Aulagnier (1996). Application of
       neural networks to modelling nonlinear relationships in ecology. Ecological
       Modelling 90.
    """

    def __init__(
        self, *, report: EffectsReport, sampled: SampledSlopes | None = None
    ) -> None:
        self.report = report
        self.sampled = sampled

    @classmethod
    @on_one_blas_thread
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        kind: str = "importance",
        sample_weight: Any = None,
        feature_names: Any = None,
        n_columns: int = 10,
        axes: Any = None,
    ) -> Self:
        """Look at the effects of a net on the rows of X, and draw them.

        Parameters
        ----------
        estimator : ShallowNetClassifier, ShallowNetClassifierCV, Pipeline or search
            As :func:`~sk_shallow.inspection.inspect_effects` takes it.
        X : array, data frame or sparse matrix of shape (n_samples, n_features)
            Rows to look at.
        kind : {"importance", "slopes"}, default="importance"
            Bars and a map, or the slopes of each column.
        sample_weight : array-like of shape (n_samples,), float or None, default=None
            Their weights. Rows of weight 0 are left out.
        feature_names : sequence of str or None, default=None
            Names of the columns that the net gets.
        n_columns : int >= 1, default=10
            How many columns are drawn, the most important ones, at most.
        axes : array-like of matplotlib Axes or None, default=None
            Axes to draw on, two or one for each column that is drawn; None makes new ones.

        Returns
        -------
        display : EffectsDisplay
            With the report as an attribute.

        Raises
        ------
        TypeError, ValueError, sklearn.exceptions.NotFittedError
            As `inspect_effects`; or if `kind`, `n_columns` or the number of axes is wrong.
        """
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {KINDS}, got {kind!r}.")
        subject = effects_subject(estimator, X, sample_weight, feature_names)
        sampled = (
            subject.sampled(subject.scales(), MOST_POINTS) if kind == "slopes" else None
        )
        display = cls(report=report_on(subject), sampled=sampled)
        return display.plot(axes, n_columns=n_columns)

    @classmethod
    def from_report(
        cls, report: EffectsReport, *, n_columns: int = 10, axes: Any = None
    ) -> Self:
        """Draw the bars and the map of a report that is there already.

        Parameters
        ----------
        report : EffectsReport
            What is drawn. The coefficients of LogisticRegression are marked on the bars
            where it has them.
        n_columns : int >= 1, default=10
            How many columns are drawn, the most important ones, at most.
        axes : array-like of two matplotlib Axes or None, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        display : EffectsDisplay
            With the report as an attribute.
        """
        return cls(report=report).plot(axes, n_columns=n_columns)

    def plot(self, axes: Any = None, *, n_columns: int = 10) -> Self:
        """Draw.

        Parameters
        ----------
        axes : array-like of matplotlib Axes or None, default=None
            Axes to draw on, two or one for each column that is drawn; None makes new ones.
        n_columns : int >= 1, default=10
            How many columns are drawn, the most important ones, at most.

        Returns
        -------
        self : EffectsDisplay
            The display, with `axes_` and `figure_`.

        Raises
        ------
        ValueError
            If `n_columns` is no integer above 0, or there are too many or too few axes.
        """
        if not is_integer(n_columns) or n_columns < 1:
            raise ValueError(f"n_columns must be an integer >= 1, got {n_columns!r}.")
        columns = np.argsort(-self.report.importance, kind="stable")[:n_columns]
        self.axes_ = self._axes(axes, len(columns))
        self.figure_ = self.axes_[0].figure
        if self.sampled is None:
            self._draw_bars(self.axes_[0], columns)
            self._draw_map(self.axes_[1], columns)
        else:
            self._draw_slopes(columns)
        return self

    def _axes(self, axes: Any, n_columns: int) -> NDArray[np.object_]:
        needed = 2 if self.sampled is None else n_columns
        if axes is not None:
            given: NDArray[np.object_] = np.ravel(axes)
            if len(given) != needed:
                raise ValueError(f"axes must be {needed}, got {len(given)}.")
            return given
        n_wide = min(needed, PER_ROW)
        n_high = -(-needed // n_wide)
        figure: dict[str, Any] = {"figsize": (2.7 * n_wide, 2.6 * n_high), "sharey": True}
        if self.sampled is None:
            figure = {"figsize": (12, 2 + 0.35 * max(n_columns, 8))}
        panels: NDArray[np.object_] = np.ravel(new_axes(n_wide, nrows=n_high, **figure))
        for ax in panels[needed:]:
            ax.set_axis_off()
        return panels[:needed]

    def _draw_bars(self, ax: Any, columns: NDArray[np.intp]) -> None:
        """The importance of each column, in two parts."""
        report, places = self.report, np.arange(len(columns))
        importance = report.importance[columns]
        straight = importance * np.nan_to_num(report.linear_share[columns])
        spread = report.importance_spread
        ax.barh(places, straight, color=BLUE, label="straight: squared mean slope")
        ax.barh(
            places,
            importance - straight,
            left=straight,
            color=ORANGE,
            label="curved, or changed by other columns: variance of the slope",
        )
        if spread is not None:
            style = {"fmt": "none", "ecolor": "black", "label": "± sd over the nets"}
            ax.errorbar(importance, places, xerr=spread[columns], **style)
        if report.line_coefficients is not None:
            size, label = np.abs(report.line_coefficients[columns]), "LogisticRegression"
            ax.plot(size, places, "D", ms=5, mfc="white", mec="black", label=label)
        ax.set_yticks(places, self._names(columns))
        ax.invert_yaxis()
        ax.set(xlabel="importance: root mean square of the slope per sd", xlim=(0, None))
        ax.legend(fontsize="small", loc="lower left", bbox_to_anchor=(0, 1))

    def _draw_map(self, ax: Any, columns: NDArray[np.intp]) -> None:
        """The second derivatives of these columns, as far as the report has them."""
        report = self.report
        columns = columns[np.isin(columns, report.interaction_columns)]
        rows = np.searchsorted(report.interaction_columns, columns)
        places, names = np.arange(len(columns)), self._names(columns)
        image = ax.imshow(report.interactions[np.ix_(rows, rows)], cmap="cividis", vmin=0)
        if np.isnan(report.interactions).all():
            ax.text(0.5, 0.5, "relu has no curvature", ha="center", transform=ax.transAxes)
        else:
            label = "second derivative of the logit per sd and sd,\nroot mean square"
            ax.figure.colorbar(image, ax=ax, label=label)
        ax.set_xticks(places, names, rotation=45, ha="right", rotation_mode="anchor")
        ax.set_yticks(places, names)
        ax.set(title="Interactions; on the diagonal, own curvature")

    def _draw_slopes(self, columns: NDArray[np.intp]) -> None:
        """The slope of each column against its value."""
        assert self.sampled is not None
        names, values = self._names(columns), values_of(self.sampled.X, columns)
        slopes, weight = self.sampled.slopes.T[columns], self.sampled.weight
        for ax, name, x, g in zip(self.axes_, names, values, slopes, strict=True):
            ax.axhline(0, color=GREY, ls=":")
            ax.scatter(x, g, s=5, color=SKY, alpha=0.5, linewidths=0)
            bins = bins_of(x)
            of_bin = np.bincount(bins, weight)
            means = (np.bincount(bins, weight * v) / of_bin for v in (x, g))
            ax.plot(*means, "o-", ms=3, color=BLUE)
            ax.set(xlabel=name)
        for ax in self.axes_[::PER_ROW]:
            ax.set(ylabel="slope of the logit per sd")

    def _names(self, columns: NDArray[np.intp]) -> list[str]:
        return [shortened(name) for name in self.report.feature_names[columns]]


def shortened(name: str) -> str:
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"
