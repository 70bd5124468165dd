"""Diagnostics give the exact numbers of nets made by hand."""

import numpy as np
import pytest
from scipy import sparse

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.columns import column_moments, column_ranges, rows_are_alike
from sk_shallow._core.diagnostics import (
    activation_counts,
    hidden_layer,
    hidden_statistics,
    is_symmetric,
    linear_signal,
)
from sk_shallow._core.objective import Objective
from sk_shallow._core.parameters import Net, n_parameters
from sk_shallow._core.rows import present_blocks, stacked
from sk_shallow._core.table import ArrayTable, Rows, sample


def net(W1, b1=None, w2=None, activation="tanh"):
    W1 = np.asarray(W1, float)
    n_hidden = W1.shape[1]
    return Net(
        W1,
        np.zeros(n_hidden) if b1 is None else np.asarray(b1, float),
        np.ones(n_hidden) if w2 is None else np.asarray(w2, float),
        np.zeros(1),
        ACTIVATIONS[activation],
    )


@pytest.mark.parametrize(
    ("units", "symmetric"),
    [
        (net([[1, 1], [2, 2]]), True),
        (net([[0, 0]], w2=[0, 0]), True),
        (net([[1, 1], [2, 2 + 1e-15]]), False),
        (net([[1, 1]], b1=[0, 1]), False),
        (net([[1, 1]], w2=[0, 1]), False),
        (net([[1]]), False),  # one unit alone has none to be equal to
    ],
)
def test_symmetric_means_several_units_all_the_same(units, symmetric):
    assert is_symmetric(units) is symmetric


# One row, x = 1, so that W1 is Z1. A slope of 5 % of the largest is reached at
# |z| = atanh(sqrt(0.95)) = 2.178 for tanh and at twice that for the logistic.
@pytest.mark.parametrize(("activation", "edge"), [("tanh", 2.178), ("logistic", 2 * 2.178)])
def test_the_plateau_begins_where_the_slope_is_5_percent_of_the_largest(activation, edge):
    Z1 = [[edge - 0.01, edge + 0.01, -edge - 0.01, 0.0]]
    layer = hidden_layer(net(Z1, activation=activation), np.ones((1, 1)))
    np.testing.assert_array_equal(layer.flat[:, 0], [False, True, True, False])
    assert layer.saturated_share == 0.5
    assert layer.n_dead == 2
    assert layer.size == pytest.approx((3 * edge + 0.01) / 4)


def test_a_relu_unit_is_dead_when_it_gives_0_on_every_row():
    X = np.array([[1.0], [-2.0]])
    units = net([[1, -1, 0, 1, 0]], b1=[0, 0, -1, -5, 1], activation="relu")
    layer = hidden_layer(units, X)
    np.testing.assert_array_equal(layer.flat.all(axis=1), [False, False, True, True, False])
    assert layer.n_dead == 2


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_the_zero_net_is_a_minimum_exactly_when_alpha_exceeds_the_signal(activation, seed):
    # At the best constant net, J has a direction of negative curvature if and only if
    # alpha is under phi'(0) |X'(y - mean y)|. The Hessian is taken by differences.
    rng = np.random.default_rng(seed)
    n, d, h = 60, 3, 2
    X = rng.standard_normal((n, d))
    y = (rng.uniform(size=n) < 0.3).astype(float)
    rows = Rows(ArrayTable(X), y, rng.uniform(0.5, 2, n))
    threshold = ACTIVATIONS[activation].max_slope * linear_signal(rows)
    share = np.average(y, weights=rows.sample_weight)
    theta = np.zeros(n_parameters(d, h))
    theta[-1] = np.log(share / (1 - share))

    def smallest_curvature(alpha):
        objective = Objective(rows, net(np.zeros((d, h)), activation=activation), alpha)
        step = 1e-5
        hessian = np.array(
            [
                (
                    objective(theta + step * e).gradient
                    - objective(theta - step * e).gradient
                )
                / (2 * step)
                for e in np.eye(theta.size)
            ]
        )
        free = np.arange(theta.size) < d * h  # W1 and w2; b1 costs nothing anywhere
        free[-1 - h : -1] = True
        return np.linalg.eigvalsh((hessian + hessian.T)[np.ix_(free, free)] / 2).min()

    assert smallest_curvature(1.05 * threshold) > 0
    assert smallest_curvature(0.95 * threshold) < 0


# --- Sparse tables, and rows of weight 0 ----------------------------------------------


def reductions(X, weight, y):
    """All that is reduced, sliced or stacked, as plain arrays."""
    table = ArrayTable(X)
    few = sample(Rows(table, y, weight), 9)
    W1 = np.random.default_rng(1).standard_normal((X.shape[1], 2))
    moments = column_moments(table, weight)._asdict()
    return {
        **{f"{name} of columns": moment for name, moment in moments.items()},
        **column_ranges(table, weight)._asdict(),
        "alike": rows_are_alike(table, weight),
        "alike in one row": rows_are_alike(table, np.arange(len(y)) == 1),
        "signal": linear_signal(Rows(table, y, weight)),
        "few": few.X.toarray() if sparse.issparse(few.X) else few.X,
        "few_y": few.y,
        **hidden_statistics(net(W1), X, weight)._asdict(),
        "counts": activation_counts(net(W1, activation="relu"), X, 5, weight)[0],
        "blocks": sum(block.sum() for block in present_blocks(X, 2**18, weight)),
    }


def table(seed, first, n=30):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 4)) * (rng.uniform(size=(n, 4)) < 0.5)
    X[:, 0] = first
    return X, rng.uniform(size=n) < 0.4


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("first", [0.0, 0.5])
@pytest.mark.parametrize("weighted", [False, True])
def test_what_is_said_of_sparse_rows_is_what_is_said_of_dense_ones(
    kind, dtype, first, weighted
):
    X, y = table(0, first)
    weight = (np.arange(30) % 3 > 0) * 1.5 if weighted else np.ones(30, dtype=np.bool_)
    X = X.astype(dtype)
    dense, other = reductions(X, weight, y), reductions(kind(X), weight, y)
    for name, value in dense.items():
        np.testing.assert_allclose(other[name], value, rtol=1e-5, atol=1e-6, err_msg=name)
    assert not dense["alike"]
    parts = [kind(X[:3]), X[3:7], kind(X[7:7]), kind(X[7:])]
    for order in (parts, parts[::-1]):
        expected = np.vstack(
            [part.toarray() if sparse.issparse(part) else part for part in order]
        )
        np.testing.assert_array_equal(stacked(order).toarray(), expected)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("seed", range(3))
def test_rows_of_weight_0_are_absent(kind, seed):
    X, y = table(seed, 0.5, n=4000)
    X[1::2] = 1e200  # and would spoil every sum
    X[1::2, 0] = -7
    weight = np.random.default_rng(seed).integers(1, 3, 4000) * (np.arange(4000) % 2 == 0)
    present = weight > 0
    with np.errstate(over="ignore", invalid="ignore"):
        whole = reductions(kind(X), weight, y)
    for name, value in reductions(kind(X[present]), weight[present], y[present]).items():
        if name != "alike in one row":
            np.testing.assert_allclose(whole[name], value, rtol=1e-9, err_msg=name)
