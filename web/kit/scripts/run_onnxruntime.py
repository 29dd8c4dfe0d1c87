"""Measures the networks of this kit by ONNX Runtime. Needs: pip install onnxruntime numpy"""

import numpy
import onnxruntime

import protocol

parser = protocol.options("ONNX Runtime")
parser.add_argument("--provider", default="CPUExecutionProvider", help="of %s" % ", ".join(onnxruntime.get_available_providers()))
parser.add_argument("--level", default="all", choices=["basic", "extended", "all"], help="of graph optimisation; all: with layouts of the processor's own")
arguments = parser.parse_args()


def load(network):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, "ORT_ENABLE_" + arguments.level.upper())
    session = onnxruntime.InferenceSession(network.path, options, providers=[arguments.provider])
    feeds = {network.input_name: numpy.sin(numpy.arange(numpy.prod(network.input_shape), dtype="float32")).reshape(network.input_shape)}
    return lambda: session.run(None, feeds)


protocol.main("onnxruntime", onnxruntime.__version__, load, arguments, {"provider": arguments.provider, "level": arguments.level})
