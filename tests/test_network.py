"""The forward pass is the lecture's formula, whatever X is made of."""

import numpy as np
import pytest
from scipy import sparse

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.network import logits
from sk_shallow._core.parameters import cast, n_parameters, unflatten
from sk_shallow._core.rows import BLOCK_ROWS


def random_net(n_features, n_hidden, seed=0):
    rng = np.random.default_rng(seed)
    return unflatten(
        rng.standard_normal(n_parameters(n_features, n_hidden)), n_features, n_hidden
    )


def lecture(parameters, X, phi):
    W1, b1, w2, b2 = parameters
    return phi(X @ W1 + b1) @ w2 + b2


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("n_samples", [1, 5, BLOCK_ROWS, 2 * BLOCK_ROWS + 3])
def test_logits_are_the_formula(activation, n_samples):
    X = np.random.default_rng(1).standard_normal((n_samples, 3))
    net, phi = random_net(3, 4), ACTIVATIONS[activation]
    np.testing.assert_allclose(
        logits(net, X, phi), lecture(net, X, phi.apply), rtol=1e-12, atol=1e-12
    )


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
    X = np.random.default_rng(1).standard_normal((BLOCK_ROWS + 10, 3))
    net, phi = random_net(3, 4), ACTIVATIONS["tanh"]
    np.testing.assert_allclose(logits(net, make(X), phi), logits(net, X, phi), atol=1e-13)


def test_X_is_never_written_to():
    X = np.random.default_rng(1).standard_normal((10, 3))
    X.flags.writeable = False
    assert np.isfinite(logits(random_net(3, 4), X, ACTIVATIONS["relu"])).all()


def test_logits_have_the_dtype_of_the_weights():
    X = np.random.default_rng(1).standard_normal((10, 3))
    net = cast(random_net(3, 4), np.float32)
    assert logits(net, X, ACTIVATIONS["tanh"]).dtype == np.float32
