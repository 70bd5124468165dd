"""How long each solver takes to the test log-loss that MLPClassifier() ends with.

Each data set of at least --min-rows rows is split 70/30 (stratified), standardised on the
training part, and fitted with everybody's defaults. MLPClassifier() sets the target and
the time. Ours is watched after every iteration; the time that counts is that of the
first whose weights reach the target on the test part. What is known of
MLPClassifier(solver="lbfgs") is its end.

    python benchmarks/time_to_loss.py
    python benchmarks/time_to_loss.py --data FOLDER --json result.json

FOLDER holds files NAME.npz with arrays X (n, d) and y (n,) of two labels. Without it,
data sets are made. Needs scikit-learn 1.9 or later, for its callbacks.
"""

import argparse
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from accuracy import folder_data, split_and_scale, subset
from measuring import timed
from sklearn.datasets import make_classification, make_hastie_10_2, make_moons
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

import sk_shallow
from sk_shallow import ShallowNetClassifier

OURS = ("adam", "lbfgs", "gd")


class Watch:
    """A callback that keeps the net after every iteration, and the time."""

    def __init__(self) -> None:
        self.nets: list[tuple[float, Any]] = []

    def setup(self, estimator: Any, context: Any) -> None:
        self.start = time.perf_counter()

    def teardown(self, estimator: Any, context: Any) -> None:
        pass

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        pass

    def on_fit_task_end(self, estimator: Any, context: Any, *, fitted_estimator: Any):
        self.nets.append((time.perf_counter() - self.start, fitted_estimator))

    def time_to(self, target: float, X: np.ndarray, y: np.ndarray) -> float:
        for seconds, net in self.nets:
            if net is not None and log_loss(y, net.predict_proba(X)) <= target:
                return seconds
        return np.inf


def made_data() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {
        "moons": make_moons(20_000, noise=0.3, random_state=0),
        "hastie": make_hastie_10_2(12_000, random_state=0),
        "clusters": make_classification(
            20_000, 30, n_informative=10, flip_y=0.05, random_state=0
        ),
    }


def measure(
    name: str, X: np.ndarray, y: np.ndarray, seed: int, models: list[str], max_rows: int
) -> dict[str, Any]:
    X, y = subset(X, y, max_rows)
    X_train, X_test, y_train, y_test = split_and_scale(X, y, seed)
    row: dict[str, Any] = {"data": name, "rows": len(y), "columns": X.shape[1]}

    def ended(model: Any, seconds: float) -> dict[str, float]:
        loss = log_loss(y_test, model.predict_proba(X_test))
        return {"log_loss": loss, "seconds": seconds}

    rival = MLPClassifier(random_state=seed)
    row["MLP adam"] = ended(rival, timed(partial(rival.fit, X_train, y_train)))
    target = row["MLP adam"]["log_loss"]
    for solver in models:
        watch = Watch()
        net = ShallowNetClassifier(solver=solver, random_state=seed).set_callbacks(watch)
        row[solver] = ended(net, timed(partial(net.fit, X_train, y_train)))
        row[solver]["seconds_to_target"] = watch.time_to(target, X_test, y_test)
    other = MLPClassifier(solver="lbfgs", random_state=seed)
    row["MLP lbfgs"] = ended(other, timed(partial(other.fit, X_train, y_train)))
    reached = row["MLP lbfgs"]["log_loss"] <= target
    row["MLP lbfgs"]["seconds_to_target"] = (
        row["MLP lbfgs"]["seconds"] if reached else np.inf
    )
    return row


def shown(share: float) -> str:
    return f"{share:.3f}" if np.isfinite(share) else "never"


def print_row(row: dict[str, Any], names: list[str]) -> None:
    rival = row["MLP adam"]
    shares = "".join(
        f"{shown(row[name]['seconds_to_target'] / rival['seconds']):>10}"
        f"{row[name]['seconds']:8.1f} s{row[name]['log_loss']:8.4f}"
        for name in names
    )
    print(
        f"{row['data'][:18]:18}{row['rows']:8}{row['columns']:5}"
        f"{rival['seconds']:8.1f} s{rival['log_loss']:8.4f}{shares}",
        flush=True,
    )


def print_summary(rows: list[dict[str, Any]], names: list[str]) -> None:
    print("\nTime to the test log-loss of MLPClassifier(), as a share of its fit time:\n")
    print(f"{'':12}{'median':>10}{'worst':>10}{'never':>8}{'whole fit, median':>20}")
    for name in names:
        time_of_rival = np.array([row["MLP adam"]["seconds"] for row in rows])
        share = np.array([row[name]["seconds_to_target"] for row in rows]) / time_of_rival
        whole = np.array([row[name]["seconds"] for row in rows]) / time_of_rival
        print(
            f"{name:12}{shown(np.median(share)):>10}{shown(share.max()):>10}"
            f"{np.isinf(share).sum():8d}{np.median(whole):20.3f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder of NAME.npz files with X and y")
    parser.add_argument("--min-rows", type=int, default=10_000)
    parser.add_argument(
        "--max-rows", type=int, default=0, help="rows taken of each (0: all)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="for BLAS, on both sides")
    parser.add_argument("--models", nargs="+", choices=OURS, default=list(OURS))
    parser.add_argument("--json", type=Path, help="file to write the rows to")
    options = parser.parse_args()

    data = dict(folder_data(options.data)) if options.data else made_data()
    data = {name: (X, y) for name, (X, y) in data.items() if len(y) >= options.min_rows}
    if not data:
        parser.error(f"no data set of {options.min_rows} rows")
    names = [*options.models, "MLP lbfgs"]
    print(
        f"sk_shallow {sk_shallow.__version__}, scikit-learn {sklearn.__version__}, "
        f"numpy {np.__version__}, {options.threads} BLAS thread(s)\n\n"
        f"{'':31}{'MLP adam':^18}"
        + "".join(f"{name:^28}" for name in names)
        + f"\n{'data':18}{'rows':>8}{'cols':>5}{'whole fit':>10}{'loss':>8}"
        + f"{'share':>10}{'whole fit':>10}{'loss':>8}" * len(names)
    )
    rows = []
    with threadpool_limits(options.threads):
        for name, (X, y) in data.items():
            rows.append(measure(name, X, y, options.seed, options.models, options.max_rows))
            print_row(rows[-1], names)
    print_summary(rows, names)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
