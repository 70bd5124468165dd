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
FITTED = (  # what predictions, reports and calls that continue need
    "classes_",
    "coefs_",
    "intercepts_",
    "n_features_in_",
    "alpha_",
    "n_samples_seen_",
    "total_weight_",
    "_activation",
    "_class_weights",
    "_entropy",
    "_adam_state",
    "_columns",
)


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
        If a parameter is missing, or something that a fitted net needs: the version that
        stored it was too old, or too new.

    Warns
    -----
    InconsistentVersionWarning
        If another version stored it.
    """
    state = dict(state)
    version = state.pop(STAMP, None)
    needed = [*parameters, *(FITTED if "coefs_" in state else ())]
    missing = [attribute for attribute in needed if attribute not in state]
    if missing:
        raise ValueError(
            f"This {name} was stored by sk_shallow {version or '(version unknown)'}, and "
            f"sk_shallow {__version__} cannot read it: it has no {', '.join(missing)}. "
            f"Load it with the version that stored it, or fit it again."
        )
    if version != __version__:
        warning = InconsistentVersionWarning(
            estimator_name=name,
            current_sklearn_version=__version__,
            original_sklearn_version=version or "unknown",
        )
        warnings.warn(warning, stacklevel=3)
    return state
