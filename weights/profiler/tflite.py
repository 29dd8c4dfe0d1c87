"""Kernels and networks as .tflite models, in single precision or in 8 bits.

The measurement kit's writer, for what a kit's networks have not: several inputs, further operators, whole numbers.
"""

import os

import flatbuffers
import numpy
import to_tflite
from ai_edge_litert import schema_py_generated as schema
from to_tflite import NONE, RELU, Op

import graph
import quantise
from runtimes.base import NotRun

SAME, VALID = schema.Padding.SAME, schema.Padding.VALID


def channels_last(shape):
    """An image as LiteRT lays it out; other tensors are as they are."""
    return (shape[0], shape[2], shape[3], shape[1]) if len(shape) == 4 else tuple(shape)


class Writer(to_tflite.Writer):
    """`scales`: None, or scale and zero point by result, which are then of 8 bits."""

    def __init__(self, given, scales=None):
        super().__init__(given)
        self.scales = scales

    def write(self):
        for name, shape in self.graph.inputs:
            self.put_result(name, channels_last(shape))
        for step in graph.steps(self.graph):
            put = getattr(self, "step_" + step.op, None)
            if put is None:
                raise NotRun(step.op)
            put(step.output, step.inputs, step.given)
        self.sub.inputs = [self.tensors[name] for name, _ in self.graph.inputs]
        self.sub.outputs = [self.tensors[name] for name, _ in self.graph.outputs]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    # ---- tensors ----

    def put_result(self, name, shape):
        if self.scales is None:
            return super().put_result(name, shape)
        self.shapes[name] = tuple(shape)
        self.tensors[name] = self.put_tensor(name, shape, schema.TensorType.INT8, 0)
        self.set_scale(self.tensors[name], *self.scales[name])
        return self.tensors[name]

    def set_scale(self, tensor, scale, zero, axis=0):
        quantised = schema.QuantizationParametersT()
        quantised.scale = numpy.atleast_1d(numpy.asarray(scale, "float32"))
        quantised.zeroPoint = numpy.zeros(len(quantised.scale), "int64") + zero
        quantised.quantizedDimension = axis
        self.sub.tensors[tensor].quantization = quantised

    def whole(self, name, values, kind, scale, zero, axis=0):
        """A constant of whole numbers that stand for real ones."""
        buffer = schema.BufferT()
        buffer.data = numpy.frombuffer(numpy.ascontiguousarray(values).tobytes(), numpy.uint8)
        self.model.buffers.append(buffer)
        tensor = self.put_tensor(name, values.shape, kind, len(self.model.buffers) - 1)
        self.set_scale(tensor, scale, zero, axis)
        return tensor

    def array(self, name, values):
        if self.scales is None:
            return self.constant(name, values)
        whole, scale = quantise.weights(values, None)
        return self.whole(name, whole, schema.TensorType.INT8, scale, 0)

    def number(self, name, value):
        return self.array(name, numpy.array(value, "float32"))

    def weights(self, name, source, weight, bias, axis, per_channel=True):
        """Weight (by its `axis` of output channels) and bias."""
        if self.scales is None:
            return [self.constant(name + "_w", weight), self.constant(name + "_b", bias)]
        values, scale = quantise.weights(weight, axis if per_channel else None)
        of_sum = self.scales[source][0] * scale
        rounded = numpy.clip(numpy.round(bias / of_sum), -(2**30), 2**30).astype("int32")
        return [
            self.whole(name + "_w", values, schema.TensorType.INT8, scale, 0, axis),
            self.whole(name + "_b", rounded, schema.TensorType.INT32, of_sum, 0),
        ]

    # ---- steps ----

    def activation(self, given):
        return {"fusedActivationFunction": RELU if given.get("relu") else NONE}

    def window(self, name, source, size, strides, pads, by_zeros):
        """The padded input, the shape of what comes out but for the channels, and the padding that LiteRT is to do."""
        if len(set(size)) > 1 or len(set(strides)) > 1:
            raise NotRun("a window of %s, strides %s" % (size, strides))
        try:
            x, shape, padding = self.padded(name, self.tensors[source], self.shapes[source], size[0], strides[0], list(pads), by_zeros)
        except SystemExit as error:
            raise NotRun(error)
        if padding == SAME:
            return x, [-(-length // strides[0]) for length in shape[1:3]], padding
        return x, [(length - size[0]) // strides[0] + 1 for length in shape[1:3]], padding

    def padded(self, name, x, shape, *rest, **given):
        self.keep_scale(name + "_padded", next(one for one, tensor in self.tensors.items() if tensor == x))
        return super().padded(name, x, shape, *rest, **given)

    def step_conv(self, name, inputs, given):
        weight, group, dilations = given["weight"], given["group"], given["dilations"]
        size = [(k - 1) * d + 1 for k, d in zip(weight.shape[2:], dilations)]
        x, pixels, padding = self.window(name, inputs[0], size, given["strides"], given["pads"], True)
        fields = {"padding": padding, "strideH": given["strides"][0], "strideW": given["strides"][1], **self.activation(given)}
        fields.update({"dilationHFactor": dilations[0], "dilationWFactor": dilations[1]})
        depthwise = group > 1 and weight.shape[1] == 1
        if depthwise:
            fields["depthMultiplier"] = len(weight) // group
        # (out, in, height, width) to (out, height, width, in), of depthwise ones (1, height, width, out).
        weight = numpy.ascontiguousarray(weight.transpose((1, 2, 3, 0) if depthwise else (0, 2, 3, 1)))
        constants = self.weights(name, inputs[0], weight, given["bias"], 3 if depthwise else 0)
        made = (1, *pixels, len(given["weight"]))
        op, table = (Op.DEPTHWISE_CONV_2D, "DepthwiseConv2DOptions") if depthwise else (Op.CONV_2D, "Conv2DOptions")
        self.put_operator(op, [x] + constants, name, made, (table, fields), 3 if self.scales is not None else 2)

    def step_fc(self, name, inputs, given):
        shape = self.shapes[inputs[0]]
        constants = self.weights(name, inputs[0], given["weight"], given["bias"], 0, per_channel=False)
        made = (shape[0], len(given["weight"]))
        version = 4 if self.scales is not None else 1
        self.put_operator(Op.FULLY_CONNECTED, [self.tensors[inputs[0]]] + constants, name, made, ("FullyConnectedOptions", self.activation(given)), version)

    def put_pool(self, op, name, inputs, given):
        source, size, strides, pads = inputs[0], given["size"], given["strides"], list(given["pads"])
        before, after = name, None
        try:
            x, pixels, padding = self.window(name, source, size, strides, pads, False)
        except NotRun:
            # Padded before, as converters do: by the least number; or by zeros, which an average is then corrected for.
            if len(set(size)) > 1 or len(set(strides)) > 1:
                raise
            if op == Op.AVERAGE_POOL_2D:
                after = graph.counted(self.shapes[source][1:3], size, strides, pads)
                before = name + "_uncorrected"
                self.keep_scale(before, source)
            source = self.put_padding(name, source, pads, op == Op.MAX_POOL_2D)
            x, pixels, padding = self.window(name, source, size, strides, [0] * 4, False)
        fields = {"padding": padding, "filterHeight": size[0], "filterWidth": size[1]}
        fields.update({"strideH": strides[0], "strideW": strides[1], "fusedActivationFunction": NONE})
        made = (1, *pixels, self.shapes[inputs[0]][3])
        self.put_operator(op, [x], before, made, ("Pool2DOptions", fields), self.common())
        if after is not None:
            self.put_two(Op.MUL, "MulOptions", name, self.tensors[before], self.array(name + "_corrected", after), made)

    def put_padding(self, name, source, pads, least):
        batch, height, width, channels = self.shapes[source]
        padded = name + "_padded"
        self.keep_scale(padded, source)
        around = self.constant(name + "_pads", numpy.array([[0, 0], [pads[0], pads[2]], [pads[1], pads[3]], [0, 0]], "int32"))
        inputs, op = [self.tensors[source], around], Op.PAD
        if least:
            op = Op.PADV2
            if self.scales is None:
                inputs.append(self.constant(name + "_least", numpy.array(numpy.finfo("float32").min)))
            else:
                inputs.append(self.whole(name + "_least", numpy.array(-128, "int8"), schema.TensorType.INT8, *self.scales[source]))
        made = (batch, height + pads[0] + pads[2], width + pads[1] + pads[3], channels)
        self.put_operator(op, inputs, padded, made, ("PadV2Options" if least else "PadOptions", {}), self.common())
        return padded

    def keep_scale(self, name, source):
        if self.scales is not None:
            self.scales[name] = self.scales[source]

    def step_maxpool(self, *step):
        self.put_pool(Op.MAX_POOL_2D, *step)

    def step_avgpool(self, *step):
        self.put_pool(Op.AVERAGE_POOL_2D, *step)

    def step_gap(self, name, inputs, given):
        shape = self.shapes[inputs[0]]
        axes = self.constant(name + "_axes", numpy.array([1, 2], "int32"))
        self.put_operator(Op.MEAN, [self.tensors[inputs[0]], axes], name, (shape[0], 1, 1, shape[3]), ("ReducerOptions", {"keepDims": True}), self.common())

    def common(self):
        return 2 if self.scales is not None else 1

    def put_two(self, op, table, name, x, y, shape, relu=False):
        self.put_operator(op, [x, y], name, shape, (table, self.activation({"relu": relu})), self.common())

    def step_add(self, name, inputs, given):
        x, y = [self.tensors[one] for one in inputs]
        self.put_two(Op.ADD, "AddOptions", name, x, y, self.shapes[inputs[0]], given["relu"])

    def step_mul(self, name, inputs, given):
        shapes = [self.shapes[one] for one in inputs]
        x, y = [self.tensors[one] for one in inputs]
        self.put_two(Op.MUL, "MulOptions", name, x, y, max(shapes, key=numpy.prod))

    def step_scale(self, name, inputs, given):
        factor = self.number(name + "_factor", given["factor"])
        self.put_two(Op.MUL, "MulOptions", name, self.tensors[inputs[0]], factor, self.shapes[inputs[0]])

    def put_one(self, op, name, inputs, options=None):
        self.put_operator(op, [self.tensors[inputs[0]]], name, self.shapes[inputs[0]], options, self.common())

    def step_relu(self, name, inputs, given):
        self.put_one(Op.RELU, name, inputs)

    def step_sigmoid(self, name, inputs, given):
        self.put_one(Op.LOGISTIC, name, inputs)

    def step_swish(self, name, inputs, given):
        gate = name + "_gate"
        if self.scales is not None:
            self.scales[gate] = (1 / 256, -128)
        self.put_one(Op.LOGISTIC, gate, inputs)
        self.put_two(Op.MUL, "MulOptions", name, self.tensors[inputs[0]], self.tensors[gate], self.shapes[inputs[0]])

    def step_hswish(self, name, inputs, given):
        x = [self.tensors[inputs[0]]]
        self.put_operator(Op.HARD_SWISH, x, name, self.shapes[inputs[0]], ("HardSwishOptions", {}))

    def step_hardsigmoid(self, name, inputs, given):
        """relu6(x + 3) / 6."""
        up, shape = name + "_up", self.shapes[inputs[0]]
        if self.scales is not None:
            self.scales[up] = (6 / 255, -128)
        relu6 = {"fusedActivationFunction": schema.ActivationFunctionType.RELU6}
        self.put_operator(Op.ADD, [self.tensors[inputs[0]], self.number(name + "_3", 3)], up, shape, ("AddOptions", relu6), self.common())
        self.put_two(Op.MUL, "MulOptions", name, self.tensors[up], self.number(name + "_6", 1 / 6), shape)

    def step_matmul(self, name, inputs, given):
        shapes = [self.shapes[one] for one in inputs]
        made = (*shapes[0][:-1], shapes[1][-1])
        self.put_operator(Op.BATCH_MATMUL, [self.tensors[one] for one in inputs], name, made, ("BatchMatMulOptions", {}), 4 if self.scales is not None else 1)

    def step_softmax(self, name, inputs, given):
        self.put_one(Op.SOFTMAX, name, inputs, ("SoftmaxOptions", {"beta": 1.0}))

    def step_layernorm(self, name, inputs, given):
        if self.scales is not None:
            raise NotRun("a layer normalisation in 8 bits")
        x, shape = self.tensors[inputs[0]], self.shapes[inputs[0]]
        one = shape[:-1] + (1,)

        def mean(of, called):
            axes = self.constant(called + "_axes", numpy.array([len(shape) - 1], "int32"))
            self.put_operator(Op.MEAN, [of, axes], called, one, ("ReducerOptions", {"keepDims": True}))
            return self.tensors[called]

        def two(op, table, called, y, z, made):
            self.put_two(op, table, called, y, z, made)
            return self.tensors[called]

        middle = mean(x, name + "_mean")
        self.put_operator(Op.SQUARED_DIFFERENCE, [x, middle], name + "_squares", shape)
        variance = mean(self.tensors[name + "_squares"], name + "_variance")
        known = two(Op.ADD, "AddOptions", name + "_known", variance, self.number(name + "_epsilon", given["epsilon"]), one)
        self.put_operator(Op.RSQRT, [known], name + "_factor", one)
        self.put_operator(Op.SUB, [x, middle], name + "_apart", shape, ("SubOptions", {"fusedActivationFunction": NONE}))
        normal = two(Op.MUL, "MulOptions", name + "_normal", self.tensors[name + "_apart"], self.tensors[name + "_factor"], shape)
        scaled = two(Op.MUL, "MulOptions", name + "_scaled", normal, self.constant(name + "_scale", given["scale"]), shape)
        two(Op.ADD, "AddOptions", name, scaled, self.constant(name + "_shift", given["shift"]), shape)

    def step_norm(self, name, inputs, given):
        if self.scales is not None:
            sizes = {"strides": [1, 1], "pads": [0] * 4, "dilations": [1, 1], "group": len(given["factor"])}
            return self.step_conv(name, inputs, {"weight": given["factor"].reshape(-1, 1, 1, 1), "bias": given["shift"], **sizes})
        shape = self.shapes[inputs[0]]
        self.put_two(Op.MUL, "MulOptions", name + "_scaled", self.tensors[inputs[0]], self.constant(name + "_factor", given["factor"]), shape)
        self.put_two(Op.ADD, "AddOptions", name, self.tensors[name + "_scaled"], self.constant(name + "_shift", given["shift"]), shape)

    def step_flatten(self, name, inputs, given):
        shape = self.shapes[inputs[0]]
        if len(shape) == 4 and shape[1:3] != (1, 1):
            raise NotRun("Flatten of %s" % (shape,))
        self.put_reshape(name, self.tensors[inputs[0]], (shape[0], int(numpy.prod(shape[1:]))))

    def step_shuffle(self, name, inputs, given):
        batch, height, width, channels = self.shapes[inputs[0]]
        groups = given["groups"]
        apart, dealt, each = name + "_groups", name + "_dealt", channels // groups
        self.keep_scale(apart, inputs[0])
        self.keep_scale(dealt, inputs[0])
        self.put_reshape(apart, self.tensors[inputs[0]], (batch, height, width, groups, each))
        order = self.constant(name + "_order", numpy.array([0, 1, 2, 4, 3], "int32"))
        made = (batch, height, width, each, groups)
        self.put_operator(Op.TRANSPOSE, [self.tensors[apart], order], dealt, made, ("TransposeOptions", {}), self.common())
        self.put_reshape(name, self.tensors[dealt], (batch, height, width, channels))


def convert(network, feeds, cache, eight_bits):
    """Path of the .tflite model of a network; written where it is not there yet."""
    path = os.path.join(cache, "tflite-int8" if eight_bits else "tflite", os.path.splitext(network.file)[0] + ".tflite")
    if not os.path.exists(path):
        given = graph.Graph(network.path)
        scales = quantise.signed_scales(given, network, feeds, cache) if eight_bits else None
        text = Writer(given, scales).write()
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".part", "wb") as file:
            file.write(text)
        os.replace(path + ".part", path)
    return path
