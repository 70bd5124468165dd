"""Rows of data, and their way into the blocks over which everything is summed."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from sk_shallow._core.parameters import Vector

Matrix = Any  # (n_samples, n_features): a float32 or float64 array, or CSR

GOLDEN_RATIO = (5**0.5 - 1) / 2

BLOCK_ROWS = 2048  # A1 of a block stays in cache: 2,048 x 64 float64 is 1 MB


class Rows(NamedTuple):
    """Rows to learn from or to be judged by."""

    X: Matrix
    y: Vector  # (n_samples,), 0 or 1
    sample_weight: Vector  # (n_samples,)


def row_blocks(n_samples: int) -> Iterator[slice]:
    """Consecutive slices of at most BLOCK_ROWS rows, in order."""
    for start in range(0, n_samples, BLOCK_ROWS):
        yield slice(start, min(start + BLOCK_ROWS, n_samples))


def take_rows(X: Matrix, rows: slice) -> Matrix:
    """Consecutive rows of X as a view, for CSR too (where X[rows] would copy)."""
    if not sparse.issparse(X):
        return X[rows]
    indptr = X.indptr[rows.start : rows.stop + 1]
    stored = slice(indptr[0], indptr[-1])
    block = type(X)((rows.stop - rows.start, X.shape[1]), dtype=X.dtype)
    # Attributes, because the constructor copies what is part of something larger.
    block.data, block.indices = X.data[stored], X.indices[stored]
    block.indptr = indptr - indptr[0]
    return block


def spread_rows(X: Matrix, most: int) -> Matrix:
    """At most `most` rows, spread evenly over X, but in no rhythm that X may have.

    One row out of each of `most` equal parts, at the places of a golden-ratio sequence.
    """
    n_samples = X.shape[0]
    if n_samples <= most:
        return X
    part = np.arange(most)
    places = (part + part * GOLDEN_RATIO % 1) * (n_samples / most)
    return X[places.astype(np.intp)]
