"""What did the net find that LogisticRegression misses?
======================================================

The table is made, so its law is known: the logit of a loan's repayment is
``1 + savings - age**2 + income * debt``. Savings act along a straight line, age is
curved, income and debt act together, and noise does nothing. LogisticRegression can find
savings only. The net finds all four, and inspect_effects says so.

Prints the report, with the terms that LogisticRegression needs, and saves three pictures
in the current folder: importance and interactions; slopes, with the law beside them; and
scikit-learn's partial dependence.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.inspection import PartialDependenceDisplay
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_shallow import ShallowNetClassifierCV
from sk_shallow.inspection import EffectsDisplay, inspect_effects

NAMES = ["savings", "age", "income", "debt", "noise"]
LAW = {"savings": lambda x: np.ones_like(x), "age": lambda x: -2 * x}  # slopes
PICTURES = "effects.png", "slopes.png", "partial_dependence.png"


def loans(n_rows: int = 5000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, len(NAMES)))
    savings, age, income, debt, _ = X.T
    logit = 1 + savings - age**2 + income * debt
    return X, rng.random(n_rows) < 1 / (1 + np.exp(-logit))


def draw_law(display: EffectsDisplay) -> None:
    """Add the slope that was put into the table, where it depends on one column."""
    for ax in display.axes_:
        name = ax.get_xlabel()
        if name in LAW:
            x = np.linspace(-2.5, 2.5)
            ax.plot(x, LAW[name](x), "k--", label="law")
            ax.legend(loc="lower left")


def main() -> None:
    X, y = loans()
    line, net = (
        make_pipeline(StandardScaler(), model).fit(X, y)
        for model in (LogisticRegression(), ShallowNetClassifierCV(random_state=0))
    )
    report = inspect_effects(net, X, feature_names=NAMES, line=line)
    print(report)
    first, axes = plt.subplots(1, 2, figsize=(10, 4.8), layout="constrained")
    EffectsDisplay.from_report(report, axes=axes)

    second, axes = plt.subplots(
        2, 2, figsize=(8, 5.5), layout="constrained", sharex=True, sharey=True
    )
    most = {"kind": "slopes", "n_columns": 4, "feature_names": NAMES}
    draw_law(EffectsDisplay.from_estimator(net, X, axes=axes, **most))
    axes[1, 0].set_ylabel(axes[0, 0].get_ylabel())

    third, axes = plt.subplots(1, 3, figsize=(10, 3.4), layout="constrained")
    PartialDependenceDisplay.from_estimator(
        net,
        X,
        [0, 1, (2, 3)],
        feature_names=NAMES,
        response_method="decision_function",
        grid_resolution=30,
        ax=axes,
    )
    for picture, one in zip(PICTURES, (first, second, third), strict=True):
        one.savefig(picture, dpi=100)
        print(f"Picture: {picture}")


if __name__ == "__main__":
    main()
