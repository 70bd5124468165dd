"""A net with one hidden layer, and its way into one flat vector and back."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from sk_shallow._core.activations import Activation, Array, Vector


class Net(NamedTuple):
    """Weights and biases of a net with one hidden layer, and its activation."""

    W1: Array  # (n_features, n_hidden)
    b1: Array  # (n_hidden,)
    w2: Array  # (n_hidden,)
    b2: Array  # (1,)
    activation: Activation

    @property
    def n_features(self) -> int:
        return int(self.W1.shape[0])

    @property
    def n_hidden(self) -> int:
        return int(self.W1.shape[1])

    @property
    def weights(self) -> tuple[Array, Array, Array, Array]:
        """W1, b1, w2 and b2."""
        return self.W1, self.b1, self.w2, self.b2


def average(nets: Sequence[Net]) -> Net:
    """The net whose logits are the means of those of several: their units side by side."""
    W1, b1, w2, b2 = zip(*(net.weights for net in nets), strict=True)
    return Net(
        np.hstack(W1),
        np.hstack(b1),
        np.hstack(w2) / len(nets),
        np.mean(b2, axis=0),
        nets[0].activation,
    )


def n_parameters(n_features: int, n_hidden: int) -> int:
    """Length of the flat vector."""
    return n_features * n_hidden + 2 * n_hidden + 1


def flatten(net: Net) -> Vector:
    """One float64 vector [W1, b1, w2, b2], whatever the dtype of the parts."""
    W1, b1, w2, b2, _ = net
    return np.concatenate([W1.ravel(), b1, w2, b2], dtype=np.float64)


def unflatten(theta: Array, n_features: int, n_hidden: int, activation: Activation) -> Net:
    """The net whose weights are views into `theta`: no copy is made."""
    end_W1 = n_features * n_hidden
    end_b1 = end_W1 + n_hidden
    return Net(
        W1=theta[:end_W1].reshape(n_features, n_hidden),
        b1=theta[end_W1:end_b1],
        w2=theta[end_b1:-1],
        b2=theta[-1:],
        activation=activation,
    )


def cast(net: Net, dtype: DTypeLike) -> Net:
    """The same net in another dtype, copied only where it differs."""
    W1, b1, w2, b2, activation = net
    return Net(
        W1.astype(dtype, copy=False),
        b1.astype(dtype, copy=False),
        w2.astype(dtype, copy=False),
        b2.astype(dtype, copy=False),
        activation,
    )
