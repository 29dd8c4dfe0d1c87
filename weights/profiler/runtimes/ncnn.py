import ncnn
import numpy

import ncnn_model
from runtimes.base import NotRun, Runtime as Base

# As in ncnn's own benchmark. They have to outlive every network.
ALLOCATORS = {"blob_allocator": ncnn.UnlockedPoolAllocator(), "workspace_allocator": ncnn.PoolAllocator()}

class Runtime(Base):
    version = ncnn.__version__

    def __init__(self, threads, cache, bf16=False, winograd=True, sgemm=True, packing=True):
        super().__init__(threads, cache)
        self.options = {
            "num_threads": threads,
            "use_vulkan_compute": False,
            "use_fp16_packed": False,
            "use_fp16_storage": False,
            "use_fp16_arithmetic": False,
            "use_bf16_storage": bf16,
            "use_winograd_convolution": winograd,
            "use_sgemm_convolution": sgemm,
            "use_packing_layout": packing,
            **ALLOCATORS,
        }

    def prepare(self, network, feeds):
        ncnn_model.convert(network, self.cache)

    def load(self, network, feeds):
        param, weights = ncnn_model.convert(network, self.cache)
        net = ncnn.Net()
        for name, value in self.options.items():
            setattr(net.opt, name, value)
        if net.load_param(param) != 0 or net.load_model(weights) != 0:
            raise NotRun("not loaded")
        given = []
        for name, values in feeds.items():
            # One image, or rows that may be a single one.
            image = values[0] if values.ndim == 4 or (values.ndim == 2 and len(values) == 1) else values
            # Its own copy: an operator that works in place asks who else reads what it is given.
            given.append((name, ncnn.Mat(image).clone()))
        output, _ = network.output

        def run():
            extractor = net.create_extractor()
            for name, matrix in given:
                extractor.input(name, matrix)
            status, result = extractor.extract(output)
            if status != 0:
                raise NotRun("status %d" % status)
            return result

        return run

    def answer(self, network, result):
        return numpy.array(result)
