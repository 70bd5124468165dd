"""The columns of X, summed up by blocks of rows and by parts; CSR stays sparse."""

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, lsqr

from sk_shallow._core.parameters import Array, Vector
from sk_shallow._core.rows import Column, Matrix, by_parts, counted_blocks

LSQR_STEPS = 50  # enough to explain 98 % of what is linear


class ColumnSummary(NamedTuple):
    """The columns of X over its rows of weight > 0; arrays of shape (n_features,)."""

    n_rows: int
    total: Vector
    square_total: Vector
    least: Array
    most: Array

    @property
    def mean(self) -> Vector:
        mean: Vector = self.total / self.n_rows
        return mean

    @property
    def mean_square(self) -> Vector:
        mean_square: Vector = self.square_total / self.n_rows
        return mean_square

    @property
    def deviation(self) -> Vector:
        deviation: Vector = np.sqrt(np.maximum(self.mean_square - self.mean**2, 0))
        return deviation


def column_summary(X: Matrix, sample_weight: Column | None = None) -> ColumnSummary:
    """Summed up by blocks and parts; CSR stays sparse."""
    if sample_weight is None:
        sample_weight = np.ones(X.shape[0], dtype=np.bool_)
    with np.errstate(over="ignore", invalid="ignore"):
        n_rows, total, square_total, least, most = zip(
            *by_parts(X, summary_of_part, sample_weight > 0), strict=True
        )
        return ColumnSummary(
            sum(n_rows),
            np.sum(total, axis=0),
            np.sum(square_total, axis=0),
            np.min(least, axis=0),
            np.max(most, axis=0),
        )


def summary_of_part(X: Matrix, counts: Column) -> ColumnSummary:
    n_features = X.shape[1]
    total, square_total = np.zeros(n_features), np.zeros(n_features)
    least, most = np.full(n_features, np.inf), np.full(n_features, -np.inf)
    for block in counted_blocks(X, n_features * X.dtype.itemsize, counts):
        wide = block.astype(np.float64, copy=False)
        squares = wide.multiply(wide) if sparse.issparse(wide) else np.square(wide)
        total += as_vector(wide.sum(axis=0))
        square_total += as_vector(squares.sum(axis=0))
        np.minimum(least, as_vector(wide.min(axis=0)), out=least)
        np.maximum(most, as_vector(wide.max(axis=0)), out=most)
    return ColumnSummary(int(np.count_nonzero(counts)), total, square_total, least, most)


def as_vector(reduced: Any) -> Vector:
    """What is left of X when its rows are reduced: CSR gives it a row of its own kind."""
    dense = reduced.toarray() if sparse.issparse(reduced) else reduced
    vector: Vector = np.asarray(dense).ravel()
    return vector


def linear_share(X: Matrix, z2: Array) -> float:
    """The share of the variance of z2 that a linear function of X explains; R², adjusted.

    By LSQR (Paige & Saunders, 1982) on columns brought to mean 0 and size 1, of which CSR
    stays sparse. 0 where the rows are too few for the columns to tell.
    """
    n_rows, n_features = X.shape
    centred = z2.astype(np.float64) - z2.mean(dtype=np.float64)
    total = float(centred @ centred)
    if n_rows < 2 * (n_features + 1) or total == 0:
        return 0.0
    summary = column_summary(X)
    mean, deviation = summary.mean, summary.deviation
    factor = np.where(deviation > 0, 1 / np.where(deviation > 0, deviation, 1), 0)
    standardised = LinearOperator(
        X.shape,
        matvec=lambda v: X @ (factor * v.ravel()) - mean @ (factor * v.ravel()),
        rmatvec=lambda u: factor * (X.T @ u - mean * u.sum()),
        dtype=np.float64,
    )
    left = lsqr(standardised, centred, atol=1e-4, btol=1e-2, iter_lim=LSQR_STEPS)[3]
    unexplained = (left**2 / (n_rows - n_features - 1)) / (total / (n_rows - 1))
    return float(1 - unexplained)
