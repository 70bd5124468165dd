"""The only forward pass.

Hidden activations are stored hidden-major: `A1` has shape (n_hidden, n_rows), the
transpose of the lecture's. Biases and residuals then run along contiguous memory.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
from numpy.typing import DTypeLike
from scipy import sparse
from scipy.special import expit

from sk_shallow._core.activations import Activation
from sk_shallow._core.parameters import Array, Parameters, Vector
from sk_shallow._core.rows import (
    Column,
    Matrix,
    Run,
    by_parts,
    counted_blocks,
    most_block_rows,
    one_by_one,
    row_blocks,
    spans,
    stacked,
    take_rows,
)


class Buffers:
    """Memory for the hidden layer of a block, used again and again, one for each thread."""

    def __init__(self, n_rows: int, n_hidden: int, dtype: DTypeLike) -> None:
        self._dtype = np.dtype(dtype)
        self._n_hidden = n_hidden
        self.n_rows = n_rows
        self._unused: deque[Array] = deque()

    @contextmanager
    def one(self) -> Iterator[Array]:
        """A buffer that no other thread has."""
        try:
            buffer = self._unused.pop()
        except IndexError:
            buffer = np.empty(self._n_hidden * self.n_rows, dtype=self._dtype)
        yield buffer
        self._unused.append(buffer)


def pre_activations(parameters: Parameters, X: Matrix, buffer: Array) -> Array:
    """Z1 = X W1 + b1 of one block, shape (n_hidden, n_rows), written into `buffer`."""
    n_rows = X.shape[0]
    Z1 = buffer[: parameters.n_hidden * n_rows].reshape(parameters.n_hidden, n_rows)
    if sparse.issparse(X):
        Z1[...] = (X @ parameters.W1).T
    else:
        np.matmul(parameters.W1.T, X.T, out=Z1)
    Z1 += parameters.b1[:, None]
    return Z1


def pre_activation_blocks(
    parameters: Parameters, X: Matrix
) -> Iterator[tuple[slice, Array]]:
    """Row blocks of X, each with its Z1, in one buffer that is written over.

    Computed in the dtype of the parameters.
    """
    with buffers_for(parameters, X).one() as buffer:
        for rows in row_blocks(X.shape[0], parameters.b1.nbytes):
            yield rows, block_pre_activations(parameters, X, rows, buffer)


def counted_pre_activations(
    parameters: Parameters, X: Matrix, sample_weight: Column | None
) -> Iterator[Array]:
    """Z1 of the rows of weight > 0, block by block, in one buffer that is written over."""
    with buffers_for(parameters, X).one() as buffer:
        for block in counted_blocks(X, parameters.b1.nbytes, sample_weight):
            wide = block.astype(parameters.W1.dtype, copy=False)
            yield pre_activations(parameters, wide, buffer)


def buffers_for(parameters: Parameters, X: Matrix) -> Buffers:
    n_rows = min(X.shape[0], most_block_rows(parameters.b1.nbytes))
    return Buffers(n_rows, parameters.n_hidden, parameters.W1.dtype)


def block_pre_activations(
    parameters: Parameters, X: Matrix, rows: slice, buffer: Array
) -> Array:
    """Z1 of some consecutive rows, in the dtype of the parameters."""
    block = take_rows(X, rows).astype(parameters.W1.dtype, copy=False)
    return pre_activations(parameters, block, buffer)


def output(parameters: Parameters, A1: Array) -> Array:
    """z2 = A1 w2 + b2 of one block, shape (n_rows,)."""
    z2: Array = parameters.w2 @ A1
    z2 += parameters.b2
    return z2


def unit_moments(
    parameters: Parameters, X: Matrix, sample_weight: Column
) -> tuple[Vector, Vector]:
    """Weighted mean and standard deviation of Z1 over rows, each of shape (n_hidden,).

    In two passes over row blocks, so that large means do not drown small deviations.
    """
    total = sample_weight.sum()

    def mean_over_rows(quantity: Callable[[Vector], Vector]) -> Vector:
        task = partial(weighted_sum, quantity, parameters)
        mean: Vector = sum(by_parts(X, task, sample_weight)) / total
        return mean

    mean = mean_over_rows(lambda Z1: Z1)
    variance = mean_over_rows(lambda Z1: (Z1 - mean[:, None]) ** 2)
    return mean, np.sqrt(variance)


def weighted_sum(
    quantity: Callable[[Vector], Vector],
    parameters: Parameters,
    X: Matrix,
    sample_weight: Column,
) -> Vector:
    """Sum over rows of a quantity made from Z1, shape (n_hidden,)."""
    summed = np.zeros(parameters.n_hidden)
    for rows, Z1 in pre_activation_blocks(parameters, X):
        weight, values = sample_weight[rows], quantity(Z1.astype(np.float64, copy=False))
        if not weight.all():
            values[:, weight == 0] = 0.0  # they may be infinite, and 0 times that is NaN
        summed += values @ weight
    return summed


def logits(
    parameters: Parameters, X: Matrix, activation: Activation, run: Run = one_by_one
) -> Array:
    """z2 of every row, shape (n_samples,), in the dtype of the parameters."""

    def of_part(X: Matrix) -> Array:
        z2 = np.empty(X.shape[0], dtype=parameters.W1.dtype)

        def fill(rows: slice, block: Array) -> None:
            z2[rows] = block

        each_block(fill, parameters, X, activation, run)
        return z2

    z2: Array = stacked(by_parts(X, of_part))
    return z2


def probabilities(
    parameters: Parameters, X: Matrix, activation: Activation, run: Run = one_by_one
) -> Array:
    """1 - p and p of every row, shape (n_samples, 2), in the dtype of the parameters."""
    p = np.empty((X.shape[0], 2), dtype=parameters.W1.dtype)

    def fill(rows: slice, block: Array) -> None:
        expit(block, out=p[rows, 1])
        expit(np.negative(block, out=block), out=p[rows, 0])

    each_block(fill, parameters, X, activation, run)
    return p


def each_block(
    use: Callable[[slice, Array], None],
    parameters: Parameters,
    X: Matrix,
    activation: Activation,
    run: Run,
) -> None:
    """Call `use` with the rows of each block, and their z2."""
    buffers = buffers_for(parameters, X)

    def walk(blocks: Sequence[slice]) -> None:
        with buffers.one() as buffer:
            for rows in blocks:
                Z1 = block_pre_activations(parameters, X, rows, buffer)
                use(rows, output(parameters, activation.apply(Z1)))

    run(walk, spans(row_blocks(X.shape[0], parameters.b1.nbytes)))
