"""What goes over the rows of a table gives the same, whatever its blocks are."""

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.block import Sums, added, signs
from sk_shallow._core.parameters import cast, n_parameters, unflatten
from sk_shallow._core.rows import BLOCK_ROWS, one_by_one
from sk_shallow._core.table import (
    ArrayTable,
    OrderedSum,
    Rows,
    all_logits,
    logits,
    places_of,
    probabilities,
    sample,
)

KINDS = [np.asarray, sparse.csr_matrix, sparse.csr_array]


def random_net(activation="tanh"):
    theta = np.random.default_rng(0).standard_normal(n_parameters(3, 4))
    return unflatten(theta, 3, 4, ACTIVATIONS[activation])


def random_X(n_samples):
    return np.random.default_rng(1).standard_normal((n_samples, 3))


def backwards(task, parts):
    """A `Run` that does the last part first."""
    return [task(part) for part in parts[::-1]][::-1]


# --- Logits and probabilities -----------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("n_samples", [1, 5, BLOCK_ROWS, 2 * BLOCK_ROWS + 3])
def test_logits_are_the_formula(activation, n_samples):
    X, net = random_X(n_samples), random_net(activation)
    W1, b1, w2, b2 = net.weights
    formula = net.activation.apply(X @ W1 + b1) @ w2 + b2
    np.testing.assert_allclose(logits(net, X), formula, rtol=1e-12, atol=1e-12)


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
    X, net = random_X(BLOCK_ROWS + 10), random_net()
    np.testing.assert_allclose(logits(net, make(X)), logits(net, X), atol=1e-13)


def test_X_is_never_written_to():
    X = random_X(10)
    X.flags.writeable = False
    assert np.isfinite(logits(random_net("relu"), X)).all()


@pytest.mark.parametrize("quantity", [logits, probabilities])
def test_predictions_have_the_dtype_of_the_weights(quantity):
    net = cast(random_net(), np.float32)
    assert quantity(net, random_X(10)).dtype == np.float32


@pytest.mark.parametrize("n_samples", [1, 2 * BLOCK_ROWS + 3])
def test_probabilities_are_those_of_the_logits(n_samples):
    X, net = random_X(n_samples), random_net()
    z2 = logits(net, X)
    np.testing.assert_allclose(
        probabilities(net, X), expit(np.column_stack([-z2, z2])), rtol=1e-14
    )


@pytest.mark.parametrize("quantity", [logits, probabilities])
def test_the_order_of_the_blocks_changes_no_bit(quantity):
    X, net = random_X(5 * BLOCK_ROWS), random_net()
    np.testing.assert_array_equal(quantity(net, X, backwards), quantity(net, X))


def test_blocks_may_be_given():
    X, net = random_X(10), random_net()
    blocks = [slice(0, 3), slice(3, 10)]
    each = [logits(net, X[rows]) for rows in blocks]
    given = logits(net, X, one_by_one, blocks)
    np.testing.assert_array_equal(given, np.concatenate(each))


# --- A table in memory ------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_table_in_memory_is_one_partition_that_is_not_copied(kind, dtype):
    X, y = kind(random_X(20).astype(dtype)), np.arange(20)
    table = ArrayTable(X)
    assert table.shape == (20, 3)
    assert table.dtype == dtype
    ((same_X, same_y),) = table.map(lambda *arguments: arguments, y)
    assert same_X is X
    assert same_y is y
    net = random_net()
    np.testing.assert_array_equal(all_logits(net, table), logits(net, X))


def loss_sums(X, seed=0, run=one_by_one):
    n, rng = X.shape[0], np.random.default_rng(seed)
    y, weight, held_out = rng.integers(0, 2, n), rng.uniform(size=n), rng.uniform(size=n)
    return ArrayTable(X).loss_sums(signs(y), weight, held_out, 4, run), y, weight, held_out


def arrays(sums):
    return [np.asarray(part) for part in sums]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_samples", [1, 50, 2 * BLOCK_ROWS + 3])
def test_the_sums_of_the_loss_are_those_of_the_rows(kind, n_samples):
    X, net = random_X(n_samples), random_net()
    sums_over, y, weight, held_out = loss_sums(kind(X))
    losses = np.logaddexp(0, np.where(y, -1, 1) * logits(net, X))
    sums = sums_over.sums(net)
    assert sums.loss == pytest.approx(weight @ losses, rel=1e-12)
    assert sums.held_out_loss == pytest.approx(held_out @ losses, rel=1e-12)
    assert sums_over.loss(net) == pytest.approx(weight @ losses, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_order_in_which_groups_are_done_changes_no_bit_of_a_sum(dtype):
    X, net = random_X(70 * BLOCK_ROWS).astype(dtype), cast(random_net(), dtype)
    forwards, reverse = (
        loss_sums(X, run=run)[0].sums(net) for run in (one_by_one, backwards)
    )
    for one, other in zip(arrays(forwards), arrays(reverse), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("seed", range(5))
def test_parts_are_added_in_the_order_of_their_numbers(seed):
    rng = np.random.default_rng(seed)
    parts = [
        Sums(*rng.standard_normal(2), *map(rng.standard_normal, ((4, 3), 4, 4)), 0.5)
        for _ in range(12)
    ]
    expected = parts[0].DX.copy()
    for part in parts[1:]:
        expected += part.DX
    total = OrderedSum(added)
    for number in rng.permutation(12):
        total.add(number, parts[number])
    assert total.sums.loss == sum(part.loss for part in parts)
    assert total.sums.db2 == 6
    np.testing.assert_array_equal(total.sums.DX, expected)


# --- A sample of the rows ---------------------------------------------------------------


def numbered_rows(n_samples, weight=None, kind=np.asarray):
    """Rows whose only column, and whose label, is their number."""
    number = np.arange(1.0, n_samples + 1)
    weight = np.ones(n_samples, dtype=np.bool_) if weight is None else weight
    return Rows(ArrayTable(kind(number[:, None])), number, weight)


@pytest.mark.parametrize("n_samples", [1, 9, 10, 11, 99, 1000, 200_000])
@pytest.mark.parametrize("share", [0.1, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_sample_has_at_most_so_many_rows_all_of_weight_in_order(n_samples, share, seed):
    rng = np.random.default_rng(seed)
    weight = rng.uniform(1, 2, n_samples) * (rng.uniform(size=n_samples) < share)
    weight[-1] = 1.5
    few = sample(numbered_rows(n_samples, weight), 10)
    assert len(few.y) == min(10, np.count_nonzero(weight))
    assert (few.sample_weight > 0).all()
    assert (np.diff(few.y) > 0).all()  # no row twice
    np.testing.assert_array_equal(few.X[:, 0], few.y)
    np.testing.assert_array_equal(few.sample_weight, weight[few.y.astype(int) - 1])


@pytest.mark.parametrize("n_samples", [10, 3000])
def test_a_sample_is_the_same_at_every_call(n_samples):
    rows = numbered_rows(n_samples)
    np.testing.assert_array_equal(sample(rows, 300).y, sample(rows, 300).y)


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("n_samples", [10, 3000])
def test_a_sample_of_csr_is_that_of_the_array(kind, n_samples):
    dense, few = (sample(numbered_rows(n_samples, kind=k), 300) for k in (np.asarray, kind))
    assert sparse.issparse(few.X)
    np.testing.assert_array_equal(few.X.toarray(), dense.X)


def test_a_sample_does_not_depend_on_rows_of_weight_0():
    padded = np.arange(6000) % 2 == 0
    whole = sample(numbered_rows(6000, padded), 300).y
    np.testing.assert_array_equal((whole + 1) / 2, sample(numbered_rows(3000), 300).y)


def assert_all_alike(counts, n_rows):
    """Whether counts of a sample are those of groups of equal size.

    Each is hypergeometric; 4.5 standard deviations leave 1 in 100,000 outside.
    """
    n_drawn, n_groups = counts.sum(), len(counts)
    variance = n_drawn / n_groups * (1 - 1 / n_groups) * (1 - n_drawn / n_rows)
    assert np.abs(counts - n_drawn / n_groups).max() < 4.5 * np.sqrt(variance)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("period", [2, 3, 4, 5, 7, 10, 24])
def test_a_sample_keeps_no_time_with_the_table(period, weighted):
    n_rows = 30_240  # a multiple of each period
    weight = np.arange(2 * n_rows) % 2 > 0 if weighted else np.ones(n_rows)
    drawn = sample(numbered_rows(len(weight), weight), 6000).y.astype(int)
    number = drawn // 2 if weighted else drawn  # among the rows of weight
    assert_all_alike(np.bincount(number % period, minlength=period), n_rows)


@pytest.mark.parametrize("n_parts", [2, 10, 24])
def test_a_sample_is_of_all_parts_of_the_table(n_parts):
    n_rows = 30_240
    drawn = sample(numbered_rows(n_rows), 6000).y.astype(int) - 1
    assert_all_alike(np.bincount(drawn * n_parts // n_rows, minlength=n_parts), n_rows)


@pytest.mark.parametrize("n", [1, 65536, 65537, 300_000])
@pytest.mark.parametrize("share", [0.001, 0.5, 1.0])
def test_the_place_of_a_present_row_is_that_in_the_list_of_all(n, share):
    rng = np.random.default_rng(0)
    present = rng.uniform(size=n) < share
    present[-1] = True
    places = np.flatnonzero(present)
    numbers = np.unique(rng.integers(0, places.size, 50))
    np.testing.assert_array_equal(places_of(present, numbers), places[numbers])
