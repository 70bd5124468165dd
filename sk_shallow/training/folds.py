"""Trainings on the folds of a cross-validation, which are weight masks over one table."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from threading import Event
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_shallow._core.activations import Vector
from sk_shallow._core.block import log_loss_and_slope, signs
from sk_shallow._core.parameters import Net, cast
from sk_shallow._core.rows import Column, Run, present_blocks
from sk_shallow._core.table import Rows, logits, matrix_of
from sk_shallow.training.callbacks import TrainingTask
from sk_shallow.training.held_out import class_masks, only
from sk_shallow.training.monitor import NotFiniteError, Training, train
from sk_shallow.training.options import Options
from sk_shallow.training.parallel import side_by_side
from sk_shallow.training.start import Start, draw_start, spawn_generators


class Fold(NamedTuple):
    """The rows of a table as one split of a cross-validation sees them."""

    number: int
    rows: Rows  # to learn from: the others have weight 0
    held_out: Rows | None  # the test rows, where they stop the training early
    is_test: NDArray[np.bool_]


class FoldNet(NamedTuple):
    """How the training on one fold went."""

    start: Start
    training: Training
    test_logits: Vector  # of the test rows, in their order


def folds_of(
    rows: Rows,
    splits: Iterable[tuple[NDArray[Any], NDArray[Any]]],
    *,
    stops_early: bool,
) -> list[Fold]:
    """One fold for each split into indices (or masks) of training and test rows.

    Raises
    ------
    ValueError
        If the training rows of a fold lack a class, or there is no fold.
    """
    folds = []
    for number, (train_rows, test_rows) in enumerate(splits):
        is_train, is_test = (np.zeros(rows.y.size, dtype=np.bool_) for _ in range(2))
        is_train[train_rows], is_test[test_rows] = True, True
        learnt_from = only(rows, is_train)
        labels = rows.y[learnt_from.sample_weight > 0]
        if labels.all() or not labels.any():
            raise ValueError(
                f"The training rows of fold {number} (of weight > 0) lack a class: a net "
                f"needs both. Set cv to fewer folds, or to a splitter that stratifies."
            )
        is_test &= rows.sample_weight > 0
        held_out = only(rows, is_test) if stops_early and is_test.any() else None
        folds.append(Fold(number, learnt_from, held_out, is_test))
    if not folds:
        raise ValueError("cv must give at least one fold, and it gives none.")
    return folds


def stratified(
    rows: Rows, n_folds: int, random_state: np.random.RandomState
) -> NDArray[np.int32]:
    """The number of the test fold of each row; -1 for the rows of weight 0.

    The same as those of scikit-learn's StratifiedKFold with shuffle, which sorts all rows
    in several lists.
    """
    fold_of = np.full(rows.y.size, -1, dtype=np.int32)
    n_before = 0
    for of_class in sorted(class_masks(rows), key=np.argmax):  # by their first rows
        size = int(np.count_nonzero(of_class))
        folds = np.arange(n_before, n_before + size, dtype=np.int32) % n_folds
        folds.sort()
        random_state.shuffle(folds)
        fold_of[of_class] = folds
        n_before += size
    return fold_of


def train_folds(
    folds: Sequence[Fold],
    options: Options,
    entropy: list[int],
    *,
    n_jobs: int | None,
    run: Run,
    task_of: Callable[[int], TrainingTask | None],
) -> list[FoldNet]:
    """A net for each fold, from a start of its own, which other options do not change.

    Raises
    ------
    NotFiniteError
        If the numbers of some folds overflow: that of the first, when all have ended.
    """
    abandon = Event()
    errors: dict[int, NotFiniteError] = {}

    def draw(number: int) -> Start:
        return draw_start(options, folds[number].rows, spawn_generators(entropy, number))

    def train_one(number: int, start: Start) -> FoldNet | None:
        fold = folds[number]
        try:
            training = train(
                start.net,
                fold.rows,
                options,
                state=start.adam_state,
                held_out=fold.held_out,
                run=run,
                task=task_of(number),
                abandon=abandon,
            )
        except NotFiniteError as error:
            error.add_note(f"This was in the training of fold {number}.")
            errors[number] = error
            return None
        net = cast(training.net, fold.rows.X.dtype)
        return FoldNet(start, training, test_logits(net, fold))

    nets = side_by_side(draw, train_one, len(folds), n_jobs, abandon, what="fold")
    if errors:
        raise errors[min(errors)]
    return [net for net in nets if net is not None]


def test_logits(net: Net, fold: Fold) -> Vector:
    """z2 of the test rows of a fold, which are not copied as a whole."""
    blocks = present_blocks(matrix_of(fold.rows.X), net.b1.nbytes, fold.is_test)
    each = list(map(partial(logits, net), blocks)) or [np.empty(0)]
    return np.concatenate(each).astype(np.float64, copy=False)


def negative_log_loss(z2: Vector, y: NDArray[Any], weight: Column) -> float:
    """The weighted mean over rows; NaN without weight."""
    if not weight.any():
        return float("nan")
    loss, _ = log_loss_and_slope(z2, signs(y))
    return -float(np.average(loss, weights=weight))
