"""How the time of an iteration, and the memory, grow with the rows.

Medians of several fits, and the peak of what is allocated beyond X and y (tracemalloc).

    python benchmarks/scaling.py
    python benchmarks/scaling.py --rows 1000 10000 100000 --json scaling.json
"""

import argparse
import tracemalloc

import numpy as np
from measuring import made_data, print_machine, print_table, spread, timed, write_json

from sk_shallow import ShallowNetClassifier

N_FEATURES, N_HIDDEN = 20, 32
ROWS = [1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000]


def measure(n: int, dtype: str, repeats: int) -> tuple[list[float], float]:
    """Milliseconds per iteration of each repetition, and megabytes at the peak."""
    X, y = made_data(n, N_FEATURES, dtype)
    n_iter = int(np.clip(2e7 / n, 5, 200))
    net = ShallowNetClassifier(
        N_HIDDEN, max_iter=n_iter, tol=0, early_stopping=False, n_init=1, random_state=0
    )
    times = []
    for _ in range(repeats):
        seconds = timed(lambda: net.fit(X, y))
        times.append(1e3 * seconds / net.n_iter_)
    net.set_params(max_iter=1)
    tracemalloc.start()
    timed(lambda: net.fit(X, y))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return times, peak / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", nargs="+", type=int, default=ROWS)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    print_machine()
    results = {}
    for dtype in ("float64", "float32"):
        figures = {n: measure(n, dtype, arguments.repeats) for n in arguments.rows}
        print(f"\n{dtype}, {N_FEATURES} columns, {N_HIDDEN} units")
        print_table(
            ["rows", "ms per iteration", "us per row", "MB beyond X and y"],
            [
                [n, spread(ms), f"{1e3 * np.median(ms) / n:.3f}", f"{peak:.1f}"]
                for n, (ms, peak) in figures.items()
            ],
        )
        large = [n for n in figures if n >= 10_000]
        if len(large) > 1:
            medians = [np.median(figures[n][0]) for n in large]
            slope = np.polyfit(np.log(large), np.log(medians), 1)[0]
            print(f"log-log slope from 10,000 rows: {slope:.2f}")
        results[dtype] = {
            str(n): {"ms": ms, "mb": peak} for n, (ms, peak) in figures.items()
        }
    write_json(arguments.json, results)


if __name__ == "__main__":
    main()
