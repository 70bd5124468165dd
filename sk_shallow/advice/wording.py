"""How findings are worded, and how a warning is given."""

import inspect
import math
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

from sklearn.exceptions import ConvergenceWarning

from sk_shallow.exceptions import InitializationWarning

# Packages between the user's line and a warning.
INSIDE = ("sk_shallow", "sklearn", "joblib")


def package_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]


OF_TRAINING = (InitializationWarning, ConvergenceWarning)
Message = tuple[str, type[Warning]]
COLLECTED: ContextVar[list[Message] | None] = ContextVar("COLLECTED", default=None)


@contextmanager
def collected() -> Iterator[list[Message]]:
    """Collect the warnings of starts and ends of training in this thread, unshown.

    Filters of warnings belong to the process, so that tasks in threads must not touch them.
    """
    messages: list[Message] = []
    token = COLLECTED.set(messages)
    try:
        yield messages
    finally:
        COLLECTED.reset(token)


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the user's own line, however deep in pipelines and searches `fit` is."""
    messages = COLLECTED.get()
    if messages is not None and issubclass(category, OF_TRAINING):
        messages.append((message, category))
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


def worth_one(n_hidden: int, how: str) -> str:
    """The sentence for units that are all the same."""
    return f"All {n_hidden} hidden units {how}: the net is worth one unit."


def on_the_flat_part(share: float, activation: str, verb: str) -> str:
    return (
        f"{share:.0%} of the hidden activations {verb} on the flat part of {activation} "
        f"(slope under 5 % of its maximum), where gradients are small"
    )


def dead(n_dead: int, n_hidden: int, verb: str) -> str:
    """The sentence for relu units that are 0 on every row; `verb` is in the plural."""
    verb = {"are": "is", "start": "starts"}[verb] if n_dead == 1 else verb
    return (
        f"{n_dead} of {n_hidden} hidden units ({n_dead / n_hidden:.0%}) {verb} dead: relu "
        f"gives 0 on every row, so there is no gradient by which to learn."
    )


def almost_constant(spread: float, rows: str) -> str:
    """The sentence for a trained net whose logits have this standard deviation."""
    return (
        f"The fitted net is almost constant: its logits vary by {spread:.1g} over "
        f"{rows}, so every row gets nearly the same probability."
    )
