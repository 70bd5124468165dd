"""The only forward pass.

Hidden activations are stored hidden-major: `A1` has shape (n_hidden, n_rows), the
transpose of the lecture's. Biases and residuals then run along contiguous memory.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy import sparse
from scipy.special import expit

from sk_shallow._core.activations import Activation
from sk_shallow._core.parameters import Array, Parameters, Vector
from sk_shallow._core.rows import (
    Matrix,
    Run,
    one_by_one,
    row_blocks,
    spans,
    take_rows,
)


def hidden_buffer(n_hidden: int, blocks: Sequence[slice], dtype: np.dtype) -> Array:
    """Memory for the hidden layer of one block, used again for every block."""
    n_rows = max((block.stop - block.start for block in blocks), default=0)
    return np.empty(n_hidden * n_rows, dtype=dtype)


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
    parameters: Parameters, X: Matrix, blocks: Sequence[slice] | None = None
) -> Iterator[tuple[slice, Array]]:
    """Row blocks of X (all or some), each with its Z1, in one buffer that is written over.

    Computed in the dtype of the parameters.
    """
    dtype = parameters.W1.dtype
    if blocks is None:
        blocks = row_blocks(X.shape[0], parameters.b1.nbytes)
    buffer = hidden_buffer(parameters.n_hidden, blocks, dtype)
    for rows in blocks:
        X_block = take_rows(X, rows).astype(dtype, copy=False)
        yield rows, pre_activations(parameters, X_block, buffer)


def output(parameters: Parameters, A1: Array) -> Array:
    """z2 = A1 w2 + b2 of one block, shape (n_rows,)."""
    z2: Array = parameters.w2 @ A1
    z2 += parameters.b2
    return z2


def unit_moments(
    parameters: Parameters, X: Matrix, sample_weight: Vector
) -> tuple[Vector, Vector]:
    """Weighted mean and standard deviation of Z1 over rows, each of shape (n_hidden,).

    In two passes over row blocks, so that large means do not drown small deviations.
    """
    total = sample_weight.sum()

    def mean_over_rows(quantity: Callable[[Vector], Vector]) -> Vector:
        summed = np.zeros(parameters.n_hidden)
        for rows, Z1 in pre_activation_blocks(parameters, X):
            summed += quantity(Z1.astype(np.float64, copy=False)) @ sample_weight[rows]
        mean: Vector = summed / total
        return mean

    mean = mean_over_rows(lambda Z1: Z1)
    variance = mean_over_rows(lambda Z1: (Z1 - mean[:, None]) ** 2)
    return mean, np.sqrt(variance)


def logits(
    parameters: Parameters, X: Matrix, activation: Activation, run: Run = one_by_one
) -> Array:
    """z2 of every row, shape (n_samples,), in the dtype of the parameters."""
    z2 = np.empty(X.shape[0], dtype=parameters.W1.dtype)

    def fill(rows: slice, block: Array) -> None:
        z2[rows] = block

    each_block(fill, parameters, X, activation, run)
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

    def walk(blocks: Sequence[slice]) -> None:
        for rows, Z1 in pre_activation_blocks(parameters, X, blocks):
            use(rows, output(parameters, activation.apply(Z1)))

    run(walk, spans(row_blocks(X.shape[0], parameters.b1.nbytes)))
