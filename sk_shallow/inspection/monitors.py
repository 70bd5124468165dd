"""A record of the hidden layer while a net trains."""

from importlib.util import find_spec
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray

from sk_shallow._core.parameters import Array
from sk_shallow.inspection.reports import inspect_hidden_layer


class HiddenLayerMonitor:
    """A callback that looks at the hidden layer at the start and after every iteration.

    Give it to a net by ``net.set_callbacks(monitor)``; then `fit` fills its records.
    Needs scikit-learn 1.9 or later. It sees the rows that `fit` was given, held-out
    ones included, and costs a few passes over them for each iteration. Fits in other
    processes do not reach it.

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
          since the iteration before, relative to the norm they had; NaN at the start.

    Raises
    ------
    ImportError
        If scikit-learn has no callbacks.

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
        self.tol = tol
        self.records: list[dict[str, Any]] = []
        self._n_fits = 0
        self._before: dict[int, list[Array]] = {}  # weights by start

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

    def setup(self, estimator: Any, context: Any) -> None:  # noqa: ARG002
        """Begin the records of another fit."""
        self._n_fits += 1
        self._before = {}

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
        """Record an iteration that led somewhere."""
        if context.task_name == "iteration" and fitted_estimator is not None:
            self._record(context.task_id + 1, context, fitted_estimator, X, y, metadata)

    def teardown(self, estimator: Any, context: Any) -> None:
        """Nothing is left to do after a fit."""

    def _record(
        self,
        iteration: int,
        context: Any,
        net: Any,
        X: Any,
        y: Any,
        metadata: dict[str, Any] | None,
    ) -> None:
        start = context.parent.task_id if context.parent.task_name == "start" else 0
        report = inspect_hidden_layer(net, X, y, **(metadata or {}), tol=self.tol)
        norms = report.gradient_norms or {}
        before = self._before.get(start, [np.full(1, np.nan)] * 2)
        hidden, output = map(relative_change, before, net.coefs_)
        self._before[start] = net.coefs_
        self.records.append(
            {
                "fit": self._n_fits - 1,
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


def relative_change(before: Array, now: Array) -> float:
    """|now - before| / |before|; from weights that are 0, infinite or NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.divide(np.linalg.norm(now - before), np.linalg.norm(before)))
