import cv2

from runtimes.base import Runtime as Base


class Runtime(Base):
    version = cv2.__version__

    def __init__(self, threads, cache, engine="new", winograd=True):
        super().__init__(threads, cache)
        cv2.setNumThreads(threads)
        self.engine = {"new": cv2.dnn.ENGINE_NEW, "classic": cv2.dnn.ENGINE_CLASSIC}[engine]
        self.winograd = winograd

    def load(self, network, feeds):
        net = cv2.dnn.readNetFromONNX(network.path, self.engine)
        net.enableWinograd(self.winograd)
        for name, values in feeds.items():
            net.setInput(values, name)
        return net.forward
