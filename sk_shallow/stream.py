"""What Adam keeps between the chunks of a stream."""

from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np

from sk_shallow._core.parameters import Parameters, n_parameters
from sk_shallow._core.solvers import Moments


class Stream(NamedTuple):
    """The order of rows to come, and the running means of the gradients so far.

    An estimator stores it as a dictionary of arrays and numbers, which every format for
    stored models knows.
    """

    shuffle: np.random.Generator
    moments: Moments

    def stored(self) -> dict[str, Any]:
        """A copy, which further steps leave alone."""
        return deepcopy({"shuffle": self.shuffle, "moments": vars(self.moments)})


def open_stream(shuffle: np.random.Generator, start: Parameters) -> Stream:
    size = n_parameters(start.n_features, start.n_hidden)
    return Stream(shuffle, Moments.none_yet(size))


def restore_stream(stored: dict[str, Any]) -> Stream:
    """A stream of its own, so that a chunk that fails leaves what is stored alone."""
    copy = deepcopy(stored)
    return Stream(copy["shuffle"], Moments(**copy["moments"]))
