import tract

from runtimes.base import Runtime as Base


class Runtime(Base):
    version = tract.version()

    def load(self, network, feeds):
        model = tract.onnx().load(network.path)
        state = model.into_model().into_runnable().spawn_state()
        given = [tract.Tensor.from_numpy(values) for values in feeds.values()]
        return lambda: state.run(given)

    def answer(self, network, result):
        return result[0].to_numpy()
