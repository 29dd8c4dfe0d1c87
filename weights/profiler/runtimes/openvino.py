import openvino

import quantise
from runtimes.base import Runtime as Base


class Runtime(Base):
    version = openvino.__version__.split("-")[0]

    def __init__(self, threads, cache, precision="f32", quantised=False):
        super().__init__(threads, cache)
        self.quantised = quantised
        self.core = openvino.Core()
        self.settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": precision,
        }

    def load(self, network, feeds):
        path, scale = network.path, None
        if self.quantised:
            path, feeds, scale = quantise.convert(network, feeds, self.cache)
        request = self.core.compile_model(path, "CPU", self.settings).create_infer_request()
        for name, values in feeds.items():
            request.set_tensor(name, openvino.Tensor(values))
        infer = request.infer

        def run():
            infer()
            return request, scale

        return run

    def answer(self, network, result):
        request, scale = result
        values = request.get_output_tensor(0).data
        return quantise.real_numbers(values, *scale) if scale else values

    def step(self, network, result):
        _, scale = result
        return scale[0] if scale else 0.0
