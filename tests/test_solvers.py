"""A solver minimises J, hands each step to the hook, and stops when the hook says so."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.objective import Evaluation, Objective
from sk_shallow._core.parameters import Net, flatten, unflatten
from sk_shallow._core.solvers import SOLVERS, AdamState
from sk_shallow._core.table import ArrayTable, Rows

CURVATURE = np.array([1.0, 3.0, 10.0, 0.1])
MINIMUM = np.array([1.0, -2.0, 0.5, 4.0])
TANH = ACTIVATIONS["tanh"]


def evaluated(theta, loss, gradient):
    """An evaluation at four numbers, which are a net of one column and one unit."""
    return Evaluation(unflatten(theta, 1, 1, TANH), float(loss), gradient)


def bowl(theta):
    away = theta - MINIMUM
    return evaluated(theta, 0.5 * CURVATURE @ away**2, CURVATURE * away)


class Bowl:
    """A quadratic that keeps each theta it is given, and a copy."""

    def __init__(self):
        self.given = []

    def batches(self, rng, batch_size):
        for _ in range(40):
            yield lambda theta: CURVATURE * (theta - MINIMUM)

    def __call__(self, theta):
        self.given.append((theta, theta.copy()))
        return bowl(theta)


class Hook:
    """Keeps copies of what it is handed, and asks to stop after some calls."""

    def __init__(self, stop_after=None, small=1e-8):
        self.calls, self.stop_after, self.small = [], stop_after, small
        self.evaluations = []

    def __call__(self, evaluation):
        net, loss, gradient, _ = evaluation
        self.evaluations.append(evaluation)
        self.calls.append((flatten(net), loss, gradient.copy()))
        if len(self.calls) == self.stop_after:
            return "callback"
        return "gradient" if np.abs(gradient).max() <= self.small else None


def run(name, objective, theta, hook, max_iter, learning_rate=0.1):
    """Call a solver, with steps that are small enough for the bowl."""
    options = SimpleNamespace(
        max_iter=max_iter, learning_rate=learning_rate, batch_size=256
    )
    state = AdamState.initial(np.random.default_rng(0), theta.size)
    return SOLVERS[name].solve(objective, theta, hook, options, state)


@pytest.fixture(params=SOLVERS)
def solver(request):
    return partial(run, request.param)


def test_the_minimum_is_found(solver):
    solution = solver(Bowl(), np.zeros(4), Hook(), 5000)
    np.testing.assert_allclose(flatten(solution.evaluation.net), MINIMUM, atol=1e-6)
    assert solution.stop_reason == "gradient"


def test_the_hook_is_handed_the_start_and_each_step_with_its_own_loss_and_gradient(solver):
    hook = Hook()
    solution = solver(Bowl(), np.zeros(4), hook, 100)
    np.testing.assert_array_equal(hook.calls[0][0], np.zeros(4))
    assert solution.evaluation is hook.evaluations[-1]
    assert len(hook.calls) == solution.n_iter + 1
    for theta, loss, gradient in hook.calls:
        expected = bowl(theta)
        assert loss == expected.loss
        np.testing.assert_array_equal(gradient, expected.gradient)


def test_an_evaluation_is_not_written_to_after_it_was_handed_over(solver):
    hook = Hook()
    solver(Bowl(), np.zeros(4), hook, 100)
    for evaluation, (theta, loss, gradient) in zip(
        hook.evaluations, hook.calls, strict=True
    ):
        np.testing.assert_array_equal(flatten(evaluation.net), theta)
        assert evaluation.loss == loss
        np.testing.assert_array_equal(evaluation.gradient, gradient)


@pytest.mark.parametrize("stop_after", [2, 5, None])
def test_no_theta_is_written_to_after_the_objective_was_given_it(solver, stop_after):
    objective = Bowl()
    solver(objective, np.zeros(4), Hook(stop_after), 100)
    for theta, copy in objective.given:
        np.testing.assert_array_equal(theta, copy)
        others = [other for other, _ in objective.given if other is not theta]
        assert not any(np.shares_memory(theta, other) for other in others)


@pytest.mark.parametrize("stop_after", [1, 2, 4])
@pytest.mark.parametrize("reason", ["loss", "callback"])
def test_the_hook_stops_the_solver_at_once_for_its_own_reason(solver, stop_after, reason):
    hook = Hook()

    def stop(evaluation):
        hook(evaluation)
        return reason if len(hook.calls) == stop_after else None

    solution = solver(Bowl(), np.zeros(4), stop, 100)
    assert len(hook.calls) == stop_after
    assert solution.n_iter == stop_after - 1
    assert solution.stop_reason == reason
    assert solution.evaluation is hook.evaluations[-1]


def test_a_reason_of_the_hook_at_the_last_iteration_is_the_reason(solver):
    assert solver(Bowl(), np.zeros(4), Hook(4), 3).stop_reason == "callback"


def test_max_iter_is_the_number_of_steps(solver):
    solution = solver(Bowl(), np.zeros(4), Hook(small=0), 3)
    assert solution.n_iter == 3
    assert solution.stop_reason == "max_iter"


@pytest.mark.parametrize("error", [StopIteration, KeyboardInterrupt])
@pytest.mark.parametrize("at_call", [1, 3])
def test_an_error_of_the_hook_comes_out_of_the_solver(solver, error, at_call):
    # SciPy would take a StopIteration for a wish to stop.
    hook = Hook()

    def fail(evaluation):
        hook(evaluation)
        if len(hook.calls) == at_call:
            raise error("mine")

    with pytest.raises(error, match="mine"):
        solver(Bowl(), np.zeros(4), fail, 100)
    assert len(hook.calls) == at_call


def test_no_point_is_evaluated_twice_and_the_start_once(solver):
    objective, start = Bowl(), np.zeros(4)
    solver(objective, start, Hook(), 100)
    points = [copy.tobytes() for _, copy in objective.given]
    assert len(set(points)) == len(points)
    assert points.count(start.tobytes()) == 1


@pytest.mark.parametrize("seed", range(5))
def test_the_accepted_points_of_lbfgs_are_those_of_scipy(seed):
    # On Rosenbrock's function, whose line searches evaluate points that are not accepted.
    start = np.random.default_rng(seed).uniform(-2, 2, 4)
    accepted, evaluations = [start], []

    def objective(theta):
        evaluations.append(theta)
        return evaluated(theta, rosen(theta), rosen_der(theta))

    hook = Hook(small=0)
    run("lbfgs", objective, start, hook, 30)
    minimize(
        rosen,
        start,
        jac=rosen_der,
        method="L-BFGS-B",
        callback=lambda intermediate_result: accepted.append(intermediate_result.x.copy()),
        options={"maxiter": 30, "ftol": 0, "gtol": 0},
    )
    assert len(evaluations) > len(accepted)
    np.testing.assert_array_equal([theta for theta, _, _ in hook.calls], accepted)


def test_a_direction_that_does_not_descend_is_reported():
    def misleading(theta):
        evaluation = bowl(theta)
        return evaluation._replace(gradient=-evaluation.gradient)

    solution = run("lbfgs", misleading, np.zeros(4), Hook(), 100)
    assert solution.stop_reason == "line_search"
    assert solution.n_iter == 0
    np.testing.assert_array_equal(flatten(solution.evaluation.net), np.zeros(4))


def test_the_start_is_not_written_to(solver):
    start = np.zeros(4)
    solver(Bowl(), start, Hook(), 100)
    assert not start.any()


def test_a_step_too_far_is_taken_back():
    def undefined_beyond_3(theta):
        if (theta > 3).any():
            return evaluated(theta, np.nan, np.full(4, np.nan))
        return evaluated(theta, -theta.sum(), -np.ones(4))

    hook = Hook()
    solution = run("lbfgs", undefined_beyond_3, np.zeros(4), hook, 100)
    assert solution.n_iter > 0
    assert solution.stop_reason == "line_search"
    assert solution.evaluation is hook.evaluations[-1]
    assert solution.evaluation.loss == hook.calls[-1][1] < 0
    np.testing.assert_array_equal(flatten(solution.evaluation.net), hook.calls[-1][0])


# --- Against arithmetic done elsewhere --------------------------------------------------


def test_gd_on_a_net_computed_by_hand():
    """Two rows, two units a and b, tanh, alpha = 1, learning rate 0.5, scalars only.

    The first step: z = v_a tanh(x1) + v_b tanh(x2) is 0.7616 for the row (1, 0) of class 1
    and -1.5232 for the row (0, 1) of class 0; the residuals p - y are -0.3183 and 0.1790.
    So v_a gets the gradient (-0.3183 * 0.7616 + 1 * 1) / 2 = 0.3788 and goes from 1 to
    0.8106; and so on.
    """
    rows = Rows(ArrayTable(np.eye(2)), np.array([1.0, 0.0]), np.ones(2))
    start = Net(np.eye(2), np.zeros(2), np.array([1.0, -2.0]), np.zeros(1), TANH)
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
    objective = Objective(rows, start, alpha=1.0)
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
    np.testing.assert_allclose(flatten(solution.evaluation.net), expected, rtol=1e-12)


def adam_on_a_net(max_iter, state):
    """The objective, the start, and where Adam ends from there, in batches of 30 of 100."""
    rng = np.random.default_rng(0)
    X = ArrayTable(rng.standard_normal((100, 3)))
    rows = Rows(X, np.tile([0.0, 1.0], 50), np.ones(100))
    start = rng.standard_normal(21)
    objective = Objective(rows, unflatten(start, 3, 4, TANH), alpha=1.0)
    options = SimpleNamespace(max_iter=max_iter, learning_rate=0.01, batch_size=30)
    solution = SOLVERS["adam"].solve(objective, start, Hook(), options, state)
    return objective, start, flatten(solution.evaluation.net)


def test_an_epoch_of_adam_goes_once_over_the_batches_of_the_objective():
    state = AdamState.initial(np.random.default_rng(5), 21)
    objective, start, end = adam_on_a_net(3, state)
    same_order = np.random.default_rng(5)
    gradients = [g for _ in range(3) for g in objective.batches(same_order, 30)]
    assert len(gradients) == state.n_steps == 3 * 4
    expected = reference_adam(start, gradients, 0.01)[-1]
    np.testing.assert_allclose(end, expected, rtol=1e-9)


def test_a_state_that_is_stored_and_restored_goes_on_as_if_it_had_not_been():
    state = AdamState.initial(np.random.default_rng(5), 21)
    adam_on_a_net(2, state)
    stored = state.stored()
    _, _, straight = adam_on_a_net(2, state)  # which leaves what is stored alone
    for _ in range(2):  # and so does what is restored
        _, _, resumed = adam_on_a_net(2, AdamState.restored(stored))
        np.testing.assert_array_equal(resumed, straight)
    assert stored["n_steps"] == 8
