"""The flat vector and the four arrays are two views of the same numbers."""

import numpy as np
import pytest

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.parameters import Net, cast, flatten, n_parameters, unflatten

SHAPES = [(1, 1), (3, 5), (7, 2)]
TANH = ACTIVATIONS["tanh"]


@pytest.mark.parametrize(("n_features", "n_hidden"), SHAPES)
def test_flatten_inverts_unflatten(n_features, n_hidden):
    theta = np.random.default_rng(0).standard_normal(n_parameters(n_features, n_hidden))
    net = unflatten(theta, n_features, n_hidden, TANH)
    assert [part.shape for part in net.weights] == [
        (n_features, n_hidden),
        (n_hidden,),
        (n_hidden,),
        (1,),
    ]
    np.testing.assert_array_equal(flatten(net), theta)


@pytest.mark.parametrize(("n_features", "n_hidden"), SHAPES)
def test_a_net_knows_its_size_and_its_activation(n_features, n_hidden):
    theta = np.zeros(n_parameters(n_features, n_hidden))
    net = unflatten(theta, n_features, n_hidden, TANH)
    assert (net.n_features, net.n_hidden) == (n_features, n_hidden)
    assert net.activation is cast(net, np.float32).activation is TANH


def test_unflatten_makes_views():
    theta = np.zeros(n_parameters(3, 4))
    for value, part in enumerate(unflatten(theta, 3, 4, TANH).weights, start=1):
        part[...] = value
    np.testing.assert_array_equal(np.unique(theta), [1, 2, 3, 4])


def test_flatten_is_float64_and_a_copy():
    net = Net(*(np.ones(s, np.float32) for s in [(2, 3), 3, 3, 1]), TANH)
    theta = flatten(net)
    assert theta.dtype == np.float64
    theta[:] = 0
    assert net.W1.all()


def test_cast_copies_only_where_the_dtype_differs():
    net = unflatten(np.zeros(n_parameters(2, 2)), 2, 2, TANH)
    assert cast(net, np.float64).W1 is net.W1
    assert {part.dtype for part in cast(net, np.float32).weights} == {np.dtype(np.float32)}
