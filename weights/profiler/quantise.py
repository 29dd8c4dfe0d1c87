"""Networks in 8 bits: the ranges of what they compute, and ONNX models in which QuantizeLinear and DequantizeLinear stand around every
operator, as runtimes expect quantised networks. Activations have one scale, weights one a channel."""

import json
import os

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

import graph
from runtimes.base import NotRun


def weights(values, axis):
    """In signed 8 bits about zero: whole numbers and scale, by channel along `axis` where it is not None."""
    across = tuple(i for i in range(values.ndim) if i != axis) if axis is not None else None
    most = numpy.abs(values).max(axis=across, keepdims=axis is not None)
    scale = numpy.maximum(most, 1e-8) / 127
    whole = numpy.clip(numpy.round(values / scale), -127, 127).astype("int8")
    return whole, numpy.asarray(scale, "float32").reshape(-1)


def ranges(steps, network, feeds, cache):
    """Least and greatest value of every result on these inputs, by ONNX Runtime; kept in a file."""
    path = os.path.join(cache, "ranges", network.file + ".json")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    import onnxruntime

    model = onnx.load(network.path)
    wanted = [step.output for step in steps]
    del model.graph.output[:]
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in wanted)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found = dict(feeds, **dict(zip(wanted, session.run(wanted, feeds))))
    limits = {name: [float(values.min()), float(values.max())] for name, values in found.items()}
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(limits, file)
    os.replace(path + ".part", path)
    return limits


# What these put out has the scale of what they read.
KEEPING = ("maxpool", "avgpool", "flatten", "shuffle", "reshape", "transpose", "relu")


def scales(given, network, feeds, cache):
    """Scale and zero point (of 0 to 255) by result."""
    steps = graph.steps(given)
    found = {}
    for name, (least, most) in ranges(steps, network, feeds, cache).items():
        least, most = min(least, 0.0), max(most, 0.0)
        # Where all is zero, as after a ReLU that lets nothing pass, any scale is right, and an ordinary one is safe.
        scale = (most - least if most - least > 1e-6 else 1.0) / 255
        found[name] = (scale, int(round(-least / scale)))
    for step in steps:
        if step.op in KEEPING:
            found[step.output] = found[step.inputs[0]]
        elif step.op in ("softmax", "sigmoid"):
            # As runtimes insist.
            found[step.output] = (1 / 256, 0)
    return found


def signed_scales(*given):
    """The same of -128 to 127."""
    return {name: (scale, zero - 128) for name, (scale, zero) in scales(*given).items()}


class Writer:
    """An ONNX model: inputs and output are of 8 bits."""

    def __init__(self, given, of):
        self.given, self.scales, self.nodes, self.constants = given, of, [], []

    def constant(self, name, values):
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def node(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def scale_of(self, name):
        scale, zero = self.scales[name]
        if not any(one.name == name + "_scale_q" for one in self.constants):
            self.constant(name + "_scale_q", numpy.array(scale, "float32"))
            self.constant(name + "_zero_q", numpy.array(zero, "uint8"))
        return [name + "_scale_q", name + "_zero_q"]

    def real(self, name, reader):
        """A result as real numbers, for one that reads it: each has its own, which runtimes look for."""
        return self.node("DequantizeLinear", [name] + self.scale_of(name), "%s_for_%s" % (name, reader))

    def weight(self, name, source, values, bias):
        whole, scale = weights(values, 0)
        self.constant(name + "_w_q", whole)
        self.constant(name + "_w_scale", scale)
        self.constant(name + "_w_zero", numpy.zeros(len(scale), "int8"))
        weight = self.node("DequantizeLinear", [name + "_w_q", name + "_w_scale", name + "_w_zero"], name + "_w", axis=0)
        of_sum = (scale * self.scales[source][0]).astype("float32")
        rounded = numpy.clip(numpy.round(bias / of_sum), -(2**30), 2**30).astype("int32")
        self.constant(name + "_b_q", rounded)
        self.constant(name + "_b_scale", of_sum)
        self.constant(name + "_b_zero", numpy.zeros(len(scale), "int32"))
        return [weight, self.node("DequantizeLinear", [name + "_b_q", name + "_b_scale", name + "_b_zero"], name + "_b", axis=0)]

    def put(self, step):
        name, given, x = step.output, step.given, None
        inputs = [self.real(one, "%s_%d" % (name, i)) for i, one in enumerate(dict.fromkeys(step.inputs))]
        made = name + "_real"
        op = step.op
        if op == "conv":
            sizes = {"strides": given["strides"], "pads": given["pads"], "dilations": given["dilations"], "group": given["group"]}
            self.node("Conv", inputs + self.weight(name, step.inputs[0], given["weight"], given["bias"]), made, kernel_shape=given["weight"].shape[2:], **sizes)
        elif op == "norm":
            # A depthwise convolution of one pixel.
            channels = len(given["factor"])
            constants = self.weight(name, step.inputs[0], given["factor"].reshape(-1, 1, 1, 1), given["shift"])
            self.node("Conv", inputs + constants, made, kernel_shape=[1, 1], group=channels)
        elif op == "fc":
            self.node("Gemm", inputs + self.weight(name, step.inputs[0], given["weight"], given["bias"]), made, transB=1)
        elif op in ("maxpool", "avgpool"):
            sizes = {"kernel_shape": given["size"], "strides": given["strides"], "pads": given["pads"]}
            self.node("MaxPool" if op == "maxpool" else "AveragePool", inputs, made, **sizes)
        elif op == "swish":
            self.node("Sigmoid", inputs[:1], name + "_gate_real")
            self.scales[name + "_gate"] = (1 / 256, 0)
            self.node("QuantizeLinear", [name + "_gate_real"] + self.scale_of(name + "_gate"), name + "_gate")
            self.node("Mul", [inputs[0], self.real(name + "_gate", name)], made)
        elif op == "hswish":
            gate = self.node("HardSigmoid", inputs[:1], name + "_gate_real", alpha=1 / 6)
            self.node("Mul", [inputs[0], gate], made)
        elif op == "hardsigmoid":
            self.node("HardSigmoid", inputs, made, alpha=1 / 6)
        elif op == "scale":
            self.node("Mul", inputs + [self.constant(name + "_factor", numpy.array(given["factor"], "float32"))], made)
        elif op == "layernorm":
            own = [self.constant(name + "_own_scale", given["scale"]), self.constant(name + "_own_shift", given["shift"])]
            self.node("LayerNormalization", inputs + own, made, epsilon=given["epsilon"])
        elif op == "softmax":
            self.node("Softmax", inputs, made, axis=-1)
        elif op == "shuffle":
            batch, channels, height, width = self.given.shapes[step.inputs[0]]
            apart = numpy.array([batch, given["groups"], channels // given["groups"], height, width], "int64")
            self.node("Reshape", inputs + [self.constant(name + "_apart", apart)], name + "_groups")
            self.node("Transpose", [name + "_groups"], name + "_dealt", perm=[0, 2, 1, 3, 4])
            whole = numpy.array([batch, channels, height, width], "int64")
            self.node("Reshape", [name + "_dealt", self.constant(name + "_whole", whole)], made)
        elif op in ("add", "mul", "matmul", "gap", "sigmoid", "relu", "flatten"):
            names = {"add": "Add", "mul": "Mul", "matmul": "MatMul", "gap": "GlobalAveragePool", "sigmoid": "Sigmoid", "relu": "Relu", "flatten": "Flatten"}
            self.node(names[op], inputs, made)
        else:
            raise NotRun("%s in 8 bits" % op)
        # ReLU, where there is one, is in the range: what is below it is rounded up to its end.
        self.node("QuantizeLinear", [made] + self.scale_of(name), name)

    def write(self):
        for step in graph.steps(self.given):
            self.put(step)
        inputs = [helper.make_tensor_value_info(name, TensorProto.UINT8, shape) for name, shape in self.given.inputs]
        outputs = [helper.make_tensor_value_info(name, TensorProto.UINT8, shape) for name, shape in self.given.outputs]
        body = helper.make_graph(self.nodes, "latencast", inputs, outputs, self.constants)
        return helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def whole_numbers(values, scale, zero, kind="uint8"):
    limits = numpy.iinfo(kind)
    return numpy.clip(numpy.round(values / scale) + zero, limits.min, limits.max).astype(kind)


def real_numbers(values, scale, zero):
    return (values.astype("float32") - zero) * scale


def convert(network, feeds, cache):
    """Path of the ONNX model in 8 bits, its inputs, and scale and zero point of its output."""
    path = os.path.join(cache, "qdq", network.file)
    given = graph.Graph(network.path)
    found = scales(given, network, feeds, cache)
    if not os.path.exists(path):
        text = Writer(given, found).write()
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".part", "wb") as file:
            file.write(text)
        os.replace(path + ".part", path)
    return path, {name: whole_numbers(values, *found[name]) for name, values in feeds.items()}, found[network.output[0]]
