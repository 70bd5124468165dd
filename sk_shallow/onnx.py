"""ONNX: how skl2onnx converts a ShallowNetClassifier or ShallowNetClassifierCV.

Importing this module is all there is to do: from then on, ``skl2onnx.to_onnx`` and
``skl2onnx.convert_sklearn`` convert the net (but no subclass of it) wherever it stands, in
pipelines, column transformers and searches::

    import sk_shallow.onnx
    from skl2onnx import to_onnx

    model = to_onnx(pipeline, X[:1].astype("float32"), options={"zipmap": False})

The graph is the formulas of the net: two products, phi, the logistic function. It computes
in float64 if its input is declared as such, in float32 otherwise. Labels that ONNX does not
have are refused, and so are steps before the net that onnxruntime, if it is installed,
cannot load. Options are those that skl2onnx has for classifiers: "zipmap", "nocl",
"output_class_labels", and "raw_scores", which gives logits (minus and plus z2) in place of
probabilities, under the same name. In a pipeline, set it for the net:
``options={id(pipeline[-1]): {"raw_scores": True}}``.

Without skl2onnx, the import raises an ``ImportError`` that names the extra to install.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

try:
    from onnx import TensorProto
    from onnx.helper import make_graph, make_model, make_opsetid, make_tensor_value_info
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

from sk_shallow.classifier import FittedNet, ShallowNetClassifier
from sk_shallow.cross_validation import ShallowNetClassifierCV

IR_VERSION = 8  # which all supported versions of onnxruntime read
KINDS = (ShallowNetClassifier, ShallowNetClassifierCV)
PHI = {"tanh": OnnxTanh, "logistic": OnnxSigmoid, "relu": OnnxRelu}
OPTIONS = {
    "zipmap": [True, False, "columns"],
    "nocl": [True, False],
    "output_class_labels": [False, True],
    "raw_scores": [False, True],
}


def _parser(net: FittedNet) -> Callable[..., None] | None:
    """The check of labels, which skl2onnx calls first; the outputs are any classifier's."""
    if hasattr(net, "to_local"):
        raise TypeError(
            f"A {type(net).__name__} cannot be converted to ONNX. Convert the same net for "
            f"data in memory: net.to_local()."
        )
    check_is_fitted(net)
    if type(net) not in KINDS:  # skl2onnx says that it knows no subclass
        return None
    return partial(_check_labels, net)


def _check_labels(net: FittedNet, scope: Any, inputs: Any = None) -> None:  # noqa: ARG001
    """Labels in ONNX are strings or integers of 64 bits.

    Raises
    ------
    ValueError
        If those of the net are neither, and option "nocl" does not replace them; or if
        skl2onnx cannot put out the type for option "output_class_labels".
    """
    classes = get_label_classes(scope, net)
    kind, known = classes.dtype.kind, classes.tolist()
    if kind in "biuf":
        as_column = scope.get_options(net, {}).get("output_class_labels")
        is_known = all(-(2**63) <= int(label) < 2**63 for label in known)
        is_known &= not as_column or classes.dtype in (np.int32, np.int64)
    else:
        is_known = kind in "OUT" and all(isinstance(label, str) for label in known)
    if not is_known:
        raise ValueError(
            f"ONNX has labels of 64-bit integers and of strings, and classes_ are {known} "
            f"({classes.dtype}). Fit the net to y.astype(str), or to integers of int64; or "
            f"set the option 'nocl', with which the labels of the graph are 0 and 1."
        )


def _output_shapes(operator: Any) -> None:
    """Those of any classifier. Nets inside other models are not parsed, but come here."""
    _check_labels(operator.raw_operator, operator.scope_inst)
    calculate_linear_classifier_output_shapes(operator)


def _check_steps_before(columns: Any, scope: Any, container: Any) -> None:
    """Check that onnxruntime can load what computes the columns of the net.

    skl2onnx converts some steps for float64 to operators that onnxruntime has for float32
    only, or that mix the two.

    Raises
    ------
    ValueError
        If it is installed, and cannot.
    """
    nodes = _nodes_for(columns.full_name, container.nodes)
    types = {guess_proto_type(variable.type) for variable in scope.input_variables}
    if not nodes or types <= {TensorProto.FLOAT, TensorProto.STRING}:
        return
    *inputs, output = [
        make_tensor_value_info(variable.full_name, guess_proto_type(variable.type), None)
        for variable in (*scope.input_variables, columns)
    ]
    graph = make_graph(nodes, "steps", inputs, [output], container.initializers)
    opsets = dict(sorted(container.node_domain_version_pair_sets))
    imports = [make_opsetid(domain, version) for domain, version in opsets.items()]
    steps = make_model(graph, opset_imports=imports, ir_version=IR_VERSION)
    try:
        _load(steps)
    except Exception as error:
        raise ValueError(
            f"onnxruntime cannot load the steps before the net ({error}). Convert for "
            f"float32 columns: to_onnx(pipeline, X[:1].astype('float32'))."
        ) from error


def _load(model: Any) -> None:
    try:
        import onnxruntime
    except ImportError:
        return
    onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def _nodes_for(name: str, nodes: Sequence[Any]) -> list[Any]:
    """The nodes that compute a result, in an order in which they can."""
    by_result = {result: node for node in nodes for result in node.output}
    ordered: dict[int, Any] = {}

    def visit(name: str) -> None:
        node = by_result.get(name)
        if node is None or id(node) in ordered:
            return
        for needed in node.input:
            visit(needed)
        ordered[id(node)] = node

    visit(name)
    return list(ordered.values())


def _labels(classes: NDArray[Any]) -> NDArray[Any]:
    """The classes as ONNX has labels: integers or strings."""
    return classes.astype(np.int64 if classes.dtype.kind in "biuf" else str)


def _logit(net: FittedNet, columns: Any, opset: dict[str, int]) -> Any:
    """Z1 = X W1 + b1, A1 = phi(Z1), z2 = A1 w2 + b2, of shape (n_samples, 1)."""
    is_double = guess_proto_type(columns.type) == TensorProto.DOUBLE
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
    _check_steps_before(columns, scope, container)
    z2 = _logit(net, columns, opset)
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


for kind in KINDS:
    update_registered_converter(
        kind,
        alias=f"Sk{kind.__name__}",
        shape_fct=_output_shapes,
        convert_fct=_convert,
        options=OPTIONS,
    )
FittedNet.onnx_parser = _parser
