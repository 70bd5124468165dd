"""A monitor records the hidden layer of every iteration, as a report would tell it."""

import pickle
from importlib.util import find_spec

import numpy as np
import pandas as pd
import polars as pl
import pytest
from joblib import parallel_backend
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_shallow import ShallowNetClassifier
from sk_shallow._core.solvers import SOLVERS
from sk_shallow.inspection import HiddenLayerMonitor, inspect_hidden_layer

needs_callbacks = pytest.mark.skipif(
    find_spec("sklearn.callback") is None,
    reason="scikit-learn has callbacks from 1.9 on",
)
ignore_warnings = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::sk_shallow.InitializationWarning",
)


def watched(table, **parameters):
    monitor = HiddenLayerMonitor()
    net = ShallowNetClassifier(4, random_state=0, **{"n_init": 1, **parameters})
    net.set_callbacks(monitor)
    return net.fit(*table), monitor


@needs_callbacks
@ignore_warnings
@pytest.mark.parametrize("solver", SOLVERS)
def test_there_is_a_record_of_the_start_and_of_every_iteration(cancer, solver):
    net, monitor = watched(cancer, solver=solver, max_iter=6)
    columns = monitor.to_dict()
    np.testing.assert_array_equal(columns["iteration"], range(net.n_iter_ + 1))
    assert set(columns["fit"]) == set(columns["start"]) == {0}


@needs_callbacks
@ignore_warnings
def test_the_first_and_the_last_record_are_those_of_reports(cancer):
    X, y = cancer
    weight = np.random.default_rng(0).uniform(0, 2, len(y))
    monitor = HiddenLayerMonitor()
    net = ShallowNetClassifier(4, n_init=1, random_state=0, alpha=2.0).set_callbacks(
        monitor
    )
    net.fit(X, y, sample_weight=weight)
    for record, at_start in ((monitor.records[0], True), (monitor.records[-1], False)):
        report = inspect_hidden_layer(net, X, y, sample_weight=weight, at_start=at_start)
        assert record["n_distinct"] == report.n_distinct
        assert record["effective_rank"] == pytest.approx(report.effective_rank)
        assert record["saturated_share"] == pytest.approx(report.saturated_share.mean())
        assert record["gradient_hidden"] == pytest.approx(report.gradient_norms["hidden"])
        assert record["gradient_output"] == pytest.approx(report.gradient_norms["output"])
    assert monitor.records[0]["gradient_hidden"] > monitor.records[-1]["gradient_hidden"]


@needs_callbacks
@ignore_warnings
def test_updates_are_relative_to_the_weights_before(cancer):
    # Plain gradient descent without penalty: the update is rate x gradient.
    options = {"solver": "gd", "learning_rate": 0.1, "alpha": 0}
    _, monitor = watched(cancer, max_iter=3, **options)
    start = ShallowNetClassifier(
        4, n_init=1, random_state=0, max_iter=1, solver="gd", alpha=0
    )
    nets = [start.set_params(learning_rate=1e-300).fit(*cancer)]
    nets += [watched(cancer, max_iter=k, **options)[0] for k in (1, 2, 3)]
    assert np.isnan(monitor.records[0]["update_hidden"])
    for before, record in zip(nets, monitor.records[1:], strict=False):
        for layer, step in enumerate(gradients_of_weights(before, *cancer)):
            expected = 0.1 * np.linalg.norm(step) / np.linalg.norm(before.coefs_[layer])
            update = record["update_output" if layer else "update_hidden"]
            assert update == pytest.approx(expected, rel=1e-6)


def gradients_of_weights(net, X, y):
    (W1, W2), (b1, b2) = net.coefs_, net.intercepts_
    A1 = np.tanh(X @ W1 + b1)
    residual = 1 / (1 + np.exp(-(A1 @ W2[:, 0] + b2))) - y
    hidden = X.T @ (residual[:, None] * W2[:, 0] * (1 - A1**2)) / len(y)
    return hidden, A1.T @ residual / len(y)


@needs_callbacks
@ignore_warnings
def test_a_training_that_ends_at_its_start_has_a_record_of_it(cancer):
    X, y = cancer
    balanced = np.r_[np.flatnonzero(y)[:200], np.flatnonzero(y == 0)[:200]]
    for n_init in (1, 2):
        _, monitor = watched((X[balanced], y[balanced]), init="zeros", n_init=n_init)
        columns = monitor.to_dict()
        np.testing.assert_array_equal(columns["start"], range(n_init))
        assert set(columns["iteration"]) == {0}
        assert set(columns["n_distinct"]) == {1}


@needs_callbacks
@ignore_warnings
def test_dead_units_and_the_tolerance_are_those_of_the_report(cancer):
    init = (np.c_[np.zeros((30, 2)), np.eye(30)[:, :2]], [-1, -2, 0, 0], np.ones(4), 0)
    _, monitor = watched(cancer, activation="relu", init=init, max_iter=1)
    assert monitor.records[0]["n_dead"] == 2
    rough = HiddenLayerMonitor(tol=10)
    ShallowNetClassifier(4, n_init=1, random_state=0, max_iter=1).set_callbacks(rough).fit(
        *cancer
    )
    assert rough.records[0]["n_distinct"] == 1
    with pytest.raises(ValueError, match="tol must be"):
        HiddenLayerMonitor(tol=-1)


@needs_callbacks
@ignore_warnings
def test_fits_in_threads_are_kept_apart(cancer):
    def counts(monitor, **options):
        net = ShallowNetClassifier(4, n_init=1, random_state=0, max_iter=15).set_callbacks(
            monitor
        )
        with parallel_backend("threading"):
            cross_val_score(net, *cancer, cv=4, **options)
        table = pd.DataFrame(monitor.to_dict()).sort_values(["fit", "iteration"])
        updates = table.groupby("fit")["update_hidden"].agg(lambda one: tuple(one[1:]))
        return set(updates)

    one_by_one, side_by_side = HiddenLayerMonitor(), HiddenLayerMonitor()
    assert counts(one_by_one) == counts(side_by_side, n_jobs=2)
    assert not side_by_side._watches  # nothing is kept of fits that have ended
    pickle.loads(pickle.dumps(side_by_side))


@needs_callbacks
@ignore_warnings
def test_a_symmetric_start_stays_symmetric_iteration_by_iteration(cancer):
    _, monitor = watched(cancer, init="constant", max_iter=10)
    assert set(monitor.to_dict()["n_distinct"]) == {1}
    _, monitor = watched(cancer, max_iter=10)
    assert set(monitor.to_dict()["n_distinct"]) == {4}


@needs_callbacks
@ignore_warnings
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_fits_and_starts_are_kept_apart(cancer, n_jobs):
    monitor = HiddenLayerMonitor()
    net = ShallowNetClassifier(4, n_init=2, n_jobs=n_jobs, random_state=0, max_iter=3)
    net.set_callbacks(monitor).fit(*cancer)
    net.fit(*cancer)
    table = pd.DataFrame(monitor.to_dict())
    counts = table.groupby(["fit", "start"])["iteration"].agg(list)
    assert counts.to_dict() == {
        (fit, start): [0, 1, 2, 3] for fit in (0, 1) for start in (0, 1)
    }
    first, second = (
        table[table["fit"] == fit].sort_values(["start", "iteration"]) for fit in (0, 1)
    )
    np.testing.assert_array_equal(first["update_hidden"], second["update_hidden"])


@needs_callbacks
@ignore_warnings
def test_in_a_pipeline_and_in_cross_validation(raw_cancer):
    monitor = HiddenLayerMonitor()
    net = ShallowNetClassifier(4, n_init=1, random_state=0, max_iter=3).set_callbacks(
        monitor
    )
    cross_val_score(make_pipeline(StandardScaler(), net), *raw_cancer, cv=2)
    assert set(monitor.to_dict()["fit"]) == {0, 1}


@needs_callbacks
@ignore_warnings
@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_the_records_become_a_data_frame(cancer, frame):
    _, monitor = watched(cancer, max_iter=3)
    assert frame(monitor.to_dict()).shape == (4, 11)
    assert frame(monitor.records).shape == (4, 11)
    assert HiddenLayerMonitor().to_dict() == {}


@needs_callbacks
@ignore_warnings
def test_watching_changes_no_bit(cancer):
    net, _ = watched(cancer, max_iter=20)
    alone = ShallowNetClassifier(4, n_init=1, random_state=0, max_iter=20).fit(*cancer)
    np.testing.assert_array_equal(net.coefs_[0], alone.coefs_[0])


@needs_callbacks
def test_what_is_no_net_is_not_watched(cancer):
    net = make_pipeline(StandardScaler(), ShallowNetClassifier(4, n_init=1))
    net.set_callbacks(HiddenLayerMonitor())
    with pytest.raises(TypeError, match=r"got Pipeline.*net\.set_callbacks\(monitor\)"):
        net.fit(*cancer)


def test_without_callbacks_the_error_names_the_version(monkeypatch):
    monkeypatch.setattr("sk_shallow.inspection.monitors.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"scikit-learn 1\.9 or later; this is"):
        HiddenLayerMonitor()
