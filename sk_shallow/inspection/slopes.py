"""What slopes are looked at on: the nets, the rows, and the names of the columns."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sk_shallow._core.activations import Vector
from sk_shallow._core.effects import EffectSums, effect_sums
from sk_shallow._core.parameters import Net, average, cast
from sk_shallow._core.rows import Column, Matrix
from sk_shallow._core.slopes import (
    ColumnScales,
    SampledSlopes,
    column_scales,
    row_bytes,
    sampled_slopes,
)
from sk_shallow._core.table import ArrayTable
from sk_shallow.inspection.subjects import (
    check_in_memory,
    column_names,
    is_search,
    searched,
    unwrap,
)
from sk_shallow.threads.pool import sharing
from sk_shallow.validation import check_is_finite, check_sample_weight, read_table

MOST_ROWS = 10_000  # of a sample


class EffectsSubject(NamedTuple):
    """A fitted net and some rows in memory, as the net gets them."""

    nets: list[Net]  # whose average it is, in float64
    X: Matrix
    sample_weight: Column
    names: NDArray[np.object_]  # of the columns
    is_by_name: bool  # whether the net knows them by these names

    def scales(self) -> ColumnScales:
        """Standard deviation and range of each column.

        Raises
        ------
        ValueError
            If X holds NaN or infinity, or the variance of a column overflows.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            scales = column_scales(ArrayTable(self.X), self.sample_weight)
        self._check_finite(scales.deviation, "their variance overflows")
        return scales

    def sums(self, scales: ColumnScales) -> EffectSums:
        """The sums over all rows, in several threads.

        Raises
        ------
        ValueError
            If they overflow.
        """
        with (
            np.errstate(over="ignore", invalid="ignore"),
            sharing(self.X.shape[0], row_bytes(self.nets)) as run,
        ):
            sums = effect_sums(self.nets, self.X, self.sample_weight, scales, run)
        self._check_finite(sums.slopes.mean_square, "their effects overflow")
        return sums

    def sampled(self, scales: ColumnScales, most: int = MOST_ROWS) -> SampledSlopes:
        """The slopes on some of the rows."""
        return sampled_slopes(self.nets, self.X, self.sample_weight, scales, most)

    def _check_finite(self, values: Vector, what: str) -> None:
        if not np.isfinite(values).all():
            check_is_finite(ArrayTable(self.X), "X")
            names = ", ".join(map(repr, self.names[~np.isfinite(values)][:3]))
            raise ValueError(
                f"X has values too large in the columns {names}: {what}. Scale X, as with "
                f"sklearn.preprocessing.StandardScaler."
            )


def effects_subject(
    estimator: Any, X: Any, sample_weight: Any, feature_names: Any
) -> EffectsSubject:
    """The net inside `estimator`, with checked rows and names.

    Raises
    ------
    TypeError
        If there is no ShallowNetClassifier inside, or X is on Dask.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    ValueError
        If X, the weights or the names are not as they should be.
    """
    check_in_memory(X)
    net, X, _ = unwrap(estimator, X, None, None, at_start=False)
    check_is_fitted(net)
    X = read_table(net, X, reset=False)
    weight = check_sample_weight(sample_weight, X.shape[0])
    names = column_names(estimator, net)
    if feature_names is not None:
        names = checked_names(feature_names, names.size)
    is_by_name = np.array_equal(names, getattr(net, "feature_names_in_", ()))
    return EffectsSubject(nets_of(net), X, weight, names, is_by_name)


def nets_of(net: Any) -> list[Net]:
    """The nets whose average the fitted net is, or that net alone; in float64."""
    fitted = net._net()
    nets = [one._net() for one in getattr(net, "estimators_", ())]
    is_average = nets and all(
        one.shape == other.shape and np.allclose(one, other, 1e-5, 1e-6)  # float32
        for one, other in zip(average(nets).weights, fitted.weights, strict=True)
    )
    return [cast(one, np.float64) for one in (nets if is_average else [fitted])]


def checked_names(feature_names: Any, n_features: int) -> NDArray[np.object_]:
    """The names given, one for each column.

    Raises
    ------
    ValueError
        If there are more or fewer than columns.
    """
    names = [str(name) for name in feature_names]
    if isinstance(feature_names, str) or len(names) != n_features:
        raise ValueError(
            f"feature_names must have a name for each of the {n_features} columns that the "
            f"net gets, got {feature_names!r}."
        )
    return np.array(names, dtype=object)


def coefficients_of(line: Any, n_features: int) -> Vector:
    """The coefficients of a fitted LogisticRegression, or of the one a pipeline ends in.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    TypeError
        If it has no coefficients.
    ValueError
        If they are not one for each column.
    """
    while isinstance(line, Pipeline) or is_search(line):
        line = line[-1] if isinstance(line, Pipeline) else searched(line, at_start=False)
    if not hasattr(line, "fit"):
        raise TypeError(f"line must be a fitted LogisticRegression, got {line!r}.")
    check_is_fitted(line)
    if not hasattr(line, "coef_"):
        raise TypeError(
            f"line must be a fitted LogisticRegression, or a Pipeline that ends in one; "
            f"got {type(line).__name__}."
        )
    coef = line.coef_.toarray() if sparse.issparse(line.coef_) else line.coef_
    coefficients: Vector = np.atleast_2d(np.asarray(coef, dtype=np.float64))
    if coefficients.shape != (1, n_features):
        raise ValueError(
            f"line must have one coefficient for each of the {n_features} columns that the "
            f"net gets, got coef_ of shape {coefficients.shape}. Fit it to the same X."
        )
    of_columns: Vector = coefficients[0]
    return of_columns
