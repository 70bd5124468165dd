"""A bad start speaks up, says why, and its advice helps when it is followed."""

import re
import warnings
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_circles
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from sk_shallow import (
    CollapseWarning,
    InitializationWarning,
    SaturationWarning,
    ShallowNetClassifier,
    SymmetryWarning,
)
from sk_shallow._core.columns import column_moments
from sk_shallow._core.diagnostics import hidden_layer
from sk_shallow._core.solvers import SOLVERS
from sk_shallow._core.table import ArrayTable, Rows, logits, sample
from sk_shallow.advice.end import remedy_for_steps
from sk_shallow.advice.start import MOST_ROWS
from sk_shallow.advice.wording import significant, warn
from sk_shallow.inspection import inspect_hidden_layer
from sk_shallow.training.options import resolve_options


def caught(X, y, **parameters):
    """The fitted net, and its warnings as {category: message}."""
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        net = ShallowNetClassifier(random_state=0, **parameters).fit(X, y)
    assert len({w.category for w in record}) == len(record)
    return net, {w.category: str(w.message) for w in record}


def number(parameter, message):
    """The number that the advice in a message gives to a parameter."""
    return float(re.search(rf"et {parameter}=([-+.e\d]*\d)", message).group(1))


# --- Symmetry -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "origin", "advice"),
    [
        (
            {"init": "zeros"},
            "init='zeros', init_scale=1",
            "Set init='glorot_uniform' and init_scale=1.",
        ),
        (
            {"init": "constant"},
            "init='constant', init_scale=0.01",
            "Set init='glorot_uniform' and init_scale=1.",
        ),
        (
            {"init": "normal", "init_scale": 0},
            "init='normal', init_scale=0",
            "Set init_scale=0.01.",
        ),
        ({"init_scale": 0}, "init='glorot_uniform', init_scale=0", "Set init_scale=1."),
    ],
)
@pytest.mark.parametrize("activation", ["tanh", "logistic", "relu"])
def test_identical_units_are_reported_with_their_origin_and_a_way_out(
    cancer, parameters, origin, advice, activation
):
    _, messages = caught(*cancer, activation=activation, n_hidden=7, **parameters)
    assert f"All 7 hidden units start identical ({origin})" in messages[SymmetryWarning]
    assert advice in messages[SymmetryWarning]
    assert SaturationWarning not in messages


def test_a_callable_with_identical_columns_is_reported(cancer):
    def twins(rng, shape):
        return np.ones(shape)

    _, messages = caught(*cancer, init=twins, init_scale=0.1)
    assert "init=twins, init_scale=0.1" in messages[SymmetryWarning]


def test_one_unit_alone_is_not_symmetric(cancer):
    _, messages = caught(*cancer, init="constant", n_hidden=1)
    assert not messages


# --- Saturation ---------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
@pytest.mark.parametrize(
    "init", ["glorot_uniform", "normal", lambda rng, shape: rng.random(shape)]
)
@pytest.mark.parametrize("init_scale", [30, 1000])
def test_the_scale_that_is_advised_does_not_saturate(cancer, activation, init, init_scale):
    _, messages = caught(*cancer, activation=activation, init=init, init_scale=init_scale)
    message = messages[SaturationWarning]
    assert int(message.split("%")[0]) > 50
    assert f"flat part of {activation}" in message
    assert "tandardise" not in message  # X is
    _, messages = caught(
        *cancer, activation=activation, init=init, init_scale=number("init_scale", message)
    )
    assert SaturationWarning not in messages


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
def test_columns_that_are_not_standardised_are_named_as_the_cause(
    raw_cancer, activation, kind
):
    X, y = raw_cancer
    _, messages = caught(kind(X), y, activation=activation, max_iter=3)
    message = messages[SaturationWarning]
    assert re.search("Columns of X have a size of up to .*: standardise X", message)
    assert ("with_mean=False" in message) == sparse.issparse(kind(X))
    _, messages = caught(
        kind(X),
        y,
        activation=activation,
        max_iter=3,
        init_scale=number("init_scale", message),
    )
    assert SaturationWarning not in messages


def test_dead_relu_units_are_counted(raw_cancer, cancer):
    def some_dead(rng, shape):
        W = np.abs(rng.standard_normal(shape))
        W[:, ::2] *= -1  # X is positive: these give 0 on every row
        return W

    _, messages = caught(
        *raw_cancer, activation="relu", init=some_dead, n_hidden=10, max_iter=3
    )
    message = messages[SaturationWarning]
    assert message.startswith("5 of 10 hidden units (50%) start dead: relu")
    assert "Standardise X" in message


@pytest.mark.parametrize(("n_dead", "warned"), [(2, False), (3, True)])
def test_a_quarter_of_dead_units_is_too_many(raw_cancer, n_dead, warned):
    def some_dead(rng, shape):
        W = np.abs(rng.standard_normal(shape)) / 1000
        W[:, :n_dead] *= -1
        return W

    _, messages = caught(
        *raw_cancer, activation="relu", init=some_dead, n_hidden=10, max_iter=3
    )
    assert (SaturationWarning in messages) == warned


def test_relu_logits_that_explode_are_reported_with_a_scale_that_helps(cancer):
    _, messages = caught(*cancer, activation="relu", init_scale=1e6)
    assert "The logits start at a size of " in messages[SaturationWarning]
    scale = number("init_scale", messages[SaturationWarning])
    net, messages = caught(*cancer, activation="relu", init_scale=scale)
    assert not messages
    assert net.score(*cancer) > 0.97


# --- Collapse -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "parameters",
    [
        {"init": "normal", "alpha": 5.0},
        {"init": "normal", "init_scale": 1e-8},
        {"alpha": 300.0},
    ],
    ids=["the lecture's start", "a tiny start", "a strong penalty"],
)
def test_a_net_is_constant_exactly_when_it_says_so(nonlinear, seed, parameters):
    X, y = nonlinear(seed)
    net, messages = caught(X, y, **parameters)
    constant = net.decision_function(X).std() < 0.05
    assert (CollapseWarning in messages) == constant
    assert constant == (np.ptp(net.predict_proba(X)[:, 1]) < 0.1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "parameters",
    [
        {"init": "zeros"},
        {"init_scale": 0},
        {"init": "normal", "init_scale": 1e-8},
        {"init": "normal", "alpha": 5.0},
        {"alpha": 100.0},
    ],
    ids=str,
)
def test_following_the_advice_leads_out_of_the_collapse(circles, seed, parameters):
    X, y = circles(seed)
    for _ in range(3):  # a penalty far too strong is lowered step by step
        net, messages = caught(X, y, **parameters)
        if CollapseWarning not in messages:
            break
        message = messages[CollapseWarning]
        assert "so every row gets nearly the same probability. Cause: " in message
        for name in ("init_scale", "alpha"):
            if f"et {name}=" in message:
                parameters = {**parameters, name: number(name, message)}
        if "et init='glorot_uniform'" in message:
            parameters = {**parameters, "init": "glorot_uniform"}
    assert net.score(X, y) > 0.9


@pytest.mark.parametrize(
    ("parameters", "cause"),
    [
        ({"init": "zeros"}, "it started with identical units"),
        ({"init_scale": 1e-9}, "it started next to the zero net"),
        ({"alpha": 500.0}, "alpha=500 is above the pull of the data on a net near zero"),
    ],
)
def test_the_cause_of_a_collapse_is_named(circles, parameters, cause):
    _, messages = caught(*circles(0), **parameters)
    assert cause in messages[CollapseWarning]


@pytest.mark.parametrize("factor", [1e-4, 1e4])
def test_a_collapse_on_columns_of_another_size_says_standardise_and_nothing_else(
    cancer, factor
):
    X, y = cancer
    _, messages = caught(factor * X, y, alpha=1e5 * factor)
    message = messages[CollapseWarning]
    assert re.search(r"columns of X have sizes from \S+ to \S+, far from 1", message)
    assert message.endswith("Standardise X (sklearn.preprocessing.StandardScaler).")


def test_a_collapse_under_light_weights_says_how_to_rescale_them(cancer):
    X, y = cancer
    weight = np.full(len(y), 1 / len(y))
    with pytest.warns(CollapseWarning, match="weights add up to 1 over 569 rows") as record:
        ShallowNetClassifier(alpha=30**0.5, random_state=0).fit(X, y, sample_weight=weight)
    alpha = number("alpha", str(record[0].message))
    assert alpha == pytest.approx(np.sqrt(30) / 569, rel=0.1)
    for remedy in (alpha, "auto"):
        net = ShallowNetClassifier(random_state=0, alpha=remedy)
        assert net.fit(X, y, sample_weight=weight).score(X, y) > 0.98


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("value", [0.0, 0.7])
def test_a_collapse_on_nothing_says_so(cancer, kind, value):
    X, y = cancer
    _, messages = caught(kind(np.full_like(X, value)), y)
    assert "X is the same in every row" in messages[CollapseWarning]


def test_a_net_that_only_looks_constant_on_a_few_rows_is_not_called_so():
    x, numbers = np.zeros((3000, 1)), np.arange(3000)
    table = ArrayTable(numbers[:, None])
    few = sample(Rows(table, numbers, np.ones(3000)), MOST_ROWS).X
    assert len(few) == MOST_ROWS
    x[np.setdiff1d(numbers, few)[:5]] = 1.0
    net, messages = caught(x, x[:, 0] > 0, alpha=1e-6, early_stopping=False)
    assert np.ptp(net.decision_function(x)) > 1
    assert CollapseWarning not in messages


@pytest.mark.parametrize("alpha", [0, 1.0])
def test_columns_that_say_nothing_about_y(alpha):
    X = np.tile(np.random.default_rng(0).standard_normal((40, 2)), (2, 1))
    _, messages = caught(X, np.repeat([0, 1], 40), alpha=alpha, n_hidden=2)
    assert ("set alpha" in messages[CollapseWarning].lower()) == (alpha > 0)


def test_one_unit_from_zero_is_reported_at_the_end_and_not_called_dead(cancer):
    _, messages = caught(*cancer, n_hidden=1, activation="relu", init="zeros")
    assert set(messages) == {CollapseWarning}
    assert "Set init='glorot_uniform' and init_scale=1" in messages[CollapseWarning]


# --- Convergence --------------------------------------------------------------------


def test_used_up_iterations_name_max_iter_and_the_gradient(cancer):
    net, messages = caught(*cancer, max_iter=3)
    assert set(messages) == {ConvergenceWarning}
    assert "max_iter=3" in messages[ConvergenceWarning]
    assert re.search(
        r"largest gradient is \d\.\de-\d\d, where 1e-05", messages[ConvergenceWarning]
    )
    assert net.stop_reason_ == "max_iter"


@pytest.mark.parametrize("solver", ["gd", "adam"])
def test_steps_that_are_too_short_are_reported_with_their_size(cancer, solver):
    _, messages = caught(*cancer, solver=solver, learning_rate=1e-4, max_iter=30)
    assert re.search(
        r"largest gradient is \d\.\de-\d\d, where 1e-05 counts as converged\. Raise "
        r"max_iter or learning_rate \(now 0\.0001\), or set solver='lbfgs'",
        messages[ConvergenceWarning],
    )


@pytest.mark.parametrize(
    ("solver", "rate"), [("gd", 20.0), ("adam", 1.0), ("adam", 100.0), ("adam", 1e10)]
)
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("max_iter", [15, 1000])
def test_steps_that_lead_up_are_reported_with_their_size_and_nothing_else(
    cancer, solver, rate, early_stopping, max_iter
):
    net, messages = caught(
        *cancer,
        solver=solver,
        learning_rate=rate,
        early_stopping=early_stopping,
        max_iter=max_iter,
        alpha=1.0,
    )
    if net.loss_ < net.loss_curve_[0] * 0.9:  # it came down again
        return
    assert set(messages) == {ConvergenceWarning}
    assert f"ower learning_rate (now {rate:g})" in messages[ConvergenceWarning]
    _, messages = caught(*cancer, solver=solver, early_stopping=early_stopping)
    assert "ower learning_rate" not in messages.get(ConvergenceWarning, "")


def test_of_gradient_descent_that_wobbles_it_is_said_how_often_J_rose(cancer):
    net, _ = caught(*cancer, solver="gd", max_iter=10)
    parameters = {**net.get_params(), "learning_rate": 30}
    columns = column_moments(ArrayTable(cancer[0]), np.ones(569))
    options = resolve_options(parameters, columns)
    wobbly = SimpleNamespace(loss_curve=np.tile([1.0, 0.9], 6)[:11], n_iter=10)
    assert remedy_for_steps(wobbly, options) == (
        "J rose in 5 of 10 of them: lower learning_rate (now 30)"
    )
    calm = SimpleNamespace(loss_curve=np.linspace(1, 0.5, 11), n_iter=10)
    assert "Raise max_iter" in remedy_for_steps(calm, options)
    calm.loss_curve[4] += 0.2
    calm.loss_curve[7] += 0.2
    assert "J rose in 2 of 10" in remedy_for_steps(calm, options)
    # In batches, it may.
    noisy = remedy_for_steps(wobbly, options._replace(solver="adam"))
    assert noisy.startswith("Raise max_iter")


@pytest.mark.parametrize("solver", ["gd", "adam"])
def test_steps_that_lead_nowhere_are_reported_with_their_size(cancer, solver):
    _, messages = caught(*cancer, solver=solver, learning_rate=1e-8, max_iter=30)
    assert "aise" in messages[ConvergenceWarning]
    assert "learning_rate (now 1e-08)" in messages[ConvergenceWarning]


def test_gradient_descent_goes_on_where_others_give_up(cancer):
    net, _ = caught(*cancer, solver="gd", learning_rate=1e-8, max_iter=30)
    assert net.stop_reason_ == "max_iter"
    net, _ = caught(*cancer, solver="adam", learning_rate=1e-8, max_iter=30)
    assert net.stop_reason_ == "loss"


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_net_that_ends_as_it_was_drawn_is_reported(cancer, solver):
    X, y = cancer
    with pytest.warns(ConvergenceWarning, match="lowest at the start.*X_val and y_val"):
        net = ShallowNetClassifier(solver=solver, init="normal", random_state=0).fit(
            X, y, X_val=X, y_val=1 - y
        )
    assert net.best_iteration_ == 0


@pytest.mark.parametrize("solver", SOLVERS)
def test_only_columns_that_are_off_are_to_be_standardised(cancer, raw_cancer, solver):
    _, messages = caught(*cancer, solver=solver, max_iter=2)
    assert "standardise" not in messages[ConvergenceWarning]
    _, messages = caught(*raw_cancer, solver=solver, max_iter=2)
    assert "standardise X" in messages[ConvergenceWarning]


def test_gradient_descent_from_next_to_zero_names_what_to_scale(circles):
    # The lecture's start and solver on the lecture's kind of data: it never gets away.
    X, y = circles(seed=0)
    _, messages = caught(X, y, solver="gd", init="normal", alpha=0)
    assert "started next to the zero net" in messages[CollapseWarning]
    scale = number("init_scale", messages[CollapseWarning])
    _, messages = caught(X, y, solver="gd", init="normal", alpha=0, init_scale=scale)
    assert CollapseWarning not in messages


def test_steps_that_no_longer_lower_J_far_from_a_minimum_are_reported(cancer):
    net, messages = caught(*cancer, init_scale=1e20)
    assert net.stop_reason_ == "line_search"
    assert "Lower init_scale or alpha" in messages[ConvergenceWarning]


def test_the_same_without_a_word_when_training_gets_down(cancer):
    net, messages = caught(*cancer)
    assert not messages
    assert net.stop_reason_ in {"loss", "gradient"}


# --- Manners ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "init", ["glorot_normal", "he_uniform", "lecun_normal", "orthogonal", "normal"]
)
@pytest.mark.parametrize("activation", ["tanh", "logistic", "relu"])
def test_a_good_start_is_silent(cancer, large, init, activation):
    for X, y in (cancer, large):
        _, messages = caught(X, y, init=init, activation=activation)
        assert not messages


def test_the_warning_points_at_the_line_that_called_fit(cancer):
    with pytest.warns(SymmetryWarning) as record:
        ShallowNetClassifier(init="constant").fit(*cancer)
    assert record[0].filename == __file__


@pytest.mark.parametrize(
    ("parameters", "category"),
    [
        ({"init_scale": 1e3}, SaturationWarning),
        ({"alpha": 1e5}, CollapseWarning),
        ({"max_iter": 1}, ConvergenceWarning),
    ],
)
def test_so_do_the_others(cancer, parameters, category):
    with pytest.warns(category) as record:
        ShallowNetClassifier(random_state=0, **parameters).fit(*cancer)
    assert {warning.filename for warning in record} == {__file__}


def test_so_do_those_from_within_a_pipeline_and_a_search(raw_cancer):
    pipeline = make_pipeline(StandardScaler(), ShallowNetClassifier(4, init="constant"))
    search = GridSearchCV(pipeline, {"shallownetclassifier__alpha": [1.0]}, cv=2)
    for model in (pipeline, search):
        with pytest.warns(SymmetryWarning) as record:
            model.fit(*raw_cancer)
        assert {warning.filename for warning in record} == {__file__}


def test_where_no_line_is_the_users_the_warning_points_into_the_package():
    # As in a worker process, below which there is nothing but the standard library.
    def warn_in_a_thread():
        thread = Thread(target=warn, args=("text", SymmetryWarning))
        thread.start()
        thread.join()

    with pytest.warns(SymmetryWarning) as record:
        warn_in_a_thread()
    assert "sk_shallow" in record[0].filename


def test_so_does_that_of_a_chunk(cancer):
    with pytest.warns(SymmetryWarning) as record:
        ShallowNetClassifier(init="constant", solver="adam").partial_fit(*cancer, [0, 1])
    assert {warning.filename for warning in record} == {__file__}


def test_a_trained_net_that_is_saturated_continues_in_silence(raw_cancer):
    X, y = raw_cancer
    net = ShallowNetClassifier(random_state=0, warm_start=True, max_iter=20)
    with pytest.warns((SaturationWarning, ConvergenceWarning)):
        net.fit(X, y)
    with pytest.warns(ConvergenceWarning) as record:
        net.fit(X, y)
    assert not [w for w in record if issubclass(w.category, InitializationWarning)]


def test_an_end_is_not_looked_at_where_the_loss_shows_that_it_is_no_collapse(
    monkeypatch, cancer, circles
):
    looks = []

    def spy(*arguments):
        looks.append(1)
        return logits(*arguments)

    monkeypatch.setattr("sk_shallow.advice.end.logits", spy)
    caught(*cancer)
    assert not looks
    caught(*circles(0), alpha=300.0)
    assert looks


def test_a_start_is_looked_at_on_a_few_rows(monkeypatch, large):
    n_rows = []

    def spy(net, X):
        n_rows.append(X.shape[0])
        return hidden_layer(net, X)

    monkeypatch.setattr("sk_shallow.advice.remedies.hidden_layer", spy)
    caught(*large)
    assert n_rows == [200]


@pytest.mark.parametrize(
    "parameters",
    [{"init": "constant"}, {"init_scale": 1e3}, {"alpha": 1e5}, {"max_iter": 1}],
)
def test_a_warning_turned_into_an_error_leaves_the_estimator_as_it_was(cancer, parameters):
    net = ShallowNetClassifier(**parameters)
    before = dict(vars(net))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises((InitializationWarning, ConvergenceWarning)):
            net.fit(*cancer)
    assert vars(net) == before


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0199, 0.01), (1.0, 1.0), (99.0, 90.0), (0.3, 0.3), (6.5e-7, 6e-7)],
)
def test_significant_rounds_down_to_one_digit(value, expected):
    assert significant(value) == expected


# --- Rows of weight 0 -----------------------------------------------------------------


def weighted(X, y, weight=None, **parameters):
    """The fitted net, and all of its warnings."""
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        net = ShallowNetClassifier(random_state=0, **parameters).fit(X, y, weight)
    return net, [(w.category, str(w.message)) for w in record]


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"init_scale": 1000},
        {"activation": "relu", "init_scale": 1e5, "max_iter": 1},
        {"alpha": 1e4},
        {"alpha": 1e4, "activation": "relu"},
        {"init": "normal", "init_scale": 1e-9, "alpha": 30.0},
        {"init": "lsuv"},
        {"max_iter": 2},
        {"solver": "gd", "learning_rate": 1e-9, "max_iter": 5},
    ],
    ids=str,
)
@pytest.mark.parametrize("outlier", [1e3, 1e-3])
def test_what_is_said_does_not_depend_on_rows_of_weight_0(
    cancer, kind, parameters, outlier
):
    X, y = cancer
    rng = np.random.default_rng(0)
    more = outlier * rng.standard_normal((400, 30)) + outlier
    weight = np.r_[np.full(569, 2.0), np.zeros(400)]
    order = rng.permutation(969)
    X, y = np.r_[X, more][order], np.r_[y, rng.integers(0, 9, 400)][order]
    weight = weight[order]
    few = weight > 0
    parameters = {"early_stopping": False, **parameters}
    net, messages = weighted(kind(X), y, weight, **parameters)
    without, said = weighted(kind(X[few]), y[few], weight[few], **parameters)
    assert [category for category, _ in messages] == [category for category, _ in said]
    for (_, one), (_, other) in zip(messages, said, strict=True):
        # But for the last digits of a sum.
        assert re.sub(r"by \S+ over", "", one) == re.sub(r"by \S+ over", "", other)
    np.testing.assert_array_equal(net.classes_, without.classes_)
    reports = (
        inspect_hidden_layer(net, kind(X), y, sample_weight=weight),
        inspect_hidden_layer(net, kind(X[few]), y[few], sample_weight=weight[few]),
    )
    assert reports[0].verdicts == reports[1].verdicts
    assert reports[0].n_rows == 569
    for name in ("saturated_share", "pre_activation_mean", "pre_activation_sd"):
        np.testing.assert_allclose(*(getattr(r, name) for r in reports), atol=1e-8)


def test_held_out_rows_are_no_light_rows(circles):
    X, y = circles(0, 1000)
    _, messages = caught(X, y, alpha=300.0, early_stopping=True, validation_fraction=0.6)
    assert "weights add up" not in messages[CollapseWarning]
    assert "alpha=300 is above the pull" in messages[CollapseWarning]


# --- Rows that the user holds out -----------------------------------------------------


def messages_of_scales(X, y, X_val, y_val, weight_val=None, **parameters):
    """What fit says of the scale of X_val."""
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        ShallowNetClassifier(4, max_iter=1, random_state=0, **parameters).fit(
            X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight_val
        )
    return [str(w.message) for w in record if "another scale" in str(w.message)]


KINDS = {
    "dense": np.asarray,
    "float32": np.float32,
    "csr_matrix": sparse.csr_matrix,
    "csr_array": sparse.csr_array,
    "frame": lambda X: pd.DataFrame(X).add_prefix("x"),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(), RobustScaler()])
@pytest.mark.parametrize("n_val", [20, 150])
def test_validation_data_on_another_scale_are_reported(raw_cancer, kind, scaler, n_val):
    X, y = raw_cancer
    scaled = scaler.fit_transform(X)
    for train, val in ((scaled, X), (X, scaled), (scaled, 1e3 * scaled), (X, X / 1e3)):
        (text,) = messages_of_scales(
            kind(train[n_val:]), y[n_val:], kind(val[:n_val]), y[:n_val]
        )
        assert "transform_input=['X_val']" in text
        column = int(re.search(r"column '?x?(\d+)", text).group(1))
        assert ("'x" in text) == (kind is KINDS["frame"])
        assert f"{val[:n_val, column].mean():.3g} " in text
    for each in (X, scaled):
        assert not messages_of_scales(
            kind(each[n_val:]), y[n_val:], kind(each[:n_val]), y[:n_val]
        )


def heavy_tails(rng, n):
    return rng.standard_t(1, (n, 3))


def rare_categories(rng, n):
    return (rng.uniform(size=(n, 200)) < 0.01).astype(float)


def words(rng, n):
    return rng.exponential(size=(n, 500)) * (rng.uniform(size=(n, 500)) < 0.02)


def one_outlier(rng, n):
    X = rng.standard_normal((n, 2))
    X[rng.integers(n)] *= 1e6
    return X


def drift(rng, n):
    """Months as categories, a counter and time stamps: the last rows are held out."""
    month = np.arange(n) * 12 // n
    counter = np.arange(n) + rng.standard_normal(n)
    return np.c_[np.eye(12)[month], counter, 1.6e9 + 60 * counter, rng.normal(size=(n, 3))]


@pytest.mark.parametrize(
    "drawn",
    [heavy_tails, rare_categories, words, one_outlier, drift],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("standardised", [False, True])
@pytest.mark.parametrize("n_val", [20, 50, 200])
@pytest.mark.parametrize("seed", range(5))
def test_honest_rows_held_out_are_no_other_scale(drawn, standardised, n_val, seed):
    X = drawn(np.random.default_rng(seed), 1000)
    y = np.arange(1000) % 2
    if standardised:
        X = StandardScaler().fit(X[:-n_val]).transform(X)
    messages = messages_of_scales(X[:-n_val], y[:-n_val], X[-n_val:], y[-n_val:])
    assert not messages


def test_the_scale_of_rows_of_weight_0_does_not_count(cancer):
    X, y = cancer
    X_val, y_val = np.r_[X[:100], 1e5 + 1e4 * X[:100]], np.r_[y[:100], y[:100]]
    assert messages_of_scales(X, y, X_val, y_val)
    assert not messages_of_scales(X, y, X_val, y_val, np.repeat([1.0, 0.0], 100))


def test_equal_columns_and_a_single_column(cancer):
    X, y = cancer
    X = np.c_[X[:, :1], np.ones(569)]
    assert not messages_of_scales(X, y, X[:50], y[:50])
    assert messages_of_scales(X[:, :1], y, 1e3 + X[:50, :1], y[:50])


# --- What is advised helps when it is followed ----------------------------------------


def four_points(seed):
    return np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([0, 1, 1, 0]), None


def standardised_points(seed):
    X, y, _ = four_points(seed)
    return 2 * X - 1, y, None


def few_circles(seed):
    return *make_circles(40, noise=0.1, factor=0.5, random_state=seed), None


def many_circles(seed):
    return *make_circles(200, noise=0.1, factor=0.5, random_state=seed), None


def tiny_columns(seed):
    X, y, _ = many_circles(seed)
    return 1e-3 * X, y, None


def light_rows(seed):
    X, y, _ = many_circles(seed)
    return X, y, np.full(200, 1e-3)


def large_columns(seed):
    X, y, _ = many_circles(seed)
    return 1e3 * X + 100, y, None


def positive_columns(seed):
    X, y, _ = many_circles(seed)
    return X + 10, y, None


def word_frequencies(seed):
    rng = np.random.default_rng(seed)
    y = np.arange(300) % 2
    p = rng.dirichlet(np.full(400, 0.3), size=2)
    counts = np.array([rng.multinomial(25, p[label]) for label in y], dtype=float)
    X = counts * rng.uniform(1, 4, 400)
    return sparse.csr_array(X / np.linalg.norm(X, axis=1, keepdims=True)), y, None


def followed(net, texts):
    """The net with what is advised, and the scaler that is."""
    net, text = clone(net), " ".join(texts)
    if "tandardise X" in text:  # where a number is named, too, it is the second choice
        return net, StandardScaler(with_mean="with_mean=False" not in text)
    for name in ("alpha", "init_scale"):
        if f"et {name}=" in text:
            net.set_params(**{name: number(name, text)})
    if "init='glorot_uniform'" in text:
        net.set_params(init="glorot_uniform", init_scale=1)
    if "Set activation='tanh'" in text:
        net.set_params(activation="tanh")
    return net, None


def log_loss_and_texts(net, X, y, weight):
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        net.fit(X, y, weight)
    texts = [
        str(w.message) for w in record if issubclass(w.category, InitializationWarning)
    ]
    return log_loss(y, net.predict_proba(X), sample_weight=weight), texts


ILLS = [
    (four_points, {"alpha": 1.5}),
    (four_points, {"alpha": 1.5, "init": "normal"}),
    (standardised_points, {"alpha": 1.5}),
    (few_circles, {"alpha": 2.0, "init": "normal"}),
    (many_circles, {"alpha": 20.0}),
    (many_circles, {"init": "zeros"}),
    (many_circles, {"init": "normal", "init_scale": 1e-9}),
    (many_circles, {"init_scale": 1e3}),
    (tiny_columns, {"alpha": 1.5}),
    (light_rows, {"alpha": 1.5}),
    (light_rows, {"alpha": 1e3}),
    (large_columns, {"max_iter": 200}),
    (positive_columns, {"max_iter": 200}),
    (word_frequencies, {"alpha": 20.0}),
    (word_frequencies, {"alpha": 400.0}),
]


def ill_fits(ill, activation, seeds):
    """Of each seed that is warned: log-loss before and after, and the warnings after."""
    drawn, parameters = ill
    for seed in seeds:
        X, y, weight = drawn(seed)
        net = ShallowNetClassifier(
            activation=activation, random_state=seed, early_stopping=False, **parameters
        )
        before, texts = log_loss_and_texts(net, X, y, weight)
        if not texts:
            continue
        net, scaler = followed(net, texts)
        if scaler is not None:
            X = scaler.fit_transform(X)
        after, left = log_loss_and_texts(net, X, y, weight)
        if scaler is not None and left:  # which may name a number now
            net, _ = followed(net, left)
            after, left = log_loss_and_texts(net, X, y, weight)
        yield before, after, left


@pytest.mark.parametrize("ill", ILLS, ids=lambda ill: f"{ill[0].__name__}-{ill[1]}")
@pytest.mark.parametrize("activation", ["tanh", "logistic", "relu"])
@pytest.mark.parametrize(
    "n_seeds", [4, pytest.param(30, marks=pytest.mark.long)], ids="{}-seeds".format
)
def test_what_is_advised_helps_on_average(ill, activation, n_seeds):
    fits = list(ill_fits(ill, activation, range(n_seeds)))
    if not fits:
        return
    before, after, texts = zip(*fits, strict=True)
    assert np.mean(after) <= np.mean(before) + 0.005
    if np.mean(before) > 0.6:
        assert np.mean(after) < 0.4
    assert np.mean([not left for left in texts]) > 0.7


def test_every_ill_is_reported_in_some_activation():
    for ill in ILLS:
        activations = ("tanh", "logistic", "relu")
        assert any(list(ill_fits(ill, activation, range(2))) for activation in activations)


def test_for_frequencies_of_words_the_remedy_is_an_alpha_and_no_scaler():
    X, y, _ = word_frequencies(0)
    for kind in (sparse.csr_array, sparse.csr_matrix, sparse.csr_array.toarray):
        _, messages = caught(kind(X), y, alpha=400.0)
        assert "Set alpha=" in messages[CollapseWarning]
        _, also = caught(kind(X), y, max_iter=2)
        for text in (*messages.values(), *also.values()):
            assert "tandardise" not in text


# --- Weights that are given, not drawn --------------------------------------------------


def weights_of(net):
    (W1, W2), (b1, b2) = net.coefs_, net.intercepts_
    return W1, b1, W2, b2


@pytest.mark.filterwarnings("ignore::sk_shallow.InitializationWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("activation", ["tanh", "logistic", "relu"])
@pytest.mark.parametrize("alpha", [0, 1.0])
@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("how", ["init", "warm_start"])
def test_of_trained_weights_nothing_is_said_that_holds_for_drawn_ones(
    cancer, raw_cancer, activation, alpha, raw, solver, how
):
    X, y = raw_cancer if raw else cancer
    parameters = {"activation": activation, "alpha": alpha, "random_state": 0}
    net = ShallowNetClassifier(**parameters, early_stopping=True).fit(X, y)
    net.set_params(solver=solver, max_iter=25, warm_start=how == "warm_start")
    if how == "init":
        net.set_params(init=weights_of(net))
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        net.fit(X, y)
    for text in (str(w.message) for w in record):
        assert "drawn" not in text
        assert "aise alpha" not in text
        assert "init_scale" not in text


def test_of_given_weights_that_are_too_large_it_is_said_by_how_much(cancer):
    X, y = cancer
    rng = np.random.default_rng(0)
    W1, w2 = 50 * rng.standard_normal((30, 8)), rng.standard_normal(8)
    zero = np.zeros
    _, messages = caught(X, y, n_hidden=8, init=(W1, zero(8), w2, zero(1)))
    text = messages[SaturationWarning]
    factor = float(re.search(r"Multiply the W1 and w2 of init by (\S+)\.$", text).group(1))
    smaller = (factor * W1, zero(8), factor * w2, zero(1))
    _, messages = caught(X, y, n_hidden=8, init=smaller)
    assert SaturationWarning not in messages


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csr_matrix])
def test_dead_units_of_sparse_columns_need_another_activation(raw_cancer, kind):
    X, y = raw_cancer

    def negative(rng, shape):
        return -rng.random(shape)

    _, messages = caught(kind(X), y, activation="relu", init=negative, max_iter=1)
    assert messages[SaturationWarning].endswith("by which to learn. Set activation='tanh'.")


@pytest.mark.parametrize("solver", SOLVERS)
def test_what_counts_as_converged_at_a_tolerance_of_0(cancer, solver):
    _, messages = caught(*cancer, solver=solver, tol=0, max_iter=3)
    assert "0e+00" not in messages[ConvergenceWarning]
    assert "with tol=0 training goes on until it is 0" in messages[ConvergenceWarning]


@pytest.mark.parametrize("options", [{}, {"n_init": 3, "n_jobs": 2}, {"warm_start": True}])
def test_of_a_learning_rate_that_is_not_used_is_warned_once_a_fit(cancer, options):
    net = ShallowNetClassifier(2, learning_rate=0.1, random_state=0, **options)
    net = clone(net).set_params(alpha=10)
    for _ in range(2):
        with pytest.warns(UserWarning, match="^learning_rate") as record:
            net.fit(*cancer)
        assert [str(one.message) for one in record] == [
            "learning_rate=0.1 is not used: solver='lbfgs' finds its own steps. "
            "Set solver='gd' or solver='adam', or learning_rate=None."
        ]
        assert record[0].filename == __file__
