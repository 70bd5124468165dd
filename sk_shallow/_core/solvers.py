"""What walks downhill.

A solver gets `objective(theta) -> (loss, gradient)`, a start, and a hook that is
called as `on_iteration(theta, loss, gradient)` at the start and after every accepted
step, and returns True to stop. All stopping rules live behind that hook. `theta` is
the solver's own memory: a hook that keeps it makes a copy.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from sk_shallow._core.parameters import Vector

ObjectiveFunction = Callable[[Vector], tuple[float, Vector]]
StopReason = Literal["hook", "max_iter", "line_search"]
OnIteration = Callable[[Vector, float, Vector], bool]


class Solution(NamedTuple):
    """Where a solver ended, and why.

    `theta` is the last point that the hook was told of, and `loss` is J there.
    `stop_reason` is "hook" when `on_iteration` asked to stop, "max_iter" when the
    iterations were used up, and "line_search" when no lower J was found along the
    direction of descent.
    """

    theta: Vector
    loss: float
    n_iter: int
    stop_reason: StopReason


Solver = Callable[[ObjectiveFunction, Vector, OnIteration, int], Solution]


def lbfgs(
    objective: ObjectiveFunction,
    theta: Vector,
    on_iteration: OnIteration,
    max_iter: int,
) -> Solution:
    """Limited-memory BFGS, SciPy's implementation (Zhu, Byrd, Lu & Nocedal, 1997)."""
    walk = _Walk(objective, on_iteration)
    if not walk.accept(theta):
        minimize(
            walk.evaluate,
            theta,
            jac=True,
            method="L-BFGS-B",
            callback=walk.callback,
            # SciPy's own stopping rules are off: the hook's are the only ones.
            options={"maxiter": max_iter, "maxfun": 2**31 - 1, "ftol": 0, "gtol": 0},
        )
    return walk.solution(max_iter)


class _Walk:
    """The objective and the hook in the form in which SciPy calls them.

    SciPy tells its callback no gradient. The step it accepts is the point it evaluated
    last, so remembering that one is enough for nothing to be computed twice.
    """

    def __init__(self, objective: ObjectiveFunction, on_iteration: OnIteration) -> None:
        self._objective = objective
        self._on_iteration = on_iteration
        self._evaluated = np.array([])
        self._value = (np.inf, self._evaluated)
        self._accepted = np.array([])
        self._accepted_loss = np.inf
        self._n_accepted = 0
        self._asked_to_stop = False

    def evaluate(self, theta: Vector) -> tuple[float, Vector]:
        if not np.array_equal(theta, self._evaluated):
            loss, gradient = self._objective(theta)
            if not np.isfinite(loss):  # a step too far: NaN would end the line search
                loss = np.inf
            self._value = (loss, gradient)
            self._evaluated = theta.copy()
        return self._value

    def accept(self, theta: Vector) -> bool:
        """Tell the hook of a step; True if it asks to stop."""
        loss, gradient = self.evaluate(theta)
        self._accepted, self._accepted_loss = theta.copy(), loss
        self._n_accepted += 1
        self._asked_to_stop = self._on_iteration(theta, loss, gradient)
        return self._asked_to_stop

    def callback(self, intermediate_result: OptimizeResult) -> None:
        if self.accept(intermediate_result.x):
            raise StopIteration

    def solution(self, max_iter: int) -> Solution:
        n_iter = self._n_accepted - 1  # the start is no step
        reason: StopReason = "max_iter" if n_iter >= max_iter else "line_search"
        if self._asked_to_stop:
            reason = "hook"
        return Solution(self._accepted, self._accepted_loss, n_iter, reason)


SOLVERS: dict[str, Solver] = {"lbfgs": lbfgs}
