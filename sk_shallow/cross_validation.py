"""The net whose penalty is chosen by cross-validation, and which averages the folds."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.utils import Bunch
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from sk_shallow import advice
from sk_shallow._core.columns import column_moments, default_alpha
from sk_shallow._core.parameters import Net
from sk_shallow._core.table import ArrayTable, Rows, matrix_of
from sk_shallow.classifier import FittedNet, Init, ShallowNetClassifier
from sk_shallow.threads.blas import on_one_blas_thread
from sk_shallow.threads.pool import sharing
from sk_shallow.training.callbacks import FitTask, with_callbacks
from sk_shallow.training.folds import (
    Fold,
    FoldNet,
    folds_of,
    stratified,
)
from sk_shallow.training.held_out import (
    AUTO_HOLD_OUT_CLASS_ROWS,
    class_masks,
    hold_out,
    sizes_of,
    stops_early,
)
from sk_shallow.training.monitor import NotFiniteError, train
from sk_shallow.training.parallel import n_at_a_time
from sk_shallow.training.publish import (
    unchanged_on_error,
)
from sk_shallow.training.search import (
    Setting,
    mean_score,
    score_array,
    search,
)
from sk_shallow.training.start import (
    Generators,
    draw_entropy,
    draw_start,
    spawn_generators,
)
from sk_shallow.training.trials import Data, Trials, averaged, out_of_fold, params_of
from sk_shallow.validation import (
    check_parameters,
    check_sample_weight,
    check_training_data,
    naming_what_overflows,
)
from sk_shallow.validation.parameters import is_integer

SEARCH_ROWS = 5000  # on which a setting is chosen, where there are more than twice as many
REFIT_VALIDATION_FRACTION = 0.1
OF_SEARCH = (  # fitted attributes that predictions do not need
    "alphas_",
    "init_scales_",
    "init_scale_",
    "scores_",
    "best_score_",
    "cv_decision_function_",
    "estimators_",
    "n_iter_",
)


class ShallowNetClassifierCV(FittedNet):
    """Shallow net whose penalty, and the scale of its start, cross-validation chooses.

    It is to :class:`~sk_shallow.ShallowNetClassifier` what `LogisticRegressionCV` is to
    `LogisticRegression`: the one to take when accuracy matters. For each setting it trains
    a net on each fold. The fitted net is the average of the fold nets of the best setting:
    their hidden units side by side, which is one net with one hidden layer again.

    Columns of X should have similar scales: put a
    :class:`~sklearn.preprocessing.StandardScaler` before it.

    Parameters
    ----------
    n_hidden : int, default=32
        Number of units in the hidden layer of each fold net.
    alphas : "auto" or array-like of float >= 0, default="auto"
        Strengths of the L2 penalty to try, as `alpha` of ShallowNetClassifier means it.
        "auto" tries 4, 1, 1/4 and 1/16 times what ``alpha="auto"`` is on the whole table,
        goes on by factors of 4 while the best lies at an end (up to 64, down to 1/1024),
        and then tries twice and half the best.
    init_scales : array-like of float >= 0 or None, default=None
        Values of `init_scale` to try, each with the penalties. None is the scheme's own.
    cv : int, splitter or iterable, default=5
        The folds. An integer is their number: stratified, in random order by
        `random_state`, of the rows of weight > 0. Else what
        :func:`~sklearn.model_selection.check_cv` takes; groups reach a splitter by metadata
        routing. With an integer and more than 10,000 rows, the setting is chosen on 5,000
        of them, drawn at random by class; its fold nets are then trained on all rows.
    scoring : str, callable or None, default=None
        What to maximise, as :func:`~sklearn.metrics.check_scoring` takes it. None is the
        negative log-loss that training minimises, sample and class weights included; other
        scores have sample weights only.
    refit : bool, default=False
        Whether the fitted net is one net of `n_hidden` units, trained on all rows with the
        best setting, instead of the average of the fold nets.
    activation, init, solver, learning_rate, batch_size, max_iter, tol : optional
        As those of ShallowNetClassifier.
    early_stopping : bool or "auto", default="auto"
        Whether each fold net stops, and keeps its weights, by the log-loss on its own test
        fold. "auto": from 1,000 rows on, if each class has 20.
    n_iter_no_change, class_weight : optional
        As those of ShallowNetClassifier. "balanced" weights follow from the whole table.
    n_jobs : int or None, default=None
        Number of folds that are trained at a time, as joblib counts them. It changes no bit
        of the result.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds and of the starts. Each fold has a start of its own, which is the
        same for all settings.
    verbose : bool or int, default=False
        Whether to print a line for each setting, and what it says of the table if "auto"
        ends at a limit: at a constant net (no signal found), or at the weakest penalty.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        Class labels; probabilities and logits are those of ``classes_[1]``.
    alphas_ : ndarray of shape (n_alphas,)
        Penalties that were tried, ascending.
    init_scales_ : ndarray of shape (n_init_scales,)
        Scales of the start that were tried.
    scores_ : ndarray of shape (n_init_scales, n_alphas, n_folds)
        Scores of the search on the test folds (of 5,000 rows of a large table, see `cv`),
        higher is better; NaN where a setting was not tried or its numbers overflow, a fold
        has no weight, or its score is undefined.
    alpha_, init_scale_ : float
        The best setting.
    best_score_ : float
        The mean score of the fold nets that are kept: on all rows, also of a large table.
    cv_decision_function_ : ndarray of shape (n_samples,)
        Logit of each row by the net in whose test fold it was; NaN for a row that was in
        none, the mean for one that was in several. They are slightly optimistic, as the
        fold also chose the setting, and may have stopped the net. For probabilities to rely
        on use :class:`~sklearn.calibration.CalibratedClassifierCV`, or outer folds.
    estimators_ : list of ShallowNetClassifier
        The fold nets of the best setting. Their spread shows how sure the average is.
    n_iter_ : ndarray of shape (n_folds,)
        Steps of the solver on each fold, with the best setting.
    coefs_ : list of two ndarrays, of shapes (n_features, n_units) and (n_units, 1)
        Weights W1 and w2 of the fitted net, of ``n_folds * n_hidden`` units
        (`n_hidden` with `refit`).
    intercepts_ : list of two ndarrays, of shapes (n_units,) and (1,)
        Biases b1 and b2.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, if X had names that are strings.

    See Also
    --------
    ShallowNetClassifier : One net with a given penalty.
    sklearn.linear_model.LogisticRegressionCV : The same without a hidden layer.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from sk_shallow import ShallowNetClassifierCV
    >>> X, y = make_moons(300, noise=0.2, random_state=0)
    >>> net = ShallowNetClassifierCV(8, random_state=0).fit(X, y)
    >>> net.score(X, y) > 0.95
    True
    """

    def __init__(
        self,
        n_hidden: int = 32,
        *,
        alphas: Literal["auto"] | Sequence[float] | NDArray[Any] = "auto",
        init_scales: Sequence[float] | NDArray[Any] | None = None,
        cv: Any = 5,
        scoring: Any = None,
        refit: bool = False,
        activation: str = "tanh",
        init: Init = "glorot_uniform",
        solver: str = "lbfgs",
        learning_rate: float | None = None,
        batch_size: int = 256,
        max_iter: int = 1000,
        tol: float = 1e-4,
        early_stopping: bool | Literal["auto"] = "auto",
        n_iter_no_change: float = 20,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | int = False,
    ) -> None:
        self.n_hidden = n_hidden
        self.alphas = alphas
        self.init_scales = init_scales
        self.cv = cv
        self.scoring = scoring
        self.refit = refit
        self.activation = activation
        self.init = init
        self.solver = solver
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.early_stopping = early_stopping
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @unchanged_on_error  # type: ignore[arg-type] # **params are too much for mypy there
    @with_callbacks
    @on_one_blas_thread
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Self:
        """Choose the setting, and fit the net to rows X and labels y.

        Parameters
        ----------
        X : array, data frame or sparse matrix of shape (n_samples, n_features)
            Finite numbers. float32 is kept; CSR is kept sparse.
        y : array-like of shape (n_samples,)
            Labels of two classes: strings, numbers or booleans.
        sample_weight : array-like of shape (n_samples,), float or None, default=None
            Weights >= 0, of training and of scores.
        **params : dict
            What metadata routing hands on to the splitter, such as `groups`, and to the
            scorer.

        Returns
        -------
        self : ShallowNetClassifierCV
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, X, y or a weight is not as described (the message names it), if
            a class has too few rows for the folds, if no fold has a score, or if the
            numbers overflow with every setting. The estimator stays as it was.

        Warns
        -----
        SymmetryWarning, SaturationWarning, CollapseWarning
            If the start is a bad one, or fold nets ended constant for another reason than
            a penalty that "auto" has chosen: then no signal was found.
        sklearn.exceptions.ConvergenceWarning
            If trainings of the best setting ended before they got down, or the numbers of
            another setting overflow: it is left out.
        UserWarning
            If a class has fewer rows than there are folds.
        """
        check_parameters(vars(self))
        advice.warn_of_unused_rate(self.solver, self.learning_rate)
        check_scoring(self, self.scoring)
        routed = self._routed("fit", sample_weight, params)
        data = self._read(X, y, sample_weight, routed.score)
        rows = data.rows
        columns = column_moments(rows.X, rows.sample_weight)
        entropy = draw_entropy(self.random_state)
        generators = spawn_generators(entropy)
        for name in OF_SEARCH:  # what callbacks see has none of the last fit's
            self.__dict__.pop(name, None)
        tasks = FitTask(self, X, y, sample_weight, None)
        early = stops_early(sizes_of(class_masks(rows)), self.early_stopping)
        folds = self._folds(data, generators, routed.split, stops_early=early)
        row_bytes = self.n_hidden * rows.X.dtype.itemsize
        n_callers = n_at_a_time(len(folds), self.n_jobs)
        with naming_what_overflows(rows), sharing(rows.y.size, row_bytes, n_callers) as run:
            trials = Trials(self, ShallowNetClassifier, columns, entropy, run, tasks)
            few = self._few(data, generators, stops_early=early)
            setting, nets, found = self._search(trials, data, folds, few)
            net = self._refitted(data, trials, setting) if self.refit else averaged(nets)
        fitted = found | self._attributes(data, folds, trials, setting, nets, net)
        self._report(trials, folds, setting, nets, fitted)
        self.__dict__ |= fitted
        tasks.end(tasks.context, lambda: fitted)
        return self

    def score(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> float:
        """The score by `scoring`; accuracy, if that is None.

        Parameters
        ----------
        X : array, data frame or sparse matrix of shape (n_samples, n_features)
            Finite numbers, in the columns that `fit` was given.
        y : array-like of shape (n_samples,)
            Labels.
        sample_weight : array-like of shape (n_samples,), float or None, default=None
            Weights >= 0.
        **params : dict
            What metadata routing hands on to the scorer.

        Returns
        -------
        score : float
            Higher is better.
        """
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, len(y))
        routed = self._routed("score", sample_weight, params)
        if self.scoring is None:
            return super().score(X, y, sample_weight)
        return float(check_scoring(self, self.scoring)(self, X, y, **routed.score))

    def get_metadata_routing(self) -> MetadataRouter:
        """What is handed on to the splitter and to the scorer.

        Returns
        -------
        router : MetadataRouter
            As scikit-learn's metadata routing takes it.
        """
        to_split = MethodMapping().add(caller="fit", callee="split")
        to_score = MethodMapping().add(caller="fit", callee="score")
        to_score = to_score.add(caller="score", callee="score")
        router = MetadataRouter(owner=self).add_self_request(self)
        router = router.add(splitter=self.cv, method_mapping=to_split)
        scorer = None if self.scoring is None else check_scoring(self, self.scoring)
        return router.add(scorer=scorer, method_mapping=to_score)

    def _read(self, X: Any, y: Any, sample_weight: Any, params: dict[str, Any]) -> Data:
        """The rows with their labels and weights; `params` are those of the scorer."""
        labels, rows = check_training_data(self, X, y, sample_weight, reset=True)
        weight = check_sample_weight(sample_weight, rows.y.size)
        return Data(labels, rows, weight, params)

    def _routed(self, caller: str, sample_weight: Any, params: Mapping[str, Any]) -> Bunch:
        """The arguments for the splitter and the scorer."""
        given = {} if sample_weight is None else {"sample_weight": sample_weight}
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, caller, **given, **params)
            split = routed.splitter.get("split", {})
            return Bunch(split=split, score=dict(routed.scorer.score))
        unknown = [name for name in params if name != "groups"]
        if unknown:
            own = "X_val" in params or "y_val" in params
            why = " The folds stop the nets here; X_val is for ShallowNetClassifier." * own
            raise TypeError(
                f"{type(self).__name__}.{caller}() got an unexpected argument "
                f"{unknown[0]!r}.{why}"
            )
        if params:
            raise ValueError(
                f"groups can be given to {caller} only with a splitter that takes them "
                f"(cv=GroupKFold()) and metadata routing: "
                f"sklearn.set_config(enable_metadata_routing=True)."
            )
        return Bunch(split={}, score=given)

    def _search(
        self,
        trials: Trials,
        data: Data,
        folds: list[Fold],
        few: tuple[Data, list[Fold]] | None,
    ) -> tuple[Setting, list[FoldNet], dict[str, Any]]:
        """The best setting, its fold nets, and what the search has found, as attributes.

        Raises
        ------
        ValueError
            If the numbers overflow with every setting, or no fold has a score.
        """
        setting, nets, scores = search(
            partial(trials.score_if_finite, *(few or (data, folds))),
            self._scales(),
            self.alphas,
            default_alpha(trials.columns),
        )
        if isinstance(nets, NotFiniteError):  # so it is with all settings
            nets.args = (advice.of_lists(str(nets)),)
            raise nets
        kept = scores[setting]
        if few:
            kept, nets = trials.score(data, folds, setting)
        if np.isnan(kept).all():
            raise ValueError(
                "No fold has a score, by which to choose: the test rows have no weight, or "
                "scoring gives NaN. Set cv or scoring to others."
            )
        alphas, array = score_array(scores, self._scales())
        found = {"alphas_": alphas, "scores_": array, "best_score_": mean_score(kept)}
        return setting, nets, found

    def _report(
        self,
        trials: Trials,
        folds: list[Fold],
        setting: Setting,
        nets: list[FoldNet],
        fitted: dict[str, Any],
    ) -> None:
        """Warn of bad trainings, and print what the search says of the table."""
        advice.warn_of_left_out_settings(trials.left_out, trials.n_settings)
        is_auto = isinstance(self.alphas, str)
        advice.warn_of_folds(nets, folds, trials.options(setting), is_searched=is_auto)
        if self.verbose and is_auto:
            auto, z2 = default_alpha(trials.columns), fitted["cv_decision_function_"]
            print(advice.search_verdict(fitted["alphas_"], setting.alpha, auto, z2), end="")

    def _scales(self) -> list[float | None]:
        if self.init_scales is None:
            return [None]
        return list(dict.fromkeys(map(float, self.init_scales)))

    def _few(
        self, data: Data, generators: Generators, *, stops_early: bool
    ) -> tuple[Data, list[Fold]] | None:
        """The part of the rows on which the setting is chosen, with its folds; None: all.

        Of a rare class, as many are among them as early stopping needs.
        """
        if not is_integer(self.cv):
            return None
        labels, rows, weight, params = data
        classes = class_masks(rows)
        sizes = sizes_of(classes)
        n_rows = sum(sizes)
        of_rare_class = max(AUTO_HOLD_OUT_CLASS_ROWS, self.cv)
        size = max(SEARCH_ROWS, -(-of_rare_class * n_rows // max(min(sizes), 1)))
        if n_rows <= 2 * size:
            return None
        is_drawn = np.zeros(rows.y.size, dtype=np.bool_)
        for of_class, class_size in zip(classes, sizes, strict=True):
            places, n_drawn = np.flatnonzero(of_class), round(size * class_size / n_rows)
            is_drawn[generators.split.choice(places, n_drawn, replace=False)] = True
        few = np.flatnonzero(is_drawn)
        X = ArrayTable(matrix_of(rows.X)[few])
        few_rows = Rows(X, rows.y[few], rows.sample_weight[few])
        params = params_of(params, few, weight)
        part = Data(labels, few_rows, weight[few], params)
        return part, self._folds(part, generators, {}, stops_early=stops_early)

    def _folds(
        self,
        data: Data,
        generators: Generators,
        params: Mapping[str, Any],
        *,
        stops_early: bool,
    ) -> list[Fold]:
        """The folds of the table, by `cv`.

        Raises
        ------
        ValueError
            If a class has too few rows for them.
        """
        rows = data.rows
        if not is_integer(self.cv):
            cv = check_cv(self.cv, rows.y, classifier=True)
            y = data.labels.classes[rows.y.astype(np.intp)]
            splits = cv.split(matrix_of(rows.X), y, **params)
            return folds_of(rows, splits, stops_early=stops_early)
        sizes = sizes_of(class_masks(rows))
        if self.cv < 2:
            raise ValueError(f"cv must be at least 2 folds, got {self.cv}.")
        if min(sizes) < 2 or max(sizes) < self.cv:
            remedy = f"Set cv={max(sizes)}" if min(sizes) > 1 else "Get more rows"
            raise ValueError(
                f"cv={self.cv} folds cannot be made of {sizes[0]} and {sizes[1]} rows (of "
                f"weight > 0, by class): each class needs two rows, and the larger one a "
                f"row for each fold. {remedy}, or use ShallowNetClassifier."
            )
        advice.warn_of_small_class(
            self.cv, dict(zip(data.labels.classes, sizes, strict=True))
        )
        fold_of = stratified(rows, self.cv, generators.split)
        each = ((fold_of != number, fold_of == number) for number in range(self.cv))
        return folds_of(rows, each, stops_early=stops_early)

    def _refitted(self, data: Data, trials: Trials, setting: Setting) -> Net:
        """One net with the best setting, trained on all rows."""
        options = trials.options(setting)
        generators = spawn_generators(trials.entropy)
        rows, held_out = hold_out(
            data.rows, self.early_stopping, REFIT_VALIDATION_FRACTION, generators.split
        )
        start = draw_start(options, rows, generators)
        training = train(
            start.net,
            rows,
            options,
            state=start.adam_state,
            held_out=held_out,
            run=trials.run,
            task=trials.tasks.training(
                "refit",
                trials.n_settings,
                lambda training: trials.predicting(training.net, data, options),
            ),
        )
        advice.warn_of_refit(training, start, rows, options)
        return training.net

    def _attributes(
        self,
        data: Data,
        folds: list[Fold],
        trials: Trials,
        setting: Setting,
        nets: list[FoldNet],
        net: Net,
    ) -> dict[str, Any]:
        """The fitted attributes, but for those of the search."""
        options = trials.options(setting)
        estimators = [
            trials.estimator_of(data, fold, fold_net, options)
            for fold, fold_net in zip(folds, nets, strict=True)
        ]
        scales = [trials.init_scale_of(scale) for scale in self._scales()]
        return trials.predicting(net, data, options) | {
            "init_scale_": nets[0].start.init_scale,
            "init_scales_": np.array(scales),
            "cv_decision_function_": out_of_fold(folds, nets),
            "estimators_": estimators,
            "n_iter_": np.array([fold_net.training.n_iter for fold_net in nets]),
        }
