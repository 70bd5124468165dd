"""Threads that share the blocks of rows.

There are as many as BLAS was allowed to have, while BLAS itself has one. So the limits of
joblib, threadpoolctl and the environment apply, and there is no parameter to set. Where
the system gives fewer, those do all the work: their number changes no bit.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Protocol

import numpy as np
from scipy.sparse import issparse

from sk_shallow._core.activations import Array
from sk_shallow._core.parameters import Net
from sk_shallow._core.rows import (
    Matrix,
    Run,
    S,
    T,
    groups_of,
    one_by_one,
    parts_of,
    row_blocks,
)
from sk_shallow.threads.blas import LIMIT, blas_libraries, on_one_blas_thread

LEAST_BYTES = 2**20  # of A1, on all rows, below which threads do not pay

MOST_SMALL_PRODUCTS = 4  # so many take no longer than to limit BLAS

NO_THREAD = "new thread"  # "can't start new thread", "... at interpreter shutdown"


@contextmanager
def sharing(n_samples: int, row_bytes: int, n_callers: int = 1) -> Iterator[Run]:
    """A `Run` of as many threads as BLAS had, or of one where that is as fast.

    `row_bytes` is what A1 takes for each row, and `n_callers` how many threads use the
    `Run` at a time, which share the others among them. To be used inside
    `on_one_blas_thread`. The threads end with the context.
    """
    call = LIMIT.here()
    n_threads = call.n_allowed // n_callers if call else 1
    if n_threads <= 1 or n_samples * row_bytes < LEAST_BYTES:
        yield one_by_one
        return
    n_helpers = min(n_threads, len(groups_of(row_blocks(n_samples, row_bytes)))) - 1
    with helpers(n_callers * n_helpers) as (n_given, queue):
        yield shared_by(min(n_helpers, n_given), queue)


@cache
def small_product() -> int:
    """Multiplications in a product up to which BLAS uses one thread, whatever its limit.

    Measured with OpenBLAS from 0.3.30 on. Older ones use several threads for a product of
    a matrix and a vector from 9,216 on; another BLAS counts as one of these.
    """
    for library in blas_libraries().lib_controllers:
        version = tuple(map(int, re.findall(r"\d+", str(library.version))[:3]))
        if library.internal_api != "openblas" or version < (0, 3, 30):
            return 2**13
    return 2**19


class Quantity(Protocol):
    """A quantity that a net gives for each row: `logits` or `probabilities`."""

    def __call__(
        self, net: Net, X: Matrix, run: Run, blocks: Sequence[slice] | None = None, /
    ) -> Array:
        """An array with an entry for each row of X."""


def predicted(quantity: Quantity, net: Net, X: Matrix) -> Array:
    """`quantity` of each row of X, in several threads where that is faster.

    A small batch takes so few products that BLAS uses one thread for each of them in any
    case, and is not limited.
    """
    n_samples, row_bytes = X.shape[0], net.b1.nbytes
    # A product with sparse rows takes none of BLAS but that with w2.
    n_weights = net.w2.size if issparse(X) else net.W1.size
    n_products = -(-n_samples * n_weights // small_product())
    is_small = n_products <= MOST_SMALL_PRODUCTS and n_weights <= small_product()
    if n_samples * row_bytes >= LEAST_BYTES or not is_small:
        return predicted_on_one_blas_thread(quantity, net, X)
    blocks = row_blocks(n_samples, row_bytes)
    if len(blocks) < n_products:
        blocks = parts_of(n_samples, n_products)
    return quantity(net, X, one_by_one, blocks)


@on_one_blas_thread
def predicted_on_one_blas_thread(quantity: Quantity, net: Net, X: Matrix) -> Array:
    with sharing(X.shape[0], net.b1.nbytes) as run:
        return quantity(net, X, run)


Work = Callable[[], None]  # raises nothing


@contextmanager
def helpers(n_wanted: int) -> "Iterator[tuple[int, SimpleQueue[Work | None]]]":
    """Threads that do the work in a queue: how many could be had, and the queue.

    A system, or an interpreter that is about to end, may give fewer than asked for.

    A `ThreadPoolExecutor` would do, but for exceptions from outside (Ctrl-C, a time-out).
    One that comes as `Condition.__enter__` of Python's threading returns leaves the lock of
    a future or a semaphore taken. A thread of the pool then waits for that lock, and the
    pool for the thread, for ever. Here, the caller takes such a lock only where a thread
    starts. If it stays taken, that thread never begins. Nobody waits for it: it is a daemon
    and not in the list.
    """
    queue: SimpleQueue[Work | None] = SimpleQueue()

    def serve() -> None:
        for work in iter(queue.get, None):
            work()
            del work  # and what it holds
        queue.put(None)  # for the next thread

    threads: list[Thread] = []
    try:
        while len(threads) < n_wanted and (thread := started(serve)):
            threads.append(thread)
        yield len(threads), queue
    finally:
        queue.put(None)
        for thread in threads:
            thread.join()


def started(work: Work) -> Thread | None:
    """A thread, if one can be had."""
    thread = Thread(target=work, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        if type(error) is RuntimeError and NO_THREAD in str(error):
            return None
        raise  # a time-out, which may be of any type
    return thread


def shared_by(n_helpers: int, queue: "SimpleQueue[Work | None]") -> Run:
    """The `Run` of at most so many helpers and of the thread that calls.

    A thread that is done takes the next part. If one fails, the others take no more.
    """

    def run(task: Callable[[S], T], parts: Sequence[S], /) -> list[T]:
        if len(parts) == 1 or n_helpers == 0:
            return one_by_one(task, parts)
        results: list[Any] = [None] * len(parts)
        left = deque(range(len(parts)))
        handling = np.geterr()  # each thread has its own
        errors: list[BaseException] = []

        def help_out(lock: Lock) -> None:
            if not lock.acquire(blocking=False):
                return  # it comes too late
            try:
                with np.errstate(**handling):
                    take_parts(task, parts, left, results)
            except BaseException as error:
                errors.append(error)
            lock.release()

        locks = [Lock() for _ in range(1, min(1 + n_helpers, len(parts)))]
        try:
            for lock in locks:
                queue.put(partial(help_out, lock))
            take_parts(task, parts, left, results)
        finally:
            left.clear()
            for lock in locks:
                lock.acquire()  # wait: it may use our arrays
        if errors:
            raise errors.pop(0)
        return results

    return run


def take_parts(
    task: Callable[[S], T], parts: Sequence[S], left: deque[int], results: list[T]
) -> None:
    """Do the parts whose numbers are left, as long as none fails."""
    while True:
        try:
            number = left.popleft()
        except IndexError:
            return
        try:
            results[number] = task(parts[number])
        except BaseException:
            left.clear()
            raise
