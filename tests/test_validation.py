"""Bad input gets an error that names the parameter, the requirement and the value."""

from collections import OrderedDict, UserDict
from fractions import Fraction
from functools import partial
from types import MappingProxyType

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib import pyplot as plt
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sk_shallow import InvalidParameterError, ShallowNetClassifier
from sk_shallow.inspection import (
    ActivationDisplay,
    HiddenUnitSimilarityDisplay,
    InitScaleDisplay,
    inspect_hidden_layer,
)
from sk_shallow.validation import REQUIREMENTS, data
from sk_shallow.validation.parameters import MEANINGS, did_you_mean

X = np.random.default_rng(0).standard_normal((30, 2))
Y = np.tile([0, 1], 15)
NAN, INF = float("nan"), float("inf")

BAD = {
    "n_hidden": [0, -1, 2.0, "8", None, True, NAN],
    "activation": ["tahn", None, 1, ["tanh"], True],
    "init": ["xavier", None, 0.01, True, ["normal"]],
    "init_scale": [-1.0, 10**400, NAN, INF, "1", "None", True, [1.0]],
    "alpha": [-0.1, 10**400, NAN, INF, None, "strong", False],
    "solver": ["sgd", None, 1],
    "learning_rate": [0, -0.1, NAN, INF, "auto", True, [0.1]],
    "batch_size": [0, -1, 2.0, "auto", None, True],
    "max_iter": [0, -5, 10.0, INF, None, True],
    "tol": [-1e-9, NAN, INF, "0", None, True],
    "early_stopping": ["yes", None, 1, 0.5],
    "validation_fraction": [0, 1, 0.0, 1.0, -0.1, 2, NAN, "0.1", None, True],
    "n_iter_no_change": [0, -1, 1.5, -INF, NAN, "inf", None, True],
    "class_weight": ["even", 1.0, True, [1, 2], {0: -1}, {0: NAN}, {0: "a"}, {0: True}],
    "warm_start": [0, 1, "yes", None],
    "n_init": [0, -1, 2.0, "several", None, True],
    "n_jobs": [0, 1.0, "all", True],
    "random_state": ["a", -1, 2**32, 1.5, True, NAN],
    "verbose": ["yes", -1, 1.5, None, NAN],
}


def test_every_parameter_has_a_requirement_and_bad_values():
    assert set(REQUIREMENTS) == set(BAD) == set(ShallowNetClassifier().get_params())


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_a_bad_parameter_is_named_with_its_requirement_and_value(name, value):
    with pytest.raises(InvalidParameterError) as error:
        ShallowNetClassifier(**{name: value}).fit(X, Y)
    words, _, also = REQUIREMENTS[name]
    question = QUESTIONS.get((name, str(value)), "")
    assert str(error.value) == f"{name} must be {words}, got {value!r}.{also}{question}"


# What others call it -> what the error asks. Typing errors and case count as well.
WORDS = {
    "activation": {
        "sigmoid Sigmoid sigmiod expit hard_sigmoid logistics": "'logistic'",
        "rectifier ReLU RELU relu6": "'relu'",
        "Tanh tansig hyperbolic_tangent": "'tanh'",
        "identity linear": None,
    },
    "solver": {
        "sgd SGD": "'gd' or 'adam'",
        "bfgs l-bfgs L-BFGS-B": "'lbfgs'",
        "gradient-descent GD": "'gd'",
        "Adam adamw": "'adam'",
        "liblinear saga": None,
    },
    "init": {
        "xavier glorot Xavier": "'glorot_uniform' or 'glorot_normal'",
        "xavier_uniform GlorotUniform glorot-uniform glorot_unifrom": "'glorot_uniform'",
        "xavier_normal": "'glorot_normal'",
        "he kaiming He": "'he_uniform' or 'he_normal'",
        "kaiming_normal HeNormal": "'he_normal'",
        "lecun": "'lecun_uniform' or 'lecun_normal'",
        "random": "'normal' or 'uniform'",
        "gaussian random_normal randn": "'normal'",
        "zero Zeros": "'zeros'",
        "ones": "'constant'",
        "orthonormal": "'orthogonal'",
        "identity nonsense": None,
    },
    "class_weight": {"balance Balanced balanced_subsample": "'balanced'"},
    "early_stopping": {"yes true": "True", "no off": "False", "automatic": "'auto'"},
    "alpha": {"automatic Auto": "'auto'", "strong": None},
    "warm_start": {"yes": "True"},
    "verbose": {"yes": "True", "no": "False"},
    "init_scale": {"None": "None"},
    "n_jobs": {"all": "-1"},
}
ASKED = [
    (name, word, meant)
    for name, table in WORDS.items()
    for words, meant in table.items()
    for word in words.split()
]
QUESTIONS = {
    ("activation", "tahn"): " Did you mean 'tanh'?",
    **{(name, word): f" Did you mean {meant}?" for name, word, meant in ASKED if meant},
}


@pytest.mark.parametrize(("name", "word", "meant"), ASKED)
@pytest.mark.parametrize("around", ["", " "])
def test_the_word_of_others_is_answered_with_ours(name, word, meant, around):
    with pytest.raises(InvalidParameterError) as error:
        ShallowNetClassifier(**{name: f"{around}{word}{around}"}).fit(X, Y)
    asked = str(error.value).partition(" Did you mean ")[2]
    assert asked == (f"{meant}?" if meant else "")


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_a_word_that_is_asked_for_is_a_legal_one(name):
    holds = REQUIREMENTS[name].holds
    legal = {repr(one) for ours in MEANINGS.values() for one in ours if holds(one)}
    for word in (*MEANINGS, *map(str.upper, MEANINGS)):
        question = did_you_mean(word, holds)
        asked = question.removeprefix(" Did you mean ").removesuffix("?")
        assert set(asked.split(" or ")) <= legal | {""}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_hidden": 2.5}, "n_hidden must be an integer >= 1, got 2.5."),
        (
            {"alpha": -1},
            "alpha must be a finite number >= 0, got -1. 'auto' means a strength that "
            "suits the scale of the columns.",
        ),
        (
            {"activation": "tahn"},
            "activation must be one of 'tanh', 'logistic', 'relu', got 'tahn'. "
            "Did you mean 'tanh'?",
        ),
    ],
)
def test_some_messages_in_full(parameters, message):
    with pytest.raises(InvalidParameterError) as error:
        ShallowNetClassifier(**parameters).fit(X, Y)
    assert str(error.value) == message


@pytest.mark.parametrize("kind", [ValueError, TypeError])
def test_the_error_is_of_both_kinds_as_scikit_learns_is(kind):
    with pytest.raises(kind, match=r"init_scale must be a finite number >= 0, got -1\.0\."):
        ShallowNetClassifier(init_scale=np.float64(-1)).fit(X, Y)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_hidden", np.int32(3)),
        ("init_scale", np.float32(0.5)),
        ("init_scale", 1),
        ("alpha", 0),
        ("tol", 0),
        ("tol", Fraction(1, 10_000)),
        ("max_iter", np.int64(500)),
        ("early_stopping", np.bool_(False)),
        ("n_iter_no_change", np.inf),
        ("n_iter_no_change", np.float32(np.inf)),
        ("class_weight", {0: 1, 1: np.float64(2)}),
        ("random_state", np.random.RandomState(0)),
        ("verbose", 0),
    ],
)
def test_numbers_of_numpy_and_whole_numbers_are_numbers(name, value):
    net = ShallowNetClassifier(**{"alpha": 1.0, name: value}).fit(X, Y > 0)
    assert net.get_params()[name] is value


def test_parameters_are_checked_by_fit_and_not_before():
    assert ShallowNetClassifier(n_hidden=-1).n_hidden == -1


@pytest.mark.parametrize(
    ("init", "message"),
    [
        (lambda rng, shape: np.zeros(3), r"shape=\(2, 32\) it returned \(3,\)"),
        (
            lambda rng, shape: np.zeros(shape[::-1]),
            r"shape=\(2, 32\) it returned \(32, 2\)",
        ),
        (lambda rng, shape: np.full(shape, NAN), "finite real numbers"),
        (lambda rng, shape: np.full(shape, "a"), "finite real numbers"),
        (lambda rng, shape: np.ones(shape, complex), "finite real numbers"),
    ],
)
def test_what_a_callable_init_returns_is_checked(init, message):
    with pytest.raises(InvalidParameterError, match=message):
        ShallowNetClassifier(init=init).fit(X, Y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (
            np.arange(30) % 3,
            r"^Only binary classification is supported\. y has 3 classes: \[0 1 2\]\. "
            r"Wrap the estimator in sklearn\.multiclass\.OneVsRestClassifier for more\.$",
        ),
        (["a"] * 30, r"^y has one class only \('a'\): a classifier needs two\.$"),
        (np.linspace(0, 1, 30), "continuous"),
        (None, "requires y"),
        (np.tile([0, NAN], 15), "NaN"),
        (Y[:-1], "inconsistent"),
    ],
)
def test_labels_that_are_not_two_classes(y, message):
    with pytest.raises(ValueError, match=message):
        ShallowNetClassifier().fit(X, y)


def test_many_classes_are_not_listed_one_by_one():
    with pytest.raises(ValueError, match="500 classes") as error:
        ShallowNetClassifier().fit(np.zeros((2000, 1)), np.arange(2000) % 500)
    assert len(str(error.value)) < 250


@pytest.mark.parametrize(("bad", "word"), [(NAN, "NaN"), (INF, "infinity")])
def test_X_must_be_finite(bad, word):
    spoilt = X.copy()
    spoilt[3, 1] = bad
    with pytest.raises(ValueError, match=word):
        ShallowNetClassifier().fit(spoilt, Y)


@pytest.mark.parametrize(
    ("sample_weight", "message"),
    [
        (np.zeros(30), "sample_weight is zero for every row"),
        (
            np.ones(29),
            r"sample_weight must have shape \(n_samples,\) = \(30,\), got \(29,\)",
        ),
        (np.ones((30, 1)), r"got \(30, 1\)"),
        (-np.ones(30), r"sample_weight must be >= 0, got -1\.0"),
        (np.full(30, NAN), "sample_weight contains NaN"),
        (np.where(Y == 0, 0, 1), r"class 0 have weight 0, .*one class only \(1\)"),
        (["a"] * 30, "could not convert"),
        (np.full(30, 1e308), "weights overflow"),
    ],
)
def test_weights_that_cannot_be_weights(sample_weight, message):
    with pytest.raises(ValueError, match=message):
        ShallowNetClassifier().fit(X, Y, sample_weight=sample_weight)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({1: 0}, r"class 1 have weight 0, .*class_weight"),
        ({"no such": 1.0}, "not in class_weight"),
    ],
)
def test_class_weights_that_do_not_fit_the_labels(class_weight, message):
    with pytest.raises(ValueError, match=message):
        ShallowNetClassifier(class_weight=class_weight).fit(X, Y)


def test_balanced_class_weights_of_an_empty_class():
    with pytest.raises(ValueError, match="one class only"):
        ShallowNetClassifier(class_weight="balanced").fit(X, Y, sample_weight=Y)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_prediction_checks_the_columns_and_the_fit(method):
    with pytest.raises(AttributeError, match="not fitted"):
        getattr(ShallowNetClassifier(), method)(X)
    net = ShallowNetClassifier(alpha=1.0).fit(X, X[:, 0] > 0)
    with pytest.raises(ValueError, match=r"3 features.*expecting 2"):
        getattr(net, method)(np.ones((4, 3)))


@pytest.mark.parametrize("third", [2, -1, 0.5])
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 1, 1: 3}])
def test_labels_of_rows_of_weight_0_are_nobodys_business(third, class_weight):
    y = np.r_[Y.astype(float), [third] * 5]
    more, weight = np.r_[X, X[:5]], np.r_[np.full(30, 2.0), np.zeros(5)]
    parameters = {"alpha": 1.0, "class_weight": class_weight, "random_state": 0}
    net = ShallowNetClassifier(**parameters).fit(more, y, weight)
    without = ShallowNetClassifier(**parameters).fit(X, Y.astype(float), weight[:30])
    np.testing.assert_array_equal(net.classes_, [0, 1])
    assert net.loss_ == pytest.approx(without.loss_, rel=1e-6)
    with_val = ShallowNetClassifier(**parameters)
    with_val.fit(X, Y, X_val=more, y_val=y, sample_weight_val=weight)
    inspect_hidden_layer(net, more, y, sample_weight=weight)
    chunked = ShallowNetClassifier(**parameters, solver="adam")
    if class_weight != "balanced":
        chunked.partial_fit(more, y, [0, 1], weight).partial_fit(more, y, None, weight)


def test_one_class_is_left_where_all_others_have_weight_0():
    y = np.arange(30) % 3
    with pytest.raises(ValueError, match=r"All rows of class 1 have weight 0.*only \(0\)"):
        ShallowNetClassifier().fit(X, y, sample_weight=y == 0)
    with pytest.raises(ValueError, match="y has 3 classes"):
        ShallowNetClassifier().fit(X, y, sample_weight=np.arange(30) < 15)


def test_labels_of_rows_of_weight_0_must_not_be_missing():
    y = np.r_[Y[:-1].astype(float), NAN]
    with pytest.raises(ValueError, match="NaN"):
        ShallowNetClassifier().fit(X, y, sample_weight=np.arange(30) < 29)


@pytest.mark.parametrize(("bad", "word"), [(NAN, "NaN"), (INF, "infinity")])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_X_that_nobody_checked_is_named_where_it_fails(bad, word, kind, activation):
    spoilt = X.copy()
    spoilt[3] = bad
    error = pytest.raises(
        ValueError, match=rf"^X contains {word}, which assume_finite=True"
    )
    val = pytest.raises(ValueError, match=rf"^X_val contains {word}, which assume_finite")
    net = ShallowNetClassifier(4, activation=activation, alpha=1.0, random_state=0)
    fitted = clone(net).fit(X, Y)
    with config_context(assume_finite=True):
        with error:
            net.fit(kind(spoilt), Y)
        with error:
            clone(net).set_params(init="lsuv", early_stopping=True).fit(kind(spoilt), Y)
        if word == "NaN" or activation == "relu":
            with val:
                net.fit(kind(X), Y, X_val=kind(spoilt), y_val=Y)
        with error:
            clone(net).set_params(solver="adam").partial_fit(kind(spoilt), Y, [0, 1])
        for method in ("predict", "predict_proba", "predict_log_proba"):
            if word == "NaN":
                with error:
                    getattr(fitted, method)(kind(spoilt))
        with error:
            inspect_hidden_layer(fitted, kind(spoilt), Y)
        with error:
            inspect_hidden_layer(net, kind(spoilt), at_start=True)


@pytest.mark.parametrize("weight", [1e-300, 1e-315])
@pytest.mark.parametrize("solver", ["lbfgs", "gd", "adam"])
def test_weights_next_to_0_are_to_be_raised(weight, solver):
    net = ShallowNetClassifier(solver=solver, alpha=5.0, random_state=0)
    with pytest.raises(ValueError, match=r"Rescale .* to a mean of 1") as error:
        net.fit(X, Y, np.full(30, weight))
    assert "lower" not in str(error.value)


def test_what_is_far_too_large_is_to_be_lowered():
    with pytest.raises(ValueError, match=r"or lower .*alpha or the weights"):
        ShallowNetClassifier(alpha=1e308).fit(X, Y)


NO_WEIGHTS = {
    "word": "balanced",
    "number in quotes": "2",
    "complex number": 1 + 2j,
    "complex": np.ones(30, complex),
    "complex list": [1j] * 30,
    "too large": 10**400,
    "date": np.datetime64("2020"),
    "dict": {0: 1},
    "object": object(),
    "array of an object": np.array(None),
    "ragged": [[1], [1, 2]],
    "None in a list": [1.0] * 29 + [None],
    "words": ["a"] * 30,
    "column": np.ones((30, 1)),
    "frame": pd.DataFrame({"weight": np.ones(30)}),
    "too short": np.ones(29),
    "sparse": sparse.csr_array(np.ones((30, 1))),
    "below 0": np.array(-1.0),
    "NaN": np.float64(NAN),
    "infinite": np.array(INF),
}
A_WEIGHT = [2, 2.0, True, np.float32(2), np.array(2), np.array(2.0), np.bool_(True)]
seeded = partial(ShallowNetClassifier, random_state=0)
WITH_WEIGHTS = {
    "fit": lambda weight: seeded(alpha=1).fit(X, Y, weight),
    "partial_fit": lambda weight: seeded(solver="adam").partial_fit(X, Y, [0, 1], weight),
    "sample_weight_val": lambda weight: seeded(alpha=1).fit(
        X, Y, X_val=X, y_val=Y, sample_weight_val=weight
    ),
    "score": lambda weight: seeded(alpha=1).fit(X, Y).score(X, Y, weight),
    "inspect": lambda weight: inspect_hidden_layer(
        seeded(alpha=1).fit(X, Y), X, Y, sample_weight=weight
    ),
    "inspect the start": lambda weight: inspect_hidden_layer(
        seeded(), X, Y, sample_weight=weight, at_start=True
    ),
}


@pytest.mark.filterwarnings("ignore::sk_shallow.CollapseWarning")
@pytest.mark.parametrize("how", WITH_WEIGHTS)
@pytest.mark.parametrize("kind", NO_WEIGHTS)
def test_what_is_no_weight_is_an_error_that_names_the_parameter(how, kind):
    name = how if how == "sample_weight_val" else "sample_weight"
    with pytest.raises(ValueError, match=rf"^(Input )?{name} ") as error:
        WITH_WEIGHTS[how](NO_WEIGHTS[kind])
    assert len(str(error.value)) < 300


@pytest.mark.filterwarnings("ignore::sk_shallow.CollapseWarning")
@pytest.mark.parametrize("how", WITH_WEIGHTS)
@pytest.mark.parametrize("weight", A_WEIGHT, ids=repr)
def test_a_number_is_the_weight_of_each_row(how, weight):
    one, each = (WITH_WEIGHTS[how](w) for w in (weight, np.full(30, float(weight))))
    if isinstance(one, ShallowNetClassifier):
        np.testing.assert_array_equal(one.coefs_[0], each.coefs_[0])
    else:
        assert str(one) == str(each)


@pytest.mark.parametrize("mapping", [MappingProxyType, UserDict, OrderedDict])
def test_class_weights_may_be_any_mapping(mapping):
    weights = {0: 2.0, 1: 0.5}
    net, other = (
        ShallowNetClassifier(class_weight=w, solver="adam", alpha=1, random_state=0)
        for w in (weights, mapping(weights))
    )
    for learn in (
        lambda net: net.fit(X, X[:, 0] > 0),
        lambda net: net.partial_fit(X, X[:, 0] > 0, [False, True]),
    ):
        np.testing.assert_array_equal(learn(other).coefs_[0], learn(net).coefs_[0])
    with pytest.raises(InvalidParameterError, match="class_weight must be"):
        ShallowNetClassifier(class_weight=mapping({0: -1})).fit(X, Y)


class Tensor:
    """What arrays of other libraries have: those of torch and of array_api_strict."""

    def __init__(self, values):
        self.values = np.asarray(values)
        self.shape, self.dtype = self.values.shape, self.values.dtype

    def __len__(self):
        return len(self.values)

    def __getitem__(self, key):
        return self.values[key]

    def __array__(self, *args, **kwargs):
        return np.array(self.values, *args, **kwargs)

    def __dlpack__(self, **options):
        return self.values.__dlpack__(**options)


FITTED = seeded(alpha=1).fit(X, X[:, 0] > 0)
TABLES = {
    "X of fit": lambda of: seeded().fit(of(X), X[:, 0] > 0),
    "X_val of fit": lambda of: seeded().fit(X, Y, X_val=of(X), y_val=Y),
    "X of partial_fit": lambda of: seeded(solver="adam").partial_fit(of(X), Y, [0, 1]),
    "X of predict": lambda of: FITTED.predict(of(X)),
    "X of predict_proba": lambda of: FITTED.predict_proba(of(X)),
    "X of predict_log_proba": lambda of: FITTED.predict_log_proba(of(X)),
    "X of decision_function": lambda of: FITTED.decision_function(of(X)),
    "X of score": lambda of: FITTED.score(of(X), Y > 0),
    "X of a pipeline": lambda of: make_pipeline("passthrough", FITTED).predict(of(X)),
    "X of a report": lambda of: inspect_hidden_layer(FITTED, of(X)),
    "X of a start": lambda of: inspect_hidden_layer(seeded(), of(X), at_start=True),
    "X of activations": lambda of: ActivationDisplay.from_estimator(FITTED, of(X)),
    "X of similarity": lambda of: HiddenUnitSimilarityDisplay.from_estimator(FITTED, of(X)),
    "X of scales": lambda of: InitScaleDisplay.from_estimator(
        seeded(alpha=1), of(X), X[:, 0] > 0, init_scales=[1], cv=2
    ),
}
COLUMNS = {
    "y of fit": lambda of: seeded().fit(X, of(Y)),
    "y_val of fit": lambda of: seeded().fit(X, Y, X_val=X, y_val=of(Y)),
    "y of partial_fit": lambda of: seeded(solver="adam").partial_fit(X, of(Y), [0, 1]),
    "y of a report": lambda of: inspect_hidden_layer(FITTED, X, of(Y)),
    "y of scales": lambda of: InitScaleDisplay.from_estimator(
        seeded(alpha=1), X, of(X[:, 0] > 0), init_scales=[1], cv=2
    ),
    **{
        ("" if "_val" in how else "sample_weight of ") + how: (
            lambda of, how=how: WITH_WEIGHTS[how](of(np.ones(30)))
        )
        for how in WITH_WEIGHTS
    },
}
USES = TABLES | COLUMNS


@pytest.fixture
def dispatch(monkeypatch):
    """array_api_dispatch=True, for which not all versions of SciPy will do."""
    mpl.use("Agg")
    monkeypatch.setattr(data, "get_config", lambda: {"array_api_dispatch": True})
    return monkeypatch


@pytest.mark.filterwarnings("ignore::sk_shallow.CollapseWarning")
@pytest.mark.parametrize("use", USES)
def test_arrays_of_other_libraries_under_dispatch_are_to_be_converted(dispatch, use):
    name = use.split()[0]
    with pytest.raises(TypeError, match=rf"^{name} must .*Tensor: convert to NumPy, as"):
        USES[use](Tensor)
    USES[use](np.asarray)
    dispatch.undo()
    USES[use](Tensor)
    plt.close("all")


@pytest.mark.filterwarnings("ignore::sk_shallow.CollapseWarning")
@pytest.mark.parametrize("use", COLUMNS)
@pytest.mark.parametrize("kind", [list, pd.Series, pl.Series, np.ma.asarray])
@pytest.mark.usefixtures("dispatch")
def test_columns_that_come_out_as_numpy_s_are_taken_under_dispatch(use, kind):
    COLUMNS[use](kind)
    plt.close("all")


@pytest.mark.filterwarnings("ignore::sk_shallow.CollapseWarning")
@pytest.mark.parametrize("use", [use for use in TABLES if "scales" not in use])
@pytest.mark.parametrize("kind", [np.ndarray.tolist, sparse.csr_array])
@pytest.mark.usefixtures("dispatch")
def test_tables_that_come_out_as_numpy_s_are_taken_under_dispatch(use, kind):
    TABLES[use](kind)
    plt.close("all")
