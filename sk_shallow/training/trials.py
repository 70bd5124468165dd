"""The trials of a cross-validated search: a net and a score for each fold of a setting."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics import check_scoring

from sk_shallow._core.columns import ColumnMoments
from sk_shallow._core.objective import sample_totals
from sk_shallow._core.parameters import Net, average
from sk_shallow._core.rows import Column, Run
from sk_shallow._core.table import Rows, matrix_of
from sk_shallow.training.callbacks import FitTask, TrainingTask
from sk_shallow.training.folds import Fold, FoldNet, negative_log_loss, train_folds
from sk_shallow.training.monitor import NotFiniteError, Training
from sk_shallow.training.options import Options, resolve_options
from sk_shallow.training.publish import (
    attributes_of_data,
    fitted_attributes,
    predicting_attributes,
)
from sk_shallow.training.search import Setting, mean_score
from sk_shallow.training.start import default_scale
from sk_shallow.validation import Labels


class Data(NamedTuple):
    """What the folds are taken from."""

    labels: Labels
    rows: Rows
    score_weight: Column  # without the class weights
    score_params: dict[str, Any]  # what else the scorer is given


class Trials:
    """Trainings and scores of the folds, with one setting after another.

    Parameters
    ----------
    estimator : ShallowNetClassifierCV
        Whose parameters hold.
    fold_estimator : type
        ShallowNetClassifier, which a fold net becomes.
    columns : ColumnMoments
        Of the whole table.
    entropy : list of int
        What the starts follow from.
    run : callable
        Computes the blocks of rows, in one thread or several.
    tasks : FitTask
        Calls the callbacks.
    """

    def __init__(
        self,
        estimator: Any,
        fold_estimator: type,
        columns: ColumnMoments,
        entropy: list[int],
        run: Run,
        tasks: FitTask,
    ) -> None:
        self.estimator = estimator
        self.fold_estimator = fold_estimator
        self.columns = columns
        self.entropy = entropy
        self.run = run
        self.tasks = tasks
        self.n_settings = 0
        self.left_out: list[NotFiniteError] = []  # where the numbers of a setting overflow

    def options(self, setting: Setting) -> Options:
        parameters = vars(self.estimator) | setting._asdict() | {"verbose": False}
        return resolve_options(parameters, self.columns)

    def init_scale_of(self, scale: float | None) -> float:
        """The number that a scale stands for."""
        return default_scale(self.estimator.init) if scale is None else scale

    def score_if_finite(
        self, data: Data, folds: list[Fold], setting: Setting
    ) -> tuple[NDArray[np.float64], list[FoldNet] | NotFiniteError]:
        """`score`; without scores, and with the error, if the numbers overflow."""
        try:
            return self.score(data, folds, setting)
        except NotFiniteError as error:
            scale = self.init_scale_of(setting.init_scale)
            error.add_note(f"It was with alpha={setting.alpha:g}, init_scale={scale:g}.")
            self.left_out.append(error)
            return np.full(len(folds), np.nan), self.left_out[0]

    def score(
        self, data: Data, folds: list[Fold], setting: Setting
    ) -> tuple[NDArray[np.float64], list[FoldNet]]:
        """The scores of the folds with a setting, and their nets."""
        options = self.options(setting)
        nets = self._trained(data, folds, options)
        scores = np.array(
            [
                self._score_of(data, fold, fold_net, options)
                for fold, fold_net in zip(folds, nets, strict=True)
            ]
        )
        if self.estimator.verbose:
            print(
                f"alpha {setting.alpha:.3g}, init_scale {nets[0].start.init_scale:.3g}: "
                f"score {mean_score(scores):.6f} on {len(folds)} folds of "
                f"{np.count_nonzero(data.rows.sample_weight)} rows\n",
                end="",
            )
        return scores, nets

    def _trained(self, data: Data, folds: list[Fold], options: Options) -> list[FoldNet]:
        """The nets of the folds, whose trainings are a task of the callbacks."""
        tasks, number = self.tasks, self.n_settings
        context = tasks.subtask(
            tasks.context, "setting", number, len(folds), sequential=False
        )
        self.n_settings += 1

        def task_of(number: int) -> TrainingTask | None:
            return tasks.training("fold", number, attributes_of, context)

        def attributes_of(training: Training) -> dict[str, Any]:
            return self.predicting(training.net, data, options)

        try:
            nets = train_folds(
                folds,
                options,
                self.entropy,
                n_jobs=self.estimator.n_jobs,
                run=self.run,
                task_of=task_of,
            )
        except NotFiniteError:
            tasks.end(context, None)
            raise
        tasks.end(context, lambda: self.predicting(averaged(nets), data, options))
        return nets

    @staticmethod
    def predicting(net: Net, data: Data, options: Options) -> dict[str, Any]:
        """The attributes with which the estimator predicts by a net."""
        return predicting_attributes(net, data.labels, options, data.rows.X.dtype)

    def _score_of(
        self, data: Data, fold: Fold, fold_net: FoldNet, options: Options
    ) -> float:
        y, weight = data.rows.y[fold.is_test], data.score_weight[fold.is_test]
        if self.estimator.scoring is None:  # what is trained on, class weights and all
            of_training = data.rows.sample_weight[fold.is_test]
            return negative_log_loss(fold_net.test_logits, y, of_training)
        if not weight.any():
            return float("nan")
        net = self.estimator_of(data, fold, fold_net, options)
        net.__dict__.pop("feature_names_in_", None)  # the rows are in an array now
        params = params_of(data.score_params, fold.is_test, data.score_weight)
        X, labels = matrix_of(data.rows.X)[fold.is_test], data.labels.classes[y.astype(int)]
        return float(check_scoring(net, self.estimator.scoring)(net, X, labels, **params))

    def estimator_of(
        self, data: Data, fold: Fold, fold_net: FoldNet, options: Options
    ) -> Any:
        """The net of a fold as a fitted estimator."""
        net = self.fold_estimator()
        given = self.estimator.get_params(deep=False)
        net.set_params(**{name: given[name] for name in net.get_params() if name in given})
        net.set_params(alpha=options.alpha, init_scale=fold_net.start.init_scale, n_init=1)
        totals = sample_totals(fold.rows.sample_weight)
        of_data = attributes_of_data(
            data.labels, options, self.entropy, totals, self.columns
        )
        net.__dict__ |= fitted_attributes(
            of_data, fold.rows.X.dtype, fold_net.start, fold_net.training
        )
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator, name):
                setattr(net, name, getattr(self.estimator, name))
        return net


def averaged(nets: list[FoldNet]) -> Net:
    """The net whose logits are the means of those of the fold nets."""
    return average([fold_net.training.net for fold_net in nets])


def params_of(
    params: dict[str, Any], chosen: NDArray[Any], weight: Column
) -> dict[str, Any]:
    """The arguments of a scorer for some of the rows; `weight` are those of all rows."""
    those = {}
    for name, value in params.items():
        is_column = np.shape(value)[:1] == weight.shape
        array = value if sparse.issparse(value) else np.asarray(value)
        those[name] = array[chosen] if is_column else value
    if "sample_weight" in params:
        those["sample_weight"] = weight[chosen]
    return those


def out_of_fold(folds: list[Fold], nets: list[FoldNet]) -> NDArray[np.float64]:
    """The mean logit of each row by the nets in whose test fold it was; NaN without any."""
    n_rows = folds[0].is_test.size
    total, n_nets = np.zeros(n_rows), np.zeros(n_rows, dtype=np.int32)
    for fold, fold_net in zip(folds, nets, strict=True):
        total[fold.is_test] += fold_net.test_logits
        n_nets += fold.is_test
    with np.errstate(invalid="ignore"):  # 0 / 0
        total /= n_nets
    return total
