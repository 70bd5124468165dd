"""A solver goes down, tells the hook of every step, and stops when told to."""

from functools import partial

import numpy as np
import pytest

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.objective import Objective
from sk_shallow._core.parameters import Parameters, flatten
from sk_shallow._core.rows import Rows
from sk_shallow._core.solvers import SOLVERS, Moments, Steps, _Walk

CURVATURE = np.array([1.0, 3.0, 10.0, 0.1])
MINIMUM = np.array([1.0, -2.0, 0.5, 4.0])


class Bowl:
    """A quadratic that counts its evaluations."""

    def __init__(self):
        self.seen = []

    def batches(self, rng, batch_size):
        for _ in range(40):
            yield lambda theta: CURVATURE * (theta - MINIMUM)

    def __call__(self, theta):
        self.seen.append(theta.copy())
        away = theta - MINIMUM
        return float(0.5 * CURVATURE @ away**2), CURVATURE * away


class Hook:
    """Keeps what it is told, and asks to stop after some calls."""

    def __init__(self, stop_after=None, small=1e-8):
        self.calls, self.stop_after, self.small = [], stop_after, small

    def __call__(self, theta, loss, gradient):
        self.calls.append((theta.copy(), loss, gradient.copy()))
        return len(self.calls) == self.stop_after or np.abs(gradient).max() <= self.small


def run(name, objective, theta, hook, max_iter, learning_rate=0.1):
    """Call a solver, with steps that are small enough for the bowl."""
    steps = Steps(
        learning_rate, 256, np.random.default_rng(0), Moments.none_yet(theta.size)
    )
    return SOLVERS[name].solve(objective, theta, hook, max_iter, steps)


@pytest.fixture(params=SOLVERS)
def solver(request):
    return partial(run, request.param)


def test_the_minimum_is_found(solver):
    solution = solver(Bowl(), np.zeros(4), Hook(), 5000)
    np.testing.assert_allclose(solution.theta, MINIMUM, atol=1e-6)
    assert solution.stop_reason == "hook"


def test_the_hook_is_told_the_start_and_each_step_with_its_own_loss_and_gradient(solver):
    hook = Hook()
    solution = solver(Bowl(), np.zeros(4), hook, 100)
    np.testing.assert_array_equal(hook.calls[0][0], np.zeros(4))
    np.testing.assert_array_equal(hook.calls[-1][0], solution.theta)
    assert len(hook.calls) == solution.n_iter + 1
    for theta, loss, gradient in hook.calls:
        expected_loss, expected_gradient = Bowl()(theta)
        assert loss == expected_loss
        np.testing.assert_array_equal(gradient, expected_gradient)


@pytest.mark.parametrize("stop_after", [1, 2, 4])
def test_the_hook_stops_the_solver_at_once(solver, stop_after):
    hook = Hook(stop_after)
    solution = solver(Bowl(), np.zeros(4), hook, 100)
    assert len(hook.calls) == stop_after
    assert solution.n_iter == stop_after - 1
    assert solution.stop_reason == "hook"
    np.testing.assert_array_equal(solution.theta, hook.calls[-1][0])
    assert solution.loss == hook.calls[-1][1]


def test_max_iter_is_the_number_of_steps(solver):
    solution = solver(Bowl(), np.zeros(4), Hook(small=0), 3)
    assert solution.n_iter == 3
    assert solution.stop_reason == "max_iter"


def test_no_point_is_evaluated_twice():
    bowl = Bowl()
    run("lbfgs", bowl, np.zeros(4), Hook(), 100)
    assert len({theta.tobytes() for theta in bowl.seen}) == len(bowl.seen)


def test_a_direction_that_does_not_descend_is_reported():
    def misleading(theta):
        loss, gradient = Bowl()(theta)
        return loss, -gradient

    solution = run("lbfgs", misleading, np.zeros(4), Hook(), 100)
    assert solution.stop_reason == "line_search"
    np.testing.assert_array_equal(solution.theta, np.zeros(4))


def test_the_start_is_not_written_to(solver):
    start = np.zeros(4)
    solver(Bowl(), start, Hook(), 100)
    assert not start.any()


def test_a_value_is_remembered_for_the_numbers_and_not_for_the_array():
    # SciPy may hand over the same array again, with other numbers in it.
    walk, theta = _Walk(Bowl(), Hook()), np.zeros(4)
    first, _ = walk.evaluate(theta)
    theta[:] = MINIMUM
    assert walk.evaluate(theta)[0] == 0 != first


def test_a_step_too_far_is_taken_back():
    def undefined_beyond_3(theta):
        if (theta > 3).any():
            return np.nan, np.full(4, np.nan)
        return float(-theta.sum()), -np.ones(4)

    hook = Hook()
    solution = run("lbfgs", undefined_beyond_3, np.zeros(4), hook, 100)
    assert solution.n_iter > 0
    assert solution.stop_reason == "line_search"
    assert solution.loss == hook.calls[-1][1] < 0
    np.testing.assert_array_equal(solution.theta, hook.calls[-1][0])


def test_the_accepted_point_is_a_copy():
    walk, theta = _Walk(Bowl(), Hook()), np.zeros(4)
    walk.accept(theta)
    theta[:] = MINIMUM
    np.testing.assert_array_equal(walk.solution(max_iter=9).theta, np.zeros(4))


# --- Against arithmetic done elsewhere --------------------------------------------------


def test_gd_on_a_net_computed_by_hand():
    """Two rows, two units a and b, tanh, alpha = 1, learning rate 0.5, scalars only.

    The first step: z = v_a tanh(x1) + v_b tanh(x2) is 0.7616 for the row (1, 0) of class 1
    and -1.5232 for the row (0, 1) of class 0; the residuals p - y are -0.3183 and 0.1790.
    So v_a gets the gradient (-0.3183 * 0.7616 + 1 * 1) / 2 = 0.3788 and goes from 1 to
    0.8106; and so on.
    """
    rows = Rows(np.eye(2), np.array([1.0, 0.0]), np.ones(2))
    start = Parameters(np.eye(2), np.zeros(2), np.array([1.0, -2.0]), np.zeros(1))
    W1_by_rows = [  # after each step
        [0.7834194853, -0.1591501289, -0.0447481260, 0.7875861295],
        [0.6196373104, -0.2161974956, -0.0917892242, 0.6637440446],
        [0.5017446310, -0.2450461780, -0.1248932425, 0.5791212487],
    ]
    b1_w2_b2 = [
        [-0.0113286407, -0.1215639994, 0.8106039040, -1.5340799113, 0.0348269385],
        [-0.0374840740, -0.1453444508, 0.6562114530, -1.2111891035, 0.0309963621],
        [-0.0565187502, -0.1469292918, 0.5441020798, -0.9767322811, 0.0219310074],
    ]
    hook = Hook(small=0)
    objective = Objective(rows, ACTIVATIONS["tanh"], n_hidden=2, alpha=1.0)
    run("gd", objective, flatten(start), hook, max_iter=3, learning_rate=0.5)
    for (theta, _, _), numbers in zip(
        hook.calls[1:], np.hstack([W1_by_rows, b1_w2_b2]), strict=True
    ):
        np.testing.assert_allclose(theta, numbers, atol=1e-10)


def reference_adam(theta, gradients, learning_rate):
    """Algorithm 1 of Kingma & Ba (2015), line by line, with their numbers."""
    m, v, path = np.zeros(theta.size), np.zeros(theta.size), []
    for t, gradient_at in enumerate(gradients, start=1):
        g = gradient_at(theta)
        m = 0.9 * m + (1 - 0.9) * g
        v = 0.999 * v + (1 - 0.999) * g**2
        m_hat = m / (1 - 0.9**t)
        v_hat = v / (1 - 0.999**t)
        theta = theta - learning_rate * m_hat / (np.sqrt(v_hat) + 1e-8)
        path.append(theta)
    return path


@pytest.mark.parametrize("learning_rate", [0.001, 0.1])
def test_ten_steps_of_adam_are_those_of_the_paper(learning_rate):
    rng = np.random.default_rng(0)
    targets = rng.standard_normal((10, 4))  # another gradient at each step
    gradients = [lambda theta, t=t: CURVATURE * (theta - t) for t in targets]

    class Noisy(Bowl):
        def batches(self, rng, batch_size):
            yield from gradients

    start = rng.standard_normal(4)
    solution = run("adam", Noisy(), start, Hook(), 1, learning_rate)
    expected = reference_adam(start, gradients, learning_rate)[-1]
    np.testing.assert_allclose(solution.theta, expected, rtol=1e-12)


def test_an_epoch_of_adam_goes_once_over_the_batches_of_the_objective():
    rng = np.random.default_rng(0)
    rows = Rows(rng.standard_normal((100, 3)), np.tile([0.0, 1.0], 50), np.ones(100))
    objective = Objective(rows, ACTIVATIONS["tanh"], n_hidden=4, alpha=1.0)
    start = rng.standard_normal(21)
    steps = Steps(0.01, 30, np.random.default_rng(5), Moments.none_yet(21))
    solution = SOLVERS["adam"].solve(objective, start, Hook(), 3, steps)
    same_order = np.random.default_rng(5)
    gradients = [g for _ in range(3) for g in objective.batches(same_order, 30)]
    assert len(gradients) == steps.moments.n_steps == 3 * 4
    expected = reference_adam(start, gradients, 0.01)[-1]
    np.testing.assert_allclose(solution.theta, expected, rtol=1e-9)
