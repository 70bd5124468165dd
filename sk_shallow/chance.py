"""Independent streams of random numbers: one choice never changes another."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state


class Chance(NamedTuple):
    """What is left to chance in one training, a stream for each purpose."""

    init: np.random.Generator
    split: np.random.RandomState
    shuffle: np.random.Generator


def draw_entropy(random_state: Any) -> list[int]:
    """What all streams of a fit follow from, drawn from a scikit-learn `random_state`."""
    generator = check_random_state(random_state)
    entropy: list[int] = generator.randint(2**32, size=4, dtype=np.uint32).tolist()
    return entropy


def streams(entropy: list[int], n_init: int) -> list[Chance]:
    """The streams of each start.

    One SeedSequence is spawned for each start of training, and that again for each
    purpose. So the first start does not depend on how many there are.
    """
    starts = np.random.SeedSequence(entropy).spawn(n_init)
    return [one_start(seed) for seed in starts]


def one_start(seed: np.random.SeedSequence) -> Chance:
    init, split, shuffle = seed.spawn(3)
    return Chance(
        init=np.random.default_rng(init),
        split=np.random.RandomState(np.random.MT19937(split)),
        shuffle=np.random.default_rng(shuffle),
    )
