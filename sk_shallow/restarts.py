"""Training from several starts, side by side, of which the best is kept."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from threading import Event, Lock
from typing import TypeVar

from joblib import effective_n_jobs
from sklearn import config_context, get_config

from sk_shallow.threads import submitted
from sk_shallow.training import Abandoned, NotFiniteError, Training

T = TypeVar("T")
S = TypeVar("S")
Outcome = float | NotFiniteError  # of a start: the criterion of its training, or its error

POLL_SECONDS = 0.1  # where a wait cannot be interrupted (Windows), Ctrl-C comes so late


def n_at_a_time(n_starts: int, n_jobs: int | None) -> int:
    """How many trainings run side by side."""
    return min(int(effective_n_jobs(n_jobs)), n_starts)


def best_of_starts(
    draw: Callable[[int], S],
    train: Callable[[int, S], Training],
    n_starts: int,
    n_jobs: int | None,
    abandon: Event,
) -> tuple[Training, S, list[Outcome]]:
    """The training with the lowest criterion, its start, and how each start ended.

    Only the best training is kept in memory. A start whose numbers overflow is left out.

    Raises
    ------
    NotFiniteError
        If all starts overflow: that of the first.
    """
    best: list[tuple[tuple[float, int], Training, S]] = []  # at most one
    lock = Lock()

    def train_one(number: int, start: S) -> Outcome:
        try:
            training = train(number, start)
        except NotFiniteError as error:
            return error
        rank = (training.criterion, number)
        with lock:
            if not best or rank < best[0][0]:
                best[:] = [(rank, training, start)]
        return training.criterion

    outcomes = side_by_side(draw, train_one, n_starts, n_jobs, abandon)
    if best:
        ((_, training, start),) = best
        return training, start, outcomes
    error = outcomes[0]
    assert isinstance(error, NotFiniteError)
    if n_starts > 1:
        error.add_note(f"So it is with all {n_starts} starts; this is the first.")
    raise error


def side_by_side(
    draw: Callable[[int], S],
    train: Callable[[int, S], T],
    n_starts: int,
    n_jobs: int | None,
    abandon: Event,
) -> list[T]:
    """Train from each start, from as many at a time as joblib makes of `n_jobs`.

    They share the memory of X, so they run in threads. A thread cannot be stopped from
    outside: when one training fails, or the user interrupts, `abandon` is set, and the
    others end themselves at their next iteration. None is left behind. Of several that
    fail, the error of the first, by number, is raised.

    Parameters
    ----------
    draw : callable number -> start
        Makes a start when its turn comes, in the order of the numbers and in this thread.
    train : callable (number, start) -> result
        Trains from it, in any thread.
    n_starts : int
        How many there are.
    n_jobs : int or None
        How many are trained from at a time, as joblib counts them.
    abandon : Event
        Set when nobody waits for the trainings any more.
    """
    config = get_config()  # which each thread has its own of

    def train_one(number: int, start: S) -> T:
        try:
            with config_context(**config):
                return train(number, start)
        except BaseException as error:
            if n_starts > 1:
                error.add_note(f"This was in the training from start {number}.")
            raise

    n_threads = n_at_a_time(n_starts, n_jobs)
    if n_threads == 1:
        return [train_one(number, draw(number)) for number in range(n_starts)]
    trainings: list[Future[T]] = []
    with ThreadPoolExecutor(n_threads) as pool:
        try:
            left: set[Future[T]] = set()
            for number in range(n_starts):
                left = until_fewer_than(n_threads, left, abandon)
                if abandon.is_set():
                    break
                trainings += submitted(pool, partial(train_one, number), [draw(number)])
                left.add(trainings[-1])
            until_fewer_than(1, left, abandon)
        except BaseException:
            abandon.set()
            raise
    return [
        training.result()
        for training in trainings
        if not isinstance(training.exception(), Abandoned)
    ]


def until_fewer_than(
    limit: int, left: set["Future[T]"], abandon: Event
) -> set["Future[T]"]:
    """Those that still run, when they are fewer, or when one has failed."""
    while len(left) >= limit and not abandon.is_set():
        done, left = wait(left, POLL_SECONDS, return_when=FIRST_COMPLETED)
        if any(training.exception() for training in done):
            abandon.set()
    return left
