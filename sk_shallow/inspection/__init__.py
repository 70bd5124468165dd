"""Look at a net: what its hidden layer does with the rows of a table."""

from sk_shallow.inspection.reports import HiddenLayerReport, inspect_hidden_layer

__all__ = ["HiddenLayerReport", "inspect_hidden_layer"]
