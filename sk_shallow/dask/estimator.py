"""The estimator for tables on a cluster. Only reading and predicting differ from memory."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from copy import copy
from functools import partial
from typing import Any, Literal, Self

import dask.array as da
import numpy as np
import pandas as pd
from distributed import Client, get_client, get_worker, worker_client
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from sk_shallow._core.table import Rows
from sk_shallow.classifier import BaseShallowNet, Init, ShallowNetClassifier
from sk_shallow.dask.collections import (
    check_is_table,
    column,
    dtype_of,
    example_row,
    has_names,
    is_table,
    lazily,
    odd_label,
    odd_weight,
    on_cluster,
)
from sk_shallow.dask.table import ClusterTable
from sk_shallow.exceptions import InvalidParameterError
from sk_shallow.persistence import FITTED
from sk_shallow.threads.pool import Quantity
from sk_shallow.validation import (
    Labels,
    check_is_numpy,
    check_parameters,
    check_same_net,
    check_sample_weight,
    holds_out,
    labelled_rows,
    labelled_validation_rows,
)


@contextmanager
def connected(client: Client | None) -> Iterator[Client]:
    """The client of the cluster: as given, or the current one.

    Raises
    ------
    TypeError
        If it is no client.
    ValueError
        If there is none, or if waiting would stop its event loop.
    """
    if client is None and inside_a_task():
        with worker_client() as own:  # leaves this thread of the worker to others
            yield own
        return
    if client is None:
        try:
            client = get_client()
        except ValueError as error:
            raise ValueError(
                "There is no Dask client: make one (distributed.Client()), or set client."
            ) from error
    if not isinstance(client, Client):
        raise TypeError(
            f"client must be a distributed.Client or None, got {type(client).__name__}."
        )
    if client.asynchronous:
        raise ValueError(
            "The event loop of this client would wait for a call that waits for it. Call "
            "from a thread: await asyncio.to_thread(net.fit, X, y)."
        )
    yield client


def inside_a_task() -> bool:
    try:
        get_worker()
    except ValueError:
        return False
    return True


@contextmanager
def naming_the_partition(
    X: ClusterTable, odd_row: Callable[..., int | None], *args: Any
) -> Iterator[None]:
    """Name the partition of the odd row in an error."""
    try:
        yield
    except ValueError as error:
        row = odd_row(*args)
        if row is None:
            raise
        raise ValueError(f"Partition {X.partition_of(row)} of {X.name}: {error}") from error


def checked_columns(
    X: ClusterTable, y: Any, weight: Any, suffix: str = ""
) -> tuple[NDArray[Any], Any]:
    """Labels and weights, one for each row of X."""
    check_is_numpy(**{f"y{suffix}": y})
    check_consistent_length(X, y)
    y = column_or_1d(y)
    if y.dtype == object:  # the NA of pandas is a kind of missing that scikit-learn lacks
        y = np.where(pd.isna(y), np.nan, y)
    with naming_the_partition(X, odd_label, y):
        y = check_array(y, ensure_2d=False, dtype=None, input_name=f"y{suffix}")
    if weight is not None:
        with naming_the_partition(X, odd_weight, weight):
            weight = check_sample_weight(weight, X.shape[0], f"sample_weight{suffix}")
    return y, weight


class DaskShallowNetClassifier(BaseShallowNet):
    """:class:`~sk_shallow.ShallowNetClassifier` for tables on a Dask cluster.

    The rows stay on their workers. An iteration sends the weights out and gets one sum
    for each partition back, added in a fixed order: the same partitions and seed give the
    same bits, whatever the number of workers. The start, the rows held out, L-BFGS, the
    stopping rules and the warnings are those of the net in memory, which computes the same
    up to rounding.

    Labels and weights, one number for each row, come to the client.

    All parameters but `client` are those of :class:`~sk_shallow.ShallowNetClassifier`, and
    so are the attributes. ``solver="adam"`` needs rows in random order, and is not for
    clusters, and neither is `partial_fit`.

    Predictions of a dask table are dask arrays in its partitions, computed where they are
    used; those of a table in memory are NumPy arrays.

    Parameters
    ----------
    client : distributed.Client or None, default=None
        Of the cluster to train on. None is the one that was made last, or the one whose
        task this is. It is kept by clones, and left out of pickles and copies.

    See Also
    --------
    sk_shallow.ShallowNetClassifier : The same for data in memory.

    Examples
    --------
    >>> import dask.array as da
    >>> from distributed import Client
    >>> from sk_shallow.dask import DaskShallowNetClassifier
    >>> client = Client(processes=False, dashboard_address=":0")
    >>> X = da.random.default_rng(0).normal(size=(2000, 4), chunks=(500, 4))
    >>> net = DaskShallowNetClassifier(random_state=0).fit(X, X[:, 0] * X[:, 1] > 0)
    >>> net.predict_proba(X).shape
    (2000, 2)
    >>> client.close()
    """

    def __init__(
        self,
        n_hidden: int = 32,
        *,
        activation: str = "tanh",
        init: Init = "glorot_uniform",
        init_scale: float | None = None,
        alpha: float | Literal["auto"] = "auto",
        solver: str = "lbfgs",
        learning_rate: float | None = None,
        batch_size: int = 256,
        max_iter: int = 1000,
        tol: float = 1e-4,
        early_stopping: bool | Literal["auto"] = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: float = 20,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        warm_start: bool = False,
        n_init: int | Literal["auto"] = "auto",
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | int = False,
        client: Client | None = None,
    ) -> None:
        super().__init__(
            n_hidden,
            activation=activation,
            init=init,
            init_scale=init_scale,
            alpha=alpha,
            solver=solver,
            learning_rate=learning_rate,
            batch_size=batch_size,
            max_iter=max_iter,
            tol=tol,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            class_weight=class_weight,
            warm_start=warm_start,
            n_init=n_init,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )
        self.client = client

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Fit the net to rows on the cluster.

        Parameters
        ----------
        X : dask array or data frame of shape (n_samples, n_features)
            Finite numbers. float32 is kept; partitions may be CSR matrices.
        y : dask or other array or series of shape (n_samples,)
            Labels of two classes, in the order of the rows of X.
        sample_weight : dask or other array of shape (n_samples,), float or None, \
default=None
            Weights >= 0.
        X_val : dask array or data frame, or None, default=None
            Rows to hold out for early stopping instead of a part of X.
        y_val : dask or other array of shape (n_samples_val,) or None, default=None
            Their labels.
        sample_weight_val : dask or other array of shape (n_samples_val,), float or None, \
default=None
            Their weights.

        Returns
        -------
        self : DaskShallowNetClassifier
            The fitted estimator.

        Raises
        ------
        TypeError
            If X or X_val is not on Dask.
        ValueError
            As for data in memory; where a partition of X is at fault, with its number.
        """
        if self.solver == "adam":
            raise InvalidParameterError(
                "solver='adam' takes rows in random order, which a cluster cannot give. "
                "Set solver='lbfgs', or give chunks to ShallowNetClassifier.partial_fit."
            )
        # Before the tables are read, which may take long.
        check_parameters(vars(self))
        tables = {"X": X}
        if holds_out(self, X_val, y_val, sample_weight_val):
            tables["X_val"] = X_val
        for name, table in tables.items():
            check_is_table(table, name)
        with ExitStack() as stack:
            client = stack.enter_context(connected(self.client))
            read = {
                name: stack.enter_context(
                    closing(on_cluster(client, table, dtype_of(X), name))
                )
                for name, table in tables.items()
            }
            return super().fit(
                read["X"],
                column(client, y),
                column(client, sample_weight),
                X_val=read.get("X_val"),
                y_val=column(client, y_val),
                sample_weight_val=column(client, sample_weight_val),
            )

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy of `predict`; rows on Dask are predicted on their workers.

        Parameters
        ----------
        X : dask array or data frame, or a table in memory
            Finite numbers, in the columns that `fit` was given.
        y : dask or other array or series of shape (n_samples,)
            Labels.
        sample_weight : dask or other array of shape (n_samples,) or None, default=None
            Weights >= 0.

        Returns
        -------
        accuracy : float
            The weighted share of rows whose label is predicted.
        """
        if not is_table(X):
            return super().score(X, y, sample_weight)
        with connected(self.client) as client:
            predicted, y, weight = (
                column(client, part) for part in (self.predict(X), y, sample_weight)
            )
        if weight is not None:
            weight = check_sample_weight(weight, len(y))
        return float(accuracy_score(y, predicted, sample_weight=weight))

    def to_local(self) -> ShallowNetClassifier:
        """The same net, fitted or not, for data in memory."""
        local = ShallowNetClassifier()
        local.__dict__ |= {
            name: value for name, value in vars(self).items() if name != "client"
        }
        return local

    def _predicted(self, quantity: Quantity, X: Any) -> Any:
        """As in memory; of a dask table, a dask array in its partitions."""
        if not is_table(X):
            return super()._predicted(quantity, X)
        check_is_fitted(self)
        example = example_row(X)
        validate_data(self, example, reset=False)
        # What predicts, and nothing that callbacks or users have put there.
        local = ShallowNetClassifier(**self.to_local().get_params())
        # The warning of names that X lacks has been given; no partition repeats it.
        names = ("feature_names_in_",) if has_names(X) else ()
        for name in (*FITTED, *names):
            if hasattr(self, name):
                setattr(local, name, getattr(self, name))
        predict = partial(local._predicted, quantity)
        return lazily(predict, X, empty=predict(example)[:0])

    def _from_logits(self, function: Callable[[Any], NDArray[Any]], z2: Any) -> Any:
        """As in memory; of a dask array, a dask array in its partitions."""
        if not isinstance(z2, da.Array):
            return super()._from_logits(function, z2)
        empty = function(np.empty(0, z2.dtype))
        columns = {"new_axis": 1, "chunks": (*z2.chunks, 2)} if empty.ndim == 2 else {}
        return z2.map_blocks(function, meta=empty, **columns)

    def _read(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        X_val: Any,
        y_val: Any,
        sample_weight_val: Any,
    ) -> tuple[Labels, Rows, Rows | None]:
        continues = self._continues()
        validate_data(self, X.example, reset=not continues)
        y, sample_weight = checked_columns(X, y, sample_weight)
        with naming_the_partition(X, odd_label, y, None, sample_weight):
            labels, rows = labelled_rows(self, X, y, sample_weight)
        if continues:
            check_same_net(self, labels.classes, "warm_start")
        if not holds_out(self, X_val, y_val, sample_weight_val):
            return labels, rows, None
        try:
            validate_data(self, X_val.example, reset=False)
            y_val, weight_val = checked_columns(X_val, y_val, sample_weight_val, "_val")
        except ValueError as error:
            raise ValueError(f"In X_val or y_val: {error}") from error
        with naming_the_partition(X_val, odd_label, y_val, labels.classes, weight_val):
            held_out = labelled_validation_rows(X_val, y_val, weight_val, labels)
        return labels, rows, held_out

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "client": None}

    def __sklearn_clone__(self) -> Self:
        without_client = copy(self)  # which can neither be copied nor stored
        duplicate: Self = BaseShallowNet.__sklearn_clone__(without_client)
        duplicate.client = self.client
        return duplicate
