"""Rows are learnt chunk by chunk, as if in one fit that pauses."""

import pickle
import warnings

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss

from sk_shallow import ShallowNetClassifier, SymmetryWarning

ignore_early_ends = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"
)
FIRST, SECOND = slice(0, 150), slice(150, 300)


@pytest.fixture(scope="module")
def moons():
    X, y = make_moons(300, noise=0.2, random_state=0)
    return X, y, np.random.default_rng(0).uniform(0, 2, 300)


@pytest.fixture
def net():
    return ShallowNetClassifier(
        8, solver="adam", batch_size=32, alpha=0.1, n_init=1, random_state=0
    )


def same_net(a, b):
    for x, y in zip([*a.coefs_, *a.intercepts_], [*b.coefs_, *b.intercepts_], strict=True):
        np.testing.assert_array_equal(x, y)


def learn(net, X, y, *chunks, **more):
    for chunk in chunks:
        net.partial_fit(X[chunk], y[chunk], classes=[0, 1], **more)
    return net


@ignore_early_ends
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_first_call_is_a_fit_of_one_epoch(moons, net, weighted, dtype):
    X, y, weight = moons
    X, weight = X.astype(dtype), weight if weighted else None
    chunked = clone(net).partial_fit(X, y, classes=[0, 1], sample_weight=weight)
    fitted = net.set_params(max_iter=1, tol=0, early_stopping=False).fit(X, y, weight)
    same_net(chunked, fitted)
    np.testing.assert_array_equal(chunked.loss_curve_, fitted.loss_curve_)
    assert chunked.coefs_[0].dtype == dtype
    public = {name for name in vars(fitted) if name.endswith("_") and name[0] != "_"}
    assert public == {
        name for name in vars(chunked) if name.endswith("_") and name[0] != "_"
    }


@ignore_early_ends
def test_four_calls_are_a_fit_of_four_epochs_where_nothing_is_penalised(moons, net):
    X, y, _ = moons
    net.set_params(alpha=0)
    chunked = learn(clone(net), X, y, *[slice(None)] * 4)
    fitted = net.set_params(max_iter=4, tol=0, early_stopping=False).fit(X, y)
    # But for rounding: the sums of a chunk are scaled up and down again.
    np.testing.assert_allclose(
        chunked.decision_function(X), fitted.decision_function(X), rtol=1e-9
    )


def test_a_chunk_is_learnt_from_however_small_its_gradient(moons, net):
    # As fit does not: it stops there.
    X, y, _ = moons
    net.set_params(tol=1e6)
    before = learn(net, X, y, FIRST).coefs_[0]
    assert net.stop_reason_ == "partial_fit"
    assert np.abs(learn(net, X, y, SECOND).coefs_[0] - before).max() > 0.01


def round_trips():
    def joblib_s(net, folder):
        joblib.dump(net, folder / "net")
        return joblib.load(folder / "net")

    return [lambda net, _: pickle.loads(pickle.dumps(net)), joblib_s]


@pytest.mark.parametrize("round_trip", round_trips(), ids=["pickle", "joblib"])
def test_a_stored_net_continues_as_if_it_had_not_been_stored(
    moons, net, round_trip, tmp_path
):
    X, y, _ = moons
    straight = learn(clone(net), X, y, FIRST, SECOND, FIRST)
    paused = round_trip(learn(clone(net), X, y, FIRST), tmp_path)
    paused = round_trip(learn(paused, X, y, SECOND), tmp_path)
    same_net(straight, learn(paused, X, y, FIRST))


def test_many_passes_learn_the_moons(moons, net):
    X, y, _ = moons
    learn(net.set_params(learning_rate=0.05), X, y, *[FIRST, SECOND] * 50)
    assert net.score(X, y) > 0.95


def test_the_loss_curve_is_J_on_the_chunk_before_and_after(moons, net):
    X, y, _ = moons
    learn(net.set_params(alpha=0), X, y, FIRST)
    before = log_loss(y[SECOND], net.predict_proba(X[SECOND]))
    learn(net, X, y, SECOND)
    after = log_loss(y[SECOND], net.predict_proba(X[SECOND]))
    np.testing.assert_allclose(net.loss_curve_, [before, after], rtol=1e-10)


def test_the_penalty_is_divided_by_the_weight_of_all_rows_so_far(moons, net):
    X, y, weight = moons
    for chunk in (FIRST, SECOND):
        net.partial_fit(X[chunk], y[chunk], classes=[0, 1], sample_weight=weight[chunk])
    assert net.n_samples_seen_ == 300
    assert net.total_weight_ == pytest.approx(weight.sum())
    # J after the second chunk, word for word.
    p = net.predict_proba(X[SECOND])[np.arange(150), y[SECOND]]
    data = -(weight[SECOND] @ np.log(p)) / weight[SECOND].sum()
    penalty = 0.1 / 2 * sum((c**2).sum() for c in net.coefs_) / weight.sum()
    assert net.loss_ == pytest.approx(data + penalty, rel=1e-10)


@pytest.mark.parametrize("weights", [(1, 100), (100, 1), (1e-6, 1e6)])
def test_the_loss_on_a_chunk_is_a_loss_whatever_the_chunks_weigh(moons, net, weights):
    X, y, _ = moons
    net.set_params(alpha=0)
    for chunk, weight in zip((FIRST, SECOND), weights, strict=True):
        net.partial_fit(X[chunk], y[chunk], classes=[0, 1], sample_weight=weight)
        loss = log_loss(y[chunk], net.predict_proba(X[chunk]))
        assert net.loss_ == pytest.approx(loss, rel=1e-10)


@pytest.mark.parametrize("verbose", [True, False])
def test_each_call_prints_one_line_and_has_a_reason_of_its_own(moons, net, verbose, capsys):
    X, y, _ = moons
    net.set_params(verbose=verbose)
    for chunk in (FIRST, SECOND):
        learn(net, X, y, chunk)
        assert net.stop_reason_ == "partial_fit"
        lines = capsys.readouterr().out.splitlines()
        if not verbose:
            assert lines == []
            continue
        (line,) = lines
        assert f"150 rows ({net.n_samples_seen_} " in line
        assert f"{net.loss_curve_[0]:.6f} -> {net.loss_curve_[1]:.6f}" in line


def test_the_memory_does_not_grow_with_the_chunks(moons, net):
    X, y, _ = moons
    sizes = [len(pickle.dumps(learn(net, X, y, FIRST))) for _ in range(30)]
    assert max(sizes[1:]) - min(sizes[1:]) < 20  # digits of counters


@ignore_early_ends
def test_partial_fit_continues_a_fit(moons, net):
    X, y, _ = moons
    net.set_params(early_stopping=False, max_iter=200).fit(X[FIRST], y[FIRST])
    fitted = [c.copy() for c in net.coefs_]
    assert net.n_samples_seen_ == 150
    net.partial_fit(X[SECOND], y[SECOND])  # the classes are known
    assert net.n_samples_seen_ == 300
    assert 0 < np.abs(net.coefs_[0] - fitted[0]).max() < 0.2
    assert net.score(X, y) > 0.9


@ignore_early_ends
def test_fit_starts_afresh_after_partial_fit(moons, net):
    X, y, _ = moons
    net.set_params(max_iter=20)
    fresh = clone(net).fit(X, y)
    again = learn(net, X, y, FIRST).fit(X, y)
    same_net(fresh, again)
    assert vars(again).keys() == vars(fresh).keys()


def test_a_chunk_may_lack_a_class(moons, net):
    X, y, _ = moons
    labels = np.array(["a", "b"])[y]
    net.partial_fit(X[y == 1], labels[y == 1], classes=["b", "a"])
    net.partial_fit(X[y == 0], labels[y == 0])
    np.testing.assert_array_equal(net.classes_, ["a", "b"])
    assert set(net.predict(X)) <= {"a", "b"}


@pytest.mark.parametrize(
    ("classes", "labels", "shown"),
    [
        (["neg", "pos"], ["negative", "positive"], "'negative', 'positive'"),
        ([False, True], [0, 5], "5"),
        (np.array([0, 1], np.int8), [0, 257], "257"),
        ([0, 1], [-1, 1.0], "-1"),
        ([0, 1], list(range(9)), r"2, 3, 4, \.\.\."),
    ],
    ids=str,
)
def test_labels_are_compared_and_never_cast(moons, net, classes, labels, shown):
    X, y, _ = moons
    given = np.resize(labels, len(y))
    with pytest.raises(ValueError, match=f"y must have labels of .* only, got .*{shown}"):
        net.partial_fit(X, given, classes)


def test_soft_labels_are_no_labels(moons, net):
    X, y, _ = moons
    with pytest.raises(ValueError, match="continuous"):
        net.partial_fit(X, 0.9 * y, [0, 1])


def test_the_dtype_is_that_of_the_first_chunk(moons, net):
    X, y, _ = moons
    learn(net, X, y, FIRST)
    learn(net, X.astype(np.float32), y, SECOND)
    assert net.coefs_[0].dtype == np.float64


def test_class_weights_are_sample_weights(moons, net):
    X, y, _ = moons
    folded = clone(net).set_params(class_weight={0: 0.5, 1: 3.0})
    direct = net.partial_fit(X, y, [0, 1], sample_weight=np.where(y == 1, 3.0, 0.5))
    same_net(folded.partial_fit(X, y, [0, 1]), direct)


def test_a_random_state_instance_is_drawn_from_once(moons, net):
    X, y, _ = moons
    generator = np.random.RandomState(0)
    learn(net.set_params(random_state=generator), X, y, FIRST)
    state = generator.get_state()[2]
    learn(net, X, y, SECOND)
    assert generator.get_state()[2] == state


def test_a_bad_start_is_warned_of_once(moons, net):
    X, y, _ = moons
    net.set_params(init="zeros")
    with pytest.warns(SymmetryWarning):
        learn(net, X, y, FIRST)
    learn(net, X, y, SECOND)  # a warning would be an error


@pytest.mark.parametrize("solver", ["lbfgs", "gd"])
def test_only_adam_learns_in_chunks(solver):
    net = ShallowNetClassifier(solver=solver)
    assert not hasattr(net, "partial_fit")
    assert hasattr(net.set_params(solver="adam"), "partial_fit")
    with pytest.raises(AttributeError) as error:
        net.set_params(solver=solver).partial_fit([[0]], [0], [0, 1])
    assert str(error.value.__cause__) == (
        f"partial_fit needs solver='adam', and solver={solver!r}."
    )


@pytest.mark.parametrize(
    ("parameters", "data", "message"),
    [
        ({}, {"classes": None}, r"classes must be given in the first call"),
        ({}, {"classes": [0, 1, 2]}, r"classes has 3 classes: \[0 1 2\]"),
        ({}, {"classes": [1]}, r"classes has one class only \(1\)"),
        ({}, {"classes": [0, 2]}, r"y must have labels of \[0, 2\] only, got 1\."),
        ({}, {"classes": ["0", "1"]}, r"labels of \['0', '1'\] only, got 0, 1\."),
        ({}, {"classes": {0, 1}}, r"classes must be a list or an array .* got {0, 1}"),
        ({}, {"classes": 2}, r"classes must be a list or an array .* got 2"),
        ({}, {"sample_weight": np.zeros(300)}, "sample_weight is zero for every row"),
        (
            {},
            {"sample_weight": np.full(300, 1e308)},
            "to a finite number over all, got inf",
        ),
        ({}, {"sample_weight": np.ones(2)}, r"got \(2,\)"),
        ({"class_weight": {0: 0, 1: 0}}, {}, r"more than 0 in every chunk .*got 0"),
        ({"class_weight": "balanced"}, {}, "dict of weights by class label"),
        ({"early_stopping": True}, {}, "early_stopping='auto' or False"),
        ({"batch_size": 0}, {}, "batch_size must be an integer >= 1"),
    ],
)
def test_what_a_first_chunk_cannot_be(moons, net, parameters, data, message):
    X, y, _ = moons
    net.set_params(**parameters)
    before = dict(vars(net))
    with pytest.raises(ValueError, match=message):
        net.partial_fit(X, y, **{"classes": [0, 1], **data})
    assert vars(net) == before


@pytest.mark.parametrize(
    ("parameters", "columns", "classes", "message"),
    [
        ({}, 2, [0, 7], r"partial_fit continues .* classes=\[0, 1\], and not \[0, 7\]"),
        ({"n_hidden": 9}, 2, None, r"n_hidden=8, and not 9\. Use fit, or a clone"),
        ({"activation": "relu"}, 2, None, r"activation='tanh', and not 'relu'"),
        ({}, 1, None, "1 features.*expecting 2"),
    ],
)
def test_a_later_chunk_of_another_kind(moons, net, parameters, columns, classes, message):
    X, y, _ = moons
    learn(net, X, y, FIRST).set_params(**parameters)
    before = dict(vars(net))
    with pytest.raises(ValueError, match=message):
        net.partial_fit(X[:, :columns], 0 * y, classes)
    assert vars(net) == before


def test_a_chunk_that_fails_leaves_no_trace(moons, net):
    X, y, _ = moons
    net.set_params(activation="relu")
    straight = learn(clone(net), X, y, FIRST, SECOND)
    learn(net, X, y, FIRST)
    # Half way through: its numbers overflow in the step, not at the start.
    with pytest.raises(ValueError, match="not finite at iteration 1"):
        net.partial_fit(1e160 * X, y)
    same_net(learn(net, X, y, SECOND), straight)


def test_a_gradient_whose_square_overflows_is_an_error_and_not_the_end_of_learning(
    moons, net
):
    # J and the weights would stay finite, and no step would be taken any more.
    X, y, _ = moons
    learn(net.set_params(activation="relu", batch_size=1000), X, y, FIRST)
    with pytest.raises(ValueError, match="not finite at iteration 1"):
        net.partial_fit(1e160 * X, y)


def test_weights_that_overflow_over_all_chunks_are_an_error(moons, net):
    X, y, _ = moons
    heavy = np.full(300, 5e305)
    net.partial_fit(X, y, [0, 1], sample_weight=heavy)
    with pytest.raises(ValueError, match="to a finite number over all"):
        net.partial_fit(X, y, sample_weight=heavy)
    assert net.n_samples_seen_ == 300


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_partial_fit_after_fit_follows_the_seed(moons, net, solver):
    X, y, _ = moons
    nets = []
    for seed in (3, 3, 4):
        one = clone(net).set_params(solver=solver, init=fixed, random_state=seed, alpha=1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            one.set_params(max_iter=2, early_stopping=False).fit(X, y)
        nets.append(learn(one.set_params(solver="adam"), X, y, FIRST))
    same_net(*nets[:2])
    assert not np.array_equal(nets[1].coefs_[0], nets[2].coefs_[0])


def fixed(rng, shape):
    return np.linspace(-1, 1, np.prod(shape)).reshape(shape)
