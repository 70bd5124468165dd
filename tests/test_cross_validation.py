"""ShallowNetClassifierCV chooses by cross-validation, and averages the fold nets."""

import copy
import pickle
import signal
import threading
import tracemalloc
import warnings

import joblib
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import scipy
import sklearn
from joblib import parallel_backend
from scipy import sparse
from scipy.special import expit
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_moons
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.metrics import accuracy_score, get_scorer, log_loss, make_scorer, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import compute_class_weight

import sk_shallow
from sk_shallow import (
    CollapseWarning,
    InconsistentVersionWarning,
    InitializationWarning,
    SaturationWarning,
    ShallowNetClassifier,
    ShallowNetClassifierCV,
    SymmetryWarning,
    cross_validation,
)
from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.columns import column_moments, default_alpha
from sk_shallow._core.solvers import SOLVERS
from sk_shallow._core.table import ArrayTable
from sk_shallow.inspection import (
    ActivationDisplay,
    HiddenUnitSimilarityDisplay,
    InitScaleDisplay,
    connection_weights,
    inspect_hidden_layer,
)
from sk_shallow.training import trials

mpl.use("Agg")  # there is no screen

# Trainings are cut short here, to be fast; the test of the warning looks for it.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
FAST = {"alphas": [1.0, 0.1], "cv": 3, "max_iter": 15, "random_state": 0}


def moons(n_samples=150, seed=0):
    return make_moons(n_samples, noise=0.25, random_state=seed)


X, y = moons()
weight = np.random.default_rng(0).uniform(0.1, 3, len(y))


def unfitted(**parameters):
    return ShallowNetClassifierCV(4, **{**FAST, **parameters})


def fitted(table=(X, y), sample_weight=None, **parameters):
    return unfitted(**parameters).fit(*table, sample_weight=sample_weight)


def bits(net):
    return {
        name: value
        for name, value in vars(net).items()
        if name.endswith("_") and name != "estimators_"
    }


def assert_same_bits(one, other):
    one, other = bits(one), bits(other)
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_equal(one[name], other[name], err_msg=name)


# --- The fitted net -------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_fitted_net_is_the_average_of_the_fold_nets(activation, dtype):
    table = X.astype(dtype)
    net = fitted((table, y), activation=activation)
    W1, w2 = net.coefs_
    b1, b2 = net.intercepts_
    each = net.estimators_
    assert W1.shape == (2, 3 * 4)
    assert {array.dtype for array in (W1, w2, b1, b2)} == {np.dtype(dtype)}
    tolerance = {"rtol": 0, "atol": 1e-12 if dtype == np.float64 else 1e-5}
    np.testing.assert_array_equal(W1, np.hstack([one.coefs_[0] for one in each]))
    np.testing.assert_array_equal(b1, np.hstack([one.intercepts_[0] for one in each]))
    np.testing.assert_allclose(3 * w2, np.vstack([one.coefs_[1] for one in each]), 1e-6)
    logits = np.mean([one.decision_function(table) for one in each], axis=0)
    np.testing.assert_allclose(net.decision_function(table), logits, **tolerance)
    assert net.predict_proba(table).dtype == dtype


@pytest.mark.parametrize("refit", [False, True])
def test_predictions_follow_from_the_logits(refit):
    labels = np.array(["no", "yes"])
    net = fitted((X, labels[y]), refit=refit)
    z2 = net.decision_function(X)
    p = 1 / (1 + np.exp(-z2))
    np.testing.assert_allclose(net.predict_proba(X), np.column_stack([1 - p, p]), 1e-9)
    np.testing.assert_allclose(net.predict_log_proba(X), np.log(net.predict_proba(X)), 1e-9)
    np.testing.assert_array_equal(net.predict(X), labels[(z2 > 0).astype(int)])
    assert net.score(X, labels[y], weight) == accuracy_score(
        labels[y], net.predict(X), sample_weight=weight
    )


@pytest.mark.parametrize("early_stopping", [False, True])
def test_refit_gives_the_net_that_a_single_fit_with_the_best_setting_gives(early_stopping):
    net = fitted(refit=True, early_stopping=early_stopping, init_scales=[0.5, 1])
    one = ShallowNetClassifier(
        4,
        alpha=net.alpha_,
        init_scale=net.init_scale_,
        early_stopping=early_stopping,
        n_init=1,
        max_iter=15,
        random_state=0,
    ).fit(X, y)
    assert net.coefs_[0].shape == (2, 4)
    np.testing.assert_array_equal(net.coefs_[0], one.coefs_[0])
    plain = fitted(early_stopping=early_stopping, init_scales=[0.5, 1])
    np.testing.assert_array_equal(net.scores_, plain.scores_)
    np.testing.assert_array_equal(net.cv_decision_function_, plain.cv_decision_function_)


def test_the_attributes_of_a_fit():
    net = fitted(init_scales=[1.0, 0.5])
    assert net.alphas_.tolist() == [0.1, 1]
    assert net.init_scales_.tolist() == [1, 0.5]
    assert net.scores_.shape == (2, 2, 3)
    assert net.cv_decision_function_.shape == (len(y),)
    assert net.n_iter_.shape == (3,)
    assert net.n_iter_.tolist() == [one.n_iter_ for one in net.estimators_]
    assert (net.n_iter_ >= 1).all()
    assert not hasattr(net, "loss_curve_")
    for one in net.estimators_:
        assert isinstance(one, ShallowNetClassifier)
        assert (one.alpha_, one.alpha, one.init_scale) == (
            net.alpha_,
            net.alpha_,
            net.init_scale_,
        )
        assert one.get_params()["n_hidden"] == 4
        assert one.score(X, y) > 0.7


def test_a_fold_net_is_the_one_that_a_single_fit_to_its_rows_gives():
    start = np.random.default_rng(0).standard_normal((2, 4)), np.zeros(4), np.ones(4), 0.0
    splits = list(StratifiedKFold(3).split(X, y))
    net = fitted(init=start, cv=splits, early_stopping=False)
    for one, (train, _) in zip(net.estimators_, splits, strict=True):
        alone = clone(one).fit(X[train], y[train])
        np.testing.assert_allclose(one.coefs_[0], alone.coefs_[0], rtol=1e-6, atol=1e-8)


# --- Scores ---------------------------------------------------------------------------


def expected_logits(net, splits, table=X):
    total, count = np.zeros(len(table)), np.zeros(len(table))
    for one, (_, test) in zip(net.estimators_, splits, strict=True):
        total[test] += one.decision_function(table[test])
        count[test] += 1
    with np.errstate(invalid="ignore"):
        return total / count


@pytest.mark.parametrize(
    "cv",
    [
        StratifiedKFold(4),
        RepeatedStratifiedKFold(n_splits=2, n_repeats=2, random_state=0),
        ShuffleSplit(3, test_size=0.2, random_state=0),
    ],
    ids=["each row once", "several times", "not all rows"],
)
@pytest.mark.parametrize("as_list", [False, True])
def test_out_of_fold_logits_are_the_mean_over_the_folds_of_a_row(cv, as_list):
    splits = list(cv.split(X, y))
    net = fitted(cv=splits if as_list else cv)
    assert net.scores_.shape == (1, 2, len(splits))
    np.testing.assert_allclose(
        net.cv_decision_function_, expected_logits(net, splits), rtol=0, atol=1e-12
    )


def test_folds_of_a_number_are_stratified_and_hold_each_row_once():
    net = fitted(cv=5)
    assert not np.isnan(net.cv_decision_function_).any()
    of_row = np.array(
        [
            np.isclose(one.decision_function(X), net.cv_decision_function_, atol=1e-12)
            for one in net.estimators_
        ]
    )
    np.testing.assert_array_equal(of_row.sum(axis=0), 1)
    assert {of_fold.sum() for of_fold in of_row} == {30}
    assert {y[of_fold].sum() for of_fold in of_row} == {15}


@pytest.mark.filterwarnings("ignore::sk_shallow.CollapseWarning")
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 5, 1: 1}])
@pytest.mark.parametrize("with_weight", [False, True])
def test_scores_are_log_losses_on_the_test_rows_class_weights_included(
    class_weight, with_weight
):
    given = weight if with_weight else None
    table = X[20:], np.sort(y)[20:]  # not balanced
    splits = list(StratifiedKFold(3, shuffle=True, random_state=1).split(*table))
    given = None if given is None else given[20:]
    net = fitted(table, given, cv=splits, class_weight=class_weight)
    best = net.scores_[0, net.alphas_.tolist().index(net.alpha_)]
    is_balanced = class_weight == "balanced"
    weighted = {"sample_weight": given} if is_balanced and with_weight else {}
    for one, (_, test), score in zip(net.estimators_, splits, best, strict=True):
        p = one.predict_proba(table[0][test])
        by_class = compute_class_weight(
            class_weight, classes=np.array([0, 1]), y=table[1], **weighted
        )
        of_rows = by_class[table[1]] * (1.0 if given is None else given)
        of_rows = of_rows[test]
        assert -score == pytest.approx(
            log_loss(table[1][test], p, sample_weight=of_rows), rel=1e-9
        )
    assert net.best_score_ == best.mean() == net.scores_.mean(axis=2).max()


@pytest.mark.parametrize("with_weight", [False, True])
def test_each_fold_net_is_stopped_by_its_own_test_fold(with_weight):
    splits = list(StratifiedKFold(3).split(X, y))
    given = weight if with_weight else None
    net = fitted((X, y), given, cv=splits, early_stopping=True, max_iter=60, alphas=[0.0])
    for one, score in zip(net.estimators_, net.scores_[0, 0], strict=True):
        curve = one.validation_loss_curve_
        assert curve.argmin() == one.best_iteration_
        assert -score == pytest.approx(curve.min(), rel=1e-9)
    assert min(one.best_iteration_ - one.n_iter_ for one in net.estimators_) < 0
    assert fitted(early_stopping="auto").estimators_[0].validation_loss_curve_ is None


def test_class_weights_go_into_training():
    plain, heavy = fitted(), fitted(class_weight={0: 1, 1: 20})
    assert (heavy.decision_function(X) > plain.decision_function(X)).mean() > 0.9


def sure_of_its_classes(net, X, y, sample_weight=None):
    return float(np.average(np.abs(net.decision_function(X)), weights=sample_weight))


@pytest.mark.parametrize("with_weight", [False, True])
@pytest.mark.parametrize(
    "scoring",
    [
        "roc_auc",
        "accuracy",
        make_scorer(log_loss, greater_is_better=False, response_method="predict_proba"),
        sure_of_its_classes,
    ],
    ids=["roc_auc", "accuracy", "make_scorer", "callable"],
)
def test_any_scorer_scores_the_fold_nets_and_the_net(scoring, with_weight):
    labels = np.array(["no", "yes"])[y]
    splits = list(StratifiedKFold(3).split(X, y))
    given = weight if with_weight else None
    net = fitted((X, labels), given, scoring=scoring, cv=splits)
    scorer = get_scorer(scoring)
    best = net.scores_[0, net.alphas_.tolist().index(net.alpha_)]
    for one, (_, test), score in zip(net.estimators_, splits, best, strict=True):
        of_rows = {"sample_weight": given[test]} if with_weight else {}
        assert score == pytest.approx(scorer(one, X[test], labels[test], **of_rows))
    of_all = {"sample_weight": given} if with_weight else {}
    assert net.score(X, labels, given) == scorer(net, X, labels, **of_all)


@pytest.mark.parametrize("scoring", [None, "roc_auc"])
def test_one_weight_for_all_rows_scores_as_none(scoring):
    both = fitted((X, y), 1.0, scoring=scoring), fitted(scoring=scoring)
    np.testing.assert_allclose(both[0].scores_, both[1].scores_, rtol=1e-9)


@pytest.mark.parametrize(
    "table", [pd.DataFrame(X, columns=["a", "b"]), sparse.csr_array(X)]
)
@pytest.mark.parametrize("scoring", [None, "roc_auc"])
def test_scores_are_the_same_for_every_kind_of_table(table, scoring):
    net = fitted((table, y), scoring=scoring)
    dense = fitted(scoring=scoring)
    np.testing.assert_allclose(net.scores_, dense.scores_, rtol=1e-6)
    for one in net.estimators_:
        one.predict(table)


def test_each_setting_is_scored_as_when_it_is_tried_alone():
    settings = {"alphas": [3.0, 1.0, 0.1], "init_scales": [0.5, 1.0]}
    net = fitted(**settings)
    for row, scale in enumerate(net.init_scales_):
        for column, alpha in enumerate(net.alphas_):
            alone = fitted(alphas=[alpha], init_scales=[scale])
            np.testing.assert_array_equal(alone.scores_[0, 0], net.scores_[row, column])
            if (scale, alpha) == (net.init_scale_, net.alpha_):
                np.testing.assert_array_equal(alone.coefs_[0], net.coefs_[0])


@pytest.mark.parametrize("seed", range(3))
def test_the_best_setting_has_the_highest_mean_score(seed):
    net = fitted(moons(seed=seed), alphas=[0.01, 0.1, 1, 10], init_scales=[0.1, 1])
    mean = net.scores_.mean(axis=2)
    row, column = np.unravel_index(mean.argmax(), mean.shape)
    assert (net.init_scale_, net.alpha_) == (net.init_scales_[row], net.alphas_[column])
    assert net.best_score_ == mean.max()


def test_of_equal_scores_the_strongest_penalty_is_taken():
    assert fitted(scoring=lambda net, X, y: 0.0).alpha_ == 1


def test_auto_begins_around_the_alpha_of_a_single_net():
    net = fitted(alphas="auto", max_iter=5)
    auto = ShallowNetClassifier(4, random_state=0).fit(X, y).alpha_
    assert {4 * auto, auto, auto / 4, auto / 16} <= set(net.alphas_)
    assert (np.diff(net.alphas_) > 0).all()


def test_settings_that_were_not_tried_have_no_score():
    net = fitted(alphas="auto", init_scales=[0, 1], max_iter=30)
    tried = ~np.isnan(net.scores_)  # where all scores are equal, up to the strongest
    assert (tried.all(axis=2) == tried.any(axis=2)).all()
    assert 0 < tried.mean() < 1
    assert tried.any(axis=(0, 2)).all()


@pytest.mark.parametrize("scales", [[1, 1.0, 0.5], (1, 0.5, 1), np.array([1, 0.5, 0.5])])
def test_a_scale_given_twice_is_tried_once(scales):
    net = fitted(init_scales=scales)
    assert net.init_scales_.tolist() == [1, 0.5]
    assert not np.isnan(net.scores_).any()


# --- Weights --------------------------------------------------------------------------


@pytest.mark.parametrize("scoring", [None, "roc_auc"])
def test_integer_weights_equal_repeated_rows_for_given_splits(scoring):
    times = np.random.default_rng(0).integers(0, 4, len(y))
    row = np.repeat(np.arange(len(y)), times)
    splits = list(StratifiedKFold(3).split(X, y))
    repeated = [
        tuple(np.flatnonzero(np.isin(row, part)) for part in split) for split in splits
    ]
    options = {"early_stopping": False, "alphas": "auto", "scoring": scoring}
    by_weight = fitted((X, y), times.astype(float), cv=splits, **options)
    by_rows = fitted((X[row], y[row]), cv=repeated, **options)
    np.testing.assert_allclose(by_weight.alphas_, by_rows.alphas_)
    np.testing.assert_allclose(by_weight.scores_, by_rows.scores_, rtol=1e-5)
    np.testing.assert_allclose(by_weight.coefs_[0], by_rows.coefs_[0], 1e-4, 1e-6)
    np.testing.assert_allclose(
        by_weight.cv_decision_function_[row], by_rows.cv_decision_function_, 1e-4, 1e-6
    )
    assert np.isnan(by_weight.cv_decision_function_[times == 0]).all()


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("refit", [False, True])
def test_rows_of_weight_0_are_absent(early_stopping, refit):
    rng = np.random.default_rng(0)
    absent = rng.uniform(size=len(y)) < 0.3
    junk = np.where(absent[:, None], 1e3 * rng.standard_normal(X.shape), X)
    options = {"early_stopping": early_stopping, "alphas": "auto", "refit": refit}
    with_them = fitted((junk, y), np.where(absent, 0, weight), **options)
    without = fitted((X[~absent], y[~absent]), weight[~absent], **options)
    np.testing.assert_allclose(with_them.alphas_, without.alphas_)
    np.testing.assert_allclose(with_them.scores_, without.scores_, rtol=1e-6)
    np.testing.assert_allclose(with_them.coefs_[0], without.coefs_[0], rtol=1e-6)
    np.testing.assert_allclose(
        with_them.cv_decision_function_[~absent], without.cv_decision_function_, rtol=1e-6
    )
    assert np.isnan(with_them.cv_decision_function_[absent]).all()


@pytest.mark.parametrize("scoring", [None, "roc_auc"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_fold_whose_test_rows_have_no_weight_has_no_score(scoring, early_stopping):
    splits = list(StratifiedKFold(3).split(X, y))
    given = np.ones(len(y))
    given[splits[1][1]] = 0
    net = fitted((X, y), given, cv=splits, scoring=scoring, early_stopping=early_stopping)
    assert np.isnan(net.scores_[0, :, 1]).all()
    assert not np.isnan(net.scores_[0, :, [0, 2]]).any()
    assert net.best_score_ == np.nanmean(net.scores_, axis=2).max()
    assert len(net.estimators_) == 3
    assert np.isnan(net.cv_decision_function_[splits[1][1]]).all()


# --- Warnings -------------------------------------------------------------------------


def warned_of(table, **parameters):
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        net = fitted(table, **parameters)
    assert {warning.filename for warning in record} <= {__file__}
    return net, [(warning.category, str(warning.message)) for warning in record]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_early_end_is_warned_of_once_with_the_number_of_folds(n_jobs):
    _, [(category, message)] = warned_of((X, y), max_iter=3, n_jobs=n_jobs)
    assert category is ConvergenceWarning
    assert "max_iter=3" in message
    assert message.endswith("(on 3 of 3 folds)")


@pytest.mark.parametrize(
    ("init", "scale"), [("zeros", 1.0), ("glorot_uniform", 0.0), ("constant", 0.1)]
)
def test_a_start_of_equal_units_is_warned_of_once(init, scale):
    _, record = warned_of((X, y), init=init, init_scales=[scale], max_iter=500)
    categories = [category for category, _ in record]
    assert categories.count(SymmetryWarning) == 1
    assert (CollapseWarning in categories) == (init == "zeros" or scale == 0)
    assert len(set(categories)) == len(categories)


def test_the_start_that_is_kept_is_the_one_that_is_warned_of():
    net, record = warned_of((X, y), init_scales=[0, 1], max_iter=1000)
    assert net.init_scale_ == 1
    assert not [one for one, _ in record if issubclass(one, InitializationWarning)]
    _, record = warned_of((X, y), init_scales=[100.0], max_iter=1000)
    assert [category for category, _ in record].count(SaturationWarning) == 1


def test_the_remedies_name_the_parameters_of_the_search():
    _, record = warned_of((X, y), init="constant", init_scales=[0.1], max_iter=1000)
    _, of_size = warned_of((X, y), init_scales=[100.0], max_iter=1000)
    for _, message in record + of_size:
        assert "init_scales=[" in message
        assert "init_scale=" not in message


def test_a_setting_whose_numbers_overflow_is_left_out():
    net, record = warned_of((X, y), init_scales=[1e300, 1], max_iter=1000)
    [(category, message)] = record
    assert category is ConvergenceWarning
    assert message.startswith("2 of 4 settings were left out. ")
    assert "training of fold 0. It was with alpha=1, init_scale=1e+300." in message
    assert net.init_scale_ == 1
    assert np.isnan(net.scores_[0]).all()
    without = fitted(init_scales=[1], max_iter=1000)
    np.testing.assert_array_equal(net.coefs_[0], without.coefs_[0])


@pytest.mark.parametrize("seed", range(3))
def test_that_noise_has_no_signal_is_no_reason_to_warn(seed):
    rng = np.random.default_rng(seed)
    table = rng.standard_normal((150, 4)), rng.integers(0, 2, 150)
    net, record = warned_of(table, alphas="auto", cv=5, max_iter=1000)
    assert not record
    assert net.best_score_ > -0.75


def test_columns_that_are_not_scaled_are_a_reason(raw_cancer):
    _, record = warned_of(raw_cancer, alphas="auto", max_iter=1000)
    assert record
    assert all("StandardScaler" in message for _, message in record)


# --- The same bits --------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_number_of_threads_changes_no_bit(solver):
    options = {"solver": solver, "max_iter": 5, "refit": True, "init_scales": [0.5, 1]}
    one = fitted(**options, n_jobs=1)
    for n_jobs in (None, 2, -1):
        assert_same_bits(fitted(**options, n_jobs=n_jobs), one)
    with parallel_backend("threading", n_jobs=2):
        assert_same_bits(fitted(**options), one)


def test_fits_in_other_threads_and_processes_give_the_same_bits():
    one = fitted()
    for backend in ("threading", "loky"):
        nets = joblib.Parallel(2, backend=backend)(
            joblib.delayed(unfitted(n_jobs=n_jobs).fit)(X, y) for n_jobs in (1, 2)
        )
        for net in nets:
            assert_same_bits(net, one)


def test_a_seed_gives_the_same_bits_and_another_other_ones():
    assert_same_bits(fitted(random_state=3), fitted(random_state=3))
    assert (fitted(random_state=3).scores_ != fitted(random_state=4).scores_).any()


def test_a_given_random_state_moves_on():
    generator = np.random.RandomState(0)
    first, second = (fitted(random_state=generator) for _ in range(2))
    assert_same_bits(first, fitted(random_state=np.random.RandomState(0)))
    assert (first.scores_ != second.scores_).any()


@pytest.mark.filterwarnings("ignore::sk_shallow.SaturationWarning")
def test_folds_have_starts_of_their_own():
    net = fitted(max_iter=1, alphas=[1.0], init_scales=[10.0])
    first, second, third = (one.coefs_[0] for one in net.estimators_)
    assert min(abs(first - second).max(), abs(first - third).max()) > 1


# --- Errors ---------------------------------------------------------------------------

ONE_ROW = np.arange(len(y)) == 0
ERRORS = {
    "cv of 1": ({"cv": 1}, {}, "cv must be at least 2 folds, got 1"),
    "negative cv": ({"cv": -3}, {}, "cv must be at least 2 folds, got -3"),
    "cv as a word": ({"cv": "five"}, {}, "cv"),
    "no fold": ({"cv": []}, {}, "cv must give at least one fold"),
    "a class of one row": ({}, {"y": ONE_ROW}, r"cv=3 .* 149 and 1 rows.*Get more rows"),
    "too few rows": ({"cv": 76}, {}, r"cv=76 .* 75 and 75 rows.*Set cv=75"),
    "a fold of one class": (
        {"cv": [(np.flatnonzero(y), np.flatnonzero(y == 0))]},
        {},
        "fold 0 .* lack a class.*Set cv",
    ),
    "NaN": ({}, {"X": np.where(ONE_ROW[:, None], np.nan, X)}, "NaN"),
    "three classes": ({}, {"y": np.arange(len(y)) % 3}, "3 classes"),
    "negative weight": ({}, {"sample_weight": -weight}, "sample_weight must be >= 0"),
    "no alphas": ({"alphas": []}, {}, "alphas must be"),
    "one alpha": ({"alphas": 1.0}, {}, "alphas must be"),
    "a 0-d alpha": ({"alphas": np.array(1.0)}, {}, "alphas must be"),
    "alphas used up": ({"alphas": iter([1.0])}, {}, "alphas must be"),
    "negative alphas": ({"alphas": [1, -1]}, {}, "alphas must be"),
    "alphas in a table": ({"alphas": np.ones((2, 2))}, {}, "alphas must be"),
    "a word for alphas": ({"alphas": "all"}, {}, "alphas must be"),
    "NaN among the scales": ({"init_scales": [np.nan]}, {}, "init_scales must be"),
    "scales by a word": ({"init_scales": "auto"}, {}, "init_scales must be"),
    "unknown scorer": ({"scoring": "roc"}, {}, "scoring"),
    "several scorers": ({"scoring": ["roc_auc", "accuracy"]}, {}, "scoring must be"),
    "a metric": ({"scoring": log_loss}, {}, "make_scorer"),
    "refit by name": ({"refit": "yes"}, {}, "refit must be"),
    "no units": ({"n_hidden": 0}, {}, "n_hidden must be"),
    "groups": ({}, {"groups": y}, r"groups .*set_config\(enable_metadata_routing=True\)"),
    "overflow": ({"init_scales": [1e300]}, {}, "overflow"),
    "no score": ({"scoring": lambda net, X, y: np.nan}, {}, "No fold has a score"),
}


@pytest.mark.filterwarnings("ignore::sk_shallow.InitializationWarning")
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("n_fits", [0, 1])
def test_an_error_names_the_cause_and_leaves_the_estimator_as_it_was(error, n_fits):
    parameters, arguments, message = ERRORS[error]
    net = unfitted()
    for _ in range(n_fits):
        net.fit(X, y)
    generator = np.random.RandomState(0)
    net.set_params(**parameters, random_state=generator)
    before, state = dict(vars(net)), generator.get_state()
    with pytest.raises((ValueError, TypeError), match=message):
        net.fit(**{"X": X, "y": y, **arguments})
    assert vars(net) == before
    np.testing.assert_equal(generator.get_state(), state)


@pytest.mark.parametrize(
    "parameters",
    [{"scoring": "roc"}, {"scoring": ["accuracy"]}, {"cv": []}, {"alphas": [-1]}],
    ids=str,
)
def test_what_is_asked_for_is_checked_before_the_first_training(parameters):
    drawn = []

    def init(rng, shape):
        drawn.append(shape)
        return rng.standard_normal(shape)

    with pytest.raises(ValueError, match=next(iter(parameters))):
        fitted(init=init, **parameters)
    assert not drawn


@pytest.mark.parametrize("refit", [False, True])
def test_a_constant_net_is_warned_of_where_no_weaker_penalty_was_to_be_tried(refit):
    _, record = warned_of((X, y), alphas=[1e5], refit=refit, max_iter=1000)
    assert {category for category, _ in record} == {CollapseWarning}
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((200, 3)), rng.integers(0, 2, 200)
    _, record = warned_of(noise, alphas="auto", cv=5, max_iter=1000)
    assert not record  # no signal is no fault


def test_the_training_on_all_rows_is_warned_of():
    _, record = warned_of((X, y), refit=True, max_iter=2)
    assert any("In the training on all rows" in message for _, message in record)


@pytest.mark.parametrize("seed", range(3))
def test_balanced_weights_choose_a_penalty_as_the_same_sample_weights_do(seed):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((400, 5))
    rare = (rng.random(400) < expit(A[:, 0] - 2.5)).astype(int)
    by_class = compute_class_weight("balanced", classes=np.array([0, 1]), y=rare)
    one, other = (
        ShallowNetClassifierCV(4, random_state=0, cv=3, class_weight=given)
        for given in ("balanced", None)
    )
    one.fit(A, rare)
    other.fit(A, rare, sample_weight=by_class[rare])
    assert one.alpha_ == pytest.approx(other.alpha_, rel=1e-9)
    np.testing.assert_allclose(one.scores_, other.scores_, rtol=1e-6)


@pytest.mark.parametrize("name", ["X_val", "sample_weigth"])
def test_an_argument_that_nobody_takes_is_called_that(name):
    with pytest.raises(TypeError, match=f"unexpected argument '{name}'"):
        unfitted().fit(X, y, **{name: X})


def test_a_class_smaller_than_the_folds_is_warned_of_and_served():
    table = X, (np.arange(len(y)) < 2).astype(int)
    net, [(category, message)] = warned_of(table, max_iter=1000, alphas="auto")
    assert category is UserWarning
    assert message.startswith("cv=3 is more than the 2 rows of class 1 (of weight > 0)")
    assert "Set cv=2" in message
    assert not np.isnan(net.scores_).any()


def test_a_prediction_before_a_fit_says_so():
    with pytest.raises(NotFittedError):
        unfitted().predict(X)


@pytest.fixture
def ctrl_c():
    """Python's own answer to Ctrl-C, which jobs in the background do not have."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, handler)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_ctrl_c_ends_all_folds(n_jobs, ctrl_c):
    before = threading.active_count()
    net = unfitted(n_jobs=n_jobs, max_iter=10**6, tol=0, n_iter_no_change=np.inf)
    net.set_params(solver="gd", early_stopping=False)
    drawn = []

    def init(rng, shape):
        drawn.append(shape)
        if len(drawn) == 4:  # the second fold: others may be at work
            ctrl_c()
        return rng.standard_normal(shape)

    if n_jobs == 1:
        net.set_params(max_iter=20)
    net.set_params(init=init)
    state = dict(vars(net))
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, y)
    assert vars(net) == state
    assert threading.active_count() == before


# --- Large tables ---------------------------------------------------------------------


@pytest.fixture
def trained_on(monkeypatch):
    """The folds of each setting that is tried, in order."""
    each = []
    train = trials.train_folds

    def train_folds(folds, *arguments, **options):
        each.append(folds)
        return train(folds, *arguments, **options)

    monkeypatch.setattr(trials, "train_folds", train_folds)
    return each


@pytest.mark.parametrize("scoring", [None, "roc_auc"])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_a_setting_is_chosen_on_a_part_and_its_nets_are_trained_on_all(
    monkeypatch, trained_on, scoring, kind
):
    monkeypatch.setattr(cross_validation, "SEARCH_ROWS", 200)
    X, y = moons(1500)
    given = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    net = fitted((kind(X), y), given, scoring=scoring, cv=4)
    *search, last = trained_on
    assert [len(folds[0].rows.y) for folds in search] == [200, 200]
    assert all((folds[0].rows.sample_weight.max() > 0) for folds in search)
    assert len(last[0].rows.y) == 1500
    # Early stopping is decided on the whole table, of which the part is no judge.
    assert all(fold.held_out is not None for folds in trained_on for fold in folds)
    present = given > 0
    np.testing.assert_array_equal(~np.isnan(net.cv_decision_function_), present)
    assert sum(one.n_samples_seen_ for one in net.estimators_) == 3 * present.sum()
    if scoring is None:
        p = 1 / (1 + np.exp(-net.cv_decision_function_[present]))
        loss = log_loss(y[present], p, sample_weight=given[present])
        assert net.best_score_ == pytest.approx(-loss, rel=0.01)  # a mean over folds
    assert net.best_score_ not in net.scores_.mean(axis=2)
    assert net.scores_.mean(axis=2).argmax() == net.alphas_.tolist().index(net.alpha_)


def test_the_penalty_of_a_part_is_that_of_the_whole_table(monkeypatch, trained_on):
    monkeypatch.setattr(cross_validation, "SEARCH_ROWS", 200)
    X, y = moons(1000)
    net = fitted((X, y), alphas="auto", max_iter=2)
    auto = default_alpha(column_moments(ArrayTable(X), np.ones(len(y), dtype=np.bool_)))
    assert auto in net.alphas_


def test_a_part_has_enough_rows_of_a_rare_class(monkeypatch, trained_on):
    monkeypatch.setattr(cross_validation, "SEARCH_ROWS", 200)
    X, y = moons(3000)
    rare = np.isin(np.arange(len(y)), np.flatnonzero(y)[:60])
    fitted((X, rare), max_iter=2)
    few, *_ = trained_on[0]
    assert len(few.rows.y) < 1500
    assert few.rows.y.sum() >= 20
    trained_on.clear()
    rare &= np.cumsum(rare) <= 3  # too few for a part
    fitted((X, rare), max_iter=2)
    assert {len(folds[0].rows.y) for folds in trained_on} == {3000}


def test_a_table_just_under_twice_the_part_is_searched_as_a_whole(monkeypatch, trained_on):
    monkeypatch.setattr(cross_validation, "SEARCH_ROWS", 75)
    fitted()
    assert {len(folds[0].rows.y) for folds in trained_on} == {150}
    assert len(trained_on) == 2  # and its nets are kept


def test_a_splitter_has_all_rows(monkeypatch, trained_on):
    monkeypatch.setattr(cross_validation, "SEARCH_ROWS", 20)
    fitted(cv=StratifiedKFold(3))
    assert {len(folds[0].rows.y) for folds in trained_on} == {150}


@pytest.mark.skipif(
    tuple(map(int, scipy.__version__.split(".")[:2])) < (1, 15),
    reason="older versions keep evaluations until the next collection of garbage",
)
@pytest.mark.parametrize(("scoring", "share"), [(None, 1 / 3), ("accuracy", 1 / 2)])
def test_X_is_not_copied_but_for_the_test_rows_of_a_scorer(scoring, share):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100_000, 20))
    labels = (X[:, 0] > 0).astype(int)
    net = unfitted(cv=5, max_iter=1, scoring=scoring, alphas=[1.0, 2.0])
    net.fit(X[:200], labels[:200])  # so that nothing is imported or compiled below
    tracemalloc.start()
    net.fit(X, labels)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < share * X.nbytes


# --- Tables of every kind -------------------------------------------------------------


def test_a_read_only_memory_map_is_read_and_never_written(tmp_path):
    np.save(tmp_path / "X.npy", X)
    before = (tmp_path / "X.npy").read_bytes()
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert_same_bits(fitted((mapped, y)), fitted())
    assert (tmp_path / "X.npy").read_bytes() == before


def test_neither_X_nor_y_nor_weights_are_changed():
    given = [array.copy() for array in (X, y, weight)]
    for array in given:
        array.flags.writeable = False
    net = unfitted(class_weight="balanced", early_stopping=True, scoring="roc_auc")
    net.fit(*given)
    for array, before in zip(given, (X, y, weight), strict=True):
        np.testing.assert_array_equal(array, before)


def test_data_frames_with_names_and_labels_of_words():
    table, labels = pd.DataFrame(X, columns=["a", "b"]), np.array(["no", "yes"])[y]
    net = fitted((table, pd.Series(labels)))
    assert net.classes_.tolist() == ["no", "yes"]
    for one in (net, *net.estimators_):
        assert one.feature_names_in_.tolist() == ["a", "b"]
        assert set(one.predict(table)) == {"no", "yes"}
    np.testing.assert_array_equal(net.coefs_[0], fitted().coefs_[0])
    with pytest.raises(ValueError, match="feature names"):
        net.predict(table[["b", "a"]])


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csr_matrix])
def test_CSR_is_kept_sparse_and_gives_the_same(kind):
    dense, of_csr = fitted(), fitted((kind(X), y))
    np.testing.assert_allclose(of_csr.scores_, dense.scores_, rtol=1e-9)
    np.testing.assert_allclose(of_csr.coefs_[0], dense.coefs_[0], rtol=1e-6)


# --- Storage and copies ---------------------------------------------------------------


def laplace(rng, shape):
    """A start of the user's own; at module level, as pickling it needs."""
    return 0.3 * rng.laplace(size=shape)


def through_skops(net):
    skops = pytest.importorskip("skops.io")
    stored = skops.dumps(net)
    return skops.loads(stored, trusted=skops.get_untrusted_types(data=stored))


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net)), through_skops],
    ids=["copy", "deepcopy", "pickle", "skops"],
)
@pytest.mark.parametrize("init", ["glorot_uniform", laplace])
def test_a_copy_has_all_attributes_and_fits_the_same(copied, init):
    net = fitted(init=init, refit=True)
    back = copied(net)
    assert vars(back).keys() == vars(net).keys()
    assert back.get_params() == net.get_params()
    assert_same_bits(back, net)
    np.testing.assert_array_equal(back.predict_proba(X), net.predict_proba(X))
    for one, other in zip(back.estimators_, net.estimators_, strict=True):
        np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    assert_same_bits(back.fit(X, y), net)


def test_joblib_stores_it_and_maps_it(tmp_path):
    net = fitted()
    joblib.dump(net, tmp_path / "net.joblib")
    back = joblib.load(tmp_path / "net.joblib", mmap_mode="r")
    np.testing.assert_array_equal(back.predict_proba(X), net.predict_proba(X))


def test_skops_has_to_trust_nothing_but_the_two_classes():
    skops = pytest.importorskip("skops.io")
    net = fitted((X, np.array(["no", "yes"])[y]), scoring="roc_auc")
    assert skops.get_untrusted_types(data=skops.dumps(net)) == [
        "sk_shallow.classifier.ShallowNetClassifier",
        "sk_shallow.cross_validation.ShallowNetClassifierCV",
    ]


def test_one_that_another_version_stored_says_so(monkeypatch):
    net = fitted()
    stored = pickle.dumps(net)
    monkeypatch.setattr("sk_shallow.persistence.__version__", "99.0")
    with pytest.warns(InconsistentVersionWarning) as record:
        back = pickle.loads(stored)
    messages = {str(warning.message) for warning in record}
    assert messages == {
        f"This {name} was stored by sk_shallow {sk_shallow.__version__} and is loaded by "
        f"sk_shallow 99.0. Check its predictions, or fit it again."
        for name in ("ShallowNetClassifierCV", "ShallowNetClassifier")
    }
    np.testing.assert_array_equal(back.predict(X), net.predict(X))


@pytest.mark.parametrize("missing", ["alpha_", "_activation", "alphas", "cv"])
def test_one_that_cannot_be_read_says_what_it_lacks(missing):
    state = fitted().__getstate__()
    del state[missing]
    with pytest.raises(ValueError, match=rf"ShallowNetClassifierCV .* has no {missing}\."):
        ShallowNetClassifierCV().__setstate__(state)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"alphas": np.array([1.0, 2]), "init_scales": (0.1, 1)},
        {"cv": StratifiedKFold(3), "scoring": sure_of_its_classes, "refit": True},
        {"init": laplace, "class_weight": {0: 2, 1: 1}},
    ],
)
def test_clone_keeps_every_parameter(parameters):
    original = ShallowNetClassifierCV(5, **parameters)
    again = clone(original)
    assert repr(again) == repr(original)
    assert again.get_params().keys() == original.get_params().keys()
    assert again.set_params(n_hidden=3, refit=False).n_hidden == 3


# --- Where it is put ------------------------------------------------------------------


def test_in_a_pipeline_in_a_grid_search():
    model = make_pipeline(StandardScaler(), unfitted())
    search = GridSearchCV(model, {"shallownetclassifiercv__n_hidden": [1, 4]}, cv=2)
    search.fit(X, y)
    best = search.best_estimator_
    direct = clone(best[-1]).fit(best[0].transform(X), y)
    np.testing.assert_array_equal(best[-1].coefs_[0], direct.coefs_[0])
    assert inspect_hidden_layer(search, X, y).n_distinct == 3 * best[-1].n_hidden


@pytest.mark.parametrize(
    "around",
    [
        lambda net: CalibratedClassifierCV(net, cv=2),
        lambda net: VotingClassifier([("a", net), ("b", net)], voting="soft"),
        lambda net: BaggingClassifier(net, 2, random_state=0),
        lambda net: OneVsRestClassifier(net),
        lambda net: GridSearchCV(net, {"activation": ["tanh", "relu"]}, cv=2),
    ],
    ids=["calibrated", "voting", "bagging", "one versus rest", "search"],
)
def test_what_stands_around_it_works(around):
    model = around(unfitted(max_iter=50)).fit(X, y)
    assert model.score(X, y) > 0.8


def test_what_looks_at_it_works():
    net = unfitted(max_iter=50)
    assert cross_val_score(net, X, y, cv=2, scoring="roc_auc").min() > 0.8
    net.fit(X, y)
    importance = permutation_importance(net, X, y, n_repeats=2, random_state=0)
    assert (importance.importances_mean > 0).all()
    effect = partial_dependence(net, X, [1], grid_resolution=5)["average"][0]
    assert effect[0] > effect[-1]  # the second moon lies below


# --- Metadata routing -----------------------------------------------------------------

groups = np.arange(len(y)) % 7


def price(y, predicted, price):
    assert len(price) == len(y)
    return -float(np.mean(np.asarray(price) * (y != predicted)))


def test_groups_reach_the_splitter_by_metadata_routing():
    splits = list(GroupKFold(3).split(X, y, groups))
    with sklearn.config_context(enable_metadata_routing=True):
        net = unfitted(cv=GroupKFold(3)).fit(X, y, groups=groups)
        assert_same_bits(net, fitted(cv=splits))
        model = make_pipeline(StandardScaler(), unfitted(cv=GroupKFold(3)))
        model.fit(X, y, groups=groups)
        outer = GridSearchCV(model, {"shallownetclassifiercv__n_hidden": [1, 2]}, cv=2)
        outer.fit(X, y, groups=groups)
    assert model[-1].scores_.shape == (1, 2, 3)


@pytest.mark.parametrize("method", ["fit", "score"])
def test_without_routing_an_error_says_how(method):
    net = fitted()
    with pytest.raises(ValueError, match=rf"groups can be given to {method} only with .*"):
        getattr(net, method)(X, y, groups=groups)


def test_weights_reach_a_scorer_that_asks_for_them():
    plain, scorer = fitted((X, y), weight, scoring="roc_auc"), get_scorer("roc_auc")
    with sklearn.config_context(enable_metadata_routing=True):
        asking = scorer.set_score_request(sample_weight=True)
        net = unfitted(scoring=asking).fit(X, y, sample_weight=weight)
        np.testing.assert_array_equal(net.scores_, plain.scores_)
        assert net.score(X, y, sample_weight=weight) == roc_auc_score(
            y, net.decision_function(X), sample_weight=weight
        )
        refusing = get_scorer("roc_auc").set_score_request(sample_weight=False)
        net = unfitted(scoring=refusing).fit(X, y, sample_weight=weight)
        assert net.score(X, y, sample_weight=weight) == roc_auc_score(
            y, net.decision_function(X)
        )
        if "sample_weight" in str(get_scorer("roc_auc").get_metadata_routing()):  # from 1.8
            with pytest.raises(ValueError, match=r"sample_weight.*requested"):
                unfitted(scoring="roc_auc").fit(X, y, sample_weight=weight)
        unfitted().fit(X, y, sample_weight=weight).score(X, y, sample_weight=weight)


@pytest.mark.parametrize("kind", [np.asarray, list, pd.Series])
@pytest.mark.parametrize("search_rows", [5000, 40])
def test_what_a_scorer_is_given_by_row_is_cut_by_fold(monkeypatch, kind, search_rows):
    monkeypatch.setattr(cross_validation, "SEARCH_ROWS", search_rows)
    prices = kind(np.arange(len(y)))
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = make_scorer(price).set_score_request(price=True)
        net = unfitted(scoring=scorer).fit(X, y, price=prices)
        wrong = net.cv_decision_function_ > 0
        expected = -np.mean(np.arange(len(y)) * (wrong != y))
        assert net.best_score_ == pytest.approx(expected)  # all folds have 50 rows
        assert net.score(X, y, price=prices) == price(y, net.predict(X), prices)


# --- Inspection -----------------------------------------------------------------------


def test_its_hidden_layer_is_inspected_as_that_of_any_net():
    net = fitted()
    assert inspect_hidden_layer(net, X, y).n_distinct == 12
    assert len(connection_weights(net)) == 2
    ActivationDisplay.from_estimator(net, X, y)
    HiddenUnitSimilarityDisplay.from_estimator(net, X, y)


def test_what_is_about_one_start_is_refused_in_words():
    net = fitted()
    for refusing in (
        lambda: inspect_hidden_layer(net, X, y, at_start=True),
        lambda: ActivationDisplay.from_estimator(net, X, y, at_start=True),
        lambda: HiddenUnitSimilarityDisplay.from_estimator(net, X, y, at_start=True),
    ):
        with pytest.raises(TypeError, match=r"one for each fold\. Give a ShallowNetCl"):
            refusing()
    with pytest.raises(TypeError, match=r"Expected a ShallowNetClassifier.*got .*CV"):
        InitScaleDisplay.from_estimator(net, X, y)


def test_verbose_prints_a_line_for_each_setting(capsys):
    net = fitted(verbose=True, init_scales=[0.5, 1])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("alpha 1, init_scale 0.5: score -")
    assert f"{net.best_score_:.6f} on 3 folds" in "\n".join(lines)
    fitted()
    assert not capsys.readouterr().out


def test_verbose_says_when_the_best_penalty_is_a_limit(capsys):
    rng = np.random.default_rng(1)
    fitted((X, rng.permutation(y)), alphas="auto", max_iter=300, cv=5, verbose=True)
    assert capsys.readouterr().out.endswith(
        "No signal found: the best net is almost constant.\n"
    )
    easy = np.repeat([-1.0, 1.0], 50)
    fitted((easy[:, None], easy), alphas="auto", max_iter=300, verbose=True)
    assert "The weakest penalty" in capsys.readouterr().out.splitlines()[-1]
    fitted(alphas="auto", verbose=True)
    assert capsys.readouterr().out.splitlines()[-1].startswith("alpha ")
