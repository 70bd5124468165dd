"""The forward pass of a block is the lecture's formula, whatever X is made of."""

import numpy as np
import pytest
from scipy import sparse

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.network import output, pre_activations
from sk_shallow._core.parameters import cast, n_parameters, unflatten


def random_net(activation="tanh", n_features=3, n_hidden=4):
    theta = np.random.default_rng(0).standard_normal(n_parameters(n_features, n_hidden))
    return unflatten(theta, n_features, n_hidden, ACTIVATIONS[activation])


def random_rows(n_samples=50):
    return np.random.default_rng(1).standard_normal((n_samples, 3))


def z2_of(net, X, spare=0):
    """The logits, from a buffer with so many rows to spare."""
    buffer = np.empty(4 * (X.shape[0] + spare), dtype=net.W1.dtype)
    block = X.astype(net.W1.dtype, copy=False)
    return output(net, net.activation.apply(pre_activations(net, block, buffer)))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("n_samples", [1, 5, 50])
@pytest.mark.parametrize("spare", [0, 7])
def test_logits_are_the_formula(activation, n_samples, spare):
    X, net = random_rows(n_samples), random_net(activation)
    W1, b1, w2, b2 = net.weights
    formula = net.activation.apply(X @ W1 + b1) @ w2 + b2
    np.testing.assert_allclose(z2_of(net, X, spare), formula, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csr_array])
def test_pre_activations_are_written_into_the_buffer(kind):
    X, net, buffer = random_rows(), random_net(), np.full(1000, np.nan)
    Z1 = pre_activations(net, kind(X), buffer)
    assert np.shares_memory(Z1, buffer)
    np.testing.assert_allclose(Z1, (X @ net.W1 + net.b1).T, atol=1e-13)
    assert np.isnan(buffer[4 * 50 :]).all()


@pytest.mark.parametrize(
    "make",
    [
        sparse.csr_matrix,
        sparse.csr_array,
        np.asfortranarray,
        lambda X: np.repeat(X, 2, 1)[:, ::2],
    ],
    ids=["csr_matrix", "csr_array", "column-major", "strided"],
)
def test_the_memory_layout_of_X_does_not_matter(make):
    X, net = random_rows(), random_net()
    np.testing.assert_allclose(z2_of(net, make(X)), z2_of(net, X), atol=1e-13)


def test_X_is_never_written_to():
    X = random_rows()
    X.flags.writeable = False
    assert np.isfinite(z2_of(random_net("relu"), X)).all()


def test_logits_have_the_dtype_of_the_weights():
    assert z2_of(cast(random_net(), np.float32), random_rows()).dtype == np.float32
