"""What a hidden layer does with the rows of a table, in numbers and in words."""

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_shallow._core.activations import Vector
from sk_shallow._core.diagnostics import effective_rank
from sk_shallow._core.objective import Objective
from sk_shallow._core.parameters import flatten, unflatten
from sk_shallow.advice.layer import Subject, verdicts_on
from sk_shallow.advice.wording import plural
from sk_shallow.inspection.subjects import check_tol, find_subject
from sk_shallow.threads.blas import on_one_blas_thread


@dataclass(frozen=True, eq=False)
class HiddenLayerReport:
    """What :func:`inspect_hidden_layer` found.

    ``print(report)`` shows a table and a verdict for each problem; `to_dict` gives the
    numbers of each unit in a form that data frames are made of.

    Attributes
    ----------
    activation : str
        The function phi.
    at_start : bool
        Whether the weights are those of the start, before any training.
    n_rows : int
        Rows looked at: those of weight > 0.
    n_units : int
        Units of the hidden layer.
    groups : tuple of tuples of int
        Units that compute the same function on these rows, by number.
    effective_rank : float
        Directions that the hidden representation uses, from 0 to `n_units`: the
        exponential of the entropy of its normalised singular values, centred [1]_.
    saturated_share : ndarray of shape (n_units,)
        Share of rows on which the slope of phi is under 5 % of its maximum.
    is_dead : ndarray of shape (n_units,)
        Whether the slope is under that on every row. With relu, such a unit never learns.
    pre_activation_mean, pre_activation_sd : ndarray of shape (n_units,)
        Mean and standard deviation of Z1 over the rows.
    gradient_norms : dict or None
        Euclidean norm of the gradient of J in the weights and biases of the layers
        "hidden" and "output"; None where y was not given.
    verdicts : tuple of str
        A sentence for each problem, with what to change.

    References
    ----------
    .. [1] Roy & Vetterli (2007). The effective rank: a measure of effective
       dimensionality. EUSIPCO.
    """

    activation: str
    at_start: bool
    n_rows: int
    n_units: int
    groups: tuple[tuple[int, ...], ...]
    effective_rank: float
    saturated_share: Vector
    is_dead: NDArray[np.bool_]
    pre_activation_mean: Vector
    pre_activation_sd: Vector
    gradient_norms: dict[str, float] | None
    verdicts: tuple[str, ...]

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @property
    def n_distinct(self) -> int:
        """Number of different functions that the units compute."""
        return len(self.groups)

    @property
    def n_dead(self) -> int:
        """Number of units that are flat on every row."""
        return int(self.is_dead.sum())

    def to_dict(self) -> dict[str, NDArray[Any]]:
        """One column for each quantity and one entry for each unit.

        Returns
        -------
        columns : dict of str to ndarray of shape (n_units,)
            As ``pandas.DataFrame(report.to_dict())`` or ``polars.DataFrame(...)`` takes it.
        """
        group = np.empty(self.n_units, dtype=np.intp)
        for number, units in enumerate(self.groups):
            group[list(units)] = number
        return {
            "unit": np.arange(self.n_units),
            "group": group,
            "saturated_share": self.saturated_share,
            "is_dead": self.is_dead,
            "pre_activation_mean": self.pre_activation_mean,
            "pre_activation_sd": self.pre_activation_sd,
        }

    def __str__(self) -> str:
        width = max(len(name) for name, _ in self._lines())
        table = [f"{name:{width}}  {value}" for name, value in self._lines()]
        return "\n".join([self._title(), *table, *self._conclusion()])

    def _repr_html_(self) -> str:
        table = "".join(
            f"<tr><th style='text-align: left'>{escape(name)}</th>"
            f"<td style='text-align: left'>{escape(value)}</td></tr>"
            for name, value in self._lines()
        )
        conclusion = "".join(f"<p>{escape(text)}</p>" for text in self._conclusion())
        return (
            f"<table><caption>{escape(self._title())}</caption>{table}</table>{conclusion}"
        )

    def _title(self) -> str:
        when = "at the start" if self.at_start else "after training"
        return f"Hidden layer ({self.activation}) {when}, on {plural(self.n_rows, 'row')}"

    def _lines(self) -> list[tuple[str, str]]:
        saturated, means, sds = (
            self.saturated_share,
            self.pre_activation_mean,
            self.pre_activation_sd,
        )
        flat = "dead or flat" if self.activation == "relu" else "saturated"
        lines = [
            ("units", f"{self.n_units}, of which {self.n_distinct} distinct"),
            ("effective rank", f"{self.effective_rank:.1f} of {self.n_units}"),
            (flat, f"{saturated.mean():.1%} of all activations"),
            ("flat on every row", plural(self.n_dead, "unit")),
            ("mean of Z1", f"{means.min():.3g} to {means.max():.3g}"),
            ("sd of Z1", f"{sds.min():.3g} to {sds.max():.3g}"),
        ]
        if self.gradient_norms is not None:
            norms = ", ".join(f"{k} {v:.3g}" for k, v in self.gradient_norms.items())
            lines.append(("gradient norm", norms))
        return lines

    def _conclusion(self) -> list[str]:
        if not self.verdicts:
            return ["No problem found."]
        return [f"- {verdict}" for verdict in self.verdicts]


@on_one_blas_thread
def inspect_hidden_layer(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    sample_weight: Any = None,
    at_start: bool = False,
    tol: float = 1e-6,
) -> HiddenLayerReport:
    """Look at what the hidden layer of a net does with the rows of X.

    Parameters
    ----------
    estimator : ShallowNetClassifier, ShallowNetClassifierCV, Pipeline or search
        A net; a pipeline that ends in one, whose other steps transform X; or a search
        over either, of which the best estimator counts.
    X : array, data frame or sparse matrix of shape (n_samples, n_features)
        Rows to look at, in the columns that the estimator takes.
    y : array-like of shape (n_samples,) or None, default=None
        Their labels, for the gradient norms: those of J on these rows, with the `alpha_`
        and the class weights of the net.
    sample_weight : array-like of shape (n_samples,), float or None, default=None
        Their weights, for the gradient norms and for a start that is fitted to the rows.
        Rows of weight 0 are left out; all others count once. y has to be given, too.
    at_start : bool, default=False
        Whether to look at the weights that `fit` would start from on this data, instead
        of those that it ended with: with `n_init` above 1, the first; with
        ``warm_start=True``, those of the last fit. Nothing is trained, and the estimator
        need not be fitted; the steps of a pipeline before it are fitted to X afresh. It is
        the start of ``fit(X, y)`` to the bit if y is given and `random_state` is an
        integer.
    tol : float > 0, default=1e-6
        Two units count as the same function if the root mean square of their difference
        over the rows is at most `tol` times that of the larger (rounding sets a floor of
        4e-8), and so do units that a chain of such pairs connects. With tanh, a unit and
        its mirror image (which differ in sign) count as the same.

    Returns
    -------
    report : HiddenLayerReport
        Numbers and verdicts. The rows are looked at in blocks: beyond X, the memory
        grows by a few numbers for each row (its label and weight) and no more.

    Raises
    ------
    TypeError
        If `estimator` is or holds no ShallowNetClassifier, or X is on Dask.
    sklearn.exceptions.NotFittedError
        If it is not fitted, and `at_start` is False.
    ValueError
        If X, y or the weights are not as `fit` takes them, or do not fit the net; or if
        numbers overflow.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sk_shallow import ShallowNetClassifier
    >>> from sk_shallow.inspection import inspect_hidden_layer
    >>> X, y = load_iris(return_X_y=True)
    >>> net = ShallowNetClassifier(4, init="constant", init_scale=0.1)
    >>> print(
    ...     inspect_hidden_layer(net, X[:100], y[:100], at_start=True)
    ... )  # doctest: +NORMALIZE_WHITESPACE
    Hidden layer (tanh) at the start, on 100 rows
    units              4, of which 1 distinct
    effective rank     1.0 of 4
    saturated          0.0% of all activations
    flat on every row  0 units
    mean of Z1         1.22 to 1.22
    sd of Z1           0.233 to 0.233
    gradient norm      hidden 0.0937, output 0.113
    - All 4 hidden units compute the same function: the net is worth one unit. Set
    init='glorot_uniform' and init_scale=1.
    """
    check_tol(tol)
    subject = find_subject(estimator, X, y, sample_weight, at_start=at_start)
    start, statistics = subject.start, subject.statistics()
    groups, rank = subject.groups(statistics, tol), effective_rank(statistics)
    verdicts = verdicts_on(subject, statistics, groups, rank)
    return HiddenLayerReport(
        activation=start.net.activation.name,
        at_start=at_start,
        n_rows=statistics.n_rows,
        n_units=start.net.n_hidden,
        groups=tuple(tuple(group) for group in groups),
        effective_rank=rank,
        saturated_share=statistics.flat_share,
        is_dead=statistics.flat_share == 1,
        pre_activation_mean=statistics.mean,
        pre_activation_sd=statistics.deviation,
        gradient_norms=gradient_norms(subject),
        verdicts=verdicts,
    )


def gradient_norms(subject: Subject) -> dict[str, float] | None:
    """The norm of the gradient of J in each layer."""
    if not subject.has_labels:
        return None
    net = subject.net
    objective = Objective(subject.rows, net, subject.alpha)
    with np.errstate(over="ignore", invalid="ignore"):
        gradient = objective(flatten(net)).gradient
    shape = net.n_features, net.n_hidden, net.activation
    dW1, db1, dw2, db2 = unflatten(gradient, *shape).weights
    return {
        "hidden": float(np.hypot(np.linalg.norm(dW1), np.linalg.norm(db1))),
        "output": float(np.hypot(np.linalg.norm(dw2), np.linalg.norm(db2))),
    }
