"""Test log-loss of the defaults, and of ShallowNetClassifierCV, beside other classifiers.

Each data set is split 70/30 (stratified), scaled as its training part is (standardised, if
--scaler says nothing else), and fitted with everybody's defaults. The figure is the test
log-loss relative to that of LogisticRegression on the same columns: below 1 is better.

    python benchmarks/accuracy.py
    python benchmarks/accuracy.py --data FOLDER --jobs 2 --json result.json
    python benchmarks/accuracy.py --data FOLDER --scaler none --models ShallowNetClassifier
    python benchmarks/accuracy.py --data FOLDER --seeds 4 --picture accuracy.png

FOLDER holds files NAME.npz with arrays X (n, d) and y (n,) of two labels. Without it,
data sets that scikit-learn ships are used. CatBoostClassifier takes part where it is
installed. The picture has a row for each model and a dot for each data set.
"""

import argparse
import json
import time
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from joblib import Parallel, delayed
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

import sk_shallow
from sk_shallow import ShallowNetClassifier, ShallowNetClassifierCV

REFERENCE = "LogisticRegression"
OURS = "ShallowNetClassifier"
MODELS = {
    REFERENCE: lambda _: LogisticRegression(max_iter=10_000),
    OURS: lambda seed, **parameters: ShallowNetClassifier(random_state=seed, **parameters),
    "ShallowNetClassifierCV": lambda seed: ShallowNetClassifierCV(random_state=seed),
    "LogisticRegressionCV": lambda seed: LogisticRegressionCV(
        scoring="neg_log_loss", max_iter=1000, random_state=seed
    ),
    "MLPClassifier": lambda seed: MLPClassifier(random_state=seed),
    "HistGradientBoosting": lambda seed: HistGradientBoostingClassifier(random_state=seed),
}
if find_spec("catboost"):
    from catboost import CatBoostClassifier

    MODELS["CatBoost"] = lambda seed: CatBoostClassifier(
        random_state=seed, verbose=0, allow_writing_files=False
    )

SCALERS = {
    "standard": StandardScaler,
    "minmax": MinMaxScaler,
    "robust": RobustScaler,
    "none": FunctionTransformer,
}
TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.4, 2, 3, 5, 10]


def shipped_data() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    cancer, digits, iris, wine = (
        load_breast_cancer(),
        load_digits(),
        load_iris(),
        load_wine(),
    )
    return {
        "breast_cancer": (cancer.data, cancer.target),
        "digits_odd": (digits.data, digits.target % 2),
        "digits_8_or_9": (digits.data, digits.target >= 8),
        "iris_versicolor": (iris.data, iris.target == 1),
        "wine_class_1": (wine.data, wine.target == 1),
    }


def folder_data(folder: Path) -> Iterator[tuple[str, tuple[np.ndarray, np.ndarray]]]:
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as arrays:
            yield path.stem, (arrays["X"], arrays["y"])


def subset(X: np.ndarray, y: np.ndarray, max_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """At most `max_rows` rows, stratified; 0 takes all."""
    if not max_rows or len(y) <= max_rows:
        return X, y
    X, _, y, _ = train_test_split(X, y, train_size=max_rows, stratify=y, random_state=0)
    return X, y


def split_and_scale(
    X: np.ndarray, y: np.ndarray, seed: int, scaler_name: str = "standard"
) -> tuple[np.ndarray, ...]:
    """X and y to train on and to test on, X scaled as its training part is."""
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.3, stratify=y, random_state=seed
    )
    scaler = SCALERS[scaler_name]().fit(X_train)
    return scaler.transform(X_train), scaler.transform(X_test), y_train, y_test


def measure(
    name: str,
    X: np.ndarray,
    y: np.ndarray,
    seed: int,
    models: list[str],
    max_rows: int,
    scaler_name: str,
    ours: dict[str, Any],
) -> dict[str, Any]:
    """Log-loss and fit time of each model on one split of one data set."""
    X, y = subset(X, y, max_rows)
    X_train, X_test, y_train, y_test = split_and_scale(X, y, seed, scaler_name)
    row: dict[str, Any] = {
        "data": name,
        "rows": len(y),
        "columns": X.shape[1],
        "seed": seed,
    }
    for model_name in models:
        model = MODELS[model_name](seed, **(ours if model_name == OURS else {}))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            start = time.perf_counter()
            model.fit(X_train, y_train)
            seconds = time.perf_counter() - start
        row[model_name] = {
            "log_loss": log_loss(y_test, model.predict_proba(X_test)),
            "seconds": seconds,
            "warnings": [warning.category.__name__ for warning in caught],
            "stop_reason": getattr(model, "stop_reason_", None),
            "n_iter": int(np.max(getattr(model, "n_iter_", 0))),
        }
    return row


def print_row(row: dict[str, Any], models: list[str]) -> None:
    reference = row[REFERENCE]["log_loss"]
    ratios = "".join(f"{row[name]['log_loss'] / reference:22.3f}" for name in models[1:])
    print(
        f"{row['data'][:22]:22}{row['seed']:5}{row['rows']:8}{row['columns']:8}"
        f"{reference:20.4f}{ratios}",
        flush=True,
    )


def ratios_of(rows: list[dict[str, Any]], name: str) -> np.ndarray:
    """Log-loss of a model relative to that of the reference, for each row."""
    return np.array([row[name]["log_loss"] / row[REFERENCE]["log_loss"] for row in rows])


def geometric_mean(ratios: np.ndarray) -> float:
    return float(np.exp(np.log(ratios).mean()))


def fit_seconds(rows: list[dict[str, Any]], name: str) -> float:
    return sum(row[name]["seconds"] for row in rows)


def fit_time(rows: list[dict[str, Any]], name: str) -> str:
    seconds = fit_seconds(rows, name)
    return f"{seconds:,.{0 if seconds >= 10 else 1}f} s"


def print_summary(rows: list[dict[str, Any]], models: list[str]) -> None:
    print(f"\n{len(rows)} fits of each; log-loss relative to that of {REFERENCE}:\n")
    print(
        f"{'':22}{'geometric mean':>16}{'median':>9}{'> 2 % worse':>13}{'> 10 % worse':>14}"
        f"{'ConvergenceWarning':>20}{'fit seconds':>13}"
    )
    for name in models:
        ratio = ratios_of(rows, name)
        warned = sum(ConvergenceWarning.__name__ in row[name]["warnings"] for row in rows)
        print(
            f"{name:22}{geometric_mean(ratio):16.3f}{np.median(ratio):9.3f}"
            f"{(ratio > 1.02).mean():13.1%}{(ratio > 1.10).mean():14.1%}{warned:20d}"
            f"{fit_seconds(rows, name):13.1f}"
        )


def draw(rows: list[dict[str, Any]], models: list[str], path: Path) -> None:
    """A dot for each data set, its log-loss the geometric mean over its splits."""
    from matplotlib import pyplot as plt  # the table needs no matplotlib

    tables = np.array([row["data"] for row in rows])
    rivals = sorted(models[1:], key=lambda name: geometric_mean(ratios_of(rows, name)))
    height = 1.5 + 0.55 * len(rivals)
    figure, ax = plt.subplots(figsize=(8, height), layout="constrained")
    labels = []
    for place, name in enumerate(rivals):
        ratios, ours = ratios_of(rows, name), name.startswith(OURS)
        of_tables = [geometric_mean(ratios[tables == table]) for table in set(tables)]
        # Dots of a row in several heights, so that equal ones do not hide each other.
        shift = np.resize([0.0, 0.12, -0.12, 0.24, -0.24], len(of_tables))
        colour = "#0072B2" if ours else "0.45"
        ax.scatter(
            np.sort(of_tables), place + shift, s=18, color=colour, alpha=0.6, lw=0, zorder=2
        )
        median = np.median(of_tables)
        ax.plot([median] * 2, [place - 0.38, place + 0.38], color="black", lw=2, zorder=1)
        labels.append(f"{name}\n{geometric_mean(ratios):.2f}, {fit_time(rows, name)}")
    ax.axvline(1, color="#D55E00", lw=1)
    ax.set_yticks(range(len(rivals)), labels)
    ax.invert_yaxis()
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(plt.FixedLocator(TICKS))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_locator(plt.NullLocator())
    ax.grid(axis="x", alpha=0.3)
    time_of_reference = fit_time(rows, REFERENCE)
    ax.set_xlabel(
        f"test log-loss relative to {REFERENCE} ({time_of_reference}); left is better"
    )
    n_splits = len({row["seed"] for row in rows})
    ax.set_title(
        f"{len(set(tables))} data sets, {n_splits} split(s) of each. A dot: a data set; "
        f"the line: their median.\n"
        f"Under each name: the geometric mean, and the time of all fits.",
        fontsize="medium",
        loc="left",
    )
    figure.savefig(path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder of NAME.npz files with X and y")
    parser.add_argument("--max-columns", type=int, default=150, help="leave out wider sets")
    parser.add_argument(
        "--max-rows", type=int, default=0, help="rows taken of each (0: all)"
    )
    parser.add_argument(
        "--seeds", type=int, default=1, help="number of splits, from seed 0"
    )
    parser.add_argument(
        "--scaler", choices=list(SCALERS), default="standard", help="what X is scaled by"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, help="processes (1 for honest times)"
    )
    parser.add_argument(
        "--models", nargs="+", choices=list(MODELS)[1:], default=list(MODELS)[1:]
    )
    parser.add_argument("--ours", type=json.loads, default={}, help="parameters of ours")
    parser.add_argument("--json", type=Path, help="file to write the rows to")
    parser.add_argument("--picture", type=Path, help="file to draw all of it in")
    options = parser.parse_args()

    data = dict(folder_data(options.data)) if options.data else shipped_data()
    if not data:
        parser.error(f"no .npz file in {options.data}")
    models = [REFERENCE, *options.models]
    print(
        f"sk_shallow {sk_shallow.__version__}, scikit-learn {sklearn.__version__}, "
        f"numpy {np.__version__}, {options.jobs} process(es)\n"
    )
    print(
        f"{'data':22}{'seed':>5}{'rows':>8}{'columns':>8}{REFERENCE:>20}"
        + "".join(f"{name:>22}" for name in models[1:])
    )
    jobs = (
        delayed(measure)(
            name, X, y, seed, models, options.max_rows, options.scaler, options.ours
        )
        for name, (X, y) in data.items()
        if X.shape[1] <= options.max_columns
        for seed in range(options.seeds)
    )
    rows = []
    for row in Parallel(n_jobs=options.jobs, return_as="generator")(jobs):
        print_row(row, models)
        rows.append(row)
    print_summary(rows, models)
    if options.picture:
        draw(rows, models, options.picture)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
