"""J is the formula of the notation, and its gradient is its derivative."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.objective import Objective, SampleTotals, sample_totals
from sk_shallow._core.parameters import Net, flatten, n_parameters, unflatten
from sk_shallow._core.rows import BLOCK_ROWS
from sk_shallow._core.table import ArrayTable, Rows

N_FEATURES, N_HIDDEN, ALPHA = 3, 4, 0.7


def random_rows(n_samples, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, N_FEATURES))
    y = rng.integers(0, 2, n_samples).astype(float)
    return Rows(ArrayTable(X), y, rng.uniform(0, 3, n_samples))


def recast(rows, kind):
    """The same rows, with `kind` of their X."""
    return rows._replace(X=ArrayTable(kind(rows.X.X)))


def single(X):
    return X.astype(np.float32)


def only(rows, chosen):
    X, y, sample_weight = rows
    return Rows(ArrayTable(X.X[chosen]), y[chosen], sample_weight[chosen])


def as_net(theta, activation="tanh"):
    return unflatten(theta, N_FEATURES, N_HIDDEN, ACTIVATIONS[activation])


def random_theta(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(n_parameters(N_FEATURES, N_HIDDEN))


def objective_of(rows, activation="tanh", alpha=ALPHA, **more):
    return Objective(rows, as_net(random_theta(), activation), alpha, **more)


def J(theta, rows, activation):
    """The definition, word for word."""
    W1, b1, w2, b2, phi = as_net(theta, activation)
    A1 = phi.apply(rows.X.X @ W1 + b1)
    p = 1 / (1 + np.exp(-(A1 @ w2 + b2)))
    losses = -(rows.y * np.log(p) + (1 - rows.y) * np.log(1 - p))
    penalty = ALPHA / 2 * (np.sum(W1**2) + np.sum(w2**2))
    return (np.sum(rows.sample_weight * losses) + penalty) / np.sum(rows.sample_weight)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("n_samples", [1, 50, 2 * BLOCK_ROWS + 3])
def test_the_loss_is_the_definition(activation, n_samples):
    rows, theta = random_rows(n_samples), random_theta()
    loss = objective_of(rows, activation)(theta).loss
    assert loss == pytest.approx(J(theta, rows, activation), rel=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("seed", range(5))
def test_the_gradient_is_the_derivative_along_random_directions(activation, kind, seed):
    rows = random_rows(BLOCK_ROWS + 50, seed)
    objective = objective_of(recast(rows, kind), activation)
    theta = random_theta(seed)
    direction = np.random.default_rng(seed + 100).standard_normal(theta.size)
    h = 1e-6
    difference = (
        objective(theta + h * direction).loss - objective(theta - h * direction).loss
    ) / (2 * h)
    # Central differences: rounding eps / h = 2e-10, and h^2 = 1e-12 of curvature. The
    # kinks of relu that lie within h of a row add up to h times their share.
    tolerance = 1e-6 if activation == "relu" else 1e-8
    assert objective(theta).gradient @ direction == pytest.approx(difference, abs=tolerance)


@pytest.mark.parametrize("entry", ["W1", "b1", "w2", "b2"])
def test_each_part_of_the_gradient_is_in_its_place(entry):
    rows, theta = random_rows(40), random_theta()
    gradient = objective_of(rows)(theta).gradient
    direction = np.zeros_like(theta)
    part = getattr(as_net(direction), entry)
    part.flat[part.size // 2] = 1e-6
    difference = (
        J(theta + direction, rows, "tanh") - J(theta - direction, rows, "tanh")
    ) / 2e-6
    here = getattr(as_net(gradient), entry)
    assert here.flat[part.size // 2] == pytest.approx(difference, abs=1e-8)


def test_biases_are_not_penalised():
    rows, theta = random_rows(20), random_theta()
    free, strong = (objective_of(rows, alpha=a)(theta).gradient for a in (0, 5))
    change = as_net(strong - free)
    assert not change.b1.any()
    assert not change.b2.any()
    expected = 5 * as_net(theta).W1 / rows.sample_weight.sum()
    np.testing.assert_allclose(change.W1, expected, rtol=1e-12)


@pytest.mark.parametrize("n_samples", [30, 3 * BLOCK_ROWS])
def test_every_evaluation_returns_fresh_float64_and_the_same_bits(n_samples):
    objective = objective_of(recast(random_rows(n_samples), single))
    first = objective(random_theta())
    kept = first.gradient.copy()
    objective(random_theta(1))
    again = objective(random_theta())
    assert isinstance(first.loss, float)
    assert first.gradient.dtype == np.float64
    assert not np.shares_memory(first.gradient, again.gradient)
    assert first.loss == again.loss
    np.testing.assert_array_equal(first.gradient, kept)
    np.testing.assert_array_equal(first.gradient, again.gradient)


@pytest.mark.parametrize("kind", [np.asarray, single])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_evaluation_keeps_theta_as_the_net_in_float64(kind, activation):
    theta = random_theta()
    evaluation = objective_of(recast(random_rows(30), kind), activation)(theta)
    assert np.shares_memory(evaluation.net.W1, theta)  # so it is not written to any more
    assert not np.shares_memory(evaluation.gradient, theta)
    assert evaluation.net.activation is ACTIVATIONS[activation]
    np.testing.assert_array_equal(flatten(evaluation.net), random_theta())


def test_an_evaluation_does_not_write_to_theta():
    rows = random_rows(30)
    theta = random_theta()
    theta.flags.writeable = False
    objective = objective_of(rows, held_out=rows)
    objective(theta)
    for gradient_at in objective.batches(np.random.default_rng(0), 10):
        gradient_at(theta)


def test_float32_data_gives_the_float64_result_to_its_precision():
    rows, theta = random_rows(3 * BLOCK_ROWS), random_theta()
    _, loss, gradient, _ = objective_of(rows)(theta)
    _, loss32, gradient32, _ = objective_of(recast(rows, single))(theta)
    assert loss32 == pytest.approx(loss, rel=1e-6)
    np.testing.assert_allclose(gradient32, gradient, atol=1e-6)


def test_float32_sums_over_a_million_rows_stay_accurate():
    # Were they float32, they would lose four digits: the error of a mean would be 1e-4.
    rows, theta = recast(random_rows(1_000_000), single), random_theta()
    double = recast(rows, np.float64)
    (_, loss, gradient, _), (_, loss32, gradient32, _) = (
        objective_of(one)(theta) for one in (double, rows)
    )
    assert loss32 == pytest.approx(loss, rel=1e-7)
    np.testing.assert_allclose(gradient32, gradient, atol=1e-7)


def test_what_there_is_one_of_per_row_is_float64():
    rows = random_rows(3)
    rows = Rows(ArrayTable(single(rows.X.X)), rows.y > 0, np.full(3, 0.1))
    gradient = objective_of(rows)(np.zeros_like(random_theta())).gradient
    # The residuals are +-1/2: their mean is exact in float64, but 0.1 is not in float32.
    assert gradient[-1] == pytest.approx(0.5 - rows.y.mean(), rel=1e-14)


def test_an_evaluation_allocates_nothing_that_grows_with_the_rows():
    def peak(n_blocks):
        objective = objective_of(random_rows(n_blocks * BLOCK_ROWS))
        theta = random_theta()
        objective(theta)
        tracemalloc.start()
        objective(theta)
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    one_row_vector = 20 * BLOCK_ROWS * 8  # what a single array of 20 blocks would take
    assert peak(20) < peak(2) + one_row_vector / 4


# --- The held-out loss ------------------------------------------------------------------


def test_without_rows_held_out_there_is_no_held_out_loss():
    assert objective_of(random_rows(9))(random_theta()).held_out_loss is None


def test_held_out_loss_is_the_weighted_log_loss_of_scikit_learn():
    rows, theta = random_rows(BLOCK_ROWS + 9), random_theta()
    W1, b1, w2, b2, _ = as_net(theta)
    p = 1 / (1 + np.exp(-(np.tanh(rows.X.X @ W1 + b1) @ w2 + b2)))
    expected = log_loss(rows.y, p, sample_weight=rows.sample_weight)
    copy = recast(rows, np.copy)
    # In one pass with the training rows, and in one of its own.
    for held_out in (rows, copy):
        loss = objective_of(rows, held_out=held_out)(theta).held_out_loss
        assert isinstance(loss, float)
        assert loss == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("same_X", [True, False])
def test_the_held_out_loss_is_that_of_the_rows_held_out(same_X):
    rows, theta = random_rows(2 * BLOCK_ROWS + 9), random_theta()
    is_held_out = np.arange(len(rows.y)) % 3 == 0
    train = rows._replace(sample_weight=np.where(is_held_out, 0, rows.sample_weight))
    held_out = (rows if same_X else recast(rows, np.copy))._replace(
        sample_weight=np.where(is_held_out, rows.sample_weight, 0)
    )
    objective = objective_of(train, held_out=held_out)
    alone, rest = only(rows, is_held_out), only(rows, ~is_held_out)
    for point in (theta, 2 * theta):
        expected = objective_of(alone, held_out=alone)(point).held_out_loss
        assert objective(point).held_out_loss == pytest.approx(expected, rel=1e-12)
    expected, found = objective_of(rest)(theta), objective(theta)
    assert found.loss == pytest.approx(expected.loss, rel=1e-12)
    np.testing.assert_allclose(found.gradient, expected.gradient, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("other", ["X", "y", "both"])
def test_rows_held_out_may_share_X_or_labels_with_the_training_rows(other):
    rows, theta = random_rows(60), random_theta()
    held_out = {
        "X": recast(rows, np.negative),
        "y": rows._replace(y=1 - rows.y),
        "both": recast(rows._replace(y=1 - rows.y), np.negative),
    }[other]
    loss = objective_of(rows, held_out=held_out)(theta).held_out_loss
    alone = objective_of(held_out, alpha=0.0)(theta).loss
    assert loss == pytest.approx(alone, rel=1e-12)


@pytest.mark.parametrize("same_X", [True, False])
@pytest.mark.parametrize("n_samples", [50, 3 * BLOCK_ROWS])
def test_the_held_out_loss_of_an_evaluation_is_that_of_its_own_theta(same_X, n_samples):
    rows = random_rows(n_samples)
    held_out = rows if same_X else recast(rows, np.copy)
    objective, theta = objective_of(rows, held_out=held_out), random_theta()
    first, other, again = map(objective, (theta, 2 * theta, theta.copy()))
    assert first.held_out_loss == again.held_out_loss != other.held_out_loss
    fresh = objective_of(rows, held_out=held_out)
    assert fresh(2 * theta).held_out_loss == other.held_out_loss


@pytest.mark.parametrize("same_X", [True, False])
def test_rows_held_out_change_no_bit_of_the_loss_and_its_gradient(same_X):
    rows, theta = random_rows(3 * BLOCK_ROWS), random_theta()
    held_out = rows if same_X else recast(rows, np.copy)
    with_them, without = (
        objective_of(rows, held_out=part)(theta) for part in (held_out, None)
    )
    assert with_them.loss == without.loss
    np.testing.assert_array_equal(with_them.gradient, without.gradient)


def test_a_relu_pair_is_logistic_regression():
    # relu(z) - relu(-z) = z: two units make a linear model, and at alpha=0 its J is the
    # log-loss of LogisticRegression, which has its minimum there.
    rows = random_rows(200)
    X = rows.X.X
    model = LogisticRegression(C=1e12, tol=1e-10, max_iter=1000)
    model.fit(X, rows.y, sample_weight=rows.sample_weight)

    def pair(coef, intercept):
        W1 = np.column_stack([coef, -coef])
        w2 = np.array([1.0, -1.0])
        return Net(W1, np.zeros(2), w2, intercept, ACTIVATIONS["relu"])

    optimum = pair(model.coef_[0], model.intercept_)
    _, loss, gradient, _ = Objective(rows, optimum, alpha=0.0)(flatten(optimum))
    p = model.predict_proba(X)
    assert loss == pytest.approx(
        log_loss(rows.y, p, sample_weight=rows.sample_weight), rel=1e-9
    )
    for column in np.eye(N_FEATURES):
        along = flatten(pair(column, np.zeros(1)))
        along[-3:-1] = 0  # w2 stays
        assert gradient @ along == pytest.approx(0, abs=1e-6)


# --- Batches and chunks -----------------------------------------------------------------


def batch_gradients(rows, batch_size, theta, seed=0, alpha=ALPHA):
    objective = objective_of(rows, alpha=alpha)
    rng = np.random.default_rng(seed)
    return [gradient_at(theta) for gradient_at in objective.batches(rng, batch_size)]


def full_gradient(rows, theta):
    return objective_of(rows)(theta).gradient


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("batch_size", [1, 20, 60])
def test_batches_estimate_the_gradient_without_bias(kind, batch_size):
    # Over one pass, the equal batches average to the gradient: weights, penalty and all.
    rows, theta = random_rows(60), random_theta()
    gradients = batch_gradients(recast(rows, kind), batch_size, theta)
    assert len(gradients) == 60 // batch_size
    np.testing.assert_allclose(
        np.mean(gradients, axis=0), full_gradient(rows, theta), rtol=1e-10, atol=1e-14
    )


def test_the_last_batch_is_what_is_left():
    rows, theta = random_rows(50), random_theta()
    gradients = batch_gradients(rows, 20, theta)
    assert len(gradients) == 3
    np.testing.assert_allclose(
        np.average(gradients, axis=0, weights=[20, 20, 10]),
        full_gradient(rows, theta),
        rtol=1e-10,
        atol=1e-14,
    )


def test_a_batch_of_all_rows_and_more_than_a_block_is_the_gradient():
    rows, theta = random_rows(BLOCK_ROWS + 50), random_theta()
    (gradient,) = batch_gradients(rows, 2 * BLOCK_ROWS, theta)
    assert len(batch_gradients(rows, BLOCK_ROWS, theta)) == 2  # one block of its own
    np.testing.assert_allclose(gradient, full_gradient(rows, theta), rtol=1e-9)


@pytest.mark.parametrize("batch_size", [1, 7, 50])
def test_alpha_means_the_same_for_every_batch_size(batch_size):
    rows, theta = random_rows(50), random_theta()
    W1, b1, w2, b2, phi = as_net(theta)
    penalty = flatten(Net(W1, 0 * b1, w2, 0 * b2, phi)) / rows.sample_weight.sum()
    pairs = zip(
        batch_gradients(rows, batch_size, theta, alpha=3.0),
        batch_gradients(rows, batch_size, theta, alpha=0.0),
        strict=True,
    )
    for with_penalty, without in pairs:
        np.testing.assert_allclose(with_penalty - without, 3.0 * penalty, atol=1e-12)


def test_rows_of_weight_0_are_in_no_batch():
    rows, theta = random_rows(40), random_theta()
    dropped = only(rows, slice(None, None, 2))
    rows.sample_weight[1::2] = 0
    for padded, gradient in zip(
        batch_gradients(rows, 7, theta), batch_gradients(dropped, 7, theta), strict=True
    ):
        np.testing.assert_array_equal(padded, gradient)


def test_the_order_of_rows_is_drawn_anew_for_each_pass():
    rows, theta = random_rows(40), random_theta()
    objective = objective_of(rows)
    rng = np.random.default_rng(0)
    first, second = (
        np.array([gradient_at(theta) for gradient_at in objective.batches(rng, 10)])
        for _ in range(2)
    )
    assert not np.isclose(first, second).all()
    np.testing.assert_array_equal(first, batch_gradients(rows, 10, theta, seed=0))


def test_a_chunk_counts_for_all_rows_so_far():
    # Chunks of the same rows: J of the second is that of both together.
    rows, theta = random_rows(30), random_theta()
    both = objective_of(only(rows, np.tile(np.arange(30), 2)))(theta)
    totals = sample_totals(rows.sample_weight)
    chunk = objective_of(rows, totals=totals.plus(totals))
    assert chunk(theta).loss == pytest.approx(both.loss, rel=1e-12)
    np.testing.assert_allclose(chunk(theta).gradient, both.gradient, rtol=1e-10, atol=1e-14)
    (batch,) = chunk.batches(np.random.default_rng(0), 100)
    np.testing.assert_allclose(batch(theta), both.gradient, rtol=1e-10, atol=1e-14)


def test_a_heavy_chunk_weighs_more_than_a_light_one():
    light, theta = random_rows(30), random_theta()
    heavy = light._replace(sample_weight=10 * light.sample_weight)
    after = sample_totals(light.sample_weight).plus(sample_totals(heavy.sample_weight))
    gradients = [
        next(objective.batches(np.random.default_rng(0), 30))(theta)
        for objective in (
            objective_of(rows, alpha=0.0, totals=after) for rows in (light, heavy)
        )
    ]
    np.testing.assert_allclose(gradients[1], 10 * gradients[0], rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.bool_, np.float32, np.float64])
def test_totals_count_the_rows_of_weight_above_0_and_add_up(dtype):
    weight = np.array([0, 1, 0, 1, 1], dtype)
    assert sample_totals(weight) == SampleTotals(n_rows=3, weight=3.0)
    assert sample_totals(weight).plus(SampleTotals(2, 0.5)) == SampleTotals(5, 3.5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_samples", [50, 2 * BLOCK_ROWS + 3])
@pytest.mark.filterwarnings("ignore:(overflow|invalid value):RuntimeWarning")
def test_rows_of_weight_0_are_absent_also_if_they_overflow(
    activation, kind, dtype, n_samples
):
    rows, theta = random_rows(n_samples), random_theta()
    held_out = np.arange(n_samples) % 3 == 0
    weight = rows.sample_weight * ~held_out
    signs_of_columns = np.array([[1, 1, 1], [1, -1, 1], [-1, 1, -1]])
    huge = np.finfo(dtype).max * signs_of_columns
    X, y = rows.X.X, rows.y

    def evaluated(X, y, n_absent):
        weights = [np.append(one, [0] * n_absent) for one in (weight, held_out)]
        training = Rows(ArrayTable(kind(X.astype(dtype))), y, weights[0])
        of_it = training._replace(sample_weight=weights[1].astype(bool))
        apart = Rows(ArrayTable(kind(X.astype(dtype))), y, weights[1])
        for validation in (of_it, apart):
            evaluation = objective_of(training, activation, held_out=validation)(theta)
            yield np.array(
                [evaluation.loss, evaluation.held_out_loss, *evaluation.gradient]
            )

    with_absent = evaluated(np.vstack([X, huge]), np.append(y, [0, 1, 1]), 3)
    for one, other in zip(with_absent, evaluated(X, y, 0), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=100 * np.finfo(dtype).eps)
