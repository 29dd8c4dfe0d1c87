import cv2
import onnx

from runtimes.base import NotRun, Runtime as Base


class Runtime(Base):
    version = cv2.__version__

    def __init__(self, threads, cache, engine="new", winograd=True):
        super().__init__(threads, cache)
        cv2.setNumThreads(threads)
        self.engine = {"new": cv2.dnn.ENGINE_NEW, "classic": cv2.dnn.ENGINE_CLASSIC}[engine]
        self.winograd = winograd

    def load(self, network, feeds):
        if by_groups(network.path):
            raise NotRun("convolutions by groups, which it gets wrong or writes beyond memory in")
        net = cv2.dnn.readNetFromONNX(network.path, self.engine)
        net.enableWinograd(self.winograd)
        for name, values in feeds.items():
            net.setInput(values, name)
        return net.forward


def by_groups(path):
    """Whether there are convolutions by groups other than depthwise ones."""
    graph = onnx.load(path).graph
    channels = {one.name: one.dims[1] for one in graph.initializer if len(one.dims) == 4}
    groups = [(one.i, node.input[1]) for node in graph.node if node.op_type == "Conv" for one in node.attribute if one.name == "group"]
    return any(group > 1 and channels[weight] > 1 for group, weight in groups)
