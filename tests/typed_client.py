"""A program that uses the package, for mypy: what it may do, and what it may not.

It is not run. Each line that mypy is to refuse says so; strict mode complains of a remark
that nothing needs.
"""

import numpy as np
from numpy.typing import NDArray

from sk_shallow import CollapseWarning, InitializationWarning, ShallowNetClassifier
from sk_shallow.inspection import HiddenLayerReport, InitScaleDisplay, inspect_hidden_layer

X: NDArray[np.float64] = np.zeros((10, 2))
y = ["a", "b"] * 5


def laplace(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    return rng.laplace(size=shape)


net: ShallowNetClassifier = ShallowNetClassifier(8, init="normal", init_scale=0.01).fit(
    X, y
)
ShallowNetClassifier(
    init=laplace, alpha="auto", class_weight={"a": 2.0}, early_stopping=False
)
ShallowNetClassifier(init=(np.zeros((2, 8)), np.zeros(8), np.ones(8), np.zeros(1)))
net.fit(X, y, sample_weight=np.ones(10), X_val=X, y_val=y).predict_proba(X).mean()
curve: NDArray[np.float64] = net.loss_curve_
reason: str = net.stop_reason_
W1 = net.coefs_[0] @ net.coefs_[1]
report: HiddenLayerReport = inspect_hidden_layer(net, X, y, at_start=True)
n_distinct: int = report.n_distinct
display = InitScaleDisplay.from_estimator(net, X, y, init_scales=[0.1, 1.0]).plot()
kinds: list[type[InitializationWarning]] = [CollapseWarning]

ShallowNetClassifier(n_hidden="8")  # type: ignore[arg-type]
ShallowNetClassifier(8, "tanh")  # type: ignore[call-arg]
ShallowNetClassifier(init_scale="large")  # type: ignore[arg-type]
ShallowNetClassifier(init=0.01)  # type: ignore[arg-type]
ShallowNetClassifier(alpha="small")  # type: ignore[arg-type]
ShallowNetClassifier(hidden_layer_sizes=(8,))  # type: ignore[call-arg]
net.fit(X, y, X)  # sample_weight may be anything that is an array
inspect_hidden_layer(net, X, y, True)  # type: ignore[call-arg]
text: str = report.effective_rank  # type: ignore[assignment]
