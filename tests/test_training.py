"""Training stops for the documented reasons, and keeps the record it promises."""

from threading import Event

import numpy as np
import pytest

from sk_shallow._core.solvers import Solution
from sk_shallow.training import Abandoned, Monitor, StoppingRules

FAR = np.array([1.0])  # a gradient that does not stop anything


def walk(monitor, losses, gradients=None):
    """Call the hook with made-up losses until it asks to stop; theta is the iteration."""
    for iteration, loss in enumerate(losses):
        gradient = FAR if gradients is None else np.array([gradients[iteration]])
        if monitor(np.array([float(iteration)]), loss, gradient):
            break
    solution = Solution(np.array([float(iteration)]), loss, iteration, "max_iter")
    return monitor.conclude(solution)


def scripted(losses):
    """A held-out loss that follows a script, by iteration."""
    return lambda theta: losses[int(theta[0])]


def test_a_small_gradient_stops():
    training = walk(
        Monitor(StoppingRules(tol=1e-4, n_iter_no_change=20)),
        [3, 2, 1, 0.5],
        [1, -1, 1e-5, 1],
    )
    assert training.stop_reason == "gradient"
    assert training.n_iter == 2
    assert training.max_gradient == 1e-5


def test_a_loss_that_falls_too_little_for_so_many_iterations_stops():
    losses = [1.0, 0.5, *(0.5 - 1e-6 * k for k in range(1, 10))]
    training = walk(Monitor(StoppingRules(tol=1e-4, n_iter_no_change=3)), losses)
    assert training.stop_reason == "loss"
    assert training.n_iter == 4  # the good step to 0.5, and three small ones


def test_one_good_step_starts_the_count_anew():
    losses = [
        1.0,
        0.99999,
        0.99998,
        0.9,
        0.89999,
        0.89998,
        0.8,
        0.79999,
        0.79998,
        0.79997,
        0.7,
    ]
    training = walk(Monitor(StoppingRules(tol=1e-4, n_iter_no_change=3)), losses)
    assert training.n_iter == 9


def test_a_fall_is_measured_against_the_loss_itself():
    # Each step takes 1 % of a loss that is tiny in absolute terms.
    losses = 1e-9 * 0.99 ** np.arange(30)
    training = walk(Monitor(StoppingRules(tol=1e-4, n_iter_no_change=3)), losses)
    assert training.n_iter == 29


def test_the_best_held_out_weights_are_kept():
    held_out = [1.0, 0.8, 0.6, 0.7, 0.65, 0.61, 0.5]
    training = walk(
        Monitor(
            StoppingRules(tol=1e-4, n_iter_no_change=3), held_out_loss=scripted(held_out)
        ),
        [7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0],
    )
    assert training.stop_reason == "validation"
    assert training.best_iteration == 2
    np.testing.assert_array_equal(training.theta, [2.0])
    assert training.loss == 5.0
    np.testing.assert_array_equal(training.validation_loss_curve, held_out[:6])
    np.testing.assert_array_equal(training.loss_curve, [7, 6, 5, 4, 3, 2])


def test_a_held_out_tie_is_no_new_minimum():
    training = walk(
        Monitor(
            StoppingRules(tol=1e-4, n_iter_no_change=2),
            held_out_loss=scripted([1.0, 0.5, 0.5, 0.5, 0.4]),
        ),
        range(9, 4, -1),
    )
    assert training.best_iteration == 1
    assert training.n_iter == 3


def test_the_monitor_copies_what_the_solver_will_overwrite():
    monitor = Monitor(
        StoppingRules(tol=1e-4, n_iter_no_change=20), held_out_loss=lambda theta: 1.0
    )
    theta = np.array([5.0])
    monitor(theta, 1.0, FAR)
    theta[:] = -1
    np.testing.assert_array_equal(monitor.best_theta, [5.0])


@pytest.mark.parametrize(
    ("loss", "gradient"), [(np.nan, 1.0), (np.inf, 1.0), (1.0, np.nan)]
)
def test_numbers_that_overflow_are_an_error_naming_the_iteration(loss, gradient):
    monitor = Monitor(StoppingRules(tol=1e-4, n_iter_no_change=20))
    monitor(FAR, 2.0, FAR)
    with pytest.raises(ValueError, match=r"at iteration 1: .*Standardise X.*init_scale"):
        monitor(FAR, loss, np.array([gradient]))


def test_weights_that_are_not_finite_are_an_error_even_where_the_loss_is_finite():
    monitor = Monitor(StoppingRules(tol=1e-4, n_iter_no_change=20))
    with pytest.raises(ValueError, match=r"start \(iteration 0\): "):
        monitor(np.array([np.inf]), 1.0, FAR)


def test_an_overflow_after_a_step_of_given_size_names_the_learning_rate():
    monitor = Monitor(StoppingRules(tol=1e-4, n_iter_no_change=20), learning_rate=50.0)
    monitor(FAR, 2.0, FAR)
    with pytest.raises(ValueError, match=r"lower learning_rate \(now 50\), init_scale"):
        monitor(FAR, np.nan, FAR)


def test_an_overflow_at_the_start_is_not_laid_to_the_learning_rate():
    monitor = Monitor(StoppingRules(tol=1e-4, n_iter_no_change=20), learning_rate=50.0)
    with pytest.raises(ValueError, match=r"or lower init_scale"):
        monitor(FAR, np.nan, FAR)


def test_a_fall_back_to_where_J_has_been_is_no_progress():
    # As the steps of Adam end: up and down around a level.
    losses = [1.0, *[0.5, 0.6] * 10]
    training = walk(Monitor(StoppingRules(tol=1e-4, n_iter_no_change=4)), losses)
    assert training.stop_reason == "loss"
    assert training.n_iter == 5


def test_a_solver_that_crawls_is_not_stopped_for_it():
    plateau = [1.0] * 50
    rules = StoppingRules(tol=1e-4, n_iter_no_change=3, crawls=True)
    assert walk(Monitor(rules), plateau).stop_reason == "max_iter"
    watched = walk(Monitor(rules, held_out_loss=scripted(plateau)), plateau)
    assert watched.stop_reason == "validation"


class Stop:
    """A task whose callbacks ask to stop at once."""

    def iteration_begins(self, theta):
        pass

    def iteration_ended(self, theta):
        return True

    def ended(self, theta):
        pass


def test_a_reason_of_its_own_comes_before_that_of_a_callback():
    rules = StoppingRules(tol=1e-4, n_iter_no_change=1)
    assert walk(Monitor(rules, task=Stop()), [1.0]).stop_reason == "callback"
    converged = walk(Monitor(rules, task=Stop()), [1.0], [1e-6])
    assert converged.stop_reason == "gradient"


def test_an_abandoned_training_ends_at_its_next_iteration():
    abandon = Event()
    monitor = Monitor(StoppingRules(tol=1e-4, n_iter_no_change=3), abandon=abandon)
    monitor(FAR, 2.0, FAR)
    abandon.set()
    with pytest.raises(Abandoned):
        monitor(FAR, 1.0, FAR)


def test_restarts_are_judged_by_the_held_out_loss_where_there_is_one():
    rules = StoppingRules(tol=1e-4, n_iter_no_change=20)
    assert walk(Monitor(rules), [3.0, 2.0]).criterion == 2.0
    watched = Monitor(rules, held_out_loss=scripted([0.9, 0.5, 0.7]))
    assert walk(watched, [3.0, 2.0, 1.0]).criterion == 0.5
