"""One training: a solver, and the one hook around its iterations.

The hook keeps the curves and the best weights, applies the stopping rules, calls the
callbacks and prints the log. It is the same for every solver.
"""

import time
from functools import partial
from math import isfinite
from threading import Event
from typing import NamedTuple

import numpy as np

from sk_shallow._core.activations import Vector
from sk_shallow._core.objective import Evaluation, Objective, SampleTotals
from sk_shallow._core.parameters import Net, flatten
from sk_shallow._core.rows import Run, one_by_one
from sk_shallow._core.solvers import SOLVERS, AdamState, Solution, StopReason
from sk_shallow._core.table import Rows
from sk_shallow.training.callbacks import TrainingTask
from sk_shallow.training.options import Options


class Training(NamedTuple):
    """How a training went, and the net it ended with."""

    net: Net  # of float64
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


class NotFiniteError(ValueError):
    """The numbers of a training overflow."""


class Abandoned(Exception):  # noqa: N818 (it is no error)
    """The result of this training is no longer needed."""


def train(
    net: Net,
    rows: Rows,
    options: Options,
    *,
    state: AdamState | None = None,
    held_out: Rows | None = None,
    totals: SampleTotals | None = None,
    run: Run = one_by_one,
    task: TrainingTask | None = None,
    name: str = "",
    abandon: Event | None = None,
) -> Training:
    """Minimise J from `net` until the solver, or a stopping rule, ends it.

    Parameters
    ----------
    net : Net
        Where training starts.
    rows : Rows
        What it learns from.
    options : Options
        How to train.
    state : AdamState or None
        Of "adam": it is brought up to date.
    held_out : Rows or None
        The validation data of early stopping.
    totals : SampleTotals or None
        Those of all rows so far, if `rows` are a chunk.
    run : callable
        Computes the blocks of rows, in one thread or several.
    task : TrainingTask or None
        Calls the callbacks.
    name : str
        Put before each line that `verbose` prints.
    abandon : Event or None
        Set when the result is no longer needed.

    Raises
    ------
    NotFiniteError
        If numbers overflow.
    """
    objective = Objective(rows, net, options.alpha, totals, held_out, run)
    monitor = Monitor(options, task=task, name=name, abandon=abandon)
    # Overflow is an error of the monitor, which says what to do.
    with np.errstate(over="ignore", invalid="ignore"):
        solve = SOLVERS[options.solver].solve
        try:
            solution = solve(objective, flatten(net), monitor, options, state)
        except NotFiniteError:
            if task:
                task.end(None)
            raise
    training = monitor.record(solution)
    if monitor.log:
        monitor.log.end(training.stop_reason)
    if task:
        task.end(training)
    return training


class Monitor:
    """The hook that solvers call: it keeps the record and decides when to stop.

    Training stops when the max-abs gradient of J is at most `tol / 10`; or, with a held-out
    part, after `n_iter_no_change` iterations in which its loss set no new minimum; or,
    without one, after `n_iter_no_change` iterations in each of which J fell by less than
    `tol` times itself below its lowest value. This last rule is not for solvers that may
    be slow.

    Parameters
    ----------
    options : Options
        When to stop, and whether to print.
    task : TrainingTask or None
        Calls the callbacks.
    name : str
        Put before each line that is printed.
    abandon : Event, optional
        Set when the result is no longer needed.
    """

    def __init__(
        self,
        options: Options,
        *,
        task: TrainingTask | None = None,
        name: str = "",
        abandon: Event | None = None,
    ) -> None:
        self.options = options
        self.task = task
        self.log = Log(name) if options.verbose else None
        self.abandon = abandon
        self.loss_curve: list[float] = []
        self.validation_loss_curve: list[float] = []
        self.lowest_loss = self.lowest_held_out_loss = np.inf
        self.best_iteration = 0
        self.best: tuple[Net, float] | None = None
        self.last_progress = 0
        self.max_gradient = np.inf

    def __call__(self, evaluation: Evaluation) -> StopReason | None:
        if self.abandon is not None and self.abandon.is_set():
            raise Abandoned
        iteration = len(self.loss_curve)
        net, loss, gradient, held_out_loss = evaluation
        self.max_gradient = float(max(gradient.max(), -gradient.min()))
        self._check_finite(iteration, evaluation)
        self.loss_curve.append(loss)
        if held_out_loss is None:
            if self.lowest_loss - loss >= self.options.tol * abs(self.lowest_loss):
                self.last_progress = iteration
            self.lowest_loss = min(loss, self.lowest_loss)
        else:
            self.validation_loss_curve.append(held_out_loss)
            if held_out_loss < self.lowest_held_out_loss or self.best is None:
                self.lowest_held_out_loss = held_out_loss
                self.best_iteration = self.last_progress = iteration
                self.best = net, loss
        if self.log:
            self.log.line(iteration, loss, held_out_loss, self.max_gradient)
        attributes = partial(self.record, Solution(evaluation, iteration, "callback"))
        asked_to_stop = self.task is not None and self.task.end_iteration(attributes)
        reason = self._reason_to_stop(iteration, asked_to_stop=asked_to_stop)
        if self.task and reason is None:
            self.task.begin_iteration(attributes)
        return reason

    def _check_finite(self, iteration: int, evaluation: Evaluation) -> None:
        net, loss, _, held_out_loss = evaluation
        when = f"at iteration {iteration}" if iteration else "at the start (iteration 0)"
        is_finite = isfinite(loss) and isfinite(self.max_gradient)
        if not (is_finite and np.isfinite(flatten(net)).all()):
            rate = self.options.learning_rate
            stepped_too_far = iteration > 0 and rate is not None
            lower = f"learning_rate (now {rate:g}), " if stepped_too_far else ""
            raise NotFiniteError(
                f"The loss, its gradient or a weight is not finite {when}: the numbers "
                f"overflow. Standardise X (sklearn.preprocessing.StandardScaler, "
                f"with_mean=False if X is sparse), or lower {lower}init_scale, alpha or "
                f"the weights of rows."
            )
        if held_out_loss is not None and not isfinite(held_out_loss):
            raise NotFiniteError(
                f"The held-out log-loss is not finite {when}: the numbers overflow. "
                f"Standardise the rows that are held out (X_val, if you gave it) as those "
                f"that are not, or look for values that are far too large."
            )

    def _reason_to_stop(self, iteration: int, *, asked_to_stop: bool) -> StopReason | None:
        if self.max_gradient <= self.options.tol / 10:
            return "gradient"
        if iteration - self.last_progress >= self.options.n_iter_no_change:
            if self.best is not None:
                return "validation"
            if not self.options.may_be_slow:
                return "loss"
        return "callback" if asked_to_stop else None

    def record(self, solution: Solution) -> Training:
        """The training up to here, with the best weights where a part is held out."""
        end, n_iter, reason = solution
        net, loss = self.best or (end.net, end.loss)
        held_out = self.best is not None
        curve = self.validation_loss_curve
        return Training(
            net=net,
            loss=loss,
            loss_curve=np.array(self.loss_curve),
            validation_loss_curve=np.array(curve) if held_out else None,
            best_iteration=self.best_iteration if held_out else None,
            n_iter=max(1, n_iter),
            stop_reason=reason,
            max_gradient=self.max_gradient,
        )


class Log:
    """One aligned line per iteration on standard output, thinned out as they pass.

    Every iteration up to 10 is printed, every 10th up to 100, every 100th after; and the
    last one. `name`, if any, is put before each line, to distinguish restarts.
    """

    def __init__(self, name: str = "") -> None:
        self.start = time.perf_counter()
        self.unprinted = ""
        self.prefix = f"{name}: " if name else ""

    def line(
        self, iteration: int, loss: float, held_out_loss: float | None, max_gradient: float
    ) -> None:
        is_held_out = held_out_loss is not None
        if iteration == 0:
            title = f"{'held-out loss':>15}" if is_held_out else ""
            self.print(
                f"{'iteration':>9}{'J':>13}{title}{'max |gradient|':>16}{'seconds':>10}"
            )
        line = (
            f"{iteration:9d}{loss:13.6f}"
            f"{f'{held_out_loss:15.6f}' if is_held_out else ''}{max_gradient:16.2e}"
            f"{time.perf_counter() - self.start:10.2f}"
        )
        every = 1 if iteration <= 10 else 10 if iteration <= 100 else 100
        self.unprinted = line if iteration % every else ""
        if not self.unprinted:
            self.print(line)

    def end(self, reason: str) -> None:
        if self.unprinted:
            self.print(self.unprinted)
        self.print(f"Stopped: {reason}.")

    def print(self, line: str) -> None:
        print(f"{self.prefix}{line}\n", end="")  # at once: other threads print, too


def log_chunk(n_rows: int, n_rows_so_far: int, loss_curve: Vector) -> None:
    """Print the one line of a call of `partial_fit`."""
    before, after = loss_curve[0], loss_curve[-1]
    print(
        f"partial_fit: {n_rows} rows ({n_rows_so_far} of weight > 0 so far), "
        f"J on them {before:.6f} -> {after:.6f}"
    )
