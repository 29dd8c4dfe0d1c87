"""What runs in Node: ONNX Runtime Web and TensorFlow.js, by node/server.mjs. The packages are where LATENCAST_NODE says."""

import json
import os
import subprocess
import tempfile

import numpy
import protocol

import graph
import networks
from runtimes.base import NotRun, Runtime as Base

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "node")


class Runtime(Base):
    def __init__(self, threads, cache, name, **settings):
        super().__init__(threads, cache)
        # Of 2 or 4 GiB that WebAssembly has; weights are there twice.
        self.most_held = 1.4e9 if name == "onnxruntime-web" else 6e8
        packages = os.environ.get("LATENCAST_NODE")
        if not packages:
            raise SystemExit("LATENCAST_NODE: the folder whose node_modules has node/packages.txt expected")
        self.steps = name == "tfjs"
        command = ["node", "--no-warnings", os.path.join(FOLDER, "server.mjs"), name, packages, json.dumps(dict(settings, threads=threads))]
        self.server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8")
        self.version = self.ask(None)["version"]
        self.scratch = tempfile.TemporaryDirectory()
        self.count, self.waves = 0, {}

    def ask(self, what):
        if what is not None:
            self.server.stdin.write(json.dumps(what) + "\n")
            self.server.stdin.flush()
        while True:
            line = self.server.stdout.readline()
            if not line:
                raise SystemExit("node ended")
            if line.startswith("{"):
                break
        said = json.loads(line)
        if "error" in said:
            raise NotRun(said["error"])
        return said

    def input_file(self, name, values):
        """Of which a network reads the beginning: inputs are the beginnings of a few waves."""
        place = self.waves.get(name)
        if place is None or os.path.getsize(place) < values.nbytes:
            place = os.path.join(self.scratch.name, name)
            # The wave itself, where this is a view of it.
            whole = values.base if values.base is not None else values
            with open(place, "wb") as file:
                file.write(numpy.ascontiguousarray(whole).tobytes())
            self.waves[name] = place
        return place

    def load(self, network, feeds):
        self.count += 1
        asked = {"load": self.count, "samples": networks.SAMPLES, "path": os.path.abspath(network.path), "output": network.output[0]}
        asked["inputs"] = [
            {"name": name, "shape": values.shape, "file": self.input_file("%d" % place, values)}
            for place, (name, values) in enumerate(feeds.items())
        ]
        if self.steps:
            asked["steps"], asked["weights"] = self.described(graph.Graph(network.path))
        number, answer = self.count, self.ask(asked)["answer"]

        def run():
            return answer

        run.number = number
        return run

    def described(self, given):
        """Steps as JSON, and the file of their weights, channels last."""
        steps, data, at = [], [], 0
        for step in graph.steps(given):
            arrays = {name: value for name, value in step.given.items() if isinstance(value, numpy.ndarray)}
            plain = {name: value for name, value in step.given.items() if name not in arrays}
            if step.op == "conv":
                weight = arrays["weight"]
                plain["depthwise"] = plain["group"] > 1 and weight.shape[1] == 1
                if plain["depthwise"]:
                    # (height, width, in, multiplier)
                    group = plain["group"]
                    weight = weight.reshape(group, -1, *weight.shape[2:]).transpose(2, 3, 0, 1)
                else:
                    weight = weight.transpose(2, 3, 1, 0)
                arrays["weight"] = weight
            if step.op == "fc":
                arrays["weight"] = arrays["weight"].T
            if step.op == "avgpool" and any(plain["pads"]):
                arrays["counted"] = graph.counted(given.shapes[step.inputs[0]][2:], plain["size"], plain["strides"], plain["pads"])
            weights = []
            for name, value in arrays.items():
                text = numpy.ascontiguousarray(value, "<f4").tobytes()
                weights.append({"name": name, "shape": value.shape, "at": at})
                data.append(text)
                at += len(text)
            steps.append({"op": step.op, "inputs": step.inputs, "output": step.output, "given": plain, "weights": weights})
        path = os.path.join(self.scratch.name, "weights")
        with open(path, "wb") as file:
            file.write(b"".join(data))
        return steps, path

    def answer(self, network, result):
        return numpy.array(result, "float32")

    def visit(self, run, tick_ms, numbers):
        plan = {name: numbers[name] for name in ("visit_ms", "fewest_readings", "most_readings", "low_quantile")}
        return self.ask({"visit": run.number, "ticks": protocol.TICKS, "tick_ms": 1e-4, **plan})["ms"]
