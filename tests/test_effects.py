"""Effects are the derivatives of the logit, and the sentences are true of made data."""

import doctest
import pickle
import sys
import tracemalloc
import warnings
from dataclasses import replace
from functools import cache

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest
from dask import array as da
from matplotlib import pyplot as plt
from scipy import sparse
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sk_shallow import ShallowNetClassifier, ShallowNetClassifierCV
from sk_shallow._core.columns import column_ranges, two_valued
from sk_shallow._core.effects import effect_sums, interactions, joint_effects
from sk_shallow._core.rows import row_blocks
from sk_shallow._core.slopes import between_bins, column_scales, row_bytes
from sk_shallow._core.table import ArrayTable
from sk_shallow.inspection import EffectsDisplay, inspect_effects
from sk_shallow.inspection.slopes import effects_subject
from sk_shallow.threads.pool import helpers, shared_by

SMOOTH = pytest.mark.parametrize("activation", ["tanh", "logistic"])
PHI2 = -2 * np.tanh(1) * (1 - np.tanh(1) ** 2)  # phi''(1) of tanh


@cache
def fitted(activation, n_features):
    """A fitted net, whose weights are to be replaced."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, n_features))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = ShallowNetClassifier(1, activation=activation, max_iter=1, random_state=0)
        return pickle.dumps(net.fit(X, np.arange(20) % 2))


def net_of(W1, b1, w2, activation="tanh"):
    """A fitted net with these weights."""
    W1, b1, w2 = (np.asarray(part, dtype=float) for part in (W1, b1, w2))
    net = pickle.loads(fitted(activation, len(W1)))
    net.coefs_, net.intercepts_ = [W1, w2[:, None]], [b1, np.zeros(1)]
    return net


def random_net(activation="tanh", n_features=4, n_hidden=7, seed=0):
    rng = np.random.default_rng(seed)
    W1 = rng.standard_normal((n_features, n_hidden))
    return net_of(W1, *rng.standard_normal((2, n_hidden)), activation)


def random_rows(n_samples=50, n_features=4, seed=1):
    """Columns of different sizes, and weights."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, n_features)) * np.linspace(0.5, 2, n_features)
    return X, rng.uniform(0.5, 2, n_samples)


def product_net(step=0.01):
    """z2 = x0 x1, but for terms of the order of `step` squared; it is blind to x2."""
    W1 = step * np.array([[1, -1, 1, -1], [1, -1, -1, 1], [0, 0, 0, 0]])
    return net_of(W1, np.ones(4), np.array([1, 1, -1, -1]) / (4 * PHI2 * step**2))


def linear_net(slopes, step=1e-4):
    """z2 = slopes @ x, but for terms of the order of `step` squared."""
    return net_of(step * np.reshape(slopes, (-1, 1)), [0.0], [1 / step])


def moved(net, X, sizes):
    """Logits of the rows, each column moved by as much as `sizes` says."""
    return net.decision_function(X + np.asarray(sizes))


def weighted_sd(X, weight):
    mean = np.average(X, axis=0, weights=weight)
    return np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weight))


def row_effects(net, X, weight=None):
    subject = effects_subject(net, X, weight, None)
    return subject.sampled(subject.scales()).slopes


NUMBERS = (
    "sd",
    "mean_slope",
    "sd_slope",
    "importance",
    "linear_share",
    "slope_range",
    "interactions",
)


def assert_same_numbers(one, other, rtol=1e-10, but_for=()):
    for name in NUMBERS:
        if name not in but_for:
            expected = getattr(other, name)
            size = np.nanmax(np.abs(expected), initial=0)
            np.testing.assert_allclose(
                getattr(one, name), expected, rtol, rtol * size, err_msg=name
            )


# --- The formulas -----------------------------------------------------------------------


@SMOOTH
def test_slopes_are_those_of_finite_differences(activation):
    net, (X, weight) = random_net(activation), random_rows()
    sd, h = weighted_sd(X, weight), 1e-4
    g = np.stack(
        [
            sd[j] * (moved(net, X, h * unit) - moved(net, X, -h * unit)) / (2 * h)
            for j, unit in enumerate(np.eye(4))
        ],
        axis=1,
    )
    np.testing.assert_allclose(row_effects(net, X, weight), g, rtol=1e-6, atol=1e-7)
    report = inspect_effects(net, X, sample_weight=weight)
    mean, square = (np.average(v, axis=0, weights=weight) for v in (g, g**2))
    np.testing.assert_allclose(report.sd, sd, rtol=1e-12)
    np.testing.assert_allclose(report.mean_slope, mean, rtol=1e-6)
    np.testing.assert_allclose(report.sd_slope, np.sqrt(square - mean**2), rtol=1e-6)
    np.testing.assert_allclose(report.importance, np.sqrt(square), rtol=1e-6)
    np.testing.assert_allclose(report.linear_share, mean**2 / square, rtol=1e-6)


@SMOOTH
def test_interactions_are_those_of_finite_differences(activation):
    net, (X, weight) = random_net(activation), random_rows()
    sd, h, units = weighted_sd(X, weight), 1e-3, np.eye(4)

    def second(one, other, h):
        return (
            moved(net, X, h * (one + other))
            - moved(net, X, h * (one - other))
            - moved(net, X, h * (other - one))
            + moved(net, X, -h * (one + other))
        ) / (4 * h**2)

    H = np.array(
        [  # by Richardson, so that the error is of the order of h to the fourth
            [(4 * second(one, other, h) - second(one, other, 2 * h)) / 3 for other in units]
            for one in units
        ]
    )
    H *= np.multiply.outer(sd, sd)[..., None]
    report = inspect_effects(net, X, sample_weight=weight)
    expected = np.sqrt(np.average(H**2, axis=2, weights=weight))
    np.testing.assert_allclose(report.interactions, expected, rtol=1e-6)
    np.testing.assert_array_equal(report.interactions, report.interactions.T)
    subject = effects_subject(net, X, weight, None)
    scales = subject.scales()
    mean = interactions(subject.nets, subject.sums(scales), scales, np.arange(4)).mean
    np.testing.assert_allclose(mean, np.average(H, axis=2, weights=weight), atol=1e-6)


def test_a_product_acts_together_and_is_not_curved():
    X = np.random.default_rng(0).standard_normal((3000, 3))
    X[:, 1] += 1
    report = inspect_effects(product_net(), X, feature_names=["age", "income", "noise"])
    sd, size = X.std(axis=0), np.sqrt(np.mean(X**2, axis=0))
    np.testing.assert_allclose(
        report.importance, [sd[0] * size[1], sd[1] * size[0], 0], rtol=1e-3
    )
    np.testing.assert_allclose(report.mean_slope[0], sd[0] * X[:, 1].mean(), rtol=1e-3)
    np.testing.assert_allclose(
        report.interactions, np.outer(sd, sd) * [[0, 1, 0], [1, 0, 0], [0, 0, 0]], atol=1e-2
    )
    assert len(report.missed) == 1
    assert report.missed[0].startswith("`age` and `income` act together: the slope of each")
    assert " rises by " in report.missed[0]
    assert "curved" not in report.recipe
    assert report.recipe.count('"pair_') == 1


def test_a_square_is_curved_and_does_not_act_together():
    X = np.random.default_rng(0).standard_normal((3000, 2))
    net = net_of([[0.01, -0.01], [0, 0]], [1, 1], np.ones(2) / (PHI2 * 0.01**2))  # x0**2
    report = inspect_effects(net, X)
    low, high = 2 * X[:, 0].std() * np.quantile(X[:, 0], [0.05, 0.95])
    assert report.missed == (
        f"`x0` is curved: its slope runs from {low:.2g} to {high:.2g} per sd.",
    )
    assert "products" not in report.recipe
    assert report.linear_share[0] < 0.01


def test_a_line_is_straight_and_nothing_is_missed():
    X, _ = random_rows(3000)
    report = inspect_effects(linear_net([1, -2, 0, 0.5]), X)
    used = [0, 1, 3]
    np.testing.assert_allclose(report.mean_slope, X.std(axis=0) * [1, -2, 0, 0.5], 1e-6)
    np.testing.assert_allclose(report.linear_share[used], 1, rtol=1e-6)
    np.testing.assert_allclose(report.interactions, 0, atol=1e-3)
    np.testing.assert_allclose(report.slope_range[:, 0], report.slope_range[:, 1], 1e-5)
    assert (report.missed, report.recipe) == ((), "")
    assert "LogisticRegression misses nothing large." in str(report)
    assert report.straight_share == pytest.approx(1)
    bent = replace(report, mean_slope=0.9 * report.mean_slope)
    assert bent.straight_share == pytest.approx(0.81)
    assert "stands out, but only 81% of all squared slopes are straight" in str(bent)


def test_a_column_that_the_net_does_not_use_has_no_importance_and_no_share():
    X, _ = random_rows(n_features=3)
    report = inspect_effects(product_net(), X)
    for name in ("importance", "mean_slope", "sd_slope"):
        assert getattr(report, name)[2] == 0
    assert not report.interactions[2].any()
    assert np.isnan(report.linear_share[2])
    assert str(report).splitlines()[4].split() == ["x2", "0.000", "0.000", "-"]


@pytest.mark.parametrize("value", [0.0, 3.0, 1e6 / 3])
def test_a_constant_column_has_no_effect(value):
    X, _ = random_rows()
    X[:, 1] = value
    report = inspect_effects(random_net(), X)
    assert report.sd[1] == report.importance[1] == 0
    assert np.isnan(report.linear_share[1])
    assert not report.is_two_valued.any()
    assert not report.interactions[1].any()


@pytest.mark.parametrize("activation", ["tanh", "logistic", "relu"])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_a_column_of_two_values_has_the_difference_between_them(activation, kind):
    net, (X, weight) = random_net(activation), random_rows()
    X[:, 1], X[:, 2] = X[:, 1] > 0.5, np.where(X[:, 2] > 0, 0.1, -7.3)
    sd = weighted_sd(X, weight)
    report = inspect_effects(net, kind(X), sample_weight=weight)
    assert report.is_two_valued.tolist() == [False, True, True, False]
    for j, (low, high) in {1: (0, 1), 2: (-7.3, 0.1)}.items():
        at_low, at_high = X.copy(), X.copy()
        at_low[:, j], at_high[:, j] = low, high
        g = net.decision_function(at_high) - net.decision_function(at_low)
        g *= sd[j] / (high - low)
        np.testing.assert_allclose(row_effects(net, kind(X), weight)[:, j], g, atol=1e-12)
        np.testing.assert_allclose(report.mean_slope[j], weight @ g / weight.sum())
        np.testing.assert_allclose(report.importance[j] ** 2, weight @ g**2 / weight.sum())


def test_a_column_of_two_values_is_never_called_curved():
    """Its second derivative is large, and its two slopes are the same."""
    X = np.random.default_rng(0).standard_normal((500, 1))
    net = net_of([[3.0]], [0.0], [2.0])
    assert "curved" in str(inspect_effects(net, X))
    report = inspect_effects(net, np.sign(X))
    assert report.interactions[0, 0] > 0.01
    assert report.missed == ()


@pytest.mark.parametrize("activation", ["tanh", "logistic", "relu"])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_the_joint_effect_of_a_step_is_a_difference_of_slopes(activation, kind):
    net, (X, weight) = random_net(activation), random_rows()
    X[:, 1], X[:, 2] = X[:, 1] > 0.5, np.where(X[:, 2] > 0, 0.1, -7.3)
    subject = effects_subject(net, kind(X), weight, None)
    scales, columns, mean = subject.scales(), np.array([0, 1, 2]), np.full((3, 3), 9.0)
    joint = joint_effects(subject.nets, subject.sampled(scales), scales, columns, mean)
    sd = weighted_sd(X, weight)

    def logits(one, other):
        at = X.copy()
        at[:, 1], at[:, 2] = one, other
        return net.decision_function(at)

    twice = logits(1, 0.1) - logits(1, -7.3) - logits(0, 0.1) + logits(0, -7.3)
    expected = np.average(twice, weights=weight) * sd[1] * sd[2] / 7.4
    np.testing.assert_allclose([joint[1, 2], joint[2, 1]], expected, rtol=1e-10)
    slopes = []
    for value in (0, 1):
        at = X.copy()
        at[:, 1] = value
        h = 1e-6 * np.eye(4)[0]
        slopes.append((moved(net, at, h) - moved(net, at, -h)) / 2e-6)
    expected = np.average(slopes[1] - slopes[0], weights=weight) * sd[0] * sd[1]
    np.testing.assert_allclose([joint[0, 1], joint[1, 0]], expected, rtol=1e-6)
    assert joint[0, 0] == 9


@pytest.mark.parametrize("activation", ["tanh", "logistic", "relu"])
def test_two_columns_of_two_values_act_together_where_every_unit_is_saturated(activation):
    X = np.random.default_rng(0).choice([-1.0, 1.0], (400, 3))
    y = X[:, 0] * X[:, 1] > 0
    net = ShallowNetClassifier(8, activation=activation, alpha=0.1, random_state=1)
    report = inspect_effects(net.fit(X, y), X)
    assert findings(report) == ["`x0` and `x1` act together"]


def test_a_product_of_correlated_columns_is_not_called_curved():
    z = np.random.default_rng(0).standard_normal((3000, 3))
    X = np.column_stack([z[:, 0], 0.8 * z[:, 0] + 0.6 * z[:, 1], z[:, 2]])
    assert findings(inspect_effects(product_net(), X)) == ["`x0` and `x1` act together"]


@pytest.mark.parametrize("seed", range(5))
def test_a_column_of_two_values_is_not_called_curved_by_what_is_correlated_with_it(seed):
    X = np.random.default_rng(seed).standard_normal((500, 3))
    X[:, 0] = np.abs(X[:, 1]) > 1
    # x0 times an even function of x1, whose mean depends on x0.
    net = net_of([[1, 1, 1], [2, -2, 0], [0, 0, 0]], [0, 0, 0], [4, 4, -8])
    assert "`x0` is curved" not in findings(inspect_effects(net, X))


def test_the_variance_between_bins_is_not_what_chance_makes_of_noise():
    found = []
    for seed in range(40):
        x, noise = np.random.default_rng(seed).standard_normal((2, 400))
        found.append(between_bins(x, noise, np.ones(400)))
        with_law = between_bins(x, 3 * np.sign(x) + noise, np.ones(400))
        assert with_law == pytest.approx(9, rel=0.2)
    assert np.mean(found) < 0.015  # and 0.05 with chance
    assert np.median(found) < 0.005


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_two_valued_is_what_has_two_values(kind):
    columns = {
        "constant": [5, 5, 5, 5],
        "two": [1, 3, 3, 1],
        "with zero": [0, 2, 0, 2],
        "three": [1, 2, 3, 1],
        "zero between": [-1, 0, 1, 1],
        "three but for weight 0": [1, 3, 3, 7],
        "zeros": [0, 0, 0, 0],
        "below zero": [-2, 0, 0, -2],
    }
    X = np.array(list(columns.values()), dtype=float).T
    weight = np.array([1, 1, 1, 0 if len(X) == 4 else 1])
    table = ArrayTable(kind(np.vstack([X[:3], X[:3], X[3:]])))
    weight = np.array([1, 1, 1, 1, 1, 1, 0])
    found = two_valued(table, weight, column_ranges(table, weight))
    expected = {"two", "with zero", "three but for weight 0", "below zero"}
    assert {n for n, two in zip(columns, found, strict=True) if two} == expected


def test_entries_of_csr_that_are_stored_twice_count_as_their_sum():
    X = sparse.csr_array(([1.0, 2.0, 3.0, 1.0], ([0, 0, 1, 2], [0, 0, 0, 0])), shape=(3, 1))
    X = sparse.csr_array(
        (np.array([1.0, 2.0, 3.0]), np.array([0, 0, 0]), np.array([0, 2, 3, 3])),
        shape=(3, 1),
    )
    weight = np.ones(3)
    assert two_valued(ArrayTable(X), weight, column_ranges(ArrayTable(X), weight)).all()


# --- Rows -------------------------------------------------------------------------------


def test_weights_count_as_repeated_rows():
    net, (X, _) = random_net(), random_rows()
    times = np.random.default_rng(2).integers(0, 4, len(X))
    weighted = inspect_effects(net, X, sample_weight=times)
    assert_same_numbers(weighted, inspect_effects(net, np.repeat(X, times, axis=0)))
    assert weighted.n_rows == np.count_nonzero(times)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_rows_of_weight_0_are_absent_however_large(kind):
    net, (X, weight) = random_net(), random_rows()
    X[:, 3] = X[:, 3] > 0
    with_huge = np.vstack([X[:20], np.full((3, 4), 1e300), X[20:]])
    padded = np.insert(weight, [20, 20, 20], 0)
    report = inspect_effects(net, kind(with_huge), sample_weight=padded)
    assert_same_numbers(report, inspect_effects(net, X, sample_weight=weight))
    assert report.n_rows == 50


@pytest.mark.parametrize("sparse_kind", [sparse.csr_array, sparse.csr_matrix])
def test_csr_has_the_numbers_of_dense_rows(sparse_kind):
    X, weight = random_rows(2000)
    X[np.random.default_rng(0).uniform(size=X.shape) < 0.7] = 0
    X[:, 0] = X[:, 0] > 0
    net = random_net()
    one, other = (
        inspect_effects(net, kind(X), sample_weight=weight, n_interactions=3)
        for kind in (sparse_kind, np.asarray)
    )
    assert_same_numbers(one, other)
    assert one.missed == other.missed


def test_many_blocks_are_one_formula():
    net, (X, weight) = random_net(n_hidden=40), random_rows(20_000)
    subject = effects_subject(net, X, weight, None)
    assert len(row_blocks(len(X), row_bytes(subject.nets))) > 4
    (W1, W2), (b1, _), sd = net.coefs_, net.intercepts_, weighted_sd(X, weight)
    A1 = np.tanh(X @ W1 + b1)
    g = sd * ((W2[:, 0] * (1 - A1**2)) @ W1.T)
    H = np.einsum("nh,jh,kh->njk", -2 * W2[:, 0] * A1 * (1 - A1**2), W1, W1)
    report = inspect_effects(net, X, sample_weight=weight)
    mean = np.average(g, axis=0, weights=weight)
    np.testing.assert_allclose(report.mean_slope, mean, rtol=1e-10)
    np.testing.assert_allclose(report.sd_slope, weighted_sd(g, weight), rtol=1e-10)
    size = np.sqrt(np.average(H**2, axis=0, weights=weight)) * np.outer(sd, sd)
    np.testing.assert_allclose(report.interactions, size, rtol=1e-8)
    # On a sample of half of the rows.
    low, high = np.quantile(g, [0.05, 0.95], axis=0)
    np.testing.assert_allclose(report.slope_range, np.stack([low, high], 1), rtol=0.06)


def test_the_range_of_the_slopes_is_that_of_all_rows_where_they_are_few():
    net, (X, weight) = random_net(), random_rows(9999)
    g = row_effects(net, X, weight)
    for j, found in enumerate(inspect_effects(net, X, sample_weight=weight).slope_range):
        order = np.argsort(g[:, j])
        share = np.cumsum(weight[order]) / weight.sum()
        expected = g[order[np.searchsorted(share, [0.05, 0.95])], j]
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("n_helpers", [1, 2, 5])
def test_the_number_of_threads_changes_no_bit(n_helpers):
    X, weight = random_rows(20_000)
    X[:, 1] = X[:, 1] > 0
    subject = effects_subject(random_net(n_hidden=40), X, weight, None)
    scales = column_scales(ArrayTable(X), weight)
    alone = effect_sums(subject.nets, X, weight, scales)
    with helpers(n_helpers) as (n_given, queue):
        run = shared_by(n_given, queue)
        shared = effect_sums(subject.nets, X, weight, scales, run)
    assert n_given == n_helpers
    for one, other in zip(shared.slopes, alone.slopes, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(shared.c, alone.c)
    np.testing.assert_array_equal(shared.cc, alone.cc)


def test_memory_does_not_grow_with_the_rows():
    net = random_net(n_hidden=40)

    def peak(n_samples):
        X, _ = random_rows(n_samples)
        tracemalloc.start()
        inspect_effects(net, X)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    few, many = peak(30_000), peak(120_000)
    # A byte or two for the weight of each row, and a few for those of the sample.
    assert many - few < 20 * 90_000
    assert many < 30e6


def test_memory_does_not_grow_with_rows_times_columns_of_csr():
    X = sparse.random(2000, 3000, density=0.01, random_state=0, format="csr")
    net = random_net(n_features=3000, n_hidden=3)
    tracemalloc.start()
    inspect_effects(net, X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2000 * 3000 * 8


# --- Laws -------------------------------------------------------------------------------


def test_the_unit_of_a_column_changes_nothing():
    net, (X, _) = random_net(), random_rows()
    units = np.array([10, 1e-3, 1, 7])
    (W1, W2), (b1, _) = net.coefs_, net.intercepts_
    other = net_of(W1 / units[:, None], b1, W2[:, 0])
    reports = inspect_effects(other, X * units), inspect_effects(net, X)
    assert_same_numbers(*reports, but_for=["sd"])


def test_the_order_of_the_units_changes_nothing():
    net, (X, _) = random_net(), random_rows()
    order = np.random.default_rng(3).permutation(7)
    (W1, W2), (b1, _) = net.coefs_, net.intercepts_
    other = net_of(W1[:, order], b1[order], W2[order, 0])
    assert_same_numbers(inspect_effects(other, X), inspect_effects(net, X))


@pytest.fixture(scope="module")
def searched(large):
    net = ShallowNetClassifierCV(6, alphas=[1.0], cv=3, random_state=0)
    return net.fit(*large)


def test_an_average_has_the_mean_slope_of_its_nets_and_their_spread(large, searched):
    X, _ = large
    report = inspect_effects(searched, X)
    each = [inspect_effects(net, X) for net in searched.estimators_]
    means = [one.mean_slope for one in each]
    np.testing.assert_allclose(report.mean_slope, np.mean(means, axis=0), atol=1e-12)
    np.testing.assert_allclose(report.mean_slope_spread, np.std(means, axis=0))
    importances = [one.importance for one in each]
    np.testing.assert_allclose(report.importance_spread, np.std(importances, axis=0))
    assert report.n_units == 18
    assert each[0].mean_slope_spread is each[0].importance_spread is None
    assert " ± " in str(report)
    # The numbers of the one net are those of its weights.
    alone = net_of(searched.coefs_[0], searched.intercepts_[0], searched.coefs_[1][:, 0])
    assert_same_numbers(report, inspect_effects(alone, X))


def test_the_spread_is_there_in_float32_as_in_float64(large, searched):
    X, y = large
    net = clone(searched).fit(X.astype(np.float32), y)
    assert net.coefs_[0].dtype == np.float32
    each = [inspect_effects(one, X).mean_slope for one in net.estimators_]
    spread = inspect_effects(net, X).mean_slope_spread
    np.testing.assert_allclose(spread, np.std(each, axis=0), rtol=1e-6)


def test_a_net_whose_weights_were_changed_is_not_the_average_of_its_nets(large, searched):
    net = pickle.loads(pickle.dumps(searched))
    net.coefs_ = [net.coefs_[0], 2 * net.coefs_[1]]
    report, before = (inspect_effects(one, large[0]) for one in (net, searched))
    assert report.mean_slope_spread is None
    np.testing.assert_allclose(report.mean_slope, 2 * before.mean_slope)


def test_a_net_that_is_fitted_again_has_no_spread(large):
    X, y = large[0][:400], large[1][:400]
    net = ShallowNetClassifierCV(4, alphas=[5.0], cv=3, refit=True, random_state=0)
    report = inspect_effects(net.fit(X, y), X)
    assert report.mean_slope_spread is None
    assert report.n_units == 4


def test_a_net_of_float32_is_computed_in_float64(large):
    X, y = large[0][:400].astype(np.float32), large[1][:400]
    net = ShallowNetClassifier(4, random_state=0).fit(X, y)
    assert net.coefs_[0].dtype == np.float32
    report = inspect_effects(net, X)
    wide = net_of(net.coefs_[0], net.intercepts_[0], net.coefs_[1][:, 0])
    assert_same_numbers(report, inspect_effects(wide, X.astype(float)))
    assert report.mean_slope.dtype == report.interactions.dtype == np.float64


def test_relu_has_slopes_and_no_curvature():
    net, (X, _) = random_net("relu"), random_rows()
    report = inspect_effects(net, X)
    assert np.isnan(report.interactions).all()
    h = 1e-7
    g = (moved(net, X, [h, 0, 0, 0]) - moved(net, X, [-h, 0, 0, 0])) / (2 * h)
    np.testing.assert_allclose(report.mean_slope[0], X[:, 0].std() * g.mean(), rtol=1e-6)
    assert "relu has no curvature" in str(report)
    assert "act together:" not in str(report)


def test_of_many_columns_the_50_most_important_have_interactions():
    rng = np.random.default_rng(0)
    net, X = random_net(n_features=60, n_hidden=3), rng.standard_normal((40, 60))
    report = inspect_effects(net, X)
    expected = np.sort(np.argsort(-report.importance)[:50])
    np.testing.assert_array_equal(report.interaction_columns, expected)
    assert report.interactions.shape == (50, 50)
    assert "... and 45 more" in str(report)
    few = inspect_effects(random_net(), X[:, :4])
    assert few.interaction_columns.tolist() == [0, 1, 2, 3]


# --- Names, pipelines and what is refused -----------------------------------------------


@pytest.fixture(scope="module")
def frame(large):
    X, y = large
    return pd.DataFrame(X, columns=list("abcdef")), y


def test_names_come_from_the_steps_before_the_net(frame):
    X, y = frame
    net = ShallowNetClassifier(2, random_state=0)

    def names(model, X=X):
        return inspect_effects(model, X).feature_names.tolist()

    assert names(clone_fit(net, X, y)) == list("abcdef")
    assert names(clone_fit(net, X.to_numpy(), y), X.to_numpy())[-1] == "x5"
    pca = make_pipeline(StandardScaler(), PCA(2), net).fit(X, y)
    assert names(pca) == ["pca0", "pca1"]
    nested = Pipeline([("scaler", StandardScaler()), ("rest", make_pipeline(net))])
    assert names(nested.fit(X, y)) == list("abcdef")
    assert names(make_pipeline("passthrough", net).fit(X, y)) == list("abcdef")
    search = GridSearchCV(make_pipeline(StandardScaler(), net), {}, cv=2).fit(X, y)
    assert names(search) == list("abcdef")
    inner = make_pipeline(StandardScaler(), net)
    assert names(make_pipeline(StandardScaler(), inner).fit(X, y)) == list("abcdef")
    # A step that gives no names.
    double = make_pipeline(FunctionTransformer(lambda X: 2 * X.to_numpy()), net).fit(X, y)
    assert names(double)[0] == "x0"


def clone_fit(net, X, y):
    return pickle.loads(pickle.dumps(net)).fit(X, y)


def test_a_pipeline_has_the_effects_of_its_net(frame):
    X, y = frame
    pipeline = make_pipeline(StandardScaler(), ShallowNetClassifier(3, random_state=0))
    report = inspect_effects(pipeline.fit(X, y), X, sample_weight=np.ones(len(X)))
    alone = inspect_effects(pipeline[-1], pipeline[:-1].transform(X))
    assert_same_numbers(report, alone)


def test_the_coefficients_of_logistic_regression_have_the_same_unit(frame):
    X, y = frame
    X = X * [1, 1.2, 0.7, 1, 0.6, 1]
    net = ShallowNetClassifier(2, random_state=0).fit(X, y)
    line = LogisticRegression().fit(X, y)
    report = inspect_effects(net, X, line=line)
    np.testing.assert_allclose(
        report.line_coefficients, line.coef_[0] * X.to_numpy().std(0)
    )
    heading, first = str(report).splitlines()[1:3]
    assert heading.split()[-1] == "LogisticRegression"
    j = np.argmax(report.importance)
    assert first.split()[-1] == f"{report.line_coefficients[j]:.3f}"
    piped = make_pipeline(StandardScaler(), LogisticRegressionCV(Cs=2, cv=2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        piped.fit(X, y)
    other = inspect_effects(net, X, line=piped)
    expected = piped[-1].coef_[0] * report.sd
    np.testing.assert_allclose(other.line_coefficients, expected)
    assert inspect_effects(net, X).line_coefficients is None
    assert inspect_effects(net, X, line=line.sparsify()).line_coefficients.shape == (6,)


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        (lambda X, y: LogisticRegression(), NotFittedError, "not fitted"),
        (lambda X, y: DecisionTreeClassifier().fit(X, y), TypeError, "LogisticRegression"),
        (lambda X, y: "line", TypeError, "line must be a fitted LogisticRegression"),
        (lambda X, y: LogisticRegression().fit(X[:, :3], y), ValueError, "6 columns"),
        (
            lambda X, y: LogisticRegression().fit(X, np.arange(len(y)) % 3),
            ValueError,
            "one coefficient for each",
        ),
    ],
)
def test_a_line_that_does_not_fit_is_refused(large, line, error, message):
    X, y = large[0][:300], large[1][:300]
    net = ShallowNetClassifier(2, random_state=0).fit(X, y)
    with pytest.raises(error, match=message):
        inspect_effects(net, X, line=line(X, y))


def test_what_does_not_fit_is_refused():
    net, (X, _) = random_net(), random_rows()
    for names in (["a", "b"], "abcd"):
        with pytest.raises(ValueError, match="feature_names must have a name for each of"):
            inspect_effects(net, X, feature_names=names)
    for n in (-1, 1.5, "5"):
        with pytest.raises(ValueError, match="n_interactions must be an integer >= 0"):
            inspect_effects(net, X, n_interactions=n)
    with pytest.raises(NotFittedError):
        inspect_effects(ShallowNetClassifier(), X)
    with pytest.raises(TypeError, match="Expected a ShallowNetClassifier"):
        inspect_effects(LogisticRegression(), X)
    with pytest.raises(TypeError, match="X must be in memory"):
        inspect_effects(net, da.from_array(X))
    with pytest.raises(ValueError, match="X has 3 features"):
        inspect_effects(net, X[:, :3])
    with pytest.raises(ValueError, match="sample_weight must be >= 0"):
        inspect_effects(net, X, sample_weight=-np.ones(50))
    with pytest.raises(ValueError, match=r"columns 'x2': their variance overflows\. Scale"):
        inspect_effects(net, X * [1, 1, 1e200, 1])


def test_the_examples_run_as_they_are_shown():
    result = doctest.testmod(sys.modules[inspect_effects.__module__])
    assert result.attempted > 0
    assert result.failed == 0


# --- The report -------------------------------------------------------------------------


def test_a_report_survives_pickling_and_is_read_only():
    report = inspect_effects(random_net(), random_rows()[0])
    again = pickle.loads(pickle.dumps(report))
    assert str(again) == str(report)
    assert_same_numbers(again, report, rtol=0)
    with pytest.raises(ValueError, match="read-only"):
        report.importance[0] = 1


@pytest.mark.parametrize("frame_of", [pd.DataFrame, pl.DataFrame])
def test_the_columns_make_a_frame(frame_of, large, searched):
    X, y = large
    line = LogisticRegression().fit(X, y)
    plain = inspect_effects(random_net(), random_rows()[0]).to_dict()
    full = inspect_effects(searched, X, line=line).to_dict()
    assert frame_of(plain).shape == (4, 9)
    assert set(full) - set(plain) == {
        "importance_spread",
        "mean_slope_spread",
        "line_coefficient",
    }
    table = frame_of(full)
    assert list(table["feature"]) == [f"x{j}" for j in range(6)]
    np.testing.assert_array_equal(table["slope_high"] >= table["slope_low"], True)


def test_the_page_of_a_notebook_shows_what_is_printed_and_escapes_it():
    report = inspect_effects(
        product_net(), random_rows(500, 3)[0], feature_names=["<b>", "{0}", "&"]
    )
    html = report._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    assert "{0}" in html
    assert html.count("<tr>") == 4
    assert "act together" in html
    assert "<pre>from sklearn" in html


def test_the_text_is_a_table_sentences_and_code():
    X = np.random.default_rng(0).standard_normal((3000, 3))
    text = str(inspect_effects(product_net(), X))
    title, heading, *rows = text.splitlines()
    assert title == (
        "Effects of a net of 4 units (tanh) on 3000 rows: change of the logit per standard "
        "deviation"
    )
    assert heading.split("  ")[0] == "column"
    assert [len(row) for row in rows[:3]] == [len(heading)] * 3
    assert "- `x0` and `x1` act together: the slope of each rises by 1 per sd of" in text
    code = text[text.index("from sklearn") :]
    compile(code, "recipe", "exec")
    assert max(map(len, code.splitlines())) <= 88


def test_no_more_pairs_are_named_than_asked_for():
    X = np.random.default_rng(0).standard_normal((3000, 3))
    assert inspect_effects(product_net(), X, n_interactions=0).missed == ()
    # z2 = x0 x1 + x1 x2 + x0 x2, of which each pair is a product.
    W1, W2 = np.zeros((3, 12)), np.zeros(12)
    one = product_net()
    for k, pair in enumerate([(0, 1), (1, 2), (0, 2)]):
        W1[pair, 4 * k : 4 * k + 4] = one.coefs_[0][:2]
        W2[4 * k : 4 * k + 4] = one.coefs_[1][:, 0]
    net = net_of(W1, np.ones(12), W2)
    for n in (1, 2, 3):
        report = inspect_effects(net, X, n_interactions=n)
        assert sum("act together" in sentence for sentence in report.missed) == n
        assert report.recipe.count('"pair_') == n


# --- Sentences about trained nets -------------------------------------------------------

LAWS = {
    "a line": (lambda X: 1.5 * X[:, 0] - X[:, 1] + 0.5 * X[:, 2], []),
    "x0 x1": (lambda X: 2 * X[:, 0] * X[:, 1], ["`x0` and `x1` act together"]),
    "x0 x0": (lambda X: 1.5 * (X[:, 0] ** 2 - 1), ["`x0` is curved"]),
}


def made(law, seed, n_samples):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, 5))
    p = 1 / (1 + np.exp(-law(X)))
    return X, (rng.uniform(size=n_samples) < p).astype(int)


def findings(report):
    return [sentence.partition(":")[0] for sentence in report.missed]


def n_right(name, seeds, n_samples=500):
    law, expected = LAWS[name]
    right = 0
    for seed in seeds:
        X, y = made(law, seed, n_samples)
        net = ShallowNetClassifier(random_state=seed).fit(X, y)
        right += findings(inspect_effects(net, X)) == expected
    return right


@pytest.mark.parametrize("name", LAWS)
def test_sentences_name_what_the_data_were_made_by(name):
    assert n_right(name, range(4)) == 4


@pytest.mark.long
@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("n_samples", [500, 2000])
def test_sentences_are_right_for_19_of_20_seeds(name, n_samples):
    assert n_right(name, range(20), n_samples) >= 19


def mixed(X):
    return 1.5 * (X[:, 0] ** 2 - 1) + 1.5 * X[:, 1] * X[:, 2] + X[:, 3]


def as_frame(X):
    return pd.DataFrame(X, columns=["age", "income", "hours", "debt", 'the "noise"'])


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array, as_frame])
def test_by_the_recipe_logistic_regression_catches_up(kind):
    (X, y), (X_test, y_test) = made(mixed, 0, 2000), made(mixed, 1, 4000)
    X, X_test = kind(X), kind(X_test)
    net = ShallowNetClassifier(random_state=0).fit(X, y)
    report = inspect_effects(net, X)
    names = report.feature_names
    assert findings(report) == [
        f"`{names[0]}` is curved",
        f"`{names[1]}` and `{names[2]}` act together",
    ]
    assert ("'age'" in report.recipe) is (kind is as_frame)
    recipe = {}
    exec(report.recipe, recipe)

    def loss(model):
        return log_loss(y_test, model.predict_proba(X_test))

    plain = loss(LogisticRegression().fit(X, y))
    assert loss(recipe["line"].fit(X, y)) < loss(net) + 0.01 < plain - 0.1


def test_a_recipe_has_numbers_where_the_net_knows_other_names():
    X, y = made(LAWS["x0 x1"][0], 0, 500)
    net = ShallowNetClassifier(random_state=0).fit(as_frame(X), y)
    report = inspect_effects(net, as_frame(X), feature_names=["a\nb", *"cdef"])
    assert "[0, 1]),  # a b, c" in report.recipe
    recipe = {}
    exec(report.recipe, recipe)
    assert recipe["line"].fit(as_frame(X), y).score(as_frame(X), y) > 0.7


# --- The display ------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _no_screen():
    mpl.use("Agg")
    yield
    plt.close("all")


def labels(ticks):
    return [tick.get_text() for tick in ticks]


def test_the_bars_and_the_map_are_the_numbers_of_the_report(large, searched):
    X, y = large
    line = LogisticRegression().fit(X, y)
    report = inspect_effects(searched, X, line=line, feature_names=list("abcdef"))
    display = EffectsDisplay.from_report(report, n_columns=4)
    display.figure_.canvas.draw()
    order = np.argsort(-report.importance)[:4]
    bars, second = display.axes_
    straight, rest = (
        [bar.get_width() for bar in group]
        for group in bars.containers
        if hasattr(group, "patches")
    )
    np.testing.assert_allclose(np.add(straight, rest), report.importance[order])
    np.testing.assert_allclose(
        straight, report.mean_slope[order] ** 2 / report.importance[order]
    )
    names = [report.feature_names[j] for j in order]
    assert labels(bars.get_yticklabels()) == names
    assert labels(second.get_xticklabels()) == labels(second.get_yticklabels()) == names
    np.testing.assert_array_equal(
        second.images[0].get_array(), report.interactions[np.ix_(order, order)]
    )
    (marks,) = (one for one in bars.lines if one.get_marker() == "D")
    np.testing.assert_allclose(marks.get_xdata(), np.abs(report.line_coefficients[order]))
    other = EffectsDisplay.from_estimator(searched, X, feature_names=list("abcdef"))
    assert_same_numbers(other.report, report, rtol=0)
    assert display.figure_ is bars.figure


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_the_panels_show_the_slope_of_each_row(kind):
    net, (X, weight) = random_net(), random_rows(300)
    X[:, 1] = X[:, 1] > 0
    display = EffectsDisplay.from_estimator(
        net, kind(X), kind="slopes", sample_weight=weight, n_columns=3
    )
    display.figure_.canvas.draw()
    g = row_effects(net, X, weight)
    order = np.argsort(-display.report.importance)[:3]
    for ax, j in zip(display.axes_, order, strict=True):
        assert ax.get_xlabel() == f"x{j}"
        points = ax.collections[0].get_offsets()
        np.testing.assert_allclose(points, np.column_stack([X[:, j], g[:, j]]))
        x, means = ax.lines[1].get_data()
        assert len(x) == (2 if j == 1 else 20)
        if j == 1:
            at_0 = X[:, 1] == 0
            expected = np.average(g[at_0, 1], weights=weight[at_0])
            np.testing.assert_allclose(means[0], expected)
    assert display.axes_[0].get_ylabel()


@pytest.mark.parametrize(("kind", "n_axes"), [("importance", 2), ("slopes", 4)])
def test_a_display_draws_on_the_axes_it_is_given(kind, n_axes):
    net, (X, _) = random_net(), random_rows()
    axes = plt.figure().subplots(1, n_axes)
    display = EffectsDisplay.from_estimator(net, X, kind=kind, axes=axes)
    assert list(display.axes_) == list(axes)
    assert display.plot() is display
    assert display.figure_ is not axes[0].figure
    with pytest.raises(ValueError, match=f"axes must be {n_axes}, got 1"):
        display.plot(axes[:1])


def test_a_display_refuses_what_it_cannot_draw():
    net, (X, _) = random_net(), random_rows()
    with pytest.raises(ValueError, match="kind must be one of"):
        EffectsDisplay.from_estimator(net, X, kind="bars")
    with pytest.raises(ValueError, match="n_columns must be an integer >= 1, got 0"):
        EffectsDisplay.from_estimator(net, X, n_columns=0)


def test_relu_and_long_names_are_drawn():
    net, (X, _) = random_net("relu"), random_rows()
    names = ["a" * 80, "b", "c", "d"]
    display = EffectsDisplay.from_estimator(net, X, feature_names=names)
    display.figure_.canvas.draw()
    bars, second = display.axes_
    assert max(map(len, labels(bars.get_yticklabels()))) <= 24
    assert second.texts[0].get_text() == "relu has no curvature"
