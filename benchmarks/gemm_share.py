"""How much of an evaluation of J and its gradient its two matrix products take.

The products alone (X W1 and D X, on the same blocks and by the same threads) beside a whole
evaluation, and one thread beside two.

    python benchmarks/gemm_share.py
    python benchmarks/gemm_share.py --shapes 10000x30x32 --activation relu --json share.json
"""

import argparse
from collections.abc import Sequence

import numpy as np
from measuring import (
    alternated,
    geometric_mean,
    held_to,
    made_data,
    print_machine,
    print_table,
    spread,
    write_json,
)

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.objective import Objective
from sk_shallow._core.parameters import n_parameters, unflatten
from sk_shallow._core.rows import Run, groups_of, one_by_one, row_blocks
from sk_shallow._core.table import ArrayTable, Rows
from sk_shallow.threads.pool import helpers, shared_by

SHAPES = ("2000x30x32", "10000x30x32", "50000x50x64", "50000x50x256", "1000000x20x64")


class Products:
    """The two products of an evaluation, and nothing else."""

    def __init__(self, X: np.ndarray, n_hidden: int, run: Run) -> None:
        rng = np.random.default_rng(0)
        self.X, self.run = X, run
        self.W1 = rng.standard_normal((X.shape[1], n_hidden)).astype(X.dtype)
        self.groups = groups_of(row_blocks(len(X), n_hidden * X.dtype.itemsize))

    def __call__(self) -> None:
        def multiply(blocks: Sequence[slice]) -> None:
            most = max(block.stop - block.start for block in blocks)
            buffer = np.empty(self.W1.shape[1] * most, dtype=self.X.dtype)
            for block in blocks:
                X = self.X[block]
                Z1 = buffer[: self.W1.shape[1] * len(X)].reshape(-1, len(X))
                np.matmul(self.W1.T, X.T, out=Z1)
                Z1 @ X

        self.run(multiply, self.groups)


def compare(
    shape: str, dtype: str, activation: str, repeats: int
) -> dict[str, list[float]]:
    """The share of the products, and the gain of two threads, of each repetition."""
    n, d, h = map(int, shape.split("x"))
    X, y = made_data(n, d, dtype)
    rows = Rows(ArrayTable(X), y.astype(float), np.ones(n))
    theta = np.random.default_rng(0).standard_normal(n_parameters(d, h)) * 0.2
    net = unflatten(theta, d, h, ACTIVATIONS[activation])
    calls = max(1, int(3e6 / (n * h)))

    def often(call):
        return lambda: [call() for _ in range(calls)]

    with helpers(1) as pool, held_to(1):
        sides = {}
        for threads, run in ((1, one_by_one), (2, shared_by(*pool))):
            J = Objective(rows, net, alpha=1.0, run=run)
            sides[f"evaluation {threads}"] = often(lambda J=J: J(theta))
            sides[f"products {threads}"] = often(Products(X, h, run))
        times = {name: np.array(t) for name, t in alternated(sides, repeats).items()}
    return {
        "nanoseconds": list(times["evaluation 1"] / calls / n / h * 1e9),
        "share": list(times["products 1"] / times["evaluation 1"]),
        "two_threads": list(times["evaluation 1"] / times["evaluation 2"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--shapes", nargs="+", default=SHAPES, help="rows x columns x units"
    )
    parser.add_argument("--activation", default="tanh", choices=ACTIVATIONS)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    print_machine()
    results = {}
    for dtype in ("float64", "float32"):
        print(f"\n{dtype}, {arguments.activation}, one BLAS thread")
        figures = {
            shape: compare(shape, dtype, arguments.activation, arguments.repeats)
            for shape in arguments.shapes
        }
        print_table(
            [
                "rows x columns x units",
                "ns per activation",
                "products / evaluation",
                "1 / 2 threads",
            ],
            [[shape, *map(spread, one.values())] for shape, one in figures.items()],
        )
        large = [
            np.median(one["share"])
            for s, one in figures.items()
            if int(s.split("x")[0]) >= 10_000
        ]
        if large:
            mean = geometric_mean(large)
            print(f"geometric mean of the share, from 10,000 rows: {mean:.2f}")
        results[dtype] = figures
    write_json(arguments.json, results)


if __name__ == "__main__":
    main()
