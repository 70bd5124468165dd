"""Data that several tests share: small, seeded, and hard for a line."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, make_circles, make_moons
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits


def two_moons(seed=0, n_samples=400):
    return make_moons(n_samples, noise=0.2, random_state=seed)


def two_circles(seed=0, n_samples=200):
    return make_circles(n_samples, noise=0.1, factor=0.5, random_state=seed)


def exclusive_or(seed=0, n_samples=200):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n_samples, 2))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    return X + rng.normal(0, 0.1, X.shape), y


NONLINEAR = {"moons": two_moons, "circles": two_circles, "xor": exclusive_or}


@pytest.fixture(scope="session", autouse=True)
def _one_blas_thread():
    """On nets as small as these, a second thread costs more than it brings."""
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture(scope="session")
def cancer():
    """Breast cancer, standardised: 569 rows, 30 columns. Nothing is held out."""
    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.fixture(scope="session")
def raw_cancer():
    """The same, not standardised."""
    return load_breast_cancer(return_X_y=True)


@pytest.fixture(scope="session")
def large():
    """2,500 rows, 6 columns, two noisy classes: early stopping is on by default."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2500, 6))
    p = 1 / (1 + np.exp(-2 * np.sin(2 * X[:, 0]) - X[:, 1]))
    return X, (rng.uniform(size=2500) < p).astype(int)


@pytest.fixture
def circles():
    """A function of a seed that makes two circles."""
    return two_circles


@pytest.fixture(params=NONLINEAR)
def nonlinear(request):
    """A function of a seed that makes data no line can separate."""
    return NONLINEAR[request.param]
