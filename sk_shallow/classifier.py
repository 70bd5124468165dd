"""The scikit-learn layer: it reads validate, encode, draw, train, publish."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from sk_shallow import advice
from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.network import logits
from sk_shallow._core.objective import Objective, mean_log_loss
from sk_shallow._core.parameters import Array, Parameters, cast, flatten, unflatten
from sk_shallow._core.rows import Rows
from sk_shallow._core.solvers import SOLVERS
from sk_shallow.start import Start, draw_start
from sk_shallow.training import Monitor, Training, hold_out, random_streams
from sk_shallow.validation import (
    DTYPES,
    check_parameters,
    check_training_data,
    check_warm_start,
)

Init = str | Callable[[np.random.Generator, tuple[int, int]], ArrayLike]


class ShallowNetClassifier(ClassifierMixin, BaseEstimator):
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
    init : str or callable, default="glorot_uniform"
        How W1 and w2 are drawn; biases start at 0. One of

        - "glorot_uniform", "glorot_normal": variance 2 / (fan_in + fan_out) [1]_;
        - "he_uniform", "he_normal": variance 2 / fan_in [2]_;
        - "lecun_uniform", "lecun_normal": variance 1 / fan_in [3]_;
        - "orthogonal": orthonormal columns, or rows where there are fewer [4]_;
        - "normal": N(0, 1); "uniform": U(-1, 1); both with a default scale of 0.01;
        - "zeros", and "constant" (1 everywhere, default scale 0.01): traps. All hidden
          units are and stay identical; :class:`~sk_shallow.SymmetryWarning` says so;
        - a callable ``init(rng, shape)`` that returns an array of that shape, drawn
          from the :class:`numpy.random.Generator` `rng`. It is called once with shape
          ``(n_features, n_hidden)`` and once with ``(n_hidden, 1)``.
    init_scale : float >= 0 or None, default=None
        Factor on the weights that `init` draws. None is the scheme's own: 0.01 for
        "normal", "uniform" and "constant", 1 for all others.
    alpha : float >= 0 or "auto", default="auto"
        Strength of the L2 penalty on W1 and w2 (biases are free). It means what ``1/C``
        means in `LogisticRegression`: its weight relative to the data falls as 1/n.
        "auto" is ``sqrt(n_features)``.
    solver : {"lbfgs"}, default="lbfgs"
        What minimises J: SciPy's L-BFGS.
    max_iter : int, default=1000
        Number of iterations at most.
    tol : float >= 0, default=1e-4
        See `n_iter_no_change`. Training also stops when no entry of the gradient of J
        is larger than ``tol / 10``.
    early_stopping : bool or "auto", default="auto"
        Whether to hold out a stratified part of the rows and keep the weights with the
        lowest log-loss on it. "auto": from 1,000 rows on, if each class has 20. Rows
        of weight 0 do not count.
    validation_fraction : float, default=0.1
        The part of the rows held out, between 0 and 1.
    n_iter_no_change : int, default=20
        With early stopping, training stops after so many iterations in which the
        held-out log-loss set no new minimum; without, after so many in each of which J
        fell by less than `tol` times itself.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, multiplied with `sample_weight`. "balanced" gives both
        classes the same total weight.
    warm_start : bool, default=False
        Whether `fit` continues from the weights of the last fit.
    random_state : int, RandomState instance or None, default=None
        Seed of the start and of the held-out part, which are drawn from independent
        streams. The same seed gives the same bits for the same data in memory.
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
        "validation" (the held-out loss no longer falls), "max_iter", or "line_search"
        (no step lowers J, for rounding or on a kink of relu).
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
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

    def __init__(
        self,
        n_hidden: int = 32,
        *,
        activation: str = "tanh",
        init: Init = "glorot_uniform",
        init_scale: float | None = None,
        alpha: float | Literal["auto"] = "auto",
        solver: str = "lbfgs",
        max_iter: int = 1000,
        tol: float = 1e-4,
        early_stopping: bool | Literal["auto"] = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 20,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | int = False,
    ) -> None:
        self.n_hidden = n_hidden
        self.activation = activation
        self.init = init
        self.init_scale = init_scale
        self.alpha = alpha
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the net to rows X and labels y.

        Parameters
        ----------
        X : array, data frame or sparse matrix of shape (n_samples, n_features)
            Finite numbers. float32 is kept; CSR is kept sparse.
        y : array-like of shape (n_samples,)
            Labels of two classes: strings, numbers or booleans.
        sample_weight : array-like of shape (n_samples,), float or None, default=None
            Weights >= 0. Where nothing is held out, an integer weight counts as that
            many equal rows.

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
        """
        # Overflow is an error of check_finite, which says what to do.
        with unchanged_on_error(self), np.errstate(over="ignore", invalid="ignore"):
            check_parameters(self.get_params(deep=False))
            classes, rows = check_training_data(
                self, X, y, sample_weight, reset=not self._continues()
            )
            random = random_streams(self.random_state)
            rows, held_out = hold_out(
                rows, self.early_stopping, self.validation_fraction, random.split
            )
            start = self._start(random.init, classes, rows)
            advice.warn_of_start(start, rows.X)
            alpha = self._effective_alpha(rows)
            training = self._train(start.parameters, rows, held_out, alpha)
            end = unflatten(training.theta, rows.X.shape[1], self.n_hidden)
            advice.warn_of_early_end(training, start, rows, self.max_iter, float(self.tol))
            advice.warn_of_collapse(training, start, end, rows, alpha)
            self._publish(classes, cast(end, rows.X.dtype), training, alpha)
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
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=DTYPES, reset=False)
        with np.errstate(over="ignore", invalid="ignore"):
            z2 = logits(self._parameters(), X, ACTIVATIONS[self._activation])
        if np.isnan(z2).any():
            raise ValueError(
                f"X has values too large for the {z2.dtype} weights of this net."
            )
        return z2

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
        return self.classes_[is_second.astype(np.intp)]

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
        z2 = self.decision_function(X)
        p: Array = expit(np.column_stack([-z2, z2]))
        return p

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

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_class = False
        return tags

    def _start(self, rng: np.random.Generator, classes: NDArray[Any], rows: Rows) -> Start:
        """The weights of the last fit, or a draw."""
        if self._continues():
            check_warm_start(self, classes)
            return Start(self._parameters(), self.activation, init=None)
        return draw_start(
            self.init, self.init_scale, self.activation, self.n_hidden, rows, rng
        )

    def _continues(self) -> bool:
        return self.warm_start and hasattr(self, "coefs_")

    def _effective_alpha(self, rows: Rows) -> float:
        return float(np.sqrt(rows.X.shape[1]) if self.alpha == "auto" else self.alpha)

    def _train(
        self, start: Parameters, rows: Rows, held_out: Rows | None, alpha: float
    ) -> Training:
        activation = ACTIVATIONS[self.activation]
        objective = Objective(rows, activation, self.n_hidden, alpha)
        monitor = Monitor(
            tol=float(self.tol),
            n_iter_no_change=self.n_iter_no_change,
            held_out_loss=None
            if held_out is None
            else partial(
                mean_log_loss, rows=held_out, activation=activation, n_hidden=self.n_hidden
            ),
            verbose=bool(self.verbose),
        )
        solve = SOLVERS[self.solver]
        return monitor.conclude(solve(objective, flatten(start), monitor, self.max_iter))

    def _publish(
        self, classes: NDArray[Any], end: Parameters, training: Training, alpha: float
    ) -> None:
        self.classes_ = classes
        self.coefs_ = [end.W1.copy(), end.w2[:, None].copy()]
        self.intercepts_ = [end.b1.copy(), end.b2.copy()]
        self.alpha_ = alpha
        self.loss_ = training.loss
        self.loss_curve_ = training.loss_curve
        self.validation_loss_curve_ = training.validation_loss_curve
        self.best_iteration_ = training.best_iteration
        self.n_iter_ = training.n_iter
        self.stop_reason_ = training.stop_reason
        # Predictions are those of the fitted net, whatever set_params does later.
        self._activation = self.activation

    def _parameters(self) -> Parameters:
        (W1, W2), (b1, b2) = self.coefs_, self.intercepts_
        return Parameters(W1, b1, W2[:, 0], b2)


@contextmanager
def unchanged_on_error(estimator: BaseEstimator) -> Iterator[None]:
    """Give the estimator its attributes back if anything goes wrong, Ctrl-C included.

    A shallow copy is enough: `fit` replaces attributes and never writes into them, but
    for a RandomState, which it moves on.
    """
    before = vars(estimator).copy()
    chance = estimator.random_state
    state = chance.get_state() if isinstance(chance, np.random.RandomState) else None
    try:
        yield
    except BaseException:
        estimator.__dict__ = before
        if state is not None:
            chance.set_state(state)
        raise
