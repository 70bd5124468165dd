"""The forward pass of one block of rows.

Hidden activations are stored hidden-major: `A1` has shape (n_hidden, n_rows), the
transpose of the lecture's. Biases and residuals then run along contiguous memory.
"""

import numpy as np
from scipy import sparse

from sk_shallow._core.activations import Array
from sk_shallow._core.parameters import Net
from sk_shallow._core.rows import Matrix


def pre_activations(net: Net, X: Matrix, buffer: Array) -> Array:
    """Z1 = X W1 + b1, of shape (n_hidden, n_rows), written into `buffer`."""
    W1, b1 = net.W1, net.b1
    n_hidden, n_rows = b1.size, X.shape[0]
    Z1 = buffer[: n_hidden * n_rows].reshape(n_hidden, n_rows)
    if sparse.issparse(X):
        Z1[...] = (X @ W1).T
    else:
        np.matmul(W1.T, X.T, out=Z1)
    Z1 += b1[:, None]
    return Z1


def output(net: Net, A1: Array) -> Array:
    """z2 = A1 w2 + b2, of shape (n_rows,)."""
    z2: Array = net.w2 @ A1
    z2 += net.b2
    return z2
