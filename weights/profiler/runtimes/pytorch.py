import torch
import torch.nn.functional as F
import torch_network

import graph
from runtimes.base import NotRun, Runtime as Base


class Network(torch_network.Network):
    """With the operators that a kit's networks have not."""

    def step(self, node):
        op, given, inputs = node.op, node.attributes, node.inputs
        weights = self.graph.weights
        pads = given.get("pads", [0] * 4)
        if op in ("Conv", "AveragePool", "MaxPool") and pads[:2] != pads[2:]:
            if op == "AveragePool":
                if any(pads[:2]):
                    raise NotRun("an average of a window that is padded more at one end")
                # Windows that reach beyond the end count what is there.
                return lambda x: F.avg_pool2d(x, given["kernel_shape"], given["strides"], 0, ceil_mode=True)
            around = torch.nn.ConstantPad2d((pads[1], pads[3], pads[0], pads[2]), float("-inf") if op == "MaxPool" else 0.0)
            inner = self.step(node._replace(attributes=dict(given, pads=[0] * 4)))
            return lambda x: inner(around(x))
        if op == "Conv" and any(one != 1 for one in given.get("dilations", [1])):
            layer = super().step(node)
            layer.dilation = tuple(given["dilations"])
            return layer
        if op == "MaxPool":
            return lambda x: F.max_pool2d(x, given["kernel_shape"], given["strides"], pads[:2])
        if op == "LayerNormalization":
            scale, shift = self.weight(inputs[1]), self.weight(inputs[2])
            norm = torch.nn.LayerNorm(scale.shape, eps=given.get("epsilon", 1e-5))
            return self.layer(norm, weight=scale, bias=shift)
        if op == "Mul" and inputs[0] in weights:
            return self.step(node._replace(inputs=inputs[::-1]))
        if op in ("Softmax", "Sigmoid", "MatMul"):
            return {"Softmax": lambda x: torch.softmax(x, given.get("axis", -1)), "Sigmoid": torch.sigmoid, "MatMul": torch.matmul}[op]
        try:
            return super().step(node)
        except KeyError:
            raise NotRun(op)

    def forward(self, *inputs):
        return self.through({name: values for (name, _), values in zip(self.graph.inputs, inputs)})


class Runtime(Base):
    version = torch.__version__

    def __init__(self, threads, cache, fused=False, channels_last=False, kind="float32", onednn=True):
        super().__init__(threads, cache)
        self.fused, self.channels_last, self.kind = fused, channels_last, getattr(torch, kind)
        torch.set_num_threads(threads)
        torch.backends.mkldnn.enabled = onednn
        # For the whole process, as it does nothing else.
        self.mode = torch.inference_mode() if not fused else torch.no_grad()
        self.mode.__enter__()

    def load(self, network, feeds):
        model = Network(graph.Graph(network.path)).eval().to(self.kind)
        given = [torch.from_numpy(values).to(self.kind) for values in feeds.values()]
        if self.channels_last:
            model = model.to(memory_format=torch.channels_last)
            given = [one.contiguous(memory_format=torch.channels_last) if one.dim() == 4 else one for one in given]
        if self.fused:
            model = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(model, given, check_trace=False)))
            # The first runs are what it is specialised by.
            for _ in range(2):
                model(*given)
        return lambda: model(*given)

    def answer(self, network, result):
        return result.to(torch.float32).contiguous().numpy()
