"""Writes the networks of this kit as .tflite files, into the folder tflite/. Needs: pip install ai-edge-litert numpy

It knows the operators of a kit's networks and no others. Images lie channels last, as LiteRT has them; batch normalisation is folded
into the convolution before it, and ReLU into the operator before it, as the usual converters do.
"""

import os

import flatbuffers
import numpy
from ai_edge_litert import schema_py_generated as schema

import onnx_graph
import protocol

TFLITE = os.path.join(protocol.FOLDER, "tflite")
NONE, RELU = schema.ActivationFunctionType.NONE, schema.ActivationFunctionType.RELU
Op, Options = schema.BuiltinOperator, schema.BuiltinOptions


class Writer:
    """One graph, operator by operator."""

    def __init__(self, graph):
        self.graph, self.uses = graph, {}
        for node in graph.nodes:
            for name in node.inputs:
                self.uses.setdefault(name, []).append(node)
        self.model = schema.ModelT()
        self.model.version, self.model.operatorCodes = 3, []
        self.model.description = "latencast"
        # The first buffer is the empty one, by convention.
        self.model.buffers = [schema.BufferT()]
        self.sub = schema.SubGraphT()
        self.sub.tensors, self.sub.operators = [], []
        self.model.subgraphs = [self.sub]
        self.codes, self.tensors, self.shapes = {}, {}, {}

    def write(self):
        batch, channels, height, width = self.graph.input_shape
        self.put_result(self.graph.input_name, (batch, height, width, channels))
        skipped = set()
        for node in self.graph.nodes:
            if node.output not in skipped:
                skipped.update(self.put(node))
        self.sub.inputs = [self.tensors[self.graph.input_name]]
        self.sub.outputs = [self.tensors[self.graph.output_name]]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    # ---- tensors ----

    def put_tensor(self, name, shape, kind, buffer):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name.encode(), list(shape), kind, buffer
        self.sub.tensors.append(tensor)
        return len(self.sub.tensors) - 1

    def put_result(self, name, shape):
        self.shapes[name] = tuple(shape)
        self.tensors[name] = self.put_tensor(name, shape, schema.TensorType.FLOAT32, 0)
        return self.tensors[name]

    def constant(self, name, values):
        buffer = schema.BufferT()
        buffer.data = numpy.frombuffer(numpy.ascontiguousarray(values).tobytes(), numpy.uint8)
        self.model.buffers.append(buffer)
        kind = {"f": schema.TensorType.FLOAT32, "i": schema.TensorType.INT32}[values.dtype.kind]
        return self.put_tensor(name, values.shape, kind, len(self.model.buffers) - 1)

    # ---- operators ----

    def put_operator(self, op, inputs, name, shape, options=None, version=1):
        """`options`: the name of their table, and its fields."""
        if op not in self.codes:
            code = schema.OperatorCodeT()
            code.builtinCode, code.version = op, version
            code.deprecatedBuiltinCode = min(op, 127)
            self.model.operatorCodes.append(code)
            self.codes[op] = len(self.model.operatorCodes) - 1
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs = self.codes[op], inputs
        operator.outputs = [self.put_result(name, shape)]
        if options:
            table, given = options
            operator.builtinOptionsType = getattr(Options, table)
            operator.builtinOptions = getattr(schema, table + "T")()
            for field, value in given.items():
                setattr(operator.builtinOptions, field, value)
        self.sub.operators.append(operator)

    def only_reader(self, name, op):
        """The one node that reads a result, where it is such an operator."""
        readers = self.uses.get(name, [])
        return readers[0] if len(readers) == 1 and readers[0].op == op else None

    def put(self, node):
        """Writes a node, and says which later results came with it."""
        x = self.tensors[node.inputs[0]]
        shape = self.shapes[node.inputs[0]]
        name, given = node.output, node.attributes
        if node.op in ("Conv", "Gemm", "Add"):
            return self.put_fused(node, x, shape)
        if node.op == "BatchNormalization":
            factor, shift = self.normalisation(node)
            self.put_operator(Op.MUL, [x, self.constant(name + "_factor", factor)], name + "_scaled", shape, ("MulOptions", {}))
            inputs = [self.tensors[name + "_scaled"], self.constant(name + "_shift", shift)]
            self.put_operator(Op.ADD, inputs, name, shape, ("AddOptions", {}))
        elif node.op == "Relu":
            self.put_operator(Op.RELU, [x], name, shape)
        elif node.op == "HardSigmoid":
            return self.put_hard_sigmoid(node, x, shape)
        elif node.op == "Mul":
            other = node.inputs[1]
            if other in self.graph.weights:
                y = self.constant(name + "_factor", numpy.asarray(self.graph.weights[other], "float32"))
            else:
                y = self.tensors[other]
            self.put_operator(Op.MUL, [x, y], name, shape, ("MulOptions", {"fusedActivationFunction": NONE}))
        elif node.op == "AveragePool":
            size, stride = given["kernel_shape"][0], given["strides"][0]
            x, shape, padding = self.padded(name, x, shape, size, stride, given["pads"], by_zeros=False)
            fields = {"padding": padding, "filterHeight": size, "filterWidth": size, "strideH": stride, "strideW": stride}
            made = (shape[0], -(-shape[1] // stride), -(-shape[2] // stride), shape[3])
            if padding == schema.Padding.VALID:
                made = (shape[0], (shape[1] - size) // stride + 1, (shape[2] - size) // stride + 1, shape[3])
            self.put_operator(Op.AVERAGE_POOL_2D, [x], name, made, ("Pool2DOptions", fields))
        elif node.op == "GlobalAveragePool":
            axes = self.constant(name + "_axes", numpy.array([1, 2], "int32"))
            self.put_operator(Op.MEAN, [x, axes], name, (shape[0], 1, 1, shape[3]), ("ReducerOptions", {"keepDims": True}))
        elif node.op == "Flatten":
            if shape[1:3] != (1, 1):
                raise SystemExit("to_tflite: Flatten of %s; a single pixel expected" % (shape,))
            self.put_reshape(name, x, (shape[0], shape[3]))
        elif node.op == "Reshape":
            return self.put_shuffle(node, x, shape)
        else:
            raise SystemExit("to_tflite: the operator %s is not one of a kit's" % node.op)
        return []

    def put_reshape(self, name, x, shape):
        given = numpy.array(shape, "int32")
        self.put_operator(Op.RESHAPE, [x, self.constant(name + "_shape", given)], name, shape, ("ReshapeOptions", {"newShape": list(shape)}))

    def normalisation(self, node):
        scale, shift, mean, variance = [self.graph.weights[one].astype("float64") for one in node.inputs[1:]]
        factor = scale / numpy.sqrt(variance + node.attributes.get("epsilon", 1e-5))
        return factor.astype("float32"), (shift - mean * factor).astype("float32")

    def put_fused(self, node, x, shape):
        """A convolution, matrix product or sum with what can be folded into it."""
        came_with, name = [], node.output
        factor, shift = None, None
        norm = self.only_reader(name, "BatchNormalization") if node.op == "Conv" else None
        if norm:
            factor, shift = self.normalisation(norm)
            name = norm.output
            came_with.append(name)
        relu = self.only_reader(name, "Relu")
        if relu:
            name = relu.output
            came_with.append(name)
        activation = {"fusedActivationFunction": RELU if relu else NONE}
        if node.op == "Add":
            self.put_operator(Op.ADD, [x, self.tensors[node.inputs[1]]], name, shape, ("AddOptions", activation))
            return came_with
        weight = self.graph.weights[node.inputs[1]]
        bias = self.graph.weights[node.inputs[2]] if len(node.inputs) > 2 else numpy.zeros(len(weight), "float32")
        if norm:
            weight, bias = weight * factor.reshape(-1, 1, 1, 1), bias * factor + shift
        if node.op == "Gemm":
            inputs = [x, self.constant(name + "_w", weight), self.constant(name + "_b", bias)]
            self.put_operator(Op.FULLY_CONNECTED, inputs, name, (shape[0], len(weight)), ("FullyConnectedOptions", activation))
            return came_with
        given = node.attributes
        stride, pads, groups = given.get("strides", [1, 1])[0], given.get("pads", [0] * 4), given.get("group", 1)
        size = weight.shape[2]
        x, shape, padding = self.padded(name, x, shape, size, stride, pads, by_zeros=True)
        made = (shape[0], -(-shape[1] // stride), -(-shape[2] // stride), len(weight))
        if padding == schema.Padding.VALID:
            made = (shape[0], (shape[1] - size) // stride + 1, (shape[2] - size) // stride + 1, len(weight))
        fields = {"padding": padding, "strideH": stride, "strideW": stride, **activation}
        depthwise = groups > 1 and weight.shape[1] == 1
        if depthwise:
            fields["depthMultiplier"] = len(weight) // groups
        # (out, in, height, width) to (out, height, width, in), of depthwise ones (1, height, width, out).
        weight = weight.transpose((1, 2, 3, 0) if depthwise else (0, 2, 3, 1))
        inputs = [x, self.constant(name + "_w", weight), self.constant(name + "_b", bias.astype("float32"))]
        # Groups are what the filter's channels say.
        if depthwise:
            self.put_operator(Op.DEPTHWISE_CONV_2D, inputs, name, made, ("DepthwiseConv2DOptions", fields))
        else:
            self.put_operator(Op.CONV_2D, inputs, name, made, ("Conv2DOptions", fields))
        return came_with

    def padded(self, name, x, shape, size, stride, pads, by_zeros):
        """LiteRT pads by itself where the ends differ as it would have them; else a PAD comes before."""
        if not any(pads):
            return x, shape, schema.Padding.VALID
        needed = [max((-(-length // stride) - 1) * stride + size - length, 0) for length in shape[1:3]]
        if all(pads[i] == need // 2 and pads[i + 2] == need - need // 2 for i, need in enumerate(needed)):
            return x, shape, schema.Padding.SAME
        if not by_zeros:
            raise SystemExit("to_tflite: %s: a pooling that LiteRT cannot pad" % name)
        wider = (shape[0], shape[1] + pads[0] + pads[2], shape[2] + pads[1] + pads[3], shape[3])
        around = numpy.array([[0, 0], [pads[0], pads[2]], [pads[1], pads[3]], [0, 0]], "int32")
        self.put_operator(Op.PAD, [x, self.constant(name + "_pads", around)], name + "_padded", wider, ("PadOptions", {}))
        return self.tensors[name + "_padded"], wider, schema.Padding.VALID

    def put_hard_sigmoid(self, node, x, shape):
        """relu6(x + 3) / 6; with the product by x, hard-swish, which LiteRT has."""
        came_with, name = [], node.output
        product = self.only_reader(name, "Mul")
        if product and set(product.inputs) == {node.inputs[0], name}:
            self.put_operator(Op.HARD_SWISH, [x], product.output, shape, ("HardSwishOptions", {}))
            return [product.output]
        three, sixth = [self.constant(name + end, numpy.array(value, "float32")) for end, value in (("_3", 3), ("_6", 1 / 6))]
        self.put_operator(Op.ADD, [x, three], name + "_up", shape, ("AddOptions", {"fusedActivationFunction": schema.ActivationFunctionType.RELU6}))
        self.put_operator(Op.MUL, [self.tensors[name + "_up"], sixth], name, shape, ("MulOptions", {"fusedActivationFunction": NONE}))
        return came_with

    def put_shuffle(self, node, x, shape):
        """Channels dealt out: the ONNX model has Reshape, Transpose, Reshape."""
        dealt = self.only_reader(node.output, "Transpose")
        whole = dealt and self.only_reader(dealt.output, "Reshape")
        if not whole or dealt.attributes["perm"] != [0, 2, 1, 3, 4]:
            raise SystemExit("to_tflite: a Reshape that is no channel shuffle")
        groups, each = (int(one) for one in self.graph.weights[node.inputs[1]][1:3])
        batch, height, width, channels = shape
        self.put_reshape(node.output, x, (batch, height, width, groups, each))
        order = self.constant(dealt.output + "_order", numpy.array([0, 1, 2, 4, 3], "int32"))
        made = (batch, height, width, each, groups)
        self.put_operator(Op.TRANSPOSE, [self.tensors[node.output], order], dealt.output, made, ("TransposeOptions", {}))
        self.put_reshape(whole.output, self.tensors[dealt.output], shape)
        return [dealt.output, whole.output]


def convert(network):
    """Path of the .tflite file of a network; written where it is not there yet."""
    path = os.path.join(TFLITE, os.path.splitext(network.file)[0] + ".tflite")
    if not os.path.exists(path):
        os.makedirs(TFLITE, exist_ok=True)
        with open(path + ".part", "wb") as file:
            file.write(Writer(onnx_graph.read(network.path)).write())
        os.replace(path + ".part", path)
    return path


if __name__ == "__main__":
    for one in protocol.read_manifest()[1]:
        print(convert(one))
