"""An ONNX model as the operators that a runtime executes: batch normalisation folded into the convolution before it, ReLU into the
operator before it, and swish and hard-swish found. What writers of other formats start from."""

import collections

import numpy
import onnx
from onnx import numpy_helper

# As of the measurement kit's own reader, so that its writers read these too.
Node = collections.namedtuple("Node", "op inputs output attributes")


class Graph:
    """nodes in the order of execution; weights, shapes by name; inputs and outputs (name, shape)."""

    def __init__(self, path):
        model = onnx.load(path)
        graph = onnx.shape_inference.infer_shapes(model).graph
        self.weights = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
        self.nodes = [
            Node(one.op_type, list(one.input), one.output[0], {a.name: onnx.helper.get_attribute_value(a) for a in one.attribute})
            for one in graph.node
        ]
        self.shapes = {}
        for value in list(graph.input) + list(graph.value_info) + list(graph.output):
            self.shapes[value.name] = tuple(one.dim_value for one in value.type.tensor_type.shape.dim)
        self.inputs = [(one.name, self.shapes[one.name]) for one in graph.input if one.name not in self.weights]
        self.outputs = [(one.name, self.shapes[one.name]) for one in graph.output]
        self.input_name, self.input_shape = self.inputs[0]
        self.output_name, self.output_shape = self.outputs[0]


# op: conv, fc, maxpool, avgpool, gap, add, mul, scale (by the number `factor`), norm (factor, shift by channel), relu, sigmoid,
# hardsigmoid, swish, hswish, matmul, layernorm, softmax, flatten, reshape,
# transpose, shuffle (channels of so many `groups` dealt out).
Step = collections.namedtuple("Step", "op inputs output given")


def steps(graph):
    """The folded operators, in the order of execution."""
    readers, done, found = collections.defaultdict(list), set(), []
    for node in graph.nodes:
        for name in node.inputs:
            readers[name].append(node)
    outputs = {name for name, _ in graph.outputs}

    def only_reader(name, op):
        one = readers[name]
        return one[0] if len(one) == 1 and one[0].op == op and name not in outputs else None

    for node in graph.nodes:
        if node.output in done:
            continue
        step, came_with = _step(graph, node, only_reader)
        done.update(came_with)
        found.append(step)
    return found


def _step(graph, node, only_reader):
    """The step that begins with a node, and the outputs of the nodes that it contains besides."""
    weights, given, inputs, name = graph.weights, node.attributes, node.inputs, node.output
    came_with = []

    def with_relu():
        relu = only_reader(name, "Relu")
        if relu:
            came_with.append(relu.output)
        return relu.output if relu else name, bool(relu)

    if node.op == "Conv":
        weight = weights[inputs[1]].astype("float32")
        bias = weights[inputs[2]] if len(inputs) > 2 else numpy.zeros(len(weight), "float32")
        norm = only_reader(name, "BatchNormalization")
        if norm:
            factor, shift = _normalisation(weights, norm)
            weight, bias = weight * factor.reshape(-1, 1, 1, 1), bias * factor + shift
            name = norm.output
            came_with.append(name)
        name, relu = with_relu()
        sizes = {
            "strides": given.get("strides", [1, 1]),
            "pads": given.get("pads", [0] * 4),
            "dilations": given.get("dilations", [1, 1]),
            "group": given.get("group", 1),
        }
        return Step("conv", inputs[:1], name, {"weight": weight, "bias": bias.astype("float32"), "relu": relu, **sizes}), came_with
    if node.op == "Gemm":
        if not given.get("transB") or given.get("transA") or given.get("alpha", 1) != 1 or given.get("beta", 1) != 1:
            raise NotImplementedError("Gemm %s; transB alone expected" % given)
        weight = weights[inputs[1]]
        bias = weights[inputs[2]] if len(inputs) > 2 else numpy.zeros(len(weight), "float32")
        name, relu = with_relu()
        return Step("fc", inputs[:1], name, {"weight": weight, "bias": bias, "relu": relu}), came_with
    if node.op == "BatchNormalization":
        factor, shift = _normalisation(weights, node)
        return Step("norm", inputs[:1], name, {"factor": factor, "shift": shift}), came_with
    if node.op == "Add":
        name, relu = with_relu()
        return Step("add", inputs, name, {"relu": relu}), came_with
    if node.op in ("Sigmoid", "HardSigmoid"):
        hard = node.op == "HardSigmoid"
        if hard and (abs(given.get("alpha", 0.2) - 1 / 6) > 1e-4 or given.get("beta", 0.5) != 0.5):
            raise NotImplementedError("HardSigmoid %s; alpha 1/6, beta 0.5 expected" % given)
        product = only_reader(name, "Mul")
        if product and set(product.inputs) == {inputs[0], name}:
            return Step("hswish" if hard else "swish", inputs, product.output, {}), [product.output]
        return Step("hardsigmoid" if hard else "sigmoid", inputs, name, {}), came_with
    if node.op == "Mul":
        for i in (0, 1):
            if inputs[i] in weights:
                if weights[inputs[i]].size != 1:
                    raise NotImplementedError("Mul by %s constants" % weights[inputs[i]].size)
                return Step("scale", [inputs[1 - i]], name, {"factor": float(weights[inputs[i]].reshape(-1)[0])}), came_with
        return Step("mul", inputs, name, {}), came_with
    if node.op in ("MaxPool", "AveragePool"):
        if given.get("ceil_mode") or given.get("count_include_pad"):
            raise NotImplementedError("%s %s" % (node.op, given))
        sizes = {"size": given["kernel_shape"], "strides": given.get("strides", [1, 1]), "pads": given.get("pads", [0] * 4)}
        return Step("maxpool" if node.op == "MaxPool" else "avgpool", inputs, name, sizes), came_with
    if node.op == "LayerNormalization":
        if given.get("axis", -1) not in (-1, len(graph.shapes[inputs[0]]) - 1):
            raise NotImplementedError("LayerNormalization %s" % given)
        own = {"scale": weights[inputs[1]], "shift": weights[inputs[2]], "epsilon": given.get("epsilon", 1e-5)}
        return Step("layernorm", inputs[:1], name, own), came_with
    if node.op == "Softmax":
        if given.get("axis", -1) not in (-1, len(graph.shapes[inputs[0]]) - 1):
            raise NotImplementedError("Softmax %s" % given)
        return Step("softmax", inputs, name, {}), came_with
    if node.op == "Reshape":
        dealt = only_reader(name, "Transpose")
        whole = dealt and only_reader(dealt.output, "Reshape")
        apart = graph.shapes[name]
        # Channels dealt out, as ShuffleNet does.
        if whole and dealt.attributes["perm"] == [0, 2, 1, 3, 4] and graph.shapes[whole.output] == graph.shapes[inputs[0]] and len(apart) == 5:
            return Step("shuffle", inputs[:1], whole.output, {"groups": apart[1]}), [dealt.output, whole.output]
        return Step("reshape", inputs[:1], name, {"shape": graph.shapes[name]}), came_with
    if node.op == "Transpose":
        return Step("transpose", inputs, name, {"perm": given["perm"]}), came_with
    plain = {"GlobalAveragePool": "gap", "Relu": "relu", "MatMul": "matmul", "Flatten": "flatten"}
    if node.op not in plain or any(one in weights for one in inputs):
        raise NotImplementedError("%s of %s" % (node.op, inputs))
    return Step(plain[node.op], inputs, name, {}), came_with


def counted(pixels, size, strides, pads):
    """By how much an average that counts padding is too small: (1, height, width, 1)."""
    sides = []
    for length, k, stride, begin, end in zip(pixels, size, strides, pads[:2], pads[2:]):
        starts = numpy.arange(0, length + begin + end - k + 1, stride) - begin
        sides.append(k / (numpy.minimum(starts + k, length) - numpy.maximum(starts, 0)))
    return (sides[0].reshape(1, -1, 1, 1) * sides[1].reshape(1, 1, -1, 1)).astype("float32")


def _normalisation(weights, node):
    scale, shift, mean, variance = [weights[one].astype("float64") for one in node.inputs[1:]]
    factor = scale / numpy.sqrt(variance + node.attributes.get("epsilon", 1e-5))
    return factor.astype("float32"), (shift - mean * factor).astype("float32")
