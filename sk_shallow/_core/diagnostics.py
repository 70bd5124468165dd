"""Numbers about a hidden layer: symmetry, saturation, dead units, collapse."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.special import entr

from sk_shallow._core.activations import Activation, Array, Vector
from sk_shallow._core.network import output, pre_activations
from sk_shallow._core.parameters import Net
from sk_shallow._core.rows import (
    Column,
    Matrix,
    most_block_rows,
    present_blocks,
    row_blocks,
    take_rows,
)
from sk_shallow._core.table import ArrayTable, Rows, Table

FLAT_SLOPE = 0.05  # a slope under 5 % of phi's maximum counts as flat
EPS = float(np.finfo(np.float64).eps)


class HiddenLayer(NamedTuple):
    """How a hidden layer responds to some rows."""

    Z1: Array  # (n_hidden, n_rows)
    flat: NDArray[np.bool_]  # (n_hidden, n_rows): slope under 5 % of phi's maximum

    @property
    def size(self) -> float:
        """Mean |Z1|."""
        return float(np.abs(self.Z1).mean(dtype=np.float64))

    @property
    def saturated_share(self) -> float:
        """Share of unit-row pairs on the flat part of phi."""
        return float(self.flat.mean())

    @property
    def n_dead(self) -> int:
        """Number of units that are flat on every row."""
        return int(self.flat.all(axis=1).sum())


def is_symmetric(net: Net) -> bool:
    """Whether there are several hidden units, and all of them are the same.

    They then get the same gradient, and stay the same.
    """
    W1, b1, w2, *_ = net
    return bool(
        net.n_hidden > 1
        and W1[0, 0] == W1[0, 1]  # settles nearly every case, at once
        and (W1[:, :1] == W1).all()
        and (b1[0] == b1).all()
        and (w2[0] == w2).all()
    )


def hidden_layer(net: Net, X: Matrix) -> HiddenLayer:
    """The pre-activations on the rows of X, and where phi is flat there."""
    Z1 = pre_activations(net, X, buffer_for(net, X.shape[0]))
    return HiddenLayer(Z1, is_flat(net.activation.apply(Z1.copy()), net.activation))


def buffer_for(net: Net, n_rows: int) -> Array:
    return np.empty(net.n_hidden * n_rows, dtype=net.W1.dtype)


def present_pre_activations(
    net: Net, X: Matrix, sample_weight: Column | None
) -> Iterator[Array]:
    """Z1 of the rows of weight > 0, block by block, in one buffer that is written over."""
    row_bytes = net.b1.nbytes
    buffer = buffer_for(net, min(X.shape[0], most_block_rows(row_bytes)))
    for block in present_blocks(X, row_bytes, sample_weight):
        yield pre_activations(net, block.astype(net.W1.dtype, copy=False), buffer)


def unit_moments(net: Net, X: Table, sample_weight: Column) -> tuple[Vector, Vector]:
    """Weighted mean and standard deviation of Z1 over rows, each of shape (n_hidden,).

    In two passes over row blocks, so that large means do not drown small deviations.
    """
    total = sample_weight.sum()

    def mean_over_rows(quantity: Callable[[Vector], Vector]) -> Vector:
        task = partial(weighted_sum, quantity, net)
        return sum(X.map(task, sample_weight)) / total

    mean = mean_over_rows(lambda Z1: Z1)
    variance = mean_over_rows(lambda Z1: (Z1 - mean[:, None]) ** 2)
    return mean, np.sqrt(variance)


def weighted_sum(
    quantity: Callable[[Vector], Vector], net: Net, X: Matrix, sample_weight: Column
) -> Vector:
    """Sum over rows of a quantity made from Z1, shape (n_hidden,)."""
    row_bytes = net.b1.nbytes
    buffer = buffer_for(net, min(X.shape[0], most_block_rows(row_bytes)))
    summed = np.zeros(net.n_hidden)
    for rows in row_blocks(X.shape[0], row_bytes):
        block = take_rows(X, rows).astype(net.W1.dtype, copy=False)
        Z1 = pre_activations(net, block, buffer)
        weight, values = sample_weight[rows], quantity(Z1.astype(np.float64, copy=False))
        if not weight.all():
            values[:, weight == 0] = 0.0  # they may be infinite, and 0 times that is NaN
        summed += values @ weight
    return summed


def is_flat(A1: Array, activation: Activation) -> NDArray[np.bool_]:
    """Where phi is flat. Writes over A1."""
    return activation.slope(A1) < FLAT_SLOPE * activation.max_slope


def linear_signal(rows: Rows) -> float:
    """|X'(y - mean y)|, weighted: what a net near zero can gain by growing.

    Near zero the net is linear, z2 = X W1 w2 * phi'(0), and both layers gain from
    growing only if alpha is under phi'(0) times this norm. Above it, the zero net is
    a local minimum of J.
    """
    X, y, sample_weight = rows
    residual = sample_weight * (y - np.average(y, weights=sample_weight))
    return float(np.linalg.norm(sum(X.map(transposed_product, residual))))


def transposed_product(X: Matrix, vector: Vector) -> Vector:
    return X.T @ vector.astype(X.dtype, copy=False)


class HiddenStatistics(NamedTuple):
    """Moments over all rows of what a net computes."""

    n_rows: int
    mean: Vector  # (n_hidden,), of Z1
    deviation: Vector  # (n_hidden,), standard deviation of Z1
    flat_share: Vector  # (n_hidden,), share of rows where phi is flat
    A1_mean: Vector  # (n_hidden,)
    A1_covariance: Vector  # (n_hidden, n_hidden)
    z2_size: float  # mean |z2|
    z2_deviation: float  # standard deviation of z2
    eps: float  # of the dtype in which the layer was computed

    @property
    def products(self) -> Vector:
        """Mean of A1[j] * A1[k] over the rows, shape (n_hidden, n_hidden)."""
        return self.A1_covariance + np.outer(self.A1_mean, self.A1_mean)

    @property
    def is_finite(self) -> bool:
        return all(np.isfinite(part).all() for part in self)


def hidden_statistics(
    net: Net, X: Matrix, sample_weight: Column | None = None
) -> HiddenStatistics:
    """The statistics of a hidden layer, in three passes over row blocks of X.

    Rows of weight 0 do not count; all others count once.

    Memory does not grow with the rows but by a weight for each. The layer is computed in
    the dtype of the net, as predictions are; sums are float64.
    """
    if sample_weight is None:
        sample_weight = np.ones(X.shape[0], dtype=np.bool_)
    n_rows, n_hidden = int(np.count_nonzero(sample_weight)), net.n_hidden
    mean, deviation = unit_moments(net, ArrayTable(X), sample_weight > 0)
    flat, A1, z2 = np.zeros(n_hidden), RunningMoments(n_hidden), RunningMoments(1)
    z2_size = 0.0
    for Z1 in present_pre_activations(net, X, sample_weight):
        activations = net.activation.apply(Z1)
        logits = output(net, activations).astype(np.float64)
        z2_size += np.abs(logits).sum()
        z2.add(logits[None])
        A1.add(activations.astype(np.float64))
        flat += is_flat(activations, net.activation).sum(axis=1)
    return HiddenStatistics(
        n_rows=n_rows,
        mean=mean,
        deviation=deviation,
        flat_share=flat / n_rows,
        A1_mean=A1.mean,
        A1_covariance=A1.covariance,
        z2_size=z2_size / n_rows,
        z2_deviation=float(np.sqrt(np.maximum(z2.covariance[0, 0], 0))),
        eps=float(np.finfo(net.W1.dtype).eps),
    )


class RunningMoments:
    """Mean and covariance of variables whose rows come in blocks.

    Sums are taken about the mean of the first block, so that large means do not drown
    small deviations.
    """

    def __init__(self, n_variables: int) -> None:
        self._centre = np.zeros(n_variables)
        self._n_rows = 0
        self._sum = np.zeros(n_variables)
        self._products = np.zeros((n_variables, n_variables))

    def add(self, block: Vector) -> None:
        """Take in a block of shape (n_variables, n_rows)."""
        if not self._n_rows:
            self._centre = block.mean(axis=1)
        centred = block - self._centre[:, None]
        self._n_rows += block.shape[1]
        self._sum += centred.sum(axis=1)
        self._products += centred @ centred.T

    @property
    def mean(self) -> Vector:
        return self._centre + self._sum / self._n_rows

    @property
    def covariance(self) -> Vector:
        """The covariance over the rows, shape (n_variables, n_variables)."""
        shift = self._sum / self._n_rows
        return self._products / self._n_rows - np.outer(shift, shift)


def units_alike(
    statistics: HiddenStatistics, tol: float, *, mirrored: bool
) -> list[list[int]]:
    """Groups of units that compute the same function on the rows.

    Two units are alike if their activations differ by at most `tol` times the size of the
    larger (both root mean squares over the rows); with `mirrored`, also if they do so after
    a change of sign. Alikeness is passed on: groups are the connected components.
    """
    mean, covariance = statistics.A1_mean, statistics.A1_covariance
    variance = np.diagonal(covariance)
    square = variance + mean**2
    size = np.maximum(square[:, None], square[None, :])

    def mean_square_difference(sign: int) -> Vector:
        centred = variance[:, None] + variance[None, :] - 2 * sign * covariance
        return centred + (mean[:, None] - sign * mean[None, :]) ** 2

    difference = mean_square_difference(1)
    if mirrored:
        difference = np.minimum(difference, mean_square_difference(-1))
    alike = difference <= np.maximum(tol**2, 8 * EPS) * size
    n_groups, group = connected_components(alike, directed=False)
    return [np.flatnonzero(group == number).tolist() for number in range(n_groups)]


def effective_rank(statistics: HiddenStatistics) -> float:
    """How many directions the hidden representation uses, from 0 to n_hidden.

    The exponential of the entropy of the normalised singular values of A1, its mean over
    the rows taken off (Roy & Vetterli, 2007, "The effective rank").
    """
    covariance = statistics.A1_covariance
    eigenvalues = np.linalg.eigvalsh(covariance)
    # The sums round, and so do the activations: a unit that is constant may vary by it.
    rounding = max(
        100 * EPS * np.trace(covariance),
        (10 * statistics.eps) ** 2 * float(statistics.A1_mean @ statistics.A1_mean),
    )
    singular = np.sqrt(eigenvalues[eigenvalues > rounding])
    if singular.size == 0:
        return 0.0
    return float(np.exp(entr(singular / singular.sum()).sum()))


def similarity(statistics: HiddenStatistics) -> Array:
    """Cosine of each pair of units' activations over the rows, from -1 to 1.

    Units that are 0 on every row are alike, and unlike all others.
    """
    products = statistics.products
    size = np.sqrt(np.diagonal(products))
    is_zero = size == 0
    size = np.where(is_zero, 1.0, size)
    cosine: Array = np.clip(products / np.outer(size, size), -1.0, 1.0)
    cosine[np.ix_(is_zero, is_zero)] = 1.0
    return cosine


def activation_counts(
    net: Net, X: Matrix, n_bins: int, sample_weight: Column | None = None
) -> tuple[Array, Vector]:
    """Rows of weight > 0 in each of `n_bins` bins of A1, for each unit; and all edges.

    Bins are of equal width, over the range of phi. Where phi has no upper end, they go up
    to the largest A1, and there is one more bin, below the others: for those at the lower
    end (the 0 of relu), which are many.
    """
    phi = net.activation.apply

    def activations() -> Iterator[Array]:
        return map(phi, present_pre_activations(net, X, sample_weight))

    low, high = (float(end) for end in phi(np.array([-np.inf, np.inf])))
    has_top = bool(np.isfinite(high))
    if not has_top:
        high = max(float(A1.max()) for A1 in activations()) or 1.0
    width = (high - low) / n_bins
    first = 0 if has_top else -1
    edges: Vector = np.linspace(low + first * width, high, n_bins + 1 - first)
    counts = np.zeros((net.n_hidden, n_bins - first))
    for A1 in activations():
        place = np.minimum((A1 - low) / width, n_bins - 1).astype(np.intp) - first
        if not has_top:
            place[low == A1] = 0
        for unit, places in enumerate(place):
            counts[unit] += np.bincount(places, minlength=n_bins - first)
    return counts, edges


def flat_ranges(activation: Activation, edges: Vector) -> list[tuple[float, float]]:
    """Ranges of A1, between the first and the last edge, where phi is flat."""
    A1 = np.linspace(edges[0], edges[-1], 20_001)
    flat = is_flat(A1.copy(), activation)
    ends = np.flatnonzero(np.diff(np.concatenate([[False], flat, [False]])))
    return [(float(A1[first]), float(A1[last - 1])) for first, last in ends.reshape(-1, 2)]
