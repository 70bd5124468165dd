"""How long `predict_proba` takes beside MLPClassifier, for the same net.

The two alternate, and the medians count.

    python benchmarks/predict_speed.py
    python benchmarks/predict_speed.py --rows 100 1000000 --json predict.json
"""

import argparse

import numpy as np
from measuring import (
    alternated,
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

N_FEATURES, N_HIDDEN = 20, 64


def compare(n: int, dtype: str, repeats: int) -> dict[str, list[float]]:
    X, _ = made_data(n, N_FEATURES, dtype)
    X_train, y_train = made_data(2000, N_FEATURES, dtype)
    ours = ShallowNetClassifier(N_HIDDEN, random_state=0, max_iter=5)
    theirs = MLPClassifier(N_HIDDEN, activation="tanh", random_state=0, max_iter=5)
    for model in (ours, theirs):
        timed(lambda model=model: model.fit(X_train, y_train))
    theirs.coefs_, theirs.intercepts_ = ours.coefs_, ours.intercepts_
    tolerance = 1e-4 if dtype == "float32" else 1e-10
    np.testing.assert_allclose(
        ours.predict_proba(X[:1000]), theirs.predict_proba(X[:1000]), atol=tolerance
    )
    calls = int(np.clip(100_000 // n, 1, 200))
    times = alternated(
        {
            "theirs": lambda: [theirs.predict_proba(X) for _ in range(calls)],
            "ours": lambda: [ours.predict_proba(X) for _ in range(calls)],
        },
        repeats,
    )
    theirs_ms, ours_ms = (1e3 * np.array(times[name]) / calls for name in times)
    return {
        "theirs_ms": list(theirs_ms),
        "ours_ms": list(ours_ms),
        "ratio": list(theirs_ms / ours_ms),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rows", nargs="+", type=int, default=[1, 1000, 100_000, 1_000_000]
    )
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    print_machine()
    results = {}
    for threads in (None, 1):
        for dtype in ("float64", "float32"):
            with held_to(threads):
                figures = {n: compare(n, dtype, arguments.repeats) for n in arguments.rows}
            named = f"{dtype}, threads {threads or 'default'}"
            print(f"\n{N_FEATURES} columns, {N_HIDDEN} units, {named}")
            print_table(
                ["rows", "theirs [ms]", "ours [ms]", "theirs / ours"],
                [[n, *map(spread, one.values())] for n, one in figures.items()],
            )
            results[named] = figures
    write_json(arguments.json, results)


if __name__ == "__main__":
    main()
