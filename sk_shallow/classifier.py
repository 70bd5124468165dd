"""The scikit-learn layer: it reads validate, split, start, train, publish."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, ParamSpec, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sk_shallow import advice
from sk_shallow._core.activations import ACTIVATIONS, Array
from sk_shallow._core.columns import ColumnMoments, column_moments, merged
from sk_shallow._core.objective import SampleTotals, sample_totals
from sk_shallow._core.parameters import Net
from sk_shallow._core.solvers import AdamState
from sk_shallow._core.table import ArrayTable, Rows, logits, probabilities
from sk_shallow.persistence import FITTED, PREDICTING, read_stamped, stamped
from sk_shallow.threads.blas import ignoring_underflow, on_one_blas_thread
from sk_shallow.threads.pool import Quantity, predicted, sharing
from sk_shallow.training.callbacks import (
    CallbackSupportMixin,
    FitTask,
    TrainingTask,
    with_callbacks,
)
from sk_shallow.training.held_out import hold_out
from sk_shallow.training.monitor import Training, log_chunk, train
from sk_shallow.training.options import Options, resolve_options
from sk_shallow.training.parallel import Outcome, best_of_starts, n_at_a_time
from sk_shallow.training.publish import (
    attributes_of_data,
    fitted_attributes,
    unchanged_on_error,
)
from sk_shallow.training.start import (
    Generators,
    Start,
    draw_entropy,
    draw_start,
    initial_adam_state,
    is_random,
    spawn_generators,
)
from sk_shallow.validation import (
    Labels,
    check_chunk,
    check_is_finite,
    check_parameters,
    check_partial_fit_parameters,
    check_same_net,
    check_sample_weight,
    check_training_data,
    check_validation_data,
    naming_what_overflows,
    read_table,
)

Init = (
    str
    | Callable[[np.random.Generator, tuple[int, int]], ArrayLike]
    | tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]
)

P = ParamSpec("P")
R = TypeVar("R")


# n_init="auto", where nothing is held out and the start is random; but not with relu, which
# gains nothing from it, and whose kinks amplify rounding.
AUTO_STARTS = 3


def more_probable(classes: NDArray[Any], z2: Array) -> NDArray[Any]:
    return classes[(z2 > 0).astype(np.intp)]


@ignoring_underflow
def log_probabilities(z2: Array) -> Array:
    """Of both classes, stable where probabilities round to 0; shape (n_samples, 2)."""
    return -np.logaddexp(0, np.column_stack([z2, -z2]))


class FittedNet(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """An estimator that predicts with one net, however it has been fitted."""

    # Where the "?" of the diagram in a notebook leads.
    _doc_link_module = "sk_shallow"
    _doc_link_template = (
        "https://sk-shallow.readthedocs.io/en/stable/api/sk_shallow.{estimator_name}.html"
    )

    classes_: NDArray[Any]
    coefs_: list[Array]
    intercepts_: list[Array]
    alpha_: float
    _activation: str
    _needed: tuple[str, ...] = PREDICTING  # what a stored one must have

    def decision_function(self, X: Any) -> Array:
        """Logit of ``classes_[1]`` for each row.

        Parameters
        ----------
        X : array, data frame or sparse matrix of shape (n_samples, n_features)
            Finite numbers, in the columns that `fit` was given.

        Returns
        -------
        z2 : ndarray of shape (n_samples,)
            The logit, log(p / (1 - p)); above 0, `predict` says ``classes_[1]``.

        Raises
        ------
        ValueError
            If X has other columns than those of `fit`, or numbers that overflow.
        """
        return self._predicted(logits, X)

    def predict(self, X: Any) -> NDArray[Any]:
        """The more probable class for each row.

        Parameters
        ----------
        X : array, data frame or sparse matrix of shape (n_samples, n_features)
            Finite numbers, in the columns that `fit` was given.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Labels, as they were given to `fit`.
        """
        z2 = self.decision_function(X)
        return self._from_logits(partial(more_probable, self.classes_), z2)

    def predict_proba(self, X: Any) -> Array:
        """Probability of each class for each row.

        Parameters
        ----------
        X : array, data frame or sparse matrix of shape (n_samples, n_features)
            Finite numbers, in the columns that `fit` was given.

        Returns
        -------
        p : ndarray of shape (n_samples, 2)
            Columns in the order of `classes_`; each row adds up to 1.
        """
        return self._predicted(probabilities, X)

    def predict_log_proba(self, X: Any) -> Array:
        """Logarithm of the probability of each class for each row.

        It is computed from the logits, so it stays finite where `predict_proba` rounds
        to 0.

        Parameters
        ----------
        X : array, data frame or sparse matrix of shape (n_samples, n_features)
            Finite numbers, in the columns that `fit` was given.

        Returns
        -------
        log_p : ndarray of shape (n_samples, 2)
            Columns in the order of `classes_`.
        """
        return self._from_logits(log_probabilities, self.decision_function(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy of `predict`.

        Parameters
        ----------
        X : array, data frame or sparse matrix of shape (n_samples, n_features)
            Finite numbers, in the columns that `fit` was given.
        y : array-like of shape (n_samples,)
            Labels.
        sample_weight : array-like of shape (n_samples,), float or None, default=None
            Weights >= 0.

        Returns
        -------
        accuracy : float
            The weighted share of rows whose label is predicted.
        """
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, len(y))
        return float(super().score(X, y, sample_weight))

    @ignoring_underflow
    def _predicted(self, quantity: Quantity, X: Any) -> Any:
        """`logits` or `probabilities` of the rows of X."""
        check_is_fitted(self, "coefs_")
        X = read_table(self, X, reset=False)
        with np.errstate(over="ignore", invalid="ignore"):
            values = predicted(quantity, self._net(), X)
        if np.isnan(values).any():
            check_is_finite(ArrayTable(X), "X")
            raise ValueError(
                f"X has values too large for the {values.dtype} weights of this net."
            )
        return values

    def _from_logits(self, function: Callable[[Array], NDArray[Any]], z2: Any) -> Any:
        """`function(z2)`, which has a row for each logit."""
        return function(z2)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_class = False
        return tags

    def __getstate__(self) -> dict[str, Any]:
        return stamped(super().__getstate__())

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        super().__setstate__(read_stamped(type(self), state, self._needed))

    def _net(self) -> Net:
        (W1, W2), (b1, b2) = self.coefs_, self.intercepts_
        return Net(W1, b1, W2[:, 0], b2, ACTIVATIONS[self._activation])


class BaseShallowNet(FittedNet):
    """The net of :class:`ShallowNetClassifier`, wherever its rows lie."""

    _needed = FITTED
    _entropy: list[int]
    _adam_state: dict[str, Any] | None

    def __init__(
        self,
        n_hidden: int = 32,
        *,
        activation: str = "tanh",
        init: Init = "glorot_uniform",
        init_scale: float | None = None,
        alpha: float | Literal["auto"] = "auto",
        solver: str = "lbfgs",
        learning_rate: float | None = None,
        batch_size: int = 256,
        max_iter: int = 1000,
        tol: float = 1e-4,
        early_stopping: bool | Literal["auto"] = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: float = 20,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        warm_start: bool = False,
        n_init: int | Literal["auto"] = "auto",
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | int = False,
    ) -> None:
        self.n_hidden = n_hidden
        self.activation = activation
        self.init = init
        self.init_scale = init_scale
        self.alpha = alpha
        self.solver = solver
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.n_init = n_init
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @unchanged_on_error
    @with_callbacks
    @on_one_blas_thread
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Fit the net to rows X and labels y.

        Parameters
        ----------
        X : array, data frame or sparse matrix of shape (n_samples, n_features)
            Finite numbers. float32 is kept; CSR is kept sparse.
        y : array-like of shape (n_samples,)
            Labels of two classes: strings, numbers or booleans.
        sample_weight : array-like of shape (n_samples,), float or None, default=None
            Weights >= 0. Where nothing is held out, an integer weight counts as that
            many equal rows (with "adam": on average over the order of rows).
        X_val : array, data frame or sparse matrix, or None, default=None
            Rows, of the columns of X, to hold out for early stopping instead of a part
            of X. In a pipeline, ``Pipeline(..., transform_input=["X_val"])`` transforms
            them as it does X. In a search, scikit-learn cuts an X_val of as many rows as
            X by its folds, as it does every argument of `fit` of that length.
        y_val : array-like of shape (n_samples_val,) or None, default=None
            Their labels, of both classes.
        sample_weight_val : array-like of shape (n_samples_val,), float or None
            Their weights >= 0. The class weights are those of the classes in y.

        Returns
        -------
        self : ShallowNetClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, X, y or a weight is not as described (the message names
            it), or if the numbers overflow. The estimator stays as it was.

        Warns
        -----
        SymmetryWarning, SaturationWarning
            If the start is a bad one.
        CollapseWarning
            If training ended at a constant net.
        sklearn.exceptions.ConvergenceWarning
            If training ended far from a minimum of J, or starts were left out.
        UserWarning
            If X_val is on another scale than X.
        """
        check_parameters(vars(self))
        advice.warn_of_unused_rate(self.solver, self.learning_rate)
        labels, rows, held_out = self._read(
            X, y, sample_weight, X_val, y_val, sample_weight_val
        )
        columns = column_moments(rows.X, rows.sample_weight)
        options = resolve_options(vars(self), columns)
        entropy = self._entropy if self._continues() else draw_entropy(self.random_state)
        generators = spawn_generators(entropy)
        if held_out is None:
            rows, held_out = hold_out(
                rows, self.early_stopping, self.validation_fraction, generators.split
            )
        else:
            advice.warn_of_scales(rows, held_out, getattr(self, "feature_names_in_", None))
        first = self._start(options, rows, generators)
        advice.warn_of_start(first, rows)
        totals = sample_totals(rows.sample_weight)
        of_data = attributes_of_data(labels, options, entropy, totals, columns)
        publish = partial(fitted_attributes, of_data, rows.X.dtype)
        n_starts = self._n_starts(held_out)
        tasks = FitTask(self, X, y, sample_weight, n_starts)
        training, start, outcomes = self._train(
            first, entropy, rows, held_out, options, tasks, n_starts, publish
        )
        advice.warn_of_end(training, start, rows, options, outcomes)
        fitted = publish(start, training, outcomes)
        self.__dict__ |= fitted
        tasks.end(tasks.context, lambda: fitted)
        return self

    def _continues(self) -> bool:
        return self.warm_start and hasattr(self, "coefs_")

    def _start(self, options: Options, rows: Rows, generators: Generators) -> Start:
        """Where a fit starts: drawn, or where the last one ended."""
        if self._continues():
            return self._last_start(options)
        return draw_start(options, rows, generators)

    def _read(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        X_val: Any,
        y_val: Any,
        sample_weight_val: Any,
    ) -> tuple[Labels, Rows, Rows | None]:
        """The classes, the rows, and the validation data that the user gives."""
        continues = self._continues()
        labels, rows = check_training_data(self, X, y, sample_weight, reset=not continues)
        if continues:
            check_same_net(self, labels.classes, "warm_start")
        held_out = check_validation_data(
            self, X_val, y_val, sample_weight_val, labels, rows.X.dtype
        )
        return labels, rows, held_out

    def _n_starts(self, held_out: Rows | None) -> int:
        if self._continues():
            return 1
        if self.n_init != "auto":
            return int(self.n_init)
        several = (
            held_out is None
            and self.activation != "relu"
            and is_random(self.init, self.init_scale)
        )
        return AUTO_STARTS if several else 1

    def _train(
        self,
        first: Start,
        entropy: list[int],
        rows: Rows,
        held_out: Rows | None,
        options: Options,
        tasks: FitTask,
        n_starts: int,
        publish: Callable[..., dict[str, Any]],
    ) -> tuple[Training, Start, list[Outcome]]:
        """The best training, from the first start and from those that are drawn here."""

        def draw(number: int) -> Start:
            if number == 0:
                return first
            return draw_start(options, rows, spawn_generators(entropy, number))

        def task_of(number: int, start: Start) -> TrainingTask | None:
            return tasks.training("start", number, partial(publish, start))

        row_bytes = options.n_hidden * rows.X.dtype.itemsize
        n_callers = n_at_a_time(n_starts, self.n_jobs)
        with (
            naming_what_overflows(rows, held_out),
            sharing(rows.X.shape[0], row_bytes, n_callers) as run,
        ):
            train_from = partial(
                train, rows=rows, options=options, held_out=held_out, run=run
            )
            return best_of_starts(draw, train_from, n_starts, self.n_jobs, task_of)

    def _last_start(self, options: Options) -> Start:
        """Where the last call ended."""
        net = self._net()._replace(activation=options.activation)
        state = initial_adam_state(options, net, spawn_generators(self._entropy))
        if state is not None and self._adam_state is not None:
            state = AdamState.restored(self._adam_state)
        return Start(net, init=None, adam_state=state)


# A wrong argument is an error of the class that users call.
BaseShallowNet.__init__.__qualname__ = "ShallowNetClassifier.__init__"


def learns_in_chunks(estimator: BaseEstimator) -> bool:
    if estimator.solver != "adam":
        raise AttributeError(
            f"partial_fit needs solver='adam', and solver={estimator.solver!r}."
        )
    return True


only_adam: Callable[[Callable[P, R]], Callable[P, R]] = available_if(learns_in_chunks)


class ShallowNetClassifier(BaseShallowNet):  # numpydoc ignore=PR02
    """Neural network with one hidden layer for binary classification.

    It stands wherever `LogisticRegression` stands, and takes the start of training as
    a hyperparameter: `init` and `init_scale` can be grid-searched. A bad start is
    legal, and warned of.

    For a row x, the net computes ``p = sigmoid(phi(x W1 + b1) w2 + b2)``. Training
    minimises, with sample weights s (class weights folded in),

    ``J = (sum_i s_i logloss(y_i, p_i) + alpha/2 (|W1|^2 + |w2|^2)) / sum_i s_i``

    Columns of X should have similar scales: put a
    :class:`~sklearn.preprocessing.StandardScaler` before the net.

    Parameters
    ----------
    n_hidden : int, default=32
        Number of units in the hidden layer.
    activation : {"tanh", "logistic", "relu"}, default="tanh"
        The function phi of the hidden layer.
    init : str, callable or tuple of arrays, default="glorot_uniform"
        How W1 and w2 are drawn; biases start at 0 (but for "lsuv"). One of

        - "glorot_uniform", "glorot_normal": variance 2 / (fan_in + fan_out) [1]_;
        - "he_uniform", "he_normal": variance 2 / fan_in [2]_;
        - "lecun_uniform", "lecun_normal": variance 1 / fan_in [3]_;
        - "orthogonal": orthonormal columns, or rows where there are fewer [4]_;
        - "lsuv": orthogonal, then fitted to the rows, so that the pre-activation of
          every unit has mean 0 and standard deviation 1 over them [6]_;
        - "normal": N(0, 1); "uniform": U(-1, 1); both with a default scale of 0.01;
        - "zeros", and "constant" (1 everywhere, default scale 0.01): traps. All hidden
          units are and stay identical; :class:`~sk_shallow.SymmetryWarning` says so;
        - a callable ``init(rng, shape)`` that returns an array of that shape, drawn
          from the :class:`numpy.random.Generator` `rng`. It is called once with shape
          ``(n_features, n_hidden)`` and once with ``(n_hidden, 1)``;
        - a tuple ``(W1, b1, w2, b2)`` of arrays of shapes (n_features, n_hidden),
          (n_hidden,), (n_hidden,) and (1,): just these weights. The shapes of lectures,
          (n_hidden, 1), (1, n_hidden) and (1, 1), will do for b1, w2 and b2; W1 has to
          be turned: ``W1.T``.
    init_scale : float >= 0 or None, default=None
        Factor on the weights that `init` draws or gives; with "lsuv", the standard
        deviation that it brings the units to. None is the scheme's own: 0.01 for
        "normal", "uniform" and "constant", 1 for all others.
    alpha : float >= 0 or "auto", default="auto"
        Strength of the L2 penalty on W1 and w2 (biases are free). It means what ``1/C``
        means in `LogisticRegression`: its weight relative to the data falls as 1/n.
        "auto" is ``sqrt(sum_j min(1, var_j)) * min(1, mean weight)`` over all rows of
        weight > 0 that `fit` is given, the held-out ones included: `var_j` is the
        weighted variance of a column, weights are sample times class weights. On
        standardised columns, and where all are constant, it is ``sqrt(n_features)``.
        `partial_fit` computes it over all rows so far.
    solver : {"lbfgs", "gd", "adam"}, default="lbfgs"
        What minimises J:

        - "lbfgs": SciPy's L-BFGS. All rows, steps of its own choice;
        - "gd": gradient descent. All rows, a constant `learning_rate`;
        - "adam": Adam [5]_. Mini-batches of `batch_size` rows in random order.
    learning_rate : float > 0 or None, default=None
        Size of the steps of "gd" and "adam". None is the solver's own: 0.2 for "gd",
        0.01 for "adam". "lbfgs" has no use for it, and `fit` warns.
    batch_size : int, default=256
        Rows of a mini-batch of "adam". It does not change what `alpha` means.
    max_iter : int, default=1000
        Number of iterations at most. One of "adam" is a pass over all rows.
    tol : float >= 0, default=1e-4
        See `n_iter_no_change`. Training also stops when no entry of the gradient of J
        is larger than ``tol / 10``.
    early_stopping : bool or "auto", default="auto"
        Whether to hold out a stratified part of the rows and keep the weights with the
        lowest log-loss on it. "auto": from 1,000 rows on, if each class has 20 (rows
        of weight 0 do not count), or if `fit` is given `X_val`.
    validation_fraction : float, default=0.1
        The part of the rows held out, between 0 and 1.
    n_iter_no_change : int or np.inf, default=20
        With early stopping, training stops after so many iterations in which the
        held-out log-loss set no new minimum; without, after so many in each of which J
        fell by less than `tol` times itself below its lowest value ("gd" goes on: its
        steps on a plateau are small).
    class_weight : mapping, "balanced" or None, default=None
        Weights of the classes, multiplied with `sample_weight`. "balanced" gives both
        classes the same total weight.
    warm_start : bool, default=False
        Whether `fit` continues from the weights of the last fit, with the same rows
        held out.
    n_init : int or "auto", default="auto"
        Number of starts, drawn independently. The net with the lowest held-out log-loss
        is kept; without early stopping, the one with the lowest J. "auto" is 3 where no
        rows are held out and the start is random, and 1 elsewhere and with "relu". A fit
        that continues, and `partial_fit`, have one. Starts whose numbers overflow are
        left out, and warned of.
    n_jobs : int or None, default=None
        Number of threads that train from different starts at a time, as joblib counts
        them. It changes no bit of the result.
    random_state : int, RandomState instance or None, default=None
        Seed of the starts, of the held-out part and of the order of rows, which are
        drawn by independent generators. The same seed gives the same bits for the same
        data in memory.
    verbose : bool or int, default=False
        Whether to print a line per iteration, thinned out on long runs.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        Class labels; probabilities and logits are those of ``classes_[1]``.
    coefs_ : list of two ndarrays, of shapes (n_features, n_hidden) and (n_hidden, 1)
        Weights W1 and w2, float32 if X was, float64 otherwise.
    intercepts_ : list of two ndarrays, of shapes (n_hidden,) and (1,)
        Biases b1 and b2.
    alpha_ : float
        The penalty that was used.
    loss_ : float
        J at the fitted weights.
    init_losses_ : ndarray of shape (n_init,)
        By which the best start was chosen: of each, the lowest held-out log-loss, or J
        at the end; infinite for a start that was left out. A fit that continues has one.
    loss_curve_ : ndarray of shape (n_steps + 1,)
        J at the start, and after each iteration.
    validation_loss_curve_ : ndarray of shape (n_steps + 1,) or None
        Log-loss on the held-out part, without penalty; None without early stopping.
    best_iteration_ : int or None
        Index into both curves of the fitted weights; None without early stopping.
    n_iter_ : int
        Number of steps the solver took, at least 1.
    stop_reason_ : str
        Why training stopped: "gradient" (it is small), "loss" (J no longer falls),
        "validation" (the held-out loss no longer falls), "max_iter", "line_search"
        (no step lowers J, for rounding or on a kink of relu), "callback" (one of them
        asked to), or "partial_fit" (its pass over a chunk is made).
    n_samples_seen_ : int
        Number of rows of weight > 0 trained on, in all calls of `partial_fit`.
    total_weight_ : float
        Their total weight, by which J divides the penalty.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, if X had names that are strings.

    See Also
    --------
    sklearn.linear_model.LogisticRegression : The same without a hidden layer.
    sklearn.neural_network.MLPClassifier : More layers and classes.

    References
    ----------
    .. [1] Glorot & Bengio (2010). Understanding the difficulty of training deep
       feedforward neural networks. AISTATS.
    .. [2] He, Zhang, Ren & Sun (2015). Delving deep into rectifiers. ICCV.
    .. [3] LeCun, Bottou, Orr & Mueller (1998). Efficient BackProp. In Neural networks:
       tricks of the trade.
    .. [4] Saxe, McClelland & Ganguli (2014). Exact solutions to the nonlinear dynamics
       of learning in deep linear neural networks. ICLR.
    .. [5] Kingma & Ba (2015). Adam: a method for stochastic optimization. ICLR.
    .. [6] Mishkin & Matas (2016). All you need is a good init. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sk_shallow import ShallowNetClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> net = make_pipeline(StandardScaler(), ShallowNetClassifier(random_state=0))
    >>> net.fit(X, y).score(X, y) > 0.98
    True
    """

    @only_adam
    @unchanged_on_error
    @on_one_blas_thread
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """Learn from one chunk of the rows, in one pass over it.

        The first call draws the start, every further one continues: with the weights,
        with Adam's running means and with the total weight of all rows so far, by which
        the penalty is divided. So the memory does not grow with the number of chunks, and
        a net that was stored in between continues as if it had not been. The first call on
        all rows equals `fit` with ``max_iter=1, tol=0, early_stopping=False``.

        Every call counts as new rows: for several passes over the same, use `fit`. Only
        with ``solver="adam"``. There is no early stopping, and there are no callbacks.

        Parameters
        ----------
        X : array, data frame or sparse matrix of shape (n_samples, n_features)
            Finite numbers.
        y : array-like of shape (n_samples,)
            Labels. A chunk may lack one of the classes.
        classes : array-like of shape (2,) or None, default=None
            The two labels. The first call needs them.
        sample_weight : array-like of shape (n_samples,), float or None, default=None
            Weights >= 0.

        Returns
        -------
        self : ShallowNetClassifier
            The estimator, with J on this chunk before and after learning from it as
            ``loss_curve_``.

        Raises
        ------
        ValueError
            If a parameter, X, y, the classes or a weight is not as described (the
            message names it), or if the numbers overflow. The estimator stays as it was.

        Warns
        -----
        SymmetryWarning, SaturationWarning
            If the start, drawn in the first call, is a bad one.
        """
        check_parameters(vars(self))
        check_partial_fit_parameters(vars(self))
        first = not hasattr(self, "coefs_")
        labels, rows = check_chunk(self, X, y, classes, sample_weight, first=first)
        columns = column_moments(rows.X, rows.sample_weight)
        totals = sample_totals(rows.sample_weight)
        entropy = draw_entropy(self.random_state) if first else self._entropy
        dtype = rows.X.dtype if first else self.coefs_[0].dtype
        if not first:
            columns = merged(ColumnMoments(**self._columns), columns)
            totals = SampleTotals(self.n_samples_seen_, self.total_weight_).plus(totals)
        options = resolve_options(vars(self), columns)
        if first:
            start = draw_start(options, rows, spawn_generators(entropy))
            advice.warn_of_start(start, rows)
        else:
            start = self._last_start(options)
        training = self._train_on_chunk(start, rows, options, totals)
        if options.verbose:
            log_chunk(rows.y.size, totals.n_rows, training.loss_curve)
        of_data = attributes_of_data(labels, options, entropy, totals, columns)
        self.__dict__ |= fitted_attributes(of_data, dtype, start, training)
        return self

    def _train_on_chunk(
        self, start: Start, rows: Rows, options: Options, totals: SampleTotals
    ) -> Training:
        """One pass over a chunk of the rows."""
        one_pass = options._replace(max_iter=1, tol=0.0, verbose=False)
        row_bytes = options.n_hidden * rows.X.dtype.itemsize
        with naming_what_overflows(rows), sharing(rows.X.shape[0], row_bytes) as run:
            training = train(
                start.net, rows, one_pass, state=start.adam_state, totals=totals, run=run
            )
        if training.stop_reason == "max_iter":  # one pass was all it was to make
            training = training._replace(stop_reason="partial_fit")
        return training
