"""Row blocks are a partition of the rows, and taking them copies nothing."""

import numpy as np
import pytest
from scipy import sparse

from sk_shallow._core.rows import (
    BLOCK_ROWS,
    MOST_SPANS,
    nth_chosen,
    row_blocks,
    spans,
    spread_rows,
    take_rows,
)

SIZES = [0, 1, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1, 3 * BLOCK_ROWS + 7]


@pytest.mark.parametrize("n_samples", SIZES)
@pytest.mark.parametrize(("row_bytes", "most"), [(8, 4096), (512, 2048), (10**5, 256)])
def test_blocks_are_a_partition_into_equal_parts_in_order(n_samples, row_bytes, most):
    rows = np.arange(n_samples)
    blocks = [rows[block] for block in row_blocks(n_samples, row_bytes)]
    sizes = [len(block) for block in blocks]
    assert all(0 < size <= most for size in sizes)
    assert max(sizes, default=0) - min(sizes, default=0) <= 1
    assert len(blocks) <= 1 or len(blocks) % 2 == 0
    np.testing.assert_array_equal(np.concatenate([[], *blocks]), rows)


@pytest.mark.parametrize("n_blocks", [0, 1, 5, MOST_SPANS, MOST_SPANS + 1, 1000])
def test_spans_are_a_partition_of_the_blocks_into_equal_parts(n_blocks):
    parts = spans(range(n_blocks))
    assert len(parts) == min(n_blocks, MOST_SPANS)
    assert [block for part in parts for block in part] == list(range(n_blocks))
    sizes = [len(part) for part in parts]
    assert max(sizes, default=0) - min(sizes, default=0) <= 1


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("block", [slice(0, 3), slice(2, 7), slice(9, 10), slice(0, 10)])
def test_rows_of_a_sparse_matrix_are_those_rows_without_a_copy(kind, block):
    dense = np.random.default_rng(0).standard_normal((10, 4))
    dense[dense < 0.3] = 0
    dense[9] = 1  # every block tried here has stored values
    X = kind(dense)
    taken = take_rows(X, block)
    np.testing.assert_array_equal(taken.toarray(), dense[block])
    assert np.shares_memory(taken.data, X.data)
    assert np.shares_memory(taken.indices, X.indices)


def test_rows_of_an_array_are_a_view():
    X = np.arange(12.0).reshape(6, 2)
    assert np.shares_memory(take_rows(X, slice(1, 4)), X)


@pytest.mark.parametrize("n_samples", [1, 9, 10, 11, 99, 1000])
def test_spread_rows_are_few_and_reach_over_the_whole(n_samples):
    X = np.arange(n_samples)[:, None]
    spread = spread_rows(X, 10)
    assert 1 <= len(spread) <= 10
    assert spread[-1, 0] >= 0.8 * (n_samples - 1)
    np.testing.assert_array_equal(spread_rows(sparse.csr_matrix(X), 10).toarray(), spread)


@pytest.mark.parametrize("period", [2, 3, 4, 5, 7, 10, 24])
def test_spread_rows_keep_no_time_with_the_table(period):
    rhythm = np.arange(3000)[:, None] % period
    counts = np.bincount(spread_rows(rhythm, 300)[:, 0], minlength=period)
    assert counts.min() > 0.5 * 300 / period


@pytest.mark.parametrize("n", [1, 65536, 65537, 300_000])
@pytest.mark.parametrize("share", [0.001, 0.5, 1.0])
def test_the_nth_chosen_row_is_that_of_the_list_of_all(n, share):
    rng = np.random.default_rng(0)
    chosen = rng.uniform(size=n) < share
    chosen[-1] = True
    places = np.flatnonzero(chosen)
    numbers = np.unique(rng.integers(0, places.size, 50))
    np.testing.assert_array_equal(nth_chosen(chosen, numbers), places[numbers])
