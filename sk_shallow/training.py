"""What happens around an iteration, the same for every solver.

Curves, the held-out loss, early stopping, callbacks and the best weights live behind
the one hook that a solver calls; so do the rules by which training stops.
"""

from collections.abc import Callable
from functools import partial
from threading import Event
from typing import Any, Literal, NamedTuple

import numpy as np

from sk_shallow._core.parameters import Vector
from sk_shallow._core.solvers import Solution
from sk_shallow.callbacks import Task
from sk_shallow.log import Log

StopReason = Literal[
    "gradient", "loss", "validation", "max_iter", "line_search", "callback", "partial_fit"
]
HeldOutLoss = Callable[[Vector], float]


class Training(NamedTuple):
    """How a training went, and the weights it ended with."""

    theta: Vector
    loss: float
    loss_curve: Vector
    validation_loss_curve: Vector | None
    best_iteration: int | None
    n_iter: int
    stop_reason: StopReason
    max_gradient: float

    @property
    def criterion(self) -> float:
        """What restarts are judged by: the best held-out loss, or J without one."""
        if self.validation_loss_curve is None:
            return self.loss
        return float(self.validation_loss_curve[self.best_iteration])


class StoppingRules(NamedTuple):
    """When training has gone far enough.

    It stops when the max-abs gradient of J is at most `tol / 10`; or, with a held-out
    part, after `n_iter_no_change` iterations in which its loss set no new minimum; or,
    without one, after `n_iter_no_change` iterations in each of which J fell by less than
    `tol` times itself below its lowest value. This last rule is not for solvers that
    crawl.
    """

    tol: float
    n_iter_no_change: float
    crawls: bool = False


class NotFiniteError(ValueError):
    """The numbers of a training overflow."""


class Abandoned(Exception):  # noqa: N818 (it is no error)
    """Nobody waits for this training any more."""


class Monitor:
    """The hook that solvers call: it keeps the record and decides when to stop.

    Parameters
    ----------
    rules : StoppingRules
        When to stop.
    held_out_loss : callable theta -> loss, or None
        The loss that early stopping watches, if it is on.
    log : Log or None
        Prints a line per iteration.
    task : Task or None
        What callbacks are told of.
    attributes : callable training -> dict
        Those of the estimator, if a training ended like that; for callbacks.
    learning_rate : float or None
        That of the solver, for the advice in an error.
    abandon : Event, optional
        Set when nobody waits for this training any more.
    """

    def __init__(
        self,
        rules: StoppingRules,
        *,
        held_out_loss: HeldOutLoss | None = None,
        log: Log | None = None,
        task: Task | None = None,
        attributes: Callable[[Training], dict[str, Any]] | None = None,
        learning_rate: float | None = None,
        abandon: Event | None = None,
    ) -> None:
        self.rules = rules
        self.held_out_loss = held_out_loss
        self.log = log
        self.task = task
        self.attributes = attributes
        self.learning_rate = learning_rate
        self.abandon = abandon
        self.loss_curve: list[float] = []
        self.validation_loss_curve: list[float] = []
        self.lowest_loss = np.inf
        self.best_iteration = 0
        self.best_theta: Vector | None = None
        self.last_progress = 0
        self.max_gradient = np.inf
        self.stop_reason: StopReason | None = None

    def __call__(self, theta: Vector, loss: float, gradient: Vector) -> bool:
        if self.abandon is not None and self.abandon.is_set():
            raise Abandoned
        iteration = len(self.loss_curve)
        check_finite(iteration, theta, loss, gradient, self.learning_rate)
        self.loss_curve.append(loss)
        self.max_gradient = float(max(gradient.max(), -gradient.min()))
        if self.held_out_loss is None:
            self._note_loss(iteration, loss)
        else:
            self._note_held_out_loss(iteration, theta, self.held_out_loss(theta))
        if self.log:
            self.log.line(iteration, loss, self.validation_loss_curve, self.max_gradient)
        here = Solution(theta, loss, iteration, "hook")
        self.stop_reason = self._reason_to_stop(here)
        if self.stop_reason is not None:
            return True
        if self.task:
            self.task.iteration_begins(partial(self._attributes_at, here))
        return False

    def _note_loss(self, iteration: int, loss: float) -> None:
        if self.lowest_loss - loss >= self.rules.tol * abs(self.lowest_loss):
            self.last_progress = iteration
        self.lowest_loss = min(loss, self.lowest_loss)

    def _note_held_out_loss(self, iteration: int, theta: Vector, loss: float) -> None:
        if not np.isfinite(loss):
            raise NotFiniteError(
                f"The held-out log-loss is not finite {when(iteration)}: the numbers "
                f"overflow. Standardise the rows that are held out (X_val, if you gave "
                f"it) as those that are not, or look for values that are far too large."
            )
        self.validation_loss_curve.append(loss)
        if iteration == 0 or loss < self.validation_loss_curve[self.best_iteration]:
            self.best_iteration = self.last_progress = iteration
            self.best_theta = theta.copy()

    def _reason_to_stop(self, here: Solution) -> StopReason | None:
        asked_to_stop = self.task is not None and self.task.iteration_ended(
            partial(self._attributes_at, here)
        )
        if self.max_gradient <= self.rules.tol / 10:
            return "gradient"
        if here.n_iter - self.last_progress >= self.rules.n_iter_no_change:
            if self.held_out_loss is not None:
                return "validation"
            if not self.rules.crawls:
                return "loss"
        return "callback" if asked_to_stop else None

    def conclude(self, solution: Solution) -> Training:
        """The record, with the best weights where a part was held out."""
        reason = self.stop_reason or solution.stop_reason
        assert reason != "hook"  # a hook that asks to stop has a reason
        if self.log:
            self.log.end(reason)
        training = self._record(solution, reason)
        if self.task:
            self.task.ended(partial(self._attributes_of, training))
        return training

    def _attributes_at(self, here: Solution) -> dict[str, Any]:
        """Those of the estimator if training stopped here."""
        return self._attributes_of(self._record(here, "callback"))

    def _attributes_of(self, training: Training) -> dict[str, Any]:
        assert self.attributes is not None  # where there are callbacks
        return self.attributes(training)

    def _record(self, solution: Solution, reason: StopReason) -> Training:
        training = Training(
            theta=solution.theta,
            loss=solution.loss,
            loss_curve=np.array(self.loss_curve),
            validation_loss_curve=None,
            best_iteration=None,
            n_iter=max(1, solution.n_iter),
            stop_reason=reason,
            max_gradient=self.max_gradient,
        )
        if self.best_theta is None:
            return training
        return training._replace(
            theta=self.best_theta,
            loss=self.loss_curve[self.best_iteration],
            validation_loss_curve=np.array(self.validation_loss_curve),
            best_iteration=self.best_iteration,
        )


def when(iteration: int) -> str:
    return f"at iteration {iteration}" if iteration else "at the start (iteration 0)"


def check_finite(
    iteration: int,
    theta: Vector,
    loss: float,
    gradient: Vector,
    learning_rate: float | None,
) -> None:
    if np.isfinite(loss) and np.isfinite(gradient).all() and np.isfinite(theta).all():
        return
    stepped_too_far = iteration > 0 and learning_rate is not None
    lower = f"learning_rate (now {learning_rate:g}), " if stepped_too_far else ""
    raise NotFiniteError(
        f"The loss, its gradient or a weight is not finite {when(iteration)}: the "
        f"numbers overflow. "
        f"Standardise X (sklearn.preprocessing.StandardScaler, with_mean=False if X is "
        f"sparse), or lower {lower}"
        f"init_scale, alpha or the weights of rows."
    )
