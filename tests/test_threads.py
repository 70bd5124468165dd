"""Threads share the blocks without changing a bit, and BLAS gets back what it had."""

import contextlib
import ctypes
import inspect
import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import _base as futures
from concurrent.futures import thread as thread_pool
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import threadpoolctl
from joblib import Parallel, delayed, parallel_backend
from scipy import sparse
from sklearn.base import clone
from threadpoolctl import threadpool_info, threadpool_limits

from sk_shallow import ShallowNetClassifier
from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.parameters import Net
from sk_shallow._core.rows import groups_of, one_by_one
from sk_shallow._core.solvers import SOLVERS
from sk_shallow.threads import blas, pool
from sk_shallow.training import parallel

ROOT = Path(__file__).parent.parent


def blas_threads():
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}


@pytest.fixture
def allow(monkeypatch):
    """Let BLAS, and so the blocks, have a number of threads, however few rows there are."""
    monkeypatch.setattr(pool, "LEAST_BYTES", 0)

    def limits(n_threads):
        return threadpool_limits(n_threads, user_api="blas")

    return limits


@pytest.fixture(scope="module")
def table():
    """Rows of several blocks."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((9000, 5))
    return X, (X[:, 0] * X[:, 1] + rng.standard_normal(9000) > 0).astype(int)


@pytest.fixture
def net():
    return ShallowNetClassifier(32, max_iter=4, random_state=0)


ignore_early_end = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"
)


@ignore_early_end
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", [np.float64, np.float32, sparse.csr_array])
def test_the_number_of_threads_changes_no_bit(allow, table, net, solver, kind):
    X, y = table
    X = kind(X)
    net.set_params(solver=solver, batch_size=8000)
    nets, logits = [], []
    for n_threads in (1, 2, 8):
        with allow(n_threads):
            nets.append(clone(net).fit(X, y))
            logits.append(nets[-1].decision_function(X))
    for other, z2 in zip(nets[1:], logits[1:], strict=True):
        np.testing.assert_array_equal(other.coefs_[0], nets[0].coefs_[0])
        np.testing.assert_array_equal(other.loss_curve_, nets[0].loss_curve_)
        np.testing.assert_array_equal(
            other.validation_loss_curve_, nets[0].validation_loss_curve_
        )
        np.testing.assert_array_equal(z2, logits[0])


@pytest.mark.parametrize("n_threads", [2, 3, 8])
def test_results_come_in_the_order_of_the_parts(n_threads):
    with pool.helpers(n_threads - 1) as given:
        run = pool.shared_by(*given)
        parts = groups_of(range(100))
        assert run(sum, parts) == one_by_one(sum, parts)
        assert run(sum, [range(4)]) == [6]
        assert run(sum, []) == []


def test_all_threads_take_part():
    meet = threading.Barrier(3, timeout=30)  # nobody passes alone

    def task(part):
        meet.wait()
        return threading.get_ident()

    with pool.helpers(2) as given:
        assert len(set(pool.shared_by(*given)(task, range(3)))) == 3


@pytest.mark.parametrize("failing", [{0}, {17}, set(range(30))])
def test_an_error_in_any_thread_is_raised_and_ends_the_others(failing):
    done = []

    def task(part):
        done.append(part)
        if part in failing:
            raise OverflowError(part)

    with pool.helpers(3) as given:
        run = pool.shared_by(*given)
        with pytest.raises(OverflowError):
            run(task, range(30))
        assert run(abs, [-1, -2, -3]) == [1, 2, 3]  # the executor is as good as before
    assert len(done) == len(set(done))


def test_floating_point_errors_are_handled_as_in_the_thread_that_calls():
    def task(part):
        return np.exp(np.full(3, 1000.0))[0]

    with pool.helpers(1) as given:
        run = pool.shared_by(*given)
        with np.errstate(over="ignore"):
            assert run(task, range(8)) == [np.inf] * 8
        with np.errstate(over="raise"), pytest.raises(FloatingPointError):
            run(task, range(8))


# --- The limit on BLAS ------------------------------------------------------------------


@ignore_early_end
@pytest.mark.parametrize("n_threads", [1, 2])
def test_blas_has_one_thread_inside_and_what_it_had_outside(allow, table, n_threads):
    limits = []

    def init(rng, shape):
        limits.append(blas_threads())
        return rng.standard_normal(shape)

    X, y = table
    with allow(n_threads):
        net = ShallowNetClassifier(4, init=init, max_iter=50, random_state=0).fit(X, y)
        assert blas_threads() == {n_threads}
        net.predict_proba(X)
        assert blas_threads() == {n_threads}
        with pytest.raises(ValueError, match="NaN"):
            net.fit(np.full_like(X, np.nan), y)
        assert blas_threads() == {n_threads}
        with pytest.raises(ValueError, match="features"):
            net.predict(X[:, :2])
        assert blas_threads() == {n_threads}
    assert limits == [{1}, {1}]


@ignore_early_end
def test_fits_and_predictions_at_a_time_are_safe_and_leave_blas_as_it_was(
    allow, table, net
):
    X, y = table
    with allow(2):
        alone = clone(net).fit(X, y)
        proba = alone.predict_proba(X)

        def work(number):
            if number % 2:
                return alone.predict_proba(X)
            return clone(net).fit(X, y).coefs_[0]

        with ThreadPoolExecutor(4) as executor:
            results = list(executor.map(work, range(12)))
        assert blas_threads() == {2}
    for number, result in enumerate(results):
        expected = proba if number % 2 else alone.coefs_[0]
        np.testing.assert_array_equal(result, expected)


def test_the_first_out_does_not_end_the_limit_of_the_others(allow):
    entered, leave = threading.Event(), threading.Event()

    @blas.on_one_blas_thread
    def long_one():
        entered.set()
        assert leave.wait(30)
        return blas_threads()

    @blas.on_one_blas_thread
    def short_one():
        return blas_threads()

    with allow(2), ThreadPoolExecutor(1) as executor:
        result = executor.submit(long_one)
        assert entered.wait(30)
        assert short_one() == {1}
        assert blas_threads() == {1}
        leave.set()
        assert result.result() == {1}
        assert blas_threads() == {2}


def test_the_last_out_may_be_another_than_the_first_in(allow):
    first_in, second_in = threading.Event(), threading.Event()
    first_out = threading.Event()

    @blas.on_one_blas_thread
    def first():
        first_in.set()
        assert second_in.wait(30)

    @blas.on_one_blas_thread
    def second():
        second_in.set()
        assert first_out.wait(30)
        return blas_threads()

    def stay_alive():
        first()
        first_out.set()
        assert done.wait(30)

    done = threading.Event()
    with allow(2), ThreadPoolExecutor(2) as executor:
        executor.submit(stay_alive)
        assert first_in.wait(30)
        assert executor.submit(second).result() == {1}
        assert blas_threads() == {2}
        done.set()


@pytest.mark.parametrize(("n_threads", "shared"), [(1, False), (2, True)])
def test_few_threads_or_few_rows_use_no_pool(n_threads, shared):
    @blas.on_one_blas_thread
    def who(n_samples):
        with pool.sharing(n_samples, row_bytes=512) as run:
            return run

    with threadpool_limits(n_threads, user_api="blas"):
        assert who(100) is one_by_one
        assert (who(10_000) is not one_by_one) is shared


def test_several_callers_share_the_threads_among_them():
    @blas.on_one_blas_thread
    def who(n_callers):
        with pool.sharing(10_000, row_bytes=512, n_callers=n_callers) as run:
            return run

    with threadpool_limits(4, user_api="blas"):
        assert who(2) is not one_by_one
        assert who(3) is one_by_one
        assert who(8) is one_by_one


@ignore_early_end
def test_no_thread_outlives_a_fit(allow, table, net):
    before = threading.active_count()
    with allow(4):
        net.fit(*table).predict(table[0])
    assert threading.active_count() == before


def test_a_blas_that_is_not_known_means_one_thread(monkeypatch):
    class Nothing:
        lib_controllers = ()

        def limit(self, limits):
            return threadpool_limits(None, user_api="blas")

    monkeypatch.setattr(blas, "blas_libraries", Nothing)

    @blas.on_one_blas_thread
    def who():
        with pool.sharing(10**6, row_bytes=512) as run:
            return run

    assert who() is one_by_one


def threads_of_a_worker(X, y):
    net = ShallowNetClassifier(4, tol=1e9, random_state=0).fit(X, y)
    return blas_threads(), net.coefs_[0]


def test_the_workers_of_joblib_keep_their_limits(table):
    X, y = table
    with parallel_backend("loky", inner_max_num_threads=1):
        results = Parallel(n_jobs=2)(delayed(threads_of_a_worker)(X, y) for _ in range(2))
    assert [limits for limits, _ in results] == [{1}, {1}]
    np.testing.assert_array_equal(results[0][1], results[1][1])


@pytest.mark.skipif(sys.platform != "linux", reason="forks safely on Linux only")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_the_child_of_a_fork_has_no_limit(allow, table):
    @blas.on_one_blas_thread
    def fork_inside():
        context = multiprocessing.get_context("fork")
        with context.Pool(1) as executor:
            return executor.apply(what_a_child_has)

    with allow(2):
        n_inside, limits, fitted = fork_inside()
    assert n_inside == 0
    assert limits == {2}
    assert fitted


def what_a_child_has():
    n_inside, limits = len(blas.LIMIT.calls), blas_threads()
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 2))
    net = ShallowNetClassifier(2, random_state=0, alpha=0.1).fit(X, X[:, 0] > 0)
    return n_inside, limits, bool(np.isfinite(net.loss_)) and os.getpid() > 0


# --- What comes from outside --------------------------------------------------------------


class FromOutside(BaseException):
    """A time-out, or Ctrl-C."""


# The code that is interrupted: that of the limit, and of how NumPy handles errors.
INTERRUPTED = {blas.__file__, inspect.unwrap(np.seterr).__code__.co_filename}


class Interruptions:
    """Raises at chosen events of the code of some files.

    Events are where CPython may raise what comes from outside (functions begin and return:
    "profile"), or, which is stricter than CPython is, all lines ("trace"). Python unsets a
    hook that raises, so there are both, and each sets the other again.
    """

    def __init__(self, how, at=(), files=None):
        self.how, self.at = how, at
        self.files = INTERRUPTED if files is None else files
        self.n_events = self.n_raised = 0

    def _event(self, how, frame):
        self._set_again(frame)
        if how != self.how:
            return
        self.n_events += 1
        if self.n_events - 1 in self.at:
            self.n_raised += 1
            raise FromOutside

    def _set_again(self, frame):
        if sys.getprofile() is None:
            sys.setprofile(self.profile)
        if sys.gettrace() is None:
            sys.settrace(self.trace)
        while frame is not None:
            if frame.f_code.co_filename in INTERRUPTED and frame.f_trace is None:
                frame.f_trace = self.trace
            frame = frame.f_back

    def profile(self, frame, event, arg):
        if frame.f_code.co_filename in self.files and event != "c_call":
            self._event("profile", frame)

    def trace(self, frame, event, arg):
        if frame.f_code.co_filename not in self.files:
            return None
        self._event("trace", frame)
        return self.trace

    def during(self, function):
        """Whether an exception came through."""
        before = sys.getprofile(), sys.gettrace()
        sys.setprofile(self.profile)
        sys.settrace(self.trace)
        try:
            function()
        except FromOutside:
            return True
        finally:
            sys.setprofile(before[0])
            sys.settrace(before[1])
        return False


def nothing():
    """What changes NumPy's handling of errors, as the code inside does."""
    assert np.geterr()["under"] == "ignore"
    with np.errstate(over="ignore"):
        pass


@pytest.fixture(params=[blas.on_one_blas_thread, blas.ignoring_underflow])
def protected(request):
    return request.param(nothing)


@pytest.fixture
def two_threads_and_no_errors_ignored(allow):
    """What there is outside, and is not what there is inside."""
    with allow(2), np.errstate(all="raise"):
        yield what_is_outside()


def in_one_prediction():
    caller = threading.get_ident()

    def task(part):
        if threading.get_ident() != caller:
            threading.Event().wait(0.01)  # so that the caller has to wait
        return part

    def parts(net, X, run):
        return np.array(run(task, range(4)))

    net = Net(
        np.zeros((1, 32)), np.zeros(32), np.zeros(32), np.zeros(1), ACTIVATIONS["tanh"]
    )
    got = pool.predicted_on_one_blas_thread(parts, net, np.zeros((9000, 1)))
    np.testing.assert_array_equal(got, range(4))


def side_by_side_twice():
    def train(number, start):
        return number + start

    assert parallel.side_by_side(int, train, 4, 2, threading.Event()) == [0, 2, 4, 6]


def what_is_outside():
    libraries = [blas.read_library(one) for one in blas.blas_libraries().lib_controllers]
    return [library.get_limit() for library in libraries], np.geterr()


def is_clean(before):
    """Whether nothing is left, and others may enter."""
    with ThreadPoolExecutor(1) as executor:
        free = executor.submit(blas.LIMIT.lock.acquire, timeout=30).result()
        executor.submit(blas.LIMIT.lock.release).result()
    return free and len(blas.LIMIT.calls) == 0 and what_is_outside() == before


@pytest.mark.parametrize("how", ["profile", "trace"])
def test_no_exception_from_outside_changes_anything_outside(
    two_threads_and_no_errors_ignored, protected, how
):
    before, number = two_threads_and_no_errors_ignored, 0
    protected()
    while Interruptions(how, {number}).during(protected):
        assert is_clean(before), number
        number += 1
    assert number >= 2
    assert is_clean(before)


@pytest.mark.long
@pytest.mark.parametrize("how", ["profile", "trace"])
def test_nor_do_any_two_of_them(two_threads_and_no_errors_ignored, protected, how):
    before, once = two_threads_and_no_errors_ignored, Interruptions(how)
    protected()
    once.during(protected)
    n_pairs = 0
    for first in range(once.n_events):
        for second in itertools.count(first + 1):
            both = Interruptions(how, {first, second})
            both.during(protected)
            assert is_clean(before), (first, second)
            if both.n_raised < 2:  # it was over before
                break
            n_pairs += 1
    assert n_pairs > once.n_events


@ignore_early_end
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_nor_does_one_change_the_attributes_however_late_it_comes(allow, table, method):
    X, y = (column[:60] for column in table)
    generator = np.random.RandomState(0)
    net = ShallowNetClassifier(4, solver="adam", max_iter=1, random_state=generator)
    net.fit(X, y)
    before, state = dict(vars(net)), generator.get_state()

    def learn():
        getattr(net, method)(X, y)

    with allow(2):
        once = Interruptions("profile")
        once.during(learn)
        for number in range(once.n_events):
            net.__dict__ = dict(before)
            generator.set_state(state)
            assert Interruptions("profile", {number}).during(learn)
            assert vars(net) == before, number
            np.testing.assert_equal(generator.get_state(), state)
    assert once.n_events > 30


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("in_threads", [in_one_prediction, side_by_side_twice])
def test_nor_lets_a_call_that_has_threads_wait_for_ever(allow, in_threads):
    files = {
        module.__file__ for module in (pool, parallel, threading, thread_pool, futures)
    }

    def interrupted(number):
        try:
            came_through.append(
                Interruptions("profile", {number}, files).during(in_threads)
            )
        except RuntimeError:  # Python's own bookkeeping was interrupted
            came_through.append(True)

    came_through, number = [True], 0
    with allow(2):
        while came_through.pop():
            thread = threading.Thread(target=interrupted, args=(number,), daemon=True)
            thread.start()
            thread.join(30)
            assert came_through, number
            number += 1
    assert number > 60


@pytest.fixture
def calls_to_interrupt(table):
    """Functions that enter and leave the limit, one that need not, and two with threads."""
    X, y = table
    few, labels = X[:60], y[:60]
    net = ShallowNetClassifier(4, max_iter=2, random_state=0)
    fitted = clone(net).fit(few, labels)
    adam = clone(net).set_params(solver="adam").partial_fit(few, labels, [0, 1])
    return [
        lambda: clone(net).fit(few, labels),
        lambda: adam.partial_fit(few, labels),
        lambda: fitted.predict_proba(X[:1]),
        lambda: fitted.decision_function(np.tile(X, (4, 1))),  # over several threads
        lambda: clone(net).set_params(n_init=3, n_jobs=2).fit(few, labels),  # in several
    ]


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


@ignore_early_end
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="has no such signals")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("n_each", [15, pytest.param(700, marks=pytest.mark.long)])
def test_a_storm_of_time_outs_changes_nothing_outside(calls_to_interrupt, n_each):
    def ring(*_):
        if running:  # else it comes late: another thread had to take the signal
            raise FromOutside

    rng, running = np.random.default_rng(0), []
    handler = signal.signal(signal.SIGALRM, ring)
    try:
        with threadpool_limits(2, user_api="blas"), np.errstate(all="raise"):
            before = what_is_outside()
            for call in calls_to_interrupt:
                duration = min(seconds(call) for _ in range(3))
                for _ in range(n_each):
                    # A thread that is interrupted while it starts may end in an error of
                    # Python's own bookkeeping.
                    with contextlib.suppress(FromOutside, RuntimeError):
                        delay = max(1e-6, duration * rng.uniform(0, 1.1))
                        running.append(call)
                        signal.setitimer(signal.ITIMER_REAL, delay)
                        call()
                        running.clear()
                    running.clear()
                    signal.setitimer(signal.ITIMER_REAL, 0)
                    assert what_is_outside() == before
            assert is_clean(before)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)


@ignore_early_end
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("n_each", [15, pytest.param(500, marks=pytest.mark.long)])
def test_nor_does_an_exception_that_another_thread_sends(calls_to_interrupt, n_each):
    # Not where threads are started: Python itself may send it to the new one, and hang.
    calls = calls_to_interrupt[:3]
    send_to = ctypes.pythonapi.PyThreadState_SetAsyncExc
    rng, ended = np.random.default_rng(0), []

    def work(call):
        arguments = ctypes.c_ulong(threading.get_ident()), ctypes.py_object(FromOutside)
        np.seterr(all="raise")  # in this thread
        handling = np.geterr()
        for _ in range(n_each):
            assert np.geterr() == handling
            timer = threading.Timer(rng.uniform(0, 0.003), send_to, arguments)
            try:
                timer.start()
                while timer.is_alive():
                    call()
                for _ in range(10**6):  # until it comes, if a destructor has not had it
                    pass
            except FromOutside:
                timer.join()
        ended.append(call)

    with threadpool_limits(2, user_api="blas"):
        before = what_is_outside()
        for call in calls:
            thread = threading.Thread(target=work, args=(call,))
            thread.start()
            thread.join()
            assert is_clean(before)
    assert ended == calls


# --- Small batches, and limits of others --------------------------------------------------


@pytest.fixture(scope="module")
def nets():
    """Fitted nets, by the type of their data and number of columns."""
    rng = np.random.default_rng(0)
    made = {}
    for dtype, n_features in itertools.product((np.float32, np.float64), (3, 30, 300)):
        X = rng.standard_normal((1600, n_features)).astype(dtype)
        net = ShallowNetClassifier(32, tol=1e9, random_state=0)
        made[dtype, n_features] = net.fit(X[:100], X[:100, 0] > 0), X
    return made


@pytest.mark.parametrize(
    ("libraries", "largest"),
    [
        ([("openblas", "0.3.30"), ("openblas", "0.4.1.dev")], 2**19),
        ([("openblas", "0.3.30"), ("openblas", "0.3.29")], 2**13),
        ([("openblas", None)], 2**13),
        ([("mkl", "2025.1")], 2**13),
    ],
)
def test_a_product_is_small_if_it_is_for_each_blas(monkeypatch, libraries, largest):
    loaded = [SimpleNamespace(internal_api=api, version=it) for api, it in libraries]
    found = SimpleNamespace(lib_controllers=loaded)
    monkeypatch.setattr(pool, "blas_libraries", lambda: found)
    assert pool.small_product.__wrapped__() == largest


METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csr_array])
def test_predictions_of_small_batches_do_not_touch_blas(nets, monkeypatch, method, kind):
    net, X = nets[np.float64, 30]

    def enter(call):
        raise AssertionError

    expected = getattr(net, method)(X)
    monkeypatch.setattr(blas.LIMIT, "enter", enter)
    for n_samples in (1, 2, 100, 569, 1600):
        if n_samples * 30 * 32 > pool.MOST_SMALL_PRODUCTS * pool.small_product():
            continue  # an old BLAS, of which a smaller batch is not small
        got = getattr(net, method)(kind(X[:n_samples]))
        if got.dtype.kind == "f":
            np.testing.assert_allclose(got, expected[:n_samples], rtol=1e-9)
    with pytest.raises(AssertionError):
        net.predict(np.tile(X, (10, 1)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_features", [3, 30, 300])
@pytest.mark.parametrize("n_samples", [1, 33, 100, 569, 1600])
def test_the_limit_of_blas_changes_no_bit_of_a_prediction(
    nets, dtype, n_features, n_samples
):
    net, X = nets[dtype, n_features]
    logits = []
    for n_threads in (1, 2, 8):
        with threadpool_limits(n_threads, user_api="blas"):
            logits.append(net.decision_function(X[:n_samples]))
    np.testing.assert_array_equal(logits[1], logits[0])
    np.testing.assert_array_equal(logits[2], logits[0])


@pytest.mark.skipif(
    not hasattr(threadpoolctl, "CONTROLLING_THREAD_OWNERSHIP"),
    reason="threadpoolctl before 3.8 does not know",
)
def test_a_second_thread_keeps_to_its_own_limit(allow):
    entered, leave = threading.Event(), threading.Event()

    @blas.on_one_blas_thread
    def who():
        with pool.sharing(10_000, row_bytes=512) as run:
            return run is one_by_one

    @blas.on_one_blas_thread
    def first():
        entered.set()
        assert leave.wait(30)
        return who()

    def second(n_threads):
        with allow(n_threads):
            return who()

    with allow(2), ThreadPoolExecutor(2) as executor:
        waiting = executor.submit(first)
        assert entered.wait(30)
        assert executor.submit(second, 1).result()
        assert not executor.submit(who).result()  # no limit of its own
        leave.set()
        assert not waiting.result()
        assert blas_threads() == {2}


def test_a_library_with_a_limit_for_each_thread(monkeypatch):
    """As MKL has: each thread limits it, and restores what it had itself."""
    limits = threading.local()
    library = blas.Library(
        lambda: getattr(limits, "number", 4), lambda n: setattr(limits, "number", n), True
    )

    class One:
        lib_controllers = (library,)

    monkeypatch.setattr(blas, "blas_libraries", One)
    monkeypatch.setattr(blas, "read_library", lambda library: library)
    monkeypatch.setattr(blas, "LIMIT", limit := blas.BlasLimit())
    inside = threading.Barrier(2, timeout=30)
    first_is_out = threading.Event()

    @blas.on_one_blas_thread
    def work(wait):
        inside.wait()
        assert wait is None or wait.wait(30)
        return library.get_limit(), limit.here().n_allowed

    def thread(wait, out, own):
        limits.number = own
        result = work(wait)
        if out:
            out.set()
        return result, library.get_limit()

    with ThreadPoolExecutor(2) as executor:
        results = [
            executor.submit(thread, None, first_is_out, 4),
            executor.submit(thread, first_is_out, None, 2),
        ]
        assert [result.result() for result in results] == [((1, 4), 4), ((1, 2), 2)]
    assert not limit.calls
    assert not limit.originals


# Processes of their own: the limit that holds for the other tests is none there.
BESIDE_OTHERS = """
import sys, threading, warnings
import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits
from sk_shallow import ShallowNetClassifier
from sk_shallow.threads import blas

warnings.simplefilter("ignore")
only_one_controls = hasattr(blas.threadpoolctl, "CONTROLLING_THREAD_OWNERSHIP")

def limits():
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}

rng = np.random.default_rng(0)
X = rng.standard_normal((9000, 5))
y = X[:, 0] * X[:, 1] > 0
net = ShallowNetClassifier(32, max_iter=3, random_state=0)
alone = net.fit(X, y).coefs_[0]
before = limits()

class Other(threading.Thread):
    "A thread with a block of its own, which begins and ends when it is asked to."

    def __init__(self, number):
        super().__init__(daemon=True)
        self.number, self.begun, self.end = number, threading.Event(), threading.Event()

    def run(self):
        with threadpool_limits(self.number, "blas"):
            self.begun.set()
            self.end.wait(30)

    def begin(self):
        self.start()
        assert self.begun.wait(30)

    def finish(self):
        self.end.set()
        self.join()

def init(rng, shape):
    "Called in the middle of a fit."
    global middle
    middle, now = [], middle
    for action in now:
        action()
    return rng.uniform(-1, 1, shape)

middle = []
inner = ShallowNetClassifier(32, init=init, max_iter=3, random_state=0)
"""

SCENARIOS = {
    "it begins before us and ends after us": """
for number in (1, 2):
    other = Other(number)
    other.begin()
    mine = net.fit(X, y).coefs_[0]
    np.testing.assert_array_equal(mine, alone)
    net.predict_proba(X)
    assert limits() == {number}, limits()
    other.finish()
    assert limits() == before, limits()
""",
    "it begins before us and ends while we are inside": """
for number in (1, 2):
    other = Other(number)
    other.begin()
    middle = [other.finish]
    inner.fit(X, y)
    assert limits() == before, limits()
""",
    "it begins and ends while we are inside": """
for number in (1, 2):
    other = Other(number)
    middle = [other.begin, other.finish]
    inner.fit(X, y)
    assert limits() == before, limits()
""",
    "a small prediction is made while it begins and ends": """
for number in (1, 2):
    other = Other(number)
    net.predict_proba(X[:1])
    other.begin()
    net.predict_proba(X[:500])
    other.finish()
    assert limits() == before, limits()
""",
    "another thread's control is not taken": """
other = Other(1)
other.begin()
net.fit(X, y).predict_proba(X)
third = Other(2)
third.begin()
assert limits() == ({1} if only_one_controls else {2})
third.finish()
other.finish()
assert limits() == before, limits()
""",
    "nor is our own thread's control given up": """
keep = threadpool_limits(1, "blas")
net.fit(X, y).predict_proba(X)
other = Other(2)
other.begin()
assert limits() == ({1} if only_one_controls else {2})
other.finish()
keep.unregister()
assert limits() == before, limits()
""",
    "one-row predictions beside KMeans": """
from sklearn.cluster import KMeans
stop = threading.Event()
def predict():
    while not stop.is_set():
        net.predict_proba(X[:1])
thread = threading.Thread(target=predict)
thread.start()
for seed in range(8):
    KMeans(3, n_init=1, random_state=seed).fit(X)
stop.set()
thread.join()
assert limits() == before, limits()
""",
}


def in_a_process(code):
    """What it prints."""
    # Other tests, and those who run them, may have set these to one.
    two = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "2")
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | two,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert not result.stderr, result.stderr
    return result.stdout


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_beside_the_limit_of_another_thread(scenario):
    in_a_process(BESIDE_OTHERS + SCENARIOS[scenario])


# --- Threads that cannot be had -----------------------------------------------------------


@pytest.fixture
def few_threads(monkeypatch):
    """Let the system give so many further threads and no more."""

    def give(number):
        left = iter(range(number))

        def start(thread, really=threading.Thread.start):
            if next(left, None) is None:
                raise RuntimeError("can't start new thread")
            really(thread)

        monkeypatch.setattr(threading.Thread, "start", start)

    return give


@ignore_early_end
@pytest.mark.parametrize("n_given", [0, 1, 2])
@pytest.mark.parametrize("n_init", [1, 3])
def test_fewer_threads_than_asked_for_do_all(allow, table, few_threads, n_given, n_init):
    X, y = table
    net = ShallowNetClassifier(
        8, max_iter=3, n_init=n_init, n_jobs=n_init, early_stopping=False, random_state=0
    )
    with allow(4):
        expected = clone(net).fit(X, y)
        proba = expected.predict_proba(X)
        few_threads(n_given)
        got = clone(net).fit(X, y)
        few_threads(n_given)
        np.testing.assert_array_equal(got.predict_proba(X), proba)
    np.testing.assert_array_equal(got.coefs_[0], expected.coefs_[0])
    np.testing.assert_array_equal(got.init_losses_, expected.init_losses_)


def test_an_error_of_a_task_is_no_lack_of_threads(few_threads):
    few_threads(0)

    def fail(part):
        raise RuntimeError("can't start new thread")

    with (
        pool.helpers(1) as given,
        pytest.raises(RuntimeError, match="can't start"),
    ):
        pool.shared_by(*given)(fail, range(3))


def test_a_time_out_is_no_lack_of_threads(monkeypatch):
    class TimeOutError(RuntimeError):
        pass

    def start(thread):
        raise TimeOutError("can't start new thread in time")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(TimeOutError), pool.helpers(1):
        pass


def test_without_threads_nothing_piles_up(few_threads):
    few_threads(0)
    with pool.helpers(3) as given:
        run = pool.shared_by(*given)
        for _ in range(50):
            assert run(abs, range(-5, 0)) == [5, 4, 3, 2, 1]
        assert given[1].qsize() <= 1


WHEN_IT_ENDS = """
import atexit, sys, threading, warnings
import numpy as np
from threadpoolctl import threadpool_limits
from sk_shallow import ShallowNetClassifier

warnings.simplefilter("ignore")
threadpool_limits(2, "blas")
rng = np.random.default_rng(0)
X = rng.standard_normal((20000, 5))
y = X[:, 0] > 0
net = ShallowNetClassifier(32, max_iter=3, n_init=2, n_jobs=2, random_state=0)
expected = net.fit(X, y).predict_proba(X)

def work():
    net.fit(X, y)
    np.testing.assert_array_equal(net.predict_proba(X), expected)
    print("the same")
"""


@pytest.mark.parametrize(
    "when",
    [
        "atexit.register(work)",
        "threading.Thread(\n"
        "    target=lambda: (threading.main_thread().join(), work())).start()",
    ],
    ids=["atexit", "after the main thread"],
)
def test_an_interpreter_that_ends_gives_no_threads(when):
    assert in_a_process(WHEN_IT_ENDS + when) == "the same\n"
