"""What `init_scale` does to the score and to the number of iterations."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv

from sk_shallow._core.activations import Array, Vector
from sk_shallow.advice.wording import collected
from sk_shallow.classifier import BaseShallowNet
from sk_shallow.inspection.displays.style import BLUE, GREY, RED, axes_for
from sk_shallow.inspection.pairs import last_step, rows_of, with_model
from sk_shallow.inspection.subjects import check_in_memory
from sk_shallow.validation import check_is_numpy

DEFAULT_SCALES = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)


class InitScaleDisplay:
    """Cross-validated score, and iterations, against `init_scale`.

    Use :meth:`from_estimator`.

    Parameters
    ----------
    init_scales : ndarray of shape (n_scales,)
        The scales, in ascending order.
    scores : ndarray of shape (n_scales, n_splits)
        Score of each split.
    n_iter : ndarray of shape (n_scales, n_splits)
        Iterations of each fit.
    n_warnings : ndarray of shape (n_scales,)
        Warnings about the start or the end of training, over all splits.
    reference_scores : ndarray of shape (n_splits,)
        Those of LogisticRegression, after the same steps of the pipeline.
    scoring : str
        What the score is.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the score.
    iterations_ax_ : matplotlib Axes
        Those of the iterations, on the right.
    figure_ : matplotlib Figure
        The figure with these axes.
    """

    def __init__(
        self,
        *,
        init_scales: Vector,
        scores: Array,
        n_iter: Array,
        n_warnings: Array,
        reference_scores: Array,
        scoring: str,
    ) -> None:
        self.init_scales = init_scales
        self.scores = scores
        self.n_iter = n_iter
        self.n_warnings = n_warnings
        self.reference_scores = reference_scores
        self.scoring = scoring

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        init_scales: ArrayLike = DEFAULT_SCALES,
        cv: Any = None,
        scoring: str = "neg_log_loss",
        n_jobs: int | None = None,
        ax: Any = None,
    ) -> Self:
        """Fit a net from starts of several scales, and draw how well it does.

        Parameters
        ----------
        estimator : ShallowNetClassifier or Pipeline
            A net, or a pipeline that ends in one. It is cloned, and not changed.
        X : array, data frame or sparse matrix of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Their labels.
        init_scales : array-like of shape (n_scales,), default=0.001, 0.01, ... 1000
            Scales >= 0.
        cv : int, splitter or iterable, default=None
            How to split, as in :func:`~sklearn.model_selection.cross_validate`; the same
            splits serve for each scale and for the reference.
        scoring : str, default="neg_log_loss"
            A scorer by its name.
        n_jobs : int or None, default=None
            Scales that are fitted at a time, as joblib counts them.
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        display : InitScaleDisplay
            With its data as attributes. The warnings of the fits are counted, and not
            shown: bad starts are what this is about.

        Raises
        ------
        TypeError
            If `estimator` is no ShallowNetClassifier, and no pipeline that ends in one, or
            X is on Dask.
        ValueError
            If there are no scales, `scoring` is not one scorer, or X or y is not as `fit`
            takes it; and whatever a fit raises.
        """
        if not isinstance(last_step(estimator), BaseShallowNet):
            raise TypeError(
                f"Expected a ShallowNetClassifier, or a Pipeline that ends in one; got "
                f"{type(last_step(estimator)).__name__}."
            )
        check_in_memory(X)
        check_is_numpy(X=X, y=y)
        scorer = the_scorer(estimator, scoring)
        scales = checked_scales(init_scales)
        splits = list(check_cv(cv, y, classifier=True).split(X, y))
        models = [with_scale(estimator, float(scale)) for scale in scales]
        results = Parallel(n_jobs=n_jobs)(
            delayed(cross_validated)(model, X, y, splits, scorer)
            for model in [*models, with_reference(estimator)]
        )
        scores, n_iter, n_warnings = (np.array(part) for part in zip(*results, strict=True))
        display = cls(
            init_scales=scales,
            scores=scores[:-1],
            n_iter=n_iter[:-1],
            n_warnings=n_warnings[:-1],
            reference_scores=scores[-1],
            scoring=getattr(scoring, "__name__", scoring),
        )
        return display.plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        self : InitScaleDisplay
            The display, with `ax_`, `iterations_ax_` and `figure_`.
        """
        self.ax_ = axes_for(ax)
        self.figure_ = self.ax_.figure
        self.iterations_ax_ = self.ax_.twinx()
        lines = [*self._draw_scores(), *self._draw_iterations()]
        positive = self.init_scales[self.init_scales > 0]
        if positive.size:
            self.ax_.set_xscale("symlog", linthresh=positive.min())
        self.ax_.set(xlabel="init_scale", ylabel=f"{self.scoring}, mean and sd over splits")
        self.iterations_ax_.set(ylabel="iterations, mean over splits", ylim=(0, None))
        self.ax_.legend(handles=lines)
        return self

    def _draw_scores(self) -> list[Any]:
        """The scores of the net, with marks where fits have warned, and the reference."""
        mean, sd = self.scores.mean(axis=1), self.scores.std(axis=1)
        lines = self.ax_.plot(self.init_scales, mean, "o-", color=BLUE, label="score")
        self.ax_.fill_between(
            self.init_scales, mean - sd, mean + sd, color=BLUE, alpha=0.2, linewidth=0
        )
        warned = self.n_warnings > 0
        if warned.any():
            scales, marked = self.init_scales[warned], mean[warned]
            style = {"color": "black", "ms": 9, "label": "fits with a warning"}
            lines += self.ax_.plot(scales, marked, "x", **style)
        reference = self.reference_scores.mean()
        label = "LogisticRegression"
        return [*lines, self.ax_.axhline(reference, color=GREY, ls=":", label=label)]

    def _draw_iterations(self) -> list[Any]:
        label, n_iter = "iterations (right)", self.n_iter.mean(axis=1)
        lines: list[Any] = self.iterations_ax_.plot(
            self.init_scales, n_iter, "s--", color=RED, label=label
        )
        return lines


def the_scorer(estimator: Any, scoring: Any) -> Any:
    """The one score to draw.

    Raises
    ------
    ValueError
        If `scoring` is no scorer, or several.
    """
    if not (scoring is None or isinstance(scoring, str) or callable(scoring)):
        raise ValueError(
            f"scoring must be the name of one scorer, or a callable, got {scoring!r}. Draw "
            f"a display for each."
        )
    return check_scoring(estimator, scoring)


def checked_scales(init_scales: ArrayLike) -> Vector:
    """In ascending order."""
    try:
        scales = np.atleast_1d(np.asarray(init_scales, dtype=np.float64))
    except (TypeError, ValueError):
        scales = np.array([])
    is_scale = np.isfinite(scales) & (scales >= 0)
    if scales.ndim != 1 or scales.size == 0 or not is_scale.all():
        raise ValueError(
            f"init_scales must be a list of finite numbers >= 0, got {init_scales!r}."
        )
    ascending: Vector = np.sort(scales)
    return ascending


def with_scale(estimator: Any, scale: float) -> Any:
    """A clone with this init_scale, however deep the net is in pipelines."""
    names = [name for name in estimator.get_params() if name.endswith("init_scale")]
    return clone(estimator).set_params(**dict.fromkeys(names, scale))


def with_reference(estimator: Any) -> Any:
    """A clone with LogisticRegression in the place of the net."""
    return with_model(estimator, LogisticRegression(max_iter=10_000))


def cross_validated(
    model: Any, X: Any, y: Any, splits: Sequence[Any], scorer: Any
) -> tuple[list[float], list[int], int]:
    """Fit and score each split: scores, iterations, and the number of our warnings.

    Not by scikit-learn's `cross_validate`, which sets the filters of warnings of the
    process in every task, and tasks may be threads.
    """
    scores, n_iter = [], []
    with collected() as messages:
        for train, test in splits:
            fitted = clone(model).fit(rows_of(X, train), rows_of(y, train))
            scores.append(float(scorer(fitted, rows_of(X, test), rows_of(y, test))))
            n_iter.append(int(np.max(last_step(fitted).n_iter_)))
    return scores, n_iter, len(messages)
