"""The net and the line meet on the same folds, and the verdict is right where one knows."""

import doctest
import pickle

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from joblib import parallel_config
from matplotlib import pyplot as plt
from matplotlib.text import Text
from scipy import sparse, stats
from sklearn.base import clone
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, RidgeClassifier
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    PredefinedSplit,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    cross_validate,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, SplineTransformer, StandardScaler
from threadpoolctl import threadpool_info, threadpool_limits

from sk_shallow import CollapseWarning, ShallowNetClassifier, ShallowNetClassifierCV
from sk_shallow.advice.comparison import Difference, comparison_verdict
from sk_shallow.inspection import (
    ComparisonDisplay,
    LogisticRegressionComparison,
    compare_with_logistic_regression,
    comparison,
    displays,
)
from sk_shallow.inspection.displays.comparison import apart
from sk_shallow.inspection.plans import default_line, plan_comparison

METRICS = ["log-loss", "Brier", "AUC", "accuracy"]


@pytest.fixture(autouse=True)
def _no_screen():
    mpl.use("Agg")
    yield
    plt.close("all")


@pytest.fixture
def net():
    return ShallowNetClassifier(4, n_init=1, random_state=0)


@pytest.fixture
def small_cv():
    return ShallowNetClassifierCV(4, alphas=[1.0, 0.1], cv=2, random_state=0)


@pytest.fixture(scope="module")
def table():
    """Three columns, one of which acts by its square; 120 rows."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((120, 3))
    p = 1 / (1 + np.exp(-2 * (X[:, 0] ** 2 - 1) - X[:, 1]))
    return X, (rng.uniform(size=120) < p).astype(int)


def compared(net, table, **arguments):
    return compare_with_logistic_regression(net, *table, random_state=0, **arguments)


def same(one, other):
    """Whether two reports have the same numbers, to the bit."""
    for metric in METRICS:
        for name in ("net", "line", "prior"):
            np.testing.assert_array_equal(
                one.scores[metric][name], other.scores[metric][name]
            )
    for name in ("net", "line", "prior"):
        np.testing.assert_array_equal(one.probabilities[name], other.probabilities[name])
    assert one.difference == other.difference


# --- The report ---------------------------------------------------------------------------


def test_a_report_has_the_scores_of_three_models_on_each_fold(net, table):
    report = compared(net, table, cv=3)
    assert isinstance(report, LogisticRegressionComparison)
    assert list(report.scores) == METRICS
    for by_model in (*report.scores.values(), report.fit_times):
        assert list(by_model) == ["net", "line", "prior"]
        assert all(values.shape == (3,) for values in by_model.values())
    assert all(p.shape == (120,) for p in report.probabilities.values())
    assert {name: len(fitted) for name, fitted in report.estimators.items()} == {
        "net": 3,
        "line": 3,
    }
    assert report.difference._fields == ("mean", "low", "high")
    assert report.difference[0] == report.difference.mean
    np.testing.assert_array_equal(report.y, table[1] == 1)
    assert (report.n_rows, report.n_columns, report.n_folds) == (120, 3, 3)
    assert report.sample_weight is None


def test_the_scores_are_those_of_cross_validate(net, table):
    model = make_pipeline(StandardScaler(), net)
    report = compared(model, table, cv=4)
    folds = StratifiedKFold(4, shuffle=True, random_state=0)
    line = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    scorers = ["neg_log_loss", "neg_brier_score", "roc_auc", "accuracy"]
    for name, one in (("net", model), ("line", line)):
        expected = cross_validate(one, *table, cv=folds, scoring=scorers)
        for metric, scorer in zip(METRICS, scorers, strict=True):
            np.testing.assert_allclose(
                report.scores[metric][name], np.abs(expected[f"test_{scorer}"]), rtol=1e-12
            )


def test_the_same_model_twice_makes_no_difference_at_all(net, table):
    report = compared(net, table, line=clone(net))
    assert report.difference == (0, 0, 0)
    assert report.winner is None
    assert report.verdict == "No difference that five folds can show: take the line."
    np.testing.assert_array_equal(report.probabilities["net"], report.probabilities["line"])


def test_probabilities_are_of_fold_estimators_that_have_not_seen_the_row(net, table):
    X, y = table
    fold = np.arange(120) % 3
    report = compared(net, table, cv=PredefinedSplit(fold))
    for name, fitted in report.estimators.items():
        for k, one in enumerate(fitted):
            np.testing.assert_array_equal(
                report.probabilities[name][fold == k], one.predict_proba(X[fold == k])[:, 1]
            )
    again = clone(net).fit(X[fold != 0], y[fold != 0])
    np.testing.assert_array_equal(again.coefs_[0], report.estimators["net"][0].coefs_[0])
    share = [y[fold != k].mean() for k in fold]
    np.testing.assert_allclose(report.probabilities["prior"], share)


def test_rows_in_several_test_folds_have_the_mean_and_those_in_none_have_nan(net, table):
    X, _ = table
    all_rows = np.arange(120)
    tests = [np.arange(0, 40), np.arange(20, 60)]
    splits = [(np.setdiff1d(all_rows, test), test) for test in tests]
    report = compared(net, table, cv=splits)
    for name, fitted in report.estimators.items():
        p = report.probabilities[name]
        both = [one.predict_proba(X[20:40])[:, 1] for one in fitted]
        np.testing.assert_allclose(p[20:40], np.mean(both, axis=0))
        assert np.isnan(p[60:]).all()
        assert not np.isnan(p[:60]).any()
    as_masks = [tuple(np.isin(all_rows, rows) for rows in split) for split in splits]
    same(report, compared(net, table, cv=as_masks))


@pytest.mark.parametrize(
    ("cv", "n_folds"), [(4, 4), (RepeatedStratifiedKFold(n_splits=3, n_repeats=4), 12)]
)
def test_the_interval_is_that_of_nadeau_and_bengio(table, cv, n_folds):
    # The splits are kept, as a splitter without a seed draws others each time.
    splits = list(cv.split(*table)) if not isinstance(cv, int) else cv
    line = LogisticRegression(C=0.1)
    report = compared(ShallowNetClassifier(2, n_init=1), table, cv=splits, line=line)
    losses = report.scores["log-loss"]
    each = losses["net"] - losses["line"]
    n_test = 120 / (4 if isinstance(cv, int) else 3)
    variance = each.var(ddof=1) * (1 / n_folds + n_test / (120 - n_test))
    half = stats.t(n_folds - 1).ppf(0.975) * np.sqrt(variance)
    expected = (each.mean(), each.mean() - half, each.mean() + half)
    np.testing.assert_allclose(report.difference, expected, rtol=1e-12)


def test_folds_of_different_sizes_count_by_their_mean_ratio(net, table):
    rows = np.arange(120)
    splits = [(rows[rows % 4 != 0], rows[::4]), (rows[rows % 3 != 0], rows[::3])]
    report = compared(net, table, cv=splits)
    losses = report.scores["log-loss"]
    each = losses["net"] - losses["line"]
    ratio = (30 / 90 + 40 / 80) / 2
    half = stats.t(1).ppf(0.975) * each.std(ddof=1) * np.sqrt(1 / 2 + ratio)
    assert report.difference.high - report.difference.mean == pytest.approx(half)


def test_the_same_difference_on_each_fold_has_an_interval_of_a_point():
    difference = comparison.corrected_difference(np.full(3, 0.1), 0.5)
    assert difference == (0.1, 0.1, 0.1)
    assert difference.winner == "line"


def test_a_report_is_data_for_data_frames(net, table):
    report = compared(net, table, cv=3)
    frame = pd.DataFrame(report.to_dict())
    assert list(frame.columns) == ["model", "fold", *METRICS, "fit_time"]
    assert len(frame) == len(pl.DataFrame(report.to_dict())) == 9
    for name, rows in frame.groupby("model"):
        assert rows["fold"].tolist() == [0, 1, 2]
        assert rows["AUC"].tolist() == report.scores["AUC"][name].tolist()
        assert rows["fit_time"].tolist() == report.fit_times[name].tolist()


def test_a_report_is_read_as_text_and_as_html(net, table):
    report = compared(net, table)
    text = str(report).splitlines()
    assert text[0] == "120 rows, 3 columns; mean ± standard deviation over 5 folds"
    assert text[1].split() == ["log-loss", "Brier", "AUC", "accuracy", "fit", "time"]
    losses = report.scores["log-loss"]["net"]
    expected = ["ShallowNetClassifier", f"{losses.mean():.3f}", "±"]
    assert text[2].split()[:4] == [*expected, f"{losses.std(ddof=1):.3f}"]
    assert [line.split("  ")[0] for line in text[3:5]] == [
        "LogisticRegression",
        "class frequency",
    ]
    assert text[5] == report.verdict
    html = report._repr_html_()
    for word in (*report.names.values(), report.verdict, f"{losses.mean():.3f}"):
        assert word in html


def test_a_report_can_be_stored(net, table):
    report = compared(net, table)
    again = pickle.loads(pickle.dumps(report))
    same(report, again)
    assert str(again) == str(report)
    assert again.verdict == report.verdict


@pytest.mark.parametrize(("seconds", "text"), [(123.4, "123 s"), (0.91, "0.91 s")])
def test_times_are_short(seconds, text):
    assert comparison.duration(seconds) == text
    assert comparison.duration(seconds / 1e5).endswith(" ms")


# --- Who meets whom -----------------------------------------------------------------------


def test_the_partner_stands_in_the_place_of_the_net(net, small_cv):
    weight = {0: 1, 1: 2}
    plain = default_line(net.set_params(class_weight=weight), is_tuned=False)
    assert plain.get_params() == {
        **LogisticRegression().get_params(),
        "max_iter": 1000,
        "class_weight": weight,
    }
    balanced = small_cv.set_params(class_weight="balanced")
    inner = make_pipeline(SplineTransformer(), balanced)
    plan = plan_comparison(
        Pipeline([("scale", StandardScaler()), ("model", inner)]),
        *([[0.0], [1.0]] * 5, [0, 1] * 5),
    )
    partner = plan.models["line"]
    assert isinstance(partner[0], StandardScaler)
    assert isinstance(partner[1][0], SplineTransformer)
    tuned = partner[-1][-1]
    assert isinstance(tuned, LogisticRegressionCV)
    assert (tuned.scoring, tuned.max_iter) == ("neg_log_loss", 1000)
    assert tuned.class_weight == "balanced"


@pytest.mark.parametrize("where", ["around", "inside"])
def test_a_search_meets_a_tuned_line(net, table, where):
    grid = {"alpha": [1.0, 0.1]}
    if where == "around":
        grid = {f"shallownetclassifier__{name}": v for name, v in grid.items()}
        model = make_pipeline(StandardScaler(), net)
        model = GridSearchCV(model, grid, scoring="neg_log_loss", cv=2)
    else:
        model = make_pipeline(StandardScaler(), GridSearchCV(net, grid, cv=2))
    report = compared(model, table, cv=2, sample_weight=np.ones(120))
    fitted = report.estimators["line"][0]
    assert [type(step) for step in fitted] == [StandardScaler, LogisticRegressionCV]
    assert report.names["net"].startswith("GridSearchCV(")
    search = report.estimators["net"][0]
    assert "alpha" in str((search if where == "around" else search[-1]).best_params_)


@pytest.mark.parametrize("line", [None, LogisticRegression(C=3)])
def test_what_is_given_stays_as_it_was(net, table, line):
    model = make_pipeline(StandardScaler(), net)
    before = repr(model.get_params()), repr(line and line.get_params())
    X, y = table[0].copy(), table[1].copy()
    X.setflags(write=False)
    y.setflags(write=False)
    compared(model, (X, y), cv=2, line=line)
    assert (repr(model.get_params()), repr(line and line.get_params())) == before
    assert not any(hasattr(one, "classes_") for one in (net, line) if one is not None)
    assert not hasattr(model[0], "mean_")


def test_a_term_more_lets_the_line_catch_up(table):
    net = ShallowNetClassifier(8, random_state=0)
    rng = np.random.default_rng(1)
    X = rng.standard_normal((600, 2))
    y = rng.uniform(size=600) < 1 / (1 + np.exp(-3 * X[:, 0] * X[:, 1]))
    assert compared(net, (X, y)).winner == "net"
    line = make_pipeline(PolynomialFeatures(2), LogisticRegression())
    report = compared(net, (X, y), line=line)
    assert report.winner != "net"
    assert report.names["line"] == "PolynomialFeatures + LogisticRegression"


@pytest.mark.parametrize(
    ("model", "got"),
    [
        (LogisticRegression(), "got LogisticRegression"),
        (make_pipeline(StandardScaler(), LogisticRegression()), "got LogisticRegression"),
        (GridSearchCV(LogisticRegression(), {}), "got LogisticRegression"),
        ("net", "got str"),
    ],
)
def test_what_is_no_net_is_refused(table, model, got):
    with pytest.raises(TypeError, match=f"Expected a ShallowNetClassifier.*{got}"):
        compared(model, table)


@pytest.mark.parametrize(
    "line", [RidgeClassifier(), LogisticRegression, "LogisticRegression", StandardScaler()]
)
def test_a_line_without_probabilities_is_refused(net, table, line):
    with pytest.raises(TypeError, match="line must be a classifier with predict_proba"):
        compared(net, table, line=line)


def test_a_line_that_takes_no_weights_is_refused_where_there_are_some(net, table):
    line = KNeighborsClassifier()
    assert compared(net, table, cv=2, line=line).n_folds == 2
    with pytest.raises(TypeError, match=r"line must take sample_weight.*KNeighbors"):
        compared(net, table, line=line, sample_weight=np.ones(120))


def test_tables_and_nets_on_dask_are_refused(net, table):
    da = pytest.importorskip("dask.array")
    from sk_shallow.dask import DaskShallowNetClassifier

    X, y = table
    with pytest.raises(TypeError, match="X must be in memory, got a Dask Array"):
        compared(net, (da.from_array(X), y))
    with pytest.raises(TypeError, match="in memory, got a DaskShallowNetClassifier"):
        compared(DaskShallowNetClassifier(), table)


# --- Rows, folds, weights -----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["list", "csr", "coo", "pandas", "polars"])
def test_every_kind_of_table_has_the_same_result(net, table, kind):
    X, y = table
    sparse_ones = {"csr": sparse.csr_array, "coo": sparse.coo_matrix}
    given = {
        "list": lambda: (X.tolist(), y.tolist()),
        "pandas": lambda: (
            pd.DataFrame(X, index=np.arange(120)[::-1]).add_prefix("x"),
            pd.Series(y, index=np.arange(120)[::-1]),
        ),
        "polars": lambda: (pl.DataFrame(X), pl.Series(y)),
        **{name: lambda make=make: (make(X), y) for name, make in sparse_ones.items()},
    }[kind]()
    report, expected = compared(net, given, cv=3), compared(net, table, cv=3)
    assert (report.n_rows, report.n_columns) == (120, 3)
    for name in ("net", "line"):
        np.testing.assert_allclose(
            report.probabilities[name], expected.probabilities[name], atol=1e-4
        )
    if kind == "pandas":
        assert len(report.estimators["net"][0].feature_names_in_) == 3


@pytest.mark.parametrize(
    "labels", [["no", "yes"], [False, True], [-1, 1], [2.0, 7.0]], ids=str
)
def test_probabilities_are_those_of_the_second_label(net, table, labels):
    X, y = table
    report = compared(net, (X, np.array(labels)[y]), cv=3)
    assert report.classes.tolist() == labels
    np.testing.assert_array_equal(report.y, y == 1)
    same(report, compared(net, table, cv=3))


def test_labels_may_be_a_category_of_pandas(net, table):
    X, y = table
    labels = pd.Series(np.array(["a", "b"])[y]).astype("category")
    same(compared(net, (X, labels), cv=3), compared(net, table, cv=3))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.arange(120) % 3, "Only binary classification is supported. y has 3 classes"),
        (np.zeros(120), "y has one class only"),
        (np.arange(60) % 2, "inconsistent numbers of samples"),
    ],
)
def test_bad_labels_are_refused_before_any_fit(net, table, y, message, monkeypatch):
    monkeypatch.setattr(comparison, "fitted_folds", None)
    with pytest.raises(ValueError, match=message):
        compared(net, (table[0], y))


@pytest.mark.parametrize("cv", [1, [(range(60), range(60, 120))]])
def test_there_are_two_folds_at_least(net, table, cv):
    with pytest.raises(ValueError, match="cv must give at least two folds, got 1"):
        compared(net, table, cv=cv)


def test_a_whole_number_of_folds_is_stratified_and_shuffled_by_the_seed(net, table):
    X, y = table
    order = np.argsort(y, kind="stable")
    splits = plan_comparison(net, X[order], y[order], cv=4, random_state=3).splits
    again = StratifiedKFold(4, shuffle=True, random_state=3).split(X, y[order])
    for one, (train, test) in zip(splits, again, strict=True):
        np.testing.assert_array_equal(one.train, train)
        np.testing.assert_array_equal(one.test, test)


def test_weights_equal_repeated_rows(net, table):
    X, y = table
    times = np.random.default_rng(0).integers(0, 4, 120)
    fold = np.arange(120) % 3
    rows = np.repeat(np.arange(120), times)
    weighted = compared(net, table, cv=PredefinedSplit(fold), sample_weight=times)
    repeated = compared(net, (X[rows], y[rows]), cv=PredefinedSplit(fold[rows]))
    for metric in METRICS:
        for name in ("net", "line", "prior"):
            np.testing.assert_allclose(
                weighted.scores[metric][name], repeated.scores[metric][name], rtol=1e-3
            )
    np.testing.assert_array_equal(weighted.sample_weight, times)


@pytest.mark.parametrize("kind", ["net", "cv", "pipeline"])
@pytest.mark.parametrize("routing", [False, True])
def test_weights_reach_the_last_step_of_both(net, small_cv, table, kind, routing):
    weight = np.random.default_rng(0).exponential(size=120)
    plain = StandardScaler()
    fold = np.arange(120) % 2
    with sklearn.config_context(enable_metadata_routing=routing):
        if routing:
            plain.set_fit_request(sample_weight=False)
        model = {"net": net, "cv": small_cv, "pipeline": make_pipeline(plain, net)}[kind]
        report = compared(model, table, cv=PredefinedSplit(fold), sample_weight=weight)
    X = StandardScaler().fit_transform(table[0][fold != 0])
    X = X if kind == "pipeline" else table[0][fold != 0]
    y, w = table[1][fold != 0], weight[fold != 0]
    own = small_cv if kind == "cv" else net
    for name, one in (("net", own), ("line", default_line(own, is_tuned=False))):
        fitted = report.estimators[name][0]
        fitted = fitted[-1] if kind == "pipeline" else fitted
        expected = clone(one).fit(X, y, sample_weight=w)
        with_weights, without = (
            np.ravel(e.coefs_[0] if name == "net" else e.coef_)
            for e in (expected, clone(one).fit(X, y))
        )
        coef = np.ravel(fitted.coefs_[0] if name == "net" else fitted.coef_)
        np.testing.assert_allclose(coef, with_weights, rtol=1e-6)
        assert not np.allclose(coef, without, rtol=1e-3)


def test_a_search_scores_with_weights_under_metadata_routing(net, table):
    weight = np.random.default_rng(0).exponential(size=120)
    search = GridSearchCV(net, {"alpha": [1.0, 0.1]}, cv=2)
    with sklearn.config_context(enable_metadata_routing=True):
        report = compared(search, table, cv=2, sample_weight=weight)
        split = plan_comparison(search, *table, cv=2, random_state=0).splits[0]
        asked = net.set_fit_request(sample_weight=True).set_score_request(
            sample_weight=True
        )
        (X, y), rows = table, split.train
        again = clone(search.set_params(estimator=asked))
        again.fit(X[rows], y[rows], sample_weight=weight[rows])
    np.testing.assert_array_equal(
        report.estimators["net"][0].cv_results_["mean_test_score"],
        again.cv_results_["mean_test_score"],
    )


def test_a_fold_whose_test_rows_have_no_weight_is_refused(net, table):
    fold = np.arange(120) % 3
    with pytest.raises(ValueError, match="Fold 2 of 3 has no test row of weight > 0"):
        compared(net, table, cv=PredefinedSplit(fold), sample_weight=fold != 1)


def test_a_test_fold_of_one_class_has_no_auc_and_all_other_scores(net, table):
    y = table[1]
    fold = np.where(np.arange(120) < 20, y, 2 + np.arange(120) % 2)
    report = compared(net, table, cv=PredefinedSplit(fold))
    assert np.isnan(report.scores["AUC"]["net"]).tolist() == [True, True, False, False]
    for metric in ("log-loss", "Brier", "accuracy"):
        assert np.isfinite(report.scores[metric]["net"]).all()
    assert "nan" not in str(report)
    p = report.probabilities["net"][fold == 0]
    assert report.scores["log-loss"]["net"][0] == pytest.approx(-np.log1p(-p).mean())


def test_a_class_without_weight_in_a_test_fold_has_no_auc(net, table):
    y, fold = table[1], np.arange(120) % 3
    weight = ~((fold == 0) & (y == 1))
    report = compared(net, table, cv=PredefinedSplit(fold), sample_weight=weight)
    assert np.isnan(report.scores["AUC"]["line"]).tolist() == [True, False, False]


def test_nothing_is_asked_of_what_is_given_under_metadata_routing(net, table):
    line = LogisticRegression()
    with sklearn.config_context(enable_metadata_routing=True):
        compared(net, table, cv=2, line=line, sample_weight=np.ones(120))
        for one in (net, line):
            assert one.get_metadata_routing().fit.requests["sample_weight"] is None


@pytest.mark.parametrize("routing", [False, True])
def test_the_tuned_line_is_tuned_with_weights(small_cv, table, routing):
    weight = np.random.default_rng(0).exponential(size=120)
    fold = np.arange(120) % 2
    with sklearn.config_context(enable_metadata_routing=routing):
        report = compared(small_cv, table, cv=PredefinedSplit(fold), sample_weight=weight)
    rows = fold != 0
    again = default_line(small_cv, is_tuned=False)
    again.fit(table[0][rows], table[1][rows], sample_weight=weight[rows])
    fitted = report.estimators["line"][0]
    for one, other in ((fitted.scores_, again.scores_), (fitted.C_, again.C_)):
        one, other = (
            np.concatenate(list(x.values())) if isinstance(x, dict) else x
            for x in (one, other)
        )
        np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize("cv", [GroupKFold(3), 3])
def test_no_group_is_on_both_sides(net, table, cv):
    groups = np.random.default_rng(0).integers(0, 12, 120)
    for given in (groups, pd.Series(groups, index=np.arange(120) + 7)):
        plan = plan_comparison(net, *table, cv=cv, groups=given, random_state=0)
        assert len(plan.splits) == 3
        for train, test in plan.splits:
            assert not set(groups[train]) & set(groups[test])


def test_inner_folds_get_the_groups_if_they_ask_for_them(small_cv, net, table):
    groups = np.arange(120) // 10
    with sklearn.config_context(enable_metadata_routing=True):
        searched = small_cv.set_params(cv=GroupKFold(2))
        report = compared(searched, table, cv=2, groups=groups)
        assert compared(net, table, cv=2, groups=groups).n_folds == 2
    train = plan_comparison(searched, *table, cv=2, groups=groups, random_state=0).splits[0]
    with sklearn.config_context(enable_metadata_routing=True):
        rows = train.train
        expected = clone(searched).fit(table[0][rows], table[1][rows], groups=groups[rows])
    np.testing.assert_array_equal(
        report.estimators["net"][0].cv_decision_function_, expected.cv_decision_function_
    )


# --- Runs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_the_number_of_jobs_changes_no_bit(net, table, backend):
    one = compared(net, table)
    with parallel_config(backend=backend):
        many = compared(net, table, n_jobs=2)
    same(one, many)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_warnings_of_trainings_come_whatever_the_number_of_jobs(table, n_jobs):
    net = ShallowNetClassifier(1, init="zeros")
    with pytest.warns(CollapseWarning) as caught:
        compared(net, table, cv=3, n_jobs=n_jobs)
    assert len(caught) == 3
    assert caught[0].filename == __file__


def test_metadata_routing_is_on_in_the_workers_too(small_cv, table):
    groups = np.arange(120) // 10
    with sklearn.config_context(enable_metadata_routing=True):
        searched = small_cv.set_params(cv=GroupKFold(2))
        one, many = (
            compared(searched, table, cv=2, groups=groups, n_jobs=n_jobs)
            for n_jobs in (None, 2)
        )
    same(one, many)


class Counting(LogisticRegression):
    def fit(self, X, y):
        blas = [one for one in threadpool_info() if one["user_api"] == "blas"]
        self.n_threads_ = max(one["num_threads"] for one in blas)
        return super().fit(X, y)


def test_the_line_has_one_blas_thread_as_sums_depend_on_their_number(net, table):
    with threadpool_limits(2, user_api="blas"):
        report = compared(net, table, cv=2, line=Counting())
    assert [one.n_threads_ for one in report.estimators["line"]] == [1, 1]


def test_verbose_prints_a_line_for_each_fold(net, table, capsys):
    report = compared(net, table, cv=3, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    losses = report.scores["log-loss"]
    assert len(lines) == 3
    for k, line in enumerate(lines):
        assert line.startswith(
            f"fold {k + 1} of 3: log-loss {losses['net'][k]:.3f} (net), "
            f"{losses['line'][k]:.3f} (line); fit time "
        )
    compared(net, table, cv=3)
    assert not capsys.readouterr().out


def test_a_hook_is_called_when_each_fold_is_done(net, table):
    plan, calls = plan_comparison(net, *table, cv=3), []
    comparison.carry_out(plan, on_fold=lambda k, n, fold: calls.append((k, n)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_the_example_of_the_docstring():
    result = doctest.testmod(comparison)
    assert result.attempted > 4
    assert result.failed == 0


# --- Verdicts -----------------------------------------------------------------------------


def verdict(net, line, prior=0.7, interval=None, areas=(0.5, 0.5)):
    net, line = np.array(net), np.array(line)
    mean = (net - line).mean()
    low, high = interval or (mean, mean)
    losses = {"net": net, "line": line, "prior": np.full(len(net), prior)}
    of_net, of_line = (np.array([area, np.nan]) for area in areas)
    areas = {"net": of_net, "line": of_line, "prior": np.full(2, 0.5)}
    return comparison_verdict(Difference(mean, low, high), losses, areas)


def test_verdicts_in_their_words():
    five = np.ones(5)
    assert verdict(0.071 * five, 0.215 * five, interval=(-0.18, -0.11)) == (
        "The net lowers the log-loss by 0.144 (0.11 to 0.18), 67 %, and is better on 5 of "
        "5 folds."
    )
    assert verdict(0.25 * five, 0.23 * five, interval=(0.01, 0.03)) == (
        "The line's log-loss is lower by 0.020 (0.01 to 0.03), 8 %, on 5 of 5 folds: take "
        "the line."
    )
    assert verdict([0.1, 0.4], [0.2, 0.3], interval=(-1, 1)) == (
        "No difference that two folds can show: take the line."
    )
    many = verdict(0.1 * np.ones(50), 0.1 * np.ones(50), interval=(-1, 1))
    assert many == "No difference that 50 folds can show: take the line."


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ((-0.00032, -0.00012), "0.00022 (0.0001 to 0.0003)"),
        ((-0.5, -0.002), "0.251 (0.002 to 0.500)".replace("251", "2510")),
        ((-0.2, -0.2), "0.200 (0.20 to 0.20)"),
        ((-12.5, -11.5), "12.00 (11.5 to 12.5)"),
    ],
)
def test_a_difference_has_as_many_decimals_as_its_interval_allows(interval, text):
    net = np.full(5, 20 + np.mean(interval))
    assert text in verdict(net, np.full(5, 20.0), prior=30, interval=interval)


def test_small_gains_are_not_called_none():
    assert "0.4 %" in verdict([0.498, 0.498], [0.5, 0.5])


def test_models_that_do_not_beat_the_class_frequency_are_called_so():
    nothing = verdict([0.71, 0.7], [0.72, 0.7])
    assert nothing.startswith(
        "Neither beats the class frequency, whose log-loss is 0.700: the columns tell "
        "nothing about y, or the net started badly"
    )
    bad_start = verdict([0.7, 0.7], [0.3, 0.4])
    assert "take the line (the net does not beat the class frequency" in bad_start
    assert all("inspect_hidden_layer" in text for text in (nothing, bad_start))


@pytest.mark.parametrize(
    ("areas", "of", "remedy"),
    [((0.7, 0.5), "net", "raise alpha"), ((0.6, 0.8), "line", "lower C")],
)
def test_models_that_are_too_sure_are_not_said_to_know_nothing(areas, of, remedy):
    too_sure = verdict([0.75, 0.72], [0.72, 0.7], areas=areas)
    assert f"though the {of} orders the rows better than chance" in too_sure
    assert f"For the {of}, {remedy}" in too_sure
    assert "nothing about y" not in too_sure


@pytest.mark.filterwarnings("ignore::sk_shallow.InitializationWarning")
@pytest.mark.filterwarnings("ignore::sk_shallow.CollapseWarning")
def test_a_zero_start_on_circles_is_seen_through(circles):
    report = compared(ShallowNetClassifier(4, init="zeros"), circles(seed=0))
    assert report.verdict.startswith("Neither beats the class frequency")
    assert report.winner is None


def linear_law(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((300, 4))
    logit = X @ [1.5, -1.0, 0.5, 0.0]
    return X, (rng.uniform(size=300) < 1 / (1 + np.exp(-logit))).astype(int)


@pytest.mark.parametrize("seed", range(3))
def test_circles_are_for_the_net_and_a_linear_law_is_not(circles, seed):
    net = ShallowNetClassifier(8, random_state=seed)
    report = compared(net, circles(seed))
    assert report.winner == "net"
    assert "The net lowers the log-loss by" in report.verdict
    assert compared(net, linear_law(seed)).winner != "net"


@pytest.mark.long
@pytest.mark.parametrize("kind", [ShallowNetClassifier, ShallowNetClassifierCV])
def test_a_linear_law_is_for_the_line_in_19_of_20_seeds(kind):
    nets = [kind(random_state=seed) for seed in range(20)]
    said = [compared(net, linear_law(seed)) for seed, net in enumerate(nets)]
    assert sum(report.verdict.endswith("take the line.") for report in said) >= 19


# --- The picture --------------------------------------------------------------------------


@pytest.fixture
def report(net, circles):
    return compared(net, circles(seed=0), cv=3)


def test_the_picture_shows_the_numbers_of_the_report(report):
    display = ComparisonDisplay.from_report(report)
    display.figure_.canvas.draw()
    folds, calibration, rows = display.axes_
    losses = report.scores["log-loss"]
    pairs = [line.get_ydata() for line in folds.lines]
    for k in range(3):
        assert [losses["line"][k], losses["net"][k]] in [list(pair) for pair in pairs]
    assert [losses["line"].mean(), losses["net"].mean()] in [list(pair) for pair in pairs]
    assert [t.get_text() for t in folds.get_xticklabels()] == [
        "LogisticRegression",
        "ShallowNetClassifier",
    ]
    for line, name in zip(calibration.lines[1:], ("line", "net"), strict=True):
        share, p = calibration_curve(
            report.y, report.probabilities[name], n_bins=10, strategy="quantile"
        )
        np.testing.assert_allclose(line.get_xdata(), p)
        np.testing.assert_allclose(line.get_ydata(), share)
    points = np.concatenate([np.asarray(c.get_offsets()) for c in rows.collections[:2]])
    assert len(points) == 200
    expected = np.stack([report.probabilities["line"], report.probabilities["net"]], 1)
    np.testing.assert_array_equal(
        points[np.lexsort(points.T)], expected[np.lexsort(expected.T)]
    )


def test_the_rows_with_the_largest_differences_are_ringed_and_numbered(report):
    display = ComparisonDisplay.from_report(report)
    p = report.probabilities
    most = np.argsort(-np.abs(p["net"] - p["line"]))[:5]
    np.testing.assert_array_equal(display.disagreements(), most)
    rows = display.axes_[2]
    ringed = np.asarray(rows.collections[-1].get_offsets())
    np.testing.assert_array_equal(ringed, np.stack([p["line"][most], p["net"][most]], 1))
    assert {text.get_text() for text in rows.texts} == {str(row) for row in most}


def test_no_two_numbers_overlap(report):
    display = ComparisonDisplay.from_report(report)
    display.figure_.canvas.draw()
    # Of the number alone, without its arrow.
    boxes = [Text.get_window_extent(text) for text in display.axes_[2].texts]
    for k, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:k])
    moved = apart(np.array([0.97, 0.98, 0.99]))
    assert (np.diff(moved) > 0.06).all()
    assert moved.max() <= 1


def test_weights_count_in_calibration(net, table):
    y = table[1]
    fold = np.arange(120) % 3
    weight = 1.0 + 9 * (np.arange(120) % 2)
    report = compared(net, table, cv=PredefinedSplit(fold), sample_weight=weight)
    line = ComparisonDisplay.from_report(report).axes_[1].lines[2]
    p = report.probabilities["net"]
    bins = np.searchsorted(np.quantile(p, np.arange(0.1, 0.95, 0.1)), p)
    expected = [
        np.average(y[bins == b], weights=weight[bins == b]) for b in np.unique(bins)
    ]
    np.testing.assert_allclose(line.get_ydata(), expected)


def test_many_rows_are_drawn_as_a_sample_with_the_ringed_ones(report, monkeypatch):
    monkeypatch.setattr(displays.comparison, "MOST_POINTS", 10)
    rows = ComparisonDisplay.from_report(report).axes_[2]
    drawn, ringed = (
        {tuple(point) for c in parts for point in np.asarray(c.get_offsets())}
        for parts in (rows.collections[:2], rows.collections[2:])
    )
    assert 10 <= len(drawn) <= 15
    assert len(ringed) == 5
    assert ringed <= drawn


def test_it_draws_on_three_axes(net, report, circles):
    _, axes = plt.subplots(3)
    display = ComparisonDisplay.from_report(report, axes=axes)
    assert display.axes_.tolist() == axes.tolist()
    assert display.plot() is display
    assert len(display.axes_) == 3
    assert display.axes_[0] is not axes[0]
    with pytest.raises(ValueError, match="axes must be three, got 2"):
        display.plot(axes[:2])
    same(
        ComparisonDisplay.from_estimator(
            net, *circles(seed=0), cv=3, random_state=0
        ).report,
        report,
    )
