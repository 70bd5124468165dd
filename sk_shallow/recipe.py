"""How to train: the parameters of an estimator, with their defaults worked out."""

from collections.abc import Callable, Mapping
from threading import Event
from typing import Any, NamedTuple

import numpy as np

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.moments import ColumnMoments, default_alpha
from sk_shallow._core.objective import Objective, Seen
from sk_shallow._core.parameters import flatten
from sk_shallow._core.rows import Rows, Run, one_by_one
from sk_shallow._core.solvers import SOLVERS, Steps
from sk_shallow.callbacks import Task
from sk_shallow.log import Log
from sk_shallow.start import Start
from sk_shallow.stream import Stream
from sk_shallow.training import Monitor, NotFiniteError, StoppingRules, Training


class Recipe(NamedTuple):
    """All that training needs to know beside a start, rows, and chance."""

    activation: str
    n_hidden: int
    alpha: float
    solver: str
    learning_rate: float | None  # None: the solver finds its own steps
    batch_size: int
    max_iter: int
    tol: float
    n_iter_no_change: float  # a whole number, or infinite
    verbose: bool

    def train(
        self,
        start: Start,
        stream: Stream,
        rows: Rows,
        *,
        held_out: Rows | None = None,
        run: Run = one_by_one,
        all_seen: Seen | None = None,
        task: Task | None = None,
        attributes: Callable[[Training], dict[str, Any]] | None = None,
        name: str = "",
        abandon: Event | None = None,
    ) -> Training:
        """Walk downhill from `start` until the solver, or a rule of ours, stops.

        Parameters
        ----------
        start : Start
            Where training starts.
        stream : Stream
            Of Adam: the order of the rows, and the running means, which are brought up
            to date.
        rows : Rows
            What it learns from.
        held_out : Rows or None
            What early stopping watches.
        run : callable
            Who sums over the rows.
        all_seen : Seen or None
            All rows of a stream so far, if `rows` are a chunk of one.
        task : Task or None
            What callbacks are told of.
        attributes : callable training -> dict, or None
            Those of the estimator, for callbacks.
        name : str
            Put before each line that `verbose` prints.
        abandon : Event or None
            Set when nobody waits for this training any more.
        """
        activation = ACTIVATIONS[self.activation]
        theta = flatten(start.parameters)
        objective = Objective(
            rows, activation, self.n_hidden, self.alpha, all_seen, held_out, run
        )
        monitor = Monitor(
            self._rules(),
            held_out_loss=None if held_out is None else objective.held_out_loss,
            log=Log(held_out=held_out is not None, name=name) if self.verbose else None,
            task=task,
            attributes=attributes,
            learning_rate=self.learning_rate,
            abandon=abandon,
        )
        steps = Steps(
            learning_rate=self.learning_rate or 0.0,
            batch_size=self.batch_size,
            rng=stream.shuffle,
            moments=stream.moments,
        )
        # Overflow is an error of the monitor, which says what to do.
        with np.errstate(over="ignore", invalid="ignore"):
            solve = SOLVERS[self.solver].solve
            try:
                solution = solve(objective, theta, monitor, self.max_iter, steps)
            except NotFiniteError:
                if task:
                    task.ended(None)
                raise
            return monitor.conclude(solution)

    def _rules(self) -> StoppingRules:
        return StoppingRules(
            self.tol, self.n_iter_no_change, crawls=SOLVERS[self.solver].crawls
        )


def read_recipe(parameters: Mapping[str, Any], columns: ColumnMoments) -> Recipe:
    """The recipe that valid parameters of the estimator stand for on such columns."""
    alpha, rate = parameters["alpha"], parameters["learning_rate"]
    patience = parameters["n_iter_no_change"]
    default_rate = SOLVERS[parameters["solver"]].learning_rate
    return Recipe(
        activation=parameters["activation"],
        n_hidden=int(parameters["n_hidden"]),
        alpha=default_alpha(columns) if alpha == "auto" else float(alpha),
        solver=parameters["solver"],
        learning_rate=default_rate if default_rate is None or rate is None else float(rate),
        batch_size=int(parameters["batch_size"]),
        max_iter=int(parameters["max_iter"]),
        tol=float(parameters["tol"]),
        n_iter_no_change=np.inf if patience == np.inf else int(patience),
        verbose=bool(parameters["verbose"]),
    )
