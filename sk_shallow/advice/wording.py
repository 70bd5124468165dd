"""How a warning is put."""

import inspect
import math
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sk_shallow._core.rows import Matrix
from sk_shallow.exceptions import InitializationWarning

# Packages between the user's line and a warning.
INSIDE = ("sk_shallow", "sklearn", "joblib")


def package_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]


OF_TRAINING = (InitializationWarning, ConvergenceWarning)
COLLECTED: ContextVar[list[str] | None] = ContextVar("COLLECTED", default=None)


@contextmanager
def collected() -> Iterator[list[str]]:
    """Collect the warnings of starts and ends of training in this thread, unshown.

    Filters of warnings belong to the process, so that tasks in threads must not touch them.
    """
    messages: list[str] = []
    token = COLLECTED.set(messages)
    try:
        yield messages
    finally:
        COLLECTED.reset(token)


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the user's own line, however deep in pipelines and searches `fit` is."""
    messages = COLLECTED.get()
    if messages is not None and issubclass(category, OF_TRAINING):
        messages.append(message)
        return
    frame, level = inspect.currentframe(), 1
    while frame and package_of(frame) in INSIDE:
        frame, level = frame.f_back, level + 1
    if not frame or package_of(frame) in sys.stdlib_module_names:
        level -= 1  # in a worker process, where no line is the user's
    warnings.warn(message, category, stacklevel=level)


def sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def significant(value: float) -> float:
    """`value` rounded down to one significant digit: a number to type in."""
    if value <= 0 or not math.isfinite(value):
        return value
    exponent = math.floor(math.log10(value))
    digit = math.floor(value / 10.0**exponent + 1e-9)  # 0.3 / 0.1 is a little under 3
    return float(f"{digit}e{exponent}")


def standardise(X: Matrix) -> str:
    scaler = "StandardScaler(with_mean=False)" if sparse.issparse(X) else "StandardScaler"
    return f"standardise X (sklearn.preprocessing.{scaler})"
