"""Moments and sizes of the columns, and the penalty that follows from them."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sk_shallow import ShallowNetClassifier
from sk_shallow._core.columns import (
    BLOCK_VALUES,
    column_moments,
    column_sizes,
    default_alpha,
    merged,
)
from sk_shallow._core.table import ArrayTable

FORMS = [np.asarray, sparse.csr_matrix, sparse.csr_array]


def table(n=2000, seed=0):
    """Columns of many sizes and offsets, a constant one, zeros; weights with zeros."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 7)) * [1, 0.1, 1e-3, 5, 0.5, 0, 1] + [0, 1, 5, 1e3, 0, 0.1, 0]
    X[:, 0] *= rng.uniform(size=n) < 0.1
    return X, rng.integers(0, 4, n) * 0.3


def moments_of(X, weight):
    return column_moments(ArrayTable(X), weight)


def by_definition(X, weight):
    mean = np.average(X, axis=0, weights=weight)
    variance = np.average((X - mean) ** 2, axis=0, weights=weight)
    variance[5] = 0
    return mean, variance


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n", [1, 30, BLOCK_VALUES // 2])
def test_moments_are_those_of_the_definition(form, n):
    X, weight = table(n)
    weight[0] = 0.7
    moments = moments_of(form(X), weight)
    mean, variance = by_definition(X, weight)
    np.testing.assert_allclose(moments.mean, mean, rtol=1e-10, atol=1e-15)
    np.testing.assert_allclose(moments.variance, variance, rtol=1e-8, atol=1e-20)
    assert moments.n_rows == np.count_nonzero(weight)
    assert moments.total_weight == pytest.approx(weight.sum())


@pytest.mark.parametrize("form", FORMS)
def test_rows_of_weight_0_are_absent_however_large(form):
    X, weight = table()
    absent = X.copy()
    absent[weight == 0] = 1e300
    for with_them, without in zip(
        moments_of(form(absent), weight),
        moments_of(form(X[weight > 0]), weight[weight > 0]),
        strict=True,
    ):
        np.testing.assert_allclose(with_them, without, rtol=1e-10)


@pytest.mark.parametrize("form", FORMS)
def test_moments_of_chunks_merge_into_those_of_all_rows(form):
    X, weight = table()
    weight[:300] = 0  # a chunk may have no rows
    chunks = [slice(0, 300), slice(300, 301), slice(301, 1500), slice(1500, None)]
    parts = [moments_of(form(X[rows]), weight[rows]) for rows in chunks]
    together = parts[0]
    for part in parts[1:]:
        together = merged(together, part)
    for one, other in zip(together, moments_of(form(X), weight), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def test_an_entry_that_is_stored_twice_is_their_sum():
    twice = sparse.csr_array(([1.0, 2.0, 4.0], [0, 0, 1], [0, 2, 3]), shape=(2, 2))
    moments = moments_of(twice, np.ones(2))
    np.testing.assert_array_equal(moments.variance, np.var([[3, 0], [0, 4]], axis=0))
    assert twice.nnz == 3  # X is never written to


@pytest.mark.filterwarnings("ignore::sk_shallow.InitializationWarning")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_alpha_is_the_root_of_the_sum_of_variances_of_at_most_1(form, dtype):
    X, weight = table(400)
    X = X.astype(dtype)
    y = np.arange(400) % 2
    weight[weight == 0] = 0.1
    class_weight = {0: 0.5, 1: 2.0}
    weights = weight * np.where(y, 2.0, 0.5)
    _, variance = by_definition(X.astype(np.float64), weights)
    net = ShallowNetClassifier(2, class_weight=class_weight, max_iter=1, n_init=1)
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        net.fit(form(X), y, sample_weight=weight)
    expected = np.sqrt(np.minimum(1, variance).sum()) * min(1, weights.mean())
    assert net.alpha_ == pytest.approx(expected, rel=1e-5 if dtype is np.float32 else 1e-9)


def test_standardised_columns_and_constant_ones_have_the_root_of_their_number():
    X = np.random.default_rng(0).normal(size=(500, 9))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    every = np.ones(500, dtype=np.bool_)
    for columns in (X, np.full((500, 9), 0.1), np.full((500, 9), 1e200)):
        alpha = default_alpha(moments_of(columns, every))
        assert alpha == pytest.approx(3, rel=1e-12)


def test_the_penalty_falls_with_the_mean_weight_and_not_above_1():
    X, _ = table()
    alphas = [
        default_alpha(moments_of(X, np.full(len(X), weight)))
        for weight in (1e-300, 0.01, 1.0, 50.0)
    ]
    np.testing.assert_allclose(np.array(alphas) / alphas[2], [1e-300, 0.01, 1, 1])


@pytest.mark.parametrize("held_out", [False, True])
def test_rows_held_out_count(held_out):
    rng = np.random.default_rng(0)
    X, y = rng.normal(scale=0.3, size=(200, 3)), np.arange(200) % 2
    net = ShallowNetClassifier(4, early_stopping=held_out, random_state=0)
    net.fit(X, y)
    assert net.alpha_ == pytest.approx(np.sqrt(X.var(axis=0).sum()), rel=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_partial_fit_learns_the_penalty_with_the_rows(form):
    rng = np.random.default_rng(0)
    X, y = rng.normal(scale=[0.1, 0.5, 3], size=(600, 3)), rng.integers(0, 2, 600)
    X[:100] *= 0.1
    net = ShallowNetClassifier(4, solver="adam", random_state=0)
    for end in (100, 250, 600):
        start = 0 if end == 100 else net.n_samples_seen_
        net.partial_fit(form(X[start:end]), y[start:end], classes=[0, 1])
        expected = np.sqrt(np.minimum(1, X[:end].var(axis=0)).sum())
        assert net.alpha_ == pytest.approx(expected, rel=1e-10)
    # And after a fit, whose rows count.
    net.fit(form(X[:250]), y[:250]).partial_fit(form(X[250:]), y[250:])
    assert net.alpha_ == pytest.approx(expected, rel=1e-10)


def test_column_sizes_are_what_standardising_makes_1():
    X = np.array([[3.0, 0.0, 1.0], [4.0, 0.0, -1.0]])
    np.testing.assert_allclose(column_sizes(X), [np.sqrt(12.5), 0, 1])
    for kind in (sparse.csr_matrix, sparse.csr_array):  # they keep their mean
        np.testing.assert_allclose(column_sizes(kind(X)), [0.5, 0, 1], atol=1e-7)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csr_array])
def test_the_size_of_numbers_that_overflow_is_infinite(kind):
    X = kind(np.array([[1e200, 1.0], [-1e200, -1.0]]))
    np.testing.assert_array_equal(column_sizes(X), [np.inf, 1])
