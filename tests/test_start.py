"""Random numbers of a start, and weights that the user gives or that are fitted to rows."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, train_test_split

from sk_shallow import (
    CollapseWarning,
    InvalidParameterError,
    SaturationWarning,
    ShallowNetClassifier,
    SymmetryWarning,
)
from sk_shallow.training.start import draw_entropy, spawn_generators


@pytest.fixture
def weights():
    """W1, b1, w2, b2 for two columns and four units."""
    rng = np.random.default_rng(0)
    return tuple(rng.standard_normal(shape) for shape in [(2, 4), 4, 4, 1])


@pytest.fixture
def net(weights):
    return ShallowNetClassifier(4, init=weights, random_state=0)


def at_the_start(net, X, y):
    """The net after no step to speak of."""
    net = clone(net).set_params(solver="gd", learning_rate=1e-300, max_iter=1)
    with pytest.warns(ConvergenceWarning):
        return net.fit(X, y)


def test_training_starts_from_the_weights_that_are_given(net, weights, circles):
    W1, b1, w2, b2 = weights
    X, y = circles(seed=0)
    start = at_the_start(net, X, y)
    np.testing.assert_array_equal(start.coefs_[0], W1)
    np.testing.assert_array_equal(start.coefs_[1], w2[:, None])
    np.testing.assert_array_equal(start.intercepts_[0], b1)
    np.testing.assert_array_equal(start.intercepts_[1], b2)


def test_init_scale_multiplies_the_weights_and_not_the_biases(net, weights, circles):
    start = at_the_start(net.set_params(init_scale=0.5), *circles(seed=0))
    np.testing.assert_array_equal(start.coefs_[0], 0.5 * weights[0])
    np.testing.assert_array_equal(start.coefs_[1][:, 0], 0.5 * weights[2])
    np.testing.assert_array_equal(start.intercepts_[0], weights[1])


def test_the_attributes_of_a_fitted_net_are_a_start(circles):
    X, y = circles(seed=0)
    first = ShallowNetClassifier(4, random_state=0).fit(X, y)
    (W1, W2), (b1, b2) = first.coefs_, first.intercepts_
    again = ShallowNetClassifier(4, init=(W1, b1, W2, b2)).fit(X, y)
    assert again.loss_curve_[0] == pytest.approx(first.loss_, rel=1e-12)


def test_lists_and_numbers_are_arrays(circles):
    X, y = circles(seed=0)
    init = ([[1, 0], [0, 1]], [0, 0], [1, -1], 0)
    arrays = tuple(np.array(part, dtype=float) for part in init)
    listed, given = (ShallowNetClassifier(2, init=i).fit(X, y) for i in (init, arrays))
    np.testing.assert_array_equal(listed.coefs_[0], given.coefs_[0])


@pytest.mark.filterwarnings("ignore::sk_shallow.InitializationWarning")
def test_given_weights_survive_clone_pickle_and_a_search(net, weights, circles):
    X, y = circles(seed=0)
    reference = net.fit(X, y).loss_
    for copy in (clone(net), pickle.loads(pickle.dumps(net))):
        assert copy.fit(X, y).loss_ == reference
    other = tuple(0.1 * part for part in weights)
    grid = {"init": ["normal", "lsuv", weights, other], "init_scale": [0.5, 1.0]}
    search = GridSearchCV(net, grid, cv=2).fit(X, y)
    assert len(search.cv_results_["params"]) == 8
    assert search.best_score_ > 0.8
    RandomizedSearchCV(net, grid, n_iter=3, cv=2, random_state=0).fit(X, y)


def test_neither_training_nor_the_next_fit_writes_into_them(net, weights, circles):
    copies = [part.copy() for part in weights]
    net.fit(*circles(seed=0)).fit(*circles(seed=1))
    for part, copy in zip(weights, copies, strict=True):
        np.testing.assert_array_equal(part, copy)


@pytest.mark.parametrize(
    ("place", "part", "message"),
    [
        (0, np.ones((4, 2)), r"W1 must have shape \(2, 4\), got \(4, 2\) \(W1\.T\?\)\.$"),
        (0, np.ones((2, 5)), r"W1 must have shape \(2, 4\), got \(2, 5\)"),
        (1, np.ones((1, 4)), r"b1 must have shape \(4,\), got \(1, 4\)"),
        (2, np.ones((4, 4)), r"w2 must have shape \(4,\), got \(4, 4\)\.$"),
        (2, [[1.0], [1.0, 2.0]], r"w2 is no array\.$"),
        (1, None, r"b1 is no array\.$"),
        (3, np.ones(2), r"b2 must have shape \(1,\), got \(2,\)"),
        (1, np.full(4, np.nan), "finite real numbers: b1 has others"),
        (2, np.full(4, np.inf), "finite real numbers: w2 has others"),
        (3, ["a"], "finite real numbers: b2 has others"),
        (0, np.ones((2, 4), complex), "finite real numbers: W1 has others"),
    ],
)
def test_what_cannot_be_a_start(net, weights, circles, place, part, message):
    init = [*weights[:place], part, *weights[place + 1 :]]
    with pytest.raises(InvalidParameterError, match=message):
        net.set_params(init=tuple(init)).fit(*circles(seed=0))


@pytest.mark.parametrize("wrong", range(1, 16))
def test_all_that_is_wrong_with_a_start_is_listed_at_once(weights, circles, wrong):
    bad = (np.ones((4, 2)), [[1.0], [1.0, 2.0]], np.full(4, np.nan), np.ones(2))
    faults = (
        "W1 must have shape (2, 4), got (4, 2) (W1.T?)",
        "b1 is no array",
        "w2 has others",
        "b2 must have shape (1,), got (2,)",
    )
    chosen = [wrong >> place & 1 for place in range(4)]
    init = tuple(b if c else g for c, b, g in zip(chosen, bad, weights, strict=True))
    net = ShallowNetClassifier(4, init=init)
    with pytest.raises(InvalidParameterError) as error:
        net.fit(*circles(seed=0))
    listed = "; ".join(fault for c, fault in zip(chosen, faults, strict=True) if c)
    assert str(error.value) == (
        f"init=(W1, b1, w2, b2) must hold arrays that fit X and n_hidden, of finite real "
        f"numbers: {listed}."
    )


@pytest.mark.parametrize("b1", [(4,), (4, 1)])
@pytest.mark.parametrize("w2", [(4,), (4, 1), (1, 4)])
@pytest.mark.parametrize("b2", [(), (1,), (1, 1)])
@pytest.mark.parametrize("kind", [np.asarray, np.ndarray.tolist, pd.DataFrame], ids=str)
def test_the_shapes_of_lectures_are_the_same_start(weights, circles, b1, w2, b2, kind):
    shapes = [(2, 4), b1, w2, b2]
    init = tuple(
        kind(part.reshape(shape)) if kind is not pd.DataFrame or len(shape) == 2 else part
        for part, shape in zip(weights, shapes, strict=True)
    )
    X, y = circles(seed=0)
    given, turned = (
        clone(ShallowNetClassifier(4, init=one, solver="adam", random_state=0)).partial_fit(
            X, y, [0, 1]
        )
        for one in (weights, init)
    )
    for ours, theirs in zip(
        [*given.coefs_, *given.intercepts_],
        [*turned.coefs_, *turned.intercepts_],
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_one_column_and_one_unit_may_come_in_any_shape():
    X, y = np.linspace(-1, 1, 20)[:, None], np.tile([0, 1], 10)
    for shape in [(1,), (1, 1)]:
        init = (np.ones((1, 1)), *(np.full(shape, 0.5) for _ in range(3)))
        ShallowNetClassifier(1, init=init, solver="adam").partial_fit(X, y, [0, 1])


@pytest.mark.parametrize("returned", [None, [[1.0], [1.0, 2.0]], "a"], ids=str)
def test_a_callable_that_returns_no_array(circles, returned):
    with pytest.raises(InvalidParameterError, match=r"init\(rng, shape\) must return"):
        ShallowNetClassifier(init=lambda rng, shape: returned).fit(*circles(seed=0))


@pytest.mark.parametrize("init", [(), (1, 2, 3), np.ones((4, 4))], ids=str)
def test_a_start_has_four_parts(init, circles):
    with pytest.raises(InvalidParameterError, match=r"or a tuple of arrays \(W1, b1, w2"):
        ShallowNetClassifier(init=init).fit(*circles(seed=0))


def test_given_units_that_are_identical_are_warned_of(circles):
    init = (np.ones((2, 4)), np.zeros(4), np.ones(4), 0.0)
    said = r"init=\(W1, b1, w2, b2\), init_scale=1"
    with pytest.warns(SymmetryWarning, match=said), pytest.warns(CollapseWarning):
        ShallowNetClassifier(4, init=init).fit(*circles(seed=0))


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_lsuv_starts_off_the_plateau_on_columns_that_are_not_scaled(raw_cancer, activation):
    X, y = raw_cancer
    net = ShallowNetClassifier(activation=activation, random_state=0, max_iter=2)
    with pytest.warns(SaturationWarning), pytest.warns(ConvergenceWarning):
        net.fit(X, y)
    with pytest.warns(ConvergenceWarning) as record:
        net.set_params(init="lsuv").fit(X, y)
    assert {w.category for w in record} == {ConvergenceWarning}


@pytest.mark.filterwarnings("ignore:X_val is on another scale")
def test_lsuv_is_fitted_to_the_training_rows_only(large):
    X, y = large
    net = ShallowNetClassifier(4, init="lsuv", random_state=0)
    reference = net.fit(X[:800], y[:800], X_val=X[800:], y_val=y[800:]).loss_curve_[0]
    other = net.fit(X[:800], y[:800], X_val=100 * X[800:], y_val=y[800:]).loss_curve_[0]
    assert reference == other


# --- Random generators ------------------------------------------------------------------


def first_generators(random_state):
    return spawn_generators(draw_entropy(random_state))


def test_generators_are_independent_and_follow_from_the_seed():
    init, other_init = first_generators(3).init, first_generators(3).init
    assert init.random() == other_init.random()
    # Drawing from one generator leaves the other where it was.
    drained = first_generators(3)
    drained.init.random(1000)
    rows = np.arange(50)
    first, second = (
        train_test_split(rows, random_state=generators.split)[0]
        for generators in (drained, first_generators(3))
    )
    np.testing.assert_array_equal(first, second)


def test_no_two_generators_are_the_same():
    entropy = draw_entropy(0)
    draws = [
        generator.random(4).tolist()
        for number in range(2)
        for generators in [spawn_generators(entropy, number)]
        for generator in (generators.init, generators.shuffle)
    ]
    assert len({tuple(draw) for draw in draws}) == 4


@pytest.mark.parametrize("number", [0, 1, 7])
def test_the_generators_of_a_start_follow_from_its_number(number):
    entropy = draw_entropy(0)
    one, other = (spawn_generators(entropy, number) for _ in range(2))
    assert one.init.random() == other.init.random()
    assert one.shuffle.random() == other.shuffle.random()
    assert one.split.randint(2**31) == other.split.randint(2**31)


@pytest.mark.parametrize("seed", [0, np.int64(7), np.random.RandomState(0), None])
def test_every_kind_of_random_state_gives_generators(seed):
    assert 0 <= first_generators(seed).init.random() < 1


def test_a_random_state_instance_moves_on():
    generator = np.random.RandomState(0)
    first, second = (first_generators(generator).init.random() for _ in range(2))
    assert first != second
