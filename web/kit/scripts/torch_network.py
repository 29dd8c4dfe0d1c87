"""The networks of a kit as modules of PyTorch. Needs: pip install torch numpy"""

import torch
import torch.nn.functional as F


class Network(torch.nn.Module):
    """An ONNX graph of a kit, operator by operator."""

    def __init__(self, graph):
        super().__init__()
        self.graph, self.steps = graph, []
        self.layers = torch.nn.ModuleList()
        for node in graph.nodes:
            self.steps.append((self.step(node), [name for name in node.inputs if name not in graph.weights], node.output))
        # Nothing is kept longer than it is needed, as in a program written by hand.
        last = {name: i for i, (_, inputs, _) in enumerate(self.steps) for name in inputs}
        self.done = [[name for name in set(inputs) if last[name] == i] for i, (_, inputs, _) in enumerate(self.steps)]

    def weight(self, name):
        return torch.tensor(self.graph.weights[name])

    def layer(self, layer, **tensors):
        for name, values in tensors.items():
            getattr(layer, name).data = values
        self.layers.append(layer)
        return layer

    def step(self, node):
        op, inputs, given = node.op, node.inputs, node.attributes
        if op in ("Conv", "Gemm"):
            weight = self.weight(inputs[1])
            tensors = {"weight": weight, **({"bias": self.weight(inputs[2])} if len(inputs) > 2 else {})}
            has_bias = len(inputs) > 2
            if op == "Gemm":
                return self.layer(torch.nn.Linear(weight.shape[1], weight.shape[0], has_bias), **tensors)
            groups = given.get("group", 1)
            sizes = {"stride": given.get("strides", 1), "padding": given["pads"][:2] if "pads" in given else 0}
            convolution = torch.nn.Conv2d(weight.shape[1] * groups, weight.shape[0], weight.shape[2:], groups=groups, bias=has_bias, **sizes)
            return self.layer(convolution, **tensors)
        if op == "BatchNormalization":
            scale, shift, mean, variance = [self.weight(name) for name in inputs[1:]]
            norm = torch.nn.BatchNorm2d(len(scale), eps=given.get("epsilon", 1e-5))
            return self.layer(norm, weight=scale, bias=shift, running_mean=mean, running_var=variance)
        if op == "AveragePool":
            size, stride, pad = given["kernel_shape"], given["strides"], given["pads"][:2]
            return lambda x: F.avg_pool2d(x, size, stride, pad, count_include_pad=False)
        if op == "Reshape":
            shape = self.graph.weights[inputs[1]].tolist()
            return lambda x: x.reshape(shape)
        if op == "Transpose":
            return lambda x: x.permute(given["perm"])
        if op == "Mul" and inputs[1] in self.graph.weights:
            factor = float(self.graph.weights[inputs[1]])
            return lambda x: x * factor
        plain = {
            "Relu": F.relu,
            "HardSigmoid": F.hardsigmoid,
            "GlobalAveragePool": lambda x: F.adaptive_avg_pool2d(x, 1),
            "Flatten": lambda x: torch.flatten(x, 1),
            "Add": torch.add,
            "Mul": torch.mul,
        }
        return plain[op]

    def forward(self, x):
        return self.through({self.graph.input_name: x})

    def through(self, values):
        """The output, given the inputs by name."""
        for (step, inputs, output), done in zip(self.steps, self.done):
            values[output] = step(*[values[name] for name in inputs])
            for name in done:
                del values[name]
        return values[self.graph.output_name]
