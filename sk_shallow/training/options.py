"""The parameters of an estimator, with their defaults worked out."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from sk_shallow._core.activations import ACTIVATIONS, Activation
from sk_shallow._core.columns import ColumnMoments, default_alpha
from sk_shallow._core.solvers import SOLVERS


class Options(NamedTuple):
    """How to train."""

    n_hidden: int
    activation: Activation
    init: Any
    init_scale: float | None
    alpha: float
    solver: str
    learning_rate: float | None  # None: the solver finds its own steps
    batch_size: int
    max_iter: int
    tol: float
    n_iter_no_change: float  # a whole number, or infinite
    verbose: bool

    @property
    def may_be_slow(self) -> bool:
        """Whether small decreases of J are no reason to stop."""
        return SOLVERS[self.solver].may_be_slow


def resolve_options(parameters: Mapping[str, Any], columns: ColumnMoments) -> Options:
    """The options that valid parameters of the estimator mean on such columns."""
    alpha, rate = parameters["alpha"], parameters["learning_rate"]
    patience = parameters["n_iter_no_change"]
    default_rate = SOLVERS[parameters["solver"]].learning_rate
    return Options(
        n_hidden=int(parameters["n_hidden"]),
        activation=ACTIVATIONS[parameters["activation"]],
        init=parameters["init"],
        init_scale=parameters["init_scale"],
        alpha=default_alpha(columns) if alpha == "auto" else float(alpha),
        solver=parameters["solver"],
        learning_rate=default_rate if default_rate is None or rate is None else float(rate),
        batch_size=int(parameters["batch_size"]),
        max_iter=int(parameters["max_iter"]),
        tol=float(parameters["tol"]),
        n_iter_no_change=np.inf if patience == np.inf else int(patience),
        verbose=bool(parameters["verbose"]),
    )
