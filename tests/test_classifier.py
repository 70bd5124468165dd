"""The fitted estimator has what its docstring lists, and only when all went well."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.special import expit, log_expit
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss

from sk_shallow import InitializationWarning, ShallowNetClassifier


@pytest.fixture(scope="module")
def fitted(cancer):
    return ShallowNetClassifier(n_hidden=5, random_state=0).fit(*cancer)


def test_the_defaults_are_those_of_the_documents():
    assert ShallowNetClassifier().get_params() == {
        "n_hidden": 32,
        "activation": "tanh",
        "init": "glorot_uniform",
        "init_scale": None,
        "alpha": "auto",
        "solver": "lbfgs",
        "learning_rate": None,
        "batch_size": 256,
        "max_iter": 1000,
        "tol": 1e-4,
        "early_stopping": "auto",
        "validation_fraction": 0.1,
        "n_iter_no_change": 20,
        "class_weight": None,
        "warm_start": False,
        "n_init": "auto",
        "n_jobs": None,
        "random_state": None,
        "verbose": False,
    }


def test_shapes_and_types_of_the_fitted_attributes(fitted):
    assert [c.shape for c in fitted.coefs_] == [(30, 5), (5, 1)]
    assert [b.shape for b in fitted.intercepts_] == [(5,), (1,)]
    np.testing.assert_array_equal(fitted.classes_, [0, 1])
    assert fitted.n_features_in_ == 30
    assert fitted.alpha_ == pytest.approx(np.sqrt(30))
    assert isinstance(fitted.loss_, float)
    assert isinstance(fitted.n_iter_, int)


def test_the_curve_begins_with_J_at_the_start_and_ends_with_that_of_the_fitted_net(
    fitted, cancer
):
    X, y = cancer
    assert len(fitted.loss_curve_) == fitted.n_iter_ + 1
    assert fitted.loss_curve_[-1] == fitted.loss_
    assert fitted.validation_loss_curve_ is None
    assert fitted.best_iteration_ is None
    penalty = fitted.alpha_ / 2 * sum(np.sum(c**2) for c in fitted.coefs_)
    data = log_loss(y, fitted.predict_proba(X), normalize=False)
    assert fitted.loss_ == pytest.approx((data + penalty) / len(y), rel=1e-12)
    start = ShallowNetClassifier(n_hidden=5, init="normal", init_scale=0).fit
    with pytest.warns(InitializationWarning):
        zero = start(*cancer)
    assert zero.loss_curve_[0] == pytest.approx(np.log(2))


def test_early_stopping_keeps_the_best_held_out_weights(large):
    X, y = large
    net = ShallowNetClassifier(random_state=0).fit(X, y)
    assert net.stop_reason_ == "validation"
    assert len(net.loss_curve_) == len(net.validation_loss_curve_) == net.n_iter_ + 1
    assert net.best_iteration_ == np.argmin(net.validation_loss_curve_)
    assert net.best_iteration_ == net.n_iter_ - 20
    assert net.loss_ == net.loss_curve_[net.best_iteration_]
    # The fitted weights are those of that iteration: training for just so long, on
    # the same rows, ends there.
    with pytest.warns(ConvergenceWarning):
        short = ShallowNetClassifier(random_state=0, max_iter=net.best_iteration_).fit(X, y)
    np.testing.assert_array_equal(short.coefs_[0], net.coefs_[0])


@pytest.mark.parametrize("labels", [["no", "yes"], [True, False], [-1, 1]])
def test_early_stopping_takes_any_labels_and_weights(large, labels):
    X, y = large
    weight = np.random.default_rng(0).uniform(0, 2, len(y))
    net = ShallowNetClassifier(random_state=0, class_weight="balanced")
    net.fit(X, np.array(labels)[y], sample_weight=weight)
    assert net.best_iteration_ is not None
    assert net.score(X, np.array(labels)[y]) > 0.75


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({}, "loss"),
        ({"tol": 1e-2}, "gradient"),
        ({"early_stopping": True}, "validation"),
    ],
)
def test_every_stop_has_a_reason(cancer, parameters, reason):
    assert (
        ShallowNetClassifier(random_state=0, **parameters).fit(*cancer).stop_reason_
        == reason
    )


def test_a_start_at_the_minimum_still_counts_one_iteration():
    X, y = np.array([[-1.0], [1.0]] * 4), [0, 1] * 4
    with pytest.warns(InitializationWarning):
        net = ShallowNetClassifier(init="zeros").fit(X, y)
    assert net.n_iter_ == 1
    assert net.stop_reason_ == "gradient"
    assert len(net.loss_curve_) == 1


def test_predictions_agree_with_each_other(fitted, cancer):
    X, y = cancer
    z2 = fitted.decision_function(X)
    assert z2.shape == y.shape
    np.testing.assert_allclose(fitted.predict_proba(X), expit(np.column_stack([-z2, z2])))
    np.testing.assert_allclose(
        fitted.predict_log_proba(X), log_expit(np.column_stack([-z2, z2])), rtol=1e-12
    )
    np.testing.assert_array_equal(fitted.predict(X), (z2 > 0).astype(int))
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1, atol=1e-15)
    assert fitted.score(X, y) > 0.98


def test_log_probabilities_stay_finite_where_probabilities_round_to_0(fitted, cancer):
    far = 1e3 * cancer[0][:3]
    sure = ShallowNetClassifier(random_state=0, alpha=1e-9, activation="relu").fit(*cancer)
    assert (sure.predict_proba(far) == 0).any()
    z2 = sure.decision_function(far)
    np.testing.assert_allclose(
        sure.predict_log_proba(far), log_expit(np.column_stack([-z2, z2])), rtol=1e-12
    )


def test_float32_in_gives_float32_out(cancer):
    X, y = cancer
    net = ShallowNetClassifier(random_state=0).fit(X.astype(np.float32), y)
    outputs = [net.predict_proba, net.predict_log_proba, net.decision_function]
    arrays = [*net.coefs_, *net.intercepts_, *(f(X.astype(np.float32)) for f in outputs)]
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}
    double = ShallowNetClassifier(random_state=0).fit(X, y)
    assert double.coefs_[0].dtype == np.float64
    assert double.predict_proba(X.astype(np.float32)).dtype == np.float64
    assert net.loss_ == pytest.approx(double.loss_, rel=1e-3)


@pytest.mark.parametrize("dtype", [np.int64, np.float16, bool, np.uint8, object])
def test_other_numbers_become_float64(dtype):
    X, y = make_classification(60, random_state=0)
    net = ShallowNetClassifier(random_state=0).fit((X > 0).astype(dtype), y)
    assert net.coefs_[0].dtype == np.float64


@pytest.mark.parametrize(
    "kind", [sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix, sparse.coo_array]
)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_sparse_data_gives_the_dense_result(kind, early_stopping):
    X, y = make_classification(300, random_state=0)
    X[np.abs(X) < 0.5] = 0
    dense, thin = (
        ShallowNetClassifier(random_state=0, alpha=50, early_stopping=early_stopping).fit(
            data, y
        )
        for data in (X, kind(X))
    )
    # Products of sparse and of dense matrices add in another order: the last bits differ.
    np.testing.assert_allclose(
        thin.predict_proba(kind(X)), dense.predict_proba(X), atol=1e-3
    )
    assert thin.loss_curve_[0] == pytest.approx(dense.loss_curve_[0], rel=1e-12)
    assert thin.loss_curve_[5] == pytest.approx(dense.loss_curve_[5], rel=1e-9)


def test_a_fitted_net_does_not_change_with_set_params(cancer):
    X, y = cancer
    net = ShallowNetClassifier(random_state=0).fit(X, y)
    before = net.decision_function(X)
    net.set_params(activation="relu", n_hidden=3)
    np.testing.assert_array_equal(net.decision_function(X), before)


def test_logits_that_overflow_are_an_error_and_no_label(cancer):
    X, y = cancer
    net = ShallowNetClassifier(random_state=0).fit(X.astype(np.float32), y)
    assert np.isfinite(net.predict_proba(1e30 * X)).all()  # sure, but still a probability
    with pytest.raises(ValueError, match="too large for the float32 weights"):
        net.predict(1e300 * X)


# --- All or nothing -----------------------------------------------------------------


def refuse(rng, shape):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("parameters", "data", "error"),
    [
        ({"n_hidden": 0}, "good", ValueError),
        ({"init": refuse}, "good", KeyboardInterrupt),
        ({}, "three classes", ValueError),
        ({}, "other columns, one class", ValueError),
        ({"init_scale": 1e308}, "good", ValueError),
        ({"early_stopping": True, "validation_fraction": 0.999999}, "good", ValueError),
        ({"warm_start": True, "n_hidden": 9}, "good", ValueError),
    ],
)
@pytest.mark.parametrize("was_fitted", [False, True])
def test_a_failed_fit_leaves_no_trace(cancer, parameters, data, error, was_fitted):
    X, y = cancer
    net = ShallowNetClassifier(random_state=0)
    if was_fitted or "warm_start" in parameters:
        net.fit(X, y)
    net.set_params(**parameters)
    before = dict(vars(net))
    bad = {
        "good": (X, y),
        "three classes": (X, np.arange(len(y)) % 3),
        "other columns, one class": (X[:, :4], np.zeros(len(y))),
    }[data]
    with pytest.raises(error):
        net.fit(*bad)
    assert vars(net).keys() == before.keys()
    assert all(vars(net)[name] is value for name, value in before.items())


def test_a_failed_fit_leaves_a_random_state_where_it_was(cancer):
    generator = np.random.RandomState(0)
    with pytest.raises(KeyboardInterrupt):
        ShallowNetClassifier(init=refuse, random_state=generator).fit(*cancer)
    assert generator.randint(2**31) == np.random.RandomState(0).randint(2**31)


def test_an_overflow_in_the_middle_of_training_leaves_a_finite_loss(cancer):
    X, y = cancer
    with pytest.warns((InitializationWarning, ConvergenceWarning)):
        net = ShallowNetClassifier(activation="relu", random_state=0).fit(1e150 * X, y)
    assert np.isfinite(net.loss_)
    assert net.loss_ == net.loss_curve_[-1]


@pytest.mark.parametrize("solver", ["gd", "adam"])
def test_an_overflow_on_the_way_names_the_learning_rate(cancer, solver):
    X, y = cancer
    net = ShallowNetClassifier(solver=solver, learning_rate=1e200, activation="relu")
    with pytest.raises(
        ValueError, match=r"at iteration \d+: .*learning_rate \(now 1e\+200"
    ):
        net.fit(X, y)


def test_an_overflow_says_when_and_what_to_scale(cancer):
    with pytest.raises(ValueError, match=r"start \(iteration 0\): .*lower init_scale"):
        ShallowNetClassifier(init_scale=1e308).fit(*cancer)


# --- Subclasses ---------------------------------------------------------------------


class Shifted(ShallowNetClassifier):
    def decision_function(self, X):
        return super().decision_function(X) - 2


def test_labels_follow_the_decision_function_of_a_subclass(cancer):
    X, y = cancer
    net = Shifted(4, random_state=0).fit(X, y)
    z2 = net.decision_function(X)
    assert (z2 > 0).sum() < (z2 + 2 > 0).sum()
    np.testing.assert_array_equal(net.predict(X), net.classes_[(z2 > 0).astype(int)])
    np.testing.assert_allclose(net.predict_log_proba(X)[:, 1], log_expit(z2))


# --- Warm start ---------------------------------------------------------------------


def test_warm_start_continues_from_the_last_weights(cancer):
    X, y = cancer
    net = ShallowNetClassifier(random_state=0, warm_start=True, max_iter=5)
    with pytest.warns(ConvergenceWarning):
        net.fit(X, y)
    reached = net.loss_
    net.set_params(max_iter=1000).fit(X, y)
    assert net.loss_curve_[0] == pytest.approx(reached, rel=1e-12)
    reached = net.loss_
    net.set_params(tol=1e-3).fit(X, y)  # already there: stops for the gradient at once
    assert net.n_iter_ == 1
    assert net.loss_ == pytest.approx(reached, rel=1e-12)
    net.set_params(alpha=1.0).fit(X, y)  # another J, from the same weights
    assert net.loss_curve_[0] < reached


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("between", ["lbfgs", "gd"])
def test_adam_starts_afresh_after_another_solver(cancer, between):
    """Its running means are of gradients at weights that the other one has left."""
    X, y = cancer
    net = ShallowNetClassifier(4, solver="adam", random_state=0, warm_start=True)
    net.set_params(max_iter=2).fit(X, y).set_params(solver=between).fit(X, y)
    assert net._adam_state is None
    other = clone(net).set_params(solver="lbfgs").fit(X, y)
    other.coefs_, other.intercepts_ = net.coefs_, net.intercepts_
    for one in (net, other):
        one.set_params(solver="adam").fit(X, y)
    np.testing.assert_array_equal(net.coefs_[0], other.coefs_[0])


@pytest.mark.parametrize(
    ("parameters", "labels", "what"),
    [
        ({"n_hidden": 9}, [0, 1], "n_hidden=32, and not 9"),
        ({"activation": "relu"}, [0, 1], "activation='tanh', and not 'relu'"),
        ({}, ["a", "b"], r"classes=\[0, 1\], and not \['a', 'b'\]"),
    ],
)
def test_warm_start_of_another_net_is_an_error(cancer, parameters, labels, what):
    X, y = cancer
    net = ShallowNetClassifier(random_state=0, warm_start=True).fit(X, y)
    net.set_params(**parameters)
    with pytest.raises(ValueError, match=f"had {what}.*warm_start=False"):
        net.fit(X, np.array(labels)[y])


def test_warm_start_on_other_columns_is_an_error(cancer):
    X, y = cancer
    names = [f"column {k}" for k in range(30)]
    net = ShallowNetClassifier(random_state=0, warm_start=True)
    net.fit(pd.DataFrame(X, columns=names), y)
    with pytest.raises(ValueError, match="feature names"):
        net.fit(pd.DataFrame(X[:, :7], columns=names[:7]), y)
    with pytest.raises(ValueError, match="feature names"):
        net.fit(pd.DataFrame(X, columns=names[::-1]), y)


@pytest.mark.parametrize("random_state", [None, 0, np.random.RandomState(0)], ids=str)
def test_a_warm_start_holds_out_the_same_rows(large, random_state):
    # Others would have been trained on.
    X, y = large
    net = ShallowNetClassifier(4, warm_start=True, random_state=random_state).fit(X, y)
    reached = net.validation_loss_curve_[net.best_iteration_]
    net.fit(X, y)
    assert net.validation_loss_curve_[0] == pytest.approx(reached, rel=1e-12)


def test_without_warm_start_every_fit_starts_afresh(cancer, large):
    net = ShallowNetClassifier(random_state=0).fit(*large)
    net.fit(*cancer)
    fresh = ShallowNetClassifier(random_state=0).fit(*cancer)
    assert vars(net).keys() == vars(fresh).keys()
    np.testing.assert_array_equal(net.coefs_[0], fresh.coefs_[0])
    assert net.validation_loss_curve_ is None


def test_a_wrong_argument_is_one_of_the_class_that_is_called():
    with pytest.raises(TypeError, match=r"^ShallowNetClassifier\.__init__\(\)"):
        ShallowNetClassifier(alhpa=1)
