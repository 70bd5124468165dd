"""How much memory `fit` and `predict_proba` take beyond X and y.

Peaks of what Python and NumPy allocate (tracemalloc), beside MLPClassifier(solver="lbfgs").
X is in memory, in a memory-mapped file, or sparse.

    python benchmarks/memory.py
    python benchmarks/memory.py --rows 100000 --json memory.json
"""

import argparse
import tempfile
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from measuring import made_data, print_machine, print_table, write_json
from scipy import sparse
from sklearn.neural_network import MLPClassifier

from sk_shallow import ShallowNetClassifier

N_FEATURES, N_HIDDEN = 20, 64


def peak(run: Callable[[], Any]) -> float:
    """Megabytes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tracemalloc.start()
        run()
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return highest / 1e6


def mapped(X: np.ndarray, folder: str) -> np.ndarray:
    path = Path(folder) / "X.npy"
    np.save(path, X)
    return np.load(path, mmap_mode="r")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    print_machine()
    X, y = made_data(arguments.rows, N_FEATURES, "float32")
    ours = ShallowNetClassifier(N_HIDDEN, max_iter=2, random_state=0)
    theirs = MLPClassifier(N_HIDDEN, solver="lbfgs", max_iter=2, random_state=0)
    with tempfile.TemporaryDirectory() as folder:
        forms = {
            "in memory": X,
            "memory-mapped": mapped(X, folder),
            "CSR, 1 in 20": sparse.csr_array(
                np.where(np.random.default_rng(0).uniform(size=X.shape) < 0.05, X, 0)
            ),
        }
        results = {}
        for form, table in forms.items():
            for name, model in (("ours", ours), ("MLPClassifier", theirs)):
                if name == "MLPClassifier" and form != "in memory":
                    continue
                results[f"{name}, X {form}"] = {
                    "fit": peak(lambda m=model, t=table: m.fit(t, y)),
                    "predict_proba": peak(lambda m=model, t=table: m.predict_proba(t)),
                }
    print(
        f"\nPeak in megabytes beyond X and y: {arguments.rows} x {N_FEATURES} float32 "
        f"({X.nbytes / 1e6:.0f} MB), {N_HIDDEN} units"
    )
    print_table(
        ["", "fit", "predict_proba"],
        [
            [name, *(f"{value:.0f}" for value in one.values())]
            for name, one in results.items()
        ],
    )
    write_json(arguments.json, results)


if __name__ == "__main__":
    main()
