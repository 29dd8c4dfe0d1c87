"""Measures the networks of this kit by LiteRT on the CPU. Needs: pip install ai-edge-litert numpy"""

import importlib.metadata

import numpy
from ai_edge_litert.interpreter import Interpreter

import protocol
import to_tflite

arguments = protocol.options("LiteRT").parse_args()


def load(network):
    # XNNPACK takes part by default.
    interpreter = Interpreter(to_tflite.convert(network), num_threads=arguments.threads)
    interpreter.allocate_tensors()
    [given] = interpreter.get_input_details()
    values = numpy.sin(numpy.arange(numpy.prod(given["shape"]), dtype="float32")).reshape(given["shape"])
    interpreter.set_tensor(given["index"], values)
    return interpreter.invoke


protocol.main("litert", importlib.metadata.version("ai-edge-litert"), load, arguments)
