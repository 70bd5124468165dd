"""phi is what its name says, and the slope in terms of A1 is its derivative."""

import numpy as np
import pytest
from scipy.special import expit

from sk_shallow._core.activations import ACTIVATIONS

FORMULAS = {"tanh": np.tanh, "logistic": expit, "relu": lambda z: np.maximum(z, 0)}
EPSILON = np.finfo(float).eps

pytestmark = pytest.mark.parametrize("name", ACTIVATIONS)


def test_there_is_a_formula_for_each_and_it_knows_its_name(name):
    assert name in FORMULAS
    assert ACTIVATIONS[name].name == name


def test_apply_is_the_formula(name):
    z = np.linspace(-40, 40, 1001)
    np.testing.assert_allclose(
        ACTIVATIONS[name].apply(z.copy()), FORMULAS[name](z), rtol=1e-13, atol=EPSILON
    )


def test_slope_is_the_derivative(name):
    z = np.linspace(-6, 6, 240)  # no zero in it: relu has a kink there
    h = 1e-6
    difference = (FORMULAS[name](z + h) - FORMULAS[name](z - h)) / (2 * h)
    slope = ACTIVATIONS[name].slope(ACTIVATIONS[name].apply(z.copy()))
    # Central differences of size 1e-6 are good to about eps / h = 2e-10.
    np.testing.assert_allclose(slope, difference, atol=1e-9)


def test_max_slope_is_the_largest_slope(name):
    z = np.linspace(-5, 5, 1001)
    slope = ACTIVATIONS[name].slope(ACTIVATIONS[name].apply(z))
    assert slope.max() == pytest.approx(ACTIVATIONS[name].max_slope, abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_both_functions_write_over_their_argument(name, dtype):
    z = np.array([-2.0, 0.5, 3.0], dtype)
    assert ACTIVATIONS[name].apply(z) is z
    assert ACTIVATIONS[name].slope(z) is z
    assert z.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_largest_numbers_are_no_problem(name, dtype):
    z = np.array([-np.finfo(dtype).max, np.finfo(dtype).max], dtype)
    with np.errstate(all="raise", under="ignore"):
        assert np.isfinite(ACTIVATIONS[name].slope(ACTIVATIONS[name].apply(z))).all()
