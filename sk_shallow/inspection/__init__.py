"""Look at a net: what its hidden layer does with a table, in words and in pictures.

Pictures need matplotlib, which is imported when one is drawn.
"""

from sk_shallow.inspection.displays import (
    ActivationDisplay,
    CrossValidationDisplay,
    HiddenUnitSimilarityDisplay,
    InitScaleDisplay,
    LossCurveDisplay,
)
from sk_shallow.inspection.monitors import HiddenLayerMonitor
from sk_shallow.inspection.reports import HiddenLayerReport, inspect_hidden_layer
from sk_shallow.inspection.weights import connection_weights

__all__ = [
    "ActivationDisplay",
    "CrossValidationDisplay",
    "HiddenLayerMonitor",
    "HiddenLayerReport",
    "HiddenUnitSimilarityDisplay",
    "InitScaleDisplay",
    "LossCurveDisplay",
    "connection_weights",
    "inspect_hidden_layer",
]
