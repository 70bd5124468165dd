"""A record of the hidden layer while a net trains."""

from importlib.util import find_spec
from threading import Lock
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray

from sk_shallow._core.activations import Array
from sk_shallow.classifier import BaseShallowNet, FittedNet
from sk_shallow.inspection.reports import inspect_hidden_layer
from sk_shallow.inspection.subjects import check_tol

LOCK = Lock()  # fits may run in several threads


class Watch:
    """What is kept of a fit while it runs."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.before: dict[int, list[Array]] = {}  # the last weights, by start


class HiddenLayerMonitor:
    """A callback that looks at the hidden layer at the start and after every iteration.

    Give it to a net by ``net.set_callbacks(monitor)``; then `fit` fills its records.
    Needs scikit-learn 1.9 or later. It sees the rows that `fit` was given, held-out
    ones included, and costs a few passes over them for each iteration. Fits in other
    processes, and `partial_fit`, do not reach it; in threads, each has a number of its own.

    Parameters
    ----------
    tol : float > 0, default=1e-6
        How alike units have to be to count as the same, as in
        :func:`~sk_shallow.inspection.inspect_hidden_layer`.

    Attributes
    ----------
    records : list of dict
        One for the start and one for each iteration, with the keys

        - "fit", "start" and "iteration": numbers from 0, of the fits of this monitor, of
          the starts with `n_init` above 1, and of the iteration (0 is the start);
        - "n_distinct", "effective_rank", "saturated_share" and "n_dead": as in a report;
        - "gradient_hidden" and "gradient_output": norms of the gradient of J;
        - "update_hidden" and "update_output": norm of the change of the weights of a layer
          since the iteration before, relative to the norm they had; NaN at the start, and
          where weights of 0 stay 0.

    Raises
    ------
    ImportError
        If scikit-learn has no callbacks.
    ValueError
        If `tol` is no finite number above 0.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sk_shallow import ShallowNetClassifier
    >>> from sk_shallow.inspection import HiddenLayerMonitor
    >>> X, y = load_iris(return_X_y=True)
    >>> monitor = HiddenLayerMonitor()
    >>> net = ShallowNetClassifier(4, random_state=0).set_callbacks(monitor)
    >>> net = net.fit(X[:100], y[:100])
    >>> len(monitor.records) == net.n_iter_ + 1
    True
    """

    def __init__(self, *, tol: float = 1e-6) -> None:
        if find_spec("sklearn.callback") is None:
            raise ImportError(
                f"HiddenLayerMonitor needs the callbacks of scikit-learn 1.9 or later; "
                f"this is scikit-learn {sklearn.__version__}."
            )
        check_tol(tol)
        self.tol = tol
        self.records: list[dict[str, Any]] = []
        self._n_fits = 0
        self._watches: dict[Any, Watch] = {}  # of the fits that run now, by their context

    def to_dict(self) -> dict[str, NDArray[Any]]:
        """The records as columns.

        Returns
        -------
        columns : dict of str to ndarray of shape (n_records,)
            As ``pandas.DataFrame(monitor.to_dict())`` or ``polars.DataFrame(...)`` takes
            it.
        """
        names = self.records[0] if self.records else {}
        return {name: np.array([record[name] for record in self.records]) for name in names}

    # What scikit-learn calls.

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin the records of another fit."""
        if isinstance(estimator, FittedNet) and not isinstance(estimator, BaseShallowNet):
            raise TypeError(
                f"HiddenLayerMonitor watches one fit, and a {type(estimator).__name__} "
                f"trains a net for each setting and fold. Give it to a "
                f"ShallowNetClassifier, with the alpha_ and init_scale_ that were chosen."
            )
        if not isinstance(estimator, BaseShallowNet):
            raise TypeError(
                f"HiddenLayerMonitor watches a ShallowNetClassifier, got "
                f"{type(estimator).__name__}. In a pipeline or a search, give it to the "
                f"net itself: net.set_callbacks(monitor)."
            )
        with LOCK:
            self._watches[context] = Watch(self._n_fits)
            self._n_fits += 1

    def on_fit_task_begin(
        self,
        estimator: Any,  # noqa: ARG002
        context: Any,
        *,
        X: Any,
        y: Any,
        metadata: dict[str, Any] | None,
        fitted_estimator: Any,
    ) -> None:
        """Record the start, when the first iteration begins."""
        if context.task_name == "iteration" and context.task_id == 0:
            self._record(0, context, fitted_estimator, X, y, metadata)

    def on_fit_task_end(
        self,
        estimator: Any,  # noqa: ARG002
        context: Any,
        *,
        X: Any,
        y: Any,
        metadata: dict[str, Any] | None,
        fitted_estimator: Any,
    ) -> None:
        """Record an iteration that made a step, and a training that had none."""
        if fitted_estimator is None:
            return
        if context.task_name == "iteration":
            self._record(context.task_id + 1, context, fitted_estimator, X, y, metadata)
        elif start_of(context) not in self._watch(context).before:
            self._record(0, context, fitted_estimator, X, y, metadata)

    def teardown(self, estimator: Any, context: Any) -> None:  # noqa: ARG002
        """Drop the weights of a fit that has ended."""
        with LOCK:
            self._watches.pop(context, None)

    def _watch(self, context: Any) -> "Watch":
        """That of the fit which a task belongs to."""
        while context not in self._watches:
            context = context.parent
        return self._watches[context]

    def _record(
        self,
        iteration: int,
        context: Any,
        net: Any,
        X: Any,
        y: Any,
        metadata: dict[str, Any] | None,
    ) -> None:
        start = start_of(context)
        report = inspect_hidden_layer(net, X, y, **(metadata or {}), tol=self.tol)
        norms = report.gradient_norms
        assert norms is not None  # y is there in every fit
        watch = self._watch(context)
        before = watch.before.get(start, [np.full(1, np.nan)] * 2)
        hidden, output = map(relative_change, before, net.coefs_)
        watch.before[start] = net.coefs_
        self.records.append(
            {
                "fit": watch.number,
                "start": start,
                "iteration": iteration,
                "n_distinct": report.n_distinct,
                "effective_rank": report.effective_rank,
                "saturated_share": float(report.saturated_share.mean()),
                "n_dead": report.n_dead,
                "gradient_hidden": norms["hidden"],
                "gradient_output": norms["output"],
                "update_hidden": hidden,
                "update_output": output,
            }
        )


def start_of(context: Any) -> int:
    """The number of the start that a task belongs to; 0 for a fit that has one only."""
    task = context.parent if context.task_name == "iteration" else context
    return int(task.task_id) if task.task_name == "start" else 0


def relative_change(before: Array, now: Array) -> float:
    """|now - before| / |before|; from weights that are 0, infinite or NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.divide(np.linalg.norm(now - before), np.linalg.norm(before)))
