"""ONNX: how skl2onnx converts a ShallowNetClassifier.

Importing this module is all there is to do: from then on, ``skl2onnx.to_onnx`` and
``skl2onnx.convert_sklearn`` convert the net (but no subclass of it) wherever it stands, in
pipelines, column transformers and searches::

    import sk_shallow.onnx
    from skl2onnx import to_onnx

    model = to_onnx(pipeline, X[:1].astype("float32"), options={"zipmap": False})

The graph is the formulas of the net: two products, phi, the logistic function. It computes
in float64 if its input is declared as such, in float32 otherwise. Options are those that
skl2onnx has for classifiers: "zipmap", "nocl", "output_class_labels", and "raw_scores",
which gives logits (minus and plus z2) in place of probabilities, under the same name. In a
pipeline, set it for the net: ``options={id(pipeline[-1]): {"raw_scores": True}}``.

Without skl2onnx, the import raises an ``ImportError`` that names the extra to install.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

try:
    from onnx import TensorProto
    from skl2onnx import update_registered_converter
    from skl2onnx.algebra.onnx_ops import (
        OnnxCast,
        OnnxConcat,
        OnnxGather,
        OnnxGemm,
        OnnxGreater,
        OnnxIdentity,
        OnnxNeg,
        OnnxRelu,
        OnnxReshape,
        OnnxSigmoid,
        OnnxTanh,
    )
    from skl2onnx.common.data_types import guess_proto_type
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
    from skl2onnx.common.utils_classifier import get_label_classes
except ImportError as error:
    raise ImportError(
        f"Conversion to ONNX needs skl2onnx: pip install 'sk-shallow[onnx]' ({error})."
    ) from error

from sk_shallow.classifier import ShallowNetClassifier

PHI = {"tanh": OnnxTanh, "logistic": OnnxSigmoid, "relu": OnnxRelu}
OPTIONS = {
    "zipmap": [True, False, "columns"],
    "nocl": [True, False],
    "output_class_labels": [False, True],
    "raw_scores": [False, True],
}


def _check_can_be_converted(net: ShallowNetClassifier) -> None:
    """What skl2onnx asks first: which outputs? None means those of any classifier."""
    if hasattr(net, "to_local"):
        raise TypeError(
            f"A {type(net).__name__} cannot be converted to ONNX. Convert the same net for "
            f"data in memory: net.to_local()."
        )
    check_is_fitted(net)
    kind = net.classes_.dtype.kind
    is_integer = kind in "biuf" and (net.classes_ <= np.iinfo(np.int64).max).all()
    if not (is_integer or kind in "OUT"):
        raise ValueError(
            f"ONNX has labels of 64-bit integers and of strings, and none of the values "
            f"{net.classes_} ({net.classes_.dtype}). Fit the net to y.astype(str), or to "
            f"integers up to 2**63 - 1."
        )


def _check_imputer(container: Any) -> None:
    if any(node.op_type == "Imputer" for node in container.nodes):
        raise ValueError(
            "onnxruntime has no imputer for float64, so it could not load this graph. "
            "Convert for float32 columns: to_onnx(pipeline, X[:1].astype('float32'))."
        )


def _labels(classes: NDArray[Any]) -> NDArray[Any]:
    """The classes as ONNX has labels: integers (as `fit` has seen to) or strings."""
    return classes.astype(np.int64 if classes.dtype.kind in "biuf" else str)


def _logit(
    net: ShallowNetClassifier, columns: Any, container: Any, opset: dict[str, int]
) -> Any:
    """Z1 = X W1 + b1, A1 = phi(Z1), z2 = A1 w2 + b2, of shape (n_samples, 1)."""
    is_double = guess_proto_type(columns.type) == TensorProto.DOUBLE
    if is_double:
        _check_imputer(container)
    dtype, number = (
        (np.float64, TensorProto.DOUBLE) if is_double else (np.float32, TensorProto.FLOAT)
    )
    (W1, w2), (b1, b2) = (
        [array.astype(dtype) for array in layers]
        for layers in (net.coefs_, net.intercepts_)
    )
    X = OnnxCast(columns, to=number, **opset)
    A1 = PHI[net._activation](OnnxGemm(X, W1, b1, **opset), **opset)
    return OnnxGemm(A1, w2, b2, **opset)


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """The label of each row, and p = sigmoid(z2) of both classes."""
    net, (columns,) = operator.raw_operator, operator.inputs
    opset = {"op_version": container.target_opset}
    z2 = _logit(net, columns, container, opset)
    minus_z2 = OnnxNeg(z2, **opset)
    scores = OnnxConcat(minus_z2, z2, axis=1, **opset)
    if not scope.get_options(net, {"raw_scores": False})["raw_scores"]:
        scores = OnnxSigmoid(scores, **opset)

    is_second = OnnxCast(OnnxGreater(z2, minus_z2, **opset), to=TensorProto.INT64, **opset)
    row_wise = OnnxReshape(is_second, np.array([-1]), **opset)
    label = OnnxGather(_labels(get_label_classes(scope, net)), row_wise, **opset)
    for output, result in zip(operator.outputs, (label, scores), strict=True):
        named = OnnxIdentity(result, output_names=[output.full_name], **opset)
        named.add_to(scope, container)


update_registered_converter(
    ShallowNetClassifier,
    alias="SkShallowNetClassifier",
    shape_fct=calculate_linear_classifier_output_shapes,
    convert_fct=_convert,
    options=OPTIONS,
)
ShallowNetClassifier.onnx_parser = _check_can_be_converted
