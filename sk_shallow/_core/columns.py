"""The columns of X: moments, ranges and sizes, and the penalty that suits them.

Rows of weight 0 do not count. CSR stays sparse.
"""

from functools import partial, reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, lsqr

from sk_shallow._core.activations import Array, Vector
from sk_shallow._core.rows import CSR, Column, Matrix, parts_of, present_blocks, take_rows
from sk_shallow._core.table import ArrayTable, Table

BLOCK_VALUES = 2**17  # of X in a block, but at least a row
ROUNDING = 1e-12  # a standard deviation below this share of the mean is rounding
LSQR_STEPS = 50  # enough to explain 98 % of what is linear


class ColumnMoments(NamedTuple):
    """Weighted moments of each column."""

    n_rows: int
    total_weight: float
    mean: Vector  # (n_features,)
    squares: Vector  # (n_features,), sum of squared deviations from the mean

    @property
    def variance(self) -> Vector:
        """The variance of each column (ddof=0); 0 where only rounding varies."""
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            variance = self.squares / self.total_weight
            is_rounding = variance <= (ROUNDING * self.mean) ** 2
        return np.where(is_rounding, 0.0, variance)

    @property
    def deviation(self) -> Vector:
        return np.sqrt(self.variance)

    @property
    def mean_square(self) -> Vector:
        with np.errstate(over="ignore", under="ignore"):
            return self.variance + self.mean**2


def column_moments(X: Table, sample_weight: Column) -> ColumnMoments:
    """The moments of the columns of X, by sums over blocks in a fixed order."""
    return reduce(merged, X.map(partition_moments, sample_weight))


def partition_moments(X: Matrix, sample_weight: Column) -> ColumnMoments:
    n_samples, n_features = X.shape
    n_blocks = max(1, -(-X.size // max(BLOCK_VALUES, n_features)))
    blocks = parts_of(n_samples, min(n_blocks, n_samples))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        each = [block_moments(take_rows(X, rows), sample_weight[rows]) for rows in blocks]
        return reduce(merged, each)


def block_moments(X: Matrix, sample_weight: Column) -> ColumnMoments:
    is_present = sample_weight > 0
    if not is_present.all():
        X, sample_weight = X[is_present], sample_weight[is_present]
    weight = sample_weight.astype(np.float64)
    if weight.size == 0:
        nothing = np.zeros(X.shape[1])
        return ColumnMoments(0, 0.0, nothing, nothing)
    moments = sparse_moments if sparse.issparse(X) else dense_moments
    total = float(weight.sum())
    return ColumnMoments(weight.size, total, *moments(X, weight, total))


def dense_moments(X: Matrix, weight: Vector, total: float) -> tuple[Vector, Vector]:
    """Mean, and sum of squared deviations, of each column."""
    mean = weight @ X.astype(np.float64, copy=False) / total
    deviation = X - mean
    return mean, weight @ np.square(deviation, out=deviation)


def sparse_moments(X: CSR, weight: Vector, total: float) -> tuple[Vector, Vector]:
    """The same quantities for CSR, from its stored entries alone."""
    if not X.has_canonical_format:  # an entry may be stored as several that add up
        X = X.copy()
        X.sum_duplicates()
    values, weights = X.data.astype(np.float64), np.repeat(weight, np.diff(X.indptr))

    def summed(terms: Vector) -> Vector:
        return np.bincount(X.indices, terms, X.shape[1]).astype(np.float64, copy=False)

    mean = summed(weights * values) / total
    is_full = np.bincount(X.indices, minlength=X.shape[1]) == weight.size
    weight_of_zeros = np.where(is_full, 0.0, np.maximum(total - summed(weights), 0.0))
    squares = summed(weights * (values - mean[X.indices]) ** 2)
    return mean, squares + weight_of_zeros * mean**2


def merged(one: ColumnMoments, other: ColumnMoments) -> ColumnMoments:
    """The moments over the rows of both (Chan, Golub & LeVeque, 1983)."""
    if other.n_rows == 0:
        return one
    if one.n_rows == 0:
        return other
    total = one.total_weight + other.total_weight
    share = other.total_weight / total
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        shift = other.mean - one.mean
        squares = one.squares + other.squares + shift**2 * (one.total_weight * share)
        mean = one.mean + shift * share
    return ColumnMoments(one.n_rows + other.n_rows, total, mean, squares)


def default_alpha(columns: ColumnMoments) -> float:
    """``alpha="auto"``: sqrt(sum_j min(1, var_j)) * min(1, mean weight).

    A penalty on two layers pulls the harder, the smaller the columns are: a net that
    needs twice the weights for columns of half the size pays for them in both layers.
    If all columns are constant, the sum counts as n_features. Rounded to 12 digits, so that
    it does not depend on the order in which the moments were added.
    """
    size = float(np.fmin(columns.variance, 1.0).sum()) or len(columns.mean)
    mean_weight = columns.total_weight / columns.n_rows
    return float(f"{size**0.5 * min(1.0, mean_weight):.12g}")


class ColumnRanges(NamedTuple):
    """The least and the largest value of each column, of shape (n_features,)."""

    least: Array
    largest: Array

    @property
    def is_constant(self) -> NDArray[np.bool_]:
        """Which columns have one value only."""
        return self.least == self.largest


def column_ranges(X: Table, sample_weight: Column) -> ColumnRanges:
    least, largest = zip(*X.map(partition_ranges, sample_weight), strict=True)
    return ColumnRanges(np.min(least, axis=0), np.max(largest, axis=0))


def partition_ranges(X: Matrix, sample_weight: Column) -> ColumnRanges:
    n_features = X.shape[1]
    least, largest = np.full(n_features, np.inf), np.full(n_features, -np.inf)
    for block in present_blocks(X, n_features * X.dtype.itemsize, sample_weight):
        np.minimum(least, as_vector(block.min(axis=0)), out=least)
        np.maximum(largest, as_vector(block.max(axis=0)), out=largest)
    return ColumnRanges(least, largest)


def two_valued(X: Table, sample_weight: Column, ranges: ColumnRanges) -> NDArray[np.bool_]:
    """Which columns have two values, the least and the largest; shape (n_features,)."""
    each = X.map(partial(partition_is_between_none, ranges=ranges), sample_weight)
    has_two: NDArray[np.bool_] = np.all(each, axis=0) & ~ranges.is_constant
    return has_two


def partition_is_between_none(
    X: Matrix, sample_weight: Column, ranges: ColumnRanges
) -> NDArray[np.bool_]:
    """Which columns have no value between the least and the largest."""
    n_features = X.shape[1]
    has_none = np.ones(n_features, dtype=np.bool_)
    for block in present_blocks(X, n_features * X.dtype.itemsize, sample_weight):
        if sparse.issparse(block):
            has_none &= csr_is_between_none(block, *ranges)
        else:
            has_none &= ((block == ranges.least) | (block == ranges.largest)).all(axis=0)
    return has_none


def csr_is_between_none(X: CSR, least: Array, largest: Array) -> NDArray[np.bool_]:
    by_column = X.tocsc()
    by_column.sum_duplicates()
    n_stored = np.diff(by_column.indptr)
    column = np.repeat(np.arange(n_stored.size), n_stored)
    is_between = (by_column.data != least[column]) & (by_column.data != largest[column])
    has_none: NDArray[np.bool_] = np.bincount(column, is_between, n_stored.size) == 0
    is_zero_between = (least != 0) & (largest != 0) & (n_stored < X.shape[0])
    has_none &= ~is_zero_between
    return has_none


def rows_are_alike(X: Table, sample_weight: Column) -> bool:
    """Whether X is the same in every row of weight > 0."""
    return bool(column_ranges(X, sample_weight).is_constant.all())


def as_vector(reduced: Any) -> Vector:
    """A reduction over the rows of X as a vector: CSR gives a sparse one."""
    dense = reduced.toarray() if sparse.issparse(reduced) else reduced
    return np.asarray(dense).ravel()


def column_sizes(X: Matrix) -> Vector:
    """The quantity of each column that standardising makes 1, shape (n_features,).

    The root mean square; for CSR, whose columns keep their mean, the standard deviation.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # infinite is far from 1, too
        if sparse.issparse(X):
            return csr_column_sizes(X)
        return np.sqrt(np.mean(np.square(X, dtype=np.float64), axis=0))


def csr_column_sizes(X: CSR) -> Vector:
    mean, mean_square = (
        as_vector(part.mean(axis=0, dtype=np.float64)) for part in (X, X.multiply(X))
    )
    variance = np.where(mean_square < np.inf, mean_square - mean**2, np.inf)
    return np.sqrt(np.maximum(variance, 0.0))


def linear_share(X: Matrix, z2: Array) -> float:
    """The share of the variance of z2 that a linear function of X explains; R², adjusted.

    By LSQR (Paige & Saunders, 1982) on columns brought to mean 0 and size 1, of which CSR
    stays sparse. 0 where there are too few rows for the columns.
    """
    n_rows, n_features = X.shape
    centred = z2.astype(np.float64) - z2.mean(dtype=np.float64)
    total = float(centred @ centred)
    if n_rows < 2 * (n_features + 1) or total == 0:
        return 0.0
    columns = column_moments(ArrayTable(X), np.ones(n_rows, dtype=np.bool_))
    mean, deviation = columns.mean, columns.deviation
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
