"""The zero net is a trap of its own
=================================

The penalty alpha pulls both layers to zero, and where the weights are small the net is
linear: neither layer gains from growing alone. If alpha exceeds `phi'(0) |X'(y - mean y)|`,
the zero net is a local minimum of J, and a start next to it falls in, however random. Two
circles (200 rows, 2 columns) make that threshold small: no line separates them.

On the left, J on the way from the zero net into the steepest direction (one unit, both
layers t long): it falls only where alpha is below the threshold. On the right, how many of
10 starts learn the circles, next to zero (normal, 0.01) and from Glorot's start.

Prints the shares, and saves the picture in the current folder.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_circles

from sk_shallow import ShallowNetClassifier

STARTS = {"normal, 0.01": {"init": "normal"}, "glorot_uniform": {}}
COLOURS = ["#0072B2", "#D55E00", "#009E73"]
ALPHAS = [0.1, 0.2, 0.3, 0.5, 1, 2, 4]
N_STARTS = 10
PICTURE = "zero_net.png"


def loss_near_zero(t, alpha, X, y):
    """J of one tanh unit with W1 = t u and w2 = t, where |u| = 1 is the steepest way."""
    u = X.T @ (y - y.mean())
    z2 = t * np.tanh(X @ (t * u / np.linalg.norm(u)))
    return np.mean(np.logaddexp(0, z2) - y * z2) + alpha / 2 * (t**2 + t**2) / len(y)


def share_that_learns(start, alpha, X, y):
    accuracies = [
        ShallowNetClassifier(
            16, alpha=alpha, max_iter=200, n_init=1, random_state=seed, **start
        )
        .fit(X, y)
        .score(X, y)
        for seed in range(N_STARTS)
    ]
    return np.mean(np.array(accuracies) > 0.9)


def main() -> None:
    warnings.simplefilter("ignore")  # of a collapse, which is what this is about
    X, y = make_circles(200, noise=0.1, factor=0.5, random_state=0)
    threshold = np.linalg.norm(X.T @ (y - y.mean()))
    print(f"|X'(y - mean y)| = {threshold:.2f}")

    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
    lengths = np.linspace(0, 0.12, 61)
    for alpha, colour in zip((0.1, round(threshold, 2), 1), COLOURS, strict=True):
        gains = [loss_near_zero(t, alpha, X, y) - np.log(2) for t in lengths]
        left.plot(lengths, gains, color=colour, label=f"alpha = {alpha}")
    left.axhline(0, color="0.45", ls=":", label="the zero net")
    left.set(xlabel="t, length of W1 and of w2", ylabel="J - J(zero net) [nats per row]")
    left.ticklabel_format(axis="y", scilimits=(0, 0))
    left.legend()

    print("\nStarts that learn the circles")
    print("alpha   " + "   ".join(STARTS))
    learnt = {
        name: [share_that_learns(start, alpha, X, y) for alpha in ALPHAS]
        for name, start in STARTS.items()
    }
    for alpha, *row in zip(ALPHAS, *learnt.values(), strict=True):
        print(f"{alpha:5}   {row[0]:12.0%}   {row[1]:14.0%}")
    for (name, row), marker, colour in zip(
        learnt.items(), ("o-", "s--"), COLOURS[:2], strict=True
    ):
        right.plot(ALPHAS, row, marker, color=colour, label=name)
    right.axvline(threshold, color="0.45", ls=":", label="|X'(y - mean y)|")
    right.set(xlabel="alpha", ylabel="share of starts that learn", xscale="log")
    right.set(ylim=(-0.05, 1.05))
    right.legend()
    figure.savefig(PICTURE, dpi=100)
    print(f"\nPicture: {PICTURE}")


if __name__ == "__main__":
    main()
