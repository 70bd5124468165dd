"""Pictures of a net and of its start, in the style of scikit-learn's displays."""

from sk_shallow.inspection.displays.activations import ActivationDisplay
from sk_shallow.inspection.displays.comparison import ComparisonDisplay
from sk_shallow.inspection.displays.cross_validation import CrossValidationDisplay
from sk_shallow.inspection.displays.effects import EffectsDisplay
from sk_shallow.inspection.displays.init_scales import InitScaleDisplay
from sk_shallow.inspection.displays.loss_curves import LossCurveDisplay
from sk_shallow.inspection.displays.similarity import HiddenUnitSimilarityDisplay

__all__ = [
    "ActivationDisplay",
    "ComparisonDisplay",
    "CrossValidationDisplay",
    "EffectsDisplay",
    "HiddenUnitSimilarityDisplay",
    "InitScaleDisplay",
    "LossCurveDisplay",
]
