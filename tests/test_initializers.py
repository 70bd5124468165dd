"""Each scheme draws what its formula says: fan_in and fan_out the right way round."""

import numpy as np
import pytest

from sk_shallow._core.initializers import INITIALIZERS

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
RANDOM = [*VARIANCES, "orthogonal"]


def start(name, n_features, n_hidden, scale=1.0, seed=0, n_samples=5):
    X = np.zeros((n_samples, n_features))
    rng = np.random.default_rng(seed)
    return INITIALIZERS[name].initialize(rng, X, np.ones(n_samples), n_hidden, scale)


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
    W1, _, w2, _ = start("orthogonal", n_features, n_hidden)
    gram = W1.T @ W1 if n_features >= n_hidden else W1 @ W1.T
    np.testing.assert_allclose(gram, np.eye(min(n_features, n_hidden)), atol=1e-12)
    assert np.linalg.norm(w2) == pytest.approx(1)


def test_orthogonal_has_no_preferred_sign():
    signs = [np.sign(start("orthogonal", 4, 3, seed=seed).W1[0, 0]) for seed in range(60)]
    assert 15 < signs.count(1.0) < 45


def test_zeros_and_constant_are_what_they_say():
    assert not np.concatenate([part.ravel() for part in start("zeros", 3, 4)]).any()
    W1, _, w2, _ = start("constant", 3, 4, scale=0.5)
    assert set(W1.ravel()) | set(w2) == {0.5}


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize("scale", [0.0, 0.125, 3.0])
def test_scale_multiplies_the_weights_exactly(name, scale):
    unit, scaled = start(name, 5, 4), start(name, 5, 4, scale)
    np.testing.assert_array_equal(scaled.W1, scale * unit.W1)
    np.testing.assert_array_equal(scaled.w2, scale * unit.w2)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_biases_start_at_0(name):
    _, b1, _, b2 = start(name, 5, 4, scale=7.0)
    assert not b1.any()
    assert not b2.any()


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
