"""Warnings and errors of this package.

All starts are legal, but none of the bad ones is silent. To turn every word about a
bad start into an error: ``warnings.simplefilter("error", InitializationWarning)``.
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
    a filter for both.
    """

    def __init__(self, message: str) -> None:
        UserWarning.__init__(self, message)

    def __str__(self) -> str:
        return str(self.args[0])


class InvalidParameterError(ValueError, TypeError):
    """A parameter of the estimator has a wrong type or value.

    Both a ValueError and a TypeError, as scikit-learn's own error of this kind is.
    """
