"""Streams of random numbers are independent, and follow from the seed."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from sk_shallow.chance import draw_entropy, streams


def first_stream(random_state):
    return streams(draw_entropy(random_state), n_init=1)[0]


def test_streams_are_independent_and_follow_from_the_seed():
    init, other_init = first_stream(3).init, first_stream(3).init
    assert init.random() == other_init.random()
    # Drawing from one stream leaves the other where it was.
    drained = first_stream(3)
    drained.init.random(1000)
    rows = np.arange(50)
    first, second = (
        train_test_split(rows, random_state=chance.split)[0]
        for chance in (drained, first_stream(3))
    )
    np.testing.assert_array_equal(first, second)


def test_no_two_streams_are_the_same():
    first, second = streams(draw_entropy(0), n_init=2)
    draws = [
        stream.random(4).tolist()
        for chance in (first, second)
        for stream in (chance.init, chance.shuffle)
    ]
    assert len({tuple(draw) for draw in draws}) == 4


@pytest.mark.parametrize("seed", [0, np.int64(7), np.random.RandomState(0), None])
def test_every_kind_of_random_state_gives_streams(seed):
    assert 0 <= first_stream(seed).init.random() < 1


def test_a_random_state_instance_moves_on():
    generator = np.random.RandomState(0)
    assert first_stream(generator).init.random() != first_stream(generator).init.random()
