"""Gradient descent from starts of all sizes
=========================================

Eight units learn the breast cancer data (569 rows, 30 columns, standardised) by the
lecture's gradient descent, from Glorot's start times 0.001 to 1000, without penalty. With
tanh and the logistic function, large weights put the units on the plateau, where the
slope is next to 0, and the loss stays where it is; a relu has no plateau, and its loss
comes down even from 300,000, though not to rest. Small starts cost a few dozen iterations.

Prints what the size of the weights does to the first gradient in W1 and to the logits:
W1 alone made larger, the gradient vanishes; w2 with it, the logits explode. Saves the
picture of the losses in the current folder.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

from sk_shallow import ShallowNetClassifier
from sk_shallow.inspection import inspect_hidden_layer

ACTIVATIONS = ["tanh", "logistic", "relu"]
SCALES = [0.001, 0.01, 0.1, 1, 10, 100, 1000]
N_HIDDEN = 8
PICTURE = "large_starts.png"


def glorot_start(n_features):
    rng = np.random.default_rng(0)
    W1 = rng.uniform(-1, 1, (n_features, N_HIDDEN)) * np.sqrt(6 / (n_features + N_HIDDEN))
    w2 = rng.uniform(-1, 1, N_HIDDEN) * np.sqrt(6 / (N_HIDDEN + 1))
    return W1, np.zeros(N_HIDDEN), w2, np.zeros(1)


def first_gradient(activation, scale, X, y):
    """The norm of the gradient of J in the hidden layer, where W1 alone is scaled."""
    W1, b1, w2, b2 = glorot_start(X.shape[1])
    net = ShallowNetClassifier(
        N_HIDDEN, activation=activation, init=(scale * W1, b1, w2, b2), alpha=0
    )
    return inspect_hidden_layer(net, X, y, at_start=True).gradient_norms["hidden"]


def first_logits(scale, X):
    """The mean size of the logits with tanh, where both layers are scaled."""
    W1, _, w2, _ = glorot_start(X.shape[1])
    return np.abs(np.tanh(X @ (scale * W1)) @ (scale * w2)).mean()


def descend(activation, scale, X, y):
    return ShallowNetClassifier(
        N_HIDDEN,
        activation=activation,
        init_scale=scale,
        alpha=0,
        solver="gd",
        max_iter=300,
        n_init=1,
        random_state=0,
    ).fit(X, y)


def main() -> None:
    warnings.simplefilter("ignore")  # bad starts are what this is about
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)

    print("         norm of the first gradient,")
    print("         W1 alone times scale            both layers times scale")
    print(f"scale    {'tanh':>9}{'logistic':>10}{'relu':>8}    mean |logit| (tanh)")
    for scale in SCALES[3:]:
        tanh, logistic, relu = (first_gradient(name, scale, X, y) for name in ACTIVATIONS)
        logits = first_logits(scale, X)
        print(f"{scale:<9}{tanh:9.5f}{logistic:10.5f}{relu:8.3f}    {logits:19.3g}")

    figure, axes = plt.subplots(1, 3, figsize=(8, 3.8), sharey=True, layout="constrained")
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.95, len(SCALES)))
    for activation, ax in zip(ACTIVATIONS, axes, strict=True):
        for scale, colour in zip(SCALES, colours, strict=True):
            curve = descend(activation, scale, X, y).loss_curve_
            ax.plot(range(1, len(curve) + 1), curve, color=colour, label=f"{scale:g}")
        ax.set(title=activation, xlabel="iteration + 1", xscale="log", yscale="log")
    axes[0].set_ylabel("J [nats per row]")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], title="init_scale", loc="outside right")
    figure.savefig(PICTURE, dpi=100)
    print(f"\nPicture: {PICTURE}")


if __name__ == "__main__":
    main()
