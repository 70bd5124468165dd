"""scikit-learn's own checks of an estimator, for every activation and several starts.

Left out, as they cannot pass: the starts that are traps (training accuracy is asked
for), and early_stopping=True (many checks have a handful of rows). No check is
expected to fail.
"""

import pytest
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_shallow import ShallowNetClassifier
from sk_shallow._core.activations import ACTIVATIONS


def drawn_by_hand(rng, shape):
    return rng.laplace(scale=0.3, size=shape)


ESTIMATORS = [
    *(ShallowNetClassifier(activation=activation) for activation in ACTIVATIONS),
    *(
        ShallowNetClassifier(init=init)
        for init in ("he_normal", "lecun_uniform", "orthogonal", drawn_by_hand)
    ),
    ShallowNetClassifier(init="normal", init_scale=0.5),
    ShallowNetClassifier(8, early_stopping=False, warm_start=True),
]


def listed(checks):
    """The same parametrisation as a list: scikit-learn's, up to 1.8, is a generator."""
    names, cases = checks.args
    return pytest.mark.parametrize(names, list(cases), **checks.kwargs)


# The checks fit nets to a few rows of noise, on which some do start or end badly; that
# the warnings come when they should is tested elsewhere.
@pytest.mark.filterwarnings("ignore::sk_shallow.InitializationWarning")
@pytest.mark.filterwarnings("ignore:can't resolve package:ImportWarning")
@listed(parametrize_with_checks(ESTIMATORS))
def test_the_checks_of_scikit_learn_pass(estimator, check):
    check(estimator)


def test_the_tags_say_binary_and_sparse():
    tags = get_tags(ShallowNetClassifier())
    assert tags.estimator_type == "classifier"
    assert tags.classifier_tags.multi_class is False
    assert tags.input_tags.sparse
    assert tags.target_tags.required
    assert not tags.no_validation
