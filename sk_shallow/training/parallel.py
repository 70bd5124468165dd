"""Trainings side by side, in threads: those from several starts, of which one is kept."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Event, Lock
from typing import TypeVar

from joblib import effective_n_jobs
from sklearn import config_context, get_config

from sk_shallow.threads.pool import helpers
from sk_shallow.training.callbacks import TrainingTask
from sk_shallow.training.monitor import Abandoned, NotFiniteError, Training
from sk_shallow.training.start import Start

T = TypeVar("T")
S = TypeVar("S")
Outcome = float | NotFiniteError  # of a start: the criterion of its training, or its error

POLL_SECONDS = 0.1  # where a wait cannot be interrupted (Windows), Ctrl-C comes so late


def n_at_a_time(n_starts: int, n_jobs: int | None) -> int:
    """How many trainings run side by side."""
    return min(int(effective_n_jobs(n_jobs)), n_starts)


def best_of_starts(
    draw: Callable[[int], Start],
    train: Callable[..., Training],
    n_starts: int,
    n_jobs: int | None,
    task_of: Callable[[int, Start], TrainingTask | None],
) -> tuple[Training, Start, list[Outcome]]:
    """The training with the lowest criterion, its start, and how each start ended.

    Only the best training is kept in memory. A start whose numbers overflow is left out.

    Parameters
    ----------
    draw : callable number -> Start
        Makes a start when its turn comes.
    train : callable
        :func:`~sk_shallow.training.monitor.train`, its rows and options given.
    n_starts : int
        How many there are.
    n_jobs : int or None
        How many are trained from at a time, as joblib counts them.
    task_of : callable (number, start) -> TrainingTask or None
        Calls the callbacks.

    Raises
    ------
    NotFiniteError
        If all starts overflow: that of the first.
    """
    best: list[tuple[tuple[float, int], Training, Start]] = []  # at most one
    lock, abandon = Lock(), Event()

    def train_one(number: int, start: Start) -> Outcome:
        try:
            training = train(
                start.net,
                state=start.adam_state,
                task=task_of(number, start),
                name=f"start {number}" if n_starts > 1 else "",
                abandon=abandon,
            )
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
    what: str = "start",
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
        Set when the results are no longer needed.
    what : str
        What the numbers are of, for errors.
    """
    config = get_config()  # each thread has its own
    name = what if n_starts > 1 else ""
    n_threads = n_at_a_time(n_starts, n_jobs)
    if n_threads == 1:
        results = []
        for number in range(n_starts):
            start = draw(number)
            with naming_the_training(name, number):
                results.append(train(number, start))
        return results

    def train_in_thread(number: int, start: S) -> T:
        with naming_the_training(name, number), config_context(**config):
            return train(number, start)

    return in_threads(draw, train_in_thread, n_starts, n_threads, abandon)


def in_threads(
    draw: Callable[[int], S],
    train: Callable[[int, S], T],
    n_starts: int,
    n_threads: int,
    abandon: Event,
) -> list[T]:
    """The results of `side_by_side`, without those of trainings that are abandoned."""
    results: dict[int, T] = {}
    errors: dict[int, BaseException] = {}
    ended: SimpleQueue[int] = SimpleQueue()

    def work(number: int, start: S) -> None:
        try:
            results[number] = train(number, start)
        except Abandoned:
            pass
        except BaseException as error:
            errors[number] = error
            abandon.set()
        ended.put(number)

    with helpers(n_threads) as (n_given, queue):
        try:
            for number in range(n_starts):
                wait_for(ended, number >= n_threads, abandon)
                if abandon.is_set():
                    break
                training = partial(work, number, draw(number))
                queue.put(training) if n_given else training()
            wait_for(ended, n_threads, abandon)
        except BaseException:
            abandon.set()
            raise
    if errors:
        raise errors.pop(min(errors))
    return [results[number] for number in sorted(results)]


@contextmanager
def naming_the_training(name: str, number: int) -> Iterator[None]:
    """An error says in which training it was, if they have a name."""
    try:
        yield
    except BaseException as error:
        if name:
            error.add_note(f"This was in the training of {name} {number}.")
        raise


def wait_for(ended: "SimpleQueue[int]", n_trainings: int, abandon: Event) -> None:
    """Until so many more have ended, or one has failed."""
    while n_trainings and not abandon.is_set():
        with suppress(Empty):
            ended.get(timeout=POLL_SECONDS)
            n_trainings -= 1
