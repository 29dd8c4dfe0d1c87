"""Kernels and networks as ncnn's .param and .bin files, in the form that pnnx gives them; pnnx itself takes seconds a model.
Layers and their parameters: https://github.com/Tencent/ncnn/blob/master/docs/developer-guide/operators.md"""

import collections
import os

import numpy

import graph
from runtimes.base import NotRun


class Writer:
    def __init__(self, given):
        self.given, self.steps = given, graph.steps(given)
        self.lines, self.weights, self.blobs = [], [], set()
        # Where a result is read more than once, a Split gives each reader its own.
        self.readers = collections.Counter(name for step in self.steps for name in step.inputs)
        self.copies = collections.defaultdict(list)
        # Results of one number a channel, which ncnn has without height and width.
        self.flat = {name for name, shape in given.inputs if len(shape) == 2 and shape[0] == 1}

    def line(self, kind, inputs, outputs, parameters=()):
        own = " ".join("%d=%s" % pair for pair in dict(parameters).items())
        self.lines.append("%s %s_%d %d %d %s" % (kind, kind, len(self.lines), len(inputs), len(outputs), " ".join(list(inputs) + list(outputs) + [own])))
        self.blobs.update(outputs)

    def result(self, name):
        count = self.readers[name]
        if count > 1:
            self.copies[name] = ["%s_%d" % (name, i) for i in range(count)]
            self.line("Split", [name], self.copies[name])

    def read(self, name):
        return self.copies[name].pop() if name in self.copies else name

    def values(self, array, flagged=True):
        """Weights in single precision; of a layer's first the file says so."""
        self.weights.append((b"\0\0\0\0" if flagged else b"") + numpy.ascontiguousarray(array, "<f4").tobytes())

    def write(self):
        for i, (name, _) in enumerate(self.given.inputs):
            self.line("Input", [], [name])
            self.result(name)
        for step in self.steps:
            put = getattr(self, "put_" + step.op, None)
            if put is None:
                raise NotRun(step.op)
            inputs = [self.read(name) for name in step.inputs]
            put(step, inputs, step.output)
            if step.op not in ("fc", "gap", "conv", "flatten") and all(name in self.flat for name in step.inputs):
                self.flat.add(step.output)
            self.result(step.output)
        text = "7767517\n%d %d\n%s\n" % (len(self.lines), len(self.blobs), "\n".join(self.lines))
        return text.encode(), b"".join(self.weights)

    def put_conv(self, step, inputs, name):
        given, weight = step.given, step.given["weight"]
        if step.inputs[0] in self.flat:
            if weight.shape[2:] != (1, 1) or given["group"] != 1:
                raise NotRun("a window on a single pixel")
            return self.put_product(step, inputs, name, weight.reshape(len(weight), -1))
        top, left, bottom, right = given["pads"]
        parameters = {
            **{0: len(weight), 1: weight.shape[3], 11: weight.shape[2], 2: given["dilations"][1], 12: given["dilations"][0]},
            **{3: given["strides"][1], 13: given["strides"][0], 4: left, 14: top, 15: right, 16: bottom, 5: 1, 6: weight.size},
        }
        if given["group"] > 1:
            parameters[7] = given["group"]
        if given["relu"]:
            parameters[9] = 1
        self.line("ConvolutionDepthWise" if given["group"] > 1 else "Convolution", inputs, [name], parameters)
        self.values(weight)
        self.values(given["bias"], False)

    def put_product(self, step, inputs, name, weight):
        parameters = {0: len(weight), 1: 1, 2: weight.size}
        if step.given["relu"]:
            parameters[9] = 1
        self.line("InnerProduct", inputs, [name], parameters)
        self.values(weight)
        self.values(step.given["bias"], False)
        if step.inputs[0] in self.flat:
            self.flat.add(name)

    def put_fc(self, step, inputs, name):
        self.put_product(step, inputs, name, step.given["weight"])

    def put_pool(self, step, inputs, name, kind):
        given = step.given
        top, left, bottom, right = given["pads"]
        sizes = {0: kind, 1: given["size"][1], 11: given["size"][0], 2: given["strides"][1], 12: given["strides"][0]}
        self.line("Pooling", inputs, [name], {**sizes, 3: left, 13: top, 14: right, 15: bottom, 5: 1, **({6: 0} if kind else {})})

    def put_maxpool(self, step, inputs, name):
        self.put_pool(step, inputs, name, 0)

    def put_avgpool(self, step, inputs, name):
        self.put_pool(step, inputs, name, 1)

    def put_gap(self, step, inputs, name):
        self.line("Pooling", inputs, [name], {0: 1, 4: 1})
        self.flat.add(name)

    def put_two(self, step, inputs, name, kind):
        order = sorted(range(2), key=lambda i: -numpy.prod(self.given.shapes[step.inputs[i]]))
        self.line("BinaryOp", [inputs[i] for i in order], [name], {0: kind})

    def put_add(self, step, inputs, name):
        if step.given["relu"]:
            self.put_two(step, inputs, name + "_sum", 0)
            return self.line("ReLU", [name + "_sum"], [name])
        self.put_two(step, inputs, name, 0)

    def put_mul(self, step, inputs, name):
        self.put_two(step, inputs, name, 2)

    def put_scale(self, step, inputs, name):
        self.line("BinaryOp", inputs, [name], {0: 2, 1: 1, 2: "%e" % step.given["factor"]})

    def put_norm(self, step, inputs, name):
        count = len(step.given["factor"])
        self.line("Scale", inputs, [name], {0: count, 1: 1})
        self.values(step.given["factor"], False)
        self.values(step.given["shift"], False)

    def put_relu(self, step, inputs, name):
        self.line("ReLU", inputs, [name])

    def put_sigmoid(self, step, inputs, name):
        self.line("Sigmoid", inputs, [name])

    def put_hardsigmoid(self, step, inputs, name):
        self.line("HardSigmoid", inputs, [name], {0: "1.666667e-1", 1: "5.000000e-1"})

    def put_swish(self, step, inputs, name):
        self.line("Swish", inputs, [name])

    def put_hswish(self, step, inputs, name):
        self.line("HardSwish", inputs, [name], {0: "1.666667e-1", 1: "5.000000e-1"})

    def put_matmul(self, step, inputs, name):
        self.line("MatMul", inputs, [name])

    def put_softmax(self, step, inputs, name):
        rank = 1 if step.inputs[0] in self.flat else len(self.given.shapes[step.inputs[0]])
        self.line("Softmax", inputs, [name], {0: rank - 1, 1: 1})

    def put_layernorm(self, step, inputs, name):
        self.line("LayerNorm", inputs, [name], {0: len(step.given["scale"]), 1: "%e" % step.given["epsilon"], 2: 1})
        self.values(step.given["scale"], False)
        self.values(step.given["shift"], False)

    def put_flatten(self, step, inputs, name):
        if step.inputs[0] not in self.flat:
            self.line("Flatten", inputs, [name])
        else:
            self.line("Noop", inputs, [name])
        self.flat.add(name)

    def put_shuffle(self, step, inputs, name):
        self.line("ShuffleChannel", inputs, [name], {0: step.given["groups"]})


def convert(network, cache):
    """Paths of the .param and the .bin file of a network; written where they are not there yet."""
    base = os.path.join(cache, "ncnn", os.path.splitext(network.file)[0])
    paths = base + ".param", base + ".bin"
    if not all(map(os.path.exists, paths)):
        texts = Writer(graph.Graph(network.path)).write()
        os.makedirs(os.path.dirname(base), exist_ok=True)
        for path, text in zip(paths, texts):
            with open(path + ".part", "wb") as file:
                file.write(text)
            os.replace(path + ".part", path)
    return paths
