"""A scikit-learn classifier with one hidden layer, whose start is a hyperparameter."""

from sk_shallow.classifier import ShallowNetClassifier
from sk_shallow.exceptions import (
    CollapseWarning,
    InitializationWarning,
    InvalidParameterError,
    SaturationWarning,
    SymmetryWarning,
)

__version__ = "0.1.0"

__all__ = [
    "CollapseWarning",
    "InitializationWarning",
    "InvalidParameterError",
    "SaturationWarning",
    "ShallowNetClassifier",
    "SymmetryWarning",
]
