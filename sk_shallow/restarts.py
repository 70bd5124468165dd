"""Training from several starts, side by side."""

from collections.abc import Callable
from threading import Event

from joblib import Parallel, delayed

from sk_shallow.training import Abandoned, Training


def side_by_side(
    train: Callable[[int], Training], n_starts: int, n_jobs: int | None, abandon: Event
) -> list[Training]:
    """Train from each start, from as many at a time as joblib makes of `n_jobs`.

    They share the memory of X, so they run in threads; joblib's own, since
    scikit-learn's set the filters of warnings, which all threads share. A thread
    cannot be stopped from outside: when one training fails, or the user interrupts,
    `abandon` is set, and the others end themselves at their next iteration.
    """
    if n_starts == 1:
        return [train(0)]

    def train_unless_abandoned(number: int) -> Training | None:
        try:
            return train(number)
        except Abandoned:  # the error of another training is the one to be told
            return None
        except BaseException:
            abandon.set()
            raise

    parallel = Parallel(n_jobs=n_jobs, require="sharedmem")
    try:
        done: list[Training] = parallel(
            delayed(train_unless_abandoned)(number) for number in range(n_starts)
        )
    except BaseException:
        abandon.set()
        raise
    return done
