"""A table with a target of two classes, read from a file."""

import csv
import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

SEPARATORS = ",;\t|"
NO_SEPARATOR = "\x01"  # so that a line is one value
PARQUET = {".parquet", ".pq"}
MISSING = ["?"]  # beside what pandas takes for a missing value
LEAST_CLASS_ROWS = 5  # in the training part of a fold, for the folds of ...CV in it
MOST_LISTED = 20  # names or values in a message


class CommandError(Exception):
    """What the user has to change, in a sentence."""


class LabelledTable(NamedTuple):
    """Columns to learn from, and whether each row is of the positive class."""

    X: Any  # pandas.DataFrame
    y: NDArray[np.bool_]
    target: str
    positive: str
    negative: str  # "others", if there are several
    notes: list[str]  # what was left out
    source: str  # name of the file

    @property
    def labels(self) -> NDArray[Any]:
        """The classes in words, of which the positive one comes last; else `y`."""
        if self.negative >= self.positive:
            return self.y
        return np.where(self.y, self.positive, self.negative)

    @property
    def title(self) -> str:
        """The size of the table and of the positive class, in a line."""
        n_rows, n_columns = self.X.shape
        return (
            f"{self.source}: {n_rows:,} rows, {n_columns} columns; target "
            f"{self.target!r}, of which {self.y.mean():.1%} are {self.positive!r}"
        )

    def sampled(self, n_rows: int | None, random_state: int) -> "LabelledTable":
        """A stratified sample of so many rows; all, if there are fewer."""
        if n_rows is None or n_rows >= len(self.y):
            return self
        rows = np.arange(len(self.y))
        n_rare = min(self.y.sum(), (~self.y).sum())
        if n_rows < 2 or n_rare * n_rows < len(self.y):
            raise CommandError(
                f"--sample {n_rows} would leave no row of the rarer class of "
                f"{self.target!r}, which has {n_rare} of {len(self.y)} rows. Take more."
            )
        few, _ = train_test_split(
            rows, train_size=n_rows, stratify=self.y, random_state=random_state
        )
        few.sort()
        note = f"A sample of {n_rows:,} of {len(self.y):,} rows is compared."
        X = self.X.iloc[few].reset_index(drop=True)
        return self._replace(X=X, y=self.y[few], notes=[*self.notes, note])


def load(
    path: Path, target: str, positive: str | None, drop: Sequence[str]
) -> LabelledTable:
    """The table of a file, without rows that have no target and columns without a value.

    Raises
    ------
    CommandError
        If the file cannot be read, a column is not there, or the target is not one of two
        classes.
    """
    frame = read(path)
    for name in (target, *drop):
        check_column(name, frame, path)
    if target in drop:
        raise CommandError(f"--drop {target} is the target: leave it out.")
    frame = frame.drop(columns=list(drop))
    is_known = frame[target].notna()
    notes = []
    if not is_known.all():
        n_missing = int((~is_known).sum())
        notes.append(f"Left out: {n_missing:,} of {len(frame):,} rows without {target!r}.")
        frame = frame[is_known].reset_index(drop=True)
    if frame.empty:
        raise CommandError(f"{path} has no row with a value in {target!r}.")
    y, positive, negative = labels(frame[target], positive)
    X = frame.drop(columns=target)
    empty = [name for name in X if X[name].isna().all()]
    if len(empty) == X.shape[1]:
        raise CommandError(f"{path} has no value in any column but {target!r}.")
    if empty:
        notes.append(f"Left out: columns without a value: {listed(empty)}.")
    X = X.drop(columns=empty)
    return LabelledTable(X, y, target, positive, negative, notes, path.name)


def read(path: Path) -> Any:
    """The data frame of a file: CSV, TSV or Parquet."""
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "not there"
        raise CommandError(f"FILE must be a table, and {path} is {kind}.")
    try:
        is_parquet = path.suffix.lower() in PARQUET
        frame = pd.read_parquet(path) if is_parquet else read_text(path)
    except ImportError as error:
        raise CommandError(
            f"{path} is Parquet, which needs pyarrow: pip install pyarrow."
        ) from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8 text. Save it as UTF-8.") from error
    except (ValueError, OSError) as error:  # pandas' own are ValueErrors
        reason = " ".join(str(error).split())
        raise CommandError(f"{path} cannot be read as a table: {reason}") from error
    frame.columns = frame.columns.map(str)
    if not frame.columns.is_unique:
        twice = listed(frame.columns[frame.columns.duplicated()])
        raise CommandError(f"{path} has several columns of one name: {twice}.")
    return frame.reset_index(drop=True)


def read_text(path: Path) -> Any:
    """Values separated by what separates most names in the first line."""
    encoding = "utf-8-sig"
    first = {"header": None, "nrows": 20, "dtype": str, "quoting": csv.QUOTE_NONE}
    lines = pd.read_csv(path, sep=NO_SEPARATOR, encoding=encoding, **first)[0].fillna("")
    separator = max(SEPARATORS, key=lines[0].count)
    has_comma = separator != "," and lines.str.contains(r"\d,\d").any()
    return pd.read_csv(
        path,
        sep=separator,
        decimal="," if has_comma else ".",
        na_values=MISSING,
        low_memory=False,
        encoding=encoding,
    )


def check_column(name: str, frame: Any, path: Path) -> None:
    """The column is one of the file's."""
    if name in frame:
        return
    close = get_close_matches(name, frame.columns, n=1)
    meant = f" Is it {close[0]!r}?" if close else ""
    raise CommandError(
        f"{path} has no column {name!r}.{meant} Its columns: {listed(frame.columns)}."
    )


def labels(target: Any, positive: str | None) -> tuple[NDArray[np.bool_], str, str]:
    """Whether each row is of the positive class; that class and the others, in words.

    Without a class given, it is the last of the two in their order.
    """
    values = [word(value) for value in sorted_values(target)]
    if positive is None and len(values) == 2:
        positive = values[1]
    if positive is None and len(values) > 2:
        raise CommandError(
            f"The target {target.name!r} has {len(values)} values: {listed(values)}. "
            f"Give --positive VALUE to tell one of them from the rest."
        )
    if len(values) < 2:
        raise CommandError(
            f"The target {target.name!r} has one value only, {values[0]!r}: two are needed."
        )
    if positive not in values:
        raise CommandError(
            f"--positive {positive} is no value of {target.name!r}: {listed(values)}."
        )
    y: NDArray[np.bool_] = (target.map(word) == positive).to_numpy(dtype=np.bool_)
    others = [value for value in values if value != positive]
    return y, positive, others[0] if len(others) == 1 else "others"


def sorted_values(target: Any) -> list[Any]:
    values = list(target.unique())
    try:
        return sorted(values)
    except TypeError:  # words and numbers
        return sorted(values, key=str)


def word(value: Any) -> str:
    """A value as it is written in the file: integers without a fraction."""
    return re.sub(r"\.0$", "", str(value))


def listed(names: Sequence[Any]) -> str:
    """Names with commas between them, the first twenty."""
    shown = ", ".join(str(name) for name in names[:MOST_LISTED])
    more = len(names) - MOST_LISTED
    return f"{shown} and {more} more" if more > 0 else shown


def check_class_sizes(table: LabelledTable, n_folds: int) -> None:
    """Each class has rows enough for the folds, and for the folds within them.

    Raises
    ------
    CommandError
        If not.
    """
    least = max(n_folds, -(-LEAST_CLASS_ROWS * n_folds // (n_folds - 1)))
    for is_positive, name in ((True, ""), (False, "other than ")):
        n_rows = int(np.sum(table.y == is_positive))
        if n_rows < least:
            raise CommandError(
                f"{table.target!r} has {n_rows} row{'s' * (n_rows != 1)} {name}"
                f"{table.positive!r}, and {n_folds} folds need {least} of each class. "
                f"Give more rows{' or fewer folds' * (n_folds > 2)}."
            )
