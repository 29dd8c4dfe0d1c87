"""Measures the networks of this kit by PyTorch. Needs: pip install torch numpy"""

import torch

import onnx_graph
import protocol
import torch_network

parser = protocol.options("PyTorch")
parser.add_argument("--device", default="cpu", help="cpu, cuda, mps")
parser.add_argument("--compile", action="store_true", help="through torch.compile")
arguments = parser.parse_args()
torch.set_num_threads(arguments.threads)


def wait():
    if arguments.device != "cpu":
        getattr(torch, arguments.device.split(":")[0]).synchronize()


def load(network):
    model = torch_network.Network(onnx_graph.read(network.path)).eval().to(arguments.device)
    if arguments.compile:
        model = torch.compile(model)
    count = 1
    for length in network.input_shape:
        count *= length
    image = torch.arange(count, dtype=torch.float32).sin().reshape(network.input_shape).to(arguments.device)

    def run():
        with torch.inference_mode():
            result = model(image)
        wait()
        return result

    return run


settings = {"device": arguments.device, "compile": arguments.compile}
protocol.main("pytorch", torch.__version__, load, arguments, settings)
