"""The held-out part is stratified, or the user's own, and is never trained on."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_shallow import ShallowNetClassifier
from sk_shallow._core.solvers import SOLVERS
from sk_shallow._core.table import ArrayTable, Rows
from sk_shallow.training.held_out import hold_out


def labelled(n_zeros, n_ones):
    y = np.repeat([0.0, 1.0], [n_zeros, n_ones])
    X = ArrayTable(np.arange(y.size, dtype=float)[:, None])
    return Rows(X, y, np.ones(y.size))


def split(rows, early_stopping=True, fraction=0.1, seed=0):
    return hold_out(rows, early_stopping, fraction, np.random.RandomState(seed))


def test_the_held_out_part_and_the_rest_are_all_rows_once():
    rows = labelled(600, 400)
    rows = rows._replace(sample_weight=np.random.default_rng(0).uniform(1, 2, 1000))
    train, held_out = split(rows)
    assert train.X is held_out.X is rows.X  # nothing is copied
    assert not (train.sample_weight * held_out.sample_weight).any()
    np.testing.assert_array_equal(
        train.sample_weight + held_out.sample_weight, rows.sample_weight
    )


@pytest.mark.parametrize(("weighted", "most_bytes"), [(False, 14), (True, 28)])
def test_the_memory_of_a_fit_grows_by_a_few_bytes_for_each_row(weighted, most_bytes):
    net = ShallowNetClassifier(4, max_iter=1, tol=0, random_state=0)
    peaks, n_rows = [], (20_000, 120_000)
    for n in n_rows:
        X = np.random.default_rng(0).standard_normal((n, 4), dtype=np.float32)
        y = X[:, 0] > 0
        weight = np.ones(n) if weighted else None
        tracemalloc.start()
        with pytest.warns(ConvergenceWarning):
            net.fit(X, y, weight)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Label, sign, weights, and the indices of a split: of X, no copy, nor of the weights
    # but one for the rows that are trained on and one for those held out.
    assert peaks[1] - peaks[0] < most_bytes * (n_rows[1] - n_rows[0])


def test_the_held_out_part_is_stratified():
    _, held_out = split(labelled(600, 400))
    counts = np.bincount(held_out.y.astype(int), weights=held_out.sample_weight)
    np.testing.assert_array_equal(counts, [60, 40])


@pytest.mark.parametrize(
    ("sizes", "held"),
    [((979, 20), False), ((980, 20), True), ((981, 19), False), ((5000, 19), False)],
)
def test_auto_holds_out_from_1000_rows_with_20_of_each_class(sizes, held):
    rows = labelled(*sizes)
    train, held_out = split(rows, early_stopping="auto")
    assert (held_out is not None) is held
    assert (train is rows) is not held


def test_rows_of_weight_0_count_as_absent():
    rows = labelled(600, 400)
    padded = Rows(
        ArrayTable(np.concatenate([rows.X.X, [[-1.0]] * 500])),
        np.concatenate([rows.y, np.ones(500)]),
        np.concatenate([rows.sample_weight, np.zeros(500)]),
    )
    for part, padded_part in zip(split(rows), split(padded), strict=True):
        weight = np.concatenate([part.sample_weight, np.zeros(500)])
        np.testing.assert_array_equal(padded_part.sample_weight, weight)
    half = labelled(999, 999)._replace(sample_weight=np.arange(1998) % 2)
    assert split(half, "auto")[1] is None  # of 999 rows


def test_a_part_of_each_class_is_rounded_up_and_drawn_anew_for_each_seed():
    rows = labelled(605, 391)
    one, other = (split(rows, seed=seed)[1].sample_weight > 0 for seed in (0, 1))
    for is_held_out in (one, other):
        assert np.bincount(rows.y[is_held_out].astype(int)).tolist() == [61, 40]
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("sizes", [(5, 1), (1, 9)])
def test_classes_too_small_to_split_are_an_error_that_says_what_to_set(sizes):
    with pytest.raises(
        ValueError, match=rf"{sizes[0]} and {sizes[1]} rows.*early_stopping=False"
    ):
        split(labelled(*sizes))


# --- Validation data that the user gives --------------------------------------------------


@pytest.fixture(scope="module")
def tables(large):
    """X, y, X_val, y_val."""
    X, y = large
    return X[:800], y[:800], X[800:1200], y[800:1200]


@pytest.fixture
def net():
    return ShallowNetClassifier(8, random_state=0)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("early_stopping", ["auto", True])
def test_validation_data_are_what_early_stopping_goes_by(
    tables, net, solver, early_stopping
):
    X, y, X_val, y_val = tables
    net.set_params(solver=solver, early_stopping=early_stopping, max_iter=200)
    net.fit(X, y, X_val=X_val, y_val=y_val)
    assert net.best_iteration_ == np.argmin(net.validation_loss_curve_)
    expected = log_loss(y_val, net.predict_proba(X_val))
    assert net.validation_loss_curve_[net.best_iteration_] == pytest.approx(expected)
    assert net.n_samples_seen_ == 800  # all of X, and nothing else


def test_validation_data_may_be_the_rows_of_X_with_other_labels(tables, net):
    X, y, _, _ = tables
    other_y = np.where(np.arange(len(y)) % 5, y, 1 - y)
    net.fit(X, y, X_val=X, y_val=other_y)
    expected = log_loss(other_y, net.predict_proba(X))
    assert net.validation_loss_curve_[net.best_iteration_] == pytest.approx(expected)


def test_validation_data_are_weighted(tables, net):
    X, y, X_val, y_val = tables
    weight = np.random.default_rng(0).uniform(0, 3, len(y_val))
    net.set_params(class_weight={0: 0.5, 1: 4.0})
    net.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
    by_class = np.where(y_val == 1, 4.0, 0.5)
    expected = log_loss(y_val, net.predict_proba(X_val), sample_weight=weight * by_class)
    assert net.validation_loss_curve_[net.best_iteration_] == pytest.approx(expected)


def test_balanced_weights_are_those_of_the_training_rows(tables, net):
    X, y, X_val, y_val = tables
    few = np.concatenate([np.flatnonzero(y_val == 0), np.flatnonzero(y_val == 1)[:20]])
    net.set_params(class_weight="balanced").fit(X, y, X_val=X_val[few], y_val=y_val[few])
    by_class = len(y) / (2 * np.bincount(y))
    expected = log_loss(
        y_val[few], net.predict_proba(X_val[few]), sample_weight=by_class[y_val[few]]
    )
    assert net.validation_loss_curve_[net.best_iteration_] == pytest.approx(expected)


@pytest.mark.parametrize("labels", [["no", "yes"], [True, False], [-1, 1]])
def test_validation_labels_are_of_any_kind(tables, net, labels):
    X, y, X_val, y_val = tables
    reference = net.fit(X, y, X_val=X_val, y_val=y_val).coefs_[0]
    first_is_class_0 = np.array_equal(np.unique(labels), labels)
    named = net.fit(X, np.array(labels)[y], X_val=X_val, y_val=np.array(labels)[y_val])
    if first_is_class_0:
        np.testing.assert_array_equal(named.coefs_[0], reference)
    assert named.score(X_val, np.array(labels)[y_val]) > 0.75


@pytest.mark.parametrize("kind", [sparse.csr_matrix, pd.DataFrame, np.float32])
def test_validation_data_are_of_any_kind(tables, net, kind):
    X, y, X_val, y_val = tables
    net.fit(kind(X), y, X_val=kind(X_val), y_val=y_val)
    expected = log_loss(y_val, net.predict_proba(kind(X_val)))
    best = net.validation_loss_curve_[net.best_iteration_]
    assert best == pytest.approx(expected, rel=1e-5)


def test_a_pipeline_transforms_validation_data_too(tables, net):
    X, y, X_val, y_val = tables
    X, X_val = 100 * X + 7, 100 * X_val + 7
    with sklearn.config_context(enable_metadata_routing=True):
        net.set_fit_request(X_val=True, y_val=True, sample_weight_val=True)
        pipeline = Pipeline(
            [("scale", StandardScaler()), ("net", net)], transform_input=["X_val"]
        )
        weight = np.ones(len(y_val))
        pipeline.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
    scaler = StandardScaler().fit(X)
    direct = ShallowNetClassifier(8, random_state=0).fit(
        scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val
    )
    np.testing.assert_array_equal(pipeline[-1].coefs_[0], direct.coefs_[0])


def test_a_grid_search_routes_validation_data(tables, net):
    X, y, X_val, y_val = tables
    with sklearn.config_context(enable_metadata_routing=True):
        net.set_fit_request(X_val=True, y_val=True)
        search = GridSearchCV(net, {"alpha": [1, 5]}, cv=2, error_score="raise")
        search.fit(X, y, X_val=X_val, y_val=y_val)
    assert search.best_estimator_.n_samples_seen_ == 800


def test_a_pipeline_without_routing_passes_validation_data_on_by_the_name_of_the_step(
    tables, net
):
    X, y, X_val, y_val = tables
    named = {"shallownetclassifier__X_val": X_val, "shallownetclassifier__y_val": y_val}
    passed = make_pipeline(net).fit(X, y, **named)
    assert passed[-1].n_samples_seen_ == 800


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ({"y_val": None}, "X_val and y_val belong together, and y_val is None"),
        ({"X_val": None}, "X_val and y_val belong together, and X_val is None"),
        (
            {"X_val": None, "y_val": None, "sample_weight_val": [1.0]},
            "X_val and y_val belong together",
        ),
        ({"X_val": np.ones((400, 5))}, "In X_val or y_val: X has 5 features.*expecting 6"),
        ({"X_val": np.full((400, 6), np.nan)}, "In X_val or y_val: .*NaN"),
        ({"X_val": np.ones((399, 6))}, "In X_val or y_val: .*inconsistent"),
        ({"y_val": np.full(400, 2)}, r"y_val must have labels of \[0, 1\] only, got 2"),
        ({"y_val": np.tile([0, 1.5], 200)}, "continuous"),
        ({"y_val": np.tile(["0", "1"], 200)}, r"labels of \[0, 1\] only, got '0', '1'"),
        ({"y_val": np.zeros(400, int)}, "y_val has no row of class 1"),
        ({"sample_weight_val": np.zeros(400)}, "sample_weight_val is zero for every row"),
        ({"sample_weight_val": np.ones(3)}, r"sample_weight_val must have shape.*\(3,\)"),
        ({"sample_weight_val": np.full(400, -1)}, "sample_weight_val must be >= 0"),
    ],
)
def test_what_cannot_be_held_out(tables, net, spoil, message):
    X, y, X_val, y_val = tables
    with pytest.raises(ValueError, match=message):
        net.fit(X, y, **{"X_val": X_val, "y_val": y_val, **spoil})
    assert not hasattr(net, "n_features_in_")


@pytest.mark.parametrize("n_init", [1, 2])
def test_held_out_rows_that_overflow_are_an_error_and_not_the_end_of_training(
    tables, net, n_init
):
    X, y, X_val, y_val = tables
    X_val = X_val.copy()
    X_val[3] = 1e308
    net.set_params(activation="relu", n_init=n_init)
    with pytest.raises(ValueError, match=r"held-out log-loss is not finite at .*X_val"):
        net.fit(X, y, X_val=X_val, y_val=y_val)
    with pytest.raises(ValueError, match=r"sample_weight_val .* infinity"):
        net.fit(X, y, X_val=X, y_val=y, sample_weight_val=np.full(len(y), 1e308))


def test_validation_data_are_judged_in_the_precision_of_the_net(tables, net):
    X, y, X_val, y_val = tables
    net.fit(X.astype(np.float32), y, X_val=X_val, y_val=y_val)
    double = net.validation_loss_curve_
    net.fit(X.astype(np.float32), y, X_val=X_val.astype(np.float32), y_val=y_val)
    np.testing.assert_array_equal(net.validation_loss_curve_, double)


def test_weights_may_not_leave_out_a_class_of_the_validation_data(tables, net):
    X, y, X_val, y_val = tables
    with pytest.raises(ValueError, match=r"no row of class 0 \(of weight > 0\)"):
        net.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=y_val)


@pytest.mark.parametrize("off", [False, np.False_])
def test_validation_data_need_early_stopping(tables, net, off):
    X, y, X_val, y_val = tables
    net.set_params(early_stopping=off)
    with pytest.raises(ValueError, match="early_stopping='auto' or True, or leave them"):
        net.fit(X, y, X_val=X_val, y_val=y_val)
