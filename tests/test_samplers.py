"""Pipelines of imbalanced-learn: samplers choose rows in `fit`, and do nothing after."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline as make_plain_pipeline
from sklearn.preprocessing import StandardScaler

from sk_shallow import ShallowNetClassifier
from sk_shallow.inspection import (
    ActivationDisplay,
    HiddenUnitSimilarityDisplay,
    InitScaleDisplay,
    LossCurveDisplay,
    connection_weights,
    inspect_hidden_layer,
)

samplers = pytest.importorskip("imblearn.under_sampling", exc_type=ImportError)
make_pipeline = pytest.importorskip("imblearn.pipeline").make_pipeline


@pytest.fixture
def rows(raw_cancer):
    X, y = raw_cancer
    few = np.flatnonzero(y == 0)[60:]
    return np.delete(X, few, axis=0), np.delete(y, few)


@pytest.fixture
def pipeline(rows):
    sampler = samplers.RandomUnderSampler(random_state=0)
    net = ShallowNetClassifier(4, random_state=0)
    return make_pipeline(StandardScaler(), sampler, net).fit(*rows)


def test_a_fitted_net_is_looked_at_on_the_rows_that_predict_takes(pipeline, rows):
    X, y = rows
    plain = make_plain_pipeline(pipeline[0], pipeline[-1])
    for labels in (y, None):
        one, other = (inspect_hidden_layer(p, X, labels) for p in (pipeline, plain))
        assert str(one) == str(other)
        assert one.n_rows == len(y)
    shares = [ActivationDisplay.from_estimator(p, X).share for p in (pipeline, plain)]
    np.testing.assert_array_equal(*shares)
    HiddenUnitSimilarityDisplay.from_estimator(pipeline, X)
    LossCurveDisplay.from_estimator(pipeline)
    assert connection_weights(pipeline).shape == (30,)


def test_a_start_is_looked_at_on_the_rows_that_are_chosen(pipeline, rows):
    X, y = rows
    report = inspect_hidden_layer(pipeline, X, y, at_start=True)
    assert report.n_rows == 120
    Z, labels = pipeline[1].fit_resample(StandardScaler().fit_transform(X), y)
    direct = inspect_hidden_layer(pipeline[-1], Z, labels, at_start=True)
    assert str(report) == str(direct)
    with pytest.raises(ValueError, match="y must be given"):
        inspect_hidden_layer(pipeline, X, at_start=True)
    with pytest.raises(ValueError, match="sample_weight must be None"):
        inspect_hidden_layer(pipeline, X, y, sample_weight=1.0, at_start=True)


def test_the_scales_are_compared_in_the_same_pipeline(pipeline, rows):
    display = InitScaleDisplay.from_estimator(pipeline, *rows, init_scales=[1.0], cv=2)
    assert display.scores.shape == (1, 2)
    assert np.isfinite(display.reference_scores).all()
