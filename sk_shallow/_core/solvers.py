"""Solvers, which minimise J.

A solver gets an objective, a start, and a hook that is called as
`on_iteration(evaluation)` at the start and after every iteration, and returns a reason to
stop, or None. All stopping rules live behind that hook.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, Literal, NamedTuple, Protocol, Self

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from sk_shallow._core.activations import Vector
from sk_shallow._core.objective import Evaluation

StopReason = Literal[
    "gradient", "loss", "validation", "max_iter", "line_search", "callback", "partial_fit"
]
OnIteration = Callable[[Evaluation], StopReason | None]
Gradient = Callable[[Vector], Vector]


class ObjectiveFunction(Protocol):
    """J, and estimates of its gradient from a few rows at a time."""

    def __call__(self, theta: Vector) -> Evaluation:
        """J and its gradient at theta, which is not written to afterwards."""

    def batches(self, rng: np.random.Generator, batch_size: int) -> Iterator[Gradient]:
        """One function theta -> gradient for each batch of a pass in random order."""


class Solution(NamedTuple):
    """Where a solver ended, and why.

    `stop_reason` is that of the hook, or "max_iter" when the iterations were used up, or
    "line_search" when no lower J was found along the direction of descent.
    """

    evaluation: Evaluation  # the last one that the hook was given
    n_iter: int
    stop_reason: StopReason


class AdamState:
    """What Adam keeps from step to step: the order of rows, and running means.

    The means are of the gradient and of its square. Kingma & Ba (2015). Adam: a method for
    stochastic optimization. ICLR. The decay rates and epsilon are theirs.
    """

    BETA1 = 0.9
    BETA2 = 0.999
    EPSILON = 1e-8

    def __init__(
        self, rng: np.random.Generator, first: Vector, second: Vector, n_steps: int
    ) -> None:
        self.rng = rng
        self.first = first
        self.second = second
        self.n_steps = n_steps

    @classmethod
    def initial(cls, rng: np.random.Generator, size: int) -> Self:
        return cls(rng, np.zeros(size), np.zeros(size), n_steps=0)

    @classmethod
    def restored(cls, stored: dict[str, Any]) -> Self:
        """A state from what `stored` gave, which is not changed."""
        return cls(**deepcopy(stored))

    def stored(self) -> dict[str, Any]:
        """A copy as a dictionary of arrays and numbers; further steps do not change it."""
        return deepcopy(vars(self))

    def direction(self, gradient: Vector) -> Vector:
        """Update the means by a gradient; return the step for a learning rate of 1."""
        self.n_steps += 1
        self.first += (1 - self.BETA1) * (gradient - self.first)
        self.second += (1 - self.BETA2) * (gradient**2 - self.second)
        # Both means start at 0; the divisions undo that bias.
        scale = np.sqrt(self.second / (1 - self.BETA2**self.n_steps))
        scale += self.EPSILON
        return self.first / (1 - self.BETA1**self.n_steps) / scale


class StepOptions(Protocol):
    """How a solver takes its steps."""

    @property
    def max_iter(self) -> int:
        """Number of iterations at most."""

    @property
    def learning_rate(self) -> float | None:
        """Of "gd" and "adam"; None for a solver that finds its own steps."""

    @property
    def batch_size(self) -> int:
        """Rows of a mini-batch of "adam"."""


Solve = Callable[
    [ObjectiveFunction, Vector, OnIteration, StepOptions, AdamState | None], Solution
]


# SciPy's own stopping rules are off: the hook's are the only ones.
NO_RULES = {"maxfun": 2**31 - 1, "ftol": 0, "gtol": 0}


def lbfgs(
    objective: ObjectiveFunction,
    theta: Vector,
    on_iteration: OnIteration,
    options: StepOptions,
    state: AdamState | None = None,
) -> Solution:
    """Limited-memory BFGS, SciPy's implementation (Zhu, Byrd, Lu & Nocedal, 1997)."""
    last = accepted = objective(theta)
    is_start, n_iter = True, 0
    reason = on_iteration(accepted)
    if reason:
        return Solution(accepted, n_iter, reason)
    error: StopIteration | None = None

    def loss(theta: Vector) -> float:
        nonlocal last, is_start
        if not is_start:  # SciPy evaluates the start first, where J is known
            last = accepted  # frees the memory of a step that was refused
            last = objective(theta)
        is_start = False
        # NaN, a step too far, would end the line search.
        return np.inf if np.isnan(last.loss) else last.loss

    def gradient(_: Vector) -> Vector:
        """The gradient at the last point of `loss`. With `jac=True`, SciPy keeps a copy."""
        return last.gradient

    def accept(intermediate_result: OptimizeResult) -> None:
        """Accept the step to the last point of `loss`."""
        nonlocal accepted, n_iter, reason, error
        accepted, n_iter = last, n_iter + 1
        try:
            reason = on_iteration(accepted)
        except StopIteration as own:  # of a callback, which SciPy would take for ours
            error = own
        if reason or error:
            raise StopIteration

    limits = {"maxiter": options.max_iter, **NO_RULES}
    minimize(loss, theta, jac=gradient, callback=accept, method="L-BFGS-B", options=limits)
    if error:
        raise error
    own_reason: StopReason = "max_iter" if n_iter >= options.max_iter else "line_search"
    return Solution(accepted, n_iter, reason or own_reason)


def gd(
    objective: ObjectiveFunction,
    theta: Vector,
    on_iteration: OnIteration,
    options: StepOptions,
    state: AdamState | None = None,
) -> Solution:
    """Gradient descent on all rows, with a constant learning rate."""
    assert options.learning_rate is not None
    rate = options.learning_rate

    def step(theta: Vector, gradient: Vector) -> Vector:
        return theta - rate * gradient

    return repeated(step, objective, theta, on_iteration, options.max_iter)


def adam(
    objective: ObjectiveFunction,
    theta: Vector,
    on_iteration: OnIteration,
    options: StepOptions,
    state: AdamState | None = None,
) -> Solution:
    """Adam (Kingma & Ba, 2015). An iteration is a pass over all rows, in batches."""
    assert state is not None
    assert options.learning_rate is not None
    rate = options.learning_rate

    def epoch(theta: Vector, _: Vector) -> Vector:
        theta = theta.copy()
        for gradient_at in objective.batches(state.rng, options.batch_size):
            theta -= rate * state.direction(gradient_at(theta))
        if not np.isfinite(state.second).all():  # all further steps would be 0
            theta[:] = np.nan
        return theta

    return repeated(epoch, objective, theta, on_iteration, options.max_iter)


def repeated(
    advance: Callable[[Vector, Vector], Vector],
    objective: ObjectiveFunction,
    theta: Vector,
    on_iteration: OnIteration,
    max_iter: int,
) -> Solution:
    """Replace theta by `advance(theta, gradient)` until the hook returns a reason."""
    evaluation = objective(theta)
    n_iter = 0
    while not (reason := on_iteration(evaluation)) and n_iter < max_iter:
        theta = advance(theta, evaluation.gradient)
        evaluation = objective(theta)
        n_iter += 1
    return Solution(evaluation, n_iter, reason or "max_iter")


class Solver(NamedTuple):
    """A solver, and what training has to know of it."""

    solve: Solve
    learning_rate: float | None  # the default; None: it finds its own steps
    may_be_slow: bool = False  # small steps may be followed by larger ones


SOLVERS: dict[str, Solver] = {
    "lbfgs": Solver(lbfgs, learning_rate=None),
    "gd": Solver(gd, learning_rate=0.2, may_be_slow=True),
    "adam": Solver(adam, learning_rate=0.01),
}
