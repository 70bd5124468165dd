"""How strongly the weights of a net connect each column with the output."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sk_shallow._core.activations import Vector
from sk_shallow.inspection.subjects import unwrap


def connection_weights(estimator: Any, *, signed: bool = False) -> Vector:
    """Sum over the hidden units of the products of weights that lead through them.

    Without `signed`, of each column j: ``sum_h |W1_jh| |w2_h|``, which is 0 only if the net
    does not use the column. It is what to give to
    :class:`~sklearn.feature_selection.RFECV` or
    :class:`~sklearn.feature_selection.SelectFromModel` as ``importance_getter``.

    With `signed`, ``sum_h W1_jh w2_h``, the connection weights of Olden, Joy & Death [1]_:
    where tanh is about linear, the slope of the logit. Units of opposite sign cancel, so
    that of a column with a symmetric effect is near 0, although the net uses it.

    Both compare columns of the same scale only: standardise X.

    Parameters
    ----------
    estimator : ShallowNetClassifier, ShallowNetClassifierCV, Pipeline or search
        A fitted net; a pipeline that ends in one; or a search over either. The columns are
        those that the net itself gets.
    signed : bool, default=False
        Whether products keep their sign.

    Returns
    -------
    weights : ndarray of shape (n_features,)
        One number for each column.

    Raises
    ------
    TypeError
        If `estimator` is or holds no ShallowNetClassifier.
    sklearn.exceptions.NotFittedError
        If it is not fitted.

    References
    ----------
    .. [1] Olden, Joy & Death (2004). An accurate comparison of methods for quantifying
       variable importance in artificial neural networks using simulated data. Ecological
       Modelling 178.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.feature_selection import RFE
    >>> from sk_shallow import ShallowNetClassifier
    >>> from sk_shallow.inspection import connection_weights
    >>> X, y = load_iris(return_X_y=True)
    >>> net = ShallowNetClassifier(4, random_state=0)
    >>> rfe = RFE(net, n_features_to_select=2, importance_getter=connection_weights)
    >>> int(rfe.fit(X[:100], y[:100]).support_.sum())
    2
    """
    net, _, _ = unwrap(estimator, None, None, at_start=False)
    check_is_fitted(net)
    W1, W2 = net.coefs_
    if not signed:
        W1, W2 = np.abs(W1), np.abs(W2)
    weights: Vector = (W1.astype(np.float64) @ W2.astype(np.float64))[:, 0]
    return weights
