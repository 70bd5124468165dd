"""The sums of a block are those of its rows, in float64 where there is one per row."""

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.block import (
    Block,
    Sums,
    added,
    block_sums,
    log_loss_and_slope,
    signs,
)
from sk_shallow._core.parameters import cast, n_parameters, unflatten

KINDS = [np.asarray, sparse.csr_matrix, sparse.csr_array]
THETA = np.random.default_rng(0).standard_normal(n_parameters(3, 4))
NET = unflatten(THETA, 3, 4, ACTIVATIONS["tanh"])


def random_block(n_rows=40, kind=np.asarray):
    rng = np.random.default_rng(1)
    X, y = kind(rng.standard_normal((n_rows, 3))), rng.integers(0, 2, n_rows)
    return Block(X, signs(y), rng.uniform(size=n_rows), rng.uniform(size=n_rows))


def sums_of(block, net=NET):
    n_rows, dtype = block.X.shape[0], block.X.dtype
    buffer, ones = np.empty(4 * n_rows, dtype), np.ones(n_rows, dtype)
    return block_sums(cast(net, dtype), block.as_float64(), buffer, ones)


@pytest.mark.parametrize("z", [-800.0, -30.0, 0.0, 30.0, 800.0])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_the_log_loss_is_exact_for_any_logit(z, y):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        loss, slope = log_loss_and_slope(np.array([z]), signs(np.array([y])))
    u = -z if y else z  # the logit of being wrong; abs=0, as small losses count too
    assert loss[0] == pytest.approx(np.logaddexp(0, u), rel=1e-14, abs=0)
    assert abs(slope[0]) == pytest.approx(np.exp(-np.logaddexp(0, -u)), rel=1e-12, abs=0)
    assert np.sign(slope[0]) == (-1 if y else 1) * (u > -800)


def test_loss_and_slope_of_float32_logits_are_float64():
    loss, slope = log_loss_and_slope(np.float32([0.1, 3]), signs(np.array([True, False])))
    z2 = np.float32([0.1, 3]).astype(np.float64) * [-1, 1]
    np.testing.assert_allclose(loss, np.logaddexp(0, z2), rtol=1e-14)
    np.testing.assert_allclose(slope, expit(z2) * [-1, 1], rtol=1e-14)


@pytest.mark.parametrize("in_place", [False, True])
def test_sums_of_parts_are_float64(in_place):
    part = Sums(0.0, 0.0, *(np.ones(shape, np.float32) for shape in ((2, 3), 2, 2)), 0.0)
    once = added(part, part, in_place=in_place)
    twice = added(once, part, in_place=in_place)
    for sums in (*once[2:5], *twice[2:5]):
        assert sums.dtype == np.float64
    assert (part.DX == 1).all()  # float32 does not hold the sum
    assert (twice.DX == 3).all()


@pytest.mark.parametrize("in_place", [False, True])
def test_only_in_place_is_the_largest_array_written_over(in_place):
    one, other = (Sums(1.0, 2.0, np.ones((2, 3)), *np.ones((2, 2)), 3.0) for _ in range(2))
    both = added(one, other, in_place=in_place)
    assert (both.DX is one.DX) is in_place
    assert (other.DX == 1).all()
    assert (both.loss, both.held_out_loss, both.db2) == (2, 4, 6)
    assert (both.DX == 2).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_sums_of_two_halves_are_those_of_the_whole(kind):
    block = random_block(kind=kind)
    halves = added(*(sums_of(block.part(part)) for part in (slice(0, 9), slice(9, 40))))
    for one, other in zip(halves, sums_of(block), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_weight_0_add_nothing(kind):
    block = random_block(kind=kind)
    weight = block.sample_weight * (np.arange(40) < 25)
    held_out = block.held_out_weight * (np.arange(40) < 25)
    some = sums_of(block._replace(sample_weight=weight, held_out_weight=held_out))
    for one, other in zip(some, sums_of(block.part(slice(0, 25))), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_both_losses_are_weighted_sums_over_the_same_logits(kind):
    block = random_block(kind=kind)
    A1 = np.tanh(random_block().X @ NET.W1 + NET.b1)
    losses = np.logaddexp(0, block.sign * (A1 @ NET.w2 + NET.b2))
    sums = sums_of(block)
    assert sums.loss == pytest.approx(block.sample_weight @ losses, rel=1e-12)
    assert sums.held_out_loss == pytest.approx(block.held_out_weight @ losses, rel=1e-12)
    assert sums_of(block._replace(held_out_weight=None)).held_out_loss == 0


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_that_of_backpropagation(activation, kind):
    block = random_block(kind=kind)
    _, sign, weight, _ = block
    net = NET._replace(activation=ACTIVATIONS[activation])
    dense = random_block().X
    A1 = net.activation.apply(dense @ net.W1 + net.b1)  # as in the lecture, rows first
    dz2 = weight * sign * expit(sign * (A1 @ net.w2 + net.b2))
    dZ1 = np.outer(dz2, net.w2) * net.activation.slope(A1.copy())
    expected = dense.T @ dZ1, dZ1.sum(axis=0), A1.T @ dz2, [dz2.sum()]
    gradient = sums_of(block, net).gradient(net.w2)
    for one, other in zip(gradient, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_a_block_are_views(kind):
    block = random_block(kind=kind)
    part = block.part(slice(3, 9))
    assert part.X.shape == (6, 3)
    for one, other in zip(part[1:], block[1:], strict=True):
        assert np.shares_memory(one, other)
        np.testing.assert_array_equal(one, other[3:9])
    assert block._replace(held_out_weight=None).part(slice(0, 3)).held_out_weight is None
