"""What underflows is 0 or next to it, as we want it, whatever `numpy.seterr` says."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")


def ignoring_underflow(method: Callable[P, R]) -> Callable[P, R]:
    """Underflow is no error inside, and as the caller has set it afterwards."""

    @wraps(method)
    def computed(*args: P.args, **kwargs: P.kwargs) -> R:
        with np.errstate(under="ignore"):
            return method(*args, **kwargs)

    return computed
