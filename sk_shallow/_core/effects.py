"""Moments of the slopes of the logit over the rows, and its second derivatives.

With one hidden layer these have a closed form, too:
d2z2/dx_j dx_k = sum_h W1_jh W1_kh w2_h phi''(Z1_h).
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_shallow._core.activations import Array, Vector
from sk_shallow._core.columns import ColumnMoments, dense_moments, merged
from sk_shallow._core.parameters import Net, average
from sk_shallow._core.rows import (
    Column,
    Matrix,
    Run,
    groups_of,
    one_by_one,
    row_blocks,
    take_rows,
)
from sk_shallow._core.slopes import (
    ColumnScales,
    Hidden,
    Nets,
    SampledSlopes,
    between_bins,
    hidden_layer,
    moved,
    row_bytes,
    slopes_of,
    steps_of,
    values_of,
)
from sk_shallow._core.table import OrderedSum

FEW_ROWS = 500  # on which steps in columns of two values are tried


class EffectSums(NamedTuple):
    """Weighted sums over some rows: of the slopes g, and of c = w2 phi''(Z1)."""

    slopes: ColumnMoments  # of the average
    slopes_of_nets: list[ColumnMoments]  # of each net
    c: Array  # (n_hidden,); without units, and so is cc, where phi has no curvature
    cc: Array  # (n_hidden, n_hidden), of c c'


def effect_sums(
    nets: Nets,
    X: Matrix,
    sample_weight: Column,
    scales: ColumnScales,
    run: Run = one_by_one,
) -> EffectSums:
    """The sums over the rows of weight > 0, in blocks and in a fixed order.

    The memory does not grow with the number of rows.
    """
    total = OrderedSum(added)

    def add(numbered: tuple[int, Sequence[slice]]) -> None:
        number, blocks = numbered
        each = (block_sums(nets, X, sample_weight, rows, scales) for rows in blocks)
        total.add(number, reduce(added, each))

    run(add, list(enumerate(groups_of(row_blocks(X.shape[0], row_bytes(nets))))))
    assert total.sums is not None  # a table has rows of weight > 0
    return total.sums


def added(one: EffectSums | None, other: EffectSums | None) -> EffectSums | None:
    """The sums over the rows of both; None is those over no row."""
    if one is None or other is None:
        return one or other
    slopes = merged(one.slopes, other.slopes)
    of_nets = list(map(merged, one.slopes_of_nets, other.slopes_of_nets))
    cc = np.add(one.cc, other.cc, out=one.cc)
    return EffectSums(slopes, of_nets, one.c + other.c, cc)


def block_sums(
    nets: Nets, X: Matrix, sample_weight: Column, rows: slice, scales: ColumnScales
) -> EffectSums | None:
    """The sums over one block of rows; None if all have weight 0."""
    X, weight = take_rows(X, rows), sample_weight[rows]
    is_present = weight > 0
    if not is_present.any():
        return None
    if not is_present.all():
        X, weight = X[is_present], weight[is_present]
    X, weight = X.astype(np.float64, copy=False), weight.astype(np.float64, copy=False)
    mean_slopes, of_nets, each_c = np.zeros((X.shape[1], weight.size)), [], []
    for net in nets:
        hidden = hidden_layer(net, X)
        slopes = slopes_of(net, X, hidden, scales)
        of_nets.append(slope_moments(slopes, weight))
        mean_slopes += slopes
        each_c.append(unit_curvature(net, hidden))
    moments = of_nets[0]
    if len(nets) > 1:
        mean_slopes /= len(nets)
        moments = slope_moments(mean_slopes, weight)
    c = np.concatenate(each_c)
    c *= np.sqrt(weight) / len(nets)
    return EffectSums(moments, of_nets, c @ np.sqrt(weight), c @ c.T)


def slope_moments(slopes: Vector, weight: Vector) -> ColumnMoments:
    total = float(weight.sum())
    return ColumnMoments(weight.size, total, *dense_moments(slopes.T, weight, total))


def unit_curvature(net: Net, hidden: Hidden) -> Array:
    """The curvature c = w2 phi''(Z1), written over A1; of no unit where phi has none."""
    if net.activation.curvature is None:
        return hidden.A1[:0]
    c = net.activation.curvature(hidden.A1)
    c *= net.w2[:, None]
    return c


class Interactions(NamedTuple):
    """sd_j sd_k d2z2/dx_j dx_k over the rows; arrays of shape (n_columns, n_columns)."""

    root_mean_square: Vector
    mean: Vector


def interactions(
    nets: Nets, sums: EffectSums, scales: ColumnScales, columns: NDArray[np.intp]
) -> Interactions:
    """Second derivatives by each pair of some columns; NaN where phi has no curvature.

    With P = W1_j W1_k, of shape (n_hidden,), the mean is P' mean(c), and the mean square is
    P' mean(c c') P: by the root of that matrix, a sum of squares.
    """
    if nets[0].activation.curvature is None:
        nothing = np.full((len(columns), len(columns)), np.nan)
        return Interactions(nothing, nothing)
    W1, total = average(nets).W1[columns], sums.slopes.total_weight
    W1 *= scales.deviation[columns, None]
    squares, vectors = np.linalg.eigh(sums.cc / total)
    root = vectors * np.sqrt(np.maximum(squares, 0))
    size = np.array([np.linalg.norm((w * W1) @ root, axis=1) for w in W1])
    mean = (W1 * (sums.c / total)) @ W1.T
    return Interactions((size + size.T) / 2, (mean + mean.T) / 2)


def joint_effects(
    nets: Nets,
    sampled: SampledSlopes,
    scales: ColumnScales,
    columns: NDArray[np.intp],
    mean: Vector,
) -> Vector:
    """What a step in one column adds to the slope of another, per sd of both, on average.

    For pairs of some columns, of shape (n_columns, n_columns): the mean second derivative
    `mean` where both have more than two values, and else a difference, on a few of the
    sampled rows. Where units are saturated at the two values, a derivative says little.
    """
    some = slice(None, None, -(-len(sampled.weight) // FEW_ROWS))
    X: Any = sampled.X[some].astype(np.float64, copy=False)
    weight = sampled.weight[some] / sampled.weight[some].sum() / len(nets)
    X_chosen, chosen, joint = X[:, columns], scales.of(columns), np.zeros(mean.shape)
    for net in nets:
        hidden, part = hidden_layer(net, X), net._replace(W1=net.W1[columns])
        slopes = slopes_of(part, X_chosen, hidden, chosen)
        for k, step in steps_of(X_chosen, chosen):
            Z1 = moved(hidden.Z1, part.W1[k], step)
            after = Hidden(Z1, net.activation.apply(Z1.copy()))
            change = slopes_of(part, X_chosen, after, chosen) - slopes
            joint[:, k] += change @ (weight / step) * chosen.deviation[k]
    has_two = chosen.is_two_valued
    return np.where(has_two, joint, np.where(has_two[:, None], joint.T, mean))


def own_curvature(
    sampled: SampledSlopes,
    scales: ColumnScales,
    columns: NDArray[np.intp],
    joint: Vector,
) -> Vector:
    """How much the slope changes with the column's own value, for some columns.

    The standard deviation of the mean slope given that value, without what `joint` effects
    of other columns add to it where columns are correlated. Between bins of equal numbers
    of rows, less what chance adds (one-way analysis of variance). Shape (n_columns,).
    """
    values, slopes = values_of(sampled.X, columns), sampled.slopes.T[columns]
    of_others = np.nan_to_num(joint) * (1 - np.eye(len(columns)))
    deviation = scales.deviation[columns]
    standardised = values / np.where(deviation > 0, deviation, np.inf)[:, None]
    alone = slopes - of_others @ standardised
    each = [between_bins(x, g, sampled.weight) for x, g in zip(values, alone, strict=True)]
    return np.sqrt(each)
