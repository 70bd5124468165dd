"""GridSearchCV beside the same over MLPClassifier, two jobs at a time.

Over `init_scale` for ours; over as many values of `alpha` for MLPClassifier, whose start is
no parameter. All behind a StandardScaler, with the same units and activation.

    python benchmarks/grid_search.py
    python benchmarks/grid_search.py --repeats 5 --json grid_search.json
"""

import argparse

from measuring import (
    alternated,
    print_machine,
    print_table,
    spread,
    write_json,
)
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sk_shallow import ShallowNetClassifier

N_HIDDEN = 32
MODELS = {
    "MLPClassifier(solver='lbfgs')": (
        MLPClassifier(
            N_HIDDEN, activation="tanh", solver="lbfgs", max_iter=1000, random_state=0
        ),
        {"net__alpha": [1, 2, 5, 10]},
    ),
    "MLPClassifier()": (
        MLPClassifier(N_HIDDEN, activation="tanh", max_iter=1000, random_state=0),
        {"net__alpha": [1, 2, 5, 10]},
    ),
    "ours": (
        ShallowNetClassifier(N_HIDDEN, random_state=0),
        {"net__init_scale": [0.01, 0.1, 1, 3]},
    ),
}


def search(model, grid, X, y):
    pipeline = Pipeline([("scale", StandardScaler()), ("net", model)])
    return GridSearchCV(pipeline, grid, cv=5, n_jobs=2, scoring="neg_log_loss").fit(X, y)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    print_machine()
    digits = load_digits()
    data = {
        "breast cancer": load_breast_cancer(return_X_y=True),
        "digits, odd or even": (digits.data, digits.target % 2),
    }
    results = {}
    for name, (X, y) in data.items():
        found = {}

        def run(model_name, X=X, y=y, found=found):
            found[model_name] = search(*MODELS[model_name], X, y).best_score_

        times = alternated(
            {model: lambda model=model: run(model) for model in MODELS}, arguments.repeats
        )
        results[name] = {"seconds": times, "neg_log_loss": found}
        print(f"\n{name}: 4 candidates, 5 folds, 2 jobs")
        print_table(
            ["", "seconds", "best log-loss"],
            [[model, spread(times[model]), f"{-found[model]:.3f}"] for model in MODELS],
        )
    write_json(arguments.json, results)


if __name__ == "__main__":
    main()
