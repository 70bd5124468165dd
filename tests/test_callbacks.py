"""Callbacks are called at each fit, start and iteration, and may stop it."""

import copy
import pickle
from threading import Lock

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_shallow import ShallowNetClassifier, ShallowNetClassifierCV
from sk_shallow._core.solvers import SOLVERS

callback = pytest.importorskip(
    "sklearn.callback", reason="scikit-learn has callbacks from 1.9 on"
)
ignore_early_ends = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"
)


class Diary:
    """A callback that writes down its arguments, and stops after some iterations."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.begun, self.ended, self.nets, self.arguments = [], [], [], []
        self.is_set_up = self.is_torn_down = False

    def setup(self, estimator, context):
        self.is_set_up = True

    def teardown(self, estimator, context):
        self.is_torn_down = True

    def on_fit_task_begin(self, estimator, context, *, fitted_estimator):
        self.begun.append(path(context))

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.ended.append(path(context))
        self.arguments.append((X, y, metadata))
        self.nets.append(fitted_estimator)
        return context.task_name == "iteration" and context.task_id + 1 == self.stop_after


def path(context):
    above = () if context.parent is None else path(context.parent)
    return (*above, (context.task_name, context.task_id))


def fitted(table, diary, **parameters):
    net = ShallowNetClassifier(4, random_state=0, **{"n_init": 1, **parameters})
    net.set_callbacks(diary)
    return net.fit(*table)


@ignore_early_ends
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_iteration_is_a_task(cancer, solver):
    diary = Diary()
    net = fitted(cancer, diary, solver=solver, max_iter=7)
    fit, iterations = ("fit", 0), [("iteration", k) for k in range(net.n_iter_)]
    assert diary.begun == [(fit,), *((fit, iteration) for iteration in iterations)]
    assert diary.ended == [*((fit, iteration) for iteration in iterations), (fit,)]
    assert diary.is_set_up
    assert diary.is_torn_down


@ignore_early_ends
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_task_shows_the_net_as_if_training_had_stopped_there(cancer, solver):
    X, _ = cancer
    diary = Diary()
    net = fitted(cancer, diary, solver=solver, max_iter=5)
    short = clone(net).set_callbacks().set_params(max_iter=3).fit(*cancer)
    np.testing.assert_array_equal(diary.nets[2].predict_proba(X), short.predict_proba(X))
    np.testing.assert_array_equal(diary.nets[-1].predict_proba(X), net.predict_proba(X))


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_callback_stops_training_and_the_reason_says_so(cancer, solver):
    net = fitted(cancer, Diary(stop_after=4), solver=solver)
    assert net.stop_reason_ == "callback"
    assert net.n_iter_ == 4


def test_early_stopping_keeps_the_best_weights_of_a_stopped_training(large):
    net = fitted(large, Diary(stop_after=25))
    assert net.stop_reason_ == "callback"
    assert net.best_iteration_ == np.argmin(net.validation_loss_curve_)


def test_callbacks_see_the_data_as_it_was_given(cancer):
    X, y = cancer
    labels = np.array(["no", "yes"])[y].tolist()
    weight = np.ones(len(y))
    diary = Diary(stop_after=2)
    net = ShallowNetClassifier(4, n_init=1, random_state=0).set_callbacks(diary)
    net.fit(X, labels, sample_weight=weight)
    for given_X, given_y, metadata in diary.arguments:
        assert given_X is X
        assert given_y is labels
        assert metadata["sample_weight"] is weight


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_restarts_are_tasks_between_the_fit_and_its_iterations(cancer, n_jobs):
    diary = Diary(stop_after=3)
    fitted(cancer, diary, n_init=2, n_jobs=n_jobs)
    expected = [(("fit", 0),)]
    for start in (0, 1):
        expected += [(("fit", 0), ("start", start))]
        expected += [(("fit", 0), ("start", start), ("iteration", k)) for k in range(3)]
    assert sorted(diary.begun) == sorted(diary.ended) == sorted(expected)


def test_callbacks_change_no_bit(cancer):
    followed = fitted(cancer, Diary())
    alone = ShallowNetClassifier(4, n_init=1, random_state=0).fit(*cancer)
    np.testing.assert_array_equal(followed.coefs_[0], alone.coefs_[0])


class Alone(Diary):
    """Fails if another thread comes in while it is at work."""

    def __init__(self):
        super().__init__()
        self.at_work, self.met = Lock(), False

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        if not self.at_work.acquire(blocking=False):
            self.met = True
            return
        fitted_estimator.predict(np.zeros((20_000, 30)))
        self.at_work.release()


def test_callbacks_are_called_one_at_a_time(cancer):
    alone = Alone()
    fitted(cancer, alone, n_init=4, n_jobs=4, max_iter=1000)
    assert not alone.met


class Fitting(Diary):
    """A callback that fits a net of its own, from several starts, at the first task."""

    def __init__(self, table):
        super().__init__()
        self.table, self.inner = table, None

    def on_fit_task_begin(self, estimator, context):
        if self.inner is None:
            self.inner = ShallowNetClassifier(2, n_init=2, n_jobs=2, random_state=0)
            self.inner.set_callbacks(Diary()).fit(*self.table)


def test_a_callback_may_fit_a_net_of_its_own(circles):
    table = circles(seed=0)
    fitting = Fitting(table)
    fitted(table, fitting, n_init=2, n_jobs=2)
    assert fitting.inner.init_losses_.shape == (2,)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_task_of_a_start_ends_with_its_net_and_that_of_the_fit_with_the_best(
    circles, n_jobs
):
    X, y = circles(seed=1)
    diary = Diary()
    net = fitted((X, y), diary, n_init=4, n_jobs=n_jobs, alpha=0)
    assert net.init_losses_.argmin() > 0
    nets = dict(zip(diary.ended, diary.nets, strict=True))
    for start, loss in enumerate(net.init_losses_):
        shown = nets[("fit", 0), ("start", start)]
        assert log_loss(y, shown.predict_proba(X)) == pytest.approx(loss, rel=1e-9)
    best = nets[(("fit", 0),)]
    np.testing.assert_array_equal(best.coefs_[0], net.coefs_[0])


def test_an_iteration_that_comes_to_nothing_ends_without_a_net(cancer):
    diary = Diary()
    with pytest.warns(Warning, match="no step lowers J|flat part"):
        net = fitted(cancer, diary, init_scale=1e20)
    assert net.stop_reason_ == "line_search"
    assert sorted(diary.begun) == sorted(diary.ended)
    assert diary.nets[-2] is None


def test_without_weights_there_is_no_metadata(cancer):
    diary = Diary(stop_after=1)
    fitted(cancer, diary)
    assert [metadata for _, _, metadata in diary.arguments] == [None, None]


class Late(Diary):
    """Writes down what comes after the end."""

    def __init__(self):
        super().__init__()
        self.late = []

    def on_fit_task_begin(self, estimator, context):
        if self.is_torn_down:
            self.late.append(path(context))

    def on_fit_task_end(self, estimator, context):
        if self.is_torn_down:
            self.late.append(path(context))
        if context.task_name == "iteration" and context.parent.task_id == 1:
            raise KeyboardInterrupt


def test_no_callback_is_called_after_the_end_of_a_fit_that_failed(circles):
    late = Late()
    with pytest.raises(KeyboardInterrupt):
        fitted(circles(seed=0), late, n_init=4, n_jobs=4, solver="gd", max_iter=10**6)
    assert late.is_torn_down
    assert not late.late


class Failing(Diary):
    def on_fit_task_end(self, estimator, context):
        raise KeyboardInterrupt


@pytest.mark.parametrize("n_init", [1, 3])
def test_a_callback_that_fails_leaves_the_estimator_as_it_was(cancer, n_init):
    net = ShallowNetClassifier(4, n_init=1, random_state=0).fit(*cancer)
    diary = Failing()
    net.set_callbacks(diary).set_params(n_init=n_init, n_jobs=2)
    before = dict(vars(net))
    with pytest.raises(KeyboardInterrupt):
        net.fit(*cancer)
    assert diary.is_torn_down
    assert vars(net) == before


class FailingAt(Diary):
    """A callback that fails when it is set up or torn down."""

    def __init__(self, hook):
        super().__init__()
        self.hook = hook

    def setup(self, estimator, context):
        self.fail("setup")

    def teardown(self, estimator, context):
        super().teardown(estimator, context)
        self.fail("teardown")

    def fail(self, hook):
        if hook == self.hook:
            raise KeyboardInterrupt


@pytest.mark.parametrize("hook", ["setup", "teardown"])
@pytest.mark.parametrize("n_fits", [0, 1])
def test_nor_does_one_that_fails_before_or_after_all_tasks(cancer, hook, n_fits):
    net = ShallowNetClassifier(4, n_init=1, random_state=0)
    for _ in range(n_fits):
        net.fit(*cancer)
    failing = FailingAt(hook)
    net.set_callbacks(failing)
    before = dict(vars(net))
    with pytest.raises(KeyboardInterrupt):
        net.fit(*cancer)
    assert failing.is_torn_down
    assert vars(net) == before


# --- scikit-learn's own callbacks -----------------------------------------------------


def scores(monitor, **options):
    return [
        row["neg_log_loss"]
        for row in monitor.get_logs(**options).data
        if row["task_name"] == "iteration"
    ]


def test_scoring_monitor_alone(cancer):
    monitor = callback.ScoringMonitor(scoring="neg_log_loss")
    net = fitted(cancer, monitor)
    followed = scores(monitor)
    assert len(followed) == net.n_iter_
    assert followed[-1] > followed[0]


def test_scoring_monitor_in_a_pipeline(raw_cancer):
    monitor = callback.ScoringMonitor(scoring="neg_log_loss")
    net = ShallowNetClassifier(4, n_init=1, random_state=0).set_callbacks(monitor)
    pipeline = make_pipeline(StandardScaler(), net).fit(*raw_cancer)
    assert len(scores(monitor)) == pipeline[-1].n_iter_


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_scoring_monitor_in_a_grid_search(raw_cancer, n_jobs):
    monitor = callback.ScoringMonitor(scoring="neg_log_loss")
    net = ShallowNetClassifier(4, n_init=1, random_state=0).set_callbacks(monitor)
    grid = {"shallownetclassifier__alpha": [1, 5]}
    search = GridSearchCV(make_pipeline(StandardScaler(), net), grid, cv=2, n_jobs=n_jobs)
    search.fit(*raw_cancer)
    log = monitor.get_logs(include_lineage=True).data
    fits = {row["parent_task_id_path"] for row in log if row["task_name"] == "iteration"}
    assert len(fits) == 2 * 2 + 1  # candidates, splits, and the refit


@pytest.mark.parametrize("n_init", [1, 2])
def test_progress_bar_alone(cancer, n_init, capsys):
    pytest.importorskip("rich")
    fitted(cancer, callback.ProgressBar(), n_init=n_init)
    out = capsys.readouterr().out
    assert "ShallowNetClassifier - fit" in out
    assert ("start #1" in out) == (n_init == 2)
    assert "100%" in out


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_progress_bar_in_a_pipeline_in_a_grid_search(raw_cancer, n_jobs, capsys):
    pytest.importorskip("rich")
    pipeline = make_pipeline(
        StandardScaler(), ShallowNetClassifier(4, n_init=1, random_state=0)
    )
    grid = {"shallownetclassifier__alpha": [1, 5]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs)
    search.set_callbacks(callback.ProgressBar(max_propagation_depth=None))
    search.fit(*raw_cancer)
    out = capsys.readouterr().out
    assert "GridSearchCV - fit" in out
    assert "ShallowNet" in out


def attributes_of(net):
    return {name: value for name, value in vars(net).items() if name.endswith("_")}


def same_values(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_equal(one[name], other[name], err_msg=name)


def copies(net):
    yield net
    yield copy.copy(net)
    yield copy.deepcopy(net)
    yield pickle.loads(pickle.dumps(net))


@ignore_early_ends
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("n_fits", [1, 2])
def test_a_task_shows_all_that_a_fit_would_leave_that_stopped_there(
    cancer, solver, early_stopping, n_fits
):
    X, _ = cancer
    diary = Diary()
    parameters = {"solver": solver, "early_stopping": early_stopping, "max_iter": 5}
    net = fitted(cancer, diary, **parameters)
    if n_fits == 2:  # of which nothing of the first may show
        net.set_params(class_weight="balanced", alpha=1.0)
        diary.nets.clear()
        net.fit(*cancer)
    for number, shown in enumerate(diary.nets):
        stopped = clone(net).set_callbacks(Diary(stop_after=number + 1)).fit(*cancer)
        if number == len(diary.nets) - 1:
            stopped = net
        for again in copies(shown):
            same_values(attributes_of(again), attributes_of(stopped))
            np.testing.assert_array_equal(again.predict_proba(X), stopped.predict_proba(X))
    if solver == "adam":  # and it goes on as that would
        shown, stopped = diary.nets[1], clone(net).set_callbacks(Diary(stop_after=2))
        stopped.fit(*cancer)
        for one in (shown, stopped):
            one.set_callbacks().set_params(early_stopping=False, class_weight=None)
            one.partial_fit(*cancer)
        same_values(attributes_of(shown), attributes_of(stopped))


def test_a_start_shows_its_own_net_and_the_fit_that_of_the_best(cancer):
    diary = Diary()
    net = fitted(cancer, diary, n_init=3)
    starts = [
        shown
        for shown, path in zip(diary.nets, diary.ended, strict=True)
        if path[-1][0] == "start"
    ]
    losses = [shown.loss_ for shown in starts]
    assert losses == net.init_losses_.tolist()
    assert [shown.init_losses_.tolist() for shown in starts] == [[loss] for loss in losses]
    same_values(attributes_of(diary.nets[-1]), attributes_of(net))


@pytest.mark.filterwarnings("ignore::sk_shallow.SaturationWarning")
def test_the_task_of_a_start_that_is_left_out_ends_without_a_net(cancer):
    calls, diary = [], Diary()

    def init(rng, shape):
        calls.append(shape)
        return rng.standard_normal(shape) * (1e200 if len(calls) <= 2 else 0.3)

    with pytest.warns(ConvergenceWarning, match="left out"):
        fitted(cancer, diary, n_init=2, init=init)
    assert sorted(diary.begun) == sorted(diary.ended)
    assert diary.nets[diary.ended.index((("fit", 0), ("start", 0)))] is None


class Stopping(Diary):
    """Raises StopIteration, as an iterator that has run out would."""

    def __init__(self, hook, iteration):
        super().__init__()
        self.hook, self.iteration = hook, iteration

    def on_fit_task_begin(self, estimator, context):
        self.stop("begin", context)

    def on_fit_task_end(self, estimator, context):
        self.stop("end", context)

    def stop(self, hook, context):
        is_it = context.task_name == "iteration" and context.task_id == self.iteration
        if is_it and hook == self.hook:
            raise StopIteration("ran out")


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("hook", ["begin", "end"])
@pytest.mark.parametrize("iteration", [0, 2])
@pytest.mark.parametrize("n_init", [1, 2])
def test_what_a_callback_raises_is_never_swallowed(cancer, solver, hook, iteration, n_init):
    with pytest.raises(StopIteration, match="ran out"):
        fitted(cancer, Stopping(hook, iteration), solver=solver, n_init=n_init)


# --- The search of ShallowNetClassifierCV ---------------------------------------------


def searched(table, *callbacks, **parameters):
    options = {"alphas": [2.0, 1.0], "cv": 2, "max_iter": 3, "random_state": 0}
    net = ShallowNetClassifierCV(4, **{**options, **parameters})
    return net.set_callbacks(*callbacks).fit(*table)


@ignore_early_ends
@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("refit", [False, True])
def test_a_search_is_a_tree_of_settings_folds_and_iterations(circles, n_jobs, refit):
    diary = Diary()
    searched(circles(), diary, n_jobs=n_jobs, refit=refit)
    fit, iterations = ("fit", 0), [(("iteration", k),) for k in range(3)]
    above = [(("setting", k), ("fold", fold)) for k in range(2) for fold in range(2)]
    above += [(("refit", 2),)] if refit else []
    expected = [(fit,), *((fit, ("setting", k)) for k in range(2))]
    expected += [(fit, *task, *below) for task in above for below in [(), *iterations]]
    assert sorted(diary.begun) == sorted(diary.ended) == sorted(expected)
    assert diary.begun[0] == diary.ended[-1] == (fit,)
    assert diary.is_torn_down


def test_a_callback_that_asks_to_stop_stops_the_training_of_one_fold(circles):
    class Impatient(Diary):
        def on_fit_task_end(self, estimator, context):
            return context.task_name == "iteration" and path(context)[-2] == ("fold", 1)

    net = searched(circles(), Impatient(), max_iter=1000)
    assert net.n_iter_[0] > 5
    assert net.n_iter_[1] == 1
    assert net.estimators_[1].stop_reason_ == "callback"


@ignore_early_ends
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_setting_that_is_left_out_ends_without_a_net(circles, n_jobs):
    diary = Diary()
    searched(circles(), diary, init_scales=[1e300, 1], n_jobs=n_jobs)
    assert sorted(diary.begun) == sorted(diary.ended)
    nets = dict(zip(diary.ended, diary.nets, strict=True))
    for number in range(4):
        shown = nets[("fit", 0), ("setting", number)]
        assert (shown is None) == (number < 2)


@ignore_early_ends
def test_callbacks_change_no_bit_of_a_search(circles):
    followed = searched(circles(), Diary(), refit=True)
    alone = searched(circles(), refit=True)
    np.testing.assert_array_equal(followed.coefs_[0], alone.coefs_[0])
    np.testing.assert_array_equal(followed.scores_, alone.scores_)


@ignore_early_ends
def test_the_tasks_of_a_search_show_the_net_of_the_fold_the_average_and_the_refit(circles):
    X, y = circles()
    diary = Diary()
    net = searched((X, y), diary, alphas=[1.0])
    nets = dict(zip(diary.ended, diary.nets, strict=True))
    setting = ("fit", 0), ("setting", 0)
    for number, of_fold in enumerate(net.estimators_):
        shown = nets[*setting, ("fold", number)]
        np.testing.assert_array_equal(shown.coefs_[0], of_fold.coefs_[0])
        last = nets[*setting, ("fold", number), ("iteration", 2)]
        np.testing.assert_array_equal(last.coefs_[0], of_fold.coefs_[0])
    np.testing.assert_array_equal(nets[setting].predict_proba(X), net.predict_proba(X))
    same_values(attributes_of(nets[setting[:1]]), attributes_of(net))
    diary.nets.clear()
    net.set_params(refit=True).fit(X, y)
    for shown in diary.nets[:-1]:  # they show nothing of the fit before
        for again in copies(shown):
            assert not hasattr(again, "scores_")
            assert again.predict(X).shape == y.shape
    np.testing.assert_array_equal(diary.nets[-2].coefs_[0], net.coefs_[0])


@ignore_early_ends
@pytest.mark.parametrize("n_fits", [0, 1])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_whose_callback_fails_leaves_the_estimator_as_it_was(
    circles, n_fits, n_jobs
):
    net = ShallowNetClassifierCV(4, max_iter=3, cv=2, n_jobs=n_jobs, random_state=0)
    for _ in range(n_fits):
        net.fit(*circles())
    diary = Failing()
    net.set_callbacks(diary)
    before = dict(vars(net))
    with pytest.raises(KeyboardInterrupt):
        net.fit(*circles())
    assert diary.is_torn_down
    assert vars(net) == before


@ignore_early_ends
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_callbacks_of_scikit_learn_follow_a_search(circles, n_jobs, capsys):
    monitor = callback.ScoringMonitor(scoring="neg_log_loss")
    searched(circles(), monitor, n_jobs=n_jobs)
    assert len(scores(monitor)) == 2 * 2 * 3
    pytest.importorskip("rich")
    searched(circles(), callback.ProgressBar(), n_jobs=n_jobs, refit=True)
    out = capsys.readouterr().out
    for task in ("ShallowNetClassifierCV - fit", "setting #1", "fold #0", "refit #2"):
        assert task in out


def test_a_monitor_of_the_hidden_layer_refuses_a_search_in_words(circles):
    from sk_shallow.inspection import HiddenLayerMonitor

    with pytest.raises(TypeError, match=r"watches one fit.*Give it to a ShallowNetCl"):
        searched(circles(), HiddenLayerMonitor())
