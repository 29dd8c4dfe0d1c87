import importlib.metadata

from ai_edge_litert.interpreter import Interpreter, OpResolverType

import quantise
import tflite
from runtimes.base import Runtime as Base


class Runtime(Base):
    version = importlib.metadata.version("ai-edge-litert")

    def __init__(self, threads, cache, kernels="XNNPACK", quantised=False):
        super().__init__(threads, cache)
        self.quantised = quantised
        self.kernels = {
            "XNNPACK": OpResolverType.BUILTIN,
            "built-in": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            "reference": OpResolverType.BUILTIN_REF,
        }[kernels]

    def prepare(self, network, feeds):
        tflite.convert(network, feeds, self.cache, self.quantised)

    def load(self, network, feeds):
        path = tflite.convert(network, feeds, self.cache, self.quantised)
        interpreter = Interpreter(path, num_threads=self.threads, experimental_op_resolver_type=self.kernels)
        interpreter.allocate_tensors()
        for given, values in zip(interpreter.get_input_details(), feeds.values()):
            if values.ndim == 4:
                values = values.transpose(0, 2, 3, 1)
            if self.quantised:
                values = quantise.whole_numbers(values, *given["quantization"], "int8")
            interpreter.set_tensor(given["index"], values)
        invoke = interpreter.invoke

        def run():
            invoke()
            return interpreter

        return run

    def answer(self, network, result):
        [given] = result.get_output_details()
        values = result.get_tensor(given["index"])
        if self.quantised:
            values = quantise.real_numbers(values, *given["quantization"])
        return values.transpose(0, 3, 1, 2) if values.ndim == 4 else values

    def step(self, network, result):
        return result.get_output_details()[0]["quantization"][0]
