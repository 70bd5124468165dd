"""The warning of validation data on another scale than the training rows."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import sparse

from sk_shallow._core.activations import Vector
from sk_shallow._core.columns import (
    ColumnMoments,
    ColumnRanges,
    as_vector,
    column_moments,
    column_ranges,
)
from sk_shallow._core.rows import Column, Matrix, present_blocks
from sk_shallow._core.table import Rows
from sk_shallow.advice.wording import warn

# On 59 real tables, standardised or not, random splits and the last rows in time give no
# false alarm with these.
ANOTHER_SIZE = 3.0  # a factor on the size of a column
STANDARD_ERRORS = 4.0  # by which the sizes of rows differ
LARGEST_SQUARE = 16.0  # what one entry may add to the size of a row, in units of its column


def warn_of_scales(rows: Rows, held_out: Rows, names: Sequence[str] | None) -> None:
    """UserWarning, if X_val is on another scale than X, with the column that shows it.

    `names` are those of the columns, if they have any.
    """
    X, X_val = (column_moments(one.X, one.sample_weight > 0) for one in (rows, held_out))
    ranges = column_ranges(rows.X, rows.sample_weight)
    with np.errstate(all="ignore"):
        factor = factors_of_place(X, X_val, ranges)
        if factor.max() <= ANOTHER_SIZE:
            factor = factors_of_size(rows, held_out, X, ranges)
    worst = int(np.argmax(factor))
    if factor[worst] <= ANOTHER_SIZE:
        return
    column = f"column {worst}" if names is None else f"column {str(names[worst])!r}"
    warn(
        f"X_val is on another scale than X: {column} has a mean of {X_val.mean[worst]:.3g} "
        f"and a standard deviation of {X_val.deviation[worst]:.2g} in X_val, and of "
        f"{X.mean[worst]:.3g} and {X.deviation[worst]:.2g} in X. Early stopping then keeps "
        f"the wrong weights. Transform X_val as X: in a pipeline, by "
        f"Pipeline(..., transform_input=['X_val']) with metadata routing.",
        UserWarning,
    )


def factors_of_place(
    X: ColumnMoments, X_val: ColumnMoments, ranges: ColumnRanges
) -> Vector:
    """By how much each column is larger or smaller in X_val; 1 where that may be random.

    It may, unless the mean of X_val lies outside the values of X, and by more than the
    standard deviation of both. A few outliers in either, and categories that are rare or
    new, do not do that; what drifts with time does, but not to another size.
    """
    size, size_val = np.sqrt(X.mean_square), np.sqrt(X_val.mean_square)
    factor = np.maximum(size, size_val) / np.minimum(size, size_val)
    distance = np.abs(X_val.mean - X.mean)
    least, largest = ranges
    margin = 1e-3 * (largest - least)  # a mean may round
    is_off = (X_val.mean < least - margin) | (X_val.mean > largest + margin)
    is_off &= ~ranges.is_constant & np.isfinite(factor)  # what overflows is an error later
    is_off &= distance > np.maximum(X.deviation, X_val.deviation)
    return np.where(is_off, factor, 1.0)


def factors_of_size(
    rows: Rows, held_out: Rows, columns: ColumnMoments, ranges: ColumnRanges
) -> Vector:
    """The same where all columns are larger or smaller, wherever they are centred; else 1.

    Measured by the size of rows: the mean of their squares, in units of the columns of X.
    """
    size = np.sqrt(columns.mean_square)
    unit = np.where(~ranges.is_constant & (size > 0), size, np.inf)
    X, X_val = (row_sizes(part, unit) for part in (rows, held_out))
    factor = max(X.mean / X_val.mean, X_val.mean / X.mean) ** 0.5
    # The larger variance for both: where outliers are rare, a few rows may have none.
    error = (max(X.variance, X_val.variance) * (1 / X.n_rows + 1 / X_val.n_rows)) ** 0.5
    factors = np.ones(unit.size)
    if factor > ANOTHER_SIZE and abs(X.mean - X_val.mean) > STANDARD_ERRORS * error:
        ratio = X.columns / X.n_rows / (X_val.columns / X_val.n_rows)
        ratio = np.where(ratio > 0, np.maximum(ratio, 1 / ratio), 1.0)
        factors[np.argmax(np.where(np.isfinite(ratio), ratio, 1.0))] = factor
    return factors


class RowSizes(NamedTuple):
    """Sums over rows of weight > 0."""

    n_rows: int
    total: float
    square_total: float
    columns: Vector  # (n_features,): of the squares in each

    @property
    def mean(self) -> float:
        return self.total / self.n_rows

    @property
    def variance(self) -> float:
        return max(self.square_total / self.n_rows - self.mean**2, 0.0)


def row_sizes(rows: Rows, unit: Vector) -> RowSizes:
    parts = rows.X.map(partial(sizes_of_partition, unit), rows.sample_weight > 0)
    return RowSizes(*(sum(column) for column in zip(*parts, strict=True)))


def sizes_of_partition(unit: Vector, X: Matrix, counts: Column) -> RowSizes:
    total, square_total, columns = 0.0, 0.0, np.zeros(unit.size)
    for block in present_blocks(X, unit.size * X.dtype.itemsize, counts):
        if sparse.issparse(block):
            squares = sparse.csr_array(block @ sparse.diags(1 / unit))
            squares.data = np.minimum(np.square(squares.data), LARGEST_SQUARE)
        else:
            squares = np.minimum(np.square(block / unit), LARGEST_SQUARE)
        size = as_vector(squares.sum(axis=1)) / unit.size
        total += float(size.sum())
        square_total += float(size @ size)
        columns += as_vector(squares.sum(axis=0))
    return RowSizes(int(np.count_nonzero(counts)), total, square_total, columns)
