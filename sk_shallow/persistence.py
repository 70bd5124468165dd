"""The stamp on a stored net: which version wrote it, and whether this one can read it.

pickle, joblib and skops all store what `__getstate__` gives and hand it to
`__setstate__`, so one stamp serves the three.
"""

import warnings
from collections.abc import Iterable, Mapping
from inspect import signature
from typing import Any

from sk_shallow.exceptions import InconsistentVersionWarning
from sk_shallow.version import __version__

STAMP = "_sk_shallow_version"
PREDICTING = (  # what predictions and reports need
    "classes_",
    "coefs_",
    "intercepts_",
    "n_features_in_",
    "alpha_",
    "_activation",
    "_class_weights",
)
FITTED = (  # and calls that continue
    *PREDICTING,
    "n_samples_seen_",
    "total_weight_",
    "_entropy",
    "_adam_state",
    "_columns",
)


def stamped(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state of an estimator, with the version that stores it."""
    return {**state, STAMP: __version__}


def own_parameters(kind: type) -> Iterable[str]:
    """Those of a class of ours; of a subclass by others, those that it has from us."""
    ours = [one for one in kind.__mro__ if one.__module__.startswith(__package__)]
    return signature(ours[0]).parameters


def read_stamped(
    kind: type, state: Mapping[str, Any], fitted: Iterable[str]
) -> dict[str, Any]:
    """The state without its stamp, if this version can work with it.

    `fitted` are the attributes that a fitted estimator of this kind needs.

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
    needed = [*own_parameters(kind), *(fitted if "coefs_" in state else ())]
    missing = [attribute for attribute in needed if attribute not in state]
    if missing:
        raise ValueError(
            f"This {kind.__name__} was stored by sk_shallow "
            f"{version or '(version unknown)'}, and sk_shallow {__version__} cannot read "
            f"it: it has no {', '.join(missing)}. "
            f"Load it with the version that stored it, or fit it again."
        )
    if version != __version__:
        warning = InconsistentVersionWarning(
            estimator_name=kind.__name__,
            current_sklearn_version=__version__,
            original_sklearn_version=version or "unknown",
        )
        warnings.warn(warning, stacklevel=3)
    return state
