"""A net beside LogisticRegression on the same folds."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sk_shallow._core.activations import Vector
from sk_shallow._core.rows import Column
from sk_shallow.advice.comparison import Difference, comparison_verdict
from sk_shallow.advice.wording import plural, warn
from sk_shallow.inspection.pairs import Fold, Outcome, Split, fitted_folds
from sk_shallow.inspection.plans import Plan, plan_comparison


@dataclass(frozen=True, eq=False)
class LogisticRegressionComparison:
    """What :func:`compare_with_logistic_regression` found.

    ``print(report)`` shows a table and the verdict; `to_dict` gives the numbers of each
    fold in a form that data frames are made of. The models are "net"; "line",
    LogisticRegression or what was given in its place; and "prior", which gives each row the
    frequency of the class in the training rows.

    Attributes
    ----------
    scores : dict of str to dict of str to ndarray of shape (n_folds,)
        ``scores[metric][model]`` on the test rows of each fold. The metrics are "log-loss"
        and "Brier" (lower is better), "AUC" and "accuracy" (higher is better). AUC is NaN
        where the test rows are of one class.
    fit_times : dict of str to ndarray of shape (n_folds,)
        Seconds that `fit` took, by model.
    difference : Difference
        Named tuple of `mean`, `low` and `high`: log-loss of the net minus that of the line,
        negative where the net is better, with its 95 % interval [1]_.
    probabilities : dict of str to ndarray of shape (n_samples,)
        Probability of ``classes[1]`` for each row, by the model in whose test fold it was:
        the mean over the folds for a row that was in several, NaN for one in none.
    estimators : dict of str to list
        The fitted "net" and "line" of each fold.
    y : ndarray of bool of shape (n_samples,)
        Whether the label is ``classes[1]``.
    classes : ndarray of shape (2,)
        The labels.
    sample_weight : ndarray of shape (n_samples,) or None
        The weights of the rows, if given.
    n_columns : int
        Columns of X.
    names : dict of str to str
        What the models are called in the text.

    References
    ----------
    .. [1] Nadeau & Bengio (2003). Inference for the generalization error. Machine Learning
       52.
    """

    scores: dict[str, dict[str, Vector]]
    fit_times: dict[str, Vector]
    difference: Difference
    probabilities: dict[str, Vector]
    estimators: dict[str, list[Any]]
    y: NDArray[np.bool_]
    classes: NDArray[Any]
    sample_weight: Column | None
    n_columns: int
    names: dict[str, str]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.y)

    @property
    def n_folds(self) -> int:
        """Number of folds, those of all repeats."""
        return len(self.fit_times["net"])

    @property
    def winner(self) -> str | None:
        """The model with the lower log-loss, "net" or "line"; None if no one can tell.

        No one can tell where the interval of `difference` holds 0.
        """
        return self.difference.winner

    @property
    def verdict(self) -> str:
        """Whether to take the net, in a sentence."""
        return comparison_verdict(
            self.difference, self.scores["log-loss"], self.scores["AUC"]
        )

    def to_dict(self) -> dict[str, NDArray[Any]]:
        """One column for each metric and one entry for each model and fold.

        Returns
        -------
        columns : dict of str to ndarray of shape (3 * n_folds,)
            As ``pandas.DataFrame(report.to_dict())`` or ``polars.DataFrame(...)`` takes it:
            "model", "fold", the metrics, and "fit_time".
        """
        models = list(self.names)
        columns = {
            "model": np.repeat(models, self.n_folds),
            "fold": np.tile(np.arange(self.n_folds), len(models)),
        }
        for name, by_model in {**self.scores, "fit_time": self.fit_times}.items():
            columns[name] = np.concatenate([by_model[model] for model in models])
        return columns

    def __str__(self) -> str:
        header, *rows = self._table()
        widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
        lines = [
            f"{row[0]:{widths[0]}}"
            + "".join(f"  {c:>{w}}" for c, w in zip(row[1:], widths[1:], strict=True))
            for row in (header, *rows)
        ]
        return "\n".join([self._title(), *lines, self.verdict])

    def _repr_html_(self) -> str:
        header, *rows = self._table()
        head = "".join(f"<th>{escape(name)}</th>" for name in header)
        body = "".join(
            f"<tr><th style='text-align: left'>{escape(row[0])}</th>"
            + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
            + "</tr>"
            for row in rows
        )
        return (
            f"<table><caption>{escape(self._title())}</caption><tr>{head}</tr>{body}"
            f"</table><p>{escape(self.verdict)}</p>"
        )

    def _title(self) -> str:
        size = f"{plural(self.n_rows, 'row')}, {plural(self.n_columns, 'column')}"
        return f"{size}; mean ± standard deviation over {plural(self.n_folds, 'fold')}"

    def _table(self) -> list[list[str]]:
        """Header and a row for each model."""
        return [
            ["", *self.scores, "fit time"],
            *(
                [
                    name,
                    *(mean_and_sd(by_model[model]) for by_model in self.scores.values()),
                    duration(self.fit_times[model].mean()),
                ]
                for model, name in self.names.items()
            ),
        ]


def mean_and_sd(values: Vector) -> str:
    """Over the folds that have a value."""
    values = values[~np.isnan(values)]
    if not values.size:
        return "-"
    sd = values.std(ddof=1) if values.size > 1 else 0.0
    return f"{values.mean():.3f} ± {sd:.3f}"


def duration(seconds: float) -> str:
    """Time in two digits, with its unit."""
    if seconds >= 10:
        return f"{seconds:.0f} s"
    return f"{seconds:.2g} s" if seconds >= 0.01 else f"{1000 * seconds:.2g} ms"


def compare_with_logistic_regression(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    cv: Any = 5,
    sample_weight: Any = None,
    groups: Any = None,
    line: Any = None,
    n_jobs: int | None = None,
    random_state: Any = None,
    verbose: bool = False,
) -> LogisticRegressionComparison:
    """Compare a net with LogisticRegression on the same folds.

    Parameters
    ----------
    estimator : ShallowNetClassifier, ShallowNetClassifierCV, Pipeline or search
        A net; a pipeline that ends in one; or a search over either. It need not be fitted,
        and is not changed.
    X : array, data frame or sparse matrix of shape (n_samples, n_features)
        Rows, in the columns that the estimator takes.
    y : array-like of shape (n_samples,)
        Labels of two classes.
    cv : int, splitter or iterable, default=5
        The folds, at least two. An integer is their number: stratified, in random order by
        `random_state`; if `groups` are given, no group is in two of them. Else what
        :func:`~sklearn.model_selection.check_cv` takes.
    sample_weight : array-like of shape (n_samples,), float or None, default=None
        Weights >= 0, which `fit` of the net and of the line is given, and all scores.
    groups : array-like of shape (n_samples,) or None, default=None
        Groups of rows, for the splitter; with metadata routing also for the inner folds of
        models that ask for them.
    line : classifier or None, default=None
        What takes the place of the net in the same pipeline: a classifier with
        `predict_proba`, or a pipeline that ends in one, as of
        :class:`~sklearn.preprocessing.SplineTransformer` and
        :class:`~sklearn.linear_model.LogisticRegression`. None is
        ``LogisticRegression(max_iter=1000)``; for a ShallowNetClassifierCV or a search,
        ``LogisticRegressionCV(scoring="neg_log_loss", max_iter=1000)``, so that tuned meets
        tuned. Both get the `class_weight` of the net.
    n_jobs : int or None, default=None
        Folds at a time, as joblib counts them. It changes no bit but those of `fit_times`.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds, if `cv` is an integer. That of the net is its own parameter.
    verbose : bool, default=False
        Whether to print a line for each fold when it is done.

    Returns
    -------
    report : LogisticRegressionComparison
        Scores, times, the difference with its interval, and a verdict in words.

    Raises
    ------
    TypeError
        If `estimator` is or holds no net, X or the net is on Dask, `line` has no
        `predict_proba`, or takes no weights and there are some.
    ValueError
        If y has not two classes, there are fewer than two folds, or X, y or the weights are
        not as `fit` takes them.

    Warns
    -----
    SymmetryWarning, SaturationWarning, CollapseWarning
        And whatever else the fits warn of.

    See Also
    --------
    sklearn.model_selection.cross_validate : Scores of a single model.

    Notes
    -----
    Scores of folds depend on each other, as their training rows overlap. The interval is
    that of the t distribution with J - 1 degrees of freedom for J folds, and takes
    s^2 (1 / J + n_test / n_train) as the variance of the mean difference, where s^2 is the
    variance over the folds [1]_. J counts the folds of all repeats, as of
    :class:`~sklearn.model_selection.RepeatedStratifiedKFold`.

    References
    ----------
    .. [1] Nadeau & Bengio (2003). Inference for the generalization error. Machine Learning
       52.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from sk_shallow import ShallowNetClassifier
    >>> from sk_shallow.inspection import compare_with_logistic_regression
    >>> X, y = make_moons(400, noise=0.2, random_state=0)
    >>> net = ShallowNetClassifier(8, random_state=0)
    >>> report = compare_with_logistic_regression(net, X, y, random_state=0)
    >>> report.winner
    'net'
    """
    plan = plan_comparison(
        estimator,
        X,
        y,
        cv=cv,
        sample_weight=sample_weight,
        groups=groups,
        line=line,
        random_state=random_state,
    )
    return carry_out(plan, n_jobs=n_jobs, on_fold=print_fold if verbose else None)


def print_fold(number: int, n_folds: int, fold: Fold) -> None:
    """A line on a fold, which is the first if `number` is 1."""
    net, line = fold.outcomes["net"], fold.outcomes["line"]
    print(
        f"fold {number} of {n_folds}: log-loss {net.scores['log-loss']:.3f} (net), "
        f"{line.scores['log-loss']:.3f} (line); fit time "
        f"{duration(net.fit_time)}, {duration(line.fit_time)}",
        flush=True,
    )


def carry_out(
    plan: Plan,
    *,
    n_jobs: int | None = None,
    on_fold: Callable[[int, int, Fold], Any] | None = None,
) -> LogisticRegressionComparison:
    """Fit and score all models; `on_fold`, as `print_fold`, is called after each fold."""
    folds: list[Fold] = []
    for fold in fitted_folds(plan.models, plan.sample, plan.splits, n_jobs):
        for message in fold.messages:
            warn(*message)
        folds.append(fold)
        if on_fold:
            on_fold(len(folds), len(plan.splits), fold)
    return report_on(
        plan, {name: [fold.outcomes[name] for fold in folds] for name in plan.models}
    )


def report_on(
    plan: Plan, outcomes: dict[str, list[Outcome]]
) -> LogisticRegressionComparison:
    """The report on the outcomes of each model, fold by fold."""
    sample = plan.sample
    scores = {
        metric: {
            name: np.array([one.scores[metric] for one in folds])
            for name, folds in outcomes.items()
        }
        for metric in outcomes["net"][0].scores
    }
    losses = scores["log-loss"]
    ratio = np.mean([split.test.size / split.train.size for split in plan.splits])
    return LogisticRegressionComparison(
        scores=scores,
        fit_times={
            name: np.array([one.fit_time for one in folds])
            for name, folds in outcomes.items()
        },
        difference=corrected_difference(losses["net"] - losses["line"], float(ratio)),
        probabilities={
            name: out_of_fold(folds, plan.splits, len(sample.y))
            for name, folds in outcomes.items()
        },
        estimators={
            name: [one.estimator for one in outcomes[name]] for name in ("net", "line")
        },
        y=sample.is_second,
        classes=sample.classes,
        sample_weight=sample.sample_weight,
        n_columns=sample.n_columns,
        names=plan.names,
    )


def corrected_difference(differences: Vector, ratio: float) -> Difference:
    """The mean over the folds with its 95 % interval, where n_test / n_train is `ratio`."""
    n_folds, mean = differences.size, float(differences.mean())
    if np.ptp(differences) == 0:  # free of rounding
        return Difference(*[float(differences[0])] * 3)
    error = differences.std(ddof=1) * np.sqrt(1 / n_folds + ratio)
    half = float(stats.t.ppf(0.975, n_folds - 1) * error)
    return Difference(mean, mean - half, mean + half)


def out_of_fold(outcomes: list[Outcome], splits: list[Split], n_rows: int) -> Vector:
    """The mean probability of each row over the folds that tested it, or NaN."""
    total, times = np.zeros(n_rows), np.zeros(n_rows)
    for one, split in zip(outcomes, splits, strict=True):
        total[split.test] += one.probabilities
        times[split.test] += 1
    mean: Vector = np.divide(total, times, out=np.full(n_rows, np.nan), where=times > 0)
    return mean
