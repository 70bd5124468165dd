"""Each scheme draws what its formula says: fan_in and fan_out the right way round."""

import numpy as np
import pytest
from scipy import sparse

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.initializers import INITIALIZERS
from sk_shallow._core.rows import BLOCK_ROWS
from sk_shallow._core.table import ArrayTable, Rows

WIDE, NARROW = 300, 40

# Variance of W1 of a net with n_features inputs and n_hidden units, as a formula of
# (fan_in, fan_out) = (n_features, n_hidden).
VARIANCES = {
    "normal": lambda fan_in, fan_out: 1,
    "uniform": lambda fan_in, fan_out: 1 / 3,
    "glorot_normal": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "glorot_uniform": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he_normal": lambda fan_in, fan_out: 2 / fan_in,
    "he_uniform": lambda fan_in, fan_out: 2 / fan_in,
    "lecun_normal": lambda fan_in, fan_out: 1 / fan_in,
    "lecun_uniform": lambda fan_in, fan_out: 1 / fan_in,
}
RANDOM = [*VARIANCES, "orthogonal", "lsuv"]


def drawn(name, X, sample_weight, n_hidden, scale, seed=0):
    rng = np.random.default_rng(seed)
    rows = Rows(ArrayTable(X), np.zeros(X.shape[0]), sample_weight)
    return INITIALIZERS[name].initialize(rng, rows, n_hidden, ACTIVATIONS["tanh"], scale)


def start(name, n_features, n_hidden, scale=1.0, seed=0, n_samples=5):
    X = np.zeros((n_samples, n_features))
    return drawn(name, X, np.ones(n_samples), n_hidden, scale, seed)


def test_every_scheme_is_tested_here():
    assert set(INITIALIZERS) == {"zeros", "constant", *RANDOM}


@pytest.mark.parametrize("name", VARIANCES)
@pytest.mark.parametrize(("n_features", "n_hidden"), [(WIDE, NARROW), (NARROW, WIDE)])
@pytest.mark.parametrize("seed", range(3))
def test_the_moments_of_W1_are_those_of_the_formula(name, n_features, n_hidden, seed):
    W1 = start(name, n_features, n_hidden, seed=seed).W1
    variance = VARIANCES[name](n_features, n_hidden)
    # 12,000 draws: the standard error of a variance is at most sqrt(2 / 12,000) = 1.3 %
    # of it, that of a mean 0.9 % of the standard deviation. Five of them are allowed.
    assert W1.var() == pytest.approx(variance, rel=0.065)
    assert abs(W1.mean()) < 0.046 * np.sqrt(variance)


@pytest.mark.parametrize("name", VARIANCES)
def test_the_moments_of_w2_are_those_of_the_formula(name):
    w2 = start(name, 3, 20_000).w2
    assert w2.var() == pytest.approx(VARIANCES[name](20_000, 1), rel=0.05)


@pytest.mark.parametrize("name", [n for n in VARIANCES if n.endswith("uniform")])
def test_uniform_draws_reach_their_limit_and_not_beyond(name):
    limit = np.sqrt(3 * VARIANCES[name](WIDE, NARROW))
    largest = np.abs(start(name, WIDE, NARROW).W1).max()
    assert 0.999 * limit < largest <= limit


@pytest.mark.parametrize("name", [n for n in VARIANCES if n.endswith("normal")])
def test_normal_draws_have_normal_tails(name):
    W1 = start(name, WIDE, NARROW).W1
    kurtosis = np.mean(W1**4) / np.mean(W1**2) ** 2
    assert kurtosis == pytest.approx(3, abs=0.25)  # of a uniform draw: 1.8


@pytest.mark.parametrize(("n_features", "n_hidden"), [(20, 7), (7, 20), (7, 7)])
def test_orthogonal_columns_or_rows_are_orthonormal(n_features, n_hidden):
    W1, _, w2, *_ = start("orthogonal", n_features, n_hidden)
    gram = W1.T @ W1 if n_features >= n_hidden else W1 @ W1.T
    np.testing.assert_allclose(gram, np.eye(min(n_features, n_hidden)), atol=1e-12)
    assert np.linalg.norm(w2) == pytest.approx(1)


def test_orthogonal_has_no_preferred_sign():
    signs = [np.sign(start("orthogonal", 4, 3, seed=seed).W1[0, 0]) for seed in range(60)]
    assert 15 < signs.count(1.0) < 45


def test_zeros_and_constant_are_what_they_say():
    assert not np.concatenate([part.ravel() for part in start("zeros", 3, 4).weights]).any()
    W1, _, w2, *_ = start("constant", 3, 4, scale=0.5)
    assert set(W1.ravel()) | set(w2) == {0.5}


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize("scale", [0.0, 0.125, 3.0])
def test_scale_multiplies_the_weights_exactly(name, scale):
    unit, scaled = start(name, 5, 4), start(name, 5, 4, scale)
    np.testing.assert_array_equal(scaled.W1, scale * unit.W1)
    np.testing.assert_array_equal(scaled.w2, scale * unit.w2)


@pytest.mark.parametrize("name", [name for name in INITIALIZERS if name != "lsuv"])
def test_biases_start_at_0(name):
    _, b1, _, b2, _ = start(name, 5, 4, scale=7.0)
    assert not b1.any()
    assert not b2.any()


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_activation_is_that_of_the_net_and_changes_no_weight(name, activation):
    rows = Rows(ArrayTable(np.eye(5)), np.zeros(5), np.ones(5))
    tanh, other = (
        INITIALIZERS[name].initialize(np.random.default_rng(0), rows, 4, phi, 1.0)
        for phi in (ACTIVATIONS["tanh"], ACTIVATIONS[activation])
    )
    assert other.activation is ACTIVATIONS[activation]
    for one, same in zip(tanh.weights, other.weights, strict=True):
        np.testing.assert_array_equal(one, same)


@pytest.mark.parametrize("name", RANDOM)
def test_the_seed_decides_and_nothing_else_does(name):
    first, again, other = (
        start(name, 5, 4),
        start(name, 5, 4, n_samples=9),
        start(name, 5, 4, seed=1),
    )
    np.testing.assert_array_equal(first.W1, again.W1)
    np.testing.assert_array_equal(first.w2, again.w2)
    assert (first.W1 != other.W1).all()
    assert (first.w2 != other.w2).all()


# --- A start that is fitted to the rows --------------------------------------------------


def columns_of_all_sizes(n_samples, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, 3)) * [1e-3, 1, 1e4] + [5, -2, 3e5]
    return X, rng.uniform(0, 3, n_samples)


def lsuv(X, sample_weight, scale=1.0, n_hidden=4):
    return drawn("lsuv", X, sample_weight, n_hidden, scale)


def moments(start, X, sample_weight):
    Z1 = X @ start.W1 + start.b1
    mean = np.average(Z1, axis=0, weights=sample_weight)
    return mean, np.sqrt(np.average((Z1 - mean) ** 2, axis=0, weights=sample_weight))


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("n_samples", [10, 2 * BLOCK_ROWS + 5])
@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_lsuv_brings_every_unit_to_mean_0_and_the_same_deviation(kind, n_samples, scale):
    X, weight = columns_of_all_sizes(n_samples)
    mean, deviation = moments(lsuv(kind(X), weight, scale), X, weight)
    np.testing.assert_allclose(mean, 0, atol=1e-9 * scale)
    np.testing.assert_allclose(deviation, scale, rtol=1e-9)


def test_lsuv_keeps_its_promise_in_float32():
    X, weight = columns_of_all_sizes(3000)
    X = (X / [1, 1, 1e4]).astype(np.float32)
    mean, deviation = moments(lsuv(X, weight), X.astype(np.float64), weight)
    np.testing.assert_allclose(mean, 0, atol=1e-3)
    np.testing.assert_allclose(deviation, 1, rtol=1e-3)


def test_lsuv_takes_weights_for_repeated_rows():
    X, _ = columns_of_all_sizes(50)
    weight = np.random.default_rng(1).integers(0, 4, 50)
    weighted, repeated = (
        lsuv(X, weight),
        lsuv(X.repeat(weight, axis=0), np.ones(weight.sum())),
    )
    np.testing.assert_allclose(weighted.W1, repeated.W1, rtol=1e-10)
    np.testing.assert_allclose(weighted.b1, repeated.b1, rtol=1e-10)


def test_lsuv_keeps_the_directions_of_the_orthogonal_draw():
    X, weight = columns_of_all_sizes(50)
    fitted, plain = lsuv(X, weight), start("orthogonal", 3, 4)
    cosines = (fitted.W1 * plain.W1).sum(axis=0) / (
        np.linalg.norm(fitted.W1, axis=0) * np.linalg.norm(plain.W1, axis=0)
    )
    np.testing.assert_allclose(cosines, 1, rtol=1e-12)
    np.testing.assert_array_equal(fitted.w2, plain.w2)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lsuv_does_not_blow_up_the_rounding_of_constant_columns(value, dtype):
    X = np.full((5000, 3), value, dtype=dtype)
    plain = start("orthogonal", 3, 4)
    np.testing.assert_array_equal(lsuv(X, np.ones(5000)).W1, plain.W1)
