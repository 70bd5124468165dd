"""What is stored comes back the same, and tells which version stored it."""

import copy
import pickle
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn.exceptions
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sk_shallow
from sk_shallow import InconsistentVersionWarning, ShallowNetClassifier
from sk_shallow.persistence import FITTED

CLASS = "sk_shallow.classifier.ShallowNetClassifier"


def laplace(rng, shape):
    """A start of the user's own; at module level, as pickling it needs."""
    return rng.laplace(size=shape)


def through_pickle(net, _):
    return pickle.loads(pickle.dumps(net))


def through_joblib(net, folder):
    joblib.dump(net, folder / "net.joblib")
    return joblib.load(folder / "net.joblib")


def through_a_memory_map(net, folder):
    joblib.dump(net, folder / "net.joblib")
    return joblib.load(folder / "net.joblib", mmap_mode="r")


def through_skops(net, folder):
    skops = pytest.importorskip("skops.io")
    skops.dump(net, folder / "net.skops")
    trusted = skops.get_untrusted_types(file=folder / "net.skops")
    return skops.load(folder / "net.skops", trusted=trusted)


every_way = pytest.mark.parametrize(
    "stored_and_loaded",
    [through_pickle, through_joblib, through_a_memory_map, through_skops],
    ids=lambda way: way.__name__,
)


@every_way
@pytest.mark.parametrize("init", ["glorot_uniform", laplace])
def test_a_stored_net_predicts_the_same_bits(cancer, tmp_path, stored_and_loaded, init):
    X, y = cancer
    net = ShallowNetClassifier(4, init=init, init_scale=0.1, random_state=0).fit(X, y)
    back = stored_and_loaded(net, tmp_path)
    np.testing.assert_array_equal(back.predict_proba(X), net.predict_proba(X))
    assert back.get_params() == net.get_params()
    np.testing.assert_array_equal(back.fit(X, y).coefs_[0], net.coefs_[0])


@every_way
def test_a_stored_net_goes_on_with_chunks(large, tmp_path, stored_and_loaded):
    X, y = large
    net = ShallowNetClassifier(4, solver="adam", random_state=0).partial_fit(X, y, [0, 1])
    back = stored_and_loaded(net, tmp_path)
    np.testing.assert_array_equal(
        back.partial_fit(X, y).coefs_[0], net.partial_fit(X, y).coefs_[0]
    )


@pytest.mark.parametrize("labels", [[0, 1], ["no", "yes"], [False, True]], ids=str)
@pytest.mark.parametrize(
    "parameters",
    [{}, {"solver": "adam"}, {"class_weight": "balanced"}, {"early_stopping": True}],
    ids=str,
)
def test_skops_has_to_trust_nothing_but_the_class(cancer, parameters, labels):
    skops = pytest.importorskip("skops.io")
    X, y = cancer
    net = ShallowNetClassifier(4, max_iter=30, random_state=0, **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
        model = make_pipeline(StandardScaler(), net).fit(X, np.array(labels)[y])
    assert skops.get_untrusted_types(data=skops.dumps(model)) == [CLASS]


def stored_by(version, net, without=()):
    """A pickle of the net as another version might have written it."""
    state = net.__getstate__()
    state = {name: value for name, value in state.items() if name not in without}
    state["_sk_shallow_version"] = version
    if version is None:
        del state["_sk_shallow_version"]

    class Old(ShallowNetClassifier):
        def __reduce_ex__(self, protocol):
            return ShallowNetClassifier, (), state

    return pickle.dumps(Old())


@pytest.mark.parametrize(
    ("version", "named"), [("0.0.1", "0.0.1"), ("99.0", "99.0"), (None, "unknown")]
)
def test_another_version_is_reported_and_still_works(cancer, version, named):
    X, y = cancer
    net = ShallowNetClassifier(4, random_state=0).fit(X, y)
    with pytest.warns(InconsistentVersionWarning) as record:
        back = pickle.loads(stored_by(version, net))
    (warning,) = record
    assert str(warning.message) == (
        f"This ShallowNetClassifier was stored by sk_shallow {named} and is loaded by "
        f"sk_shallow {sk_shallow.__version__}. Check its predictions, or fit it again."
    )
    assert (
        warning.message.original_sklearn_version == named
    )  # as scikit-learn's guide reads it
    assert warning.filename == __file__
    np.testing.assert_array_equal(back.predict(X), net.predict(X))


def test_a_filter_for_the_warning_of_scikit_learn_takes_ours_too():
    with pytest.raises(sklearn.exceptions.InconsistentVersionWarning, match=r"0\.0\.1"):
        pickle.loads(stored_by("0.0.1", ShallowNetClassifier()))


def test_the_guide_shows_the_warning(monkeypatch):
    net = ShallowNetClassifier()
    pickled = pickle.dumps(net)
    monkeypatch.setattr("sk_shallow.persistence.__version__", "0.2.0")
    with pytest.warns(InconsistentVersionWarning) as record:
        pickle.loads(pickled)
    page = (Path(__file__).parent.parent / "docs" / "persistence.md").read_text("utf-8")
    shown = " ".join(page.partition("InconsistentVersionWarning: ")[2].split())
    assert shown.startswith(str(record[0].message))


@pytest.mark.parametrize("missing", [*FITTED, "n_init"])
def test_what_cannot_be_read_names_both_versions(cancer, missing):
    net = ShallowNetClassifier(4, random_state=0).fit(*cancer)
    if missing == "coefs_":
        pytest.skip("then it is a net that has not been fitted, and lacks nothing")
    with pytest.raises(ValueError, match="cannot read") as error:
        pickle.loads(stored_by("0.0.1", net, without=[missing, "init_scale"]))
    lacks = ["init_scale", missing] if missing != "n_init" else ["init_scale", "n_init"]
    assert str(error.value) == (
        f"This ShallowNetClassifier was stored by sk_shallow 0.0.1, and sk_shallow "
        f"{sk_shallow.__version__} cannot read it: it has no {', '.join(lacks)}. Load it "
        f"with the version that stored it, or fit it again."
    )


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_copies_have_all_attributes_and_no_stamp(cancer, duplicate):
    net = ShallowNetClassifier(4, random_state=0).fit(*cancer)
    assert net.__getstate__()["_sk_shallow_version"] == sk_shallow.__version__
    assert vars(duplicate(net)).keys() == vars(net).keys()


class Lecture(ShallowNetClassifier):
    """A subclass with parameters of its own."""

    def __init__(self, scale=0.01):
        super().__init__(4, init="normal", init_scale=scale, random_state=0)
        self.scale = scale


class AnyKeyword(ShallowNetClassifier):
    def __init__(self, **parameters):
        super().__init__(**parameters)


@pytest.mark.parametrize("kind", [Lecture, AnyKeyword])
@pytest.mark.parametrize("duplicate", [through_pickle, lambda net, _: copy.deepcopy(net)])
def test_a_subclass_with_other_parameters_is_stored(cancer, kind, duplicate):
    X, y = cancer
    net = kind().fit(X, y)
    back = duplicate(net, None)
    np.testing.assert_array_equal(back.predict_proba(X), net.predict_proba(X))


def test_a_subclass_is_asked_for_the_parameters_it_inherits():
    state = Lecture().__getstate__()
    del state["n_init"]
    with pytest.raises(ValueError, match=r"This Lecture .* has no n_init\."):
        Lecture().__setstate__(state)
