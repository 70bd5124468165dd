"""Training stops for the documented reasons, and keeps and prints what it promises."""

from threading import Event

import numpy as np
import pytest

from sk_shallow import ShallowNetClassifier
from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.objective import Evaluation
from sk_shallow._core.parameters import unflatten
from sk_shallow._core.solvers import Solution
from sk_shallow.training.monitor import Abandoned, Log, Monitor
from sk_shallow.training.options import resolve_options

FAR = 1.0  # a gradient that does not stop anything


def monitor_of(task=None, abandon=None, **parameters):
    net = ShallowNetClassifier(**{"alpha": 1.0, "tol": 1e-4, **parameters})
    options = resolve_options(net.get_params(), columns=None)  # alpha is given
    return Monitor(options, task=task, abandon=abandon)


def evaluated(loss, gradient=FAR, held_out_loss=None, theta=0.0):
    net = unflatten(np.full(4, theta), 1, 1, ACTIVATIONS["tanh"])
    return Evaluation(net, loss, np.array([gradient]), held_out_loss)


def trained(monitor, losses, gradients=None, held_out=None):
    """Call the hook with made-up numbers until it stops; all weights are the iteration."""
    for iteration, loss in enumerate(losses):
        evaluation = evaluated(
            float(loss),
            FAR if gradients is None else gradients[iteration],
            None if held_out is None else held_out[iteration],
            theta=float(iteration),
        )
        if reason := monitor(evaluation):
            break
    return monitor.record(Solution(evaluation, iteration, reason or "max_iter"))


def test_a_small_gradient_stops():
    training = trained(monitor_of(), [3, 2, 1, 0.5], [1, -1, 1e-5, 1])
    assert training.stop_reason == "gradient"
    assert training.n_iter == 2
    assert training.max_gradient == 1e-5


def test_a_loss_that_falls_too_little_for_so_many_iterations_stops():
    losses = [1.0, 0.5, *(0.5 - 1e-6 * k for k in range(1, 10))]
    training = trained(monitor_of(n_iter_no_change=3), losses)
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
    training = trained(monitor_of(n_iter_no_change=3), losses)
    assert training.n_iter == 9


def test_a_fall_is_measured_against_the_loss_itself():
    # Each step takes 1 % of a loss that is tiny in absolute terms.
    losses = 1e-9 * 0.99 ** np.arange(30)
    training = trained(monitor_of(n_iter_no_change=3), losses)
    assert training.n_iter == 29


def test_without_rows_held_out_the_last_weights_are_kept():
    training = trained(monitor_of(), [3.0, 1.0, 2.0])
    assert set(np.concatenate([part.ravel() for part in training.net.weights])) == {2.0}
    assert training.loss == 2.0
    assert training.best_iteration is training.validation_loss_curve is None


def test_the_best_held_out_weights_are_kept():
    held_out = [1.0, 0.8, 0.6, 0.7, 0.65, 0.61, 0.5]
    training = trained(
        monitor_of(n_iter_no_change=3),
        [7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0],
        held_out=held_out,
    )
    assert training.stop_reason == "validation"
    assert training.best_iteration == 2
    assert set(np.concatenate([part.ravel() for part in training.net.weights])) == {2.0}
    assert training.loss == 5.0
    np.testing.assert_array_equal(training.validation_loss_curve, held_out[:6])
    np.testing.assert_array_equal(training.loss_curve, [7, 6, 5, 4, 3, 2])


def test_a_held_out_tie_is_no_new_minimum():
    training = trained(
        monitor_of(n_iter_no_change=2),
        range(9, 4, -1),
        held_out=[1.0, 0.5, 0.5, 0.5, 0.4],
    )
    assert training.best_iteration == 1
    assert training.n_iter == 3


def test_the_monitor_keeps_the_best_evaluation_itself():
    monitor = monitor_of()
    first, best, last = (evaluated(1.0, held_out_loss=loss) for loss in (0.9, 0.5, 0.7))
    for evaluation in (first, best, last):
        monitor(evaluation)
    training = monitor.record(Solution(last, 2, "max_iter"))
    assert training.net is best.net


@pytest.mark.parametrize(
    ("loss", "gradient"), [(np.nan, 1.0), (np.inf, 1.0), (1.0, np.nan)]
)
def test_numbers_that_overflow_are_an_error_naming_the_iteration(loss, gradient):
    monitor = monitor_of()
    monitor(evaluated(2.0))
    with pytest.raises(ValueError, match=r"at iteration 1: .*Standardise X.*init_scale"):
        monitor(evaluated(loss, gradient))


def test_weights_that_are_not_finite_are_an_error_even_where_the_loss_is_finite():
    with pytest.raises(ValueError, match=r"start \(iteration 0\): "):
        monitor_of()(evaluated(1.0, theta=np.inf))


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_held_out_loss_that_overflows_is_an_error_naming_the_iteration(loss):
    monitor = monitor_of()
    monitor(evaluated(2.0, held_out_loss=1.0))
    with pytest.raises(ValueError, match=r"held-out log-loss .* at iteration 1: .*X_val"):
        monitor(evaluated(1.0, held_out_loss=loss))


def test_an_overflow_after_a_step_of_given_size_names_the_learning_rate():
    monitor = monitor_of(solver="gd", learning_rate=50.0)
    monitor(evaluated(2.0))
    with pytest.raises(ValueError, match=r"lower learning_rate \(now 50\), init_scale"):
        monitor(evaluated(np.nan))


def test_an_overflow_at_the_start_is_not_laid_to_the_learning_rate():
    monitor = monitor_of(solver="gd", learning_rate=50.0)
    with pytest.raises(ValueError, match=r"or lower init_scale"):
        monitor(evaluated(np.nan))


def test_a_fall_back_to_where_J_has_been_is_no_progress():
    # As the steps of Adam end: up and down around a level.
    losses = [1.0, *[0.5, 0.6] * 10]
    training = trained(monitor_of(n_iter_no_change=4), losses)
    assert training.stop_reason == "loss"
    assert training.n_iter == 5


def test_a_solver_that_may_be_slow_is_not_stopped_for_it():
    plateau = [1.0] * 50
    slow = {"solver": "gd", "n_iter_no_change": 3}
    assert trained(monitor_of(**slow), plateau).stop_reason == "max_iter"
    validated = trained(monitor_of(**slow), plateau, held_out=plateau)
    assert validated.stop_reason == "validation"


class Stop:
    """A task whose callbacks ask to stop at once."""

    def begin_iteration(self, training):
        pass

    def end_iteration(self, training):
        return True


def test_a_reason_of_its_own_comes_before_that_of_a_callback():
    def stopped(*arguments):
        return trained(monitor_of(task=Stop(), n_iter_no_change=1), *arguments).stop_reason

    assert stopped([1.0]) == "callback"
    assert stopped([1.0], [1e-6]) == "gradient"


class Records:
    """A task that keeps the training up to the end of each iteration."""

    def __init__(self):
        self.trainings = []

    def begin_iteration(self, training):
        pass

    def end_iteration(self, training):
        self.trainings.append(training())


def test_a_callback_gets_the_training_up_to_here():
    task, held_out = Records(), [1.0, 0.5, 0.7]
    trained(monitor_of(task=task), [3.0, 2.0, 1.0], held_out=held_out)
    assert [training.loss for training in task.trainings] == [3.0, 2.0, 2.0]
    assert [training.best_iteration for training in task.trainings] == [0, 1, 1]
    for n, training in enumerate(task.trainings, start=1):
        np.testing.assert_array_equal(training.validation_loss_curve, held_out[:n])


def test_an_abandoned_training_ends_at_its_next_iteration():
    abandon = Event()
    monitor = monitor_of(abandon=abandon)
    monitor(evaluated(2.0))
    abandon.set()
    with pytest.raises(Abandoned):
        monitor(evaluated(1.0))


def test_starts_are_judged_by_the_held_out_loss_where_there_is_one():
    assert trained(monitor_of(), [3.0, 2.0]).criterion == 2.0
    held_out = trained(monitor_of(), [3.0, 2.0, 1.0], held_out=[0.9, 0.5, 0.7])
    assert held_out.criterion == 0.5


# --- What verbose prints ----------------------------------------------------------------


@pytest.mark.parametrize("held_out_loss", [0.5, None])
@pytest.mark.parametrize("name", ["", "start 3"])
def test_the_log_is_aligned_and_thinned_out(capsys, held_out_loss, name):
    log = Log(name)
    for iteration in range(321):
        log.line(iteration, 2.0 - iteration / 1000, held_out_loss, 10.0**-iteration)
    log.end("loss")
    prefix = f"{name}: " if name else ""
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith(prefix) for line in lines)
    lines = [line.removeprefix(prefix) for line in lines]
    words = ["iteration", "J", "held-out", "loss", "max", "|gradient|", "seconds"]
    if held_out_loss is None:
        del words[2:4]
    assert lines[0].split() == words
    iterations = [int(line.split()[0]) for line in lines[1:-1]]
    assert iterations == [*range(11), *range(20, 101, 10), 200, 300, 320]
    assert len({len(line) for line in lines[:-1]}) == 1
    assert lines[-1] == "Stopped: loss."


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_each_line_says_which_start_it_is_of_where_there_are_several(
    cancer, capsys, n_jobs
):
    ShallowNetClassifier(4, n_init=2, n_jobs=n_jobs, random_state=0, verbose=1).fit(*cancer)
    lines = capsys.readouterr().out.splitlines()
    names = [line.partition(":")[0] for line in lines]
    assert set(names) == {"start 0", "start 1"}
    assert sum("Stopped" in line for line in lines) == 2
    ShallowNetClassifier(4, n_init=1, random_state=0, verbose=1).fit(*cancer)
    assert "start" not in capsys.readouterr().out
