"""The estimator goes wherever LogisticRegression goes."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier, StackingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import DecisionBoundaryDisplay, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, brier_score_loss
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_validate,
    train_test_split,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from sk_shallow import ShallowNetClassifier, ShallowNetClassifierCV

mpl.use("Agg")  # there is no screen
ignore_bad_starts = pytest.mark.filterwarnings("ignore::sk_shallow.InitializationWarning")


def laplace(rng, shape):
    """A start of the user's own; at module level, as pickling it needs."""
    return rng.laplace(size=shape)


@pytest.fixture
def net():
    return ShallowNetClassifier(8, random_state=0)


@pytest.fixture(params=["one net", "average"])
def either(request, net):
    """A net, or the average of those of two folds."""
    if request.param == "one net":
        return net
    return ShallowNetClassifierCV(8, alphas=[2.0, 1.0], cv=2, random_state=0)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"init": laplace, "init_scale": 0.1},
        {"class_weight": {0: 2, 1: 1}},
        {"alpha": 3},
    ],
)
def test_clone_keeps_every_parameter(parameters):
    original = ShallowNetClassifier(5, **parameters)
    copy = clone(original)
    assert copy is not original
    assert copy.get_params() == original.get_params()


@ignore_bad_starts
def test_grid_search_over_the_start_in_a_pipeline(raw_cancer):
    grid = {
        "shallownetclassifier__init": ["glorot_uniform", "zeros", laplace],
        "shallownetclassifier__init_scale": [0, 1e-3, 1],
    }
    pipeline = make_pipeline(StandardScaler(), ShallowNetClassifier(4, random_state=0))
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2, scoring="neg_log_loss")
    search.fit(*raw_cancer)
    assert search.best_params_["shallownetclassifier__init"] != "zeros"
    assert search.best_params_["shallownetclassifier__init_scale"] > 0
    results = pd.DataFrame(search.cv_results_)
    trapped = (results["param_shallownetclassifier__init"] == "zeros") | (
        results["param_shallownetclassifier__init_scale"] == 0
    )
    # The class frequency, the best that a constant can do, has a log-loss of 0.66.
    np.testing.assert_allclose(-results["mean_test_score"][trapped], 0.66, atol=0.01)
    assert (-results["mean_test_score"][~trapped] < 0.12).all()


@ignore_bad_starts
def test_parallel_and_serial_search_find_the_same(cancer, net):
    serial, parallel = (
        GridSearchCV(net, {"init_scale": [0.1, 1, 10]}, cv=3, n_jobs=n_jobs).fit(*cancer)
        for n_jobs in (None, 2)
    )
    np.testing.assert_allclose(
        serial.cv_results_["mean_test_score"],
        parallel.cv_results_["mean_test_score"],
        atol=0.01,
    )


@ignore_bad_starts
def test_random_search_over_a_log_uniform_scale(cancer, net):
    search = RandomizedSearchCV(
        net, {"init_scale": loguniform(1e-3, 1e1)}, n_iter=4, cv=2, random_state=0
    )
    assert search.fit(*cancer).best_score_ > 0.95


@ignore_bad_starts
def test_a_halving_search_leaves_the_zero_start_behind(cancer, net):
    search = HalvingGridSearchCV(
        net, {"init_scale": [0, 0.01, 1]}, cv=2, scoring="neg_log_loss", random_state=0
    ).fit(*cancer)
    assert search.best_params_["init_scale"] > 0
    assert max(search.n_resources_) > min(search.n_resources_)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration_mends_an_overconfident_net(circles, method):
    X, y = circles(n_samples=600)
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    net = ShallowNetClassifier(32, alpha=0, early_stopping=False, random_state=0)
    X_train, y_train = X_train[:150], y_train[:150]
    calibrated = CalibratedClassifierCV(make_pipeline(StandardScaler(), net), method=method)
    losses = [
        brier_score_loss(y_test, model.fit(X_train, y_train).predict_proba(X_test)[:, 1])
        for model in (make_pipeline(StandardScaler(), net), calibrated)
    ]
    assert losses[1] < losses[0]


def test_a_tuned_threshold_serves_the_rare_class(large):
    X, y = large
    rare = (y == 0) | (np.arange(len(y)) % 10 == 0)
    X, y = X[rare], y[rare]
    net = ShallowNetClassifier(8, random_state=0)
    tuned = TunedThresholdClassifierCV(net, scoring="balanced_accuracy", cv=3)
    plain, better = (
        balanced_accuracy_score(y, model.fit(X, y).predict(X)) for model in (net, tuned)
    )
    assert tuned.best_threshold_ < 0.5
    assert better > plain + 0.1


def test_permutation_importance_finds_the_columns_that_matter(large, either):
    X, y = large  # y depends on columns 0 and 1 of 6
    importance = permutation_importance(
        either.fit(X, y), X, y, scoring="neg_log_loss", random_state=0
    ).importances_mean
    assert set(np.argsort(importance)[-2:]) == {0, 1}
    assert importance[:2].min() > 10 * abs(importance[2:]).max()


@pytest.mark.parametrize("response", ["predict_proba", "decision_function", "predict"])
def test_a_decision_boundary_is_drawn(circles, either, response):
    X, y = circles()
    display = DecisionBoundaryDisplay.from_estimator(
        either.fit(X, y), X, response_method=response, grid_resolution=20
    )
    middle, corner = display.response[10, 10], display.response[0, 0]
    assert middle > corner  # class 1 is the inner circle


def test_stacking_upon_logistic_regression(circles, either):
    X, y = circles(n_samples=400)
    line = LogisticRegression()
    stack = StackingClassifier([("line", line), ("net", either)], cv=3).fit(X, y)
    assert stack.score(X, y) > 0.9 > 0.6 > line.fit(X, y).score(X, y)


def test_self_training_labels_rows_by_itself(cancer, either):
    X, y = cancer
    known = np.arange(len(y)) < 60
    model = SelfTrainingClassifier(either).fit(X, np.where(known, y, -1))
    by_itself = model.labeled_iter_ > 0
    assert by_itself.sum() > 400
    assert (model.transduction_ == y)[by_itself].mean() > 0.8


def test_one_versus_rest_makes_three_classes(either):
    X, y = load_iris(return_X_y=True)
    model = make_pipeline(StandardScaler(), OneVsRestClassifier(either)).fit(X, y)
    assert model.score(X, y) > 0.95
    assert model.predict_proba(X).shape == (150, 3)


def test_bagging(cancer, either):
    assert BaggingClassifier(either, 3, random_state=0).fit(*cancer).score(*cancer) > 0.95


def test_cross_validation_gives_all_scores(cancer, either):
    result = cross_validate(
        either, *cancer, cv=3, scoring=["roc_auc", "neg_log_loss", "accuracy"]
    )
    assert (result["test_roc_auc"] > 0.97).all()


def test_sample_weight_is_routed_through_a_pipeline(cancer):
    X, y = cancer
    weight = np.where(y == 1, 10.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        net = ShallowNetClassifier(4, random_state=0).set_fit_request(sample_weight=True)
        net.set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        routed = make_pipeline(scaler, net).fit(X, y, sample_weight=weight)
        search = GridSearchCV(net, {"alpha": [1, 5]}, cv=2)
        search.fit(X, y, sample_weight=weight)
    direct = ShallowNetClassifier(4, random_state=0).fit(
        StandardScaler().fit_transform(X), y, sample_weight=weight
    )
    np.testing.assert_array_equal(routed[-1].coefs_[0], direct.coefs_[0])
    best = clone(search.best_estimator_).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(search.best_estimator_.coefs_[0], best.coefs_[0])


def version(package):
    return tuple(map(int, package.__version__.split(".")[:2]))


def pandas_frame(X, names):
    return pd.DataFrame(X, columns=names)


def polars_frame(X, names):
    if version(pl) >= (2, 0) and version(sklearn) < (1, 9):
        pytest.skip("scikit-learn reads the column names of polars 2 from 1.9 on")
    return pl.DataFrame(X, schema=names)


@pytest.mark.parametrize("frame", [pandas_frame, polars_frame])
@pytest.mark.parametrize("series", [pd.Series, pl.Series, list, tuple])
def test_data_frames_and_series(cancer, either, frame, series):
    X, y = cancer
    names = [f"column {k}" for k in range(X.shape[1])]
    labels = np.array(["benign", "malignant"])[y].tolist()
    table = frame(X, names)
    either.fit(table, series(labels))
    np.testing.assert_array_equal(either.feature_names_in_, names)
    np.testing.assert_array_equal(
        either.decision_function(table),
        clone(either).fit(table, labels).decision_function(table),
    )
    assert set(either.predict(table)) == {"benign", "malignant"}
    with pytest.raises(ValueError, match="feature names"):
        either.predict(frame(X, names[::-1]))


@pytest.mark.parametrize(
    "y",
    [
        lambda y: pd.Series(y).astype("category"),
        lambda y: pd.Series(y == 1, dtype="boolean"),
        lambda y: pd.Series(np.where(y == 1, "yes", "no"), dtype="string"),
        lambda y: pd.Series(y, dtype="Int64"),
    ],
    ids=["category", "boolean", "string", "Int64"],
)
def test_the_label_types_of_pandas(cancer, either, y):
    X, labels = cancer
    assert either.fit(X, y(labels)).score(X, y(labels)) > 0.97


def test_lists_of_numbers(net):
    X = [[0.0, 1.0], [1.0, 0.0], [0.2, 1.0], [1.0, 0.1]] * 5
    assert (
        net.set_params(alpha=0.1).fit(X, [0, 1, 0, 1] * 5).score(X, [0, 1, 0, 1] * 5) == 1
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_read_only_memory_map_is_read_and_never_written(cancer, either, tmp_path, dtype):
    X, y = cancer
    path = tmp_path / "X.npy"
    np.save(path, X.astype(dtype))
    before = path.read_bytes()
    mapped = np.load(path, mmap_mode="r")
    either.fit(mapped, y)
    np.testing.assert_array_equal(
        either.predict_proba(mapped),
        clone(either).fit(X.astype(dtype), y).predict_proba(mapped),
    )
    assert path.read_bytes() == before


def test_neither_X_nor_y_nor_weights_are_changed(large):
    X, y = large
    weight = np.ones(len(y))
    copies = X.copy(), y.copy(), weight.copy()
    net = ShallowNetClassifier(4, random_state=0, class_weight="balanced")
    net.fit(X, y, sample_weight=weight).predict_proba(X)
    for array, copy in zip((X, y, weight), copies, strict=True):
        np.testing.assert_array_equal(array, copy)
