"""The distribution of the hidden activations, and how much of it lies on the plateau."""

from typing import Any, Self

import numpy as np

from sk_shallow._core.activations import Array, Vector
from sk_shallow._core.diagnostics import activation_counts, flat_ranges
from sk_shallow.inspection.displays.style import BLUE, ORANGE, axes_for
from sk_shallow.inspection.subjects import find_subject
from sk_shallow.threads.blas import on_one_blas_thread
from sk_shallow.validation.parameters import is_integer


class ActivationDisplay:
    """Histogram of the hidden activations A1, the flat part of phi shaded.

    Use :meth:`from_estimator`.

    Parameters
    ----------
    activation : str
        The function phi.
    share : ndarray of shape (n_hidden, n_bins)
        Share of the rows in each bin, for each unit. With relu, there is one bin more, the
        first: for those that are 0.
    edges : ndarray of shape (n_bins + 1,)
        Edges of the bins. With relu, the bin for 0 lies left of it.
    saturated_share : ndarray of shape (n_hidden,)
        Share of the rows on which the slope of phi is under 5 % of its maximum.
    flat_ranges : list of tuples of two floats
        The values of A1 where that is so.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn on.
    figure_ : matplotlib Figure
        The figure with these axes.
    """

    def __init__(
        self,
        *,
        activation: str,
        share: Array,
        edges: Vector,
        saturated_share: Vector,
        flat_ranges: list[tuple[float, float]],
    ) -> None:
        self.activation = activation
        self.share = share
        self.edges = edges
        self.saturated_share = saturated_share
        self.flat_ranges = flat_ranges

    @classmethod
    @on_one_blas_thread
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        at_start: bool = False,
        n_bins: int = 50,
        per_unit: bool = False,
        ax: Any = None,
    ) -> Self:
        """Draw the activations of a net on the rows of X.

        Parameters
        ----------
        estimator : ShallowNetClassifier, ShallowNetClassifierCV, Pipeline or search
            As :func:`~sk_shallow.inspection.inspect_hidden_layer` takes it.
        X : array, data frame or sparse matrix of shape (n_samples, n_features)
            Rows to look at.
        y : array-like of shape (n_samples,) or None, default=None
            Their labels; only a start that is fitted to the rows needs them.
        sample_weight : array-like of shape (n_samples,), float or None, default=None
            Their weights, for a start that is fitted to the rows; rows of weight 0 are
            left out.
        at_start : bool, default=False
            Whether to look at the weights that `fit` would start from.
        n_bins : int, default=50
            Number of bins.
        per_unit : bool, default=False
            Whether to draw a line of bins for each unit, or all units together.
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        display : ActivationDisplay
            With its data as attributes.

        Raises
        ------
        TypeError, ValueError, sklearn.exceptions.NotFittedError
            As `inspect_hidden_layer`; or if `n_bins` is no integer above 0.
        """
        if not is_integer(n_bins) or n_bins < 1:
            raise ValueError(f"n_bins must be an integer >= 1, got {n_bins!r}.")
        subject = find_subject(estimator, X, y, sample_weight, at_start=at_start)
        statistics, activation = subject.statistics(), subject.net.activation
        counts, edges = activation_counts(
            subject.net, subject.X, int(n_bins), subject.rows.sample_weight
        )
        display = cls(
            activation=activation.name,
            share=counts / statistics.n_rows,
            edges=edges,
            saturated_share=statistics.flat_share,
            flat_ranges=flat_ranges(activation, edges),
        )
        return display.plot(ax=ax, per_unit=per_unit)

    def plot(self, ax: Any = None, *, per_unit: bool = False) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None makes new ones.
        per_unit : bool, default=False
            Whether to draw a line of bins for each unit, or all units together.

        Returns
        -------
        self : ActivationDisplay
            The display, with `ax_` and `figure_`.
        """
        self.ax_ = axes_for(ax)
        self.figure_ = self.ax_.figure
        (self._draw_units if per_unit else self._draw_pooled)()
        n_hidden, share = len(self.saturated_share), self.saturated_share.mean()
        self.ax_.set(
            xlabel=f"activation A1 = {self.activation}(Z1)",
            title=f"{n_hidden} units, {share:.0%} on the flat part",
        )
        return self

    def _draw_pooled(self) -> None:
        pooled = self.share.mean(axis=0)
        for number, (low, high) in enumerate(self.flat_ranges):
            label = None if number else f"flat part of {self.activation}"
            self.ax_.axvspan(low, high, color=ORANGE, alpha=0.5, zorder=3, label=label)
        self.ax_.stairs(pooled, self.edges, fill=True, color=BLUE, label="all units")
        self.ax_.set(ylabel="share of unit-row pairs", xlim=self.edges[[0, -1]])
        self.ax_.legend()

    def _inner_share(self) -> float:
        """The largest share but for the outer bins, which the plateau may fill."""
        return float(self.share[:, 1:-1].max(initial=0)) or 1.0

    def _draw_units(self) -> None:
        units = np.arange(len(self.share) + 1) - 0.5
        mesh = self.ax_.pcolormesh(
            self.edges, units, self.share, cmap="cividis", vmax=self._inner_share()
        )
        self.figure_.colorbar(mesh, ax=self.ax_, label="share of rows", extend="max")
        for limit in {limit for limits in self.flat_ranges for limit in limits}:
            line = self.ax_.axvline(limit, color=ORANGE, linewidth=1)
            line.set_label(f"flat part of {self.activation}")
        self.ax_.set(ylabel="hidden unit")
        if self.flat_ranges:
            self.ax_.legend(handles=[line], loc="upper right")
