"""J is the formula of the notation, and its gradient is its derivative."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.objective import (
    Objective,
    Sums,
    added,
    log_loss_and_slope,
    seen,
    signs,
)
from sk_shallow._core.parameters import Parameters, flatten, n_parameters, unflatten
from sk_shallow._core.rows import BLOCK_ROWS, Rows

N_FEATURES, N_HIDDEN, ALPHA = 3, 4, 0.7


def random_rows(n_samples, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, N_FEATURES))
    y = rng.integers(0, 2, n_samples).astype(float)
    return Rows(X, y, rng.uniform(0, 3, n_samples))


def random_theta(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(n_parameters(N_FEATURES, N_HIDDEN))


def J(theta, rows, activation):
    """The definition, word for word."""
    W1, b1, w2, b2 = unflatten(theta, N_FEATURES, N_HIDDEN)
    A1 = ACTIVATIONS[activation].apply(rows.X @ W1 + b1)
    p = 1 / (1 + np.exp(-(A1 @ w2 + b2)))
    losses = -(rows.y * np.log(p) + (1 - rows.y) * np.log(1 - p))
    penalty = ALPHA / 2 * (np.sum(W1**2) + np.sum(w2**2))
    return (np.sum(rows.sample_weight * losses) + penalty) / np.sum(rows.sample_weight)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("n_samples", [1, 50, 2 * BLOCK_ROWS + 3])
def test_the_loss_is_the_definition(activation, n_samples):
    rows, theta = random_rows(n_samples), random_theta()
    loss, _ = Objective(rows, ACTIVATIONS[activation], N_HIDDEN, ALPHA)(theta)
    assert loss == pytest.approx(J(theta, rows, activation), rel=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("seed", range(5))
def test_the_gradient_is_the_derivative_along_random_directions(activation, kind, seed):
    rows = random_rows(BLOCK_ROWS + 50, seed)
    objective = Objective(
        rows._replace(X=kind(rows.X)), ACTIVATIONS[activation], N_HIDDEN, ALPHA
    )
    theta = random_theta(seed)
    direction = np.random.default_rng(seed + 100).standard_normal(theta.size)
    h = 1e-6
    difference = (
        objective(theta + h * direction)[0] - objective(theta - h * direction)[0]
    ) / (2 * h)
    # Central differences: rounding eps / h = 2e-10, and h^2 = 1e-12 of curvature. The
    # kinks of relu that lie within h of a row add up to h times their share.
    tolerance = 1e-6 if activation == "relu" else 1e-8
    assert objective(theta)[1] @ direction == pytest.approx(difference, abs=tolerance)


@pytest.mark.parametrize("entry", ["W1", "b1", "w2", "b2"])
def test_each_part_of_the_gradient_is_in_its_place(entry):
    rows, theta = random_rows(40), random_theta()
    _, gradient = Objective(rows, ACTIVATIONS["tanh"], N_HIDDEN, ALPHA)(theta)
    direction = np.zeros_like(theta)
    part = getattr(unflatten(direction, N_FEATURES, N_HIDDEN), entry)
    part.flat[part.size // 2] = 1e-6
    difference = (
        J(theta + direction, rows, "tanh") - J(theta - direction, rows, "tanh")
    ) / 2e-6
    here = getattr(unflatten(gradient, N_FEATURES, N_HIDDEN), entry)
    assert here.flat[part.size // 2] == pytest.approx(difference, abs=1e-8)


def test_biases_are_not_penalised():
    rows, theta = random_rows(20), random_theta()
    free, strong = (
        Objective(rows, ACTIVATIONS["tanh"], N_HIDDEN, a)(theta) for a in (0, 5)
    )
    change = unflatten(strong[1] - free[1], N_FEATURES, N_HIDDEN)
    assert not change.b1.any()
    assert not change.b2.any()
    expected = 5 * unflatten(theta, N_FEATURES, N_HIDDEN).W1 / rows.sample_weight.sum()
    np.testing.assert_allclose(change.W1, expected, rtol=1e-12)


def test_every_evaluation_returns_fresh_float64_and_the_same_bits():
    rows = random_rows(30)
    objective = Objective(
        rows._replace(X=rows.X.astype(np.float32)), ACTIVATIONS["tanh"], N_HIDDEN, ALPHA
    )
    first_loss, first = objective(random_theta())
    kept = first.copy()
    objective(random_theta(1))
    again_loss, again = objective(random_theta())
    assert isinstance(first_loss, float)
    assert first.dtype == np.float64
    assert first is not again
    assert first_loss == again_loss
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(first, again)


def test_float32_data_gives_the_float64_result_to_its_precision():
    rows, theta = random_rows(3 * BLOCK_ROWS), random_theta()
    loss, gradient = Objective(rows, ACTIVATIONS["tanh"], N_HIDDEN, ALPHA)(theta)
    single = rows._replace(X=rows.X.astype(np.float32))
    loss32, gradient32 = Objective(single, ACTIVATIONS["tanh"], N_HIDDEN, ALPHA)(theta)
    assert loss32 == pytest.approx(loss, rel=1e-6)
    np.testing.assert_allclose(gradient32, gradient, atol=1e-6)


def test_float32_sums_over_a_million_rows_stay_accurate():
    # Were they float32, they would lose four digits: the error of a mean would be 1e-4.
    rows, theta = random_rows(1_000_000), random_theta()
    single = rows._replace(X=rows.X.astype(np.float32))
    double = rows._replace(X=single.X.astype(np.float64))
    (loss, gradient), (loss32, gradient32) = (
        Objective(one, ACTIVATIONS["tanh"], N_HIDDEN, ALPHA)(theta)
        for one in (double, single)
    )
    assert loss32 == pytest.approx(loss, rel=1e-7)
    np.testing.assert_allclose(gradient32, gradient, atol=1e-7)


def test_sums_of_parts_are_float64_and_so_is_what_there_is_one_of_per_row():
    rows = random_rows(3)
    single = Rows(rows.X.astype(np.float32), rows.y > 0, np.full(3, 0.1))
    nothing = np.zeros_like(random_theta())
    _, gradient = Objective(single, ACTIVATIONS["tanh"], N_HIDDEN, ALPHA)(nothing)
    # The residuals are +-1/2: their mean is exact in float64, but 0.1 is not in float32.
    assert gradient[-1] == pytest.approx(0.5 - single.y.mean(), rel=1e-14)
    loss, slope = log_loss_and_slope(np.float32([0.1, 3]), signs(np.array([True, False])))
    z2 = np.float32([0.1, 3]).astype(np.float64) * [-1, 1]
    np.testing.assert_allclose(loss, np.logaddexp(0, z2), rtol=1e-14)
    np.testing.assert_allclose(slope, expit(z2) * [-1, 1], rtol=1e-14)
    part = Sums(0.0, 0.0, *(np.ones(shape, np.float32) for shape in ((2, 3), 2, 2)), 0.0)
    for sums in added(part, part)[2:5]:
        assert sums.dtype == np.float64


def test_the_held_out_loss_is_that_of_weights_that_have_been_written_over():
    rows = random_rows(50)
    objective = Objective(rows, ACTIVATIONS["tanh"], N_HIDDEN, ALPHA, held_out=rows)
    theta = random_theta()
    objective(theta)
    before = objective.held_out_loss(theta)
    theta *= 2  # as a solver may
    assert objective.held_out_loss(theta) != before


def test_an_evaluation_allocates_nothing_that_grows_with_the_rows():
    def peak(n_blocks):
        objective = Objective(
            random_rows(n_blocks * BLOCK_ROWS), ACTIVATIONS["tanh"], N_HIDDEN, ALPHA
        )
        theta = random_theta()
        objective(theta)
        tracemalloc.start()
        objective(theta)
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    one_row_vector = 20 * BLOCK_ROWS * 8  # what a single array of 20 blocks would take
    assert peak(20) < peak(2) + one_row_vector / 4


@pytest.mark.parametrize("z", [-800.0, -30.0, 0.0, 30.0, 800.0])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_the_log_loss_is_exact_for_any_logit(z, y):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        loss, slope = log_loss_and_slope(np.array([z]), signs(np.array([y])))
    u = -z if y else z  # the logit of being wrong; abs=0, as small losses count too
    assert loss[0] == pytest.approx(np.logaddexp(0, u), rel=1e-14, abs=0)
    assert abs(slope[0]) == pytest.approx(np.exp(-np.logaddexp(0, -u)), rel=1e-12, abs=0)
    assert np.sign(slope[0]) == (-1 if y else 1) * (u > -800)


def test_held_out_loss_is_the_weighted_log_loss_of_scikit_learn():
    rows, theta = random_rows(BLOCK_ROWS + 9), random_theta()
    parameters = unflatten(theta, N_FEATURES, N_HIDDEN)
    W1, b1, w2, b2 = parameters
    p = 1 / (1 + np.exp(-(np.tanh(rows.X @ W1 + b1) @ w2 + b2)))
    expected = log_loss(rows.y, p, sample_weight=rows.sample_weight)
    copy = rows._replace(X=rows.X.copy())
    for held_out in (
        rows,
        copy,
    ):  # in one pass with the training rows, and in one of its own
        objective = Objective(rows, ACTIVATIONS["tanh"], N_HIDDEN, ALPHA, held_out=held_out)
        assert objective.held_out_loss(theta) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("same_X", [True, False])
def test_the_held_out_loss_is_that_of_the_rows_held_out(same_X):
    rows, theta = random_rows(2 * BLOCK_ROWS + 9), random_theta()
    is_held_out = np.arange(len(rows.y)) % 3 == 0
    train = rows._replace(sample_weight=np.where(is_held_out, 0, rows.sample_weight))
    held_out = rows._replace(
        X=rows.X if same_X else rows.X.copy(),
        sample_weight=np.where(is_held_out, rows.sample_weight, 0),
    )
    phi = ACTIVATIONS["tanh"]
    objective = Objective(train, phi, N_HIDDEN, ALPHA, held_out=held_out)
    alone = Rows(*(part[is_held_out] for part in rows))
    for point in (theta, 2 * theta):
        expected = Objective(alone, phi, N_HIDDEN, ALPHA, held_out=alone).held_out_loss(
            point
        )
        assert objective.held_out_loss(point) == pytest.approx(expected, rel=1e-12)
        objective(theta)  # and what was asked for last is remembered
    rest = Rows(*(part[~is_held_out] for part in rows))
    loss, gradient = Objective(rest, phi, N_HIDDEN, ALPHA)(theta)
    assert objective(theta)[0] == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(objective(theta)[1], gradient, rtol=1e-9, atol=1e-14)


def test_a_relu_pair_is_logistic_regression():
    # relu(z) - relu(-z) = z: two units make a linear model, and at alpha=0 its J is the
    # log-loss of LogisticRegression, which has its minimum there.
    rows = random_rows(200)
    model = LogisticRegression(C=1e12, tol=1e-10, max_iter=1000)
    model.fit(rows.X, rows.y, sample_weight=rows.sample_weight)

    def pair(coef, intercept):
        W1 = np.column_stack([coef, -coef])
        return flatten(Parameters(W1, np.zeros(2), np.array([1.0, -1.0]), intercept))

    coef, intercept = model.coef_[0], model.intercept_
    objective = Objective(rows, ACTIVATIONS["relu"], n_hidden=2, alpha=0.0)
    loss, gradient = objective(pair(coef, intercept))
    p = model.predict_proba(rows.X)
    assert loss == pytest.approx(
        log_loss(rows.y, p, sample_weight=rows.sample_weight), rel=1e-9
    )
    for column in np.eye(N_FEATURES):
        along = pair(column, np.zeros(1))
        along[-3:-1] = 0  # w2 stays
        assert gradient @ along == pytest.approx(0, abs=1e-6)


# --- Batches and streams ----------------------------------------------------------------


def batch_gradients(rows, batch_size, theta, seed=0, alpha=ALPHA):
    objective = Objective(rows, ACTIVATIONS["tanh"], N_HIDDEN, alpha)
    rng = np.random.default_rng(seed)
    return [gradient_at(theta) for gradient_at in objective.batches(rng, batch_size)]


def full_gradient(rows, theta):
    return Objective(rows, ACTIVATIONS["tanh"], N_HIDDEN, ALPHA)(theta)[1]


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("batch_size", [1, 20, 60])
def test_batches_estimate_the_gradient_without_bias(kind, batch_size):
    # Over one pass, the equal batches average to the gradient: weights, penalty and all.
    rows, theta = random_rows(60), random_theta()
    gradients = batch_gradients(rows._replace(X=kind(rows.X)), batch_size, theta)
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
    W1, b1, w2, b2 = unflatten(theta, N_FEATURES, N_HIDDEN)
    penalty = flatten(Parameters(W1, 0 * b1, w2, 0 * b2)) / rows.sample_weight.sum()
    pairs = zip(
        batch_gradients(rows, batch_size, theta, alpha=3.0),
        batch_gradients(rows, batch_size, theta, alpha=0.0),
        strict=True,
    )
    for with_penalty, without in pairs:
        np.testing.assert_allclose(with_penalty - without, 3.0 * penalty, atol=1e-12)


def test_rows_of_weight_0_are_in_no_batch():
    rows, theta = random_rows(40), random_theta()
    dropped = Rows(*(part[::2] for part in rows))
    rows.sample_weight[1::2] = 0
    for padded, gradient in zip(
        batch_gradients(rows, 7, theta), batch_gradients(dropped, 7, theta), strict=True
    ):
        np.testing.assert_array_equal(padded, gradient)


def test_the_order_of_rows_is_drawn_anew_for_each_pass():
    rows, theta = random_rows(40), random_theta()
    objective = Objective(rows, ACTIVATIONS["tanh"], N_HIDDEN, ALPHA)
    rng = np.random.default_rng(0)
    first, second = (
        np.array([gradient_at(theta) for gradient_at in objective.batches(rng, 10)])
        for _ in range(2)
    )
    assert not np.isclose(first, second).all()
    np.testing.assert_array_equal(first, batch_gradients(rows, 10, theta, seed=0))


def test_a_chunk_stands_for_all_rows_seen():
    # Chunks of the same rows: J of the second is that of both together.
    rows, theta = random_rows(30), random_theta()
    both = Rows(*(np.concatenate([part, part]) for part in rows))
    together = Objective(both, ACTIVATIONS["tanh"], N_HIDDEN, ALPHA)
    chunk = Objective(rows, ACTIVATIONS["tanh"], N_HIDDEN, ALPHA, seen(rows).and_also(rows))
    assert chunk(theta)[0] == pytest.approx(together(theta)[0], rel=1e-12)
    np.testing.assert_allclose(chunk(theta)[1], together(theta)[1], rtol=1e-10, atol=1e-14)
    (batch,) = chunk.batches(np.random.default_rng(0), 100)
    np.testing.assert_allclose(batch(theta), together(theta)[1], rtol=1e-10, atol=1e-14)


def test_a_heavy_chunk_weighs_more_than_a_light_one():
    light, theta = random_rows(30), random_theta()
    heavy = light._replace(sample_weight=10 * light.sample_weight)
    after = seen(light).and_also(heavy)
    gradients = [
        next(objective.batches(np.random.default_rng(0), 30))(theta)
        for objective in (
            Objective(rows, ACTIVATIONS["tanh"], N_HIDDEN, 0.0, after)
            for rows in (light, heavy)
        )
    ]
    np.testing.assert_allclose(gradients[1], 10 * gradients[0], rtol=1e-9)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_samples", [50, 2 * BLOCK_ROWS + 3])
@pytest.mark.filterwarnings("ignore:(overflow|invalid value):RuntimeWarning")
def test_rows_of_weight_0_are_absent_also_if_they_overflow(
    activation, kind, dtype, n_samples
):
    rows, theta = random_rows(n_samples), random_theta()
    held_out = rows._replace(sample_weight=np.arange(n_samples) % 3 == 0)
    rows = rows._replace(sample_weight=rows.sample_weight * ~held_out.sample_weight)
    signs_of_columns = np.array([[1, 1, 1], [1, -1, 1], [-1, 1, -1]])
    huge = np.vstack([rows.X, np.finfo(dtype).max * signs_of_columns]).astype(dtype)
    y = np.append(rows.y, [0, 1, 1])

    def evaluated(X, y, n_absent, X_val):
        weights = [
            np.append(part.sample_weight, [0] * n_absent) for part in (rows, held_out)
        ]
        training = Rows(kind(X), y, weights[0])
        of_it = training._replace(sample_weight=weights[1].astype(bool))
        apart = Rows(kind(X_val), y, weights[1])
        for part in (of_it, apart):
            J = Objective(training, ACTIVATIONS[activation], N_HIDDEN, ALPHA, held_out=part)
            loss, gradient = J(theta)
            yield np.array([loss, J.held_out_loss(theta), *gradient])

    X = rows.X.astype(dtype)
    for with_absent, without in zip(
        evaluated(huge, y, 3, huge), evaluated(X, rows.y, 0, X), strict=True
    ):
        np.testing.assert_allclose(
            with_absent, without, rtol=0, atol=100 * np.finfo(dtype).eps
        )
