"""What LogisticRegression misses that a net has found, and the terms that give it to it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_shallow._core.activations import Vector

# Shares of the whole effect (the root of the summed squares of `importance`) from which
# LogisticRegression misses something. Nets trained on a linear law stay under them.
CURVED, TOGETHER = 0.25, 0.2
LEAST = 0.1  # of the logit, per standard deviation: less is never worth a term


class Found(NamedTuple):
    """What the sentences are made of, for k of the columns."""

    names: NDArray[np.object_]  # (n_features,)
    columns: NDArray[np.intp]  # (k,)
    importance: Vector  # (n_features,)
    slope_range: Vector  # (n_features, 2)
    own_curvature: Vector  # (k,), 0 where the column has two values
    mean_interactions: Vector  # (k, k), NaN with relu


class Pair(NamedTuple):
    """Two columns that act together, and how much."""

    one: int
    other: int
    interaction: float  # mean of sd sd d2z2/dx dx


def curved_columns(found: Found) -> list[int]:
    """The columns whose mean slope changes with their own value, the most curved first."""
    least = max(CURVED * float(np.linalg.norm(found.importance)), LEAST)
    order = np.argsort(-found.own_curvature, kind="stable")
    return [int(found.columns[k]) for k in order if found.own_curvature[k] >= least]


def acting_pairs(found: Found, most: int) -> list[Pair]:
    """The pairs of columns that change each other's slope, the strongest first."""
    least = max(TOGETHER * float(np.linalg.norm(found.importance)), LEAST)
    one, other = np.triu_indices(len(found.columns), 1)
    mean = found.mean_interactions[one, other]
    order = np.argsort(-np.abs(mean), kind="stable")[:most]
    return [
        Pair(int(found.columns[one[k]]), int(found.columns[other[k]]), float(mean[k]))
        for k in order
        if abs(mean[k]) >= least  # which NaN is not
    ]


def sentences(found: Found, curved: list[int], pairs: list[Pair]) -> tuple[str, ...]:
    """A sentence for each of them."""
    return (
        *(curved_sentence(found, column) for column in curved),
        *(pair_sentence(found, pair) for pair in pairs),
    )


def curved_sentence(found: Found, column: int) -> str:
    low, high = found.slope_range[column]
    return (
        f"`{found.names[column]}` is curved: its slope runs from {low:.2g} to {high:.2g} "
        f"per sd."
    )


def pair_sentence(found: Found, pair: Pair) -> str:
    one, other = found.names[pair.one], found.names[pair.other]
    verb = "rises" if pair.interaction > 0 else "falls"
    return (
        f"`{one}` and `{other}` act together: the slope of each {verb} by "
        f"{abs(pair.interaction):.2g} per sd of the other."
    )


# --- The recipe -------------------------------------------------------------------------

PRODUCTS = """products = make_pipeline(
    {scaler}, PolynomialFeatures(interaction_only=True, include_bias=False)
)"""
SPLINES = "splines = SplineTransformer()"
SPARSE_SPLINES = """splines = make_pipeline(
    FunctionTransformer(methodcaller("toarray")), SplineTransformer()
)"""
RECIPE = """{imports}

{terms}
terms = ColumnTransformer(
    [
{columns}
    ],
    remainder="passthrough",
)
line = make_pipeline(terms, {scaler}, LogisticRegression(max_iter=1000))"""


def recipe(
    found: Found, curved: list[int], pairs: list[Pair], by_name: bool, is_sparse: bool
) -> str:
    """Code that gives the terms to LogisticRegression; "" if there are none.

    The columns are those that the net itself gets, by name or by number.
    """
    if not curved and not pairs:
        return ""
    scaler = f"StandardScaler({'with_mean=False' if is_sparse else ''})"
    terms, steps = [], []
    if curved:
        terms.append(SPARSE_SPLINES if is_sparse else SPLINES)
        steps.append(step_of("curved", "splines", found, curved, by_name))
    if pairs:
        terms.append(PRODUCTS.format(scaler=scaler))
    for number, pair in enumerate(pairs, 1):
        columns = [pair.one, pair.other]
        steps.append(step_of(f"pair_{number}", "products", found, columns, by_name))
    return RECIPE.format(
        imports="\n".join(imports(curved, pairs, is_sparse)),
        terms="\n".join(terms),
        columns="\n".join(steps),
        scaler=scaler,
    )


def step_of(name: str, terms: str, found: Found, columns: list[int], by_name: bool) -> str:
    """A line of the ColumnTransformer."""
    names = [str(name) for name in found.names[columns]]
    if by_name:
        return f'        ("{name}", {terms}, {names!r}),'
    comment = " ".join(", ".join(names).split())
    return f'        ("{name}", {terms}, {columns!r}),  # {comment}'


def imports(curved: list[int], pairs: list[Pair], is_sparse: bool) -> list[str]:
    used = ["StandardScaler"]
    if pairs:
        used.append("PolynomialFeatures")
    if curved:
        used += ["SplineTransformer"] + ["FunctionTransformer"] * is_sparse
    return [
        *["from operator import methodcaller"] * bool(curved and is_sparse),
        "from sklearn.compose import ColumnTransformer",
        "from sklearn.linear_model import LogisticRegression",
        "from sklearn.pipeline import make_pipeline",
        f"from sklearn.preprocessing import {', '.join(sorted(used))}",
    ]
