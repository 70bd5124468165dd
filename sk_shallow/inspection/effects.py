"""How the logit of a net depends on each column, and on each pair of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sk_shallow._core.activations import Vector
from sk_shallow._core.effects import EffectSums, interactions, joint_effects, own_curvature
from sk_shallow._core.slopes import slope_quantiles
from sk_shallow.inspection.effects_report import EffectsReport
from sk_shallow.inspection.missed import (
    Found,
    acting_pairs,
    curved_columns,
    recipe,
    sentences,
)
from sk_shallow.inspection.slopes import EffectsSubject, coefficients_of, effects_subject
from sk_shallow.threads.blas import on_one_blas_thread
from sk_shallow.validation.parameters import is_integer

MOST_COLUMNS = 50  # of which interactions are reported


@on_one_blas_thread
def inspect_effects(
    estimator: Any,
    X: Any,
    *,
    sample_weight: Any = None,
    n_interactions: int = 5,
    feature_names: Any = None,
    line: Any = None,
) -> EffectsReport:
    """Look at how the logit of a net depends on the columns of X.

    With one hidden layer, the slopes and curvatures of the logit have closed forms,
    ``dz2/dx_j = sum_h W1_jh w2_h phi'(Z1_h)`` and
    ``d2z2/dx_j dx_k = sum_h W1_jh W1_kh w2_h phi''(Z1_h)``. All numbers are in units of one
    standard deviation of the column, as the net gets it. Partial derivatives as importance
    are those of Dimopoulos, Bourret & Lek [1]_; the package NeuralSens for R has them, too
    [2]_.

    Parameters
    ----------
    estimator : ShallowNetClassifier, ShallowNetClassifierCV, Pipeline or search
        A fitted net; a pipeline that ends in one, whose other steps transform X; or a
        search over either, of which the best estimator counts.
    X : array, data frame or sparse matrix of shape (n_samples, n_features)
        Rows to look at, in the columns that the estimator takes.
    sample_weight : array-like of shape (n_samples,), float or None, default=None
        Their weights. Rows of weight 0 are left out.
    n_interactions : int >= 0, default=5
        How many pairs of columns that act together the text names, at most.
    feature_names : sequence of str or None, default=None
        Names of the columns that the net gets. None: those of `get_feature_names_out` of
        the steps before it, or its `feature_names_in_`, or x0, x1, and so on.
    line : LogisticRegression, Pipeline or None, default=None
        A fitted LogisticRegression, or a pipeline that ends in one, to compare with: its
        coefficients, times the standard deviations of the columns as the net gets them.

    Returns
    -------
    report : EffectsReport
        Numbers and sentences. The rows are looked at in blocks: beyond X, the memory does
        not grow with them but for a sample of at most 10,000.

    Raises
    ------
    TypeError
        If `estimator` is or holds no ShallowNetClassifier, X is on Dask, or `line` has no
        coefficients.
    sklearn.exceptions.NotFittedError
        If `estimator` or `line` is not fitted.
    ValueError
        If X or the weights are not as `fit` takes them, or do not fit the net; if
        `feature_names` or `line` has another number of columns; if `n_interactions` is no
        integer >= 0; or if numbers overflow.

    References
    ----------
    .. [1] Dimopoulos, Bourret & Lek (1995). Use of some sensitivity criteria for choosing
       networks with good generalization ability. Neural Processing Letters 2.
    .. [2] Pizarroso, Portela & Muñoz (2022). NeuralSens: sensitivity analysis of neural
       networks. Journal of Statistical Software 102(7).

    Examples
    --------
    >>> import numpy as np
    >>> from sk_shallow import ShallowNetClassifier
    >>> from sk_shallow.inspection import inspect_effects
    >>> X = np.random.default_rng(0).standard_normal((2000, 3))
    >>> y = X[:, 0] * X[:, 1] > 0
    >>> net = ShallowNetClassifier(random_state=0).fit(X, y)
    >>> report = inspect_effects(net, X, feature_names=["age", "income", "noise"])
    >>> report.missed[0][:34]
    '`age` and `income` act together: t'
    """
    if not is_integer(n_interactions) or n_interactions < 0:
        raise ValueError(f"n_interactions must be an integer >= 0, got {n_interactions!r}.")
    subject = effects_subject(estimator, X, sample_weight, feature_names)
    coefficients = None if line is None else coefficients_of(line, subject.names.size)
    return report_on(subject, coefficients, int(n_interactions))


def report_on(
    subject: EffectsSubject, coefficients: Vector | None = None, n_interactions: int = 0
) -> EffectsReport:
    """The report, with a sentence for at most so many pairs."""
    scales = subject.scales()
    sums, sampled = subject.sums(scales), subject.sampled(scales)
    statistics = slope_statistics(sums)
    columns = most_important(statistics["importance"])
    second = interactions(subject.nets, sums, scales, columns)
    joint = joint_effects(subject.nets, sampled, scales, columns, second.mean)
    own = own_curvature(sampled, scales, columns, joint)
    own[scales.is_two_valued[columns]] = 0
    ranges = slope_quantiles(sampled, 0.05, 0.95)
    found = Found(subject.names, columns, statistics["importance"], ranges, own, joint)
    curved, pairs = curved_columns(found), acting_pairs(found, n_interactions)
    return EffectsReport(
        activation=subject.nets[0].activation.name,
        n_rows=sums.slopes.n_rows,
        n_units=sum(net.n_hidden for net in subject.nets),
        feature_names=subject.names,
        sd=scales.deviation,
        is_two_valued=scales.is_two_valued,
        **statistics,
        slope_range=ranges,
        interaction_columns=columns,
        interactions=second.root_mean_square,
        line_coefficients=None if coefficients is None else coefficients * scales.deviation,
        missed=sentences(found, curved, pairs),
        recipe=recipe(found, curved, pairs, subject.is_by_name, sparse.issparse(subject.X)),
    )


def most_important(importance: Vector) -> NDArray[np.intp]:
    """The columns of which interactions are reported, in the order of X."""
    return np.sort(np.argsort(-importance, kind="stable")[:MOST_COLUMNS])


def slope_statistics(sums: EffectSums) -> dict[str, Any]:
    """The attributes of the report that come from the moments of the slopes."""
    mean, importance = sums.slopes.mean, np.sqrt(sums.slopes.mean_square)
    share = np.full_like(mean, np.nan)
    np.divide(mean, importance, share, where=importance > 0)
    each, has_spread = sums.slopes_of_nets, len(sums.slopes_of_nets) > 1
    means = [one.mean for one in each]
    importances = [np.sqrt(one.mean_square) for one in each]
    return {
        "mean_slope": mean,
        "sd_slope": sums.slopes.deviation,
        "importance": importance,
        "linear_share": share**2,
        "mean_slope_spread": np.std(means, axis=0) if has_spread else None,
        "importance_spread": np.std(importances, axis=0) if has_spread else None,
    }
