"""The bridge to scikit-learn's callbacks (scikit-learn 1.9 and later).

A fit is a tree of tasks: the fit; with several starts, each start; each iteration.
Older versions of scikit-learn have no callbacks, and nothing is called.
"""

from collections.abc import Callable
from threading import RLock
from typing import Any, TypeVar

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupportMixin
    from sklearn.callback import with_callbacks as torn_down_after
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing, where scikit-learn has no callbacks."""

    def torn_down_after(method: Any) -> Any:
        return method


Method = TypeVar("Method", bound=Callable[..., Any])
with_callbacks: Callable[[Method], Method] = torn_down_after
# Those of the estimator, if training stopped here; called only if a callback asks for them.
Attributes = Callable[[], dict[str, Any]]


class FitTask:
    """A fit, whose subtasks are its iterations, or its starts if there are several.

    Of a search, whose number of settings is not known (None), they are the settings, whose
    subtasks are the folds, and the refit.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any, n_starts: int | None
    ) -> None:
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self.arguments = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self.max_iter = estimator.max_iter
        self.is_one = n_starts == 1
        # Callbacks need not be fit for threads. One lock for each fit: they may fit a net.
        self.lock = RLock()
        self.context: Any = None
        if hasattr(estimator, "_init_callback_context"):
            self.context = estimator._init_callback_context(
                max_subtasks=self.max_iter if self.is_one else n_starts,
                sequential_subtasks=self.is_one,
            )
            self.begin(self.context)

    def begin(self, context: Any, attributes: Attributes | None = None) -> None:
        with self.lock:
            context.call_on_fit_task_begin(
                **self.arguments, reconstruction_attributes=attributes
            )

    def end(self, context: Any, attributes: Attributes | None) -> bool:
        """End a task; whether a callback asks to stop."""
        if context is None:
            return False
        with self.lock:
            stops = context.call_on_fit_task_end(
                **self.arguments, reconstruction_attributes=attributes
            )
        return bool(stops)

    def subtask(
        self,
        parent: Any,
        name: str,
        number: int,
        max_subtasks: int,
        *,
        sequential: bool = True,
    ) -> Any:
        """The context of a subtask, which begins now; None without callbacks."""
        if parent is None:
            return None
        with self.lock:
            context = parent.subcontext(
                name,
                task_id=number,
                max_subtasks=max_subtasks,
                sequential_subtasks=sequential,
            )
        self.begin(context)
        return context

    def training(
        self,
        name: str,
        number: int,
        attributes_of: Callable[[Any], dict[str, Any]],
        setting: Any = None,
    ) -> "TrainingTask | None":
        """The task of a training, which begins now; None without callbacks.

        It is the task of the fit, if that has one training; else a subtask of it, or of a
        `setting` of a search, whose context is given.
        """
        context = self.context
        if not self.is_one:
            parent = context if setting is None else setting
            context = self.subtask(parent, name, number, self.max_iter)
        return None if context is None else TrainingTask(self, context, attributes_of)


class TrainingTask:
    """One training, whose iterations are its subtasks.

    Parameters
    ----------
    fit : FitTask
        Which it belongs to.
    context : sklearn.callback.CallbackContext
        That of the fit; or, with several starts, of this one.
    attributes_of : callable Training -> dict
        Those of the estimator, if a training ended like that.
    """

    def __init__(
        self, fit: FitTask, context: Any, attributes_of: Callable[[Any], dict[str, Any]]
    ) -> None:
        self.fit = fit
        self.context = context
        self.attributes_of = attributes_of
        self.n_left = fit.max_iter
        self.iteration: Any = None

    def begin_iteration(self, training: Callable[[], Any]) -> None:
        """Begin an iteration; `training()` is the training up to here."""
        if self.n_left:
            self.n_left -= 1
            self.iteration = self.context.subcontext(task_name="iteration")
            self.fit.begin(self.iteration, lambda: self.attributes_of(training()))

    def end_iteration(self, training: Callable[[], Any]) -> bool:
        """End the iteration; whether a callback asks to stop."""
        if self.iteration is None:
            return False
        iteration, self.iteration = self.iteration, None
        return self.fit.end(iteration, lambda: self.attributes_of(training()))

    def end(self, training: Any | None) -> None:
        """End the training; None if its numbers overflowed."""
        if self.iteration is not None:  # which made no step
            self.fit.end(self.iteration, None)
            self.iteration = None
        if self.context is not self.fit.context:
            attributes = None if training is None else lambda: self.attributes_of(training)
            self.fit.end(self.context, attributes)
