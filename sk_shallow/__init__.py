"""A scikit-learn classifier with one hidden layer, whose start is a hyperparameter."""

from sk_shallow.classifier import ShallowNetClassifier
from sk_shallow.cross_validation import ShallowNetClassifierCV
from sk_shallow.exceptions import (
    CollapseWarning,
    InconsistentVersionWarning,
    InitializationWarning,
    InvalidParameterError,
    SaturationWarning,
    SymmetryWarning,
)
from sk_shallow.version import __version__

__all__ = [
    "CollapseWarning",
    "InconsistentVersionWarning",
    "InitializationWarning",
    "InvalidParameterError",
    "SaturationWarning",
    "ShallowNetClassifier",
    "ShallowNetClassifierCV",
    "SymmetryWarning",
    "__version__",
]
