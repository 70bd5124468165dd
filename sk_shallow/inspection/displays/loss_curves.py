"""Training and held-out loss by iteration."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from sklearn.utils.validation import check_is_fitted

from sk_shallow._core.activations import Vector
from sk_shallow.classifier import FittedNet
from sk_shallow.cross_validation import ShallowNetClassifierCV
from sk_shallow.inspection.displays.style import CYCLE, GREY, axes_for
from sk_shallow.inspection.subjects import unwrap

MOST_NAMED_CURVES = 3  # nets whose curves each have a line in the legend
STYLES: dict[str, dict[str, Any]] = {
    "J, training": {},
    "log-loss, held out": {"linestyle": "--"},
    "lowest": {"linestyle": "", "marker": "o"},
}


class LossCurve(NamedTuple):
    """The record of one training."""

    training: Vector  # (n_steps + 1,), J
    held_out: Vector | None  # (n_steps + 1,), log-loss
    best_iteration: int | None


class LossCurveDisplay:
    """Loss by iteration: J on the training rows, and the log-loss on held-out ones.

    Use :meth:`from_estimator`.

    Parameters
    ----------
    curves : dict of str to LossCurve
        The record of each net, by its name.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn on.
    figure_ : matplotlib Figure
        The figure with these axes.
    lines_ : list of matplotlib Line2D
        The curves.
    """

    def __init__(self, *, curves: Mapping[str, LossCurve]) -> None:
        self.curves = curves

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> Self:
        """Draw the loss curves of one or several fitted nets.

        Parameters
        ----------
        estimator : net, Pipeline, search, or dict of str to these
            Fitted; of a pipeline its last step counts, of a search the best estimator. The
            net is a ShallowNetClassifier, or a ShallowNetClassifierCV, of which the net of
            each fold is drawn.
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        display : LossCurveDisplay
            With the curves as ``display.curves``.

        Raises
        ------
        TypeError
            If there is no net in `estimator`.
        sklearn.exceptions.NotFittedError
            If it is not fitted.
        ValueError
            If the dict is empty.
        """
        named = estimator if isinstance(estimator, Mapping) else {"": estimator}
        if not named:
            raise ValueError("estimator must hold at least one net, got an empty dict.")
        curves: dict[str, LossCurve] = {}
        for name, one in named.items():
            net, _, _ = unwrap(one, None, None, at_start=False)
            check_is_fitted(net)
            curves |= {
                ": ".join(filter(None, (name, fold))): LossCurve(
                    each.loss_curve_, each.validation_loss_curve_, each.best_iteration_
                )
                for fold, each in nets_in(net).items()
            }
        return cls(curves=curves).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        self : LossCurveDisplay
            The display, with `ax_`, `figure_` and `lines_`.
        """
        self.ax_ = axes_for(ax)
        self.figure_ = self.ax_.figure
        self.lines_: list[Any] = []
        for number, (name, curve) in enumerate(self.curves.items()):
            colour = CYCLE[number % len(CYCLE)]
            prefix = f"{name}: " if name else ""
            self._draw(curve.training, f"{prefix}J, training", color=colour)
            if curve.held_out is None:
                continue
            label = f"{prefix}log-loss, held out"
            self._draw(curve.held_out, label, color=colour, linestyle="--")
            if curve.best_iteration is not None:
                best = curve.held_out[curve.best_iteration]
                label = f"{prefix}lowest"
                self.ax_.plot(curve.best_iteration, best, "o", color=colour, label=label)
        self.ax_.set(xlabel="iteration", ylabel="loss [nats per row]", yscale="log")
        self._draw_legend()
        return self

    def _draw_legend(self) -> None:
        """A line for each curve; of many nets, one for each colour and for each style."""
        if len(self.curves) <= MOST_NAMED_CURVES:
            self.ax_.legend()
            return
        firsts = [line for line in self.lines_ if line.get_linestyle() == "-"]
        handles = dict(zip(self.curves, firsts, strict=True))
        for text, style in STYLES.items():
            if any(line.get_label().endswith(text) for line in self.ax_.lines):
                (handles[text],) = self.ax_.plot([], [], color=GREY, **style)
        self.ax_.legend(handles.values(), handles, fontsize="small", ncols=2)

    def _draw(self, curve: Vector, label: str, **style: Any) -> None:
        marker = "o" if len(curve) == 1 else None  # no step, so a point and no line
        self.lines_ += self.ax_.plot(
            range(len(curve)), curve, label=label, marker=marker, **style
        )


def nets_in(net: FittedNet) -> dict[str, Any]:
    """A net by no name, or those of the folds by theirs."""
    if not isinstance(net, ShallowNetClassifierCV):
        return {"": net}
    return {f"fold {number}": each for number, each in enumerate(net.estimators_)}
