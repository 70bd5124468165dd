"""What the search of ShallowNetClassifierCV found."""

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sk_shallow._core.activations import Array, Vector
from sk_shallow._core.columns import ColumnMoments, default_alpha
from sk_shallow.advice import search_verdict
from sk_shallow.cross_validation import ShallowNetClassifierCV
from sk_shallow.inspection.displays.style import CYCLE, GREY, axes_for
from sk_shallow.inspection.subjects import unwrap
from sk_shallow.validation.parameters import is_number


class CrossValidationDisplay:
    """Cross-validated score against `alpha`, for each `init_scale` that was tried.

    The band is the mean over the folds plus and minus its standard error. All settings have
    the same folds, so one may be clearly better than another though their bands overlap.
    Use :meth:`from_estimator`.

    Parameters
    ----------
    alphas : ndarray of shape (n_alphas,)
        The penalties, in ascending order.
    init_scales : ndarray of shape (n_init_scales,)
        The scales of the start.
    scores : ndarray of shape (n_init_scales, n_alphas, n_folds)
        Scores of the search; NaN where a setting was not tried, or a fold has no weight.
    alpha, init_scale : float
        The best setting.
    scoring : str
        What the score is.
    verdict : str
        What it means that the best penalty is at an end of the search; "" if it is not.
    logistic_regression : float or None
        Score of LogisticRegression.
    is_stopped_by_fold : bool
        Whether the fold nets were stopped by the rows that they are scored on.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn on.
    figure_ : matplotlib Figure
        The figure with these axes.
    lines_ : list of matplotlib Line2D
        The curve of each scale.
    """

    def __init__(
        self,
        *,
        alphas: Vector,
        init_scales: Vector,
        scores: Array,
        alpha: float,
        init_scale: float,
        scoring: str,
        verdict: str,
        logistic_regression: float | None,
        is_stopped_by_fold: bool,
    ) -> None:
        self.alphas = alphas
        self.init_scales = init_scales
        self.scores = scores
        self.alpha = alpha
        self.init_scale = init_scale
        self.scoring = scoring
        self.verdict = verdict
        self.logistic_regression = logistic_regression
        self.is_stopped_by_fold = is_stopped_by_fold

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, logistic_regression: float | None = None, ax: Any = None
    ) -> Self:
        """Draw the scores of a fitted ShallowNetClassifierCV.

        Parameters
        ----------
        estimator : ShallowNetClassifierCV, Pipeline or search
            Fitted; of a pipeline its last step counts, of a search the best estimator.
        logistic_regression : float or None, default=None
            Score of :class:`~sklearn.linear_model.LogisticRegression` to draw as a line:
            the mean over the same folds, by the same `scoring`. Where early stopping is on,
            the fold nets were stopped by the rows that they are scored on, and
            LogisticRegression was not; the legend says so.
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        display : CrossValidationDisplay
            With its data as attributes.

        Raises
        ------
        TypeError
            If there is no ShallowNetClassifierCV in `estimator`.
        sklearn.exceptions.NotFittedError
            If it is not fitted.
        ValueError
            If `logistic_regression` is not a finite number.
        """
        net, _, _ = unwrap(estimator, None, None, at_start=False)
        if not isinstance(net, ShallowNetClassifierCV):
            raise TypeError(
                f"Expected a ShallowNetClassifierCV, or a Pipeline that ends in one, or a "
                f"search over one; got {type(net).__name__}."
            )
        if logistic_regression is not None and not is_number(logistic_regression):
            raise ValueError(
                f"logistic_regression must be a finite number (its mean score) or None, "
                f"got {logistic_regression!r}."
            )
        check_is_fitted(net)
        scoring = "neg_log_loss" if net.scoring is None else net.scoring
        first = net.estimators_[0]
        display = cls(
            alphas=net.alphas_,
            init_scales=net.init_scales_,
            scores=net.scores_,
            alpha=net.alpha_,
            init_scale=net.init_scale_,
            scoring=getattr(scoring, "__name__", str(scoring)),
            verdict=verdict_of(net),
            logistic_regression=logistic_regression,
            is_stopped_by_fold=first.validation_loss_curve_ is not None,
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
        self : CrossValidationDisplay
            The display, with `ax_`, `figure_` and `lines_`.
        """
        self.ax_ = axes_for(ax)
        self.figure_ = self.ax_.figure
        self.lines_: list[Any] = []
        # The best last, so that its mark follows its scale in the legend.
        scales = np.argsort(self.init_scales == self.init_scale, kind="stable")
        for number in scales:
            self._draw_scale(int(number))
        if self.logistic_regression is not None:
            note = " (no fold stopped it)" if self.is_stopped_by_fold else ""
            self.ax_.axhline(
                self.logistic_regression,
                color=GREY,
                ls=":",
                label=f"LogisticRegression{note}",
            )
        if (self.alphas > 0).all():
            self.ax_.set_xscale("log")
        elif (self.alphas > 0).any():
            least = self.alphas[self.alphas > 0].min()
            self.ax_.set_xscale("symlog", linthresh=least)
        ylabel = f"{self.scoring}, mean and standard error over folds"
        self.ax_.set(xlabel="alpha", ylabel=ylabel, title=self.verdict)
        self.ax_.legend()
        return self

    def _draw_scale(self, number: int) -> None:
        """The curve of a scale, its band, and the best setting where it is on it."""
        scale, colour = self.init_scales[number], CYCLE[number % len(CYCLE)]
        tried = ~np.isnan(self.scores[number]).all(axis=1)
        alphas, scores = self.alphas[tried], self.scores[number, tried]
        mean, error = mean_and_error(scores)
        self.lines_ += self.ax_.plot(
            alphas, mean, "o-", ms=4, color=colour, label=f"init_scale {scale:g}"
        )
        self.ax_.fill_between(
            alphas, mean - error, mean + error, color=colour, alpha=0.2, linewidth=0
        )
        if scale == self.init_scale:
            is_best = alphas == self.alpha
            label = f"best: alpha {self.alpha:.3g}"
            self.ax_.plot(
                alphas[is_best],
                mean[is_best],
                "o",
                ms=10,
                mfc="none",
                mec="black",
                label=label,
            )


def mean_and_error(scores: Array) -> tuple[Vector, Vector]:
    """The mean over the folds that have a score, and its standard error (0 for one).

    Of shape (n_alphas,), from (n_alphas, n_folds); NaN without any.
    """
    n_folds = np.sum(~np.isnan(scores), axis=1)
    n_folds = np.where(n_folds, n_folds, np.nan)
    mean = np.nansum(scores, axis=1) / n_folds
    squares = np.nansum((scores - mean[:, None]) ** 2, axis=1)
    return mean, np.sqrt(squares / np.maximum(n_folds - 1, 1) / n_folds)


def verdict_of(net: ShallowNetClassifierCV) -> str:
    """What it means that the best penalty is at an end of the search; "" if it is not."""
    auto = default_alpha(ColumnMoments(**net.estimators_[0]._columns))
    weakest, strongest = net.alphas_[[0, -1]]
    found = search_verdict(net.alphas_, net.alpha_, auto, net.cv_decision_function_)
    if found:
        return found.partition(":")[0]
    if weakest == net.alpha_ < strongest:
        return "The smallest alpha is best: try smaller ones"
    if weakest < net.alpha_ == strongest:
        return "The largest alpha is best: try larger ones"
    return ""
