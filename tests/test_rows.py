"""Row blocks are a partition of the rows, and taking them copies nothing."""

import numpy as np
import pytest
from scipy import sparse

from sk_shallow._core.rows import (
    BLOCK_ROWS,
    MOST_GROUPS,
    groups_of,
    parts_of,
    present_blocks,
    row_blocks,
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


@pytest.mark.parametrize("n_rows", [0, 1, 7, 1000])
@pytest.mark.parametrize("n_parts", [1, 2, 7, 32])
def test_parts_are_consecutive_and_equal(n_rows, n_parts):
    parts = [range(n_rows)[part] for part in parts_of(n_rows, n_parts)]
    assert len(parts) == n_parts
    assert [row for part in parts for row in part] == list(range(n_rows))
    sizes = list(map(len, parts))
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("n_blocks", [0, 1, 5, MOST_GROUPS, MOST_GROUPS + 1, 1000])
def test_groups_are_a_partition_of_the_blocks_into_equal_parts(n_blocks):
    groups = groups_of(range(n_blocks))
    assert len(groups) == min(n_blocks, MOST_GROUPS)
    assert [block for group in groups for block in group] == list(range(n_blocks))
    sizes = [len(group) for group in groups]
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


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_present_blocks_hold_the_rows_of_weight_above_0_in_order(kind, share):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((3 * BLOCK_ROWS, 2))
    weight = rng.uniform(1, 2, len(X)) * (rng.uniform(size=len(X)) < share)
    blocks = [
        block.toarray() if sparse.issparse(block) else block
        for block in present_blocks(kind(X), 8, weight)
    ]
    assert all(len(block) <= BLOCK_ROWS for block in blocks)
    np.testing.assert_array_equal(np.vstack([X[:0], *blocks]), X[weight > 0])
