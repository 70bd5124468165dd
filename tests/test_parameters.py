"""The flat vector and the four arrays are two views of the same numbers."""

import numpy as np
import pytest

from sk_shallow._core.parameters import Parameters, cast, flatten, n_parameters, unflatten

SHAPES = [(1, 1), (3, 5), (7, 2)]


@pytest.mark.parametrize(("n_features", "n_hidden"), SHAPES)
def test_flatten_inverts_unflatten(n_features, n_hidden):
    theta = np.random.default_rng(0).standard_normal(n_parameters(n_features, n_hidden))
    parameters = unflatten(theta, n_features, n_hidden)
    assert [part.shape for part in parameters] == [
        (n_features, n_hidden),
        (n_hidden,),
        (n_hidden,),
        (1,),
    ]
    np.testing.assert_array_equal(flatten(parameters), theta)


def test_unflatten_makes_views():
    theta = np.zeros(n_parameters(3, 4))
    for value, part in enumerate(unflatten(theta, 3, 4), start=1):
        part[...] = value
    np.testing.assert_array_equal(np.unique(theta), [1, 2, 3, 4])


def test_flatten_is_float64_and_a_copy():
    parameters = Parameters(*(np.ones(s, np.float32) for s in [(2, 3), 3, 3, 1]))
    theta = flatten(parameters)
    assert theta.dtype == np.float64
    theta[:] = 0
    assert parameters.W1.all()


def test_cast_copies_only_where_the_dtype_differs():
    parameters = unflatten(np.zeros(n_parameters(2, 2)), 2, 2)
    assert cast(parameters, np.float64).W1 is parameters.W1
    assert {part.dtype for part in cast(parameters, np.float32)} == {np.dtype(np.float32)}
