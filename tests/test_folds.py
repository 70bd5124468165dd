"""Folds are weight masks over one table, and each trains a net from its own start."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

from sk_shallow._core.activations import ACTIVATIONS
from sk_shallow._core.parameters import Net
from sk_shallow._core.table import ArrayTable, Rows, logits
from sk_shallow.training import folds
from sk_shallow.training.folds import Fold, folds_of, negative_log_loss, stratified

y = np.arange(12) % 2 == 1
weight = np.r_[0.0, np.arange(1.0, 12)]
test_rows = np.array([0, 1, 6, 7])
train_rows = np.setdiff1d(np.arange(12), test_rows)


@pytest.fixture
def rows():
    X = np.random.default_rng(0).standard_normal((12, 3))
    return Rows(ArrayTable(X), y, weight)


@pytest.mark.parametrize("as_mask", [False, True])
@pytest.mark.parametrize("early", [False, True])
def test_a_fold_gives_weight_to_its_rows_only_and_copies_no_X(rows, as_mask, early):
    split = train_rows, test_rows
    if as_mask:
        split = tuple(np.isin(np.arange(12), part) for part in split)
    (fold,) = folds_of(rows, [split], stops_early=early)
    learnt_from = np.where(np.isin(np.arange(12), train_rows), weight, 0)
    np.testing.assert_array_equal(fold.rows.sample_weight, learnt_from)
    assert fold.rows.X is rows.X
    assert (fold.held_out is not None) == early
    if early:
        assert fold.held_out.X is rows.X
        np.testing.assert_array_equal(fold.held_out.sample_weight, weight - learnt_from)
    np.testing.assert_array_equal(np.flatnonzero(fold.is_test), [1, 6, 7])


def test_a_fold_whose_test_rows_have_no_weight_stops_no_training(rows):
    (fold,) = folds_of(rows, [(np.arange(1, 12), [0])], stops_early=True)
    assert fold.held_out is None
    assert not fold.is_test.any()


@pytest.mark.parametrize("label", [0, 1])
def test_training_rows_of_one_class_are_refused_with_the_number_of_the_fold(rows, label):
    one = np.flatnonzero((y == label) | (weight == 0))  # a row of weight 0 does not count
    splits = [(train_rows, test_rows), (one, test_rows)]
    with pytest.raises(ValueError, match=r"fold 1 .* lack a class.*Set cv to"):
        folds_of(rows, splits, stops_early=False)


@pytest.mark.parametrize("n_folds", [2, 3, 7])
@pytest.mark.parametrize("share", [0.03, 0.5, 0.97])
@pytest.mark.parametrize("seed", range(3))
def test_stratified_folds_are_those_of_StratifiedKFold(n_folds, share, seed):
    rng = np.random.default_rng(seed)
    y, present = rng.uniform(size=400) < share, rng.uniform(size=400) < 0.8
    rows = Rows(ArrayTable(np.zeros((400, 1))), y, present)
    fold_of = stratified(rows, n_folds, np.random.RandomState(seed))
    np.testing.assert_array_equal(fold_of == -1, ~present)
    split = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    for number, (_, test) in enumerate(split.split(y[present], y[present])):
        np.testing.assert_array_equal(np.flatnonzero(fold_of[present] == number), test)


def test_no_fold_is_refused(rows):
    with pytest.raises(ValueError, match="cv must give at least one fold"):
        folds_of(rows, [], stops_early=False)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array, sparse.csr_matrix])
@pytest.mark.parametrize("part", [slice(0), slice(0, 700), slice(None)])
def test_logits_of_test_rows_are_in_their_order(kind, part):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((10_000, 3))
    net = Net(
        *(rng.standard_normal(shape) for shape in ((3, 64), 64, 64, 1)),
        ACTIVATIONS["tanh"],
    )
    is_test = np.zeros(len(X), dtype=np.bool_)
    is_test[rng.permutation(len(X))[part]] = True
    table = Rows(ArrayTable(kind(X)), is_test, is_test)
    z2 = folds.test_logits(net, Fold(0, table, None, is_test))
    assert z2.dtype == np.float64
    np.testing.assert_allclose(z2, logits(net, X[is_test]), rtol=0, atol=1e-12)


def test_the_score_is_the_weighted_log_loss(rows):
    z2 = np.random.default_rng(0).standard_normal(12)
    p = 1 / (1 + np.exp(-z2))
    expected = -log_loss(y, p, sample_weight=weight)
    assert negative_log_loss(z2, y, weight) == pytest.approx(expected, rel=1e-12)
    assert np.isnan(negative_log_loss(z2, y, 0 * weight))


def test_the_score_stays_finite_where_probabilities_round_to_0():
    far = np.array([800.0])
    assert negative_log_loss(far, np.array([False]), np.array([True])) == -800
