"""Measures the networks of this kit by OpenVINO. Needs: pip install openvino numpy"""

import numpy
import openvino

import protocol

parser = protocol.options("OpenVINO")
parser.add_argument("--device", default="CPU", help="of %s" % ", ".join(openvino.Core().available_devices))
parser.add_argument("--precision", help="f32, bf16, f16; left out, what OpenVINO thinks fit")
arguments = parser.parse_args()
core = openvino.Core()


def load(network):
    settings = {"PERFORMANCE_HINT": "LATENCY"}
    if arguments.device == "CPU":
        settings.update({"INFERENCE_NUM_THREADS": arguments.threads, "NUM_STREAMS": 1})
    if arguments.precision:
        settings["INFERENCE_PRECISION_HINT"] = arguments.precision
    request = core.compile_model(network.path, arguments.device, settings).create_infer_request()
    values = numpy.sin(numpy.arange(numpy.prod(network.input_shape), dtype="float32")).reshape(network.input_shape)
    request.set_input_tensor(openvino.Tensor(values))
    return request.infer


settings = {"device": arguments.device, "precision": arguments.precision or "default"}
protocol.main("openvino", openvino.__version__.split("-")[0], load, arguments, settings)
