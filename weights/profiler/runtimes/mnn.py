import contextlib
import ctypes
import importlib.metadata
import os

import MNN
import numpy

from runtimes.base import NotRun, Runtime as Base


class Runtime(Base):
    version = importlib.metadata.version("MNN")

    def __init__(self, threads, cache):
        super().__init__(threads, cache)
        self.settings = {"backend": "CPU", "numThread": threads, "precision": "high"}

    def prepare(self, network, feeds):
        path = os.path.join(self.cache, "mnn", os.path.splitext(network.file)[0] + ".mnn")
        if not os.path.exists(path):
            import _tools

            os.makedirs(os.path.dirname(path), exist_ok=True)
            with silence():
                _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", network.path, "--MNNModel", path + ".part", "--bizCode", "latencast"])
            if not os.path.exists(path + ".part"):
                raise NotRun("the converter fails")
            os.replace(path + ".part", path)
        return path

    def load(self, network, feeds):
        interpreter = MNN.Interpreter(self.prepare(network, feeds))
        with silence():
            session = interpreter.createSession(self.settings)
        inputs = interpreter.getSessionInputAll(session)
        for name, values in feeds.items():
            given = MNN.Tensor(values.shape, MNN.Halide_Type_Float, values, MNN.Tensor_DimensionType_Caffe)
            inputs[name].copyFrom(given)
        run_session = interpreter.runSession

        def run():
            run_session(session)
            return interpreter, session

        return run

    def answer(self, network, result):
        interpreter, session = result
        output = interpreter.getSessionOutput(session)
        name, shape = network.output
        found = MNN.Tensor(shape, MNN.Halide_Type_Float, numpy.zeros(shape, "float32"), MNN.Tensor_DimensionType_Caffe)
        output.copyToHostTensor(found)
        return numpy.array(found.getNumpyData())


@contextlib.contextmanager
def silence():
    """MNN writes to the standard output itself."""
    write_out = ctypes.CDLL(None).fflush
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        write_out(None)
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
