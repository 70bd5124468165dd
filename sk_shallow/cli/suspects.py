"""Columns that should not be learnt from: they give the target away, or number the rows."""

from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sk_shallow.cli.tables import LabelledTable, listed

TELLING_AUC = 0.999


def cautions_on(table: LabelledTable) -> list[str]:
    """A sentence for each kind of suspect columns."""
    telling = [name for name in table.X if auc(table.X[name], table.y) > TELLING_AUC]
    ids = [name for name in table.X if name not in telling and is_id(table.X[name])]
    found = []
    if telling:
        found.append(
            f"{listed(telling)}: alone, tells the classes of {table.target!r} apart (AUC "
            f"above {TELLING_AUC}). If it is known only after the target, the comparison "
            f"means nothing: {dropping(telling)}."
        )
    if ids:
        found.append(
            f"{listed(ids)}: every row has a value of its own, as in an id. If it is one, "
            f"{dropping(ids)}."
        )
    return found


def dropping(names: list[str]) -> str:
    return "give " + " ".join(f"--drop {quoted(name)}" for name in names)


def quoted(name: str) -> str:
    return name if name.isidentifier() else f"'{name}'"


def auc(column: Any, y: Any) -> float:
    """How well a column alone tells the classes apart: 0.5 is not at all, 1 is wholly.

    Missing values count as the lowest or the highest, whichever tells more. Words count by
    the share of the positive class among the other rows that have them.
    """
    if types.is_datetime64_any_dtype(column):
        values = column.astype("int64").where(column.notna()).astype("float64")
    elif types.is_numeric_dtype(column):
        values = column.astype("float64")
    else:
        values = shares(column, y)
    values = values.replace([np.inf, -np.inf], np.nan)
    ranks = values.rank(na_option="keep")
    areas = [roc_auc_score(y, ranks.fillna(end)) for end in (0.0, len(ranks) + 1.0)]
    return float(max(max(area, 1 - area) for area in areas))


def shares(column: Any, y: Any) -> Any:
    """The share of the positive class among the rows of other folds with the same word."""
    words = column.astype("object").where(column.notna(), "").astype("str").to_frame()
    rates = make_pipeline(OneHotEncoder(handle_unknown="ignore"), BernoulliNB())
    folds = StratifiedKFold(shuffle=True, random_state=0)
    p = cross_val_predict(rates, words, y, cv=folds, method="predict_proba")
    return pd.Series(p[:, 1])


def is_id(column: Any) -> bool:
    """Whether it numbers the rows, or names each by one word."""
    if not column.is_unique or len(column) < 3:
        return False
    if types.is_bool_dtype(column) or types.is_datetime64_any_dtype(column):
        return False
    if types.is_integer_dtype(column):
        steps = column.diff().iloc[1:]
        return bool((steps > 0).all() or (steps < 0).all() or is_dense(column))
    if types.is_numeric_dtype(column):
        return False
    return not column.dropna().astype("str").str.strip().str.contains(r"\s").any()


def is_dense(column: Any) -> bool:
    """Whether the integers leave no gaps."""
    return bool(column.max() - column.min() == len(column) - 1)
