"""Time and memory of a fit on wide sparse tables, beside MLPClassifier(solver="lbfgs").

Two iterations from the same activation and number of units, nothing held out. The peak is
of the resident memory of a process of its own, beyond what it had before the fit; it is
read from /proc, which Linux has.

    python benchmarks/wide_sparse.py
    python benchmarks/wide_sparse.py --shapes 10000x50000x128 --repeats 5 --json wide.json
"""

import argparse
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from measuring import alternated, machine, print_machine, print_table, spread, write_json
from scipy import sparse
from sklearn.neural_network import MLPClassifier

from sk_shallow import ShallowNetClassifier

ENTRIES = 20  # of each row


def made_table(n: int, d: int) -> tuple[Any, np.ndarray]:
    rng = np.random.default_rng(0)
    starts = np.arange(0, n * ENTRIES + 1, ENTRIES)
    values, columns = rng.standard_normal(n * ENTRIES), rng.integers(0, d, n * ENTRIES)
    X = sparse.csr_array((values, columns, starts), shape=(n, d))
    X.sum_duplicates()
    return X, rng.integers(0, 2, n)


def model(name: str, n_hidden: int) -> Any:
    shared = {"activation": "tanh", "solver": "lbfgs", "max_iter": 2, "random_state": 0}
    if name == "ours":
        return ShallowNetClassifier(n_hidden, n_init=1, early_stopping=False, **shared)
    return MLPClassifier(n_hidden, **shared)


def peak_megabytes(name: str, n: int, d: int, n_hidden: int) -> float:
    def highest() -> float:
        status = Path("/proc/self/status")
        if not status.exists():
            return float("nan")
        return int(status.read_text("utf-8").partition("VmHWM:")[2].split()[0]) / 1e3

    warnings.simplefilter("ignore")
    X, y = made_table(n, d)
    model(name, n_hidden).fit(X[:200, :50], y[:200])  # what is loaded once
    before = highest()
    model(name, n_hidden).fit(X, y)
    return highest() - before


def in_own_process(*arguments: Any) -> float:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(peak_megabytes, *arguments).result()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--shapes",
        nargs="+",
        default=["131072x131072x32", "10000x50000x128"],
        help="rows x columns x units",
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    print_machine()
    rows, results = [], {}
    for shape in arguments.shapes:
        n, d, n_hidden = map(int, shape.split("x"))
        table = made_table(n, d)
        sides = {
            name: partial(model(name, n_hidden).fit, *table)
            for name in ("ours", "MLPClassifier")
        }
        seconds = alternated(sides, arguments.repeats)
        for name in sides:
            peak = in_own_process(name, n, d, n_hidden)
            results[f"{shape}, {name}"] = {"seconds": seconds[name], "megabytes": peak}
            rows.append([f"{shape}, {name}", spread(seconds[name]), f"{peak:.0f}"])
    print(f"\n{ENTRIES} entries in each row, 2 iterations; {machine()['cores']} cores")
    print_table(["rows x columns x units", "seconds", "peak in MB"], rows)
    write_json(arguments.json, results)


if __name__ == "__main__":
    main()
