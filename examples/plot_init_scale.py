"""The init_scale curve of two real data sets
==========================================

Cross-validated log-loss and iterations of 16 units against `init_scale`, with init='normal'
and standardised columns: breast cancer (569 rows, 30 columns), where a line is enough, and
the digits, odd or even (1,797 rows, 64 columns), where it is not. L-BFGS forgives a start
that is a thousand times too small or ten times too large; far up on the plateau it ends
worse, and the zero start learns nothing.

Prints both tables, and saves the picture in the current folder.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_shallow import ShallowNetClassifier
from sk_shallow.inspection import InitScaleDisplay

SCALES = [0, 0.001, 0.01, 0.1, 1, 10, 100, 1000]
PICTURE = "init_scale.png"


def main() -> None:
    digits = load_digits()
    data = {
        "breast cancer": load_breast_cancer(return_X_y=True),
        "digits, odd or even": (digits.data, digits.target % 2),
    }
    net = make_pipeline(
        StandardScaler(), ShallowNetClassifier(16, init="normal", random_state=0)
    )
    figure, axes = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
    for (name, (X, y)), ax in zip(data.items(), axes, strict=True):
        display = InitScaleDisplay.from_estimator(
            net, X, y, init_scales=SCALES, cv=3, ax=ax
        )
        ax.set(title=name, ylim=(-0.75, 0))
        (ax if ax is axes[1] else display.iterations_ax_).set_ylabel("")
        print(f"\n{name}\ninit_scale   log-loss   iterations   fits with a warning")
        for scale, scores, n_iter, n_warnings in zip(
            display.init_scales,
            display.scores,
            display.n_iter,
            display.n_warnings,
            strict=True,
        ):
            print(f"{scale:10g}{-scores.mean():11.3f}{n_iter.mean():13.0f}{n_warnings:13}")
        print(f"LogisticRegression {-display.reference_scores.mean():.3f}")
    figure.savefig(PICTURE, dpi=100)
    print(f"\nPicture: {PICTURE}")


if __name__ == "__main__":
    main()
