"""Checks of parameters: a clear error, or nothing."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.initializers import INITIALIZERS
from sk_shallow._core.solvers import SOLVERS
from sk_shallow.exceptions import InvalidParameterError


class Requirement(NamedTuple):
    """What a parameter must be, in words and as a test."""

    words: str
    holds: Callable[[Any], bool]
    also: str = ""  # what else it may be, as a sentence


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Check every parameter of the estimator; those of the search, too, if it has them.

    Raises
    ------
    InvalidParameterError
        Names the parameter, what it must be, and the value it has.
    """
    for name, (words, holds, also) in (SEARCHED | REQUIREMENTS).items():
        value = parameters.get(name)
        if name in parameters and not holds(value):
            shown = value.item() if isinstance(value, np.generic) else value
            raise InvalidParameterError(
                f"{name} must be {words}, got {shown!r}.{also}{did_you_mean(value, holds)}"
            )


# What others call what we have, as `plain` leaves it.
SYNONYMS: dict[tuple[Any, ...], str] = {
    ("tanh",): "tansig tangent hyperbolictangent",
    ("logistic",): "sigmoid logsig expit logit",
    ("relu",): "rectifier rectified rectifiedlinear rectifiedlinearunit poslin",
    ("lbfgs",): "quasinewton",
    ("gd",): "gradientdescent batchgd batchgradientdescent",
    ("gd", "adam"): "sgd stochasticgradientdescent",
    ("adam",): "minibatch minibatchgd rmsprop adagrad",
    ("glorot_uniform", "glorot_normal"): "glorot xavier",
    ("glorot_uniform",): "xavieruniform",
    ("glorot_normal",): "xaviernormal",
    ("he_uniform", "he_normal"): "he kaiming msra",
    ("he_uniform",): "kaiminguniform",
    ("he_normal",): "kaimingnormal",
    ("lecun_uniform", "lecun_normal"): "lecun",
    ("normal", "uniform"): "random",
    ("normal",): "gaussian randn randomnormal truncatednormal",
    ("uniform",): "rand randomuniform",
    ("orthogonal",): "orthonormal qr saxe",
    ("zeros",): "0 zero zeroes",
    ("constant",): "1 one ones const",
    (True,): "yes true on",
    (False,): "no false off",
    (None,): "none",
    (-1,): "all",
}


def plain(word: str) -> str:
    """The letters and digits of a word, in lower case."""
    return re.sub(r"[\W_]", "", word.lower())


MEANINGS: dict[str, tuple[Any, ...]] = {
    **{plain(one): (one,) for one in (*ACTIVATIONS, *INITIALIZERS, *SOLVERS)},
    **{one: (one,) for one in ("auto", "balanced")},
    **{each: ours for ours, others in SYNONYMS.items() for each in others.split()},
}


TRAPS = {"zeros", "constant"}  # suggested only to whom it is the same word


def did_you_mean(value: Any, holds: Callable[[Any], bool]) -> str:
    """A question that names our word for what the user has written, if there is one."""
    if not isinstance(value, str):
        return ""
    word = plain(value)
    known = {each: [one for one in ours if holds(one)] for each, ours in MEANINGS.items()}
    known = {each: ours for each, ours in known.items() if ours}
    likely = [each for each in known if not TRAPS & set(known[each])]
    closest = [word] if word in known else get_close_matches(word, likely, n=1)
    meant = [one for each in closest for one in known[each]]
    return f" Did you mean {' or '.join(map(repr, meant))}?" if meant else ""


def is_number(value: Any) -> bool:
    """Whether `value` is a real number that a float can hold, and no bool."""
    if not isinstance(value, Real) or is_bool(value):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not is_bool(value)


def is_bool(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def is_number_from_0(value: Any) -> bool:
    return is_number(value) and bool(value >= 0)


def is_number_above_0(value: Any) -> bool:
    return is_number(value) and bool(value > 0)


def is_one_of(value: Any, *names: str) -> bool:
    return isinstance(value, str) and value in names


def integer_from(least: int) -> Requirement:
    return Requirement(
        f"an integer >= {least}",
        lambda value: is_integer(value) and value >= least,
    )


def listed(registry: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, registry))


def name_from(registry: Mapping[str, Any]) -> Requirement:
    return Requirement(
        f"one of {listed(registry)}", lambda value: is_one_of(value, *registry)
    )


def is_class_weight(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(is_number_from_0(weight) for weight in value.values())
    return value is None or is_one_of(value, "balanced")


def is_random_state(value: Any) -> bool:
    if is_integer(value):
        return bool(0 <= value < 2**32)
    return value is None or isinstance(value, np.random.RandomState)


REQUIREMENTS: dict[str, Requirement] = {
    "n_hidden": integer_from(1),
    "activation": name_from(ACTIVATIONS),
    "init": Requirement(
        f"one of {listed(INITIALIZERS)}, a callable init(rng, shape) or a tuple of arrays "
        f"(W1, b1, w2, b2)",
        lambda value: (
            is_one_of(value, *INITIALIZERS)
            or callable(value)
            or (isinstance(value, tuple | list) and len(value) == 4)
        ),
    ),
    "init_scale": Requirement(
        "a finite number >= 0",
        lambda value: value is None or is_number_from_0(value),
        " None means the scheme's own scale.",
    ),
    "alpha": Requirement(
        "a finite number >= 0",
        lambda value: is_one_of(value, "auto") or is_number_from_0(value),
        " 'auto' means a strength that suits the scale of the columns.",
    ),
    "solver": name_from(SOLVERS),
    "learning_rate": Requirement(
        "a finite number > 0",
        lambda value: value is None or is_number_above_0(value),
        " None means the solver's own rate.",
    ),
    "batch_size": integer_from(1),
    "max_iter": integer_from(1),
    "tol": Requirement("a finite number >= 0", is_number_from_0),
    "early_stopping": Requirement(
        "'auto', True or False", lambda value: is_bool(value) or is_one_of(value, "auto")
    ),
    "validation_fraction": Requirement(
        "a number between 0 and 1, both excluded",
        lambda value: is_number(value) and 0 < value < 1,
    ),
    "n_iter_no_change": Requirement(
        "an integer >= 1 or np.inf",
        lambda value: (
            (is_integer(value) and value >= 1)
            or (isinstance(value, Real) and value == math.inf)
        ),
    ),
    "class_weight": Requirement(
        "None, 'balanced' or a dict of finite numbers >= 0 by class label",
        is_class_weight,
    ),
    "warm_start": Requirement("True or False", is_bool),
    "n_init": Requirement(
        "'auto' or an integer >= 1",
        lambda value: is_one_of(value, "auto") or (is_integer(value) and value >= 1),
    ),
    "n_jobs": Requirement(
        "None or an integer other than 0",
        lambda value: value is None or (is_integer(value) and value != 0),
        " -1 means all processors.",
    ),
    "random_state": Requirement(
        "None, an integer from 0 to 2**32 - 1 or a numpy.random.RandomState",
        is_random_state,
    ),
    "verbose": Requirement(
        "True, False or an integer >= 0",
        lambda value: is_bool(value) or (is_integer(value) and value >= 0),
    ),
}


def are_numbers_from_0(values: Any) -> bool:
    is_list = isinstance(values, Sequence) or getattr(values, "ndim", 0) == 1
    return bool(is_list and len(values)) and all(map(is_number_from_0, values))


# Of `ShallowNetClassifierCV`; `cv` is checked by scikit-learn.
SEARCHED: dict[str, Requirement] = {
    "alphas": Requirement(
        "'auto' or a list of finite numbers >= 0",
        lambda value: is_one_of(value, "auto") or are_numbers_from_0(value),
    ),
    "init_scales": Requirement(
        "None or a list of finite numbers >= 0",
        lambda value: value is None or are_numbers_from_0(value),
        " None means the scheme's own scale.",
    ),
    "scoring": Requirement(
        "None, the name of one scorer, or a callable",
        lambda value: value is None or isinstance(value, str) or callable(value),
    ),
    "refit": Requirement("True or False", is_bool),
}


def check_partial_fit_parameters(parameters: Mapping[str, Any]) -> None:
    """Check the parameters that mean something else, or nothing, to `partial_fit`.

    Raises
    ------
    InvalidParameterError
        If they ask for what needs all rows at once.
    """
    if parameters["class_weight"] == "balanced":
        raise InvalidParameterError(
            "class_weight='balanced' needs all rows at once, which partial_fit does not "
            "see. Set class_weight to a dict of weights by class label."
        )
    if is_bool(parameters["early_stopping"]) and parameters["early_stopping"]:
        raise InvalidParameterError(
            "early_stopping=True needs all rows at once, which partial_fit does not see. "
            "Set early_stopping='auto' or False."
        )
