"""A report says what the hidden layer does: exactly, on nets made by hand."""

import doctest
import re
import tracemalloc
import warnings
from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from sk_shallow import (
    CollapseWarning,
    InitializationWarning,
    SaturationWarning,
    ShallowNetClassifier,
    SymmetryWarning,
    inspection,
)
from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.columns import linear_share
from sk_shallow._core.objective import Objective
from sk_shallow._core.parameters import Net, flatten, unflatten
from sk_shallow._core.rows import BLOCK_ROWS
from sk_shallow._core.table import ArrayTable, Rows
from sk_shallow.inspection import HiddenLayerReport, inspect_hidden_layer

ACTIVATION_NAMES = list(ACTIVATIONS)


def made(W1, b1=None, activation="tanh", w2=None):
    """A net with these weights, which `at_start` looks at."""
    W1 = np.asarray(W1, dtype=float)
    n_hidden = W1.shape[1]
    b1 = np.zeros(n_hidden) if b1 is None else np.asarray(b1, dtype=float)
    w2 = np.arange(1.0, n_hidden + 1) if w2 is None else np.asarray(w2, dtype=float)
    return ShallowNetClassifier(
        n_hidden, activation=activation, init=(W1, b1, w2, 0.0), random_state=0
    )


@pytest.fixture(scope="module")
def rows():
    """X of two columns, and y."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 2))
    return X, (X[:, 0] > 0).astype(int)


def look(net, X, y=None, **options):
    return inspect_hidden_layer(net, X, y, at_start=True, **options)


# --- Exact expectations -------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_equal_units_are_a_group(rows, activation):
    net = made([[1, 0, 1, 2, 0], [0, 1, 0, 0, 1]], [0, 0.5, 0, 0, 0.5], activation)
    report = look(net, rows[0])
    assert report.groups == ((0, 2), (1, 4), (3,))
    assert report.n_distinct == 3
    assert report.n_units == 5
    np.testing.assert_array_equal(report.to_dict()["group"], [0, 1, 0, 2, 1])


@pytest.mark.parametrize(
    ("activation", "n_distinct"), [("tanh", 1), ("logistic", 2), ("relu", 2)]
)
def test_mirror_images_count_as_one_function_of_tanh(rows, activation, n_distinct):
    net = made([[1, -1], [2, -2]], [0.3, -0.3], activation)
    assert look(net, rows[0]).n_distinct == n_distinct


def test_the_tolerance_is_relative_to_the_larger_unit(rows):
    net = made([[1, 1 + 1e-4], [0, 0]])
    assert look(net, rows[0], tol=1e-3).n_distinct == 1
    assert look(net, rows[0], tol=1e-6).n_distinct == 2
    tiny = made([[1e-8, 2e-8], [0, 0]])
    assert look(tiny, rows[0]).n_distinct == 2


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_a_symmetric_start_is_one_group(rows, scale):
    report = look(made(np.full((2, 6), scale)), rows[0])
    assert report.groups == (tuple(range(6)),)
    assert report.effective_rank == pytest.approx(scale)


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_the_saturated_share_is_that_of_the_flat_part(activation):
    # |Z1| is 10 in one unit, and 10 on 3 of 10 rows in the other.
    X = np.array([[10.0, 10.0]] * 3 + [[10.0, 0.0]] * 7)
    report = look(made(np.eye(2), activation=activation), X)
    np.testing.assert_array_equal(report.saturated_share, [1.0, 0.3])
    np.testing.assert_array_equal(report.is_dead, [True, False])
    assert report.n_dead == 1


def test_relu_units_that_are_0_on_every_row_are_dead():
    X = np.array([[1.0], [2.0], [3.0]])
    report = look(made([[1, -1, 1, -2]], [0, 0, -1.5, 0], "relu"), X)
    np.testing.assert_array_equal(report.is_dead, [False, True, False, True])
    np.testing.assert_allclose(report.saturated_share, [0, 1, 1 / 3, 1])
    assert report.groups == ((0,), (1, 3), (2,))  # both dead units compute 0
    assert any(
        "2 of 4 hidden units (50%) are dead" in verdict for verdict in report.verdicts
    )


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array, sparse.csr_matrix])
@pytest.mark.parametrize("n_rows", [5, 2 * BLOCK_ROWS + 3])
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_moments_and_rank_are_their_definitions(kind, n_rows, activation):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, 3)) + 2
    W1, b1 = rng.standard_normal((3, 4)), rng.standard_normal(4)
    report = look(made(W1, b1, activation), kind(X))
    Z1 = X @ W1 + b1
    np.testing.assert_allclose(report.pre_activation_mean, Z1.mean(axis=0))
    np.testing.assert_allclose(report.pre_activation_sd, Z1.std(axis=0))
    A1 = ACTIVATIONS[activation].apply(Z1.copy())
    singular = np.linalg.svd(A1 - A1.mean(axis=0), compute_uv=False)
    share = singular[singular > 1e-9] / singular.sum()
    expected = np.exp(-(share * np.log(share)).sum()) if share.size else 0
    assert report.effective_rank == pytest.approx(expected, rel=1e-6)


def test_the_effective_rank_counts_equal_directions():
    X = np.eye(4) * 1e-3  # tanh is linear so near to 0
    assert look(made(np.eye(4)), X).effective_rank == pytest.approx(3, abs=1e-4)  # centred
    assert look(made(np.ones((4, 1)) @ np.arange(1, 5)[None]), X).effective_rank < 1.01


@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_the_gradient_norms_are_those_of_J(rows, activation):
    X, y = rows
    W1, b1, w2 = np.ones((2, 3)) * [1, 2, 3], np.zeros(3), np.array([1.0, -1, 2])
    net = made(W1, b1, activation, w2).set_params(alpha=0.7)
    start = Net(W1, b1, w2, np.zeros(1), ACTIVATIONS[activation])
    table = Rows(ArrayTable(X), y.astype(float), np.ones(len(y)))
    gradient = Objective(table, start, 0.7)(flatten(start)).gradient
    dW1, db1, dw2, db2 = unflatten(gradient, 2, 3, start.activation).weights
    assert look(net, X, y).gradient_norms == pytest.approx(
        {
            "hidden": np.sqrt((dW1**2).sum() + (db1**2).sum()),
            "output": np.sqrt((dw2**2).sum() + (db2**2).sum()),
        }
    )
    assert look(net, X).gradient_norms is None


@pytest.mark.parametrize("class_weight", [None, {0: 1, 1: 3}])
def test_the_gradient_of_a_trained_net_is_that_of_what_it_was_fitted_with(
    rows, class_weight
):
    X, y = rows
    weight = np.random.default_rng(0).uniform(0, 2, len(y))
    net = ShallowNetClassifier(3, alpha=2.0, class_weight=class_weight, random_state=0)
    net.fit(X, y)
    few = y == 1  # one class is enough
    by_class = weight * (1 if class_weight is None else np.where(y == 1, 3, 1))
    table = Rows(ArrayTable(X[few]), y[few].astype(float), by_class[few])
    (W1, W2), (b1, b2) = net.coefs_, net.intercepts_
    fitted = Net(W1, b1, W2[:, 0], b2, ACTIVATIONS["tanh"])
    gradient = Objective(table, fitted, 2.0)(flatten(fitted)).gradient
    net.set_params(alpha=77, class_weight={0: 9, 1: 9})  # is not what was fitted
    report = inspect_hidden_layer(net, X[few], y[few], sample_weight=weight[few])
    norms = report.gradient_norms
    assert np.hypot(*norms.values()) == pytest.approx(np.linalg.norm(gradient))


def test_weights_need_labels(rows):
    with pytest.raises(ValueError, match="sample_weight is given without y"):
        look(ShallowNetClassifier(), rows[0], sample_weight=np.ones(300))


# --- Invariance ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_units_changes_nothing_but_their_numbers(rows, seed):
    rng = np.random.default_rng(seed)
    W1 = rng.standard_normal((2, 3))[:, [0, 1, 2, 0, 1]]
    order = rng.permutation(5)
    report, other = look(made(W1), rows[0]), look(made(W1[:, order]), rows[0])
    groups = {frozenset(order[list(group)].tolist()) for group in other.groups}
    assert {frozenset(group) for group in report.groups} == groups
    np.testing.assert_allclose(
        other.pre_activation_sd, report.pre_activation_sd[order], rtol=1e-12
    )
    assert other.effective_rank == pytest.approx(report.effective_rank)


def test_the_signs_of_tanh_units_change_no_group(rows):
    rng = np.random.default_rng(0)
    W1 = rng.standard_normal((2, 3))[:, [0, 1, 2, 0, 1]]
    flipped = W1 * rng.choice([-1, 1], 5)
    assert look(made(W1), rows[0]).groups == look(made(flipped), rows[0]).groups


# --- Which net, and on what ---------------------------------------------------------------


def test_a_fitted_net_is_looked_at_as_it_is(cancer):
    X, y = cancer
    net = ShallowNetClassifier(5, random_state=0).fit(X, y)
    report = inspect_hidden_layer(net, X, y)
    Z1 = X @ net.coefs_[0] + net.intercepts_[0]
    np.testing.assert_allclose(report.pre_activation_mean, Z1.mean(axis=0), atol=1e-12)
    # At a minimum, the gradient is small.
    assert max(report.gradient_norms.values()) < 0.01
    assert not report.at_start
    net.set_params(n_hidden=99, activation="relu")  # does not change what was fitted
    np.testing.assert_array_equal(
        inspect_hidden_layer(net, X).saturated_share, report.saturated_share
    )


@pytest.mark.parametrize("init", ["glorot_uniform", "lsuv"])
@pytest.mark.parametrize("random_state", [3, np.random.RandomState(3)], ids=str)
def test_the_start_is_the_one_that_fit_would_draw(large, init, random_state):
    X, y = large
    net = ShallowNetClassifier(5, init=init, random_state=random_state)
    report = look(net, X, y)
    before = clone(net)
    net.set_params(solver="gd", learning_rate=1e-300, max_iter=1)
    with pytest.warns(ConvergenceWarning):
        net.fit(X, y)
    Z1 = X @ net.coefs_[0] + net.intercepts_[0]
    np.testing.assert_allclose(report.pre_activation_sd, Z1.std(axis=0), rtol=1e-12)
    assert not hasattr(before, "coefs_")


def test_a_start_that_is_fitted_to_the_rows_needs_no_labels(rows):
    report = look(ShallowNetClassifier(2, init="lsuv", random_state=0), rows[0])
    np.testing.assert_allclose(report.pre_activation_sd, 1)


def test_the_start_of_a_net_that_continues_is_where_it_ended(cancer):
    X, y = cancer
    net = ShallowNetClassifier(4, warm_start=True, random_state=0).fit(X, y)
    report, end = look(net, X, y), inspect_hidden_layer(net, X, y)
    np.testing.assert_array_equal(report.pre_activation_sd, end.pre_activation_sd)
    assert report.at_start


def test_the_start_of_a_pipeline_is_that_of_its_steps_fitted_afresh(raw_cancer, cancer):
    net = ShallowNetClassifier(4, init="lsuv", random_state=0)
    direct = look(net, *cancer)
    X, y = raw_cancer
    model = make_pipeline(StandardScaler(), net).fit(X[:60], y[:60])
    assert look(model, X, y).gradient_norms == pytest.approx(direct.gradient_norms)
    assert model[0].n_samples_seen_ == 60


def test_the_start_behind_steps_that_need_no_fit(cancer):
    model = make_pipeline(StandardScaler(), Normalizer(), ShallowNetClassifier(4))
    assert look(model, *cancer).n_units == 4


def test_a_start_is_checked_as_fit_checks_it(cancer):
    with pytest.raises(ValueError, match="n_hidden must be"):
        look(ShallowNetClassifier(0), *cancer)


def test_looking_at_a_start_changes_nothing(cancer):
    generator = np.random.RandomState(0)
    net = ShallowNetClassifier(5, random_state=generator)
    before = dict(vars(net))
    look(net, *cancer)
    assert vars(net) == before
    assert generator.randint(2**31) == np.random.RandomState(0).randint(2**31)


@pytest.mark.parametrize("at_start", [False, True])
def test_pipelines_and_searches_are_opened(raw_cancer, cancer, at_start):
    X, y = raw_cancer
    net = ShallowNetClassifier(4, random_state=0)
    direct = inspect_hidden_layer(clone(net).fit(*cancer), *cancer, at_start=at_start)
    pipeline = make_pipeline(StandardScaler(), net).fit(X, y)
    search = GridSearchCV(pipeline, {"shallownetclassifier__alpha": ["auto"]}, cv=2)
    for model in (pipeline, search.fit(X, y), make_pipeline(pipeline)):
        report = inspect_hidden_layer(model, X, y, at_start=at_start)
        np.testing.assert_allclose(report.pre_activation_sd, direct.pre_activation_sd)
        assert report.gradient_norms == pytest.approx(direct.gradient_norms, rel=1e-6)


def test_the_start_of_pipelines_and_searches_that_are_not_fitted(raw_cancer, cancer):
    direct = look(ShallowNetClassifier(4, random_state=0), *cancer)
    pipeline = make_pipeline(StandardScaler(), ShallowNetClassifier(4, random_state=0))
    for model in (pipeline, GridSearchCV(pipeline, {})):
        report = look(model, *raw_cancer)
        np.testing.assert_allclose(report.pre_activation_sd, direct.pre_activation_sd)
        with pytest.raises(NotFittedError):
            inspect_hidden_layer(model, *raw_cancer)
    assert not hasattr(pipeline[0], "mean_")


@pytest.mark.parametrize(
    "foreign",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        CalibratedClassifierCV(ShallowNetClassifier()),
        TunedThresholdClassifierCV(ShallowNetClassifier()),
        "net",
        None,
    ],
    ids=str,
)
def test_what_holds_no_net_is_named(rows, foreign):
    with pytest.raises(TypeError, match=r"Expected a ShallowNetClassifier.* got "):
        look(foreign, *rows)


def test_a_search_without_a_best_estimator_says_why(cancer):
    search = GridSearchCV(ShallowNetClassifier(3), {"alpha": [5]}, cv=2, refit=False)
    with pytest.raises(ValueError, match="keeps no best estimator, as refit is False"):
        inspect_hidden_layer(search.fit(*cancer), cancer[0])


@pytest.mark.parametrize(
    "parameters",
    [
        {"activation": "relu"},
        {"init": "normal", "init_scale": 1e300},
        {"activation": "tanh", "init_scale": 1e150},
    ],
)
def test_numbers_that_overflow_are_reported(cancer, parameters):
    X = cancer[0] * 1e200
    with pytest.raises(ValueError, match=r"overflow\. Standardise X"):
        look(ShallowNetClassifier(**parameters), X)


@pytest.mark.parametrize("at_start", [False, True])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda X: np.full(X.shape, np.nan), "NaN"),
        (lambda X: X[:0], "0 sample"),
        (lambda X: X[0], "2D array"),
    ],
)
def test_rows_that_cannot_be_looked_at(rows, at_start, spoil, message):
    X, y = rows
    net = ShallowNetClassifier(3, random_state=0, alpha=0.1).fit(X, y)
    with pytest.raises(ValueError, match=message):
        inspect_hidden_layer(net, spoil(X), at_start=at_start)


def test_columns_that_the_net_does_not_have(rows):
    X, y = rows
    net = ShallowNetClassifier(3, random_state=0, alpha=0.1).fit(X, y)
    with pytest.raises(ValueError, match="1 features"):
        inspect_hidden_layer(net, X[:, :1])
    assert look(net, X[:, :1]).n_units == 3  # a start knows no columns


def test_labels_that_the_net_does_not_know(rows):
    X, y = rows
    net = ShallowNetClassifier(3, random_state=0, alpha=0.1).fit(X, y)
    with pytest.raises(ValueError, match=r"labels of \[0, 1\] only, got 'a', 'b'"):
        inspect_hidden_layer(net, X, np.array(["a", "b"])[y])


@pytest.mark.parametrize("tol", [0, -1, np.nan, "small", None])
def test_the_tolerance_is_a_number_above_0(rows, tol):
    with pytest.raises(ValueError, match="tol must be a finite number > 0"):
        look(ShallowNetClassifier(), *rows, tol=tol)


# --- Words --------------------------------------------------------------------------------


def test_a_good_start_has_no_verdict(cancer):
    for activation in ACTIVATION_NAMES:
        report = look(ShallowNetClassifier(activation=activation, random_state=0), *cancer)
        assert report.verdicts == ()
        assert "No problem found." in str(report)


@pytest.mark.parametrize(
    ("parameters", "verdict"),
    [
        ({"init": "zeros"}, "No unit varies over the rows"),
        ({"init": "constant"}, "All 32 hidden units compute the same function"),
        ({"init_scale": 100}, "activations lie on the flat part of tanh"),
    ],
)
def test_a_bad_start_has_a_verdict_whose_advice_helps(cancer, parameters, verdict):
    net = ShallowNetClassifier(random_state=0, **parameters)
    (text,) = look(net, *cancer).verdicts
    assert verdict in text
    advised = dict(part.split("=") for part in text.split() if part.startswith("init"))
    for name, value in advised.items():
        value = value.rstrip(".")
        net.set_params(**{name: value.strip("'") if "'" in value else float(value)})
    assert look(net, *cancer).verdicts == ()


def test_units_that_will_part_are_no_problem(rows):
    # Their w2 differ, so their gradients do.
    X, y = rows
    net = made(np.full((2, 4), 0.5), w2=[1, 2, -1, 3]).set_params(alpha=0.1)
    assert look(net, X).verdicts == ()
    assert inspect_hidden_layer(net.fit(X, y), X).n_distinct == 4


@pytest.mark.filterwarnings("ignore::sk_shallow.SymmetryWarning")
def test_mirror_images_part_unless_their_w2_are_mirrored_too(rows):
    X, y = rows
    W1 = np.array([[0.5, -0.5], [0.2, -0.2]])
    for w2, n_distinct in (([1, -1], 1), ([1, 1], 2)):
        net = made(W1, w2=w2).set_params(alpha=0.1)
        is_said = any("worth one unit" in verdict for verdict in look(net, X).verdicts)
        assert is_said is (n_distinct == 1)
        assert inspect_hidden_layer(net.fit(X, y), X).n_distinct == n_distinct
    relu = made(np.full((2, 2), 0.5), w2=[1, -1], activation="relu")
    assert look(relu, X).verdicts == ()


@pytest.mark.filterwarnings("ignore::sk_shallow.InitializationWarning")
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_for_a_zero_start_the_remedy_is_to_draw_weights(cancer, activation):
    X, y = cancer
    net = ShallowNetClassifier(16, init="zeros", activation=activation)
    (text,) = look(net, X, y).verdicts
    assert text.endswith("Set init='glorot_uniform' and init_scale=1.")
    (text,) = inspect_hidden_layer(net.fit(X, y), X, y).verdicts
    assert text.endswith("Set init='glorot_uniform' and init_scale=1, and fit again.")


@pytest.mark.filterwarnings("ignore::sk_shallow.CollapseWarning")
def test_the_cause_of_a_collapse_is_the_one_that_fit_names(cancer, circles):
    X, y = cancer
    small = 1e-4 * X
    net = ShallowNetClassifier(16, alpha=30**0.5, random_state=0).fit(small, y)
    (text,) = inspect_hidden_layer(net, small, y).verdicts
    assert "Standardise X" in text
    (text,) = inspect_hidden_layer(net, small).verdicts
    assert text.endswith("Give y, too, to get the cause.")
    X, y = circles(0)
    net = ShallowNetClassifier(init="normal", alpha=5, random_state=0).fit(X, y)
    (text,) = inspect_hidden_layer(net, X, y).verdicts
    assert "Set alpha=0.1. If it started next to the zero net, set init=" in text
    assert ShallowNetClassifier(alpha=0.1, random_state=0).fit(X, y).score(X, y) > 0.9
    few = inspect_hidden_layer(net, X[:10], y[:10])
    assert not any("constant" in verdict for verdict in few.verdicts)


def test_units_that_move_in_few_directions_are_reported(cancer, large):
    X, y = cancer  # a line is all there is
    net = ShallowNetClassifier(16, random_state=0).fit(X, y)
    report = inspect_hidden_layer(net, X)
    (text,) = report.verdicts
    assert report.effective_rank < 4
    assert text.startswith(f"The 16 units move in about {report.effective_rank:.1f} dir")
    net = ShallowNetClassifier(4, random_state=0).fit(*large)
    assert inspect_hidden_layer(net, large[0]).verdicts == ()


def test_weights_that_grew_without_a_penalty_are_reported(rows):
    X, y = rows
    net = ShallowNetClassifier(2, alpha=0, random_state=0).fit(X, y)
    (text,) = inspect_hidden_layer(net, X, y).verdicts
    assert "raise alpha (now 0)" in text


@pytest.mark.parametrize("offset", [0, 1e6])
def test_large_offsets_hide_no_direction(offset):
    # Time stamps: relu passes them on, and the deviations are a millionth of the mean.
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 4)) + offset
    net = made(np.eye(4), activation="relu" if offset else "tanh")
    rank = look(net, X).effective_rank
    assert rank == pytest.approx(4, abs=0.02)


def test_one_row_says_nothing_of_the_units_and_equal_rows_blame_X(cancer):
    X, _ = cancer
    assert look(ShallowNetClassifier(random_state=0), X[:1]).verdicts == ()
    (text,) = look(ShallowNetClassifier(random_state=0), X[[0, 0, 0]]).verdicts
    assert text == "X is the same in every row. Give X a column that varies."


def test_units_that_are_flat_on_all_rows_blame_the_columns():
    X = np.random.default_rng(0).standard_normal((100, 3)) + 1e6
    (text,) = look(ShallowNetClassifier(random_state=0), X).verdicts
    assert "flat part of tanh" in text
    assert "standardise X" in text


@pytest.mark.parametrize(
    "parameters",
    [
        {"init": "zeros"},
        {"init": "constant"},
        {"init_scale": 1000},
        {"activation": "relu", "init_scale": 100},
        {"activation": "logistic", "init": "normal", "init_scale": 1e-4, "alpha": 1e4},
        {"init": "normal", "alpha": 1e3},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_of_what_fit_warns_a_report_has_a_verdict(cancer, parameters):
    net = ShallowNetClassifier(random_state=0, **parameters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InitializationWarning)
        net.fit(*cancer)
    categories = {warning.category for warning in caught}
    assert categories & {SymmetryWarning, SaturationWarning, CollapseWarning}
    if categories & {SymmetryWarning, SaturationWarning}:
        assert look(net, *cancer).verdicts
    if CollapseWarning in categories:
        assert inspect_hidden_layer(net, *cancer).verdicts


def test_half_of_the_activations_may_be_flat():
    # |Z1| is 10 on the first rows and 0 on the others.
    X = np.repeat([10.0, 0.0], [50, 50])[:, None]
    assert look(made([[1.0, 2.0]]), X).verdicts == ()
    X[50] = 10
    assert "51% of the hidden activations" in look(made([[1.0, 2.0]]), X).verdicts[0]


def test_units_that_are_flat_on_almost_every_row_are_not_dead():
    X = np.r_[np.full(300, -1.0), 1.0][:, None]
    report = look(made([[1.0, -1.0]], activation="relu"), X)
    assert report.n_dead == 0


def test_alikeness_is_passed_on(rows):
    # Each is within the tolerance of the next, and the last not of the first.
    net = made([[1, 1.0008, 1.0016, 1.0024], [0, 0, 0, 0]])
    assert look(net, rows[0], tol=1e-3).n_distinct == 1
    assert look(made([[1, 1.0024], [0, 0]]), rows[0], tol=1e-3).n_distinct == 2


def test_the_tolerance_is_relative_to_the_larger_of_very_different_units():
    # 0 and a bump: relative to the smaller, no tolerance would do.
    X = np.array([[0.0, 1.0], [0.0, 0.0]])
    net = made([[0, 0], [0, 1e-2]], b1=[1.0, 1.0])
    difference = np.tanh(1.01) - np.tanh(1.0)
    just = difference / np.hypot(np.tanh(1.01), np.tanh(1.0))
    assert look(net, X, tol=1.001 * just).n_distinct == 1
    assert look(net, X, tol=0.999 * just).n_distinct == 2


def test_float32_nets_are_looked_at_as_they_predict_with_sums_in_float64(cancer):
    X, y = cancer
    net = ShallowNetClassifier(5, random_state=0).fit(X.astype(np.float32), y)
    reports = [inspect_hidden_layer(net, X.astype(kind)) for kind in (float, np.float32)]
    np.testing.assert_array_equal(*(report.pre_activation_sd for report in reports))
    many = np.tile(X, (60, 1)).astype(np.float32)
    report = inspect_hidden_layer(net, many)
    Z1 = many @ net.coefs_[0] + net.intercepts_[0]
    np.testing.assert_allclose(
        report.pre_activation_mean, Z1.mean(axis=0, dtype=float), rtol=1e-6, atol=1e-7
    )


def test_units_that_repeat_others_are_counted(rows):
    (text,) = look(made([[1, 0, 1], [0, 1, 0]], w2=[1, 2, 1]), rows[0]).verdicts
    assert text.startswith("1 unit repeats others: a net of n_hidden=2 can")


def test_for_trained_units_that_are_the_same_the_remedy_is_to_start_afresh(cancer):
    X, y = cancer
    with pytest.warns(Warning, match="identical|constant"):
        net = ShallowNetClassifier(4, init="constant", random_state=0).fit(X, y)
    (text,) = inspect_hidden_layer(net, X, y).verdicts
    assert "Set init='glorot_uniform' and init_scale=1, and fit again." in text


def test_the_report_is_shown_as_text_and_as_html(cancer):
    report = look(ShallowNetClassifier(4, init="constant", random_state=0), *cancer)
    text = str(report)
    assert text.splitlines()[0] == "Hidden layer (tanh) at the start, on 569 rows"
    assert "units              4, of which 1 distinct" in text
    assert all(verdict in text for verdict in report.verdicts)
    html = report._repr_html_()
    assert "4, of which 1 distinct" in html
    assert "init=&#x27;glorot_uniform&#x27;" in html


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_the_numbers_become_a_data_frame(rows, frame):
    table = frame(look(ShallowNetClassifier(5, random_state=0), rows[0]).to_dict())
    assert table.shape == (5, 6)


def test_a_report_cannot_be_changed(rows):
    report = look(ShallowNetClassifier(5, random_state=0), rows[0])
    assert isinstance(report, HiddenLayerReport)
    with pytest.raises(FrozenInstanceError):
        report.n_rows = 3
    with pytest.raises(ValueError, match="read-only"):
        report.saturated_share[0] = 1


def test_the_example_in_the_reference_is_true():
    result = doctest.testmod(inspection.reports)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("with_y", [False, True])
@pytest.mark.parametrize("init_scale", [1, 100])
def test_the_memory_grows_by_a_few_bytes_for_each_row(with_y, init_scale):
    net = ShallowNetClassifier(64, init_scale=init_scale, random_state=0)
    peaks = []
    for n_rows in (2 * BLOCK_ROWS, 12 * BLOCK_ROWS):
        X = np.random.default_rng(0).standard_normal((n_rows, 20))
        y = (X[:, 0] > 0).astype(int) if with_y else None
        tracemalloc.start()
        look(net, X, y)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Label, weight, and what splitting takes; X has 20 numbers a row, and A1 has 64.
    assert peaks[1] - peaks[0] < (20 if with_y else 4) * 10 * BLOCK_ROWS


# --- A net whose logits are linear --------------------------------------------------------


def moons_to_fit(seed, n_samples=400):
    return make_moons(n_samples, noise=0.2, random_state=seed)


@pytest.mark.parametrize(
    ("factor", "alpha", "n_samples"),
    [(1, 3.0, 400), (1, 20.0, 400), (1, 1.5, 100), (1 / 3, 1.5, 400)],
)
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_of_a_line_it_is_said_what_bends_it(factor, alpha, n_samples, activation, kind):
    before, after = [], []
    for seed in range(4):
        X, y = moons_to_fit(seed, n_samples)
        X_test, y_test = moons_to_fit(seed + 1000, n_samples)
        X, X_test = factor * X, factor * X_test
        net = ShallowNetClassifier(alpha=alpha, activation=activation, random_state=seed)
        net.fit(kind(X), y)
        z2 = net.decision_function(X)
        share = LinearRegression().fit(X, z2).score(X, z2)
        texts = [
            text
            for given in ((X, y), (kind(X), y), (kind(X),))
            for text in inspect_hidden_layer(net, *given).verdicts
            if "the logits are linear" in text
        ]
        assert len(texts) == 3 * (share > 0.9805) or 0.9795 < share < 0.9805
        if not texts:
            continue
        advised = re.search(r"set alpha=(\S+) and n_init=(\d+)\. Compare Log", texts[0])
        before.append(log_loss(y_test, net.predict_proba(X_test)))
        net.set_params(alpha=float(advised[1]), n_init=int(advised[2])).fit(X, y)
        after.append(log_loss(y_test, net.predict_proba(X_test)))
        z2 = net.decision_function(X)
        assert LinearRegression().fit(X, z2).score(X, z2) < 0.98
    if before:
        assert np.mean(after) < 0.6 * np.mean(before)


def test_too_few_rows_say_nothing_of_a_line(cancer):
    X, y = cancer
    net = ShallowNetClassifier(alpha=300.0, random_state=0).fit(X, y)
    for n_rows, is_said in ((30, False), (569, True)):
        verdicts = inspect_hidden_layer(net, X[:n_rows], y[:n_rows]).verdicts
        assert any("are linear" in text for text in verdicts) == is_said


def test_a_fit_that_ends_as_a_line_is_silent():
    X, y = moons_to_fit(0)
    ShallowNetClassifier(alpha=20.0, random_state=0).fit(X, y)  # warnings are errors


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array, sparse.csr_matrix])
def test_the_share_of_a_line_is_that_of_least_squares(kind):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 6)) * 10.0 ** np.arange(-3, 3) + 5
    X[:, 3] = 2.0
    for noise in (0.01, 0.1, 1.0):
        z2 = (X - 5) @ 10.0 ** -np.arange(-3, 3) + noise * rng.standard_normal(500)
        share = 1 - (1 - LinearRegression().fit(X, z2).score(X, z2)) * 499 / 493
        assert linear_share(kind(X), z2) == pytest.approx(share, abs=1e-3)
    assert linear_share(kind(X[:13]), z2[:13]) == 0
