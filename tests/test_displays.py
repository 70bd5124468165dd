"""Displays draw, and hold the data that they show."""

import subprocess
import sys
import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import sklearn
from joblib import parallel_config
from matplotlib import pyplot as plt
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sk_shallow import (
    InitializationWarning,
    ShallowNetClassifier,
    ShallowNetClassifierCV,
)
from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow.inspection import (
    ActivationDisplay,
    CrossValidationDisplay,
    HiddenUnitSimilarityDisplay,
    InitScaleDisplay,
    LossCurveDisplay,
    inspect_hidden_layer,
)
from sk_shallow.inspection.displays.init_scales import with_reference

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _no_screen():
    mpl.use("Agg")
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def net(large):
    return ShallowNetClassifier(6, random_state=0).fit(*large)


@pytest.fixture(scope="module")
def searched(large):
    """Its fold nets are stopped by their folds."""
    search = ShallowNetClassifierCV(
        4, alphas=[0.5, 50, 5], init_scales=[1, 0.5], cv=3, random_state=0
    )
    return search.fit(*large)


def drawn(display):
    """The picture, really rendered."""
    display.figure_.canvas.draw()
    return display


@pytest.mark.parametrize(
    "draw",
    [
        lambda net, X, ax: LossCurveDisplay.from_estimator(net, ax=ax),
        lambda net, X, ax: ActivationDisplay.from_estimator(net, X, ax=ax),
        lambda net, X, ax: HiddenUnitSimilarityDisplay.from_estimator(net, X, ax=ax),
        lambda net, X, ax: CrossValidationDisplay.from_estimator(net, ax=ax),
    ],
    ids=["loss", "activations", "similarity", "cross-validation"],
)
@pytest.mark.parametrize("given", [False, True])
def test_displays_draw_on_the_axes_they_are_given_or_on_new_ones(
    large, searched, draw, given
):
    ax = plt.figure().subplots() if given else None
    display = draw(searched, large[0], ax)
    assert (display.ax_ is ax) is given
    first = display.ax_
    assert display.plot() is display
    assert display.ax_ is not first
    assert display.figure_ is display.ax_.figure
    assert drawn(display).ax_.get_xlabel()
    assert display.ax_.get_ylabel()


def test_matplotlib_is_imported_when_something_is_drawn_and_not_before():
    code = "import sk_shallow.inspection, sys; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_without_matplotlib_the_error_names_the_extra(net, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'sk-shallow\[plot\]'"):
        LossCurveDisplay.from_estimator(net)


# --- Loss curves --------------------------------------------------------------------------


def test_loss_curves_are_those_of_the_nets(large, cancer, net):
    other = ShallowNetClassifier(3, random_state=0).fit(*cancer)
    display = LossCurveDisplay.from_estimator({"large": net, "cancer": other})
    both, alone = display.curves.values()
    np.testing.assert_array_equal(both.training, net.loss_curve_)
    np.testing.assert_array_equal(both.held_out, net.validation_loss_curve_)
    assert both.best_iteration == net.best_iteration_
    assert alone.held_out is None
    assert len(display.lines_) == 3
    np.testing.assert_array_equal(display.lines_[1].get_ydata(), net.validation_loss_curve_)
    assert drawn(display).ax_.get_yscale() == "log"
    best = net.best_iteration_
    marked = [(line.get_xdata()[0], line.get_ydata()[0]) for line in display.ax_.lines[2:3]]
    assert marked == [(best, net.validation_loss_curve_[best])]
    labels = [line.get_label() for line in display.lines_]
    assert labels[2] == "cancer: J, training"


def test_loss_curves_of_pipelines_and_searches(cancer):
    pipeline = make_pipeline(StandardScaler(), ShallowNetClassifier(3, random_state=0))
    search = GridSearchCV(pipeline, {"shallownetclassifier__alpha": [5]}, cv=2)
    search.fit(*cancer)
    curve = LossCurveDisplay.from_estimator(search).curves[""]
    np.testing.assert_array_equal(curve.training, search.best_estimator_[-1].loss_curve_)
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(pipeline)
    with pytest.raises(TypeError, match="got LogisticRegression"):
        LossCurveDisplay.from_estimator(LogisticRegression())


def test_no_net_has_no_loss_curve():
    with pytest.raises(ValueError, match="at least one net"):
        LossCurveDisplay.from_estimator({})


def test_each_fold_net_has_a_loss_curve(large, searched, net):
    pipeline = make_pipeline(FunctionTransformer(), searched)
    display = drawn(LossCurveDisplay.from_estimator(pipeline))
    assert list(display.curves) == ["fold 0", "fold 1", "fold 2"]
    for curve, one in zip(display.curves.values(), searched.estimators_, strict=True):
        np.testing.assert_array_equal(curve.training, one.loss_curve_)
        np.testing.assert_array_equal(curve.held_out, one.validation_loss_curve_)
        assert curve.best_iteration == one.best_iteration_
    assert len(display.lines_) == 6
    several = drawn(LossCurveDisplay.from_estimator({"folds": pipeline, "one": net}))
    names = ["folds: fold 0", "folds: fold 1", "folds: fold 2", "one"]
    assert list(several.curves) == names
    legend = [text.get_text() for text in several.ax_.get_legend().get_texts()]
    assert legend == [*names, "J, training", "log-loss, held out", "lowest"]
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(ShallowNetClassifierCV())


def test_the_legend_of_many_nets_without_held_out_rows(cancer):
    cv = ShallowNetClassifierCV(2, alphas=[5], cv=4, random_state=0).fit(*cancer)
    search = GridSearchCV(cv, {"alphas": [[5]]}, cv=2).fit(*cancer)
    display = drawn(LossCurveDisplay.from_estimator(search))
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == ["fold 0", "fold 1", "fold 2", "fold 3", "J, training"]
    colours = [line.get_color() for line in display.lines_]
    handles = display.ax_.get_legend().legend_handles[:4]
    assert [handle.get_color() for handle in handles] == colours


# --- Cross-validation ---------------------------------------------------------------------


def test_the_search_is_drawn_as_it_went(searched):
    pipeline = make_pipeline(StandardScaler(), searched)
    display = drawn(
        CrossValidationDisplay.from_estimator(pipeline, logistic_regression=-0.6)
    )
    np.testing.assert_array_equal(display.alphas, [0.5, 5, 50])
    np.testing.assert_array_equal(display.scores, searched.scores_)
    assert display.ax_.get_xscale() == "log"
    bands = display.ax_.collections
    for scores, line, band in zip(searched.scores_, display.lines_, bands, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), display.alphas)
        np.testing.assert_allclose(line.get_ydata(), scores.mean(axis=1))
        error = scores.std(axis=1, ddof=1) / np.sqrt(3)
        edges = band.get_paths()[0].vertices
        for alpha, mean, half in zip(display.alphas, line.get_ydata(), error, strict=True):
            drawn_at = edges[edges[:, 0] == alpha, 1]
            assert drawn_at.max() == pytest.approx(mean + half)
            assert drawn_at.min() == pytest.approx(mean - half)
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    best = f"best: alpha {searched.alpha_:.3g}"
    reference = "LogisticRegression (no fold stopped it)"
    assert set(texts) == {"init_scale 1", "init_scale 0.5", best, reference}
    (mark,) = (line for line in display.ax_.lines if line.get_label() == best)
    assert mark.get_xdata() == [searched.alpha_]
    assert mark.get_ydata() == [searched.scores_.mean(axis=2).max()]
    (line,) = (line for line in display.ax_.lines if line.get_label() == reference)
    assert set(line.get_ydata()) == {-0.6}
    assert display.ax_.get_ylabel().startswith("neg_log_loss")


def test_the_reference_of_nets_that_no_fold_stopped_has_no_note(circles):
    net = ShallowNetClassifierCV(4, alphas=[0.1], random_state=0, scoring="accuracy")
    net.fit(*circles(seed=0))
    display = CrossValidationDisplay.from_estimator(net, logistic_regression=0.5)
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts[-1] == "LogisticRegression"
    assert display.ax_.get_ylabel().startswith("accuracy")


def test_settings_and_folds_without_a_score_are_left_out(searched):
    display = CrossValidationDisplay.from_estimator(searched)
    display.scores = display.scores.copy()
    display.scores[0, 1] = np.nan
    display.scores[1, 2, 0] = np.nan
    display.scores[1, 0, 1:] = np.nan
    display = drawn(display.plot())
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), [0.5, 50])
    expected = [display.scores[1, 0, 0], display.scores[1, 1].mean()]
    np.testing.assert_allclose(display.lines_[1].get_ydata()[:2], expected)
    edges = display.ax_.collections[1].get_paths()[0].vertices
    assert set(edges[edges[:, 0] == 0.5, 1]) == {display.scores[1, 0, 0]}


def test_an_alpha_of_0_has_a_place(circles):
    net = ShallowNetClassifierCV(4, alphas=[0, 0.1], cv=2, random_state=0)
    display = drawn(CrossValidationDisplay.from_estimator(net.fit(*circles(seed=0))))
    assert display.ax_.get_xscale() == "symlog"
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), [0, 0.1])


@pytest.mark.filterwarnings("ignore::sk_shallow.CollapseWarning")
@pytest.mark.parametrize("seed", range(3))
def test_labels_that_contradict_each_other_have_no_signal(seed):
    X = np.random.default_rng(seed).standard_normal((75, 3)).repeat(2, axis=0)
    y = np.arange(150) % 2  # each row once with either label
    net = ShallowNetClassifierCV(4, cv=3, random_state=seed).fit(X, y)
    display = drawn(CrossValidationDisplay.from_estimator(net))
    assert display.verdict == "No signal found"
    assert display.ax_.get_title() == display.verdict
    too_strong = ShallowNetClassifierCV(4, alphas=[500, 1000], cv=3, random_state=seed)
    display = CrossValidationDisplay.from_estimator(too_strong.fit(X, y))
    assert "No signal" not in display.verdict  # nothing else was tried


def test_a_table_without_error_has_the_weakest_penalty():
    X = np.random.default_rng(0).standard_normal((150, 2))
    X = X / 10 + np.sign(X)
    net = ShallowNetClassifierCV(4, cv=3, random_state=0).fit(X, X[:, 0] > 0)
    assert CrossValidationDisplay.from_estimator(net).verdict == (
        "The weakest penalty is best"
    )


@pytest.mark.parametrize(
    ("alphas", "verdict"),
    [
        ([0.001, 0.01, 30], ""),
        ([3, 1], "The smallest alpha is best: try smaller ones"),
        ([1e-4, 1e-3], "The largest alpha is best: try larger ones"),
        ([0.1], ""),
    ],
)
def test_the_verdict_on_penalties_of_the_user(circles, alphas, verdict):
    net = ShallowNetClassifierCV(8, alphas=alphas, cv=3, random_state=0)
    display = CrossValidationDisplay.from_estimator(net.fit(*circles(seed=0)))
    assert display.verdict == verdict


def test_what_has_no_search_is_refused(searched, net):
    with pytest.raises(TypeError, match="got ShallowNetClassifier"):
        CrossValidationDisplay.from_estimator(net)
    with pytest.raises(TypeError, match="got LogisticRegression"):
        CrossValidationDisplay.from_estimator(LogisticRegression())
    with pytest.raises(NotFittedError):
        CrossValidationDisplay.from_estimator(ShallowNetClassifierCV())
    for score in (LogisticRegression(), np.nan, "0.1", True):
        with pytest.raises(ValueError, match="logistic_regression must be a finite"):
            CrossValidationDisplay.from_estimator(searched, logistic_regression=score)


# --- Activations --------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("per_unit", [False, True])
def test_activations_are_counted(large, activation, per_unit):
    X, _ = large
    net = ShallowNetClassifier(6, activation=activation, random_state=0)
    options = {"at_start": True, "n_bins": 20, "per_unit": per_unit}
    display = drawn(ActivationDisplay.from_estimator(net, X, **options))
    W1 = inspect_weights(net, X)
    A1 = ACTIVATIONS[activation].apply(X @ W1)
    if activation == "relu":  # zeros have a bin of their own
        A1[A1 == 0] = display.edges[0]
    expected = [np.histogram(unit, display.edges)[0] / len(X) for unit in A1.T]
    np.testing.assert_allclose(display.share, expected, atol=1.01 / len(X))
    np.testing.assert_allclose(display.share.sum(axis=1), 1)
    report = inspect_hidden_layer(net, X, at_start=True)
    np.testing.assert_array_equal(display.saturated_share, report.saturated_share)
    assert f"{report.saturated_share.mean():.0%}" in display.ax_.get_title()


def inspect_weights(net, X):
    """W1 at the start, computed by a net that looks at the unit vectors."""
    drawn = []

    def init(rng, shape):
        weights = rng.uniform(-1, 1, shape) * np.sqrt(6 / sum(shape))
        drawn.append(weights)
        return weights

    copy = ShallowNetClassifier(**{**net.get_params(), "init": init})
    inspect_hidden_layer(copy, X, at_start=True)
    return drawn[0]


@pytest.mark.parametrize(
    ("activation", "ranges"),
    [
        ("tanh", [(-1, -(0.95**0.5)), (0.95**0.5, 1)]),
        ("logistic", [(0, 0.5 - 0.2375**0.5), (0.5 + 0.2375**0.5, 1)]),
        ("relu", [(0, None)]),
    ],
)
def test_the_shaded_part_is_where_the_slope_is_under_5_percent(large, activation, ranges):
    net = ShallowNetClassifier(6, activation=activation, random_state=0)
    display = ActivationDisplay.from_estimator(net, large[0], at_start=True)
    ranges = [(low, display.edges[0] if high is None else high) for low, high in ranges]
    np.testing.assert_allclose(np.sort(display.flat_ranges), np.sort(ranges), atol=1e-3)


def test_the_last_bin_has_its_upper_edge(large):
    net = ShallowNetClassifier(6, init="normal", init_scale=1e6, random_state=0)
    display = ActivationDisplay.from_estimator(net, large[0], at_start=True, n_bins=4)
    report = inspect_hidden_layer(net, large[0], at_start=True)
    assert report.saturated_share.min() > 0.99
    np.testing.assert_allclose(display.share[:, [0, 3]], 0.5, atol=0.1)


@pytest.mark.parametrize("n_bins", [0, -1, 2.5, True, "many"])
def test_bins_are_counted_from_1(large, n_bins):
    with pytest.raises(ValueError, match="n_bins must be an integer >= 1"):
        ActivationDisplay.from_estimator(
            ShallowNetClassifier(), large[0], at_start=True, n_bins=n_bins
        )


def test_a_weighted_start_is_drawn_as_it_is(large):
    X, y = large
    weight = np.where(X[:, 0] > 1, 50.0, 1.0)
    net = ShallowNetClassifier(6, init="lsuv", random_state=0)
    options = {"sample_weight": weight, "at_start": True}
    display = ActivationDisplay.from_estimator(net, X, y, **options)
    report = inspect_hidden_layer(net, X, y, **options)
    np.testing.assert_array_equal(display.saturated_share, report.saturated_share)
    other = ActivationDisplay.from_estimator(net, X, y, at_start=True)
    assert (display.share != other.share).any()
    similar = [
        HiddenUnitSimilarityDisplay.from_estimator(net, X, y, at_start=True, **w).similarity
        for w in ({}, {"sample_weight": weight})
    ]
    assert (similar[0] != similar[1]).any()


def test_the_bar_of_a_relu_at_0_is_its_flat_share(cancer):
    net = ShallowNetClassifier(6, activation="relu", random_state=0)
    display = ActivationDisplay.from_estimator(net, cancer[0], at_start=True)
    np.testing.assert_allclose(display.share[:, 0], display.saturated_share)
    assert display.edges[1] == pytest.approx(0, abs=1e-12)


def test_dead_relu_units_are_counted_at_0():
    init = (-np.ones((1, 2)), np.zeros(2), np.ones(2), 0.0)
    net = ShallowNetClassifier(2, activation="relu", init=init)
    X = np.arange(1.0, 6.0)[:, None]
    display = drawn(ActivationDisplay.from_estimator(net, X, at_start=True))
    np.testing.assert_array_equal(display.share[:, 0], [1, 1])
    assert "100%" in display.ax_.get_title()


# --- Similarity ---------------------------------------------------------------------------


@pytest.mark.parametrize("init", ["zeros", "constant"])
def test_a_symmetric_start_is_one_block(large, init):
    net = ShallowNetClassifier(6, init=init)
    display = HiddenUnitSimilarityDisplay.from_estimator(net, large[0], at_start=True)
    np.testing.assert_allclose(display.similarity, 1, atol=1e-12)
    assert display.group_sizes == [6]
    assert drawn(display).ax_.get_title() == "6 units, 1 distinct"


def test_units_stand_by_group_and_similarity_is_the_cosine(large):
    X, _ = large
    W1 = np.random.default_rng(0).standard_normal((6, 3))[:, [0, 1, 2, 1, 1]]
    W1[:, 4] *= -1
    net = ShallowNetClassifier(5, init=(W1, np.zeros(5), np.ones(5), 0.0))
    display = HiddenUnitSimilarityDisplay.from_estimator(net, X, at_start=True)
    assert display.group_sizes == [3, 1, 1]
    assert display.order.tolist() == [1, 3, 4, 0, 2]
    A1 = np.tanh(X @ W1)[:, display.order]
    size = np.linalg.norm(A1, axis=0)
    np.testing.assert_allclose(
        display.similarity, A1.T @ A1 / np.outer(size, size), atol=1e-12
    )
    assert display.similarity[0, 2] == pytest.approx(-1)


def test_the_tolerance_of_groups_is_checked(large, net):
    with pytest.raises(ValueError, match="tol must be"):
        HiddenUnitSimilarityDisplay.from_estimator(net, large[0], tol=-1)


# --- Scales -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moons_and_pipeline():
    from sklearn.datasets import make_moons

    net = ShallowNetClassifier(4, init="normal", alpha=0.1, random_state=0)
    return *make_moons(150, noise=0.2, random_state=0), make_pipeline(StandardScaler(), net)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_scores_and_iterations_are_those_of_cross_validation(moons_and_pipeline, n_jobs):
    X, y, pipeline = moons_and_pipeline
    cv = KFold(3, shuffle=True, random_state=0)
    display = drawn(
        InitScaleDisplay.from_estimator(
            pipeline, X, y, init_scales=[100, 0.1, 0], cv=cv, n_jobs=n_jobs
        )
    )
    np.testing.assert_array_equal(display.init_scales, [0, 0.1, 100])
    assert display.scores.shape == display.n_iter.shape == (3, 3)
    pipeline = pipeline.set_params(shallownetclassifier__init_scale=0.1)
    expected = cross_val_score(pipeline, X, y, cv=cv, scoring="neg_log_loss")
    np.testing.assert_allclose(display.scores[1], expected, rtol=1e-6)
    reference = make_pipeline(StandardScaler(), LogisticRegression(max_iter=10_000))
    expected = cross_val_score(reference, X, y, cv=cv, scoring="neg_log_loss")
    np.testing.assert_allclose(display.reference_scores, expected, rtol=1e-6)
    assert display.n_warnings[0] >= 3  # a zero start, in each split
    assert display.n_warnings[1] == 0
    line, band = display.ax_.lines[0], display.ax_.collections[0]
    np.testing.assert_allclose(line.get_ydata(), display.scores.mean(axis=1))
    edges = band.get_paths()[0].vertices
    for scale, scores in zip(display.init_scales, display.scores, strict=True):
        drawn_at = edges[edges[:, 0] == scale, 1]
        assert drawn_at.max() == pytest.approx(scores.mean() + scores.std())
        assert drawn_at.min() == pytest.approx(scores.mean() - scores.std())
    iterations = display.iterations_ax_.lines[0].get_ydata()
    np.testing.assert_allclose(iterations, display.n_iter.mean(axis=1))
    assert display.ax_.get_ylabel().startswith("neg_log_loss")
    assert display.iterations_ax_.get_ylabel().startswith("iterations")


def test_the_estimator_is_not_changed(moons_and_pipeline):
    X, y, pipeline = moons_and_pipeline
    before = pipeline.get_params()["shallownetclassifier__init_scale"]
    InitScaleDisplay.from_estimator(pipeline, X, y, init_scales=[1.0], cv=2)
    assert pipeline.get_params()["shallownetclassifier__init_scale"] == before
    assert not hasattr(pipeline[0], "mean_")


def test_a_net_alone_and_another_score(moons_and_pipeline):
    X, y, pipeline = moons_and_pipeline
    display = InitScaleDisplay.from_estimator(
        pipeline[-1], X, y, init_scales=[0.1, 1], cv=2, scoring="accuracy"
    )
    assert (display.scores <= 1).all()
    assert display.scoring == "accuracy"


@pytest.mark.parametrize("scales", [[], [[0.1, 1]], [-1.0], [np.nan], "a"])
def test_scales_that_are_none(moons_and_pipeline, scales):
    X, y, pipeline = moons_and_pipeline
    with pytest.raises(ValueError, match="init_scale"):
        InitScaleDisplay.from_estimator(pipeline, X, y, init_scales=scales, cv=2)


def test_scales_of_what_is_no_net(moons_and_pipeline):
    X, y, _ = moons_and_pipeline
    with pytest.raises(TypeError, match="got LogisticRegression"):
        InitScaleDisplay.from_estimator(LogisticRegression(), X, y)
    search = GridSearchCV(ShallowNetClassifier(), {})
    with pytest.raises(TypeError, match="got GridSearchCV"):
        InitScaleDisplay.from_estimator(search, X, y)


def test_a_fit_that_fails_says_why(moons_and_pipeline):
    X, y, pipeline = moons_and_pipeline
    one_class = KFold(2).split(X)  # the labels are sorted
    with pytest.raises(ValueError, match="y has one class only"):
        InitScaleDisplay.from_estimator(pipeline, X, np.sort(y), cv=one_class)


def test_fits_that_end_early_are_counted_and_other_warnings_shown(moons_and_pipeline):
    X, y, pipeline = moons_and_pipeline
    net = pipeline[-1].set_params(max_iter=2)
    display = InitScaleDisplay.from_estimator(net, X, y, init_scales=[0.1], cv=2)
    np.testing.assert_array_equal(display.n_warnings, [2])
    net.set_params(max_iter=1000)
    noisy = make_pipeline(FunctionTransformer(grumble), net)
    with pytest.warns(UserWarning, match="grumble"):
        InitScaleDisplay.from_estimator(noisy, X, y, init_scales=[0.1], cv=2)


def grumble(X):
    warnings.warn("grumble", UserWarning, stacklevel=1)
    return X


@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
def test_warnings_are_counted_alike_on_every_backend_and_none_is_swallowed_after(
    circles, backend
):
    X, y = circles(seed=0)
    net = ShallowNetClassifier(4, n_init=1, random_state=0)
    scales = [0.0, 1e-9, 1e-3, 0.1, 1.0, 100.0]
    one, many = (
        InitScaleDisplay.from_estimator(net, X, y, init_scales=scales, cv=2)
        if n_jobs is None
        else with_backend(backend, net, X, y, scales)
        for n_jobs in (None, 2)
    )
    np.testing.assert_array_equal(many.n_warnings, one.n_warnings)
    np.testing.assert_array_equal(many.scores, one.scores)
    assert one.n_warnings[0] >= 2
    assert one.n_warnings[4] == 0
    with pytest.warns(InitializationWarning):
        net.set_params(init="zeros").fit(X, y)


def with_backend(backend, net, X, y, scales):
    """Drawn by two workers; the filters of warnings are as before."""
    before = list(warnings.filters), warnings.showwarning
    with parallel_config(backend=backend, n_jobs=2):
        display = InitScaleDisplay.from_estimator(net, X, y, init_scales=scales, cv=2)
    assert (warnings.filters, warnings.showwarning) == before
    return display


@pytest.mark.parametrize(
    "scoring",
    [["accuracy"], ("accuracy", "roc_auc"), {"a": "accuracy"}, {"accuracy"}, "accuraccy"],
    ids=str,
)
def test_what_is_not_one_scorer_is_refused_before_any_fit(circles, scoring, monkeypatch):
    def fit(*_, **__):
        raise AssertionError("a net was fitted")

    monkeypatch.setattr(ShallowNetClassifier, "fit", fit)
    with pytest.raises(ValueError, match="scor"):
        InitScaleDisplay.from_estimator(
            ShallowNetClassifier(), *circles(seed=0), scoring=scoring
        )


class Chain(Pipeline):
    """A pipeline of another class."""


def test_the_reference_keeps_all_of_the_pipeline_but_the_net(circles, tmp_path):
    X, y = circles(seed=0)
    steps = [("scale", StandardScaler()), ("net", ShallowNetClassifier(4, random_state=0))]
    chain = Chain(steps, memory=str(tmp_path), transform_input=["X_val"])
    reference = with_reference(Pipeline([("outer", StandardScaler()), ("inner", chain)]))
    inner = reference[-1]
    assert type(inner) is Chain
    assert (inner.memory, inner.transform_input) == (str(tmp_path), ["X_val"])
    assert isinstance(inner[-1], LogisticRegression)
    assert isinstance(chain[-1], ShallowNetClassifier)
    with sklearn.config_context(enable_metadata_routing=True):
        InitScaleDisplay.from_estimator(chain, X, y, init_scales=[1.0], cv=2)


def test_a_training_without_a_step_is_drawn_as_a_point(cancer):
    net = ShallowNetClassifier(4, tol=1e6, random_state=0).fit(*cancer)
    assert len(net.loss_curve_) == 1
    display = drawn(LossCurveDisplay.from_estimator(net))
    (line,) = display.lines_
    assert line.get_marker() == "o"
    several = LossCurveDisplay.from_estimator(net.set_params(tol=1e-4).fit(*cancer))
    assert several.lines_[0].get_marker() in ("None", None)
