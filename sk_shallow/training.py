"""What happens around an iteration, the same for every solver.

Curves, the held-out loss, early stopping and the best weights live behind the one
hook that a solver calls; so do the rules by which training stops.
"""

import time
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from sk_shallow._core.parameters import Vector
from sk_shallow._core.rows import Rows
from sk_shallow._core.solvers import Solution

AUTO_HOLD_OUT_ROWS = 1000  # early_stopping="auto" holds out from here on ...
AUTO_HOLD_OUT_CLASS_ROWS = 20  # ... if each class has so many rows

StopReason = Literal["gradient", "loss", "validation", "max_iter", "line_search"]
HeldOutLoss = Callable[[Vector], float]


# --- Chance and the held-out part -------------------------------------------------


class RandomStreams(NamedTuple):
    """Independent sources of chance: one choice never changes another."""

    init: np.random.Generator
    split: np.random.RandomState


def random_streams(random_state: Any) -> RandomStreams:
    """The streams that follow from a scikit-learn `random_state`.

    One SeedSequence is spawned for each start of training (there is one), and that
    again for each purpose.
    """
    entropy = check_random_state(random_state).randint(2**32, size=4, dtype=np.uint32)
    (start,) = np.random.SeedSequence(entropy.tolist()).spawn(1)
    init, split = start.spawn(2)
    return RandomStreams(
        init=np.random.default_rng(init),
        split=np.random.RandomState(np.random.MT19937(split)),
    )


def hold_out(
    rows: Rows,
    early_stopping: bool | Literal["auto"],
    validation_fraction: float,
    random_state: np.random.RandomState,
) -> tuple[Rows, Rows | None]:
    """Rows to learn from, and the stratified part held out for early stopping.

    Rows of weight 0 count as absent.

    Raises
    ------
    ValueError
        If early stopping is asked for and a class is too small to be split.
    """
    present = np.flatnonzero(rows.sample_weight)
    class_sizes = np.bincount(rows.y[present].astype(np.intp))
    if early_stopping == "auto":
        early_stopping = bool(
            present.size >= AUTO_HOLD_OUT_ROWS
            and class_sizes.min() >= AUTO_HOLD_OUT_CLASS_ROWS
        )
    if not early_stopping:
        return rows, None
    try:
        parts = train_test_split(
            present,
            test_size=validation_fraction,
            stratify=rows.y[present],
            random_state=random_state,
        )
    except ValueError as error:
        raise ValueError(
            f"early_stopping cannot hold out validation_fraction={validation_fraction} of "
            f"{class_sizes[0]} and {class_sizes[1]} rows (of weight > 0, by class): "
            f"{error} Set early_stopping=False or another validation_fraction."
        ) from error
    train, held_out = (
        Rows(*(part[index] for part in rows)) for index in map(np.sort, parts)
    )
    return train, held_out


# --- The hook -----------------------------------------------------------------------


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


class Monitor:
    """The hook that solvers call: it keeps the record and decides when to stop.

    Training stops when the max-abs gradient of J is at most `tol / 10`; or, with a
    held-out part, after `n_iter_no_change` iterations in which its loss set no new
    minimum; or, without one, after `n_iter_no_change` iterations in each of which J
    fell by less than `tol` times itself.
    """

    def __init__(
        self,
        *,
        tol: float,
        n_iter_no_change: int,
        held_out_loss: HeldOutLoss | None,
        verbose: bool,
    ) -> None:
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.held_out_loss = held_out_loss
        self.log = Log(held_out=held_out_loss is not None) if verbose else None
        self.loss_curve: list[float] = []
        self.validation_loss_curve: list[float] = []
        self.best_iteration = 0
        self.best_theta: Vector | None = None
        self.last_progress = 0
        self.max_gradient = np.inf
        self.stop_reason: StopReason | None = None

    def __call__(self, theta: Vector, loss: float, gradient: Vector) -> bool:
        iteration = len(self.loss_curve)
        check_finite(iteration, loss, gradient)
        self.loss_curve.append(loss)
        self.max_gradient = float(np.abs(gradient).max())
        if self.held_out_loss is None:
            self._note_loss(iteration)
        else:
            self._note_held_out_loss(iteration, theta)
        if self.max_gradient <= self.tol / 10:
            self.stop_reason = "gradient"
        elif iteration - self.last_progress >= self.n_iter_no_change:
            self.stop_reason = "loss" if self.held_out_loss is None else "validation"
        if self.log:
            self.log.line(iteration, loss, self.validation_loss_curve, self.max_gradient)
        return self.stop_reason is not None

    def _note_loss(self, iteration: int) -> None:
        if iteration == 0:
            return
        before, now = self.loss_curve[-2:]
        if before - now >= self.tol * abs(before):
            self.last_progress = iteration

    def _note_held_out_loss(self, iteration: int, theta: Vector) -> None:
        assert self.held_out_loss is not None
        self.validation_loss_curve.append(self.held_out_loss(theta))
        now = self.validation_loss_curve[-1]
        if iteration == 0 or now < self.validation_loss_curve[self.best_iteration]:
            self.best_iteration = self.last_progress = iteration
            self.best_theta = theta.copy()

    def conclude(self, solution: Solution) -> Training:
        """The record, with the best weights where a part was held out."""
        reason = self.stop_reason or solution.stop_reason
        assert reason != "hook"  # a hook that asks to stop has a reason
        if self.log:
            self.log.end(reason)
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


def check_finite(iteration: int, loss: float, gradient: Vector) -> None:
    if np.isfinite(loss) and np.isfinite(gradient).all():
        return
    when = "at the start (iteration 0)" if iteration == 0 else f"at iteration {iteration}"
    raise ValueError(
        f"The loss or its gradient is not finite {when}: the numbers overflow. "
        f"Standardise X (sklearn.preprocessing.StandardScaler), or lower init_scale, "
        f"alpha or the weights of rows."
    )


class Log:
    """One aligned line per iteration on standard output, thinned out as they pass.

    Every iteration up to 10 is printed, every 10th up to 100, every 100th after; and the
    last one.
    """

    def __init__(self, held_out: bool) -> None:
        self.start = time.perf_counter()
        self.unprinted = ""
        held = f"{'held-out loss':>15}" if held_out else ""
        print(f"{'iteration':>9}{'J':>13}{held}{'max |gradient|':>16}{'seconds':>10}")

    def line(
        self,
        iteration: int,
        loss: float,
        held_out: list[float],
        max_gradient: float,
    ) -> None:
        held_out_loss = "".join(f"{value:15.6f}" for value in held_out[-1:])
        line = (
            f"{iteration:9d}{loss:13.6f}{held_out_loss}{max_gradient:16.2e}"
            f"{time.perf_counter() - self.start:10.2f}"
        )
        every = 1 if iteration <= 10 else 10 if iteration <= 100 else 100
        self.unprinted = line if iteration % every else ""
        if not self.unprinted:
            print(line)

    def end(self, reason: StopReason) -> None:
        if self.unprinted:
            print(self.unprinted)
        print(f"Stopped: {reason}.")
