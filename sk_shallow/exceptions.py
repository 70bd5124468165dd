"""Warnings and errors of this package.

All starts are legal; of identical, saturated and dead units, and of a constant net, `fit`
warns. To make an error of each warning about a bad start:
``warnings.simplefilter("error", InitializationWarning)``.
"""

import sklearn.exceptions


class InitializationWarning(UserWarning):
    """The start of training is, or was, a bad one."""


class SymmetryWarning(InitializationWarning):
    """All hidden units start identical, so they stay identical."""


class SaturationWarning(InitializationWarning):
    """Most of the hidden layer starts where its activation is flat."""


class CollapseWarning(InitializationWarning):
    """Training ended at a net that predicts the same probability for every row."""


class InconsistentVersionWarning(sklearn.exceptions.InconsistentVersionWarning):
    """A stored net was loaded that another version of sk_shallow had stored.

    A kind of scikit-learn's warning of the same name, so that a filter for the one is
    a filter for both. Its attributes, whose names are scikit-learn's, are versions of
    sk_shallow.
    """

    def __str__(self) -> str:
        return (
            f"This {self.estimator_name} was stored by sk_shallow "
            f"{self.original_sklearn_version} and is loaded by sk_shallow "
            f"{self.current_sklearn_version}. Check its predictions, or fit it again."
        )


class InvalidParameterError(ValueError, TypeError):
    """A parameter of the estimator has a wrong type or value.

    Both a ValueError and a TypeError, as scikit-learn's own error of this kind is.
    """
