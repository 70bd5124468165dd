"""Two bad starts and a good one, before any training
==================================================

Three nets of 16 units look at the breast cancer data (569 rows, 30 columns,
standardised): one whose weights are all alike, one whose weights are too large, and one
from Glorot's start. Above, how alike their units are; below, where their activations lie.

Prints a report of each, and saves the picture in the current folder.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

from sk_shallow import ShallowNetClassifier
from sk_shallow.inspection import (
    ActivationDisplay,
    HiddenUnitSimilarityDisplay,
    inspect_hidden_layer,
)

STARTS = {
    "init='constant'": {"init": "constant", "init_scale": 0.1},
    "init_scale=30": {"init_scale": 30},
    "the default": {},
}
PICTURE = "bad_starts.png"


def main() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    figure, axes = plt.subplots(2, 3, figsize=(11, 7), layout="constrained")
    for column, (name, parameters) in enumerate(STARTS.items()):
        net = ShallowNetClassifier(16, random_state=0, **parameters)
        print(f"\n{name}\n{inspect_hidden_layer(net, X, y, at_start=True)}")
        above, below = axes[:, column]
        HiddenUnitSimilarityDisplay.from_estimator(
            net, X, y, at_start=True, ax=above, colorbar=column == len(STARTS) - 1
        )
        ActivationDisplay.from_estimator(net, X, y, at_start=True, ax=below)
        above.set_title(f"{name}\n{above.get_title()}")
    figure.savefig(PICTURE, dpi=100)
    print(f"\nPicture: {PICTURE}")


if __name__ == "__main__":
    main()
