"""What is measured: a folder of ONNX models and its manifest, what they are fed, and what they should answer."""

import collections
import hashlib
import json
import os

import numpy

# Of every answer so many numbers are compared.
SAMPLES = 64

Network = collections.namedtuple("Network", "arch file path inputs output bytes references")


def read(folder):
    """The networks of a manifest: kernels in its order, whole networks one of each family in turn, so that the first so many are
    a fair sample."""
    path = os.path.join(folder, "manifest.json")
    with open(path, encoding="utf-8") as file:
        manifest = json.load(file)
    if manifest.get("format") != "latencast-kernels" or manifest.get("version") != 1:
        raise SystemExit("%s: format latencast-kernels, version 1 expected" % path)
    found = [
        Network(
            one["arch"],
            one["file"],
            os.path.join(folder, one["file"]),
            [(each["name"], tuple(each["shape"])) for each in one["inputs"]],
            (one["output"]["name"], tuple(one["output"]["shape"])),
            one["bytes"],
            one.get("references", []),
        )
        for one in manifest["networks"]
    ]
    return found if all("," in network.arch for network in found) else in_turn(found)


def in_turn(listed):
    """The first of every kind, then the second of every kind, and so on."""
    seen, order = collections.Counter(), []
    for network in listed:
        order.append(seen[kind(network)])
        seen[kind(network)] += 1
    return [network for _, network in sorted(zip(order, listed), key=lambda pair: pair[0])]


def kind(network):
    """Type of a kernel, such as dwconv, alone or inside a network; of a network, such as ofa-3, its family."""
    return network.arch.split(",")[0].rsplit("-", 1)[0].split(" ")[-1]


class Feeds:
    """The inputs of networks: waves, of which a network takes the beginning. Networks share them, so that those of thousands fit
    into memory; the inputs of one network do not."""

    def __init__(self, networks):
        self.waves = []
        for place in range(max(len(network.inputs) for network in networks)):
            count = max(
                int(numpy.prod(network.inputs[place][1])) for network in networks if len(network.inputs) > place
            )
            # Not all about zero: what is summed up should not cancel, or its rounding errors are all that remains.
            self.waves.append(numpy.sin(numpy.arange(count, dtype="float32") * (1 + 0.1 * place)) + numpy.float32(0.5 * place))

    def __call__(self, network):
        """Arrays by name."""
        return {
            name: wave[: int(numpy.prod(shape))].reshape(shape) for (name, shape), wave in zip(network.inputs, self.waves)
        }


def sample(values):
    """Some numbers of an answer, evenly from all of it."""
    flat = numpy.asarray(values, "float32").reshape(-1)
    return flat[numpy.arange(SAMPLES) * flat.size // SAMPLES]


def distance(found, expected, step=0.0):
    """Between samples: root of the mean square of their difference, relative to that of what is expected. What is within one step
    of the whole numbers of an answer does not count."""
    size = float(numpy.sqrt(numpy.mean(numpy.square(expected, dtype="float64"))))
    beyond = numpy.maximum(numpy.abs(found.astype("float64") - expected) - step, 0)
    apart = float(numpy.sqrt(numpy.mean(numpy.square(beyond))))
    return apart / max(size, 1e-12)


def answers(networks, feeds, cache):
    """A sample of the answer to every network, by ONNX Runtime in single precision: (networks, SAMPLES)."""
    listed = json.dumps([[network.path, network.arch, network.bytes] for network in networks])
    path = os.path.join(cache, "answers-%s.npy" % hashlib.sha256(listed.encode()).hexdigest()[:16])
    if os.path.exists(path):
        return numpy.load(path)
    import onnxruntime

    found = numpy.full((len(networks), SAMPLES), numpy.nan, "float32")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # As the model says it: nothing is rearranged.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    for i, network in enumerate(networks):
        session = onnxruntime.InferenceSession(network.path, options, providers=["CPUExecutionProvider"])
        found[i] = sample(session.run(None, feeds(network))[0])
    os.makedirs(cache, exist_ok=True)
    numpy.save(path + ".part.npy", found)
    os.replace(path + ".part.npy", path)
    return found
