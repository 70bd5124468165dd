"""Two ways of saying the same give the same net."""

import pickle
from itertools import product

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification

from sk_shallow import ShallowNetClassifier
from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.solvers import SOLVERS

ignore_early_ends = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"
)


@pytest.fixture(scope="module")
def table():
    X, y = make_classification(120, 5, flip_y=0.1, random_state=0)
    return X, y, np.random.default_rng(0).integers(0, 4, 120)


def same_bits(a, b):
    return all(
        np.array_equal(x, y)
        for x, y in zip(
            [*a.coefs_, *a.intercepts_], [*b.coefs_, *b.intercepts_], strict=True
        )
    )


def test_a_single_weight_is_that_of_each_row(cancer):
    X, y = cancer
    net = ShallowNetClassifier(3, random_state=0)
    each = net.fit(X, y, np.full(len(y), 2.0)).loss_
    for weight in (2, 2.0, np.float32(2)):
        assert net.fit(X, y, weight).loss_ == each
        assert net.total_weight_ == 2 * len(y)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 2.0, 1: 0.5}])
def test_weights_are_repeated_rows(table, activation, class_weight):
    X, y, weight = table
    net = ShallowNetClassifier(
        8,
        activation=activation,
        class_weight=class_weight,
        random_state=0,
        tol=1e-8,
        alpha=5,
    )
    weighted = net.fit(X, y, sample_weight=weight).decision_function(X)
    loss = net.loss_
    repeated = net.fit(X.repeat(weight, axis=0), y.repeat(weight)).decision_function(X)
    # The sums run in another order; both descents end at the same minimum to tol. Those
    # of relu end on one of its kinks, where the same J does not yet mean the same net.
    assert net.loss_ == pytest.approx(loss, rel=1e-2 if activation == "relu" else 1e-9)
    if activation != "relu":
        np.testing.assert_allclose(weighted, repeated, atol=1e-4)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_first_steps_of_weights_and_repeated_rows_are_the_same(table, activation):
    X, y, weight = table
    net = ShallowNetClassifier(8, activation=activation, random_state=0)
    weighted = net.fit(X, y, sample_weight=weight).loss_curve_
    repeated = net.fit(X.repeat(weight, axis=0), y.repeat(weight)).loss_curve_
    np.testing.assert_allclose(weighted[:4], repeated[:4], rtol=1e-12)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_rows_of_weight_0_are_absent_rows(table, early_stopping):
    X, y, weight = table
    net = ShallowNetClassifier(8, random_state=0, early_stopping=early_stopping, alpha=5)
    padded = net.fit(X, y, sample_weight=weight).decision_function(X)
    present = weight > 0
    dropped = net.fit(
        X[present], y[present], sample_weight=weight[present]
    ).decision_function(X)
    np.testing.assert_allclose(padded, dropped, atol=1e-2)


def learnt(net, X, y, weight, how):
    """Curves of a training in which weights are given in one way or another."""
    if how == "partial_fit":
        for _ in range(2):
            net.partial_fit(X, y, [0, 1], weight)
    elif how == "X_val":
        net.fit(X, y, weight, X_val=X, y_val=y, sample_weight_val=weight)
    else:
        net.set_params(early_stopping=how == "early_stopping").fit(X, y, weight)
    of_held_out = net.validation_loss_curve_
    return np.append(net.loss_curve_, [] if of_held_out is None else of_held_out)


@pytest.mark.filterwarnings("ignore::sk_shallow.CollapseWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("solver", "how"),
    [*product(SOLVERS, ["fit", "early_stopping", "X_val"]), ("adam", "partial_fit")],
)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("init", ["glorot_uniform", "lsuv"])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_of_weight_0_may_overflow(table, how, solver, activation, init, kind, dtype):
    X, y, weight = table
    X, y, weight = X[weight > 0].astype(dtype), y[weight > 0], weight[weight > 0]
    signs = np.sign(np.random.default_rng(0).standard_normal((3, X.shape[1])))
    huge = np.concatenate([np.finfo(dtype).max * signs.astype(dtype), X])
    net = ShallowNetClassifier(
        4, activation=activation, solver=solver, init=init, alpha=5, max_iter=4, tol=0,
        random_state=0,
    )  # fmt: skip
    given = learnt(clone(net), X, y, weight, how)
    padded = learnt(
        net, kind(huge), np.append([0, 1, 0], y), np.append([0, 0, 0], weight), how
    )
    np.testing.assert_allclose(padded, given, rtol=1e-4 if dtype == np.float32 else 1e-9)


def test_class_weight_is_a_sample_weight(table):
    X, y, weight = table
    by_class = np.where(y == 1, 3.0, 0.5)
    net = ShallowNetClassifier(8, random_state=0, class_weight={0: 0.5, 1: 3.0})
    folded = net.fit(X, y, sample_weight=weight).coefs_
    net.set_params(class_weight=None)
    direct = net.fit(X, y, sample_weight=weight * by_class).coefs_
    np.testing.assert_array_equal(folded[0], direct[0])


def test_balanced_classes_have_the_same_total_weight(table):
    X, y, _ = table
    keep = (y == 1) | (np.arange(len(y)) % 4 == 0)
    X, y = X[keep], y[keep]
    counts = np.bincount(y)
    by_class = {k: len(y) / (2 * counts[k]) for k in (0, 1)}
    nets = [
        ShallowNetClassifier(8, random_state=0, class_weight=w).fit(X, y)
        for w in ("balanced", by_class)
    ]
    assert same_bits(*nets)
    assert nets[0].predict_proba(X)[:, 1].mean() < y.mean() - 0.1


@pytest.mark.parametrize(
    "labels",
    [
        [0, 1],
        [-1, 1],
        [3.0, 7.0],
        ["no", "yes"],
        [False, True],
        np.array(["a", "b"], object),
    ],
    ids=str,
)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_the_names_of_the_classes_change_no_bit(table, labels, early_stopping):
    X, y, _ = table
    net = ShallowNetClassifier(8, random_state=0, early_stopping=early_stopping)
    reference = net.fit(X, y)
    coef, predicted = reference.coefs_[0], reference.predict(X)
    named = net.fit(X, np.array(labels)[y])
    np.testing.assert_array_equal(named.coefs_[0], coef)
    np.testing.assert_array_equal(named.predict(X), np.array(labels)[predicted])
    np.testing.assert_array_equal(named.classes_, labels)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_gives_the_same_bits(large, seed):
    first, again, other = (
        ShallowNetClassifier(random_state=s).fit(*large) for s in (seed, seed, seed + 1)
    )
    assert same_bits(first, again)
    assert not same_bits(first, other)


def test_verbose_changes_no_bit(table, capsys):
    X, y, _ = table
    quiet, loud = (
        ShallowNetClassifier(8, random_state=0, verbose=verbose).fit(X, y)
        for verbose in (0, 1)
    )
    assert same_bits(quiet, loud)
    out = capsys.readouterr().out
    assert out.count("\n") > 15
    assert out.endswith(f"Stopped: {loud.stop_reason_}.\n")


def test_alpha_is_one_over_C(table):
    # Doubling all weights halves the share of the penalty, as it does with 1/C.
    X, y, weight = table
    net = ShallowNetClassifier(8, random_state=0, alpha=2, tol=1e-8)
    once = net.fit(X, y, sample_weight=weight).decision_function(X)
    net.set_params(alpha=4)
    twice = net.fit(X, y, sample_weight=2 * weight).decision_function(X)
    np.testing.assert_allclose(once, twice, atol=1e-4)


def test_init_scale_none_is_the_scheme_s_default(table):
    X, y, _ = table
    for init, scale in [("normal", 0.01), ("uniform", 0.01), ("glorot_uniform", 1.0)]:
        none, given = (
            ShallowNetClassifier(8, init=init, init_scale=s, random_state=0).fit(X, y)
            for s in (None, scale)
        )
        assert same_bits(none, given)


def test_a_callable_init_is_called_for_each_layer_and_scaled(table):
    X, y, _ = table
    shapes = []

    def normal(rng, shape):
        shapes.append(shape)
        return rng.standard_normal(shape)

    mine, named = (
        ShallowNetClassifier(8, init=init, init_scale=0.01, n_init=1, random_state=0).fit(
            X, y
        )
        for init in (normal, "normal")
    )
    assert shapes == [(5, 8), (8, 1)]
    assert same_bits(mine, named)


# --- Solvers ----------------------------------------------------------------------------


@ignore_early_ends
@pytest.mark.parametrize("activation", ["tanh", "logistic"])
@pytest.mark.parametrize(
    ("solver", "tolerance"),
    [
        ({"solver": "gd", "learning_rate": 1.0, "max_iter": 5000}, 1e-6),
        ({"solver": "adam", "learning_rate": 0.003, "batch_size": 1000}, 1e-4),
        # In mini-batches, a constant step ends on a level of noise.
        ({"solver": "adam", "learning_rate": 0.001, "batch_size": 30}, 1e-2),
    ],
    ids=["gd", "adam", "adam in batches"],
)
def test_all_solvers_find_the_minimum_of_a_problem_that_is_nearly_convex(
    cancer, activation, solver, tolerance
):
    # With a strong penalty, J has one minimum, up to the order of units.
    X, y = cancer
    net = ShallowNetClassifier(
        4, activation=activation, alpha=40, random_state=0, tol=1e-8, n_iter_no_change=50
    )
    minimum = net.fit(X, y).loss_
    assert minimum < 0.9 * net.loss_curve_[0]
    assert net.set_params(**solver).fit(X, y).loss_ == pytest.approx(minimum, rel=tolerance)


@ignore_early_ends
@pytest.mark.parametrize(("solver", "rate"), [("gd", 0.2), ("adam", 0.01)])
def test_learning_rate_none_is_the_solver_s_own(table, solver, rate):
    X, y, _ = table
    net = ShallowNetClassifier(8, solver=solver, random_state=0, max_iter=5)
    own = clone(net).fit(X, y)
    assert same_bits(own, net.set_params(learning_rate=rate).fit(X, y))


@ignore_early_ends
def test_adam_for_k_and_then_m_epochs_is_adam_for_their_sum(table):
    # The running means and the order of rows go on, too.
    X, y, weight = table
    net = ShallowNetClassifier(8, solver="adam", batch_size=32, random_state=0, tol=0)
    straight = clone(net).set_params(max_iter=7).fit(X, y, sample_weight=weight)
    net.set_params(warm_start=True, max_iter=3).fit(X, y, sample_weight=weight)
    stored = pickle.loads(pickle.dumps(net))
    then = stored.set_params(max_iter=4).fit(X, y, sample_weight=weight)
    assert same_bits(then, straight)


@ignore_early_ends
@pytest.mark.parametrize("early_stopping", [False, True])
def test_gd_for_k_and_then_m_iterations_is_gd_for_their_sum(table, early_stopping):
    X, y, weight = table
    held_out = {"X_val": X[:30], "y_val": y[:30]} if early_stopping else {}
    net = ShallowNetClassifier(
        8, solver="gd", learning_rate=0.05, random_state=0, warm_start=True, max_iter=7
    )
    first = net.fit(X, y, sample_weight=weight, **held_out).loss_curve_
    then = net.set_params(max_iter=5).fit(X, y, sample_weight=weight, **held_out)
    straight = ShallowNetClassifier(
        8, solver="gd", learning_rate=0.05, random_state=0, max_iter=12
    ).fit(X, y, sample_weight=weight, **held_out)
    assert same_bits(then, straight)
    np.testing.assert_array_equal(
        np.concatenate([first, then.loss_curve_[1:]]), straight.loss_curve_
    )


@ignore_early_ends
def test_gd_with_rows_repeated_is_gd_with_weights(table):
    X, y, weight = table
    net = ShallowNetClassifier(8, solver="gd", random_state=0, max_iter=50)
    weighted = net.fit(X, y, sample_weight=weight).loss_curve_
    repeated = net.fit(X.repeat(weight, axis=0), y.repeat(weight)).loss_curve_
    np.testing.assert_allclose(weighted, repeated, rtol=1e-10)


@ignore_early_ends
def test_adam_in_one_batch_with_rows_repeated_is_adam_with_weights(table):
    X, y, weight = table
    net = ShallowNetClassifier(
        8, solver="adam", batch_size=1000, random_state=0, max_iter=30
    )
    weighted = net.fit(X, y, sample_weight=weight).loss_curve_
    repeated = net.fit(X.repeat(weight, axis=0), y.repeat(weight)).loss_curve_
    np.testing.assert_allclose(weighted, repeated, rtol=1e-8)


@ignore_early_ends
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_same_seed_gives_the_same_bits_with_every_solver(large, solver):
    first, again, other = (
        ShallowNetClassifier(8, solver=solver, random_state=s, max_iter=20).fit(*large)
        for s in (0, 0, 1)
    )
    assert same_bits(first, again)
    assert not same_bits(first, other)


@ignore_early_ends
def test_what_init_draws_does_not_change_the_order_of_rows(table):
    X, y, _ = table

    def few(rng, shape):
        return np.linspace(-1, 1, np.prod(shape)).reshape(shape)

    def many(rng, shape):
        rng.random(1000)
        return few(rng, shape)

    net = ShallowNetClassifier(8, solver="adam", batch_size=20, max_iter=3, random_state=0)
    curves = [net.set_params(init=init).fit(X, y).loss_curve_ for init in (few, many)]
    np.testing.assert_array_equal(*curves)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("patience", [float("inf"), np.float32(np.inf)])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_infinite_patience_is_more_than_any_number(cancer, patience, early_stopping):
    net = ShallowNetClassifier(
        4, early_stopping=early_stopping, max_iter=60, tol=0.01, random_state=0
    )
    reference, endless = (
        clone(net).set_params(n_iter_no_change=n).fit(*cancer) for n in (10**400, patience)
    )
    assert endless.stop_reason_ not in ("loss", "validation")
    np.testing.assert_array_equal(endless.loss_curve_, reference.loss_curve_)


def test_infinite_patience_in_partial_fit(cancer):
    net = ShallowNetClassifier(4, solver="adam", n_iter_no_change=np.inf, random_state=0)
    assert net.partial_fit(*cancer, classes=[0, 1]).n_iter_ == 1
