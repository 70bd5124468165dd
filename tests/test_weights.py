"""Connection weights: those of the definition, and what selects columns by them."""

import doctest

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import RFECV, SelectFromModel
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_shallow import ShallowNetClassifier
from sk_shallow.inspection import connection_weights, weights


def noisy_xor(n=600):
    """Labels that depend on the columns 1 and 3 of six, and on neither alone."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 6))
    return X, (X[:, 1] * X[:, 3] > 0).astype(int)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("signed", [False, True])
def test_they_are_sums_of_products_over_the_units(dtype, signed):
    X, y = noisy_xor(200)
    net = ShallowNetClassifier(3, alpha=1.0, random_state=0).fit(X.astype(dtype), y)
    W1, w2 = net.coefs_[0], net.coefs_[1][:, 0]
    expected = [
        sum(float(W1[j, h]) * float(w2[h]) for h in range(3))
        if signed
        else sum(abs(float(W1[j, h])) * abs(float(w2[h])) for h in range(3))
        for j in range(6)
    ]
    found = connection_weights(net, signed=signed)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    permuted = ShallowNetClassifier(3, alpha=1.0, random_state=0).fit(X.astype(dtype), y)
    order = [2, 0, 1]
    permuted.coefs_ = [W1[:, order], net.coefs_[1][order]]
    np.testing.assert_allclose(connection_weights(permuted, signed=signed), found)


def test_a_column_that_the_net_does_not_use_has_none(cancer):
    X, y = cancer
    X = np.c_[X[:, :3], np.zeros(len(y))]
    found = connection_weights(ShallowNetClassifier(4, random_state=0).fit(X, y))
    assert found[3] < 0.01 * found[:3].min()


def test_RFECV_and_SelectFromModel_find_what_a_line_can_not():
    X, y = noisy_xor()
    net = ShallowNetClassifier(8, alpha=1.0, random_state=0)
    selected = RFECV(net, importance_getter=connection_weights, cv=3).fit(X, y)
    np.testing.assert_array_equal(np.flatnonzero(selected.support_), [1, 3])
    selected = SelectFromModel(
        net, importance_getter=connection_weights, threshold="1.5*mean"
    ).fit(X, y)
    np.testing.assert_array_equal(np.flatnonzero(selected.get_support()), [1, 3])


def test_pipelines_and_searches_are_looked_into():
    X, y = noisy_xor(200)
    pipeline = make_pipeline(
        StandardScaler(), ShallowNetClassifier(3, alpha=1.0, random_state=0)
    )
    expected = connection_weights(pipeline.fit(X, y)[-1])
    search = GridSearchCV(pipeline, {"shallownetclassifier__alpha": [1.0]}, cv=2)
    for estimator in (pipeline, search.fit(X, y)):
        np.testing.assert_array_equal(connection_weights(estimator), expected)


def test_what_is_no_fitted_net_is_an_error():
    with pytest.raises(NotFittedError):
        connection_weights(ShallowNetClassifier())
    with pytest.raises(TypeError, match="LogisticRegression"):
        connection_weights(LogisticRegression())


def test_the_example_in_the_reference_is_true():
    assert doctest.testmod(weights).failed == 0
