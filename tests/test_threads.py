"""Threads share the blocks without changing a bit, and BLAS gets back what it had."""

import contextlib
import ctypes
import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import threadpoolctl
from joblib import Parallel, delayed, parallel_backend
from scipy import sparse
from sklearn.base import clone
from threadpoolctl import threadpool_info, threadpool_limits

from sk_shallow import ShallowNetClassifier, blas, threads
from sk_shallow._core.rows import one_by_one, spans
from sk_shallow._core.solvers import SOLVERS

ROOT = Path(__file__).parent.parent


def blas_threads():
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}


@pytest.fixture
def allow(monkeypatch):
    """Let BLAS, and so the blocks, have a number of threads, however few rows there are."""
    monkeypatch.setattr(threads, "LEAST_BYTES", 0)

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
    with ThreadPoolExecutor(n_threads - 1) as pool:
        run = threads.shared_by(pool, n_threads)
        parts = spans(range(100))
        assert run(sum, parts) == one_by_one(sum, parts)
        assert run(sum, [range(4)]) == [6]
        assert run(sum, []) == []


def test_all_threads_take_part():
    meet = threading.Barrier(3, timeout=30)  # nobody passes alone

    def task(part):
        meet.wait()
        return threading.get_ident()

    with ThreadPoolExecutor(2) as pool:
        assert len(set(threads.shared_by(pool, 3)(task, range(3)))) == 3


@pytest.mark.parametrize("failing", [{0}, {17}, set(range(30))])
def test_an_error_in_any_thread_is_raised_and_ends_the_others(failing):
    done = []

    def task(part):
        done.append(part)
        if part in failing:
            raise OverflowError(part)

    with ThreadPoolExecutor(3) as pool:
        run = threads.shared_by(pool, 4)
        with pytest.raises(OverflowError):
            run(task, range(30))
        assert run(abs, [-1, -2, -3]) == [1, 2, 3]  # the pool is as good as before
    assert len(done) == len(set(done))


def test_floating_point_errors_are_handled_as_in_the_thread_that_calls():
    def task(part):
        return np.exp(np.full(3, 1000.0))[0]

    with ThreadPoolExecutor(1) as pool:
        run = threads.shared_by(pool, 2)
        with np.errstate(over="ignore"):
            assert run(task, range(8)) == [np.inf] * 8
        with np.errstate(over="raise"), pytest.raises(FloatingPointError):
            run(task, range(8))


# --- The hold on BLAS -------------------------------------------------------------------


@ignore_early_end
@pytest.mark.parametrize("n_threads", [1, 2])
def test_blas_has_one_thread_inside_and_what_it_had_outside(allow, table, n_threads):
    seen = []

    def init(rng, shape):
        seen.append(blas_threads())
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
    assert seen == [{1}, {1}]


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

        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(work, range(12)))
        assert blas_threads() == {2}
    for number, result in enumerate(results):
        expected = proba if number % 2 else alone.coefs_[0]
        np.testing.assert_array_equal(result, expected)


def test_the_first_out_does_not_end_the_hold_of_the_others(allow):
    entered, leave = threading.Event(), threading.Event()

    @blas.on_one_blas_thread
    def long_one():
        entered.set()
        assert leave.wait(30)
        return blas_threads()

    @blas.on_one_blas_thread
    def short_one():
        return blas_threads()

    with allow(2), ThreadPoolExecutor(1) as pool:
        result = pool.submit(long_one)
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
    with allow(2), ThreadPoolExecutor(2) as pool:
        pool.submit(stay_alive)
        assert first_in.wait(30)
        assert pool.submit(second).result() == {1}
        assert blas_threads() == {2}
        done.set()


@pytest.mark.parametrize(("n_threads", "shared"), [(1, False), (2, True)])
def test_few_threads_or_few_rows_use_no_pool(n_threads, shared):
    @blas.on_one_blas_thread
    def who(n_samples):
        with threads.sharing(n_samples, row_bytes=512) as run:
            return run

    with threadpool_limits(n_threads, user_api="blas"):
        assert who(100) is one_by_one
        assert (who(10_000) is not one_by_one) is shared


def test_walks_at_a_time_share_the_threads_among_them():
    @blas.on_one_blas_thread
    def who(n_walks):
        with threads.sharing(10_000, row_bytes=512, n_walks=n_walks) as run:
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
        with threads.sharing(10**6, row_bytes=512) as run:
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
def test_the_child_of_a_fork_has_no_hold(allow, table):
    @blas.on_one_blas_thread
    def fork_inside():
        context = multiprocessing.get_context("fork")
        with context.Pool(1) as pool:
            return pool.apply(what_a_child_has)

    with allow(2):
        n_inside, limits, fitted = fork_inside()
    assert n_inside == 0
    assert limits == {2}
    assert fitted


def what_a_child_has():
    n_inside, limits = blas.LIMIT.n_inside, blas_threads()
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 2))
    net = ShallowNetClassifier(2, random_state=0, alpha=0.1).fit(X, X[:, 0] > 0)
    return n_inside, limits, bool(np.isfinite(net.loss_)) and os.getpid() > 0


# --- What comes from outside --------------------------------------------------------------


class FromOutside(BaseException):
    """A time-out, or Ctrl-C."""


class Interruptions:
    """Raises at chosen events of the code of sk_shallow.blas.

    Events are where CPython may raise what comes from outside (functions begin and return:
    "profile"), or, which is stricter than CPython is, all lines ("trace").
    """

    def __init__(self, how, at=()):
        self.how, self.at, self.n_events = how, at, 0

    def _event(self):
        self.n_events += 1
        if self.n_events - 1 in self.at:
            raise FromOutside

    def profile(self, frame, event, arg):
        if frame.f_code.co_filename == blas.__file__ and event != "c_call":
            self._event()

    def trace(self, frame, event, arg):
        if frame.f_code.co_filename != blas.__file__:
            return None
        self._event()
        return self.trace

    def during(self, function):
        """Whether an exception came through."""
        watch, before = (
            (sys.setprofile, sys.getprofile())
            if self.how == "profile"
            else (sys.settrace, sys.gettrace())
        )
        watch(getattr(self, self.how))
        try:
            function()
        except FromOutside:
            return True
        finally:
            watch(before)
        return False


@blas.on_one_blas_thread
def nothing():
    with np.errstate(over="ignore"):
        pass


def what_is_outside():
    libraries = [blas.read_library(one) for one in blas.blas_libraries().lib_controllers]
    return [library.get_limit() for library in libraries], np.geterr()


def is_clean(before):
    """Whether nothing is left, and others may enter."""
    with ThreadPoolExecutor(1) as pool:
        free = pool.submit(blas.LIMIT.lock.acquire, timeout=30).result()
        pool.submit(blas.LIMIT.lock.release).result()
    return free and blas.LIMIT.n_inside == 0 and what_is_outside() == before


@pytest.mark.parametrize("how", ["profile", "trace"])
def test_no_exception_from_outside_leaves_blas_limited(allow, how):
    with allow(2):
        nothing()
        before, number = what_is_outside(), 0
        while Interruptions(how, {number}).during(nothing):
            assert is_clean(before), number
            number += 1
        assert number > 30
        assert is_clean(before)


@pytest.mark.long
@pytest.mark.parametrize("how", ["profile", "trace"])
def test_nor_do_any_two_of_them(allow, how):
    with allow(2):
        nothing()
        before, once = what_is_outside(), Interruptions(how)
        once.during(nothing)
        for pair in itertools.combinations(range(2 * once.n_events), 2):
            Interruptions(how, set(pair)).during(nothing)
            assert is_clean(before), pair


@pytest.fixture
def calls_to_interrupt(table):
    """Functions that enter and leave the limit, and one that need not."""
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
        raise FromOutside

    rng = np.random.default_rng(0)
    handler = signal.signal(signal.SIGALRM, ring)
    try:
        with threadpool_limits(2, user_api="blas"):
            before = what_is_outside()
            # Not where threads are started: an interrupted start may leave Python's pool of
            # threads waiting for ever.
            for call in calls_to_interrupt[:3]:
                duration = min(seconds(call) for _ in range(3))
                for _ in range(n_each):
                    # A thread that is interrupted while it starts may end in an error of
                    # Python's own bookkeeping.
                    with contextlib.suppress(FromOutside, RuntimeError):
                        delay = max(1e-6, duration * rng.uniform(0, 1.1))
                        signal.setitimer(signal.ITIMER_REAL, delay)
                        call()
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
        for _ in range(n_each):
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
        if n_samples * 30 * 32 > threads.MOST_SMALL_PRODUCTS * threads.small_product():
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
        with threads.sharing(10_000, row_bytes=512) as run:
            return run is one_by_one

    @blas.on_one_blas_thread
    def first():
        entered.set()
        assert leave.wait(30)
        return who()

    def second(n_threads):
        with allow(n_threads):
            return who()

    with allow(2), ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(first)
        assert entered.wait(30)
        assert pool.submit(second, 1).result()
        assert not pool.submit(who).result()  # no limit of its own
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

    with ThreadPoolExecutor(2) as pool:
        results = [
            pool.submit(thread, None, first_is_out, 4),
            pool.submit(thread, first_is_out, None, 2),
        ]
        assert [result.result() for result in results] == [((1, 4), 4), ((1, 2), 2)]
    assert limit.n_inside == 0
    assert not limit.originals


# Processes of their own: the limit that holds for the other tests is none there.
BESIDE_OTHERS = """
import sys, threading, warnings
import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits
from sk_shallow import ShallowNetClassifier, blas

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

    with ThreadPoolExecutor(1) as pool, pytest.raises(RuntimeError, match="can't start"):
        threads.shared_by(pool, 2)(fail, range(3))


def test_a_time_out_is_no_lack_of_threads(monkeypatch):
    class TimeOutError(RuntimeError):
        pass

    def start(thread):
        raise TimeOutError("can't start new thread in time")

    monkeypatch.setattr(threading.Thread, "start", start)
    with ThreadPoolExecutor(1) as pool, pytest.raises(TimeOutError):
        threads.shared_by(pool, 2)(abs, range(3))


def test_without_threads_nothing_piles_up(few_threads):
    few_threads(0)
    with ThreadPoolExecutor(3) as pool:
        run = threads.shared_by(pool, 4)
        for _ in range(50):
            assert run(abs, range(-5, 0)) == [5, 4, 3, 2, 1]
        assert pool._work_queue.qsize() <= 1


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
