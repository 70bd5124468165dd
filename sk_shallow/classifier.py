"""The scikit-learn layer: it reads validate, encode, draw, train, publish."""

from collections.abc import Callable, Mapping
from functools import partial, wraps
from inspect import signature
from threading import Event, RLock
from typing import Any, Concatenate, Literal, NamedTuple, ParamSpec, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sk_shallow import advice
from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.moments import ColumnMoments, column_moments, merged
from sk_shallow._core.network import logits, probabilities
from sk_shallow._core.objective import Seen, seen
from sk_shallow._core.parameters import Array, Parameters, cast, unflatten
from sk_shallow._core.rows import Matrix, Rows, Run
from sk_shallow.blas import numpy_errors_kept, on_one_blas_thread
from sk_shallow.callbacks import CallbackSupportMixin, FitTask, Told, with_callbacks
from sk_shallow.chance import Chance, draw_entropy, streams
from sk_shallow.held_out import hold_out
from sk_shallow.log import log_chunk
from sk_shallow.persistence import read_stamped, stamped
from sk_shallow.recipe import Recipe, read_recipe
from sk_shallow.restarts import Outcome, best_of_starts, n_at_a_time
from sk_shallow.start import Start, draw_start, is_random
from sk_shallow.stream import Stream, open_stream, restore_stream
from sk_shallow.threads import over_rows, sharing
from sk_shallow.training import Training
from sk_shallow.underflow import ignoring_underflow
from sk_shallow.validation import (
    Labels,
    check_chunk,
    check_is_finite,
    check_parameters,
    check_same_net,
    check_sample_weight,
    check_stream_parameters,
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


Estimator = TypeVar("Estimator", bound=BaseEstimator)
P = ParamSpec("P")
R = TypeVar("R")
Method = Callable[Concatenate[Estimator, P], R]


def unchanged_on_error(method: Method[Estimator, P, R]) -> Method[Estimator, P, R]:
    """Give the estimator its attributes back if anything goes wrong, Ctrl-C included.

    A shallow copy is enough: methods replace attributes and never write into them, but
    for a RandomState, which they move on.
    """

    @wraps(method)
    def all_or_nothing(estimator: Estimator, /, *args: P.args, **kwargs: P.kwargs) -> R:
        before = vars(estimator).copy()
        chance = estimator.random_state
        state = chance.get_state() if isinstance(chance, np.random.RandomState) else None
        try:
            return method(estimator, *args, **kwargs)
        except BaseException:
            estimator.__dict__ = before
            if state is not None:
                chance.set_state(state)
            raise

    return all_or_nothing


def learns_in_chunks(estimator: BaseEstimator) -> bool:
    if estimator.solver != "adam":
        raise AttributeError(
            f"partial_fit needs solver='adam', and solver={estimator.solver!r}."
        )
    return True


only_adam: Callable[[Callable[P, R]], Callable[P, R]] = available_if(learns_in_chunks)


# n_init="auto", where nothing is held out and the start is random; but not with relu, which
# gains nothing from it, and whose kinks amplify rounding.
AUTO_STARTS = 3


class Begin(NamedTuple):
    """Where a training begins."""

    start: Start
    stream: Stream


class ShallowNetClassifier(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
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
        fell by less than `tol` times itself below its lowest value ("gd" goes on: it
        crawls off plateaus).
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
        drawn from independent streams. The same seed gives the same bits for the same
        data in memory.
    verbose : bool or int, default=False
        Whether to print a line per iteration, thinned out on long runs.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        Class labels; probabilities and logits speak of ``classes_[1]``.
    coefs_ : list of two ndarrays, of shapes (n_features, n_hidden) and (n_hidden, 1)
        Weights W1 and w2, float32 if X was, float64 otherwise.
    intercepts_ : list of two ndarrays, of shapes (n_hidden,) and (1,)
        Biases b1 and b2.
    alpha_ : float
        The penalty that was used.
    loss_ : float
        J at the published weights.
    init_losses_ : ndarray of shape (n_init,)
        By which the best start was chosen: of each, the lowest held-out log-loss, or J
        at the end; infinite for a start that was left out. A fit that continues has one.
    loss_curve_ : ndarray of shape (n_steps + 1,)
        J at the start, and after each iteration.
    validation_loss_curve_ : ndarray of shape (n_steps + 1,) or None
        Log-loss on the held-out part, without penalty; None without early stopping.
    best_iteration_ : int or None
        Index into both curves of the published weights; None without early stopping.
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
    _entropy: list[int]
    _stream: dict[str, Any] | None

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
    @ignoring_underflow
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
            If training ended before it got down.
        UserWarning
            If X_val is on another scale than X.
        """
        check_parameters(vars(self))
        advice.warn_of_unused_rate(self.solver, self.learning_rate)
        continues = self._continues()
        labels, rows, held_out = self._read(
            X, y, sample_weight, X_val, y_val, sample_weight_val
        )
        columns = column_moments(rows.X, rows.sample_weight)
        recipe = read_recipe(vars(self), columns)
        if held_out is not None:
            advice.warn_of_scales(rows, held_out, getattr(self, "feature_names_in_", None))
        entropy = self._entropy if continues else draw_entropy(self.random_state)
        (first,) = streams(entropy, 1)
        if held_out is None:
            rows, held_out = hold_out(
                rows, self.early_stopping, self.validation_fraction, first.split
            )
        begin = self._last() if continues else self._drawn(first, rows)
        advice.warn_of_start(begin.start, rows)
        chance = streams(entropy, self._n_starts(held_out))
        told = Told(self, X, y, sample_weight, RLock())
        tasks = FitTask(told, len(chance), self.max_iter)
        attributes = partial(
            self._fitted, labels, rows.X.dtype, recipe, entropy, seen(rows), columns
        )
        with naming_what_overflows(rows, held_out):
            training, (start, stream), outcomes = self._train_from(
                begin, chance, rows, held_out, recipe, tasks, attributes
            )
        advice.warn_of_left_out_starts(outcomes)
        advice.warn_of_early_end(training, start, rows, recipe)
        advice.warn_of_collapse(training, start, rows, recipe)
        fitted = attributes(stream, outcomes, training)
        self.__dict__ |= fitted
        tasks.ended(lambda: fitted)
        return self

    @only_adam
    @unchanged_on_error
    @ignoring_underflow
    @on_one_blas_thread
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """Learn from one chunk of a stream of rows, in one pass over it.

        The first call draws the start, every further one continues: with the weights,
        with Adam's running means and with the total weight of all rows so far, by which
        the penalty is divided. So the memory does not grow with the stream, and a net
        that was stored on the way continues as if it had not been. The first call on all
        rows equals `fit` with ``max_iter=1, tol=0, early_stopping=False``.

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
        check_stream_parameters(vars(self))
        first = not hasattr(self, "coefs_")
        labels, rows = check_chunk(self, X, y, classes, sample_weight, first=first)
        columns = column_moments(rows.X, rows.sample_weight)
        if first:
            entropy, dtype = draw_entropy(self.random_state), rows.X.dtype
            start, stream = self._drawn(streams(entropy, 1)[0], rows)
            all_seen = seen(rows)
            advice.warn_of_start(start, rows)
        else:
            entropy, dtype = self._entropy, self.coefs_[0].dtype
            start, stream = self._last()
            all_seen = Seen(self.n_samples_seen_, self.total_weight_).and_also(rows)
            columns = merged(ColumnMoments(**self._columns), columns)
        recipe = read_recipe(vars(self), columns)
        one_pass = recipe._replace(max_iter=1, tol=0.0, verbose=False)
        row_bytes = recipe.n_hidden * rows.X.dtype.itemsize
        with naming_what_overflows(rows), sharing(rows.X.shape[0], row_bytes) as run:
            training = one_pass.train(start, stream, rows, all_seen=all_seen, run=run)
        if training.stop_reason == "max_iter":  # one pass was all it was to make
            training = training._replace(stop_reason="partial_fit")
        if recipe.verbose:
            log_chunk(rows.y.size, all_seen.n_rows, training.loss_curve)
        of_all = labels, dtype, recipe, entropy, all_seen, columns
        self.__dict__ |= self._fitted(*of_all, stream, [training.loss], training)
        return self

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
        is_second = self.decision_function(X) > 0
        labels: NDArray[Any] = self.classes_[is_second.astype(np.intp)]
        return labels

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

    @ignoring_underflow
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
        z2 = self.decision_function(X)
        log_p: Array = -np.logaddexp(0, np.column_stack([z2, -z2]))
        return log_p

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
    @numpy_errors_kept
    def _predicted(self, quantity: Callable[..., Array], X: Any) -> Array:
        """`logits` or `probabilities` of the rows of X."""
        check_is_fitted(self)
        X = read_table(self, X, reset=False)
        net, activation = self._parameters(), ACTIVATIONS[self._activation]

        def of_rows(X: Matrix, run: Run) -> Array:
            return quantity(net, X, activation, run)

        # A product with sparse rows takes none of BLAS but that with w2.
        n_weights = net.w2.size if issparse(X) else net.W1.size
        with np.errstate(over="ignore", invalid="ignore"):
            predicted = over_rows(of_rows, X, n_weights, net.b1.nbytes)
        if np.isnan(predicted).any():
            check_is_finite(X, "X")
            raise ValueError(
                f"X has values too large for the {predicted.dtype} weights of this net."
            )
        return predicted

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_class = False
        return tags

    def __getstate__(self) -> dict[str, Any]:
        return stamped(super().__getstate__())

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        # Subclasses may have parameters of their own, which are theirs to check.
        parameters = signature(ShallowNetClassifier).parameters
        super().__setstate__(read_stamped(type(self).__name__, state, parameters))

    def _continues(self) -> bool:
        return self.warm_start and hasattr(self, "coefs_")

    def _read(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        X_val: Any,
        y_val: Any,
        sample_weight_val: Any,
    ) -> tuple[Labels, Rows, Rows | None]:
        """The classes, the rows, and those that the user holds out."""
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

    def _train_from(
        self,
        first: Begin,
        chance: list[Chance],
        rows: Rows,
        held_out: Rows | None,
        recipe: Recipe,
        tasks: FitTask,
        attributes: Callable[[Stream, list[Outcome], Training], dict[str, Any]],
    ) -> tuple[Training, Begin, list[Outcome]]:
        """The best training, from the first start and from those that are drawn here."""
        abandon, n_starts = Event(), len(chance)
        row_bytes = recipe.n_hidden * rows.X.dtype.itemsize
        n_walks = n_at_a_time(n_starts, self.n_jobs)
        with sharing(rows.X.shape[0], row_bytes, n_walks) as run:

            def draw(number: int) -> Begin:
                return self._drawn(chance[number], rows) if number else first

            def train(number: int, begin: Begin) -> Training:
                return recipe.train(
                    *begin,
                    rows,
                    held_out=held_out,
                    run=run,
                    task=tasks.training(number),
                    attributes=lambda training: attributes(
                        begin.stream, [training.criterion], training
                    ),
                    name=f"start {number}" if n_starts > 1 else "",
                    abandon=abandon,
                )

            return best_of_starts(draw, train, n_starts, self.n_jobs, abandon)

    def _drawn(self, chance: Chance, rows: Rows) -> Begin:
        start = draw_start(
            self.init, self.init_scale, self.activation, self.n_hidden, rows, chance.init
        )
        return Begin(start, open_stream(chance.shuffle, start.parameters))

    def _last(self) -> Begin:
        """Where the last call ended."""
        start = Start(self._parameters(), self.activation, init=None)
        if self._stream is not None:
            return Begin(start, restore_stream(self._stream))
        (chance,) = streams(self._entropy, 1)
        return Begin(start, open_stream(chance.shuffle, start.parameters))

    def _parameters(self) -> Parameters:
        (W1, W2), (b1, b2) = self.coefs_, self.intercepts_
        return Parameters(W1, b1, W2[:, 0], b2)

    def _fitted(
        self,
        labels: Labels,
        dtype: DTypeLike,
        recipe: Recipe,
        entropy: list[int],
        all_seen: Seen,
        columns: ColumnMoments,
        stream: Stream,
        outcomes: list[Outcome],
        training: Training,
    ) -> dict[str, Any]:
        """All attributes of the estimator that a training ends with."""
        net = cast(unflatten(training.theta, self.n_features_in_, self.n_hidden), dtype)
        return {
            "classes_": labels.classes,
            "coefs_": [net.W1.copy(), net.w2[:, None].copy()],
            "intercepts_": [net.b1.copy(), net.b2.copy()],
            "alpha_": recipe.alpha,
            "loss_": training.loss,
            "init_losses_": np.array(
                [end if isinstance(end, float) else np.inf for end in outcomes]
            ),
            "loss_curve_": training.loss_curve,
            "validation_loss_curve_": training.validation_loss_curve,
            "best_iteration_": training.best_iteration,
            "n_iter_": training.n_iter,
            "stop_reason_": training.stop_reason,
            "n_samples_seen_": all_seen.n_rows,
            "total_weight_": all_seen.total_weight,
            # Predictions are those of the fitted net, whatever set_params does later.
            "_activation": recipe.activation,
            "_class_weights": labels.weights,  # for the J of a report
            # What a call that continues needs.
            "_entropy": entropy,
            "_stream": stream.stored() if recipe.solver == "adam" else None,
            "_columns": columns._asdict(),
        }
