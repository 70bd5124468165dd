"""The slope of the logit in each column of X, row by row.

With one hidden layer it has a closed form: dz2/dx_j = sum_h W1_jh w2_h phi'(Z1_h). The
nets of an average are given one by one: the mean of their slopes is the slope of the
average. All numbers are float64.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sk_shallow._core.activations import Array, Vector
from sk_shallow._core.columns import column_moments, column_ranges, two_valued
from sk_shallow._core.network import pre_activations
from sk_shallow._core.parameters import Net
from sk_shallow._core.rows import Column, Matrix, row_blocks, take_rows
from sk_shallow._core.table import ArrayTable, Rows, Table, sample

SAMPLE_BYTES = 2**24  # at most, of the slopes or of the hidden layer on a sample of rows
MOST_BINS, LEAST_BIN_ROWS = 20, 10

Nets: TypeAlias = Sequence[Net]  # of one activation, in float64, which are averaged


def row_bytes(nets: Nets) -> int:
    """What A1 of all nets, or the slopes, take for each row, whichever is more."""
    return 8 * max(sum(net.n_hidden for net in nets), nets[0].n_features)


class ColumnScales(NamedTuple):
    """What effects are measured by, for each column; arrays of shape (n_features,)."""

    deviation: Vector
    low: Array
    high: Array
    is_two_valued: NDArray[np.bool_]

    def of(self, columns: NDArray[np.intp]) -> "ColumnScales":
        """Those of some of the columns."""
        deviation, low, high, is_two_valued = self
        return ColumnScales(
            deviation[columns], low[columns], high[columns], is_two_valued[columns]
        )


def column_scales(X: Table, sample_weight: Column) -> ColumnScales:
    """Standard deviation and range of each column, over the rows of weight > 0.

    The deviation is infinite where it overflows.
    """
    moments = column_moments(X, sample_weight)
    deviation = np.where(np.isfinite(moments.squares), moments.deviation, np.inf)
    ranges = column_ranges(X, sample_weight)
    has_two = two_valued(X, sample_weight, ranges) & (deviation > 0)
    return ColumnScales(deviation, *ranges, has_two)


class Hidden(NamedTuple):
    """The hidden layer of a block; arrays of shape (n_hidden, n_rows)."""

    Z1: Array
    A1: Array


def hidden_layer(net: Net, X: Matrix) -> Hidden:
    Z1 = pre_activations(net, X, np.empty(net.n_hidden * X.shape[0]))
    return Hidden(Z1, net.activation.apply(Z1.copy()))


def slopes_of(net: Net, X: Matrix, hidden: Hidden, scales: ColumnScales) -> Vector:
    """The slopes g = sd_j dz2/dx_j of each row, of shape (n_features, n_rows).

    Of a column of two values, it is the difference of z2 between them, times
    sd_j / (high_j - low_j).
    """
    dZ1 = net.activation.slope(hidden.A1.copy())
    dZ1 *= net.w2[:, None]
    slopes: Vector = net.W1 @ dZ1
    for column, step in steps_of(X, scales):
        A1 = net.activation.apply(moved(hidden.Z1, net.W1[column], step))
        A1 -= hidden.A1
        slopes[column] = net.w2 @ A1 / step
    slopes *= scales.deviation[:, None]
    return slopes


def values_of(X: Matrix, columns: NDArray[np.intp]) -> Vector:
    """Some columns of X, dense, of shape (n_columns, n_rows)."""
    chosen: Any = X[:, columns]
    dense: Vector = chosen.toarray() if sparse.issparse(chosen) else chosen
    return dense.T


def steps_of(X: Matrix, scales: ColumnScales) -> Iterator[tuple[int, Vector]]:
    """Each column of two values, and the step from each row's value to the other."""
    columns = np.flatnonzero(scales.is_two_valued)
    for column, x in zip(columns, values_of(X, columns), strict=True):
        low, high = scales.low[column], scales.high[column]
        yield int(column), np.where(x == low, high - low, low - high)


def moved(Z1: Array, weights: Array, step: Vector) -> Array:
    """Z1 after a step in a column with these weights, shape (n_hidden, n_rows)."""
    after: Array = np.multiply.outer(weights, step)
    after += Z1
    return after


def row_slopes(nets: Nets, X: Matrix, scales: ColumnScales) -> Vector:
    """The slopes g of each row, of shape (n_rows, n_features)."""
    slopes = np.zeros(X.shape)
    for rows in row_blocks(X.shape[0], row_bytes(nets)):
        block = take_rows(X, rows).astype(np.float64, copy=False)
        for net in nets:
            hidden = hidden_layer(net, block)
            slopes[rows] += slopes_of(net, block, hidden, scales).T / len(nets)
    return slopes


class SampledSlopes(NamedTuple):
    """The slopes on a few rows of weight > 0, drawn at random."""

    X: Matrix
    slopes: Vector  # (n_rows, n_features)
    weight: Vector  # (n_rows,)


def sampled_slopes(
    nets: Nets, X: Matrix, sample_weight: Column, scales: ColumnScales, most: int
) -> SampledSlopes:
    """The same rows at every call: all, or `most` of them, or fewer where they are wide."""
    rows = Rows(ArrayTable(X), sample_weight, sample_weight)
    few = sample(rows, max(1, min(most, SAMPLE_BYTES // row_bytes(nets))))
    weight = few.sample_weight.astype(np.float64)
    return SampledSlopes(few.X, row_slopes(nets, few.X, scales), weight)


def slope_quantiles(sampled: SampledSlopes, *shares: float) -> Vector:
    """The least slopes that have this share of the weight at or below them.

    Shape (n_features, n_shares).
    """
    found = np.empty((sampled.slopes.shape[1], len(shares)))
    for slopes, quantiles in zip(sampled.slopes.T, found, strict=True):
        order = np.argsort(slopes)
        below = np.cumsum(sampled.weight[order])
        places = np.searchsorted(below, np.multiply(shares, below[-1]))
        quantiles[:] = slopes[order[np.minimum(places, order.size - 1)]]
    return found


def between_bins(x: Vector, g: Vector, weight: Vector) -> float:
    """Variance between the means of g in bins of x."""
    bins = bins_of(x)
    of_bin, total = np.bincount(bins, weight), weight.sum()
    means = np.bincount(bins, weight * g) / of_bin
    within = weight @ (g - means[bins]) ** 2 / total
    between = of_bin @ (means - weight @ g / total) ** 2 / total
    chance = within * (of_bin.size - 1) / max(x.size - of_bin.size, 1)
    return max(0.0, float(between - chance))


def bins_of(x: Vector) -> NDArray[np.intp]:
    """The number of the bin of each value: 0, 1, and so on, none of them empty.

    Bins have equal numbers of rows, as far as equal values let them.
    """
    n_bins = max(1, min(MOST_BINS, x.size // LEAST_BIN_ROWS))
    edges = np.unique(np.quantile(x, np.arange(1, n_bins) / n_bins))
    _, bins = np.unique(np.searchsorted(edges, x), return_inverse=True)
    return bins
