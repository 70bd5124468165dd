"""What scikit-learn's callbacks are told of a training (scikit-learn 1.9 and later).

A fit is a tree of tasks: the fit; with several starts, each start; each iteration.
Older versions of scikit-learn have no callbacks, and nothing is told.
"""

from collections.abc import Callable
from threading import RLock
from typing import Any, NamedTuple, ParamSpec, TypeVar

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
Attributes = Callable[[], dict[str, Any]]  # of the net, as if training had stopped here


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
    # Callbacks need not be fit for threads. One lock for each fit: they may fit a net.
    one_at_a_time: RLock

    def begins(self, context: Any, attributes: Attributes | None) -> None:
        with self.one_at_a_time:
            context.call_on_fit_task_begin(**self.at(attributes))

    def ends(self, context: Any, attributes: Attributes | None) -> bool:
        """Whether a callback asks to stop."""
        with self.one_at_a_time:
            return bool(context.call_on_fit_task_end(**self.at(attributes)))

    def at(self, attributes: Attributes | None) -> dict[str, Any]:
        weight = self.sample_weight
        told = {
            "estimator": self.estimator,
            "X": self.X,
            "y": self.y,
            "metadata": None if weight is None else {"sample_weight": weight},
        }
        if attributes is not None:  # called only for callbacks that ask for it
            told["reconstruction_attributes"] = attributes
        return told


class Task:
    """One training, whose iterations are its subtasks.

    Parameters
    ----------
    context : sklearn.callback.CallbackContext
        That of the fit; or, with several starts, of the subtask for this one.
    told : Told
        What callbacks may ask for.
    max_iter : int
        Iterations at most.
    is_subtask : bool
        Whether the context is of a subtask, which begins and ends with this training.
    """

    def __init__(
        self, context: Any, told: Told, max_iter: int, *, is_subtask: bool
    ) -> None:
        self.context = context
        self.told = told
        self.left = max_iter
        self.is_subtask = is_subtask
        self.iteration: Any = None
        if is_subtask:
            told.begins(context, None)

    def iteration_begins(self, attributes: Attributes) -> None:
        if not self.left:
            return
        self.left -= 1
        self.iteration = self.context.subcontext(task_name="iteration")
        self.told.begins(self.iteration, attributes)

    def iteration_ended(self, attributes: Attributes | None) -> bool:
        """Whether a callback asks to stop. No attributes: it came to nothing."""
        if self.iteration is None:
            return False
        stop = self.told.ends(self.iteration, attributes)
        self.iteration = None
        return stop

    def ended(self, attributes: Attributes | None) -> None:
        self.iteration_ended(None)
        if self.is_subtask:
            self.told.ends(self.context, attributes)


class FitTask:
    """A fit: the training from one start, or those from several."""

    def __init__(self, told: Told, n_starts: int, max_iter: int) -> None:
        self.told = told
        self.max_iter = max_iter
        self.is_one = n_starts == 1
        self.context: Any = None
        if not hasattr(told.estimator, "_init_callback_context"):
            return
        self.context = told.estimator._init_callback_context(
            max_subtasks=max_iter if self.is_one else n_starts,
            sequential_subtasks=self.is_one,
        )
        told.begins(self.context, None)

    def training(self, number: int) -> Task | None:
        """The task of the training from one start, which begins now."""
        if self.context is None:
            return None
        context = self.context
        if not self.is_one:
            with self.told.one_at_a_time:
                context = context.subcontext(
                    "start", task_id=number, max_subtasks=self.max_iter
                )
        return Task(context, self.told, self.max_iter, is_subtask=not self.is_one)

    def ended(self, attributes: Attributes) -> None:
        if self.context is not None:
            self.told.ends(self.context, attributes)
