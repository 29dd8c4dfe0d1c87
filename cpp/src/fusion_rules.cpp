#include "fusion_rules.h"

namespace latencast {
namespace {

// Where the fusions are documented.
constexpr const char* kOrt =
    "https://onnxruntime.ai/docs/performance/model-optimizations/graph-optimizations.html";
constexpr const char* kOrtNchwc =
    "https://github.com/microsoft/onnxruntime/blob/main/onnxruntime/core/optimizer/nchwc_transformer.cc";
constexpr const char* kTflite =
    "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/lite/schema/schema.fbs: "
    "ActivationFunctionType and the operators that have one";
constexpr const char* kXnnpack =
    "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/lite/delegates/xnnpack/README.md";
constexpr const char* kNcnn = "https://github.com/Tencent/ncnn/blob/master/tools/ncnnoptimize.cpp";
constexpr const char* kPnnx = "https://github.com/Tencent/ncnn/tree/master/tools/pnnx/src/pass_ncnn";
constexpr const char* kOpenvino =
    "https://docs.openvino.ai/2021.1/openvino_docs_IE_DG_supported_plugins_CPU.html and "
    "https://github.com/openvinotoolkit/openvino/blob/master/src/plugins/intel_cpu/src/graph_optimizer.cpp";
constexpr const char* kTensorrt =
    "https://docs.nvidia.com/deeplearning/tensorrt/latest/performance/fusion-catalog.html";

// What one kernel of LitePred's set stands for, though no runtime fuses it.
constexpr FusionRule kSqueezeExcite = {
    "se", "Mul(x, gate(BatchNormalization?(dense(any_act?(BatchNormalization?(dense(pooled(x))))))))",
    kLitePred};
constexpr FusionRule kSwish = {"swish", "swish(_)", kLitePred};
constexpr FusionRule kHardSwish = {"hswish", "hswish(_)", kLitePred};

constexpr FusionDefinition kCommon[] = {
    {"hsigmoid", "HardSigmoid(x)"},
    {"hsigmoid", "Div(Clip(Add(x, 3)), 6)"},
    {"hsigmoid", "Mul(Clip(Add(x, 3)), 0.166667)"},
    {"gate", "Sigmoid(x)"},
    {"gate", "hsigmoid(x)"},
    {"gate", "Clip(x)"},
    {"swish", "Swish(x)"},
    {"swish", "Mul(x, Sigmoid(x))"},
    {"hswish", "HardSwish(x)"},
    {"hswish", "Mul(x, hsigmoid(x))"},
    {"hswish", "Div(Mul(x, Clip(Add(x, 3))), 6)"},
    {"hswish", "Mul(Mul(x, Clip(Add(x, 3))), 0.166667)"},
    {"gelu", "Gelu|FastGelu|QuickGelu(x)"},
    {"gelu", "Mul(Mul(x, Add(Erf(Div|Mul(x, c)), 1)), 0.5)"},
    {"gelu", "Mul(Mul(x, 0.5), Add(Erf(Div|Mul(x, c)), 1))"},
    {"gelu", "Mul(x, Mul(Add(Erf(Div|Mul(x, c)), 1), 0.5))"},
    {"gelu", "Mul(Mul(x, 0.5), Add(Tanh(Mul(Add(x, Mul(cube(x), c)), c)), 1))"},
    {"cube", "Pow(x, 3)"},
    {"cube", "Mul(x, Mul(x, x))"},
    {"square", "Pow(x, 2)"},
    {"square", "Mul(x, x)"},
    {"centred", "Sub(x, ReduceMean(x))"},
    {"scaled", "Mul(x, c)"},
    {"shifted", "Add(x, c)"},
    {"norm", "LayerNormalization|SimplifiedLayerNormalization|RMSNormalization(x)"},
    {"norm", "shifted?(scaled?(Div(centred(x), Sqrt(Add(ReduceMean(square(centred(x))), c)))))"},
    {"norm", "scaled?(Div(x, Sqrt(Add(ReduceMean(square(x)), c))))"},
    {"norm", "scaled?(Mul(x, Reciprocal(Sqrt(Add(ReduceMean(square(x)), c)))))"},
    {"scale", "Mul|Div(x, c)"},
    {"masked", "Add(x, _)"},
    {"attention", "MultiHeadAttention"},
    {"attention",
     "MatMul(Softmax(masked?(scale?(MatMul(scale?(Transpose?(_)), scale?(Transpose?(_)))))), "
     "Transpose?(_))"},
    {"pooled", "GlobalAveragePool(x)"},
    {"pooled", "ReduceMean(x)"},
    {"pooled", "AveragePool(x)"},
    {"dense", "Conv|Gemm(x, c)"},
    {"dense", "shifted?(MatMul(x, c))"},
    {"any_act", "Relu|LeakyRelu|PRelu|Clip|Sigmoid|Tanh|Elu(x)"},
    {"any_act", "swish(x)"},
    {"any_act", "hswish(x)"},
    {"any_act", "gelu(x)"},
};

constexpr FusionDefinition kOrtDefinitions[] = {{"act", "Relu|Clip|Sigmoid|Tanh|LeakyRelu|HardSigmoid(x)"},
                                                {"act", "hsigmoid(x)"},
                                                {"act", "hswish(x)"},
                                                {"fc_act", "Relu|Clip|Sigmoid|Tanh|LeakyRelu|HardSigmoid(x)"},
                                                {"linear", "shifted?(scaled?(BatchNormalization?(Conv)))"}};
constexpr FusionRule kOrtRules[] = {kSqueezeExcite,
                                    {"layernorm", "norm(Add?(_, _))", kOrt},
                                    {"conv", "Relu?(Add(_, linear(_)))", kOrtNchwc},
                                    {"conv", "act?(linear(_))", kOrtNchwc},
                                    {"fc", "fc_act?(BatchNormalization?(Gemm(_, c)))", kOrt},
                                    {"fc", "fc_act?(shifted?(BatchNormalization?(MatMul(_, c))))", kOrt},
                                    {"matmul", "scale?(MatMul(scale?(_), scale?(_)))", kOrt},
                                    kSwish,
                                    kHardSwish,
                                    {"other/Gelu", "gelu(_)", kOrt}};

constexpr FusionDefinition kTfliteDefinitions[] = {{"act", "Relu|Clip(x)"}};
constexpr FusionRule kTfliteRules[] = {
    kSqueezeExcite,
    {"conv", "act?(shifted?(scaled?(BatchNormalization?(Conv))))", kTflite},
    {"fc", "act?(BatchNormalization?(Gemm(_, c)))", kTflite},
    {"fc", "act?(shifted?(BatchNormalization?(MatMul(_, c))))", kTflite},
    kHardSwish,
    kSwish,
    {"add", "act(Add(_, _))", kTflite},
    {"maxpool", "act(MaxPool)", kTflite},
    {"avgpool", "act(AveragePool)", kTflite},
    {"layernorm", "norm(_)", kLitePred},
    {"other/Gelu", "gelu(_)", kXnnpack}};

constexpr FusionDefinition kNcnnDefinitions[] = {{"act", "Relu|LeakyRelu|Clip|Sigmoid|Mish(x)"}};
constexpr FusionRule kNcnnRules[] = {kSqueezeExcite,
                                     {"attention", "attention(_)", kPnnx},
                                     {"layernorm", "norm(_)", kPnnx},
                                     {"conv", "act?(shifted?(scaled?(BatchNormalization?(Conv))))", kNcnn},
                                     {"fc", "act?(BatchNormalization?(Gemm(_, c)))", kNcnn},
                                     {"fc", "act?(shifted?(BatchNormalization?(MatMul(_, c))))", kNcnn},
                                     kSwish,
                                     kHardSwish,
                                     {"other/Gelu", "gelu(_)", kPnnx}};

constexpr FusionDefinition kOpenvinoDefinitions[] = {
    {"act", "Relu|LeakyRelu|PRelu|Clip|Sigmoid|Tanh|Elu|Mish|Softplus(x)"},
    {"act", "hsigmoid(x)"},
    {"act", "hswish(x)"},
    {"act", "swish(x)"},
    {"act", "gelu(x)"}};
constexpr FusionRule kOpenvinoRules[] = {
    kSqueezeExcite,
    {"attention", "attention(_)", kOpenvino},
    {"layernorm", "norm(_)", kOpenvino},
    {"conv", "act?(Add(_, act?(shifted?(scaled?(BatchNormalization?(Conv))))))", kOpenvino},
    {"conv", "act?(shifted?(scaled?(BatchNormalization?(Conv))))", kOpenvino},
    {"fc", "act?(BatchNormalization?(Gemm(_, c)))", kOpenvino},
    {"fc", "act?(shifted?(BatchNormalization?(MatMul(_, c))))", kOpenvino},
    {"matmul", "shifted?(scaled?(MatMul))", kOpenvino},
    {"add", "act(Add(_, _))", kOpenvino},
    kSwish,
    kHardSwish,
    {"other/Gelu", "gelu(_)", kOpenvino}};

constexpr FusionDefinition kTensorrtDefinitions[] = {
    {"act", "Relu|LeakyRelu|Clip|Sigmoid|Tanh|Elu|Selu|Softsign|Softplus(x)"},
    {"act", "hsigmoid(x)"},
    {"act", "hswish(x)"},
    {"act", "swish(x)"},
    {"act", "gelu(x)"}};
constexpr FusionRule kTensorrtRules[] = {
    kSqueezeExcite,
    {"attention", "attention(_)", kTensorrt},
    {"layernorm", "norm(_)", kTensorrt},
    {"conv", "act?(Add(_, shifted?(scaled?(BatchNormalization?(Conv)))))", kTensorrt},
    {"conv", "act?(shifted?(scaled?(BatchNormalization?(Conv))))", kTensorrt},
    {"fc", "act?(BatchNormalization?(Gemm(_, c)))", kTensorrt},
    {"fc", "act?(shifted?(BatchNormalization?(MatMul(_, c))))", kTensorrt},
    {"add", "act(Add(_, _))", kTensorrt},
    kSwish,
    kHardSwish,
    {"other/Gelu", "gelu(_)", kTensorrt}};

constexpr FusionRules kFamilies[] = {
    {"none", "no fusion", "", {}, {}},
    {"onnxruntime", "ONNX Runtime on CPUs, all optimisations", kOrt, kOrtDefinitions, kOrtRules},
    {"tflite", "LiteRT (TensorFlow Lite), XNNPACK or built-in kernels", kTflite, kTfliteDefinitions,
     kTfliteRules},
    {"ncnn", "ncnn, converted by pnnx", kNcnn, kNcnnDefinitions, kNcnnRules},
    {"openvino", "OpenVINO on CPUs (oneDNN)", kOpenvino, kOpenvinoDefinitions, kOpenvinoRules},
    {"tensorrt", "TensorRT and its like on GPUs", kTensorrt, kTensorrtDefinitions, kTensorrtRules},
};

}  // namespace

Listed<FusionDefinition> common_definitions() { return kCommon; }

Listed<FusionRules> fusion_rules() { return kFamilies; }

}  // namespace latencast
