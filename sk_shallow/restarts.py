"""Training from several starts, side by side."""

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event

from joblib import effective_n_jobs
from sklearn import config_context, get_config

from sk_shallow.training import Training

POLL_SECONDS = 0.1  # where a wait cannot be interrupted (Windows), Ctrl-C comes so late


def n_at_a_time(n_starts: int, n_jobs: int | None) -> int:
    """How many trainings run side by side."""
    return min(int(effective_n_jobs(n_jobs)), n_starts)


def side_by_side(
    train: Callable[[int], Training], n_starts: int, n_jobs: int | None, abandon: Event
) -> list[Training]:
    """Train from each start, from as many at a time as joblib makes of `n_jobs`.

    They share the memory of X, so they run in threads. A thread cannot be stopped from
    outside: when one training fails, or the user interrupts, `abandon` is set, and the
    others end themselves at their next iteration. None is left behind.
    """
    config = get_config()  # which each thread has its own of

    def train_one(number: int) -> Training:
        try:
            with config_context(**config):
                return train(number)
        except BaseException as error:
            if n_starts > 1:
                error.add_note(f"This was in the training from start {number}.")
            raise

    n_threads = n_at_a_time(n_starts, n_jobs)
    if n_threads == 1:
        return [train_one(number) for number in range(n_starts)]
    with ThreadPoolExecutor(n_threads) as pool:
        try:
            trainings = [pool.submit(train_one, number) for number in range(n_starts)]
            while True:
                done, left = wait(trainings, POLL_SECONDS, return_when=FIRST_EXCEPTION)
                for training in done:
                    training.result()  # raises its error
                if not left:
                    return [training.result() for training in trainings]
        except BaseException:
            abandon.set()
            pool.shutdown(cancel_futures=True)
            raise
