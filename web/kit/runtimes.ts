/** The runtimes that a kit has a script for. */

export interface KitRuntime {
  readonly id: string;
  readonly title: string;
  /** Files of `scripts/`; the first is the one to start. */
  readonly files: readonly string[];
  /** What has to be installed before, and how. */
  readonly needs: string;
  /** How to start it. */
  readonly start: string;
  /** What else there is to know. */
  readonly notes: readonly string[];
  /** Absent where the project's own runs cover it. */
  readonly untested?: string;
}

/** Of every script in Python, and to summarise what the others measured. */
export const kProtocolFile = 'protocol.py';

export const kRuntimes = [
  {
    id: 'onnxruntime',
    title: 'ONNX Runtime',
    files: ['run_onnxruntime.py', kProtocolFile],
    needs: 'pip install onnxruntime numpy',
    start: 'python3 run_onnxruntime.py --threads 1',
    notes: [
      '--provider CUDAExecutionProvider (or another of onnxruntime.get_available_providers()) measures an accelerator.',
      '--level extended leaves out what only native builds do, layouts of the processor\'s own: to compare with ONNX Runtime in a browser.',
    ],
  },
  {
    id: 'litert',
    title: 'LiteRT (TensorFlow Lite)',
    files: ['run_litert.py', 'onnx_graph.py', 'to_tflite.py', kProtocolFile],
    needs: 'pip install ai-edge-litert numpy',
    start: 'python3 run_litert.py --threads 1',
    notes: [
      'LiteRT does not read ONNX. to_tflite.py writes the .tflite files beside the ONNX files, without TensorFlow: it knows the few ' +
        'operators of these networks, lays images out as LiteRT wants them (channels last) and folds batch normalisation into the ' +
        'convolutions, as the usual converters do.',
    ],
  },
  {
    id: 'android',
    title: "LiteRT on Android, by the runtime's own benchmark_model",
    files: ['run_android.sh', 'to_tflite.py', 'onnx_graph.py', kProtocolFile],
    needs:
      'adb, a phone with USB debugging, and the benchmark_model binary of LiteRT for its processor ' +
      '(https://ai.google.dev/edge/litert/models/measurement); once: pip install ai-edge-litert numpy && python3 to_tflite.py',
    start: 'sh run_android.sh --binary android_aarch64_benchmark_model --threads 1',
    notes: ['--gpu or --nnapi measures the accelerator; --taskset f0 pins to the large cores of many phones.'],
    untested: 'no phone was at hand; it follows the documentation of benchmark_model',
  },
  {
    id: 'tensorrt',
    title: 'TensorRT, by trtexec',
    files: ['run_tensorrt.sh', kProtocolFile],
    needs: 'trtexec, which comes with TensorRT',
    start: 'sh run_tensorrt.sh',
    notes: ['--fp16 builds engines of half precision. Engines are built once and kept in engines/.'],
    untested: 'no TensorRT was at hand; it follows the documentation of trtexec',
  },
  {
    id: 'openvino',
    title: 'OpenVINO',
    files: ['run_openvino.py', kProtocolFile],
    needs: 'pip install openvino numpy',
    start: 'python3 run_openvino.py --threads 1',
    notes: [
      '--device GPU or --device NPU measures another device.',
      'OpenVINO computes in bfloat16 where the processor has it; --precision f32 makes it use single precision.',
    ],
  },
  {
    id: 'ncnn',
    title: 'ncnn',
    files: ['run_ncnn.py', kProtocolFile],
    needs: 'pip install ncnn numpy && pip install --no-deps pnnx',
    start: 'python3 run_ncnn.py --threads 1',
    notes: [
      'ncnn does not read ONNX: the script converts once by pnnx, the project’s own converter (onnx2ncnn is no longer maintained). Without ' +
        '--no-deps pip would bring PyTorch, which conversion from ONNX does not need.',
      '--vulkan measures the GPU.',
    ],
  },
  {
    id: 'pytorch',
    title: 'PyTorch, eager',
    files: ['run_pytorch.py', 'onnx_graph.py', 'torch_network.py', kProtocolFile],
    needs: 'pip install torch numpy',
    start: 'python3 run_pytorch.py --threads 1',
    notes: ['--device cuda (or mps) measures a GPU; --compile goes through torch.compile.'],
  },
] as const satisfies readonly KitRuntime[];

export type KitRuntimeId = (typeof kRuntimes)[number]['id'];
