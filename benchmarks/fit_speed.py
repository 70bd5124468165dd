"""How long `fit` takes beside MLPClassifier(solver="lbfgs"), on the same objective.

Both have the same activation, units and alpha, hold nothing out, and take the same number
of L-BFGS iterations. A figure is how many times longer MLPClassifier takes: for one
iteration (the time of `fit` divided by its iterations), and until J is as low as
MLPClassifier ends. The two alternate, each repetition has another seed, and the medians
count.

    python benchmarks/fit_speed.py
    python benchmarks/fit_speed.py --repeats 9 --json fit_speed.json
    python benchmarks/fit_speed.py --shapes 200x10x8 2000x30x32 --activation relu
"""

import argparse
from functools import partial

import numpy as np
from measuring import (
    geometric_mean,
    held_to,
    made_data,
    print_machine,
    print_table,
    spread,
    timed,
    write_json,
)
from sklearn.neural_network import MLPClassifier

from sk_shallow import ShallowNetClassifier

SHAPES = (
    "200x10x8",
    "569x30x16",
    "2000x30x32",
    "10000x30x32",
    "50000x50x64",
    "50000x50x256",
)
ALPHA = 1.0


def n_iterations(n: int, h: int) -> int:
    """As many as a few seconds allow."""
    return int(np.clip(2e8 / (n * h), 10, 200))


def compare(
    shape: str, dtype: str, activation: str, repeats: int
) -> dict[str, list[float]]:
    """Seconds per iteration of both, and ratios, of each repetition."""
    n, d, h = map(int, shape.split("x"))
    X, y = made_data(n, d, dtype)
    max_iter = n_iterations(n, h)
    figures: dict[str, list[float]] = {
        "theirs": [],
        "ours": [],
        "per_iteration": [],
        "to_J": [],
    }
    for seed in range(repeats + 1):
        theirs = MLPClassifier(
            h,
            activation=activation,
            solver="lbfgs",
            alpha=ALPHA,
            max_iter=max_iter,
            tol=0,
            random_state=seed,
        )
        ours = ShallowNetClassifier(
            h,
            activation=activation,
            alpha=ALPHA,
            max_iter=max_iter,
            tol=0,
            early_stopping=False,
            n_init=1,
            random_state=seed,
        )
        their_seconds = timed(partial(theirs.fit, X, y))
        our_seconds = timed(partial(ours.fit, X, y))
        reached = np.flatnonzero(ours.loss_curve_ <= theirs.loss_)
        if seed == 0:  # the first round warms up
            continue
        figures["theirs"].append(their_seconds / theirs.n_iter_)
        figures["ours"].append(our_seconds / ours.n_iter_)
        figures["per_iteration"].append(figures["theirs"][-1] / figures["ours"][-1])
        if reached.size:
            ours.set_params(max_iter=max(1, int(reached[0])))
            figures["to_J"].append(their_seconds / timed(partial(ours.fit, X, y)))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--shapes", nargs="+", default=SHAPES, help="rows x columns x units"
    )
    parser.add_argument("--activation", default="tanh")
    parser.add_argument("--dtypes", nargs="+", default=["float64", "float32"])
    parser.add_argument(
        "--threads",
        nargs="+",
        default=["default", "1"],
        help="'default', or how many BLAS is held to on both sides",
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    print_machine()
    results = {}
    for threads in arguments.threads:
        for dtype in arguments.dtypes:
            print(f"\n{dtype}, {arguments.activation}, threads: {threads}")
            rows, figures = [], {}
            for shape in arguments.shapes:
                with held_to(None if threads == "default" else int(threads)):
                    figures[shape] = compare(
                        shape, dtype, arguments.activation, arguments.repeats
                    )
                one = figures[shape]
                rows.append(
                    [
                        shape,
                        f"{1e3 * np.median(one['theirs']):.3f}",
                        f"{1e3 * np.median(one['ours']):.3f}",
                        spread(one["per_iteration"]),
                        f"{spread(one['to_J'])} [{len(one['to_J'])}]"
                        if one["to_J"]
                        else "-",
                    ]
                )
            print_table(
                [
                    "rows x columns x units",
                    "theirs [ms]",
                    "ours [ms]",
                    "per iteration",
                    "to the same J [of so many]",
                ],
                rows,
            )
            per_iteration, to_J = (
                geometric_mean(
                    [np.median(one[name]) for one in figures.values() if one[name]]
                )
                for name in ("per_iteration", "to_J")
            )
            print(f"geometric mean: {per_iteration:.2f} per iteration, {to_J:.2f} to J")
            results[f"{dtype}, threads {threads}"] = figures
    write_json(arguments.json, results)


if __name__ == "__main__":
    main()
