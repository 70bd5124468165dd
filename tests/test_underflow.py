"""How NumPy is set to handle floating-point errors makes no difference."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from scipy import sparse

from sk_shallow import ShallowNetClassifier
from sk_shallow._core.solvers import SOLVERS
from sk_shallow.inspection import (
    ActivationDisplay,
    HiddenUnitSimilarityDisplay,
    InitScaleDisplay,
    connection_weights,
    inspect_hidden_layer,
)

RNG = np.random.default_rng(0)
# Rows next to 0, usual ones, and large ones: exponentials and squares underflow.
SIZES = np.r_[np.full(20, 1e-200), np.full(120, 1.0), np.full(20, 10.0)][:, None]
X = RNG.standard_normal((160, 3)) * SIZES
Y = (X[:, 0] > 0).astype(int)


@pytest.mark.filterwarnings("ignore::sk_shallow.InitializationWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("activation", ["tanh", "logistic", "relu"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    "form", [np.asarray, np.float32, sparse.csr_array], ids=lambda form: form.__name__
)
def test_underflow_is_no_error_at_any_entry_point(activation, solver, form):
    table = form(X)
    _, ax = plt.subplots()

    def everything():
        net = ShallowNetClassifier(
            4, activation=activation, solver=solver, max_iter=20, random_state=0
        )
        net.fit(table, Y, sample_weight=np.linspace(1e-12, 1, 160))
        yield net.loss_curve_
        for method in ("decision_function", "predict_proba", "predict_log_proba"):
            yield getattr(net, method)(1e3 * table)
        yield net.predict(table)
        yield inspect_hidden_layer(net, table, Y).effective_rank
        yield inspect_hidden_layer(net, table, Y, at_start=True).pre_activation_sd
        yield ActivationDisplay.from_estimator(net, table, ax=ax).share
        if solver == "adam":
            yield net.partial_fit(table, Y).loss_curve_

    expected = list(everything())
    with np.errstate(all="raise"):
        for now, before in zip(everything(), expected, strict=True):
            np.testing.assert_array_equal(now, before)
        plt.close()
        assert np.geterr() == dict.fromkeys(("divide", "over", "under", "invalid"), "raise")


@pytest.mark.filterwarnings("ignore::sk_shallow.InitializationWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("activation", ["tanh", "logistic", "relu"])
@pytest.mark.parametrize(
    "form", [np.asarray, np.float32, sparse.csr_array], ids=lambda form: form.__name__
)
def test_nor_is_it_where_nets_are_compared(activation, form):
    table = form(X)

    def everything():
        net = ShallowNetClassifier(4, activation=activation, max_iter=5, random_state=0)
        display = InitScaleDisplay.from_estimator(
            net, table, Y, init_scales=[0, 1e-200, 1e-3, 1, 1e3], cv=2
        )
        yield display.scores
        net.fit(table, Y)
        yield HiddenUnitSimilarityDisplay.from_estimator(net, table).similarity
        yield connection_weights(net)
        plt.close("all")

    expected = list(everything())
    with np.errstate(all="raise"):
        handling = np.geterr()
        for now, before in zip(everything(), expected, strict=True):
            np.testing.assert_array_equal(now, before)
            assert np.geterr() == handling
