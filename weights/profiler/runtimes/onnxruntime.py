import onnxruntime

import quantise
from runtimes.base import Runtime as Base


class Runtime(Base):
    version = onnxruntime.__version__

    def __init__(self, threads, cache, level="all", quantised=False):
        super().__init__(threads, cache)
        self.quantised = quantised
        onnxruntime.set_default_logger_severity(3)
        self.options = options = onnxruntime.SessionOptions()
        levels = onnxruntime.GraphOptimizationLevel
        options.graph_optimization_level = {
            "all": levels.ORT_ENABLE_ALL,
            "basic": levels.ORT_ENABLE_BASIC,
            "none": levels.ORT_DISABLE_ALL,
        }[level]
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        # Thousands of sessions have one arena between them, and no thread of theirs waits by spinning while another is timed.
        memory = onnxruntime.OrtMemoryInfo("Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT)
        onnxruntime.create_and_register_allocator(memory, None)
        options.add_session_config_entry("session.use_env_allocators", "1")
        if threads > 1:
            options.add_session_config_entry("session.force_spinning_stop", "1")

    def prepare(self, network, feeds):
        if self.quantised:
            quantise.convert(network, feeds, self.cache)

    def load(self, network, feeds):
        path, scale = network.path, None
        if self.quantised:
            path, feeds, scale = quantise.convert(network, feeds, self.cache)
        session = onnxruntime.InferenceSession(path, self.options, providers=["CPUExecutionProvider"])
        binding = session.io_binding()
        for name, values in feeds.items():
            binding.bind_cpu_input(name, values)
        binding.bind_output(session.get_outputs()[0].name)
        run_with = session.run_with_iobinding

        def run():
            run_with(binding)
            return binding, scale

        return run

    def answer(self, network, result):
        binding, scale = result
        [values] = binding.copy_outputs_to_cpu()
        return quantise.real_numbers(values, *scale) if scale else values

    def step(self, network, result):
        _, scale = result
        return scale[0] if scale else 0.0
