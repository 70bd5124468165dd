"""The only forward pass.

Hidden activations are stored hidden-major: `A1` has shape (n_hidden, n_rows), the
transpose of the lecture's. Biases and residuals then run along contiguous memory.
"""

from collections.abc import Callable, Iterator

import numpy as np
from scipy import sparse

from sk_shallow._core.activations import Activation
from sk_shallow._core.parameters import Array, Parameters, Vector
from sk_shallow._core.rows import BLOCK_ROWS, Matrix, row_blocks, take_rows


def hidden_buffer(n_hidden: int, n_samples: int, dtype: np.dtype) -> Array:
    """Memory for the hidden layer of one block, used again for every block."""
    return np.empty(n_hidden * min(n_samples, BLOCK_ROWS), dtype=dtype)


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
    n_samples, dtype = X.shape[0], parameters.W1.dtype
    buffer = hidden_buffer(parameters.n_hidden, n_samples, dtype)
    for rows in row_blocks(n_samples):
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


def logits(parameters: Parameters, X: Matrix, activation: Activation) -> Array:
    """z2 of every row, shape (n_samples,), in the dtype of the parameters."""
    z2 = np.empty(X.shape[0], dtype=parameters.W1.dtype)
    for rows, Z1 in pre_activation_blocks(parameters, X):
        z2[rows] = output(parameters, activation.apply(Z1))
    return z2
