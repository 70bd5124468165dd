"""How alike the hidden units are."""

from typing import Any, Self

import numpy as np

from sk_shallow._core.activations import Array
from sk_shallow._core.diagnostics import similarity
from sk_shallow.inspection.displays.style import axes_for
from sk_shallow.inspection.subjects import check_tol, find_subject
from sk_shallow.threads.blas import on_one_blas_thread

MOST_TICKS = 10


class HiddenUnitSimilarityDisplay:
    """Cosine similarity of the activations of each pair of hidden units, by group.

    Units that compute the same function stand side by side, so that they show as a
    block (mirror images in the other colour); a zero start is one block. Use
    :meth:`from_estimator`.

    Parameters
    ----------
    similarity : ndarray of shape (n_hidden, n_hidden)
        From -1 (mirror images) to 1 (the same direction), in the order of `order`.
    order : ndarray of shape (n_hidden,)
        Numbers of the units, the largest group first.
    group_sizes : list of int
        Units of each group, in the same order.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn on.
    figure_ : matplotlib Figure
        The figure with these axes.
    im_ : matplotlib AxesImage
        The picture of the similarity.
    """

    def __init__(self, *, similarity: Array, order: Array, group_sizes: list[int]) -> None:
        self.similarity = similarity
        self.order = order
        self.group_sizes = group_sizes

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
        tol: float = 1e-6,
        colorbar: bool = True,
        ax: Any = None,
    ) -> Self:
        """Draw the similarity of the units of a net on the rows of X.

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
        tol : float > 0, default=1e-6
            How alike units of a group are, as in `inspect_hidden_layer`.
        colorbar : bool, default=True
            Whether to say beside the picture which colour stands for what.
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        display : HiddenUnitSimilarityDisplay
            With its data as attributes.

        Raises
        ------
        TypeError, ValueError, sklearn.exceptions.NotFittedError
            As `inspect_hidden_layer`.
        """
        check_tol(tol)
        subject = find_subject(estimator, X, y, sample_weight, at_start=at_start)
        statistics = subject.statistics()
        groups = subject.groups(statistics, tol)
        groups.sort(key=len, reverse=True)
        alike = similarity(statistics)
        order = np.concatenate([mirrors_last(group, alike) for group in groups])
        alike = alike[np.ix_(order, order)]
        sizes = [len(group) for group in groups]
        return cls(similarity=alike, order=order, group_sizes=sizes).plot(
            ax=ax, colorbar=colorbar
        )

    def plot(self, ax: Any = None, *, colorbar: bool = True) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None makes new ones.
        colorbar : bool, default=True
            Whether to say beside the picture which colour stands for what.

        Returns
        -------
        self : HiddenUnitSimilarityDisplay
            The display, with `ax_`, `figure_` and `im_`.
        """
        self.ax_ = axes_for(ax)
        self.figure_ = self.ax_.figure
        n_hidden, n_groups = len(self.order), len(self.group_sizes)
        self.im_ = self.ax_.imshow(self.similarity, vmin=-1, vmax=1, cmap="PuOr")
        if colorbar:
            self.figure_.colorbar(self.im_, ax=self.ax_, label="cosine similarity of A1")
        self.ax_.set(
            xlabel="hidden unit, by group",
            ylabel="hidden unit, by group",
            title=f"{n_hidden} units, {n_groups} distinct",
        )
        ticks = np.arange(n_hidden)[:: -(-n_hidden // MOST_TICKS)]
        self.ax_.set_xticks(ticks, self.order[ticks])
        self.ax_.set_yticks(ticks, self.order[ticks])
        return self


def mirrors_last(group: list[int], alike: Array) -> list[int]:
    """The units of a group, those that are mirror images of the first at its end."""
    return sorted(group, key=lambda unit: bool(alike[unit, group[0]] < 0))
