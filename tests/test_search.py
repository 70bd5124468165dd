"""The search for a setting, on scores that are made up."""

import numpy as np
import pytest

from sk_shallow.training.search import (
    FIRST_FACTORS,
    LARGEST_FACTOR,
    SMALLEST_FACTOR,
    Setting,
    mean_score,
    score_array,
    search,
)

AUTO = 3.0


def searched(score_of, alphas="auto", init_scales=(None,)):
    """The best setting, and those that were tried, in order; scores of two folds."""
    tried = []

    def score(setting):
        tried.append(setting)
        value = score_of(setting)
        return np.array([value - 1, value + 1]), f"net {len(tried) - 1}"

    setting, result, scores = search(score, init_scales, alphas, AUTO)
    assert list(scores) == tried
    assert result == f"net {tried.index(setting)}"
    return setting, tried


def factors_tried(score_of_factor):
    best, tried = searched(lambda setting: score_of_factor(setting.alpha / AUTO))
    return best.alpha / AUTO, [setting.alpha / AUTO for setting in tried]


def peak(*places):
    """The score falls from the nearest place on; the first is the highest, by a little."""
    return lambda factor: max(
        -abs(np.log2(factor / place)) - 0.1 * number for number, place in enumerate(places)
    )


@pytest.mark.parametrize(
    ("place", "tried"),
    [
        (1, [4, 1, 1 / 4, 1 / 16, 2, 1 / 2]),
        (0.25, [4, 1, 1 / 4, 1 / 16, 1 / 2, 1 / 8]),
        (2, [4, 1, 1 / 4, 1 / 16, 16, 8, 2]),
        (64, [4, 1, 1 / 4, 1 / 16, 16, 64, 128, 32]),
        (2**-10, [4, 1, 1 / 4, 1 / 16, 2**-6, 2**-8, 2**-10, 2**-9, 2**-11]),
    ],
)
def test_the_factors_of_2_come_last_and_lie_around_the_best(place, tried):
    best, factors = factors_tried(peak(place))
    assert factors == pytest.approx(tried)
    assert best == pytest.approx(place)


def test_of_two_valleys_the_better_one_is_found():
    best, factors = factors_tried(peak(1 / 16, 4))  # one that stops at the first finds 4
    assert best == pytest.approx(1 / 16)
    assert factors[-2:] == pytest.approx([1 / 8, 1 / 32])


@pytest.mark.parametrize(
    ("direction", "limit"), [(1, LARGEST_FACTOR), (-1, SMALLEST_FACTOR)]
)
def test_a_score_that_only_rises_ends_at_the_limit(direction, limit):
    _, factors = factors_tried(lambda factor: direction * np.log(factor))
    by_fours = factors[:-2]
    assert direction * np.log(by_fours[-1]) == pytest.approx(direction * np.log(limit))
    assert all(direction * factor <= direction * limit for factor in by_fours)
    assert factors[-2:] == pytest.approx([2 * limit, limit / 2])


@pytest.mark.parametrize("score", [0.0, np.nan])
def test_of_equal_scores_and_of_none_the_strongest_penalty_is_kept(score):
    best, factors = factors_tried(lambda factor: score)
    assert best == max(factors)
    assert factors == pytest.approx([4, 1, 1 / 4, 1 / 16, 16, 64, 128, 32])
    setting, _ = searched(lambda setting: score, alphas=[1.0, 10.0, 0.1])
    assert setting.alpha == 10


def test_given_penalties_are_tried_once_each_from_the_strongest_on():
    _, tried = searched(lambda setting: 0.0, alphas=np.array([0.1, 10, 0, 10], np.float32))
    np.testing.assert_allclose([setting.alpha for setting in tried], [10, 0.1, 0])


def test_each_scale_is_searched_for_itself_and_the_best_of_all_is_kept():
    places = {0.1: 1, 1.0: 64}
    heights = {0.1: 0.5, 1.0: 0}

    def score_of(setting):
        scale = setting.init_scale
        return heights[scale] + peak(places[scale])(setting.alpha / AUTO)

    best, tried = searched(score_of, init_scales=[0.1, 1.0])
    assert best == Setting(0.1, AUTO)
    for scale, place in places.items():
        alone, of_scale = factors_tried(peak(place))
        assert alone == pytest.approx(place)
        assert [
            setting.alpha / AUTO for setting in tried if setting.init_scale == scale
        ] == pytest.approx(of_scale)


def test_a_fold_without_score_is_left_out_of_the_mean():
    assert mean_score(np.array([1.0, np.nan, 3.0])) == 2
    assert mean_score(np.full(2, np.nan)) == -np.inf


def test_the_array_has_a_place_for_each_scale_penalty_and_fold():
    scores = {
        Setting(0.1, 2.0): np.array([1.0, 2.0]),
        Setting(0.1, 0.5): np.array([3.0, np.nan]),
        Setting(None, 1.0): np.array([5.0, 6.0]),
    }
    alphas, array = score_array(scores, [0.1, None])
    np.testing.assert_array_equal(alphas, [0.5, 1, 2])
    nan = [np.nan, np.nan]
    np.testing.assert_array_equal(array, [[[3, np.nan], nan, [1, 2]], [nan, [5, 6], nan]])


def test_the_first_factors_are_steps_of_4():
    np.testing.assert_array_equal(np.diff(np.log2(FIRST_FACTORS)), -2)
