"""Hidden units before and after training, unit by unit
====================================================

How alike the activations of each pair of 16 units are on the digits (odd or even, 1,797
rows, 64 columns, standardised), at the start (above) and after 50 iterations (below).
Units that start equal are one block, and stay one; those of a random start, small or of
the usual size, differ from the first iteration to the last.

Prints how many distinct units there are, and their effective rank, and saves the picture
in the current folder.
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

from sk_shallow import ShallowNetClassifier
from sk_shallow.inspection import HiddenUnitSimilarityDisplay, inspect_hidden_layer

STARTS = {
    "constant, 0.1": {"init": "constant", "init_scale": 0.1},
    "normal, 0.01": {"init": "normal", "init_scale": 0.01},
    "glorot_uniform": {},
}
PICTURE = "similar_units.png"


def main() -> None:
    warnings.simplefilter("ignore")  # of equal units, and of 50 iterations
    digits = load_digits()
    X, y = StandardScaler().fit_transform(digits.data), digits.target % 2
    figure, axes = plt.subplots(2, 3, figsize=(8, 6), layout="constrained")
    print("init             when                distinct   effective rank   accuracy")
    for (name, start), column in zip(STARTS.items(), axes.T, strict=True):
        net = ShallowNetClassifier(16, max_iter=50, random_state=0, **start).fit(X, y)
        for when, at_start, ax in zip(
            ("at the start", "after 50 iterations"), (True, False), column, strict=True
        ):
            report = inspect_hidden_layer(net, X, at_start=at_start)
            accuracy = "" if at_start else f"{net.score(X, y):11.3f}"
            print(
                f"{name:16} {when:20} {report.n_distinct:7}"
                f"{report.effective_rank:17.1f}{accuracy}"
            )
            HiddenUnitSimilarityDisplay.from_estimator(
                net, X, at_start=at_start, ax=ax, colorbar=name == "glorot_uniform"
            )
            ax.set(title=f"{name}\n{when}", xlabel="", ylabel="", xticks=[], yticks=[])
    figure.supxlabel("hidden unit")
    figure.supylabel("hidden unit")
    figure.savefig(PICTURE, dpi=100)
    print(f"\nPicture: {PICTURE}")


if __name__ == "__main__":
    main()
