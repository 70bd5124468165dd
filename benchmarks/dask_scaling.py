"""What the way over a Dask cluster costs, and what a second worker brings.

Milliseconds per iteration of the same fit on the same rows: in memory on one thread, on one
worker process of one thread, and on two. The time of 2 iterations is taken off that of 12,
so that reading the table does not count.

    python benchmarks/dask_scaling.py
    python benchmarks/dask_scaling.py --rows 100000 --partitions 8 --json dask.json
"""

import argparse
import warnings
from contextlib import ExitStack
from typing import Any

import dask
import dask.array as da
import numpy as np
from distributed import Client, LocalCluster
from measuring import (
    alternated,
    held_to,
    made_data,
    print_machine,
    print_table,
    spread,
    write_json,
)

from sk_shallow import ShallowNetClassifier
from sk_shallow.dask import DaskShallowNetClassifier

SHORT, LONG = 2, 12  # iterations


def on_workers(client: Client, X: np.ndarray, n_partitions: int) -> da.Array:
    """X in equal parts on the workers of a cluster."""
    blocks = client.scatter(np.array_split(X, n_partitions), hash=False)
    parts = np.array_split(np.arange(len(X)), n_partitions)
    return da.concatenate(
        [
            da.from_delayed(dask.delayed(block), (len(part), X.shape[1]), X.dtype)
            for block, part in zip(blocks, parts, strict=True)
        ]
    )


def fits(net: ShallowNetClassifier, X: Any, y: np.ndarray) -> dict[int, Any]:
    """By number of iterations, what fits the net."""

    def fit(n_iter: int) -> None:
        with held_to(1):
            net.set_params(max_iter=n_iter).fit(X, y)

    return {n_iter: lambda n_iter=n_iter: fit(n_iter) for n_iter in (SHORT, LONG)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--partitions", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    print_machine()
    X, y = made_data(arguments.rows, arguments.columns, "float64")
    options = {"tol": 0, "early_stopping": False, "random_state": 0}
    sides = {"in memory": fits(ShallowNetClassifier(arguments.units, **options), X, y)}
    with ExitStack() as stack:
        warnings.simplefilter("ignore")  # of ports, and of what is sent in one piece
        for n_workers in (1, 2):
            cluster = stack.enter_context(
                LocalCluster(
                    n_workers=n_workers, threads_per_worker=1, dashboard_address=":0"
                )
            )
            client = stack.enter_context(Client(cluster, set_as_default=False))
            net = DaskShallowNetClassifier(arguments.units, client=client, **options)
            table = on_workers(client, X, arguments.partitions)
            sides[f"workers: {n_workers}"] = fits(net, table, y)
        times = alternated(
            {(name, n): run for name, side in sides.items() for n, run in side.items()},
            arguments.repeats,
        )
    per_iteration = {
        name: [
            1e3 * (long - short) / (LONG - SHORT)
            for short, long in zip(times[name, SHORT], times[name, LONG], strict=True)
        ]
        for name in sides
    }
    print(
        f"\n{arguments.rows} x {arguments.columns}, {arguments.units} units, "
        f"{arguments.partitions} partitions"
    )
    print_table(
        ["", "ms per iteration"], [[name, spread(ms)] for name, ms in per_iteration.items()]
    )
    memory, one, two = (np.median(ms) for ms in per_iteration.values())
    print(f"overhead of the cluster with one worker: {one / memory - 1:.0%}")
    print(f"two workers against one: {one / two:.2f}")
    write_json(arguments.json, per_iteration)


if __name__ == "__main__":
    main()
