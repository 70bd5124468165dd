"""Where the activations of a start lie, by the size of its weights
================================================================

32 units with init='normal' look at the breast cancer data (569 rows, 30 columns,
standardised) before any training. At 0.01, the constant of the lectures, a hidden layer
is linear: tanh has not begun to bend. At 10 it is a switch: all activations lie on the
plateau, where there is no slope to learn by. A start between the two has both.

Prints the spread of Z1 and the share on the plateau for each start, and saves the
picture in the current folder.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

from sk_shallow import ShallowNetClassifier
from sk_shallow.inspection import ActivationDisplay, inspect_hidden_layer

ACTIVATIONS = ["tanh", "logistic", "relu"]
SCALES = [0.01, 0.2, 10]
PICTURE = "activations.png"


def main() -> None:
    X, _ = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    figure, axes = plt.subplots(3, 3, figsize=(8, 7), layout="constrained")
    print("phi        init_scale   sd of Z1   on the plateau")
    for activation, row in zip(ACTIVATIONS, axes, strict=True):
        for scale, ax in zip(SCALES, row, strict=True):
            net = ShallowNetClassifier(
                activation=activation, init="normal", init_scale=scale, random_state=0
            )
            report = inspect_hidden_layer(net, X, at_start=True)
            sd, share = report.pre_activation_sd.mean(), report.saturated_share.mean()
            print(f"{activation:8} {scale:12}   {sd:8.3g}   {share:14.0%}")
            ActivationDisplay.from_estimator(net, X, at_start=True, ax=ax)
            ax.set(title=f"init_scale={scale}: {share:.0%} flat", xlabel="", ylabel="")
            ax.get_legend().remove()
        row[0].set_ylabel("share of unit-row pairs")
        row[1].set_xlabel(f"activation A1 = {activation}(Z1)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, ["flat part of phi", *labels[1:]], loc="outside upper right", ncols=2
    )
    figure.savefig(PICTURE, dpi=100)
    print(f"\nPicture: {PICTURE}")


if __name__ == "__main__":
    main()
