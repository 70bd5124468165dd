"""The symmetry trap: units that start equal stay equal
====================================================

Three nets of 10 units learn to tell odd from even digits (1,797 rows, 64 columns,
standardised). From init='zeros' they learn nothing; from init='constant' all units get the
same gradient, and the net is worth one unit; from small random numbers each unit finds a
task of its own. On the right, how far the units are apart after each iteration.

Rounding breaks the symmetry of the constant start, too: a matrix product may add up the
products of one unit in another order than those of the next. The last bit that this
changes is amplified by training until the units part, hundreds of iterations late, or
never: with 8 units, most machines treat all of them alike.

Prints both figures by iteration, and saves the picture in the current folder.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

from sk_shallow import ShallowNetClassifier

STARTS = {
    "zeros": {"init": "zeros"},
    "constant, 0.1": {"init": "constant", "init_scale": 0.1},
    "normal, 0.01": {"init": "normal", "init_scale": 0.01},
}
COLOURS = ["#D55E00", "#0072B2", "#009E73"]
ITERATIONS = [1, 2, 5, 10, 20, 35, 50, 75, 100, 150, 200]
PICTURE = "symmetry_trap.png"


def distance_between_units(net):
    """The largest difference between the weights of any unit and those of the first."""
    (W1, W2), (b1, _) = net.coefs_, net.intercepts_
    units = np.vstack([W1, b1, W2.T])
    return np.abs(units - units[:, :1]).max()


def trained(start, n_iter, X, y):
    """The net after `n_iter` iterations. The same seed gives the same path, to the bit."""
    net = ShallowNetClassifier(
        10,
        alpha=0.01,
        early_stopping=False,
        max_iter=n_iter,
        n_init=1,
        random_state=0,
        **start,
    )
    return net.fit(X, y)


def main() -> None:
    digits = load_digits()
    X, y = StandardScaler().fit_transform(digits.data), digits.target % 2
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
    for (name, start), colour in zip(STARTS.items(), COLOURS, strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the trap is what this is about
            nets = [trained(start, n_iter, X, y) for n_iter in ITERATIONS]
        distances = [distance_between_units(net) for net in nets]
        print(f"\ninit={name}: accuracy on the training rows {nets[-1].score(X, y):.3f}")
        print("iteration   distance between units   J")
        rows = {net.n_iter_: (d, net.loss_) for net, d in zip(nets, distances, strict=True)}
        for n_iter, (distance, loss) in rows.items():
            print(f"{n_iter:9d}   {distance:22.0e}   {loss:.3f}")
        curve = nets[-1].loss_curve_
        left.plot(curve, color=colour, label=name)
        left.plot(len(curve) - 1, curve[-1], "o", color=colour)
        steps = [net.n_iter_ for net in nets]
        right.plot(steps, distances, "o-", ms=3, color=colour, label=name)
    left.set(xlabel="iteration", ylabel="J [nats per row]", yscale="log", xlim=(0, 205))
    right.set(xlabel="iteration", ylabel="largest difference between two units")
    right.set_yscale("symlog", linthresh=1e-17)
    right.set(xlim=(0, 205), ylim=(-5e-18, 1e3), yticks=[0, 1e-16, 1e-12, 1e-8, 1e-4, 1])
    right.annotate("zeros: 0, and no gradient", (2, 0), (20, 2e-17), color=COLOURS[0])
    left.legend(title="init (a dot: the end)")
    figure.savefig(PICTURE, dpi=100)
    print(f"\nPicture: {PICTURE}")


if __name__ == "__main__":
    main()
