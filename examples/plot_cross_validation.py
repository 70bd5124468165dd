"""Which penalty do three tables want?
===================================

ShallowNetClassifierCV chooses `alpha` by cross-validation. Here are the scores that it saw:
on breast cancer (569 rows, 30 columns), where a line is enough; on two moons (300 rows, 2
columns), where a weak penalty lets the net bend; and on noise (300 rows, 5 columns), where
the strongest penalty that it tries is best. The band is one standard error over the folds.
LogisticRegression has the same folds.

Prints the best of each, and saves the picture in the current folder.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, make_moons
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.preprocessing import StandardScaler

from sk_shallow import ShallowNetClassifierCV
from sk_shallow.inspection import CrossValidationDisplay

FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)
PICTURE = "cross_validation.png"


def main() -> None:
    noise = np.random.default_rng(0).standard_normal((300, 5))
    data = {
        "breast cancer": load_breast_cancer(return_X_y=True),
        "two moons": make_moons(300, noise=0.2, random_state=0),
        "noise": (noise, np.arange(300) % 2),
    }
    figure, axes = plt.subplots(1, 3, figsize=(10, 4), layout="constrained")
    print(f"{'':15}{'alpha':>8}{'log-loss':>10}{'LogisticRegression':>20}")
    for (name, (X, y)), ax in zip(data.items(), axes, strict=True):
        X = StandardScaler().fit_transform(X)
        line = cross_val_score(
            LogisticRegression(), X, y, cv=FOLDS, scoring="neg_log_loss"
        ).mean()
        net = ShallowNetClassifierCV(16, cv=FOLDS, random_state=0).fit(X, y)
        print(f"{name:15}{net.alpha_:8.3g}{-net.best_score_:10.3f}{-line:20.3f}")
        display = CrossValidationDisplay.from_estimator(
            net, logistic_regression=line, ax=ax
        )
        ax.set_title(f"{name}\n{display.verdict}", fontsize="medium")
        if ax is not axes[0]:
            ax.set_ylabel("")
    figure.savefig(PICTURE, dpi=100)
    print(f"\nPicture: {PICTURE}")


if __name__ == "__main__":
    main()
