"""The validation data of early stopping, held out of the training rows.

X is not copied: training gives the weight 0 to the rows held out, and early stopping gives
it to all others.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import ShuffleSplit

from sk_shallow._core.table import Rows

AUTO_HOLD_OUT_ROWS = 1000  # early_stopping="auto" holds out from here on ...
AUTO_HOLD_OUT_CLASS_ROWS = 20  # ... if each class has so many rows


def class_masks(rows: Rows) -> list[NDArray[np.bool_]]:
    """Where the rows of weight > 0 of each class are."""
    present = rows.sample_weight > 0
    return [present & (rows.y == 0), present & (rows.y == 1)]


def sizes_of(masks: Sequence[NDArray[np.bool_]]) -> list[int]:
    return [int(np.count_nonzero(mask)) for mask in masks]


def stops_early(sizes: Sequence[int], early_stopping: bool | Literal["auto"]) -> bool:
    """Whether a part of the rows stops the training early; `sizes` are those of classes."""
    if early_stopping != "auto":
        return bool(early_stopping)
    enough = sum(sizes) >= AUTO_HOLD_OUT_ROWS and min(sizes) >= AUTO_HOLD_OUT_CLASS_ROWS
    return bool(enough)


def hold_out(
    rows: Rows,
    early_stopping: bool | Literal["auto"],
    validation_fraction: float,
    random_state: np.random.RandomState,
) -> tuple[Rows, Rows | None]:
    """The training rows, and the stratified part held out for early stopping.

    Rows of weight 0 count as absent.

    Raises
    ------
    ValueError
        If early stopping is asked for and a class is too small to be split.
    """
    classes = class_masks(rows)
    class_sizes = sizes_of(classes)
    if not stops_early(class_sizes, early_stopping):
        return rows, None
    is_held_out = np.zeros(rows.y.size, dtype=np.bool_)
    try:
        for of_class, size in zip(classes, class_sizes, strict=True):
            # Rows are many: of the indices that are drawn, only a mask is kept.
            is_drawn = np.zeros(size, dtype=np.bool_)
            is_drawn[random_part(size, validation_fraction, random_state)] = True
            is_held_out[of_class] = is_drawn
    except ValueError as error:
        fraction = "" if min(class_sizes) < 2 else " or another validation_fraction"
        raise ValueError(
            f"early_stopping cannot hold out validation_fraction={validation_fraction} of "
            f"{class_sizes[0]} and {class_sizes[1]} rows (of weight > 0, by class): both "
            f"parts need a row of each class. Set early_stopping=False{fraction}."
        ) from error
    return only(rows, ~is_held_out), only(rows, is_held_out)


def random_part(
    n_rows: int, fraction: float, random_state: np.random.RandomState
) -> NDArray[np.intp]:
    """The numbers of the test rows of a random split."""
    split = ShuffleSplit(1, test_size=fraction, random_state=random_state)
    ((_, test),) = split.split(np.empty(n_rows, dtype=np.bool_))
    return test


def only(rows: Rows, part: NDArray[np.bool_]) -> Rows:
    """The same rows, with weight on a part of them only."""
    return rows._replace(sample_weight=rows.sample_weight * part)
