"""Why deeper nets want another constant
=====================================

One random layer of tanh units after another (256 units each, 1,000 rows, 256 columns of
unit variance), before any training. Each multiplies the size of its input by about
sqrt(256) times the standard deviation of its weights. With 0.01 that is 0.16: one layer
still passes a signal on, after ten there is none. With 1 it is 16, and every layer is a row
of switches. Scales that follow the number of inputs, 1 / sqrt(fan_in) (LeCun et al., 1998)
or sqrt(2 / (fan_in + fan_out)) (Glorot & Bengio, 2010), keep it through all of them.

`sk_shallow` has one hidden layer; this is NumPy alone. Prints the spread after each layer,
and saves the picture in the current folder.
"""

import matplotlib.pyplot as plt
import numpy as np

N_UNITS, N_LAYERS, N_ROWS = 256, 10, 1000
SCALES = {
    "1": 1.0,
    "1 / sqrt(fan_in)": 1 / np.sqrt(N_UNITS),
    "0.01": 0.01,
}
PICTURE = "depth.png"


def spreads(scale):
    """The root mean square of the activations after 0, 1, ... layers."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((N_ROWS, N_UNITS))
    sizes = [np.sqrt(np.mean(A**2))]
    for _ in range(N_LAYERS):
        A = np.tanh(A @ (scale * rng.standard_normal((N_UNITS, N_UNITS))))
        sizes.append(np.sqrt(np.mean(A**2)))
    return sizes


def main() -> None:
    figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
    print("layers" + "".join(f"{name:>20}" for name in SCALES))
    curves = {name: spreads(scale) for name, scale in SCALES.items()}
    for layer, row in enumerate(zip(*curves.values(), strict=True)):
        print(f"{layer:6}" + "".join(f"{size:20.2g}" for size in row))
    for (name, curve), style in zip(curves.items(), ("s--", "o-", "^:"), strict=True):
        ax.plot(curve, style, label=f"sd of the weights = {name}")
    ax.set(xlabel="tanh layers", ylabel="root mean square of the activations", yscale="log")
    ax.legend()
    figure.savefig(PICTURE, dpi=100)
    print(f"\nPicture: {PICTURE}")


if __name__ == "__main__":
    main()
