"""Is a net worth it on three tables?
===================================

compare_with_logistic_regression gives a net and LogisticRegression the same folds. On the
digits (odd or even, 1,797 rows) the net is far better. On breast cancer (569 rows) five
folds show no difference: LogisticRegression is the simpler choice. On a table in which the
logit is a linear function of the columns, LogisticRegression is the right model.

Prints the three verdicts, and saves a picture of the digits in the current folder: the
log-loss on each fold, calibration, and the images on which the two models disagree most.
"""

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_shallow import ShallowNetClassifier
from sk_shallow.inspection import ComparisonDisplay, compare_with_logistic_regression

PICTURE = "comparison.png"


def linear_law(n_rows: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, 5))
    logit = X @ [1, -1, 0.5, 0, 0]
    return X, rng.random(n_rows) < 1 / (1 + np.exp(-logit))


def main() -> None:
    digits = load_digits()
    tables = {
        "digits": (digits.data, np.where(digits.target % 2, "odd", "even")),
        "breast cancer": load_breast_cancer(return_X_y=True),
        "linear law": linear_law(),
    }
    net = make_pipeline(StandardScaler(), ShallowNetClassifier(random_state=0))
    reports = {
        name: compare_with_logistic_regression(net, X, y, random_state=0)
        for name, (X, y) in tables.items()
    }
    for name, report in reports.items():
        print(f"{name}: {report.verdict}")
    display = ComparisonDisplay.from_report(reports["digits"])
    display.figure_.savefig(PICTURE, dpi=100)
    print(f"\nPicture: {PICTURE}")


if __name__ == "__main__":
    main()
