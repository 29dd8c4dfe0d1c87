#include "work.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <iterator>
#include <vector>

namespace latencast {
namespace {

enum Kind {
  kWinograd,
  kDense,
  kDenseStrided,
  kPointwiseLarge,
  kPointwise,
  kPointwiseVector,
  kGrouped,
  kWide,
  kFirst,
  kDepthwise,
  kDepthwiseStrided,
  kDepthwiseWide,
  kVectorWeights,
  kProduct,
  kAttention,
  kNorm,
  kElementwise,
  kSmooth,
  kMoved,
  kPooled,
  kActivations,
  kWeights,
  kKernels,
  kSqueeze,
  kQuantizedDense,
  kQuantizedPointwise,
  kQuantizedDepthwise,
  kQuantizedActivations,
  kQuantizedWeights,
  kDetection,
  kCount
};

struct Described {
  const char* name;
  double typical_ms;
};

constexpr Described kKinds[] = {{"3x3 convolution, stride 1", 0.06},
                                {"3x3 convolution, stride 1, few channels", 0.1},
                                {"3x3 convolution, stride 2", 0.1},
                                {"1x1 convolution, 28x28 and larger", 0.1},
                                {"1x1 convolution", 0.1},
                                {"1x1 convolution of a vector", 0.1},
                                {"convolution in groups", 0.3},
                                {"convolution with another window", 0.1},
                                {"convolution of an image", 0.1},
                                {"3x3 depthwise convolution", 0.3},
                                {"3x3 depthwise convolution, stride 2", 0.3},
                                {"5x5 depthwise convolution and larger", 0.3},
                                {"weights of a fully connected layer", 0.3},
                                {"matrix product", 0.1},
                                {"attention", 0.1},
                                {"layer norm, GELU", 0.3},
                                {"elementwise", 0.2},
                                {"swish, sigmoid", 0.3},
                                {"channel shuffle, split, concat", 0.2},
                                {"pooling", 0.2},
                                {"activations of convolutions", 0.2},
                                {"weights of convolutions", 0.1},
                                {"any kernel", 0.01},
                                {"squeeze-excite", 0.05},
                                {"8-bit convolution", 0.1},
                                {"8-bit 1x1 convolution", 0.1},
                                {"8-bit depthwise convolution", 0.3},
                                {"activations of 8-bit convolutions", 0.3},
                                {"weights of an 8-bit fully connected layer", 0.2},
                                {"detection output", 0.5}};
static_assert(std::size(kKinds) == kCount);

bool is_one_of(const std::string& op, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return op == name; });
}

// Where the multiply-adds of a convolution count.
Kind kind_of_convolution(const FusedKernel& kernel) {
  const bool strided = std::max(kernel.stride_h, kernel.stride_w) > 1;
  const bool wide = std::max(kernel.kh, kernel.kw) > 3, pointwise = kernel.kh == 1 && kernel.kw == 1;
  if (kernel.type == KernelType::dwconv) {
    if (kernel.element == Element::i8) return kQuantizedDepthwise;
    return wide ? kDepthwiseWide : strided ? kDepthwiseStrided : kDepthwise;
  }
  if (kernel.element == Element::i8) return pointwise ? kQuantizedPointwise : kQuantizedDense;
  if (kernel.cin <= 4) return kFirst;
  if (kernel.groups > 1) return kGrouped;
  const std::int64_t area = kernel.out_h * kernel.out_w;
  if (pointwise) return area <= 4 ? kPointwiseVector : area >= 28 * 28 ? kPointwiseLarge : kPointwise;
  if (kernel.kh != 3 || kernel.kw != 3) return kWide;
  if (strided) return kDenseStrided;
  // What a runtime takes Winograd's method for.
  return std::min(kernel.cin, kernel.cout) >= 32 ? kWinograd : kDense;
}

void add(const FusedKernel& kernel, Eigen::VectorXd& work) {
  constexpr double kMillionth = 1e-6;
  const double macs = kMillionth * double(kernel.macs);
  const double moved = kMillionth * double(kernel.bytes_in + kernel.bytes_out);
  const double weights = kMillionth * double(kernel.bytes_weights);
  const bool quantized = kernel.element == Element::i8;
  work[kKernels] += 1;
  switch (kernel.type) {
    case KernelType::conv:
    case KernelType::dwconv:
      work[kind_of_convolution(kernel)] += macs;
      work[quantized ? kQuantizedActivations : kActivations] += moved;
      work[kWeights] += weights;
      return;
    case KernelType::fc:
      if (quantized) {
        work[kQuantizedWeights] += weights;
        work[kQuantizedActivations] += moved;
        return;
      }
      work[kernel.n <= 4 ? kVectorWeights : kProduct] += kernel.n <= 4 ? weights : macs;
      if (kernel.n > 4) work[kWeights] += weights;
      work[kActivations] += moved;
      return;
    case KernelType::matmul:
    case KernelType::attention:
      work[kAttention] += macs;
      return;
    case KernelType::layernorm:
      work[kNorm] += moved;
      return;
    case KernelType::se:
      work[kSqueeze] += 1;
      work[kActivations] += moved;
      work[kWeights] += weights;
      return;
    case KernelType::swish:
    case KernelType::hswish:
      work[kSmooth] += moved;
      return;
    case KernelType::maxpool:
    case KernelType::avgpool:
    case KernelType::gap:
      work[kPooled] += moved;
      return;
    case KernelType::add:
    case KernelType::softmax:
      work[kElementwise] += moved;
      return;
    case KernelType::other:
      break;
  }
  if (is_one_of(kernel.op, {"PriorBox", "DetectionOutput", "Yolov3DetectionOutput", "YoloDetectionOutput"}))
    work[kDetection] += 1;
  else if (kernel.macs > 0)
    work[kWide] += macs;
  else if (kernel.op == "Gelu")
    work[kNorm] += moved;
  else if (kernel.op == "Sigmoid")
    work[kSmooth] += moved;
  else if (is_one_of(kernel.op, {"ChannelShuffle", "Split", "Concat", "Slice", "Transpose", "Pad", "Resize"}))
    work[kMoved] += moved;
  else
    work[kElementwise] += moved;
}

}  // namespace

int work_kinds() { return kCount; }
const char* work_name(int kind) { return kKinds[kind].name; }
double typical_ms(int kind) { return kKinds[kind].typical_ms; }

Eigen::VectorXd work_of(const FusedKernel& kernel) {
  Eigen::VectorXd work = Eigen::VectorXd::Zero(kCount);
  add(kernel, work);
  return work;
}

Eigen::VectorXd work_of(const Decomposition& model) {
  Eigen::VectorXd work = Eigen::VectorXd::Zero(kCount);
  for (const FusedKernel& kernel : model.kernels) add(kernel, work);
  return work;
}

Eigen::VectorXd traits_of(const Eigen::VectorXd& work) {
  using Kinds = std::initializer_list<Kind>;
  const auto sum = [&](Kinds kinds) {
    double total = 0;
    for (const Kind kind : kinds) total += work[kind];
    return total;
  };
  // Multiply-adds of fully connected layers: one for each weight, of four bytes or of one.
  const double connected = work[kVectorWeights] / 4 + work[kQuantizedWeights];
  const Kinds dense = {kWinograd, kDense, kDenseStrided, kQuantizedDense},
              pointwise = {kPointwiseLarge, kPointwise, kPointwiseVector, kQuantizedPointwise},
              depthwise = {kDepthwise, kDepthwiseStrided, kDepthwiseWide, kQuantizedDepthwise},
              rare = {kGrouped, kWide, kFirst}, products = {kProduct, kAttention};
  double macs = connected;
  for (const Kinds& kinds : {dense, pointwise, depthwise, rare, products}) macs += sum(kinds);
  const double moved =
                   sum({kNorm, kElementwise, kSmooth, kMoved, kPooled, kActivations, kQuantizedActivations}),
               weights = sum({kWeights, kVectorWeights, kQuantizedWeights}), kernels = work[kKernels];

  // A model of nothing but one kind lacks the others: as if it had this much.
  constexpr double kLeast = 1e-3;
  // Sizes of models differ by much more than shares do.
  constexpr double kOfSizes = 1 / 1.5, kOfShares = 2;
  std::vector<double> traits;
  for (const double size : {macs, moved, weights, kernels})
    traits.push_back(kOfSizes * std::log(std::max(size, kLeast)));
  const auto share = [=](double part, double of) { return std::sqrt(part / std::max(of, kLeast)); };
  const double quantized =
      sum({kQuantizedDense, kQuantizedPointwise, kQuantizedDepthwise, kQuantizedWeights});
  traits.push_back(kOfShares * quantized / std::max(macs, kLeast));
  for (const Kinds& kinds : {dense, pointwise, depthwise, rare})
    traits.push_back(kOfShares * share(sum(kinds), macs));
  traits.push_back(kOfShares * share(connected + sum(products), macs));
  traits.push_back(share(work[kSmooth], moved));
  traits.push_back(share(sum({kElementwise, kMoved, kPooled}), moved));
  traits.push_back(share(work[kNorm], moved));
  traits.push_back(share(work[kSqueeze], kernels));
  return Eigen::Map<const Eigen::VectorXd>(traits.data(), static_cast<Eigen::Index>(traits.size()));
}

}  // namespace latencast
