"""Does a small net do better than logistic regression, and does its start matter?
===============================================================================

On two data sets that scikit-learn ships, this compares cross-validated pipelines of
LogisticRegression, ShallowNetClassifier and ShallowNetClassifierCV, grid-searches `init`
and `init_scale`, prints a table, and draws score and iterations against `init_scale`::

    python compare_with_logistic_regression.py [--output FIGURE.png]
"""

import argparse
import warnings
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sk_shallow import (
    InitializationWarning,
    ShallowNetClassifier,
    ShallowNetClassifierCV,
)

FOLDS = StratifiedKFold(n_splits=5, shuffle=True, random_state=0)
SCORING = {"accuracy": "accuracy", "log-loss": "neg_log_loss", "AUC": "roc_auc"}
INIT_SCALES = [1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0]
N_JOBS = 2

LINE, DEFAULTS = "LogisticRegression", "ShallowNetClassifier"
ZERO_START, SEARCH = "  the same, init_scale=0", "  GridSearchCV of its start"
PENALTY = "ShallowNetClassifierCV"

# Colour-blind readers can tell these apart.
GREY, BLUE, ORANGE, GREEN = "#666666", "#0072B2", "#D55E00", "#009E73"


def data_sets() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    cancer, digits = load_breast_cancer(), load_digits()
    return {
        "Breast cancer: malignant or benign": (cancer.data, cancer.target),
        "Digits: odd or even": (digits.data, digits.target % 2),
    }


def pipeline(model: BaseEstimator) -> Pipeline:
    return Pipeline([("scale", StandardScaler()), ("model", model)])


def net(**parameters: Any) -> Pipeline:
    return pipeline(ShallowNetClassifier(random_state=0, **parameters))


def models() -> dict[str, BaseEstimator]:
    search = GridSearchCV(
        net(),
        {"model__init": ["glorot_uniform", "normal"], "model__init_scale": INIT_SCALES},
        scoring="neg_log_loss",
        cv=3,
    )
    return {
        LINE: pipeline(LogisticRegression(max_iter=1000)),
        DEFAULTS: net(),
        ZERO_START: net(init_scale=0),
        SEARCH: search,
        PENALTY: pipeline(ShallowNetClassifierCV(random_state=0)),
    }


def cross_validated(model: BaseEstimator, X: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    return cross_validate(
        model, X, y, cv=FOLDS, scoring=SCORING, n_jobs=N_JOBS, return_estimator=True
    )


def compared(X: np.ndarray, y: np.ndarray) -> dict[str, dict[str, Any]]:
    """Cross-validate all models, printing a row of the table as each is done."""
    columns = [*SCORING, "fit time [s]"]
    print(" " * 28 + "".join(f"{column:>19}" for column in columns), flush=True)
    results = {}
    for name, model in models().items():
        results[name] = cross_validated(model, X, y)
        scores = [np.abs(results[name][f"test_{score}"]) for score in SCORING]
        cells = [
            f"{c.mean():11.3f} ± {c.std():.3f}"
            for c in [*scores, results[name]["fit_time"]]
        ]
        print(f"{name:28}" + "".join(cells), flush=True)
    return results


def chosen_starts(result: dict[str, Any]) -> str:
    starts = [search.best_params_ for search in result["estimator"]]
    return ", ".join(f"{s['model__init']} x {s['model__init_scale']:g}" for s in starts)


def iterations(result: dict[str, Any]) -> np.ndarray:
    return np.array([fitted["model"].n_iter_ for fitted in result["estimator"]])


def draw_column(
    axes: np.ndarray,
    title: str,
    scales: dict[float, dict[str, Any]],
    lines: dict[str, dict[str, Any]],
) -> None:
    """Log-loss (top) and iterations (bottom) against init_scale; 0 has its own place."""
    zero_place = INIT_SCALES[0] / 20
    places = np.array([scale or zero_place for scale in scales])
    losses = np.array([-result["test_log-loss"] for result in scales.values()])
    steps = np.array([iterations(result) for result in scales.values()])
    for ax, values in zip(axes, (losses, steps), strict=True):
        mean, sd = values.mean(axis=1), values.std(axis=1)
        ax.plot(places[1:], mean[1:], "o-", color=BLUE, label=f"{DEFAULTS} (± sd)")
        ax.fill_between(places[1:], (mean - sd)[1:], (mean + sd)[1:], color=BLUE, alpha=0.2)
        zero = {"color": ORANGE, "label": "init_scale=0: all units identical"}
        ax.plot(places[:1], mean[:1], "X", ms=10, clip_on=False, zorder=3, **zero)
        ax.set_xscale("log")
        ax.set_xticks(places, ["0", *(f"{scale:g}" for scale in INIT_SCALES)])
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    top, bottom = axes
    for (name, result), colour in zip(lines.items(), (GREY, GREEN), strict=True):
        loss = -result["test_log-loss"].mean()
        top.axhline(loss, color=colour, ls="--", zorder=1, label=name)
    top.set(title=title, yscale="log", ylabel="held-out log-loss (lower is better)")
    top.set_yticks(
        [0.05, 0.1, 0.2, 0.4, 0.7], ["0.05", "0.1", "0.2", "0.4", "0.7"], minor=False
    )
    top.tick_params(axis="y", which="minor", labelleft=False)
    top.legend(fontsize="small")
    bottom.set(
        xlabel="init_scale (times Glorot's uniform draw)", ylabel="L-BFGS iterations"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", default="compare_with_logistic_regression.png")
    output = parser.parse_args().output

    # The bad starts below are there on purpose.
    warnings.simplefilter("ignore", InitializationWarning)
    figure, axes = plt.subplots(
        2, 2, figsize=(10, 7), layout="constrained", sharex=True, sharey="row"
    )
    for (title, (X, y)), column in zip(data_sets().items(), axes.T, strict=True):
        print(f"{title} ({X.shape[0]} rows, {X.shape[1]} columns)")
        print("Mean ± standard deviation over 5 folds\n")
        results = compared(X, y)
        print(f"\nStarts that the search chose: {chosen_starts(results[SEARCH])}\n\n")
        scales = {0.0: results[ZERO_START]}
        scales |= {
            scale: cross_validated(net(init_scale=scale), X, y) for scale in INIT_SCALES
        }
        lines = {name: results[name] for name in (LINE, PENALTY)}
        draw_column(column, title, scales, lines)
    axes[1, 0].set_ylim(bottom=0)
    for ax in axes.flat:
        ax.label_outer()
    figure.savefig(output, dpi=120)
    print(f"Figure saved as {output}")


if __name__ == "__main__":
    main()
