"""Training stops for the documented reasons, and keeps the record it promises."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from sk_shallow._core.rows import Rows
from sk_shallow._core.solvers import Solution
from sk_shallow.training import Monitor, hold_out, random_streams

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
        Monitor(tol=1e-4, n_iter_no_change=20, held_out_loss=None, verbose=False),
        [3, 2, 1, 0.5],
        [1, -1, 1e-5, 1],
    )
    assert training.stop_reason == "gradient"
    assert training.n_iter == 2
    assert training.max_gradient == 1e-5


def test_a_loss_that_falls_too_little_for_so_many_iterations_stops():
    losses = [1.0, 0.5, *(0.5 - 1e-6 * k for k in range(1, 10))]
    training = walk(
        Monitor(tol=1e-4, n_iter_no_change=3, held_out_loss=None, verbose=False), losses
    )
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
    training = walk(
        Monitor(tol=1e-4, n_iter_no_change=3, held_out_loss=None, verbose=False), losses
    )
    assert training.n_iter == 9


def test_a_fall_is_measured_against_the_loss_itself():
    # Each step takes 1 % of a loss that is tiny in absolute terms.
    losses = 1e-9 * 0.99 ** np.arange(30)
    training = walk(
        Monitor(tol=1e-4, n_iter_no_change=3, held_out_loss=None, verbose=False), losses
    )
    assert training.n_iter == 29


def test_the_best_held_out_weights_are_kept():
    held_out = [1.0, 0.8, 0.6, 0.7, 0.65, 0.61, 0.5]
    training = walk(
        Monitor(
            tol=1e-4, n_iter_no_change=3, held_out_loss=scripted(held_out), verbose=False
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
            tol=1e-4,
            n_iter_no_change=2,
            held_out_loss=scripted([1.0, 0.5, 0.5, 0.5, 0.4]),
            verbose=False,
        ),
        range(9, 4, -1),
    )
    assert training.best_iteration == 1
    assert training.n_iter == 3


def test_the_monitor_copies_what_the_solver_will_overwrite():
    monitor = Monitor(
        tol=1e-4, n_iter_no_change=20, held_out_loss=lambda theta: 1.0, verbose=False
    )
    theta = np.array([5.0])
    monitor(theta, 1.0, FAR)
    theta[:] = -1
    np.testing.assert_array_equal(monitor.best_theta, [5.0])


@pytest.mark.parametrize(
    ("loss", "gradient"), [(np.nan, 1.0), (np.inf, 1.0), (1.0, np.nan)]
)
def test_numbers_that_overflow_are_an_error_naming_the_iteration(loss, gradient):
    monitor = Monitor(tol=1e-4, n_iter_no_change=20, held_out_loss=None, verbose=False)
    monitor(FAR, 2.0, FAR)
    with pytest.raises(ValueError, match=r"at iteration 1: .*Standardise X.*init_scale"):
        monitor(FAR, loss, np.array([gradient]))


def test_the_log_is_aligned_and_thinned_out(capsys):
    monitor = Monitor(
        tol=0.0,
        n_iter_no_change=1000,
        held_out_loss=scripted(np.linspace(1, 0.5, 400)),
        verbose=True,
    )
    walk(monitor, np.linspace(2, 1, 321))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        "iteration",
        "J",
        "held-out",
        "loss",
        "max",
        "|gradient|",
        "seconds",
    ]
    iterations = [int(line.split()[0]) for line in lines[1:-1]]
    assert iterations == [*range(11), *range(20, 101, 10), 200, 300, 320]
    assert len({len(line) for line in lines[:-1]}) == 1
    assert lines[-1].startswith("Stopped: ")


# --- Chance and the held-out part ---------------------------------------------------


def labelled(n_zeros, n_ones):
    y = np.repeat([0.0, 1.0], [n_zeros, n_ones])
    return Rows(np.arange(y.size, dtype=float)[:, None], y, np.ones(y.size))


def split(rows, early_stopping=True, fraction=0.1, seed=0):
    return hold_out(rows, early_stopping, fraction, np.random.RandomState(seed))


def test_the_held_out_part_and_the_rest_are_all_rows_once():
    rows = labelled(600, 400)
    train, held_out = split(rows)
    both = np.concatenate([train.X, held_out.X])
    np.testing.assert_array_equal(np.sort(both[:, 0]), rows.X[:, 0])


def test_the_held_out_part_is_stratified():
    _, held_out = split(labelled(600, 400))
    np.testing.assert_array_equal(np.bincount(held_out.y.astype(int)), [60, 40])


@pytest.mark.parametrize(
    ("sizes", "held"),
    [((979, 20), False), ((980, 20), True), ((981, 19), False), ((5000, 19), False)],
)
def test_auto_holds_out_from_1000_rows_with_20_of_each_class(sizes, held):
    rows = labelled(*sizes)
    train, held_out = split(rows, early_stopping="auto")
    assert (held_out is not None) is held
    assert (train is rows) is not held


def test_rows_of_weight_0_count_as_absent():
    rows = labelled(600, 400)
    padded = Rows(
        np.concatenate([rows.X, [[-1.0]] * 500]),
        np.concatenate([rows.y, np.ones(500)]),
        np.concatenate([rows.sample_weight, np.zeros(500)]),
    )
    for part, padded_part in zip(split(rows), split(padded), strict=True):
        np.testing.assert_array_equal(part.X, padded_part.X)
    assert (
        split(labelled(999, 999)._replace(sample_weight=np.repeat([1.0, 0], 999)), "auto")[
            1
        ]
        is None
    )


@pytest.mark.parametrize("sizes", [(5, 1), (3, 3)])
def test_classes_too_small_to_split_are_an_error_that_says_what_to_set(sizes):
    with pytest.raises(
        ValueError, match=rf"{sizes[0]} and {sizes[1]} rows.*early_stopping=False"
    ):
        split(labelled(*sizes))


def test_streams_are_independent_and_follow_from_the_seed():
    init, other_init = random_streams(3).init, random_streams(3).init
    assert init.random() == other_init.random()
    # Drawing from one stream leaves the other where it was.
    drained = random_streams(3)
    drained.init.random(1000)
    rows = np.arange(50)
    first, second = (
        train_test_split(rows, random_state=streams.split)[0]
        for streams in (drained, random_streams(3))
    )
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("seed", [0, np.int64(7), np.random.RandomState(0), None])
def test_every_kind_of_random_state_gives_streams(seed):
    assert 0 <= random_streams(seed).init.random() < 1


def test_a_random_state_instance_moves_on():
    generator = np.random.RandomState(0)
    assert (
        random_streams(generator).init.random() != random_streams(generator).init.random()
    )
