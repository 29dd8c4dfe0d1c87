"""Measures the networks of this kit by ncnn. Needs: pip install ncnn numpy && pip install --no-deps pnnx

ncnn does not read ONNX: every network is converted once by pnnx, into the folder ncnn/.
"""

import importlib.util
import os
import subprocess
import tempfile

import ncnn
import numpy

import protocol

parser = protocol.options("ncnn")
parser.add_argument("--vulkan", action="store_true", help="on the GPU")
arguments = parser.parse_args()
converted = os.path.join(protocol.FOLDER, "ncnn")


def converter():
    """pnnx's program, found without importing its package, which would import PyTorch."""
    found = importlib.util.find_spec("pnnx")
    if found is None:
        raise SystemExit("pnnx is not installed: pip install --no-deps pnnx")
    folder = os.path.dirname(found.origin)
    return os.path.join(folder, "pnnx.exe" if os.name == "nt" else "pnnx")


def convert(network):
    """Paths of the .param and .bin files."""
    name = os.path.splitext(network.file)[0]
    param, weights = [os.path.join(converted, name + ending) for ending in (".ncnn.param", ".ncnn.bin")]
    if os.path.exists(param) and os.path.exists(weights):
        return param, weights
    os.makedirs(converted, exist_ok=True)
    # pnnx writes beside its input, and more than is needed.
    with tempfile.TemporaryDirectory(dir=converted) as scratch:
        model = os.path.join(scratch, "model.onnx")
        with open(network.path, "rb") as source, open(model, "wb") as target:
            target.write(source.read())
        shape = "[%s]" % ",".join(map(str, network.input_shape))
        run = subprocess.run(
            [converter(), model, "inputshape=" + shape, "fp16=0"], cwd=scratch, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        made = [os.path.join(scratch, "model.ncnn" + ending) for ending in (".param", ".bin")]
        if run.returncode != 0 or not all(map(os.path.exists, made)):
            raise SystemExit("pnnx could not convert %s:\n%s" % (network.file, run.stdout.decode(errors="replace")))
        os.replace(made[1], weights)
        os.replace(made[0], param)
    return param, weights


def load(network):
    param, weights = convert(network)
    net = ncnn.Net()
    net.opt.num_threads = arguments.threads
    net.opt.use_vulkan_compute = arguments.vulkan
    net.load_param(param)
    net.load_model(weights)
    source = numpy.sin(numpy.arange(numpy.prod(network.input_shape), dtype="float32")).reshape(network.input_shape[1:])
    image = ncnn.Mat(source)

    def run():
        extractor = net.create_extractor()
        # As pnnx calls them.
        extractor.input("in0", image)
        status, result = extractor.extract("out0")
        if status != 0:
            raise SystemExit("ncnn could not run %s (%d)" % (network.file, status))
        return result

    # The pixels are numpy's; the matrix only points to them.
    run.source = source
    return run


protocol.main("ncnn", ncnn.__version__, load, arguments, {"vulkan": arguments.vulkan})
