"""The platforms of this machine: a runtime and how it is set."""

import collections

# runtime: the module of runtimes/, and what leaves the pool together where a runtime is left out; `settings` go to it, `environment`
# is set before it starts; `without`: types of kernels that end the process.
Platform = collections.namedtuple(
    "Platform", "id title runtime precision threads settings environment without", defaults=("FP32", 1, {}, {}, ())
)

ALL = [
    Platform("onnxruntime-fp32-1t", "ONNX Runtime", "onnxruntime"),
    Platform("onnxruntime-basic-fp32-1t", "ONNX Runtime, basic optimisations", "onnxruntime", settings={"level": "basic"}),
    Platform("onnxruntime-plain-fp32-1t", "ONNX Runtime, no optimisations", "onnxruntime", settings={"level": "none"}),
    Platform("onnxruntime-int8-1t", "ONNX Runtime", "onnxruntime", "INT8", settings={"quantised": True}),
    Platform("onnxruntime-fp32-2t", "ONNX Runtime", "onnxruntime", threads=2),
    Platform("openvino-fp32-1t", "OpenVINO", "openvino"),
    Platform("openvino-bf16-1t", "OpenVINO", "openvino", "BF16", settings={"precision": "bf16"}),
    Platform(
        "openvino-avx2-fp32-1t", "OpenVINO, AVX2", "openvino", environment={"ONEDNN_MAX_CPU_ISA": "AVX2"}, without=("layernorm",)
    ),
    Platform("openvino-sse41-fp32-1t", "OpenVINO, SSE4.1", "openvino", environment={"ONEDNN_MAX_CPU_ISA": "SSE41"}),
    Platform("openvino-int8-1t", "OpenVINO", "openvino", "INT8", settings={"quantised": True}),
    Platform("openvino-fp32-2t", "OpenVINO", "openvino", threads=2),
    Platform("pytorch-fp32-1t", "PyTorch", "pytorch"),
    Platform("pytorch-channels-last-fp32-1t", "PyTorch, channels last", "pytorch", settings={"channels_last": True}),
    Platform("pytorch-fused-fp32-1t", "PyTorch, traced and fused", "pytorch", settings={"fused": True}),
    Platform("pytorch-bf16-1t", "PyTorch", "pytorch", "BF16", settings={"kind": "bfloat16"}),
    Platform("pytorch-native-fp32-1t", "PyTorch, without oneDNN", "pytorch", settings={"onednn": False}),
    Platform("pytorch-avx2-fp32-1t", "PyTorch, AVX2", "pytorch", environment={"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}),
    Platform("pytorch-sse41-fp32-1t", "PyTorch, SSE4.1", "pytorch", environment={"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}),
    Platform("pytorch-fp32-2t", "PyTorch", "pytorch", threads=2),
    Platform("litert-xnnpack-fp32-1t", "LiteRT, XNNPACK", "litert"),
    Platform("litert-builtin-fp32-1t", "LiteRT, built-in kernels", "litert", settings={"kernels": "built-in"}),
    Platform("litert-reference-fp32-1t", "LiteRT, reference kernels", "litert", settings={"kernels": "reference"}),
    Platform("litert-xnnpack-int8-1t", "LiteRT, XNNPACK", "litert", "INT8", settings={"quantised": True}),
    Platform("litert-builtin-int8-1t", "LiteRT, built-in kernels", "litert", "INT8", settings={"kernels": "built-in", "quantised": True}),
    Platform("litert-xnnpack-fp32-2t", "LiteRT, XNNPACK", "litert", threads=2),
    Platform("ncnn-fp32-1t", "ncnn", "ncnn"),
    Platform("ncnn-bf16-1t", "ncnn, BF16 storage", "ncnn", "BF16", settings={"bf16": True}),
    Platform("ncnn-sgemm-fp32-1t", "ncnn, Winograd off", "ncnn", settings={"winograd": False}),
    Platform("ncnn-plain-fp32-1t", "ncnn, Winograd, SGEMM and packing off", "ncnn", settings={"winograd": False, "sgemm": False, "packing": False}),
    Platform("ncnn-fp32-2t", "ncnn", "ncnn", threads=2),
    Platform("opencv-fp32-1t", "OpenCV DNN", "opencv"),
    Platform("opencv-direct-fp32-1t", "OpenCV DNN, Winograd off", "opencv", settings={"winograd": False}),
    Platform("opencv-classic-fp32-1t", "OpenCV DNN, classic engine", "opencv", settings={"engine": "classic"}),
    Platform("opencv-fp32-2t", "OpenCV DNN", "opencv", threads=2),
    Platform("tract-fp32-1t", "tract", "tract"),
    Platform("mnn-fp32-1t", "MNN", "mnn"),
    Platform("mnn-fp32-2t", "MNN", "mnn", threads=2),
    Platform(
        "jax-fp32-1t", "JAX, XLA", "jax", environment={"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"}
    ),
    Platform("onnxruntime-web-fp32-1t", "ONNX Runtime Web in Node, WASM SIMD", "onnxruntime-web"),
    Platform("tfjs-simd-fp32-1t", "TensorFlow.js in Node, WASM SIMD", "tfjs", settings={"backend": "wasm", "simd": True}),
    Platform("tfjs-wasm-fp32-1t", "TensorFlow.js in Node, WASM", "tfjs", settings={"backend": "wasm", "simd": False}),
    Platform("tfjs-cpu-fp32-1t", "TensorFlow.js in Node, JavaScript", "tfjs", settings={"backend": "cpu"}),
]

BY_ID = {platform.id: platform for platform in ALL}

# How far the answers may be from those in single precision, relative (networks.distance).
TOLERANCE = {"FP32": 2e-3, "BF16": 8e-2, "FP16": 1e-2, "INT8": 0.15}


def tolerance(platform, network):
    if platform.precision in ("FP32", "FP16"):
        return TOLERANCE[platform.precision]
    # Many layers of random weights make much of a little; all kernels of a network have been compared one by one.
    if "," not in network.arch:
        return 0.8
    # The weights of a long attention are a few steps each, and their sum is off by as much.
    return 0.5 if platform.precision == "INT8" and network.arch.startswith("attention,") else TOLERANCE[platform.precision]
