"""Threads share the blocks without changing a bit, and BLAS gets back what it had."""

import multiprocessing
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from joblib import Parallel, delayed, parallel_backend
from scipy import sparse
from sklearn.base import clone
from threadpoolctl import threadpool_info, threadpool_limits

from sk_shallow import ShallowNetClassifier, threads
from sk_shallow._core.rows import one_by_one, spans
from sk_shallow._core.solvers import SOLVERS


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

    @threads.on_one_blas_thread
    def long_one():
        entered.set()
        assert leave.wait(30)
        return blas_threads()

    @threads.on_one_blas_thread
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

    @threads.on_one_blas_thread
    def first():
        first_in.set()
        assert second_in.wait(30)

    @threads.on_one_blas_thread
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
    @threads.on_one_blas_thread
    def who(n_samples):
        with threads.sharing(n_samples, row_bytes=512) as run:
            return run

    with threadpool_limits(n_threads, user_api="blas"):
        assert who(100) is one_by_one
        assert (who(10_000) is not one_by_one) is shared


def test_walks_at_a_time_share_the_threads_among_them():
    @threads.on_one_blas_thread
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

    monkeypatch.setattr(threads, "blas_libraries", Nothing)

    @threads.on_one_blas_thread
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
    @threads.on_one_blas_thread
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
    n_inside, limits = threads._HOLD.n_inside, blas_threads()
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 2))
    net = ShallowNetClassifier(2, random_state=0, alpha=0.1).fit(X, X[:, 0] > 0)
    return n_inside, limits, bool(np.isfinite(net.loss_)) and os.getpid() > 0
