"""The stamp on a stored net: which version wrote it, and whether this one can read it.

pickle, joblib and skops all store what `__getstate__` gives and hand it to
`__setstate__`, so one stamp serves the three.
"""

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from sk_shallow.exceptions import InconsistentVersionWarning
from sk_shallow.version import __version__

STAMP = "_sk_shallow_version"
NEEDED_TO_PREDICT = ("classes_", "coefs_", "intercepts_", "n_features_in_", "_activation")


def stamped(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state of an estimator, with the version that stores it."""
    return {**state, STAMP: __version__}


def read_stamped(
    name: str, state: Mapping[str, Any], parameters: Iterable[str]
) -> dict[str, Any]:
    """The state without its stamp, if this version can work with it.

    Raises
    ------
    ValueError
        If a parameter is missing, or something that a fitted net predicts with: the
        version that stored it was too old, or too new.

    Warns
    -----
    InconsistentVersionWarning
        If another version stored it.
    """
    state = dict(state)
    version = state.pop(STAMP, None)
    needed = [*parameters, *(NEEDED_TO_PREDICT if "coefs_" in state else ())]
    missing = [attribute for attribute in needed if attribute not in state]
    if missing:
        raise ValueError(
            f"This {name} was stored by {_package(version)}, and sk_shallow {__version__} "
            f"cannot read it: it has no {', '.join(missing)}. Load it with the version "
            f"that stored it, or fit it again."
        )
    if version != __version__:
        warnings.warn(
            f"This {name} was stored by {_package(version)} and is loaded by sk_shallow "
            f"{__version__}. Check its predictions, or fit it again.",
            InconsistentVersionWarning,
            stacklevel=3,
        )
    return state


def _package(version: str | None) -> str:
    return (
        "an unknown version of sk_shallow" if version is None else f"sk_shallow {version}"
    )
