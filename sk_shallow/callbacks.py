"""What scikit-learn's callbacks are told of a training (scikit-learn 1.9 and later).

A fit is a tree of tasks: the fit; with several starts, each start; each iteration.
Older versions of scikit-learn have no callbacks, and nothing is told.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, ParamSpec, TypeVar

from sk_shallow._core.parameters import Vector

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupportMixin
    from sklearn.callback import with_callbacks as torn_down_after
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing, where scikit-learn has no callbacks."""

    def torn_down_after(method: Any) -> Any:
        return method


P = ParamSpec("P")
R = TypeVar("R")


def with_callbacks(method: Callable[P, R]) -> Callable[P, R]:
    """scikit-learn's decorator, which tears callbacks down, with the method's type."""
    decorated: Callable[P, R] = torn_down_after(method)
    return decorated


class Told(NamedTuple):
    """What callbacks may ask for at every task."""

    estimator: Any
    X: Any
    y: Any
    sample_weight: Any
    attributes: Callable[[Vector], dict[str, Any]]  # of a net fitted so far

    def at(self, theta: Vector | None) -> dict[str, Any]:
        weight = self.sample_weight
        told = {
            "estimator": self.estimator,
            "X": self.X,
            "y": self.y,
            "metadata": None if weight is None else {"sample_weight": weight},
        }
        if theta is not None:  # copied only for callbacks that ask for it
            told["reconstruction_attributes"] = lambda: self.attributes(theta)
        return told


class Task:
    """One training, whose iterations are its subtasks."""

    def __init__(self, context: Any, told: Told, max_iter: int) -> None:
        self.context = context
        self.told = told
        self.left = max_iter
        self.iteration: Any = None

    def iteration_begins(self, theta: Vector) -> None:
        if not self.left:
            return
        self.left -= 1
        self.iteration = self.context.subcontext(task_name="iteration")
        self.iteration.call_on_fit_task_begin(**self.told.at(theta))

    def iteration_ended(self, theta: Vector | None) -> bool:
        """Whether a callback asks to stop. No theta: the iteration came to nothing."""
        if self.iteration is None:
            return False
        stop = self.iteration.call_on_fit_task_end(**self.told.at(theta))
        self.iteration = None
        return bool(stop)

    def ended(self, theta: Vector) -> None:  # noqa: ARG002 (a fit tells it itself)
        self.iteration_ended(None)


class StartTask(Task):
    """The training from one of several starts, which is a subtask of the fit."""

    def __init__(self, context: Any, told: Told, max_iter: int) -> None:
        super().__init__(context, told, max_iter)
        self.context.call_on_fit_task_begin(**told.at(None))

    def ended(self, theta: Vector) -> None:
        super().ended(theta)
        self.context.call_on_fit_task_end(**self.told.at(theta))


class FitTask:
    """A fit: the training from one start, or those from several."""

    def __init__(self, told: Told, n_starts: int, max_iter: int) -> None:
        self.told = told
        self.context: Any = None
        self.trainings: list[Task | None] = [None] * n_starts
        if not hasattr(told.estimator, "_init_callback_context"):
            return
        self.context = told.estimator._init_callback_context(
            max_subtasks=max_iter if n_starts == 1 else n_starts,
            sequential_subtasks=n_starts == 1,
        )
        self.context.call_on_fit_task_begin(**told.at(None))
        self.trainings = [Task(self.context, told, max_iter)]
        if n_starts > 1:
            self.trainings = [
                StartTask(
                    self.context.subcontext(
                        task_name="start", task_id=k, max_subtasks=max_iter
                    ),
                    told,
                    max_iter,
                )
                for k in range(n_starts)
            ]

    def ended(self, theta: Vector) -> None:
        if self.context is not None:
            self.context.call_on_fit_task_end(**self.told.at(theta))
