"""BLAS held to one thread while we run, and how many threads the blocks of rows get.

On products as thin as ours, the threads of BLAS cost more than they bring: while we run, it
gets one. Instead, as many Python threads as BLAS was allowed to have share the row blocks.
So the limits of joblib, threadpoolctl and the environment hold, and there is no
parameter to set.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, wraps
from threading import Lock
from typing import Any, ParamSpec, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from sk_shallow._core.rows import Run, S, T, one_by_one

P = ParamSpec("P")
R = TypeVar("R")

LEAST_BYTES = 2**20  # of A1, on all rows, below which threads do not pay


class _Hold:
    """The hold on BLAS: one for all threads of the program that are inside.

    Two limits that overlap would leave BLAS at one thread for good, as the second takes
    the limit of the first for what the user had set.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.n_inside = 0
        self.n_allowed = 1
        self.limit: Any = None

    def enter(self) -> None:
        with self.lock:
            if self.n_inside == 0:
                blas = blas_libraries()
                # A BLAS that we do not know cannot be held: no threads beside its own.
                counts = [library.num_threads for library in blas.lib_controllers]
                self.n_allowed = min(counts, default=1)
                hand_over(blas)
                self.limit = blas.limit(limits=1)
            self.n_inside += 1

    def leave(self) -> None:
        with self.lock:
            self.n_inside -= 1
            if self.n_inside == 0:
                self.let_go()

    def let_go(self) -> None:
        blas = blas_libraries()
        hand_over(blas)
        self.limit.restore_original_limits()
        hand_over(blas)

    def forget(self) -> None:
        """In the child of a fork, where the threads that were inside do not exist."""
        self.lock = Lock()
        if self.n_inside:
            self.n_inside = 0
            self.let_go()


def hand_over(blas: Any) -> None:
    """Let any thread set the limit.

    From threadpoolctl 3.8 on, only the thread that set it last may do so while it lives;
    but the last one out need not be the first one in.
    """
    for library in blas.lib_controllers:
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread(force=True)


_HOLD = _Hold()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_HOLD.forget)


@cache
def blas_libraries() -> Any:
    """Those that are loaded; NumPy's and SciPy's are by now. Finding them takes time."""
    return ThreadpoolController().select(user_api="blas")


def on_one_blas_thread(method: Callable[P, R]) -> Callable[P, R]:
    """BLAS has one thread inside, and what it had before when all have left."""

    @wraps(method)
    def held(*args: P.args, **kwargs: P.kwargs) -> R:
        _HOLD.enter()
        try:
            return method(*args, **kwargs)
        finally:
            _HOLD.leave()

    return held


@contextmanager
def sharing(n_samples: int, row_bytes: int, n_walks: int = 1) -> Iterator[Run]:
    """Who walks over the blocks: as many threads as BLAS had, if that pays.

    `row_bytes` is what A1 takes for each row, and `n_walks` how many walks there are at a
    time, each by a thread of the caller, which share the threads among them. To be used
    inside `on_one_blas_thread`. The threads end with the context.
    """
    n_threads = _HOLD.n_allowed // n_walks
    if n_threads <= 1 or n_samples * row_bytes < LEAST_BYTES:
        yield one_by_one
        return
    with ThreadPoolExecutor(n_walks * (n_threads - 1)) as pool:
        yield shared_by(pool, n_threads)


def shared_by(pool: ThreadPoolExecutor, n_threads: int) -> Run:
    """The `Run` of the threads of a pool and of the one that calls.

    Whoever is done takes the next part. If one fails, the others do no further part.
    """

    def run(task: Callable[[S], T], parts: Sequence[S]) -> list[T]:
        if len(parts) == 1:
            return [task(parts[0])]
        results: list[Any] = [None] * len(parts)
        left = deque(range(len(parts)))
        handling = np.geterr()  # each thread has its own

        def work() -> None:
            with np.errstate(**handling):
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

        n_helpers = min(n_threads, len(parts)) - 1
        helpers = [pool.submit(work) for _ in range(n_helpers)]
        try:
            work()
        finally:
            for helper in helpers:
                helper.cancel() or helper.exception()  # wait: it may use our arrays
        for helper in helpers:
            if not helper.cancelled():
                helper.result()
        return results

    return run
