"""Training and held-out loss by iteration."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from sklearn.utils.validation import check_is_fitted

from sk_shallow._core.activations import Vector
from sk_shallow.inspection.displays.style import CYCLE, axes_for
from sk_shallow.inspection.subjects import unwrap


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
        estimator : ShallowNetClassifier, Pipeline, search, or dict of str to these
            Fitted; of a pipeline its last step counts, of a search the best estimator.
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        display : LossCurveDisplay
            With the curves as ``display.curves``.

        Raises
        ------
        TypeError
            If there is no ShallowNetClassifier in `estimator`.
        sklearn.exceptions.NotFittedError
            If it is not fitted.
        ValueError
            If the dict is empty.
        """
        named = estimator if isinstance(estimator, Mapping) else {"": estimator}
        if not named:
            raise ValueError("estimator must hold at least one net, got an empty dict.")
        curves = {}
        for name, one in named.items():
            net, _, _ = unwrap(one, None, None, at_start=False)
            check_is_fitted(net)
            curves[name] = LossCurve(
                net.loss_curve_, net.validation_loss_curve_, net.best_iteration_
            )
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
        self.ax_.legend()
        return self

    def _draw(self, curve: Vector, label: str, **style: Any) -> None:
        marker = "o" if len(curve) == 1 else None  # no step, so a point and no line
        self.lines_ += self.ax_.plot(
            range(len(curve)), curve, label=label, marker=marker, **style
        )
