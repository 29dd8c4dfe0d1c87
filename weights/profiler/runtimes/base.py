"""What the profiler asks of a runtime."""

import numpy
import protocol


class NotRun(Exception):
    """The runtime, or the way to it, has no such kernel."""


class Runtime:
    """Made once in a process: `threads`, the folder for converted models, then the settings of its platform."""

    version = ""
    # Of models, in bytes, where there is a limit other than the machine's memory.
    most_held = float("inf")

    def __init__(self, threads, cache):
        self.threads, self.cache = threads, cache

    def load(self, network, feeds):
        """A function that runs the network once on these inputs (arrays by name) and returns what the runtime returns."""
        raise NotImplementedError

    def answer(self, network, result):
        """That as an array, laid out as in ONNX."""
        return numpy.asarray(result)

    def step(self, network, result):
        """Between neighbouring numbers of the answer, where it is of whole numbers."""
        return 0.0

    def visit(self, run, tick_ms, numbers):
        """Milliseconds a run."""
        return protocol.visit(run, tick_ms, numbers)

    def prepare(self, network, feeds):
        """Converts ahead what takes long to convert."""
