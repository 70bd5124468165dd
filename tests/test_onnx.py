"""The graph computes what the net computes."""

import importlib
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.ensemble import BaggingClassifier, StackingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    PowerTransformer,
    StandardScaler,
)

from sk_shallow import ShallowNetClassifier, ShallowNetClassifierCV

skl2onnx = pytest.importorskip("skl2onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("sk_shallow.onnx")

BIG = 2**63
TOLERANCE = 1e-5  # on probabilities, between float32 there and float64 here


def computed(model, **columns):
    """What onnxruntime computes, by the name of the output."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, columns), strict=True))


def as_onnx(net, X, **options):
    return skl2onnx.to_onnx(net, X[:1], options={"zipmap": False, **options})


@pytest.fixture(scope="module")
def pipeline(raw_cancer):
    net = ShallowNetClassifier(8, random_state=0)
    return make_pipeline(StandardScaler(), net).fit(*raw_cancer)


@pytest.mark.parametrize("activation", ["tanh", "logistic", "relu"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_and_labels_are_those_of_the_pipeline(raw_cancer, activation, dtype):
    X, y = raw_cancer
    net = ShallowNetClassifier(8, activation=activation, random_state=0)
    model = make_pipeline(StandardScaler(), net).fit(X, y)
    X = X.astype(dtype)
    out = computed(as_onnx(model, X), X=X)
    tolerance = TOLERANCE if dtype == np.float32 else 1e-12
    assert out["probabilities"].dtype == dtype
    np.testing.assert_allclose(
        out["probabilities"], model.predict_proba(X), rtol=0, atol=tolerance
    )
    np.testing.assert_array_equal(out["label"], model.predict(X))


@pytest.mark.parametrize("opset", [12, 15, 18, None])
def test_every_opset_computes_the_same(cancer, opset):
    X, y = cancer[0][:, :1].astype(np.float32), cancer[1]  # one column, one unit
    net = ShallowNetClassifier(1, random_state=0).fit(X, y)
    model = skl2onnx.to_onnx(net, X[:1], options={"zipmap": False}, target_opset=opset)
    if opset:
        assert {entry.version for entry in model.opset_import if not entry.domain} == {
            opset
        }
    out = computed(model, X=X)
    np.testing.assert_allclose(
        out["probabilities"], net.predict_proba(X), rtol=0, atol=TOLERANCE
    )
    np.testing.assert_array_equal(out["label"], net.predict(X))


@pytest.mark.parametrize(
    "classes",
    [
        np.array([3, 7]),
        np.array([0, 1], dtype=np.uint8),
        np.array([False, True]),
        np.array([-1.0, 1.0]),
        np.array(["benign", "malignant"]),
        np.array(["no", "yes"], dtype=object),
    ],
    ids=str,
)
def test_labels_of_every_type_come_back(raw_cancer, classes):
    X, y = raw_cancer
    model = make_pipeline(StandardScaler(), ShallowNetClassifier(4, random_state=0))
    model.fit(X, classes[y])
    X = X.astype(np.float32)
    plain = computed(as_onnx(model, X), X=X)
    np.testing.assert_array_equal(plain["label"], model.predict(X))
    mapped = computed(skl2onnx.to_onnx(model, X[:1]), X=X)
    second = [row[classes[1]] for row in mapped["output_probability"]]
    np.testing.assert_allclose(second, model.predict_proba(X)[:, 1], rtol=0, atol=TOLERANCE)


def test_zipmap_is_honoured(raw_cancer, pipeline):
    X = raw_cancer[0].astype(np.float32)
    p = pipeline.predict_proba(X)
    rows = computed(as_onnx(pipeline, X, zipmap=True), X=X)["output_probability"]
    assert [set(row) for row in rows[:2]] == [{0, 1}, {0, 1}]
    columns = computed(as_onnx(pipeline, X, zipmap="columns"), X=X)
    np.testing.assert_allclose(columns["i0"], p[:, 0], rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(columns["i1"], p[:, 1], rtol=0, atol=TOLERANCE)


def test_raw_scores_are_the_logits(raw_cancer, pipeline):
    X = raw_cancer[0].astype(np.float32)
    model = skl2onnx.to_onnx(
        pipeline, X[:1], options={id(pipeline[-1]): {"raw_scores": True, "zipmap": False}}
    )
    z2 = pipeline.decision_function(X)
    np.testing.assert_allclose(
        computed(model, X=X)["probabilities"], np.column_stack([-z2, z2]), rtol=1e-4
    )


def test_the_other_options_of_classifiers(raw_cancer, pipeline):
    X = raw_cancer[0].astype(np.float32)
    named = computed(as_onnx(pipeline, X, output_class_labels=True), X=X)
    np.testing.assert_array_equal(named["class_labels"], [0, 1])
    text = make_pipeline(StandardScaler(), ShallowNetClassifier(4, random_state=0))
    text.fit(X, np.array(["no", "yes"])[raw_cancer[1]])
    numbered = computed(as_onnx(text, X, nocl=True), X=X)
    np.testing.assert_array_equal(numbered["label"], text.predict(X) == "yes")


def test_a_column_transformer_of_numbers_and_words(raw_cancer):
    X, y = raw_cancer
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "radius": X[:, 0].astype(np.float32),
            "texture": X[:, 1].astype(np.float32),
            "site": rng.choice(["left", "right"], len(y)),
        }
    )
    columns = make_column_transformer(
        (StandardScaler(), ["radius", "texture"]),
        (OneHotEncoder(), ["site"]),
    )
    model = make_pipeline(columns, ShallowNetClassifier(4, random_state=0)).fit(frame, y)
    inputs = {name: frame[[name]].to_numpy() for name in frame}
    out = computed(as_onnx(model, frame), **inputs)
    np.testing.assert_allclose(
        out["probabilities"], model.predict_proba(frame), rtol=0, atol=TOLERANCE
    )


def test_integer_columns_are_converted(raw_cancer):
    X, y = raw_cancer[0].astype(np.int64) // 10, raw_cancer[1]
    net = ShallowNetClassifier(4, init_scale=0.01, random_state=0).fit(X, y)
    np.testing.assert_allclose(
        computed(as_onnx(net, X), X=X)["probabilities"],
        net.predict_proba(X),
        rtol=0,
        atol=TOLERANCE,
    )


@pytest.mark.parametrize(
    "around",
    [
        lambda net: GridSearchCV(net, {"init_scale": [0.1, 1]}, cv=2),
        lambda net: CalibratedClassifierCV(net, cv=2),
        lambda net: BaggingClassifier(net, 2, random_state=0),
        lambda net: StackingClassifier([("net", net)]),
    ],
    ids=["search", "calibrated", "bagged", "stacked"],
)
def test_what_stands_around_the_net_is_converted_with_it(cancer, around):
    X, y = cancer
    model = around(ShallowNetClassifier(4, random_state=0)).fit(X, y)
    X32 = X.astype(np.float32)
    np.testing.assert_allclose(
        computed(as_onnx(model, X32), X=X32)["probabilities"],
        model.predict_proba(X),
        rtol=0,
        atol=TOLERANCE,
    )


def test_the_fitted_activation_is_converted_whatever_set_params_says(cancer):
    X, y = cancer
    net = ShallowNetClassifier(4, random_state=0).fit(X, y)
    before = net.predict_proba(X)
    net.set_params(activation="relu")
    X = X.astype(np.float32)
    p = computed(as_onnx(net, X), X=X)["probabilities"]
    np.testing.assert_allclose(p, before, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("zipmap", [True, False, "columns"])
def test_an_unfitted_net_says_so(cancer, zipmap):
    with pytest.raises(NotFittedError, match=r"ShallowNetClassifier.*not fitted"):
        as_onnx(ShallowNetClassifier(), cancer[0], zipmap=zipmap)


def test_without_skl2onnx_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    monkeypatch.delitem(sys.modules, "sk_shallow.onnx", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'sk-shallow\[onnx\]'"):
        importlib.import_module("sk_shallow.onnx")


@pytest.mark.parametrize(
    "classes",
    [
        np.array([1, 2**63 + 5], dtype=np.uint64),
        np.array([1, 2], dtype="timedelta64[D]"),
        np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[D]"),
    ],
    ids=lambda classes: str(classes.dtype),
)
def test_labels_that_ONNX_does_not_have_are_refused_with_what_to_do(cancer, classes):
    X, y = cancer
    net = ShallowNetClassifier(2, random_state=0).fit(X, classes[y])
    for model in (net, make_pipeline(StandardScaler(), net)):
        with pytest.raises(ValueError, match=r"ONNX has labels .* y\.astype\(str\)"):
            skl2onnx.to_onnx(model, X[:1])
    as_words = ShallowNetClassifier(2, random_state=0).fit(X, classes[y].astype(str))
    said = computed(skl2onnx.to_onnx(as_words, X[:1], options={"zipmap": False}), X=X)
    np.testing.assert_array_equal(said["label"], as_words.predict(X))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize(
    "before",
    [
        StandardScaler(),
        SimpleImputer(),
        make_pipeline(SimpleImputer(), StandardScaler()),
        ColumnTransformer([("a", SimpleImputer(), [0, 1]), ("b", StandardScaler(), [2])]),
    ],
    ids=["scaler", "imputer", "imputer and scaler", "by column"],
)
def test_what_converts_also_loads(cancer, dtype, frame, before):
    X, y = cancer[0][:, :3].astype(dtype), cancer[1]
    table = pd.DataFrame(X, columns=["x", "y", "z"]) if frame else X
    pipeline = make_pipeline(clone(before), ShallowNetClassifier(2, random_state=0))
    pipeline.fit(table, y)
    if dtype == "float64" and not isinstance(before, StandardScaler):
        with pytest.raises(
            ValueError, match=r"cannot load the steps before.*astype\('float32'\)"
        ):
            as_onnx(pipeline, table)
        return
    given = {name: X[:, [k]] for k, name in enumerate("xyz")} if frame else {"X": X}
    out = computed(as_onnx(pipeline, table), **given)
    np.testing.assert_allclose(
        out["probabilities"], pipeline.predict_proba(table), rtol=0, atol=TOLERANCE
    )


class Subclass(ShallowNetClassifier):
    """It may compute something else."""


def test_a_subclass_has_no_converter_and_is_named(cancer):
    X, y = cancer
    net = Subclass(4, random_state=0).fit(X, y)
    with pytest.raises(RuntimeError, match=r"shape calculator .*Subclass"):
        skl2onnx.to_onnx(net, X[:1])


def test_a_net_on_a_cluster_is_refused_and_its_local_form_named():
    pytest.importorskip("distributed")
    from sk_shallow.dask import DaskShallowNetClassifier

    with pytest.raises(TypeError, match=r"net\.to_local\(\)"):
        skl2onnx.to_onnx(DaskShallowNetClassifier(), np.zeros((1, 2)))


# What is converted is loaded and predicts the same; all else is refused.
LABELS = {
    "int8": (np.array([-3, 5], np.int8), True),
    "smallest and largest": (np.array([-BIG, BIG - 1]), True),
    "uint64": (np.array([3, 5], np.uint64), True),
    "uint64 too large": (np.array([BIG, BIG + 5], np.uint64), False),
    "one too large": (np.array([0, 2**64 - 1], np.uint64), False),
    "float32": (np.array([0, 1], np.float32), True),
    "large float": (np.array([0, 1e15]), True),
    "boolean": (np.array([False, True]), True),
    "words": (np.array(["ä", "b c"]), True),
    "timedelta": (np.array([1, 2], "m8[s]"), False),
    "datetime": (np.array(["2020", "2021"], "M8[D]"), False),
    "nanoseconds": (np.array(["2020", "2021"], "M8[ns]"), False),
}
ANSWERS = [
    {"zipmap": False},
    {"zipmap": False, "output_class_labels": True},
    {"zipmap": False, "nocl": True},
    {"zipmap": "columns"},
    {"zipmap": True},
]


@pytest.mark.parametrize("options", ANSWERS, ids=str)
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("around", [lambda net: net, make_pipeline], ids=["net", "steps"])
def test_labels_are_those_of_the_net_or_refused(cancer, options, kind, around):
    classes, is_known_to_onnx = LABELS[kind]
    X = cancer[0][:, :4].astype(np.float32)
    model = around(ShallowNetClassifier(4, alpha=1, random_state=0))
    expected = model.fit(X, classes[cancer[1]]).predict(X)
    if options.get("nocl"):
        expected = (expected == model.classes_[1]).astype(int)
    elif not is_known_to_onnx or (
        options.get("output_class_labels")
        and (classes.dtype.kind in "ufb" or classes.dtype == np.int8)
    ):
        with pytest.raises(ValueError, match=r"ONNX has labels .* y\.astype\(str\)"):
            skl2onnx.to_onnx(model, X[:1], options=options)
        return
    label, *_ = computed(skl2onnx.to_onnx(model, X[:1], options=options), X=X).values()
    np.testing.assert_array_equal(label, expected)


STEPS = {
    "none": lambda: None,
    "scaled": StandardScaler,
    "minmax": MinMaxScaler,
    "imputed": lambda: make_pipeline(SimpleImputer(), StandardScaler()),
    "median": lambda: make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
    "powers": lambda: make_pipeline(StandardScaler(), PowerTransformer()),
    "polynomial": lambda: make_pipeline(MinMaxScaler(), PolynomialFeatures()),
    "columns": lambda: make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), [0, 1]), (StandardScaler(), [2])
    ),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int32, np.bool_])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("as_frame", [False, True])
def test_what_is_converted_is_loaded_and_predicts_the_same(cancer, dtype, step, as_frame):
    X, y = cancer[0][:200, :3], cancer[1][:200]
    X = X > 0 if dtype == np.bool_ else (3 * X).astype(dtype)
    net = ShallowNetClassifier(4, alpha=1, random_state=0)
    model = make_pipeline(*filter(None, [STEPS[step]()]), net)
    table = pd.DataFrame(X, columns=["a", "b", "c"]) if as_frame else X
    model.fit(table, y)
    try:
        graph = as_onnx(model, table)
    except Exception:
        # skl2onnx has not all steps for all types.
        assert dtype != np.float32 or (as_frame and step == "none")
        return
    inputs = {name: table[[name]].to_numpy() for name in table} if as_frame else {"X": X}
    out = computed(graph, **inputs)
    np.testing.assert_array_equal(out["label"], model.predict(table))
    p = model.predict_proba(table)
    np.testing.assert_allclose(out["probabilities"], p, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("step", [SimpleImputer(), PolynomialFeatures()])
@pytest.mark.parametrize("around", [BaggingClassifier, StackingClassifier, GridSearchCV])
def test_steps_before_models_with_nets_inside_load_or_are_refused(cancer, step, around):
    X, y = cancer[0][:200, :3], cancer[1][:200]
    net = ShallowNetClassifier(2, alpha=1, random_state=0)
    model = {
        BaggingClassifier: BaggingClassifier(net, 2, random_state=0),
        StackingClassifier: StackingClassifier([("net", net)], cv=2),
        GridSearchCV: GridSearchCV(net, {"alpha": [1, 2]}, cv=2),
    }[around]
    model = make_pipeline(clone(step), model).fit(X, y)
    with pytest.raises(ValueError, match=r"cannot load the steps.*astype\('float32'\)"):
        as_onnx(model, X)
    narrow = X.astype(np.float32)
    label = computed(as_onnx(model, narrow), X=narrow)["label"]
    np.testing.assert_array_equal(label, model.predict(narrow))


def test_nets_inside_other_models_have_labels_of_onnx_or_are_refused(cancer):
    X, y = cancer[0][:200, :3].astype(np.float32), cancer[1][:200]
    net = ShallowNetClassifier(2, alpha=1, random_state=0)
    for ensemble in (True, False):
        model = CalibratedClassifierCV(net, cv=2, ensemble=ensemble)
        model.fit(X, y.astype("m8[s]"))
        # By us, or by an older skl2onnx.
        with pytest.raises((ValueError, TypeError), match=r"ONNX has labels|classes"):
            as_onnx(model, X)


def test_without_onnxruntime_steps_are_converted_unseen(cancer, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    model = make_pipeline(SimpleImputer(), ShallowNetClassifier(2, random_state=0))
    assert as_onnx(model.fit(*cancer), cancer[0]).graph.node


@pytest.fixture
def average():
    return ShallowNetClassifierCV(2, alphas=[1.0], cv=2, random_state=0)


@pytest.mark.parametrize("activation", ["tanh", "logistic", "relu"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("refit", [False, True])
def test_an_average_of_nets_is_converted_as_one(
    raw_cancer, average, activation, dtype, refit
):
    X, y = raw_cancer[0].astype(dtype), np.array(["no", "yes"])[raw_cancer[1]]
    average.set_params(activation=activation, refit=refit)
    model = make_pipeline(StandardScaler(), average).fit(X, y)
    out = computed(as_onnx(model, X), X=X)
    np.testing.assert_allclose(
        out["probabilities"],
        model.predict_proba(X),
        rtol=0,
        atol=TOLERANCE if dtype == np.float32 else 1e-12,
    )
    np.testing.assert_array_equal(out["label"], model.predict(X))


@pytest.mark.parametrize("around", [lambda net: net, lambda net: BaggingClassifier(net, 2)])
def test_an_average_has_the_options_and_the_checks_of_a_net(cancer, average, around):
    X, y = cancer[0].astype(np.float32), cancer[1]
    model = around(average).fit(X, y)
    mapped = computed(skl2onnx.to_onnx(model, X[:1]), X=X)["output_probability"]
    second = [row[1] for row in mapped]
    np.testing.assert_allclose(second, model.predict_proba(X)[:, 1], rtol=0, atol=TOLERANCE)
    with pytest.raises(NotFittedError, match=r"CV.*not fitted"):
        as_onnx(clone(average), X)
    with pytest.raises(ValueError, match="ONNX has labels"):
        as_onnx(clone(average).fit(X, y.astype("m8[s]")), X)
