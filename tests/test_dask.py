"""On a cluster, the net computes what it computes in memory."""

import asyncio
import os
import pickle
import re
import signal
import threading
import warnings
from copy import copy
from functools import partial
from itertools import pairwise

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_info, threadpool_limits

from sk_shallow import CollapseWarning, InitializationWarning, ShallowNetClassifier
from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.objective import Objective
from sk_shallow._core.parameters import n_parameters, unflatten
from sk_shallow._core.table import ArrayTable, Rows
from sk_shallow.inspection import (
    ActivationDisplay,
    HiddenLayerMonitor,
    HiddenUnitSimilarityDisplay,
    InitScaleDisplay,
    inspect_hidden_layer,
)

da = pytest.importorskip("dask.array")
dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
cloudpickle = pytest.importorskip("cloudpickle")
dd = pytest.importorskip("dask.dataframe")

from sk_shallow.dask import DaskShallowNetClassifier  # noqa: E402
from sk_shallow.dask.collections import on_cluster  # noqa: E402
from sk_shallow.dask.table import FAN_IN, ClusterSums, ClusterTable  # noqa: E402
from sk_shallow.dask.tasks import do, read_partition, received  # noqa: E402
from sk_shallow.validation import data  # noqa: E402

N_WORKERS, N_ROWS, N_FEATURES, N_HIDDEN, ALPHA = 3, 2500, 6, 5, 1.5
CHUNKINGS = {
    "equal": (500,) * 5,
    "uneven": (1, 1200, 7, 1292),
    "one": (2500,),
    "many": (100,) * 25,  # more than FAN_IN: added in a tree
}
SETTINGS = {
    "distributed.logging.distributed": "critical",
    "distributed.comm.timeouts.connect": "2s",  # to a worker that has died
}
pytestmark = [
    # Most of these fits are cut short, and say so.
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # Sockets that distributed leaves to the garbage collector.
    pytest.mark.filterwarnings("ignore:.*socket:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]
ignore_bad_starts = pytest.mark.filterwarnings("ignore::sk_shallow.InitializationWarning")
SHORT = {"random_state": 0, "max_iter": 6, "tol": 0}


def cluster_of(n_workers, **options):
    return distributed.LocalCluster(
        n_workers=n_workers, threads_per_worker=1, dashboard_address=":0", **options
    )


@pytest.fixture(scope="module")
def client():
    with (
        dask.config.set(SETTINGS),
        cluster_of(N_WORKERS, processes=True, silence_logs=50) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def table(large):
    """X, y and weights in memory; early stopping is on by default."""
    X, y = large
    return X, y, np.random.default_rng(1).uniform(0, 2, N_ROWS)


def on_dask(columns, chunks):
    return [da.from_array(column, chunks=(chunks, *column.shape[1:])) for column in columns]


def in_frames(X, y, lengths):
    """Data frames of these lengths."""
    frame = pd.DataFrame(X, columns=[f"x{k}" for k in range(X.shape[1])]).assign(y=y)
    ends = np.cumsum([0, *lengths])
    parts = [frame[start:end] for start, end in pairwise(ends)]
    table = dd.from_delayed([dask.delayed(part) for part in parts], meta=frame[:0])
    return table.drop(columns="y"), table["y"]


def tasks_on(dask_scheduler):
    """Those that somebody wants, or that take up memory or time."""
    return [
        f"{task.key}: {task.state}"
        for task in dask_scheduler.tasks.values()
        if task.state not in ("released", "forgotten") or task.who_wants
    ]


def assert_forgotten(client):
    """The cluster lets go of everything; it takes a moment."""
    for _ in range(200):
        left = client.run_on_scheduler(tasks_on)
        if not left:
            break
    assert not client.futures
    assert not left


@pytest.mark.parametrize("chunks", CHUNKINGS.values(), ids=CHUNKINGS)
@pytest.mark.parametrize(("activation", "held_out"), [("tanh", True), ("relu", False)])
def test_J_and_its_gradient_are_those_of_the_rows_in_memory(
    client, table, chunks, held_out, activation
):
    X, y, weight = table
    is_held_out = (np.arange(N_ROWS) % 3 == 0) & held_out
    y = y.astype(np.float64)
    cluster_X = on_cluster(client, *on_dask([X], chunks), np.float64)
    theta = np.random.default_rng(0).normal(size=n_parameters(N_FEATURES, N_HIDDEN))
    net = unflatten(theta, N_FEATURES, N_HIDDEN, ACTIVATIONS[activation])
    local, remote = (
        Objective(
            Rows(matrix, y, np.where(is_held_out, 0, weight)),
            net,
            ALPHA,
            held_out=Rows(matrix, y, np.where(is_held_out, weight, 0))
            if held_out
            else None,
        )
        for matrix in (ArrayTable(X), cluster_X)
    )
    for point in (theta, 0 * theta, 5 * theta):
        here, there = local(point), remote(point)
        assert there.loss == pytest.approx(here.loss, rel=1e-12)
        size = np.linalg.norm(here.gradient)
        assert np.linalg.norm(there.gradient - here.gradient) <= 1e-12 * size
        assert (here.held_out_loss is not None) == held_out
        if held_out:
            assert there.held_out_loss == pytest.approx(here.held_out_loss, rel=1e-12)
        else:
            assert there.held_out_loss is None
    cluster_X.close()


@pytest.mark.parametrize("chunks", CHUNKINGS.values(), ids=CHUNKINGS)
def test_the_first_iterations_are_those_in_memory_whatever_the_partitions(
    client, table, chunks
):
    X, y, weight = table
    net = ShallowNetClassifier(N_HIDDEN, **SHORT).fit(X, y, weight)
    remote = DaskShallowNetClassifier(N_HIDDEN, client=client, **SHORT)
    remote.fit(*on_dask([X, y, weight], chunks))
    # The held-out rows are the same, or these curves would differ from the start on.
    for curve in ("loss_curve_", "validation_loss_curve_"):
        np.testing.assert_allclose(getattr(remote, curve), getattr(net, curve), rtol=1e-9)
    assert remote.total_weight_ == net.total_weight_
    assert remote.n_samples_seen_ == net.n_samples_seen_


def test_a_whole_fit_ends_as_good(client, table):
    X, y, _ = table
    options = {"random_state": 0, "n_iter_no_change": 5}
    net = ShallowNetClassifier(N_HIDDEN, **options).fit(X, y)
    remote = DaskShallowNetClassifier(N_HIDDEN, client=client, **options)
    remote.fit(*on_dask([X, y], CHUNKINGS["uneven"]))
    assert net.stop_reason_ == remote.stop_reason_ == "validation"
    # The descent amplifies the last bit: into another iteration to stop at, say.
    best, remote_best = (one.validation_loss_curve_.min() for one in (net, remote))
    assert remote_best == pytest.approx(best, rel=0.005)
    p, remote_p = net.predict_proba(X), remote.predict_proba(X)
    assert log_loss(y, remote_p) == pytest.approx(log_loss(y, p), rel=0.01)


def test_the_number_of_workers_changes_no_bit(client, table):
    dask_table = on_dask(table, CHUNKINGS["many"])
    net = DaskShallowNetClassifier(N_HIDDEN, random_state=0, max_iter=3, tol=0)
    several = net.set_params(client=client).fit(*dask_table).to_local()
    with (
        cluster_of(1, processes=False, silence_logs=50) as cluster,
        distributed.Client(cluster, set_as_default=False) as alone,
    ):
        one = net.set_params(client=alone).fit(*dask_table).to_local()
    np.testing.assert_array_equal(one.coefs_[0], several.coefs_[0])
    np.testing.assert_array_equal(one.loss_curve_, several.loss_curve_)


def test_many_partitions_are_added_up_on_the_cluster(client, table, monkeypatch):
    gathered = []
    gather = ClusterTable.gathered

    def counting(self, futures):
        if futures[0].key.startswith(("partition_sums", "added_in_order")):
            gathered.append(len(futures))
        return gather(self, futures)

    monkeypatch.setattr(ClusterTable, "gathered", counting)
    monkeypatch.setattr("sk_shallow.dask.table.FAN_IN", 3)
    net = DaskShallowNetClassifier(2, max_iter=1, tol=0, random_state=0, client=client)
    net.fit(*on_dask(table, CHUNKINGS["many"]))
    assert gathered
    assert max(gathered) <= 3 < FAN_IN


@pytest.mark.parametrize(
    "parameters",
    [
        {"init": "lsuv"},
        {"init": "normal", "init_scale": 0.3},
        {"class_weight": "balanced"},
        {"solver": "gd"},
        {"n_init": 3, "n_jobs": 2},
        {"early_stopping": False},
    ],
    ids=str,
)
def test_parameters_mean_the_same(client, table, parameters):
    X, y, _ = table
    options = {**SHORT, **parameters}
    net = ShallowNetClassifier(N_HIDDEN, **options).fit(X, y)
    remote = DaskShallowNetClassifier(N_HIDDEN, client=client, **options)
    remote.fit(*on_dask([X, y], 900))
    np.testing.assert_allclose(remote.loss_curve_, net.loss_curve_, rtol=1e-9)
    np.testing.assert_allclose(remote.init_losses_, net.init_losses_, rtol=1e-9)
    assert remote.alpha_ == net.alpha_


def test_warm_start_continues(client, table):
    X, y, _ = table
    net = DaskShallowNetClassifier(
        N_HIDDEN, warm_start=True, tol=0, max_iter=5, random_state=0, client=client
    )
    first = net.fit(*on_dask([X, y], 900)).validation_loss_curve_.min()
    again = net.fit(*on_dask([X, y], 400)).validation_loss_curve_[0]
    assert again == pytest.approx(first, rel=1e-9)


def test_float32_stays_float32(client, table):
    X, y, _ = table
    X = X.astype(np.float32)
    net = ShallowNetClassifier(N_HIDDEN, random_state=0).fit(X, y)
    remote = DaskShallowNetClassifier(N_HIDDEN, client=client, **SHORT)
    remote.fit(*on_dask([X, y], 900))
    assert remote.coefs_[0].dtype == np.float32
    assert remote.predict_proba(da.from_array(X, chunks=(900, 6))).dtype == np.float32
    np.testing.assert_allclose(remote.loss_curve_[:4], net.loss_curve_[:4], rtol=1e-5)


def test_columns_of_several_types_become_what_they_become_in_memory(client, table):
    X, y, _ = table
    mixed = {"x0": np.float32, "x1": np.int8}
    frame, _ = in_frames(X, y, [1200, 1300])
    frame = frame[list(mixed)].astype(mixed)
    net = ShallowNetClassifier(3, **SHORT).fit(frame.compute(), y)
    remote = DaskShallowNetClassifier(3, client=client, **SHORT).fit(frame, y)
    assert net.coefs_[0].dtype == remote.coefs_[0].dtype == np.float32


def across_words(X):
    bytes_ = np.zeros(X.nbytes + 1, dtype=np.uint8)
    bytes_[1:] = np.frombuffer(X.tobytes(), dtype=np.uint8)
    moved = bytes_[1:].view(X.dtype).reshape(X.shape)
    assert not moved.flags.aligned
    return moved


@pytest.mark.parametrize(
    "laid_out",
    [
        across_words,
        np.asfortranarray,
        lambda X: np.repeat(X, 2, axis=1)[:, ::2],
        lambda X: X[::-1][::-1],
    ],
    ids=["across words", "columns first", "every other", "as it is"],
)
def test_partitions_are_laid_out_in_one_way(laid_out):
    X = np.arange(12.0).reshape(4, 3)
    partition = read_partition(laid_out(X), 0, "X", 3, np.float64)
    assert partition.flags.aligned
    assert partition.flags.c_contiguous
    np.testing.assert_array_equal(partition, X)


def test_sparse_partitions_become_CSR_and_weights_the_type_of_X():
    X = sparse.csc_matrix(np.eye(4, 3))
    assert read_partition(X, 0, "X", 3, np.float64).format == "csr"
    net = received(np.zeros(2 * 5 + 1), 3, ACTIVATIONS["tanh"], np.float32)
    assert (net.n_features, net.n_hidden) == (3, 2)
    for part in net.weights:
        assert part.dtype == np.float32


def test_sparse_partitions_stay_sparse(client, table):
    X, y, _ = table
    rng = np.random.default_rng(0)
    X = sparse.csr_matrix(
        rng.normal(size=(N_ROWS, 40)) * (rng.uniform(size=(N_ROWS, 40)) < 0.1)
    )
    y = (X @ np.ones(40) > 0.5).astype(int)
    blocks = [
        da.from_delayed(dask.delayed(X[start : start + 500]), (500, 40), X.dtype)
        for start in range(0, N_ROWS, 500)
    ]
    net = ShallowNetClassifier(N_HIDDEN, **SHORT).fit(X, y)
    remote = DaskShallowNetClassifier(N_HIDDEN, client=client, **SHORT)
    remote.fit(da.concatenate(blocks), y)
    np.testing.assert_allclose(remote.loss_curve_[:6], net.loss_curve_[:6], rtol=1e-9)


def test_data_frames_with_names_words_as_labels_and_empty_partitions(client, table):
    X, y, _ = table
    words = np.array(["no", "yes"])[y]
    frame, series = in_frames(X, words, [0, 1200, 0, 1300, 0])
    net = ShallowNetClassifier(N_HIDDEN, **SHORT).fit(X, y)
    remote = DaskShallowNetClassifier(N_HIDDEN, client=client, **SHORT)
    remote.fit(frame, series.to_frame(), da.ones((N_ROWS, 1), chunks=900))
    np.testing.assert_allclose(remote.loss_curve_[:6], net.loss_curve_[:6], rtol=1e-9)
    assert remote.feature_names_in_.tolist() == [f"x{k}" for k in range(6)]
    said = remote.predict(frame).compute()
    np.testing.assert_array_equal(said, remote.to_local().predict(frame.compute()))
    assert set(said) == {"no", "yes"}
    other = series.map(lambda word: "maybe" if word == "yes" else word, meta=series)
    third = dd.concat([series.partitions[:3], other.partitions[3:]])
    with pytest.raises(ValueError, match=r"^Partition 3 of X: .*3 classes"):
        remote.fit(frame, third)  # empty partitions count
    with pytest.raises(ValueError, match="feature names"):
        remote.predict(frame.rename(columns={"x0": "z"}))
    array = da.from_array(X, chunks=900)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        lazy = remote.predict(array)
    with warnings.catch_warnings():  # said once, and not again for each partition
        warnings.filterwarnings("ignore", message="Running on a single-machine scheduler")
        said = lazy.compute(scheduler="synchronous")
    np.testing.assert_array_equal(said, remote.to_local().predict(frame.compute()))


METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


@pytest.mark.parametrize("method", METHODS)
def test_all_partitions_are_predicted_from_one_copy_of_the_net(client, table, method):
    X, y, _ = table
    net = DaskShallowNetClassifier(3000, client=client, max_iter=1, random_state=0)
    net.fit(da.from_array(X, chunks=900), y)
    tasks = getattr(net, method)(da.zeros((20, 6), chunks=(1, 6))).__dask_graph__()
    size = sum(len(cloudpickle.dumps(task)) for task in dict(tasks).values())
    assert size < 5 * net.coefs_[0].nbytes


@pytest.mark.parametrize("method", METHODS)
def test_predictions_are_lazy_and_those_of_the_local_net(client, table, method):
    X, y, _ = table
    dask_X = da.from_array(X, chunks=(900, 3))  # columns apart, too
    net = DaskShallowNetClassifier(3, client=client, **SHORT).fit(dask_X, y)
    lazy = getattr(net, method)(dask_X)
    local = getattr(net.to_local(), method)(X)
    assert isinstance(lazy, da.Array)
    assert (lazy.shape, lazy.dtype, lazy.chunks[0]) == (
        local.shape,
        local.dtype,
        (900, 900, 700),
    )
    # Blocks of other rows round differently.
    compare = np.testing.assert_array_equal
    if method != "predict":
        compare = np.testing.assert_allclose
    compare(lazy.compute(), local)
    compare(getattr(net, method)(X), local)  # in memory, as in memory


def test_validation_data_are_held_out(client, table):
    X, y, weight = table
    part, rest = slice(0, 600), slice(600, None)
    net = ShallowNetClassifier(N_HIDDEN, **SHORT)
    net.fit(X[rest], y[rest], X_val=X[part], y_val=y[part], sample_weight_val=weight[part])
    remote = DaskShallowNetClassifier(N_HIDDEN, client=client, **SHORT)
    X_val, y_val, weight_val = on_dask([column[part] for column in table], 250)
    remote.fit(
        *on_dask([X[rest], y[rest]], 500),
        X_val=X_val,
        y_val=y_val,
        sample_weight_val=weight_val,
    )
    np.testing.assert_allclose(
        remote.validation_loss_curve_[:6], net.validation_loss_curve_[:6], rtol=1e-9
    )
    assert_forgotten(client)


def messages_of(fit):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit()
    return [str(w.message) for w in caught if issubclass(w.category, InitializationWarning)]


@pytest.mark.parametrize(
    "parameters",
    [
        {"init": "zeros"},
        {"init_scale": 100},
        {"alpha": 1e6},  # collapses: moments of X, and logits of all rows
        {"activation": "relu", "init_scale": 1e4},
    ],
    ids=str,
)
def test_a_bad_start_is_reported_in_the_same_words(client, table, parameters):
    X, y, _ = table
    options = {"random_state": 0, "max_iter": 15, **parameters}
    in_memory = messages_of(lambda: ShallowNetClassifier(N_HIDDEN, **options).fit(X, y))
    net = DaskShallowNetClassifier(N_HIDDEN, client=client, **options)
    assert messages_of(lambda: net.fit(*on_dask([X, y], 900))) == in_memory
    assert in_memory


def test_tasks_hold_BLAS_to_one_thread_and_leave_overflow_to_the_client():
    def overflow(X):
        return np.exp(X) - np.exp(X), threads_of_blas()

    with threadpool_limits(2, user_api="blas"):
        assert threads_of_blas() == 2
        difference, n_threads = do(np.full(3, 1e3), [], overflow)
        assert threads_of_blas() == 2
    assert np.isnan(difference).all()
    assert n_threads == 1


@ignore_bad_starts
def test_overflow_is_reported_in_the_same_words(client, table):
    X, y, _ = table
    options = {"activation": "relu", "init": "normal", "init_scale": 1e20}
    remote = DaskShallowNetClassifier(3, client=client, **options)
    with pytest.raises(ValueError, match="overflow") as error:
        ShallowNetClassifier(3, **options).fit(X * 1e300, y)
    words = re.escape(str(error.value))
    with pytest.raises(ValueError, match=f"^{words}$"):
        remote.fit(*on_dask([X * 1e300, y], 900))


def test_a_table_of_equal_rows_is_called_that(client):
    X = da.ones((40, 3), chunks=(10, 3))
    net = DaskShallowNetClassifier(2, client=client, random_state=0)
    with pytest.warns(CollapseWarning, match="X is the same in every row"):
        net.fit(X, np.arange(40) % 2)


def spoilt(X, row, value):
    X = X.copy()
    X[row, 0] = value
    return X


def with_label(y, row, label):
    y = y.astype(np.float64)
    y[row] = label
    return y


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda X, y, w: (spoilt(X, 950, np.nan), y, w), r"Partition 1 of X.*NaN"),
        (lambda X, y, w: (spoilt(X, 2499, np.inf), y, w), r"Partition 2 of X.*infinity"),
        (lambda X, y, w: (X, with_label(y, 1801, 2), w), r"Partition 2 of X.*3 classes"),
        (lambda X, y, w: (X, with_label(y, 900, np.nan), w), r"Partition 1 of X.*NaN"),
        (lambda X, y, w: (X, y, with_label(w, 3, -1)), r"Partition 0 of X.*>= 0"),
        (lambda X, y, w: (X, y, with_label(w, 901, np.inf)), r"Partition 1 of X.*infinity"),
        (
            lambda X, y, w: (X, with_label(y, 0, 2), with_label(0 * w, 901, -1)),
            r"Partition 1 of X: sample_weight",
        ),
        (lambda X, y, w: (X, y, w[:-1]), r"^sample_weight must have shape"),
        (lambda X, y, w: (X, y[:-1], w), r"inconsistent numbers of samples"),
        (lambda X, y, w: (X, 0 * y, w), r"y has one class only"),
        (lambda X, y, w: (X, y, 0 * w), r"sample_weight is zero for every row"),
    ],
)
def test_bad_data_is_named_with_its_partition_and_leaves_nothing(
    client, table, spoil, message
):
    X, y, weight = spoil(*table)
    net = DaskShallowNetClassifier(3, client=client)
    chunked = [da.from_array(X, chunks=(900, 6)), y, weight]
    with pytest.raises(ValueError, match=rf"(?s){message}"):
        net.fit(*chunked)
    assert not hasattr(net, "coefs_")
    assert_forgotten(client)


def test_a_bad_partition_of_validation_data_is_called_that(client, table):
    X, y, _ = table
    X_val, y_val = on_dask([spoilt(X, 950, np.nan), y], 900)
    net = DaskShallowNetClassifier(3, client=client)
    with pytest.raises(ValueError, match=r"Partition 1 of X_val.*NaN"):
        net.fit(*on_dask([X, y], 900), X_val=X_val, y_val=y_val)
    assert_forgotten(client)


def test_errors_of_validation_data_say_so(client, table):
    X, y, _ = table
    net = DaskShallowNetClassifier(3, client=client)
    for X_val, y_val, message in (
        (X[:, :3], y, r"^In X_val or y_val: X has 3 features"),
        (X, np.column_stack([y, y]), r"^In X_val or y_val: .*1d array"),
        (X, with_label(y, 1000, 7), r"^Partition 1 of X_val: y_val must have labels of"),
    ):
        with pytest.raises(ValueError, match=message):
            net.fit(*on_dask([X, y], 900), X_val=on_dask([X_val], 900)[0], y_val=y_val)
    assert_forgotten(client)


def test_a_missing_word_is_named(client, table):
    X, y, _ = table
    words = pd.Series(np.array(["no", "yes"])[y])
    words[950] = None
    with pytest.raises(ValueError, match=r"Partition 1 of X: Input .*contains NaN"):
        DaskShallowNetClassifier(3, client=client).fit(
            *on_dask([X], 900), dd.from_pandas(words, npartitions=2)
        )


def test_what_fails_once_may_succeed_when_it_is_tried_again(client, table, tmp_path):
    X, y, _ = table
    there = tmp_path / "there"
    X, y = on_dask([X, y], 900)
    y = y.map_blocks(only_if, there, dtype=y.dtype)
    net = DaskShallowNetClassifier(3, client=client, **SHORT)
    with pytest.raises(OSError, match="not there"):
        net.fit(X, y)
    assert_forgotten(client)
    there.touch()
    net.fit(X, y)


def only_if(block, there):
    if not there.exists():
        raise OSError("not there")
    return block


def test_what_can_be_refused_at_once_is_refused_before_anything_is_read(client, table):
    X, y, _ = table
    X, y = on_dask([X, y], 900)
    unread = X.map_blocks(pytest.fail, dtype=X.dtype, meta=X._meta)
    for error, parameters, rows in (
        (ValueError, {"alpha": -1}, {}),
        (ValueError, {}, {"X_val": unread}),
        (TypeError, {}, {"X_val": np.ones((3, 6)), "y_val": [0, 1, 0]}),
        (ValueError, {"early_stopping": False}, {"X_val": unread, "y_val": y}),
    ):
        with pytest.raises(error):
            DaskShallowNetClassifier(3, client=client, **parameters).fit(unread, y, **rows)


def test_score_is_that_in_memory(client, table):
    X, y, weight = table
    frame, series = in_frames(X, y, [1200, 1300])
    net = DaskShallowNetClassifier(3, client=client, **SHORT).fit(frame, series)
    local = net.to_local()
    assert net.score(frame, series) == local.score(frame.compute(), y)
    dask_table = on_dask([X, y, weight], 900)
    expected = pytest.approx(local.score(frame.compute(), y, weight), rel=1e-12)
    with pytest.warns(UserWarning, match="feature names"):
        assert net.score(*dask_table) == expected
    assert net.score(frame.compute(), y, weight) == expected
    assert_forgotten(client)


def test_it_is_the_client_that_is_given_or_that_of_the_task(client, table):
    dask_table = on_dask(table, 900)
    with (
        cluster_of(1, processes=False, silence_logs=50) as cluster,
        distributed.Client(cluster, set_as_default=False) as other,
    ):
        net = DaskShallowNetClassifier(2, client=other, **SHORT).fit(*dask_table)
        # One thread, which the task that fits has to leave to the tasks of the fit.
        loss = other.submit(fitted_loss, dask_table, pure=False).result(timeout=60)
    assert loss == net.loss_


def fitted_loss(dask_table):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return DaskShallowNetClassifier(2, **SHORT).fit(*dask_table).loss_


def test_clients_that_cannot_wait_and_what_is_no_client_are_refused(table):
    X, y, _ = table
    X, y = on_dask([X, y], 900)

    async def fit():
        async with distributed.Client(
            processes=False, dashboard_address=":0", asynchronous=True
        ) as client:
            DaskShallowNetClassifier(2, client=client).fit(X, y)

    with pytest.raises(ValueError, match=r"event loop.*asyncio.to_thread"):
        asyncio.run(fit())
    with pytest.raises(TypeError, match=r"client must be a distributed.Client .* got str"):
        DaskShallowNetClassifier(2, client="tcp://here").fit(X, y)


def test_a_partition_of_another_width_is_named(client):
    parts = [dask.delayed(np.ones)((5, width)) for width in (3, 3, 2)]
    X = da.concatenate([da.from_delayed(part, (5, 3), float) for part in parts])
    with pytest.raises(
        ValueError, match=r"Partition 2 of X has 2 columns, and 3 are known"
    ):
        DaskShallowNetClassifier(client=client).fit(X, np.arange(15) % 2)


def test_what_is_not_for_clusters_says_so(client, table, monkeypatch):
    X, y, _ = table
    with pytest.raises(
        TypeError, match=r"X must be a dask array.*use ShallowNetClassifier"
    ):
        DaskShallowNetClassifier(client=client).fit(X, y)
    words = r"solver='adam'.*solver='lbfgs'.*ShallowNetClassifier\.partial_fit"
    with pytest.raises(ValueError, match=words):
        DaskShallowNetClassifier(solver="adam", client=client).fit(*on_dask([X, y], 900))
    for no_table in (None, da.ones(3), dask.delayed(X), dd.from_pandas(pd.Series(y))):
        with pytest.raises(TypeError, match=r"X must be a dask array .* got \w+\.$"):
            DaskShallowNetClassifier(client=client).fit(no_table, y)
    assert not hasattr(DaskShallowNetClassifier(solver="adam"), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        DaskShallowNetClassifier(solver="adam").partial_fit(X, y)
    assert "`partial_fit`" in DaskShallowNetClassifier.__doc__
    monkeypatch.setattr("sk_shallow.dask.estimator.get_client", raise_no_client)
    with pytest.raises(ValueError, match=r"no Dask client.*set client"):
        DaskShallowNetClassifier().fit(*on_dask([X, y], 900))


@pytest.mark.skipif(
    not hasattr(ShallowNetClassifier, "set_callbacks"),
    reason="scikit-learn has callbacks from 1.9 on",
)
def test_callbacks_that_look_at_the_rows_get_an_error_that_says_why(client, table):
    net = DaskShallowNetClassifier(2, client=client, **SHORT)
    with pytest.raises(TypeError, match=r"on a Dask cluster.*ShallowNetClassifier"):
        net.set_callbacks(HiddenLayerMonitor()).fit(*on_dask(table, 900))
    assert_forgotten(client)
    counted = Counting()
    net.set_callbacks(counted).fit(*on_dask(table, 900))
    assert counted.n_iterations == net.n_iter_
    counted.lock = threading.Lock()  # which cannot travel
    net.predict(on_dask(table, 900)[0]).compute()


class Counting:
    """A callback that does not look at the rows."""

    n_iterations = 0

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context):
        self.n_iterations += context.task_name == "iteration"


def raise_no_client():
    raise ValueError("No clients found")


def test_a_fit_leaves_nothing_on_the_cluster(client, table):
    DaskShallowNetClassifier(3, client=client, **SHORT).fit(*on_dask(table, 900))
    assert_forgotten(client)


def test_clones_keep_the_client_and_pickles_do_not(client, table):
    X, y, _ = table
    net = DaskShallowNetClassifier(3, client=client, init_scale=0.5, **SHORT)
    assert clone(net).client is client
    assert clone(net).init_scale == 0.5
    net.fit(*on_dask([X, y], 900))
    back = pickle.loads(pickle.dumps(net))
    assert back.client is None
    np.testing.assert_array_equal(back.predict(X), net.predict(X))
    local = net.to_local()
    assert type(local) is ShallowNetClassifier
    assert local.get_params() == {
        name: value for name, value in net.get_params().items() if name != "client"
    }
    np.testing.assert_array_equal(local.predict(X), net.predict(X))


@ignore_bad_starts
def test_a_search_over_the_start_runs_on_the_cluster(client, cancer):
    search = GridSearchCV(
        ShallowNetClassifier(4, random_state=0), {"init_scale": [0, 0.1, 1]}, cv=3
    )
    with joblib.parallel_config(backend="dask"):
        search.fit(*cancer)
    here = clone(search).fit(*cancer)
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"],
        here.cv_results_["mean_test_score"],
        atol=0.01,
    )


def threads_of_blas():
    blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return max(library["num_threads"] for library in blas)


def test_workers_keep_their_limit_of_threads(client, table):
    before = client.run(threads_of_blas)
    DaskShallowNetClassifier(3, client=client, **SHORT).fit(*on_dask(table, 900))
    assert client.run(threads_of_blas) == before
    assert set(before.values()) == {1}  # as distributed sets it for its worker processes


def test_a_worker_that_dies_costs_no_fit_and_no_bit(client, table, monkeypatch):
    net = DaskShallowNetClassifier(
        N_HIDDEN, client=client, random_state=0, max_iter=10, tol=0
    )
    undisturbed = net.fit(*on_dask(table, 250)).to_local()
    client.wait_for_workers(N_WORKERS)
    victim = next(iter(client.run(os.getpid).values()))
    evaluated = []
    sums = ClusterSums.sums

    def sums_or_killed(self, parameters):
        evaluated.append(1)
        if len(evaluated) == 4:  # after the second iteration
            os.kill(victim, getattr(signal, "SIGKILL", signal.SIGTERM))
        return sums(self, parameters)

    monkeypatch.setattr(ClusterSums, "sums", sums_or_killed)
    disturbed = net.fit(*on_dask(table, 250)).to_local()
    client.wait_for_workers(N_WORKERS)
    assert len(evaluated) > 10
    assert victim not in client.run(os.getpid).values()
    np.testing.assert_array_equal(disturbed.coefs_[0], undisturbed.coefs_[0])
    np.testing.assert_array_equal(disturbed.loss_curve_, undisturbed.loss_curve_)


@pytest.mark.filterwarnings("ignore::sk_shallow.InitializationWarning")
@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("parameters", [{"alpha": 1e5}, {}, {"activation": "relu"}])
def test_of_sparse_partitions_the_same_is_said_as_in_memory(client, kind, parameters):
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(600, 8)) * (rng.uniform(size=(600, 8)) < 0.6) * 50
    X[:, 0] = 0  # nothing, in a csr_array that is reduced, but X[0]
    X[400:] *= 1e3  # of weight 0, as are labels of a third class
    weight = np.where(np.arange(600) < 400, 2.0, 0.0)
    y = (X.sum(axis=1) > 120).astype(int)
    y[400:] = 2
    parts = [kind(X[:100]), X[100:200], kind(X[200:500]), kind(X[500:])]
    blocks = [da.from_delayed(dask.delayed(p), p.shape, X.dtype) for p in parts]
    messages = []
    for net, table in (
        (ShallowNetClassifier(4, **parameters, random_state=0), kind(X)),
        (
            DaskShallowNetClassifier(4, **parameters, random_state=0, client=client),
            da.concatenate(blocks),
        ),
    ):
        with warnings.catch_warnings(record=True) as record:
            warnings.simplefilter("always")
            net.set_params(max_iter=3).fit(table, y, weight)
        texts = [str(w.message) for w in record]
        messages.append([re.sub(r"by \S+ over|is \S+, where", "", text) for text in texts])
        assert net.classes_.tolist() == [0, 1]
    assert messages[0] == messages[1]
    assert any("StandardScaler(with_mean=False)" in text for text in messages[1])
    for text in messages[1]:
        assert "StandardScaler)" not in text
        assert "same in every" not in text


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_validation_data_on_another_scale_are_reported(client, table, kind):
    X, y, _ = table
    for factor, n_warnings in ((1, 0), (100, 1)):
        X_val = factor * (X[:300] + 1)
        net = DaskShallowNetClassifier(N_HIDDEN, client=client, **SHORT)
        parts = [
            da.from_delayed(dask.delayed(kind(part)), part.shape, part.dtype)
            for part in (X_val[:100], X_val[100:])
        ]
        with warnings.catch_warnings(record=True) as record:
            warnings.simplefilter("always")
            net.fit(*on_dask([X], 900), y, X_val=da.concatenate(parts), y_val=y[:300])
        texts = [str(w.message) for w in record]
        assert sum("X_val is on another scale" in text for text in texts) == n_warnings


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", ["array", "frame"])
@pytest.mark.parametrize(
    "look",
    [
        inspect_hidden_layer,
        partial(inspect_hidden_layer, at_start=True),
        ActivationDisplay.from_estimator,
        HiddenUnitSimilarityDisplay.from_estimator,
        InitScaleDisplay.from_estimator,
    ],
    ids=["report", "start", "activations", "similarity", "scales"],
)
@pytest.mark.parametrize("local", [False, True])
def test_what_looks_at_a_net_pulls_no_table_into_memory(client, table, look, kind, local):
    def pulled():
        raise AssertionError("the table was computed")

    X, y, _ = table
    net = DaskShallowNetClassifier(2, client=client, max_iter=1, random_state=0)
    net.fit(*on_dask((X, y), 500))
    if local:
        net = net.to_local()
    untouched = da.from_delayed(dask.delayed(pulled)(), X.shape, X.dtype)
    if kind == "frame":
        untouched = dd.from_dask_array(untouched)
    with pytest.raises(TypeError, match=r"X must be in memory, got a Dask .*to_local\(\)"):
        look(net, untouched, y)


class Watch:
    """A callback that keeps the nets it is shown, and stops after three iterations."""

    def __init__(self):
        self.shown = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        self.shown.append(fitted_estimator)
        return context.task_name == "iteration" and context.task_id == 2


def test_a_callback_is_shown_the_whole_net_on_a_cluster_too(client, table):
    pytest.importorskip("sklearn.callback")
    watch, X = Watch(), table[0]
    net = DaskShallowNetClassifier(2, client=client, n_init=1, random_state=0)
    net.set_callbacks(watch).fit(*on_dask(table[:2], 500))
    shown = list(watch.shown)
    watch.shown.clear()
    for number, one in enumerate(shown):
        for again in (one, pickle.loads(pickle.dumps(one)), copy(one)):
            assert again.n_iter_ == len(again.loss_curve_) - 1 == min(number + 1, 3)
            assert again.stop_reason_ == "callback"
            assert again.to_local().predict(X).shape == (N_ROWS,)
    assert shown[-1].loss_ == net.loss_


class Tensor:
    """An array of another library."""

    def __init__(self, values):
        self.values = values
        self.shape, self.dtype = values.shape, values.dtype

    def __len__(self):
        return len(self.values)

    def __array__(self, *args, **kwargs):
        return np.array(self.values, *args, **kwargs)

    def __dlpack__(self, **options):
        return self.values.__dlpack__(**options)


@pytest.mark.parametrize("name", ["y", "sample_weight", "y_val", "sample_weight_val"])
def test_columns_of_other_libraries_under_dispatch_are_to_be_converted(
    client, table, monkeypatch, name
):
    X, *columns = table
    (X_parts,) = on_dask([X], 500)
    given = dict(
        zip(("y", "sample_weight", "y_val", "sample_weight_val"), 2 * columns, strict=True)
    )
    given[name] = Tensor(given[name])
    net = DaskShallowNetClassifier(2, client=client, **SHORT)
    net.fit(X_parts, X_val=X_parts, **given)
    monkeypatch.setattr(data, "get_config", lambda: {"array_api_dispatch": True})
    with pytest.raises(TypeError, match=rf"^{name} must .*Tensor: convert to NumPy, as"):
        net.fit(X_parts, X_val=X_parts, **given)
    given[name] = given[name].values
    net.fit(X_parts, X_val=X_parts, **given)


@ignore_bad_starts
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_rows_of_weight_0_may_overflow(client, table, kind):
    X, y, weight = table
    absent = np.arange(N_ROWS) % 7 == 0
    huge = np.where(absent[:, None], np.sign(X) * np.finfo(X.dtype).max, X)
    weight = np.where(absent, 0, weight)
    nets = []
    for rows in (X, huge):
        parts = [kind(rows[:1000]), kind(rows[1000:])]
        blocks = [da.from_delayed(dask.delayed(p), p.shape, X.dtype) for p in parts]
        net = DaskShallowNetClassifier(4, activation="relu", client=client, **SHORT)
        table = da.concatenate(blocks)
        nets.append(
            net.fit(table, y, weight, X_val=table, y_val=y, sample_weight_val=weight)
        )
    for curve in ("loss_curve_", "validation_loss_curve_"):
        given, padded = (getattr(net, curve) for net in nets)
        np.testing.assert_allclose(padded, given, rtol=1e-4)
