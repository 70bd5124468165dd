"""The search for a penalty and a scale of the start, setting by setting."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

FIRST_FACTORS = (4.0, 1.0, 0.25, 0.0625)  # on the alpha that "auto" gives one net
LARGEST_FACTOR, SMALLEST_FACTOR = 64.0, 2.0**-10

T = TypeVar("T")


class Setting(NamedTuple):
    """What is chosen."""

    init_scale: float | None
    alpha: float


def mean_score(scores: NDArray[np.float64]) -> float:
    """The mean over the folds that have a score; -inf where none has."""
    known = scores[~np.isnan(scores)]
    return float(known.mean()) if known.size else -np.inf


def alphas_to_try(
    alphas: Any, auto: float, mean_of: Callable[[float], float]
) -> Iterator[float]:
    """The penalties to try with one `init_scale`, in order.

    `mean_of` gives the mean score of one that has been tried. With "auto", steps by factors
    of 4 go on while the best lies at an end, and the two factors of 2 around it come last:
    the score may have two maxima, so that the steps must not stop at the first.
    """
    if not isinstance(alphas, str):
        yield from sorted({float(alpha) for alpha in alphas}, reverse=True)
        return
    tried: list[float] = []  # factors

    def best() -> float:
        return max(tried, key=lambda factor: (mean_of(factor * auto), factor))

    for factor in FIRST_FACTORS:
        tried.append(factor)
        yield factor * auto
    while best() == max(tried) < LARGEST_FACTOR:
        tried.append(4 * max(tried))
        yield tried[-1] * auto
    while best() == min(tried) > SMALLEST_FACTOR:
        tried.append(min(tried) / 4)
        yield tried[-1] * auto
    centre = best()
    for factor in (2 * centre, centre / 2):
        yield factor * auto


def search(
    score: Callable[[Setting], tuple[NDArray[np.float64], T]],
    init_scales: Sequence[float | None],
    alphas: Any,
    auto: float,
) -> tuple[Setting, T, dict[Setting, NDArray[np.float64]]]:
    """The setting with the highest mean score, what came of it, and all scores.

    Of equal scores, the stronger penalty and the earlier scale win.

    Parameters
    ----------
    score : callable Setting -> (scores of the folds, result)
        Trains with a setting. Only the result of the best is kept.
    init_scales : list of float or None
        Scales of the start.
    alphas : "auto" or iterable of float
        Penalties.
    auto : float
        What ``alpha="auto"`` is.
    """
    scores: dict[Setting, NDArray[np.float64]] = {}
    best: list[tuple[tuple[float, float], Setting, T]] = []  # at most one
    for scale in init_scales:

        def mean_of(alpha: float, scale: float | None = scale) -> float:
            return mean_score(scores[Setting(scale, alpha)])

        for alpha in alphas_to_try(alphas, auto, mean_of):
            setting = Setting(scale, alpha)
            scores[setting], result = score(setting)
            rank = (mean_of(alpha), alpha)
            if not best or rank > best[0][0]:
                best[:] = [(rank, setting, result)]
    ((_, setting, result),) = best
    return setting, result, scores


def score_array(
    scores: dict[Setting, NDArray[np.float64]], init_scales: Sequence[float | None]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The penalties that were tried, ascending, and scores by scale, penalty and fold."""
    alphas = np.unique([setting.alpha for setting in scores])
    n_folds = next(iter(scores.values())).size
    array = np.full((len(init_scales), alphas.size, n_folds), np.nan)
    for (scale, alpha), of_folds in scores.items():
        array[init_scales.index(scale), np.searchsorted(alphas, alpha)] = of_folds
    return alphas, array
