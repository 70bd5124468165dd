"""How many threads share the blocks of rows.

As many as BLAS was allowed to have, while BLAS itself has one. So the limits of joblib,
threadpoolctl and the environment hold, and there is no parameter to set. Where fewer can be
had, those that there are do it all: their number changes no bit.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from sk_shallow._core.parameters import Array
from sk_shallow._core.rows import (
    Matrix,
    Run,
    S,
    T,
    ends_of_parts,
    one_by_one,
    stacked,
    take_rows,
)
from sk_shallow.blas import LIMIT, blas_libraries, on_one_blas_thread

LEAST_BYTES = 2**20  # of A1, on all rows, below which threads do not pay

MOST_SMALL_PRODUCTS = 4  # so many take no longer than to limit BLAS

# "can't start new thread", "cannot schedule new futures after interpreter shutdown", ...
NO_THREAD = ("new thread", "new futures")


@contextmanager
def sharing(n_samples: int, row_bytes: int, n_walks: int = 1) -> Iterator[Run]:
    """Who walks over the blocks: as many threads as BLAS had, if that pays.

    `row_bytes` is what A1 takes for each row, and `n_walks` how many walks there are at a
    time, each by a thread of the caller, which share the threads among them. To be used
    inside `on_one_blas_thread`. The threads end with the context.
    """
    call = LIMIT.here()
    n_threads = call.n_allowed // n_walks if call else 1
    if n_threads <= 1 or n_samples * row_bytes < LEAST_BYTES:
        yield one_by_one
        return
    with ThreadPoolExecutor(n_walks * (n_threads - 1)) as pool:
        yield shared_by(pool, n_threads)


@cache
def small_product() -> int:
    """Multiplications in a product up to which BLAS uses one thread, whatever its limit.

    Of OpenBLAS from 0.3.30 on (measured), and of older ones, which share out a product of
    a matrix and a vector from 9,216 on. Of another BLAS, as of the older.
    """
    libraries = blas_libraries().lib_controllers
    is_recent = all(
        one.internal_api == "openblas" and version_of(one) >= (0, 3, 30)
        for one in libraries
    )
    return 2**19 if is_recent else 2**13


def version_of(library: Any) -> tuple[int, ...]:
    parts = str(library.version).split(".")[:3]
    return tuple(int(part) for part in parts if part.isdigit())


def over_rows(
    quantity: Callable[[Matrix, Run], Array], X: Matrix, n_weights: int, row_bytes: int
) -> Array:
    """`quantity(X, run)`, an array with an entry for each row of X.

    A small batch takes so few products, with `n_weights` multiplications for each row,
    that BLAS uses one thread for each of them in any case.
    """
    n_samples = X.shape[0]
    n_products = -(-n_samples * n_weights // small_product())
    is_small = n_products <= MOST_SMALL_PRODUCTS and n_weights <= small_product()
    if n_samples * row_bytes >= LEAST_BYTES or not is_small:
        return over_many_rows(quantity, X, row_bytes)
    if n_products == 1:
        return quantity(X, one_by_one)
    ends = ends_of_parts(n_samples, n_products)
    batches = [slice(start, end) for start, end in pairwise(ends)]
    parts: Array = stacked([quantity(take_rows(X, rows), one_by_one) for rows in batches])
    return parts


@on_one_blas_thread
def over_many_rows(
    quantity: Callable[[Matrix, Run], Array], X: Matrix, row_bytes: int
) -> Array:
    with sharing(X.shape[0], row_bytes) as run:
        return quantity(X, run)


def submitted(
    pool: ThreadPoolExecutor, task: Callable[[S], T], parts: Sequence[S]
) -> list[Future[T]]:
    """A future for each part, done by the threads of a pool.

    A system, or an interpreter that is about to end, may give fewer threads than asked
    for. Those that there are do it all; without any, this one.
    """
    futures: list[Future[T]] = [Future() for _ in parts]
    left = deque(zip(futures, parts, strict=True))

    def work() -> None:
        while left:
            try:
                future, part = left.popleft()
            except IndexError:
                return
            try:
                future.set_result(task(part))
            except BaseException as error:
                future.set_exception(error)

    if parts and not helped_by(pool, work, len(parts)):
        work()
    return futures


def helped_by(
    pool: ThreadPoolExecutor, work: Callable[[], None], n_helpers: int
) -> list[Future[None]]:
    """Threads of a pool that do some work: at most so many, and as many as can be had."""
    helpers = []
    for _ in range(n_helpers):
        try:
            helpers.append(pool.submit(work))
        except RuntimeError as error:
            if type(error) is RuntimeError and any(
                word in str(error) for word in NO_THREAD
            ):
                break
            raise  # a time-out, which may be of any type
    return helpers


def shared_by(pool: ThreadPoolExecutor, n_threads: int) -> Run:
    """The `Run` of the threads of a pool and of the one that calls.

    Whoever is done takes the next part. If one fails, the others do no further part.
    """

    def run(task: Callable[[S], T], parts: Sequence[S]) -> list[T]:
        nonlocal n_threads
        if len(parts) == 1 or n_threads == 1:
            return one_by_one(task, parts)
        results: list[Any] = [None] * len(parts)
        left = deque(range(len(parts)))
        handling = np.geterr()  # each thread has its own

        def work() -> None:
            with np.errstate(**handling):
                take_parts(task, parts, left, results)

        n_helpers = min(n_threads, len(parts)) - 1
        helpers = helped_by(pool, work, n_helpers)
        if len(helpers) < n_helpers:
            n_threads = 1 + len(helpers)
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
