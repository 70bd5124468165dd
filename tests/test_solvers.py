"""A solver goes down, tells the hook of every step, and stops when told to."""

import numpy as np
import pytest

from sk_shallow._core.solvers import SOLVERS, _Walk

CURVATURE = np.array([1.0, 3.0, 10.0, 0.1])
MINIMUM = np.array([1.0, -2.0, 0.5, 4.0])


class Bowl:
    """A quadratic that counts its evaluations."""

    def __init__(self):
        self.seen = []

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


@pytest.fixture(params=SOLVERS)
def solver(request):
    return SOLVERS[request.param]


def test_the_minimum_is_found(solver):
    solution = solver(Bowl(), np.zeros(4), Hook(), 100)
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
    SOLVERS["lbfgs"](bowl, np.zeros(4), Hook(), 100)
    assert len({theta.tobytes() for theta in bowl.seen}) == len(bowl.seen)


def test_a_direction_that_does_not_descend_is_reported():
    def misleading(theta):
        loss, gradient = Bowl()(theta)
        return loss, -gradient

    solution = SOLVERS["lbfgs"](misleading, np.zeros(4), Hook(), 100)
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
    solution = SOLVERS["lbfgs"](undefined_beyond_3, np.zeros(4), hook, 100)
    assert solution.n_iter > 0
    assert solution.stop_reason == "line_search"
    assert solution.loss == hook.calls[-1][1] < 0
    np.testing.assert_array_equal(solution.theta, hook.calls[-1][0])


def test_the_accepted_point_is_a_copy():
    walk, theta = _Walk(Bowl(), Hook()), np.zeros(4)
    walk.accept(theta)
    theta[:] = MINIMUM
    np.testing.assert_array_equal(walk.solution(max_iter=9).theta, np.zeros(4))
