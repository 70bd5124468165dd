"""Several starts: the best one wins, and it is the same for any number of threads."""

import gc
import signal
import threading
import weakref
from threading import Barrier, Event

import numpy as np
import pytest
import sklearn
from joblib import parallel_backend
from sklearn.exceptions import ConvergenceWarning

from sk_shallow import InitializationWarning, ShallowNetClassifier
from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.parameters import Net
from sk_shallow._core.solvers import SOLVERS
from sk_shallow.training.monitor import Abandoned, Monitor, Training
from sk_shallow.training.parallel import best_of_starts, side_by_side
from sk_shallow.training.start import Start

ignore_early_ends = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"
)


def fitted(table, **parameters):
    return ShallowNetClassifier(4, random_state=0, **parameters).fit(*table)


@pytest.mark.parametrize(("early_stopping", "seed"), [(False, 1), (True, 0)])
def test_the_start_with_the_lowest_loss_wins(circles, early_stopping, seed):
    table = circles(seed=seed)
    net = fitted(table, n_init=8, alpha=0, early_stopping=early_stopping)
    assert net.init_losses_.shape == (8,)
    assert net.init_losses_.argmin() > 0
    assert np.ptp(net.init_losses_) > 0.01
    reached = net.validation_loss_curve_.min() if early_stopping else net.loss_
    assert reached == net.init_losses_.min()


@pytest.mark.parametrize("early_stopping", [False, True])
def test_the_first_start_is_that_of_a_single_one(circles, early_stopping):
    table = circles(seed=0)
    one, many = (fitted(table, n_init=n, early_stopping=early_stopping) for n in (1, 3))
    assert one.init_losses_.shape == (1,)
    assert many.init_losses_[0] == one.init_losses_[0]


def test_starts_are_drawn_independently(circles):
    drawn = []

    def init(rng, shape):
        drawn.append(rng.standard_normal(shape))
        return drawn[-1]

    fitted(circles(seed=0), n_init=3, init=init)
    W1 = np.array([weights for weights in drawn if weights.shape == (2, 4)])
    assert W1.shape == (3, 2, 4)
    assert (np.abs(np.diff(W1, axis=0)) > 1e-3).mean() > 0.9


@ignore_early_ends
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n_jobs", [2, -1])
def test_the_number_of_threads_changes_no_bit(large, solver, n_jobs):
    serial, parallel = (
        fitted(large, n_init=3, n_jobs=n, solver=solver, max_iter=30) for n in (1, n_jobs)
    )
    np.testing.assert_array_equal(serial.init_losses_, parallel.init_losses_)
    for a, b in zip(
        [*serial.coefs_, serial.loss_curve_],
        [*parallel.coefs_, parallel.loss_curve_],
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_a_backend_that_is_set_elsewhere_changes_no_bit(circles, backend):
    table = circles(seed=0)
    alone = fitted(table, n_init=3)
    with parallel_backend(backend, n_jobs=2):
        inside = fitted(table, n_init=3)
    np.testing.assert_array_equal(alone.init_losses_, inside.init_losses_)


def test_starts_that_differ_in_nothing_end_alike(large):
    # All starts learn from the same rows and are judged by the same.
    def init(rng, shape):
        return np.random.default_rng(shape[0]).standard_normal(shape)

    net = fitted(large, n_init=3, init=init, init_scale=0.3)
    assert net.best_iteration_ is not None
    assert np.ptp(net.init_losses_) == 0


def test_a_warm_start_is_one_start(circles):
    table = circles(seed=0)
    net = fitted(table, n_init=3, warm_start=True)
    assert net.init_losses_.shape == (3,)
    reached = net.loss_
    net.fit(*table)
    assert net.init_losses_.shape == (1,)
    assert net.loss_curve_[0] == pytest.approx(reached, rel=1e-12)


def test_of_a_bad_start_is_warned_once(circles):
    with pytest.warns(InitializationWarning) as caught:
        fitted(circles(seed=0), n_init=3, init="zeros")
    assert [w.category.__name__ for w in caught] == ["SymmetryWarning", "CollapseWarning"]


def overflowing(*starts):
    """An `init` that gives weights which overflow to these starts."""
    calls = []

    def init(rng, shape):
        calls.append(shape)
        number = (len(calls) - 1) // 2  # two layers
        return rng.standard_normal(shape) * (1e200 if number in starts else 0.3)

    return init


@pytest.mark.filterwarnings("ignore::sk_shallow.SaturationWarning")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_start_that_overflows_is_left_out_with_a_warning(circles, n_jobs):
    table = circles(seed=0)
    sound = fitted(table, n_init=4, init=overflowing())
    with pytest.warns(ConvergenceWarning, match=r"2 of 4 starts.* Start 0: .*not finite"):
        net = fitted(table, n_init=4, n_jobs=n_jobs, init=overflowing(0, 2))
    assert net.init_losses_.tolist() == [
        np.inf,
        sound.init_losses_[1],
        np.inf,
        sound.init_losses_[3],
    ]
    assert net.loss_ == min(sound.init_losses_[[1, 3]])
    assert net.score(*table) > 0.8


@pytest.mark.filterwarnings("ignore::sk_shallow.SaturationWarning")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_starts_that_all_overflow_are_the_error_of_the_first(circles, n_jobs):
    init = overflowing(0, 1, 2)
    with pytest.raises(ValueError, match=r"not finite at the start") as error:
        fitted(circles(seed=0), n_init=3, n_jobs=n_jobs, init=init)
    (note,) = error.value.__notes__
    assert "all 3 starts" in note


def test_the_first_of_several_errors_is_raised():
    both_run = Barrier(2, timeout=30)

    def train(number, start):
        both_run.wait()
        raise ValueError(number)

    for _ in range(20):
        with pytest.raises(ValueError, match=r"^0\b"):
            side_by_side(int, train, 2, 2, Event())


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_starts_are_drawn_in_order_by_the_thread_that_asks(n_jobs):
    drawn = []

    def draw(number):
        assert threading.current_thread() is threading.main_thread()
        drawn.append(number)
        return 10 * number

    results = side_by_side(draw, lambda number, start: number + start, 5, n_jobs, Event())
    assert drawn == [0, 1, 2, 3, 4]
    assert results == [0, 11, 22, 33, 44]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_only_the_best_training_is_kept(n_jobs):
    made, starts = [], [Start(net=number, init=None) for number in range(9)]

    def train(number, *, state, task, name, abandon):
        assert state is None
        assert (task, name) == (("task", number, starts[number]), f"start {number}")
        assert not abandon.is_set()
        gc.collect()
        kept = sum(weights() is not None for weights in made)
        assert kept <= n_jobs + 1  # the best, and those that are being made
        W1 = np.zeros((1, 1))
        made.append(weakref.ref(W1))
        net = Net(W1, np.zeros(1), np.zeros(1), np.zeros(1), ACTIVATIONS["tanh"])
        return Training(net, 9.0 - number, None, None, None, 1, "loss", 0.0)

    def task_of(number, start):
        return "task", number, start

    draw = starts.__getitem__
    training, start, outcomes = best_of_starts(draw, train, 9, n_jobs, task_of)
    assert training.loss == 1.0
    assert start is starts[8]
    assert outcomes == [9.0 - number for number in range(9)]


@pytest.mark.parametrize(
    ("parameters", "n_starts"),
    [
        ({}, 3),
        ({"init": "lsuv"}, 3),
        ({"init": "normal", "init_scale": 0.5}, 3),
        ({"early_stopping": True}, 1),
        ({"activation": "logistic"}, 3),
        ({"activation": "relu"}, 1),
        ({"init": "zeros"}, 1),
        ({"init": "constant"}, 1),
        ({"init_scale": 0}, 1),
        ({"init": ([[1, 2, 3, 4]] * 2, [0] * 4, [1, 2, 3, 4], 0)}, 1),
        ({"n_init": 2, "init_scale": 0}, 2),
    ],
)
@pytest.mark.filterwarnings("ignore::sk_shallow.InitializationWarning")
def test_auto_is_several_random_starts_where_nothing_is_held_out(
    circles, parameters, n_starts
):
    net = fitted(circles(seed=0), **parameters)
    assert net.init_losses_.shape == (n_starts,)


def test_auto_is_one_start_where_rows_are_held_out(circles, large):
    assert fitted(large).init_losses_.shape == (1,)
    X, y = circles(seed=0)
    held_out = fitted((X, y)), ShallowNetClassifier(4, random_state=0)
    held_out[1].fit(X, y, X_val=X, y_val=y)
    assert [net.init_losses_.size for net in held_out] == [3, 1]


@pytest.mark.parametrize("failing", [0, 1])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_when_one_training_fails_the_others_end_before_its_error_is_raised(failing, error):
    abandon, ended, both_run = Event(), [], Barrier(2, timeout=30)

    def train(number, start):
        both_run.wait()
        if number == failing:
            raise error("the reason")
        assert abandon.wait(30)
        ended.append(number)
        raise Abandoned

    with pytest.raises(error, match="the reason"):
        side_by_side(int, train, 2, 2, abandon)
    assert ended == [1 - failing]


def test_a_fit_whose_second_start_fails_leaves_no_thread_behind(circles):
    # The first start would go on for ever.
    def init(rng, shape):
        calls.append(shape)
        return rng.standard_normal(shape[:1] if len(calls) == 3 else shape)

    calls, before = [], threading.active_count()
    with pytest.raises(ValueError, match="must return an array of the shape"):
        fitted(
            circles(seed=0),
            n_init=2,
            n_jobs=2,
            init=init,
            solver="gd",
            learning_rate=1e-9,
            tol=0,
            max_iter=10**9,
        )
    assert threading.active_count() == before


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_configuration_of_scikit_learn_reaches_every_start(circles, n_jobs):
    found = []

    def train(number, start):
        found.append(sklearn.get_config()["assume_finite"])

    with sklearn.config_context(assume_finite=True):
        side_by_side(int, train, 3, n_jobs, Event())
    assert found == [True] * 3


@ignore_early_ends
def test_each_start_goes_through_the_rows_in_an_order_of_its_own(circles):
    def init(rng, shape):
        return np.linspace(-1, 1, np.prod(shape)).reshape(shape)

    net = fitted(
        circles(seed=0), n_init=2, init=init, solver="adam", batch_size=20, max_iter=2
    )
    assert np.ptp(net.init_losses_) > 0


@pytest.mark.parametrize(("n_init", "n_jobs"), [(1, None), (3, None), (3, 2)])
def test_ctrl_c_ends_all_starts_and_leaves_no_trace(circles, monkeypatch, n_init, n_jobs):
    table = circles(seed=0)
    net = fitted(table)
    net.set_params(n_init=n_init, n_jobs=n_jobs)
    before, threads = dict(vars(net)), set(threading.enumerate())
    pressed = Event()

    def interrupt(monitor, iteration, evaluation):
        if iteration == 3 and not pressed.is_set():
            pressed.set()
            signal.raise_signal(signal.SIGINT)

    # Where tests run in the background, Ctrl-C is off.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        monkeypatch.setattr(Monitor, "_check_finite", interrupt)
        with pytest.raises(KeyboardInterrupt):
            net.fit(*table)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert vars(net) == before
    # An interrupt in the moment in which a thread is made leaves it to end by itself.
    for thread in set(threading.enumerate()) - threads:
        thread.join(30)
        assert not thread.is_alive()
