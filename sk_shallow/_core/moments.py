"""Weighted moments of the columns of a table, and the penalty that suits their scale."""

from functools import reduce
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import sparse

from sk_shallow._core.parameters import Vector
from sk_shallow._core.rows import Column, Matrix, by_parts, ends_of_parts, take_rows

BLOCK_VALUES = 2**17  # of X in a block, but at least a row
ROUNDING = 1e-12  # a standard deviation below this share of the mean is rounding


class ColumnMoments(NamedTuple):
    """Moments of each column over the rows of weight > 0."""

    n_rows: int
    total_weight: float
    mean: Vector  # (n_features,), weighted
    squares: Vector  # (n_features,), weighted sum of squared deviations from the mean

    @property
    def variance(self) -> Vector:
        """Weighted variance of each column (ddof=0); 0 where only rounding varies."""
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            variance = self.squares / self.total_weight
            is_rounding = variance <= (ROUNDING * self.mean) ** 2
        return np.where(is_rounding, 0.0, variance)


def column_moments(X: Matrix, sample_weight: Column) -> ColumnMoments:
    """The moments of the columns of X, by sums over blocks in a fixed order.

    Parameters
    ----------
    X : array, CSR or table in parts, of shape (n_samples, n_features)
        Finite numbers.
    sample_weight : array of shape (n_samples,)
        Weights >= 0.
    """
    return reduce(merged, by_parts(X, part_moments, sample_weight))


def part_moments(X: Matrix, sample_weight: Column) -> ColumnMoments:
    n_samples, n_features = X.shape
    n_values = X.nnz if sparse.issparse(X) else X.size
    n_blocks = max(1, -(-n_values // max(BLOCK_VALUES, n_features)))
    ends = ends_of_parts(n_samples, min(n_blocks, n_samples))
    blocks = [slice(start, end) for start, end in pairwise(ends)]
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return reduce(
            merged,
            (block_moments(take_rows(X, rows), sample_weight[rows]) for rows in blocks),
        )


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


def sparse_moments(X: Matrix, weight: Vector, total: float) -> tuple[Vector, Vector]:
    """The same for CSR, whose zeros are not visited."""
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
