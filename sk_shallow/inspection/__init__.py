"""Look at a net: what its hidden layer does with a table, in words and in pictures.

Pictures need matplotlib, which is imported when one is drawn.
"""

from sk_shallow.inspection.comparison import (
    LogisticRegressionComparison,
    compare_with_logistic_regression,
)
from sk_shallow.inspection.displays import (
    ActivationDisplay,
    ComparisonDisplay,
    CrossValidationDisplay,
    EffectsDisplay,
    HiddenUnitSimilarityDisplay,
    InitScaleDisplay,
    LossCurveDisplay,
)
from sk_shallow.inspection.effects import inspect_effects
from sk_shallow.inspection.effects_report import EffectsReport
from sk_shallow.inspection.monitors import HiddenLayerMonitor
from sk_shallow.inspection.reports import HiddenLayerReport, inspect_hidden_layer
from sk_shallow.inspection.weights import connection_weights

__all__ = [
    "ActivationDisplay",
    "ComparisonDisplay",
    "CrossValidationDisplay",
    "EffectsDisplay",
    "EffectsReport",
    "HiddenLayerMonitor",
    "HiddenLayerReport",
    "HiddenUnitSimilarityDisplay",
    "InitScaleDisplay",
    "LogisticRegressionComparison",
    "LossCurveDisplay",
    "compare_with_logistic_regression",
    "connection_weights",
    "inspect_effects",
    "inspect_hidden_layer",
]
