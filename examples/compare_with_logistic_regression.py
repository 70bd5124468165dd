"""Does a small net do better than logistic regression, and does its start matter?
===============================================================================

On two data sets that scikit-learn ships, this compares pipelines of ShallowNetClassifier
and ShallowNetClassifierCV with LogisticRegression on the same folds, grid-searches `init`
and `init_scale`, prints a table with verdicts, says what a net found that
LogisticRegression misses, and draws score and iterations against `init_scale`::

    python compare_with_logistic_regression.py [--output FIGURE.png]
"""

import argparse
import textwrap
import warnings
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from sk_shallow import (
    InitializationWarning,
    ShallowNetClassifier,
    ShallowNetClassifierCV,
)
from sk_shallow.inspection import (
    LogisticRegressionComparison,
    compare_with_logistic_regression,
    inspect_effects,
)

INIT_SCALES = [1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0]
DEFAULTS, ZERO_START = "ShallowNetClassifier", "  from a zero start"
PENALTY, SEARCH = "ShallowNetClassifierCV", "  from the best start"
METRICS = ["log-loss", "AUC", "accuracy"]
WIDTH = 76  # of the text

# Colour-blind readers can tell these apart.
GREY, BLUE, ORANGE, GREEN = "#666666", "#0072B2", "#D55E00", "#009E73"


def data_sets() -> dict[str, Bunch]:
    digits = load_digits()
    digits.target %= 2
    return {
        "Breast cancer: malignant or benign": load_breast_cancer(),
        "Digits: odd or even": digits,
    }


def net(**parameters: Any) -> Pipeline:
    return make_pipeline(
        StandardScaler(), ShallowNetClassifier(random_state=0, **parameters)
    )


def models() -> dict[str, BaseEstimator]:
    search = GridSearchCV(
        net(),
        {
            "shallownetclassifier__init": ["glorot_uniform", "normal"],
            "shallownetclassifier__init_scale": INIT_SCALES,
        },
        scoring="neg_log_loss",
        cv=2,
    )
    penalty = make_pipeline(StandardScaler(), ShallowNetClassifierCV(random_state=0))
    return {
        DEFAULTS: net(),
        ZERO_START: net(init_scale=0),
        SEARCH: search,
        PENALTY: penalty,
    }


def compared(model: BaseEstimator, table: Bunch) -> LogisticRegressionComparison:
    """On the same five folds for every model."""
    return compare_with_logistic_regression(
        model, table.data, table.target, random_state=0, n_jobs=2
    )


def print_row(name: str, report: LogisticRegressionComparison, model: str) -> None:
    scores = [report.scores[metric][model] for metric in METRICS]
    cells = [f"{score.mean():7.3f} ± {score.std(ddof=1):.3f}" for score in scores]
    seconds = report.fit_times[model].mean()
    print(f"{name:22}" + "".join(cells) + f"{seconds:9.3f}", flush=True)


def print_comparisons(table: Bunch) -> dict[str, LogisticRegressionComparison]:
    """Compare all models with LogisticRegression, and print a table and the verdicts."""
    heads = "".join(f"{metric:>15}" for metric in METRICS)
    print(f"{'':22}{heads}  fit [s]", flush=True)
    reports = {}
    for name, model in models().items():
        report = reports[name] = compared(model, table)
        if name in (DEFAULTS, PENALTY):
            print_row(report.names["line"], report, "line")
        print_row(name, report, "net")
    print()
    for name in (DEFAULTS, PENALTY):
        report = reports[name]
        verdict = f"{name} beside {report.names['line']}: {report.verdict}"
        print(textwrap.fill(verdict, WIDTH, break_on_hyphens=False))
    return reports


def chosen_starts(report: LogisticRegressionComparison) -> str:
    starts = [list(search.best_params_.values()) for search in report.estimators["net"]]
    return ", ".join(f"{init} x {scale:g}" for init, scale in starts)


def iterations(report: LogisticRegressionComparison) -> np.ndarray:
    return np.array([fitted[-1].n_iter_ for fitted in report.estimators["net"]])


def draw_column(
    axes: np.ndarray,
    title: str,
    by_scale: dict[float, LogisticRegressionComparison],
    lines: dict[str, np.ndarray],
) -> None:
    """Log-loss (top) and iterations (bottom) against init_scale; 0 has its own place."""
    zero_place = INIT_SCALES[0] / 20
    places = np.array([scale or zero_place for scale in by_scale])
    losses = np.array([report.scores["log-loss"]["net"] for report in by_scale.values()])
    steps = np.array([iterations(report) for report in by_scale.values()])
    for ax, values in zip(axes, (losses, steps), strict=True):
        mean, sd = values.mean(axis=1), values.std(axis=1, ddof=1)
        ax.plot(places[1:], mean[1:], "o-", color=BLUE, label=f"{DEFAULTS} (± sd)")
        ax.fill_between(places[1:], (mean - sd)[1:], (mean + sd)[1:], color=BLUE, alpha=0.2)
        zero = {"color": ORANGE, "label": "init_scale=0: all units identical"}
        ax.plot(places[:1], mean[:1], "X", ms=10, clip_on=False, zorder=3, **zero)
        ax.set_xscale("log")
        ax.set_xticks(places, ["0", *(f"{scale:g}" for scale in INIT_SCALES)])
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    top, bottom = axes
    for (name, loss), colour in zip(lines.items(), (GREY, GREEN), strict=True):
        top.axhline(loss.mean(), color=colour, ls="--", zorder=1, label=name)
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
    for (title, table), column in zip(data_sets().items(), axes.T, strict=True):
        n_rows, n_columns = table.data.shape
        print(f"{title} ({n_rows} rows, {n_columns} columns)")
        print("Mean ± standard deviation over 5 folds\n")
        reports = print_comparisons(table)
        starts = f"Best starts: {chosen_starts(reports[SEARCH])}."
        print(textwrap.fill(starts, WIDTH) + "\n\n")
        by_scale = {0.0: reports[ZERO_START]}
        by_scale |= {scale: compared(net(init_scale=scale), table) for scale in INIT_SCALES}
        lines = {
            "LogisticRegression": reports[DEFAULTS].scores["log-loss"]["line"],
            PENALTY: reports[PENALTY].scores["log-loss"]["net"],
        }
        draw_column(column, title, by_scale, lines)

    print("What a net found on the last table that LogisticRegression misses")
    best = make_pipeline(StandardScaler(), ShallowNetClassifierCV(random_state=0))
    best.fit(table.data, table.target)
    print(inspect_effects(best, table.data, feature_names=table.feature_names))

    axes[1, 0].set_ylim(bottom=0)
    for ax in axes.flat:
        ax.label_outer()
    figure.savefig(output, dpi=120)
    print(f"\nFigure saved as {output}")


if __name__ == "__main__":
    main()
