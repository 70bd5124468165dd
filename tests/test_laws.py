"""What the lectures on initialisation claim, as laws.

1. Logistic regression may start at zero; a net with a hidden layer may not.
2. With W at zero, every hidden unit computes the same function on every row.
3. Backpropagation gives such units the same gradient, so they are equal after every
   iteration. The same holds for any constant start.
4. Such a net is worth one hidden unit, however many it has.
5. Small random weights break the symmetry, and biases may start at 0 all the same.
6. Too large weights put tanh and logistic units on their plateau, where the gradient is
   small, so that gradient descent is slow.
7. 0.01 suits one hidden layer; deeper nets want another constant.
"""

import warnings
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from sk_shallow import CollapseWarning, ShallowNetClassifier
from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.initializers import INITIALIZERS
from sk_shallow._core.objective import Objective
from sk_shallow._core.parameters import Net, flatten, n_parameters, unflatten
from sk_shallow._core.solvers import SOLVERS
from sk_shallow._core.table import ArrayTable, Rows, logits

N_HIDDEN = 6
ignore_bad_starts = pytest.mark.filterwarnings(
    "ignore::sk_shallow.InitializationWarning",
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


def rows_of(X, y):
    return Rows(ArrayTable(X), np.asarray(y, float), np.ones(len(X)))


def initial_net(init, X, n_hidden=N_HIDDEN, activation="tanh", scale=1.0, seed=0):
    rng, rows = np.random.default_rng(seed), rows_of(X, np.zeros(len(X)))
    phi = ACTIVATIONS[activation]
    return INITIALIZERS[init].initialize(rng, rows, n_hidden, phi, scale)


def trained(init, scale, activation, X, y, n_iter, alpha=0.1, seed=0):
    """The net after each of n_iter iterations, the start first."""
    start = initial_net(init, X, activation=activation, scale=scale, seed=seed)
    path = []

    def hook(evaluation):
        path.append(evaluation.net)

    objective = Objective(rows_of(X, y), start, alpha)
    options = SimpleNamespace(max_iter=n_iter)
    SOLVERS["lbfgs"].solve(objective, flatten(start), hook, options, None)
    return path


def differences_between_units(net):
    W1, b1, w2, *_ = net
    return max(
        np.abs(W1 - W1[:, :1]).max(), np.abs(b1 - b1[0]).max(), np.abs(w2 - w2[0]).max()
    )


@ignore_bad_starts
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_1_a_zero_start_gives_the_class_frequency_where_logistic_regression_learns(
    cancer, activation
):
    X, y = cancer
    net = ShallowNetClassifier(activation=activation, init="zeros").fit(X, y)
    np.testing.assert_allclose(net.predict_proba(X)[:, 1], y.mean(), atol=1e-4)
    assert net.n_iter_ >= 1
    assert net.stop_reason_ == "gradient"
    assert not net.coefs_[0].any()  # not near zero: exactly zero, as at the start
    assert LogisticRegression().fit(X, y).score(X, y) > 0.98  # scikit-learn starts it at 0


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_2_units_without_weights_compute_the_same_function(cancer, activation):
    X, _ = cancer
    zero = initial_net("zeros", X)
    hidden = ACTIVATIONS[activation].apply(X @ zero.W1 + zero.b1)
    assert np.unique(hidden).size == 1


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("n_iter", [1, 5, 50])
def test_3_a_zero_start_keeps_all_units_equal_bit_for_bit(nonlinear, activation, n_iter):
    X, y = nonlinear(0)
    for net in trained("zeros", 1.0, activation, X, y, n_iter):
        assert differences_between_units(net) == 0


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("scale", [0.01, 0.5, 1.0])
def test_3_a_constant_start_keeps_all_units_equal(cancer, activation, scale):
    # In exact arithmetic for ever. Matrix products treat columns at the edge differently
    # by an ulp, and training amplifies it: ten iterations are safely below 1e-10.
    path = trained("constant", scale, activation, *cancer, n_iter=10)
    assert len(path) == 11
    assert np.abs(path[-1].W1 - path[0].W1).max() > 1e-3  # it does learn
    assert max(map(differences_between_units, path)) < 1e-10


def one_unit_J(rows, activation, n_units, alpha):
    """J of one unit (w, b, v, b2) that stands for n_units equal ones (w, b, v / n_units).

    The same net, and the same penalty: alpha/2 (n_units |w|^2 + v^2 / n_units).
    """
    n_features, total = rows.X.shape[1], rows.sample_weight.sum()
    theta = np.zeros(n_parameters(n_features, 1))
    one_unit = unflatten(theta, n_features, 1, ACTIVATIONS[activation])
    unpenalised = Objective(rows, one_unit, alpha=0.0)
    strength = alpha * np.r_[np.full(n_features, n_units), 0, 1 / n_units, 0]

    def J(theta):
        _, loss, gradient, _ = unpenalised(theta)
        penalty = 0.5 * strength @ theta**2
        return loss + penalty / total, gradient + strength * theta / total

    return J


def as_one_unit(net):
    W1, b1, w2, b2, phi = net
    return flatten(Net(W1[:, :1], b1[:1], w2[:1] * net.n_hidden, b2, phi))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("scale", [0.01, 0.5])
def test_4_equal_units_have_the_loss_and_the_gradient_of_one(cancer, activation, scale):
    X, y = cancer
    rows, phi = rows_of(X, y), ACTIVATIONS[activation]
    J_one = one_unit_J(rows, activation, N_HIDDEN, alpha=0.1)
    path = trained("constant", scale, activation, X, y, n_iter=10)
    J_many = Objective(rows, path[0], alpha=0.1)
    for net in path:
        _, loss, gradient, _ = J_many(flatten(net))
        loss_one, gradient_one = J_one(as_one_unit(net))
        assert loss_one == pytest.approx(loss, rel=1e-8)
        # A step of w moves n_units columns at once, a step of v a part of each w2.
        many = unflatten(gradient, 30, N_HIDDEN, phi)
        one = unflatten(gradient_one, 30, 1, phi)
        np.testing.assert_allclose(one.W1[:, 0], many.W1.sum(axis=1), atol=1e-8)
        np.testing.assert_allclose(one.w2, many.w2.mean(keepdims=True), atol=1e-8)


@ignore_bad_starts
def test_4_a_zero_start_with_logistic_units_ends_as_one_trained_unit(cancer):
    # phi(0) = 1/2 is not 0 there, so w2 gets a gradient, and W1 after it.
    X, y = cancer
    n_units, alpha = 4, 2.0
    many = ShallowNetClassifier(
        n_units, activation="logistic", init="zeros", alpha=alpha, tol=1e-9, max_iter=5000
    ).fit(X, y)
    one = minimize(
        one_unit_J(rows_of(X, y), "logistic", n_units, alpha),
        np.zeros(33),
        jac=True,
        method="BFGS",
        options={"gtol": 1e-9},
    )
    assert many.loss_ == pytest.approx(one.fun, rel=1e-6)
    np.testing.assert_allclose(
        logits(unflatten(one.x, 30, 1, ACTIVATIONS["logistic"]), X),
        many.decision_function(X),
        atol=1e-2,
    )
    assert many.score(X, y) > 0.95


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("seed", range(3))
def test_5_small_random_weights_separate_the_units_from_zero_biases(
    cancer, activation, seed
):
    path = trained("normal", 0.01, activation, *cancer, n_iter=30, seed=seed)
    assert not path[0].b1.any()
    directions = path[-1].W1 / np.linalg.norm(path[-1].W1, axis=0)
    alike = np.abs(directions.T @ directions) > 1 - 1e-6
    assert np.array_equal(alike, np.eye(N_HIDDEN, dtype=bool))


@pytest.mark.parametrize("scaled", [False, True])
def test_5_random_starts_with_zero_biases_learn_what_a_line_cannot(nonlinear, scaled):
    # Two moons have a second minimum, next to the line, and a few starts end there.
    gains = []
    for seed in range(20):
        (X, y), (X_test, y_test) = nonlinear(seed), nonlinear(seed + 1000)
        if scaled:
            scaler = StandardScaler().fit(X)
            X, X_test = scaler.transform(X), scaler.transform(X_test)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            net = ShallowNetClassifier(random_state=seed).fit(X, y)
        constant = net.decision_function(X).std() < 0.05
        assert constant == any(issubclass(w.category, CollapseWarning) for w in warned)
        linear = LogisticRegression().fit(X, y)
        gains.append(net.score(X_test, y_test) - linear.score(X_test, y_test))
    assert np.median(gains) > 0.07
    assert np.mean(np.array(gains) > 0.04) >= 0.8


def start_with_W1_times(factor, activation, X, y, w2_too=False):
    """Logits and gradient of J, without penalty, at a start with large W1."""
    W1, b1, w2, b2, phi = initial_net("glorot_uniform", X, 32, activation)
    start = Net(factor * W1, b1, (factor if w2_too else 1) * w2, b2, phi)
    gradient = Objective(rows_of(X, y), start, alpha=0)(flatten(start)).gradient
    dW1 = unflatten(gradient, X.shape[1], 32, phi).W1
    return np.abs(logits(start, X)).mean(), np.linalg.norm(dW1)


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_6_the_gradient_in_W1_vanishes_as_W1_grows(cancer, activation):
    norms = [start_with_W1_times(f, activation, *cancer)[1] for f in (1, 10, 100, 1000)]
    assert all(larger > 2 * smaller for larger, smaller in pairwise(norms))
    assert norms[0] > 100 * norms[-1]


def test_6_relu_has_no_plateau(cancer):
    # Its slope does not depend on the size of Z1: only the residual changes.
    small, large = (start_with_W1_times(f, "relu", *cancer)[1] for f in (1, 1000))
    assert large > 0.1 * small


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_6_with_w2_scaled_too_the_logits_explode(cancer, activation):
    sizes = [
        start_with_W1_times(f, activation, *cancer, w2_too=True)[0]
        for f in (1, 10, 100, 1000)
    ]
    assert all(larger > 5 * smaller for smaller, larger in pairwise(sizes))


@ignore_bad_starts
@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_6_gradient_descent_is_slow_from_the_plateau(cancer, activation):
    # 100 steps from a start of the usual size, and from one with W1 a hundred times it.
    X, y = cancer
    W1, b1, w2, b2, _ = initial_net("glorot_uniform", X, 8)
    learnt = []
    for factor in (1, 100):
        net = ShallowNetClassifier(
            8,
            activation=activation,
            init=(factor * W1, b1, w2, b2),
            solver="gd",
            alpha=0,
            max_iter=100,
        ).fit(X, y)
        change = net.coefs_[0] - factor * W1
        learnt.append(np.linalg.norm(change) / np.linalg.norm(factor * W1))
    assert learnt[0] > 100 * learnt[1]


def sizes_through_layers(scale, n_layers=10, n_units=256):
    """The root mean square of the activations after each of many random tanh layers."""
    rng, phi = np.random.default_rng(0), ACTIVATIONS["tanh"]
    A = rng.standard_normal((200, n_units))
    sizes = []
    for _ in range(n_layers):
        rows = rows_of(A, np.zeros(200))
        W = INITIALIZERS["normal"].initialize(rng, rows, n_units, phi, scale).W1
        A = phi.apply(A @ W)
        sizes.append(np.sqrt(np.mean(A**2)))
    return sizes


def test_7_a_constant_scale_fades_or_saturates_with_depth_where_a_fan_scaled_one_does_not():
    faded, saturated = sizes_through_layers(0.01), sizes_through_layers(1.0)
    kept = sizes_through_layers(1 / np.sqrt(256))
    assert faded[0] > 0.1  # one layer still passes it on
    assert all(0.1 < later / earlier < 0.2 for earlier, later in pairwise(faded))
    assert min(saturated) > 0.95
    assert all(0.2 < size < 0.7 for size in kept)


@pytest.mark.parametrize("scale", [0.01, 1.0])
def test_the_spread_of_Z1_is_the_scale_times_the_size_of_a_row(raw_cancer, scale):
    X, _ = raw_cancer
    n_units = 5000  # standard error of the mean square: sqrt(2 / 5000) = 2 %
    W1 = initial_net("normal", X, n_units, scale=scale).W1
    expected = scale**2 * np.mean(X**2, axis=0).sum()
    assert np.mean((X @ W1) ** 2) == pytest.approx(expected, rel=0.1)


def test_a_fit_that_collapses_says_so(circles):
    with pytest.warns(CollapseWarning, match="every row gets nearly the same probability"):
        net = ShallowNetClassifier(init="normal", alpha=5, random_state=0).fit(*circles(0))
    assert net.score(*circles(0)) == 0.5


# --- Symmetries of the trained net ----------------------------------------------------


def random_net(seed, activation="tanh", d=4, h=5):
    rng = np.random.default_rng(seed)
    shapes = [(d, h), (h,), (h,), (1,)]
    weights = (rng.standard_normal(shape) for shape in shapes)
    return Net(*weights, ACTIVATIONS[activation]), rng


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_units_changes_nothing(activation, seed):
    net, rng = random_net(seed, activation)
    X, order = rng.standard_normal((50, 4)), rng.permutation(5)
    W1, b1, w2, b2, phi = net
    permuted = Net(W1[:, order], b1[order], w2[order], b2, phi)
    np.testing.assert_allclose(logits(permuted, X), logits(net, X), atol=1e-13)


@pytest.mark.parametrize("seed", range(3))
def test_the_sign_of_a_tanh_unit_changes_nothing(seed):
    net, rng = random_net(seed)
    X, sign = rng.standard_normal((50, 4)), rng.choice([-1.0, 1.0], 5)
    W1, b1, w2, b2, phi = net
    flipped = Net(W1 * sign, b1 * sign, w2 * sign, b2, phi)
    np.testing.assert_allclose(logits(flipped, X), logits(net, X), atol=1e-13)
