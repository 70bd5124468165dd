"""What walks downhill.

A solver gets an objective, a start, and a hook that is called as
`on_iteration(theta, loss, gradient)` at the start and after every iteration, and
returns True to stop. All stopping rules live behind that hook. `theta` is the
solver's own memory: a hook that keeps it makes a copy.
"""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, Protocol

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from sk_shallow._core.parameters import Vector

StopReason = Literal["hook", "max_iter", "line_search"]
OnIteration = Callable[[Vector, float, Vector], bool]
Gradient = Callable[[Vector], Vector]


class ObjectiveFunction(Protocol):
    """J, and estimates of its gradient from a few rows at a time."""

    def __call__(self, theta: Vector) -> tuple[float, Vector]:
        """J and its gradient at theta."""

    def batches(self, rng: np.random.Generator, batch_size: int) -> Iterator[Gradient]:
        """For one pass over all rows in random order, functions theta -> gradient."""


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


class Moments:
    """Running means of the gradient and of its square, as Adam keeps them.

    Kingma & Ba (2015). Adam: a method for stochastic optimization. ICLR. The decay
    rates and epsilon are theirs.
    """

    BETA1 = 0.9
    BETA2 = 0.999
    EPSILON = 1e-8

    def __init__(self, first: Vector, second: Vector, n_steps: int) -> None:
        self.first = first
        self.second = second
        self.n_steps = n_steps

    @classmethod
    def none_yet(cls, size: int) -> "Moments":
        return cls(np.zeros(size), np.zeros(size), n_steps=0)

    def direction(self, gradient: Vector) -> Vector:
        """Take in one gradient; the direction to go for a learning rate of 1."""
        self.n_steps += 1
        self.first += (1 - self.BETA1) * (gradient - self.first)
        self.second += (1 - self.BETA2) * (gradient**2 - self.second)
        # Both means start at 0; the divisions undo that bias.
        scale = np.sqrt(self.second / (1 - self.BETA2**self.n_steps))
        scale += self.EPSILON
        return self.first / (1 - self.BETA1**self.n_steps) / scale


class Steps(NamedTuple):
    """How far, and on how many rows, a solver steps that does not find out itself."""

    learning_rate: float
    batch_size: int
    rng: np.random.Generator  # shuffles the rows
    moments: Moments


Solve = Callable[[ObjectiveFunction, Vector, OnIteration, int, Steps], Solution]


def lbfgs(
    objective: ObjectiveFunction,
    theta: Vector,
    on_iteration: OnIteration,
    max_iter: int,
    steps: Steps,
) -> Solution:
    """Limited-memory BFGS, SciPy's implementation (Zhu, Byrd, Lu & Nocedal, 1997)."""
    walk = _Walk(objective, on_iteration)
    if not walk.accept(theta):
        minimize(
            walk.loss,
            theta,
            jac=walk.gradient,
            method="L-BFGS-B",
            callback=walk.callback,
            # SciPy's own stopping rules are off: the hook's are the only ones.
            options={"maxiter": max_iter, "maxfun": 2**31 - 1, "ftol": 0, "gtol": 0},
        )
    return walk.solution(max_iter)


def gd(
    objective: ObjectiveFunction,
    theta: Vector,
    on_iteration: OnIteration,
    max_iter: int,
    steps: Steps,
) -> Solution:
    """Gradient descent on all rows, with a constant learning rate."""

    def step(theta: Vector, gradient: Vector) -> None:
        theta -= steps.learning_rate * gradient

    return _repeat(step, objective, theta, on_iteration, max_iter)


def adam(
    objective: ObjectiveFunction,
    theta: Vector,
    on_iteration: OnIteration,
    max_iter: int,
    steps: Steps,
) -> Solution:
    """Adam (Kingma & Ba, 2015). An iteration is a pass over all rows, in batches."""

    def epoch(theta: Vector, _: Vector) -> None:
        for gradient_at in objective.batches(steps.rng, steps.batch_size):
            theta -= steps.learning_rate * steps.moments.direction(gradient_at(theta))
        if not np.isfinite(steps.moments.second).all():  # no step is left, for ever
            theta[:] = np.nan

    return _repeat(epoch, objective, theta, on_iteration, max_iter)


def _repeat(
    advance: Callable[[Vector, Vector], None],
    objective: ObjectiveFunction,
    theta: Vector,
    on_iteration: OnIteration,
    max_iter: int,
) -> Solution:
    """Call `advance(theta, gradient)`, which moves theta, until the hook says stop."""
    theta = theta.copy()
    loss, gradient = objective(theta)
    n_iter = 0
    while not (stop := on_iteration(theta, loss, gradient)) and n_iter < max_iter:
        advance(theta, gradient)
        loss, gradient = objective(theta)
        n_iter += 1
    return Solution(theta, loss, n_iter, "hook" if stop else "max_iter")


class _Walk:
    """The objective and the hook in the form in which SciPy calls them.

    SciPy tells its callback no gradient. The step it accepts is the point it evaluated
    last, and it asks for loss and gradient of a point in turn, so remembering one point is
    enough for nothing to be computed twice.
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
        self._error: StopIteration | None = None

    def evaluate(self, theta: Vector) -> tuple[float, Vector]:
        if not np.array_equal(theta, self._evaluated):
            loss, gradient = self._objective(theta)
            if np.isnan(loss):  # a step too far: NaN would end the line search
                loss = np.inf
            self._value = (loss, gradient)
            self._evaluated = theta.copy()
        return self._value

    def loss(self, theta: Vector) -> float:
        return self.evaluate(theta)[0]

    def gradient(self, theta: Vector) -> Vector:
        return self.evaluate(theta)[1]

    def accept(self, theta: Vector) -> bool:
        """Tell the hook of a step; True if it asks to stop."""
        loss, gradient = self.evaluate(theta)
        self._accepted, self._accepted_loss = self._evaluated, loss
        self._n_accepted += 1
        self._asked_to_stop = self._on_iteration(theta, loss, gradient)
        return self._asked_to_stop

    def callback(self, intermediate_result: OptimizeResult) -> None:
        try:
            self.accept(intermediate_result.x)
        except StopIteration as error:  # the hook's own, which SciPy would swallow
            self._error = error
            raise
        if self._asked_to_stop:
            raise StopIteration

    def solution(self, max_iter: int) -> Solution:
        if self._error is not None:
            raise self._error
        n_iter = self._n_accepted - 1  # the start is no step
        reason: StopReason = "max_iter" if n_iter >= max_iter else "line_search"
        if self._asked_to_stop:
            reason = "hook"
        return Solution(self._accepted, self._accepted_loss, n_iter, reason)


class Solver(NamedTuple):
    """A way downhill, and what training has to know of it."""

    solve: Solve
    learning_rate: float | None  # the default; None: it finds its own steps
    crawls: bool = False  # its steps may be small for long, and then get larger


SOLVERS: dict[str, Solver] = {
    "lbfgs": Solver(lbfgs, learning_rate=None),
    "gd": Solver(gd, learning_rate=0.2, crawls=True),
    "adam": Solver(adam, learning_rate=0.01),
}
