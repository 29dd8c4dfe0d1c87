#include "latencast/decompose.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "fusion_rules.h"
#include "latencast/error.h"
#include "model_build.h"
#include "pattern.h"

namespace latencast {
namespace {

// In the order of the enum.
constexpr const char* kNames[] = {"conv",   "dwconv",    "fc",      "maxpool",   "avgpool",
                                  "gap",    "add",       "se",      "swish",     "hswish",
                                  "matmul", "layernorm", "softmax", "attention", "other"};
static_assert(std::size(kNames) == static_cast<std::size_t>(KernelType::other) + 1);

KernelType type_called(std::string_view name) {
  const auto found = std::find(std::begin(kNames), std::end(kNames), name);
  if (found == std::end(kNames))
    throw Error(ErrorCode::internal, "fusion rules: no kernel '" + std::string(name) + "'");
  return static_cast<KernelType>(found - std::begin(kNames));
}

struct CompiledRule {
  KernelType type;
  std::string op;  // what an `other` kernel is called; "" after its own operator
  Pattern pattern;
  bool unit;  // of LitePred's set, whether or not the runtime fuses it
};

struct CompiledRules {
  Definitions definitions;
  std::vector<CompiledRule> rules;
};

CompiledRules compile(const FusionRules& family) {
  CompiledRules made;
  for (const auto& definitions : {common_definitions(), family.definitions})
    for (const auto& [name, pattern] : definitions) made.definitions[name].push_back(parse_pattern(pattern));
  for (const auto& [kernel, pattern, source] : family.rules) {
    const auto slash = std::min(kernel.find('/'), kernel.size());
    made.rules.push_back({type_called(kernel.substr(0, slash)),
                          std::string(kernel.substr(std::min(slash + 1, kernel.size()))),
                          parse_pattern(pattern), source == kLitePred});
  }
  return made;
}

const CompiledRules& compiled(std::string_view runtime) {
  static const std::map<std::string, CompiledRules, std::less<>> families = [] {
    std::map<std::string, CompiledRules, std::less<>> all;
    for (const FusionRules& family : fusion_rules()) all.emplace(family.id, compile(family));
    return all;
  }();
  const auto found = families.find(runtime);
  if (found != families.end()) return found->second;
  std::string known;
  for (const FusionRules& family : fusion_rules())
    known += (known.empty() ? "" : ", ") + std::string(family.id);
  throw Error(ErrorCode::argument,
              "decompose: no runtime family '" + std::string(runtime) + "'; " + known + " expected");
}

bool is_one_of(const std::string& op, std::initializer_list<const char*> ops) {
  return std::find(ops.begin(), ops.end(), op) != ops.end();
}

// Fills one kernel in from its nodes.
class Description {
 public:
  Description(const Model& model, const Wiring& wiring, std::vector<int> nodes)
      : model_(model), wiring_(wiring) {
    kernel_.nodes = std::move(nodes);
  }

  /// rule: nullptr for a single operator.
  FusedKernel describe(const CompiledRule* rule) {
    const Node& main = main_node();
    kernel_.op = rule && !rule->op.empty() ? rule->op : main.op;
    kernel_.type = rule ? rule->type : type_of(main);
    add_up();
    if (main.inputs.empty() || main.inputs[0] < 0) return kernel_;
    measure(main);
    return kernel_;
  }

 private:
  const Node& node(int i) const { return model_.nodes[static_cast<std::size_t>(i)]; }
  const ModelTensor& tensor(int i) const { return model_.tensors[static_cast<std::size_t>(i)]; }
  const ModelTensor& in(const Node& of, std::size_t i) const { return tensor(of.inputs[i]); }
  const ModelTensor& out(const Node& of) const { return tensor(of.outputs[0]); }
  static bool has(const Node& of, std::size_t i) { return i < of.inputs.size() && of.inputs[i] >= 0; }

  static Dims setting(const Node& of, const char* name) {
    const auto found = of.attributes.find(name);
    return found == of.attributes.end() ? Dims{} : found->second.ints;
  }
  static std::int64_t setting(const Node& of, const char* name, std::int64_t otherwise) {
    const Dims found = setting(of, name);
    return found.empty() ? otherwise : found.front();
  }

  // The one with most multiply-adds; without any, the first that moves data.
  const Node& main_node() const {
    const Node* main = &node(kernel_.nodes.front());
    std::int64_t most = 0;
    for (const int i : kernel_.nodes) {
      const std::int64_t work = macs(model_, node(i));
      if (work > most || (most == 0 && moves_no_data(*main))) {
        main = &node(i);
        most = work;
      }
    }
    return *main;
  }

  KernelType type_of(const Node& main) const {
    const std::string& op = main.op;
    if (!main.known) return KernelType::other;
    if (op == "Conv") return KernelType::conv;
    if (op == "Gemm" || op == "MatMul")
      return has(main, 1) && in(main, 1).constant ? KernelType::fc : KernelType::matmul;
    if (op == "MaxPool") return KernelType::maxpool;
    if (op == "AveragePool") return KernelType::avgpool;
    if (op == "GlobalAveragePool" || (op == "ReduceMean" && averages_images(main))) return KernelType::gap;
    if (op == "Add" && main.inputs.size() == 2 && !in(main, 0).constant && !in(main, 1).constant &&
        in(main, 0).shape == in(main, 1).shape)
      return KernelType::add;
    if (op == "Swish") return KernelType::swish;
    if (op == "HardSwish") return KernelType::hswish;
    if (op == "LayerNormalization" || op == "SimplifiedLayerNormalization" || op == "RMSNormalization")
      return KernelType::layernorm;
    if (op == "Softmax") return KernelType::softmax;
    if (op == "MultiHeadAttention") return KernelType::attention;
    return KernelType::other;
  }

  bool averages_images(const Node& main) const {
    const Dims& shape = in(main, 0).shape;
    return shape.size() == 4 && out(main).elements() == shape[0] * shape[1];
  }

  void add_up() {
    std::set<int> reads, weights;
    const auto inside = [&](int i) {
      return std::binary_search(kernel_.nodes.begin(), kernel_.nodes.end(), i);
    };
    for (const int i : kernel_.nodes) {
      kernel_.macs = plus(kernel_.macs, macs(model_, node(i)));
      for (const int weight : weights_of(model_, node(i))) weights.insert(weight);
      for (const int input : node(i).inputs) {
        if (input < 0) continue;
        const int writer = wiring_.writer[static_cast<std::size_t>(input)];
        if (writer < 0 || !inside(writer)) reads.insert(input);
      }
      for (const int output : node(i).outputs) {
        if (output < 0) continue;
        const auto& readers = wiring_.readers[static_cast<std::size_t>(output)];
        if (wiring_.is_output[static_cast<std::size_t>(output)] ||
            !std::all_of(readers.begin(), readers.end(), inside))
          kernel_.bytes_out = plus(kernel_.bytes_out, tensor(output).bytes());
      }
    }
    for (const int input : reads) {
      std::int64_t& bytes = tensor(input).constant ? kernel_.bytes_weights : kernel_.bytes_in;
      bytes = plus(bytes, tensor(input).bytes());
    }
    const std::string& op = node(kernel_.nodes.front()).op;
    if (kernel_.nodes.size() == 1 && (op == "Slice" || op == "Gather"))  // reads what it takes
      kernel_.bytes_in = std::min(kernel_.bytes_in, kernel_.bytes_out);
    for (const int weight : weights) kernel_.params = plus(kernel_.params, tensor(weight).elements());
  }

  void set_image(const Dims& from, const Dims& to) {
    const auto part = [](const Dims& shape, std::int64_t& n, std::int64_t& c, std::int64_t& h,
                         std::int64_t& w) {
      n = shape.empty() ? 1 : shape[0];
      c = shape.size() < 2 ? 1 : shape[1];
      w = shape.size() < 4 ? 1 : shape.back();
      h = 1;
      for (std::size_t i = 2; i < (shape.size() < 4 ? shape.size() : shape.size() - 1); ++i)
        h = times(h, shape[i]);
    };
    std::int64_t n = 1;
    part(from, kernel_.n, kernel_.cin, kernel_.h, kernel_.w);
    part(to, n, kernel_.cout, kernel_.out_h, kernel_.out_w);
  }

  // n rows of numbers, whatever axes they come from.
  void set_rows(const ModelTensor& tensor, std::int64_t in_width, std::int64_t out_width) {
    kernel_.cin = in_width;
    kernel_.cout = out_width;
    kernel_.n = tensor.elements() / std::max<std::int64_t>(1, out_width);
  }

  void set_sequence(const Dims& shape) {  // (batch, length, channels)
    kernel_.n = shape[0];
    kernel_.h = kernel_.out_h = shape[1];
    kernel_.cin = kernel_.cout = shape[2];
  }

  void set_window(const Dims& size, const Node& main) {
    const auto at = [](const Dims& values, std::size_t i) {
      if (values.empty()) return std::int64_t{1};
      return values.size() == 1 ? values[0] : values[i];
    };
    kernel_.kh = at(size, 0);
    if (size.size() == 1 && in(main, 0).shape.size() == 4) kernel_.kw = size[0];
    if (size.size() > 1) kernel_.kw = size[1];
    const Dims strides = setting(main, "strides"), dilations = setting(main, "dilations");
    const bool image = in(main, 0).shape.size() >= 4;
    kernel_.stride_h = at(strides, 0);
    kernel_.stride_w = image ? at(strides, 1) : 1;
    kernel_.dilation = at(dilations, 0);
  }

  void measure(const Node& main) {
    const Dims& from = in(main, 0).shape;
    const Dims& to = out(node(kernel_.nodes.back())).shape;
    kernel_.element = in(main, 0).element;
    switch (kernel_.type) {
      case KernelType::conv:
      case KernelType::dwconv: {
        const Dims& weight = in(main, 1).shape;
        set_image(from, out(main).shape);
        set_window(Dims(weight.begin() + 2, weight.end()), main);
        kernel_.groups = setting(main, "group", 1);
        kernel_.element = in(main, 1).element;
        const bool depthwise = kernel_.groups > 1 && kernel_.groups == kernel_.cin;
        kernel_.type = depthwise ? KernelType::dwconv : KernelType::conv;
        return;
      }
      case KernelType::maxpool:
      case KernelType::avgpool: {
        set_image(from, out(main).shape);
        set_window(setting(main, "kernel_shape"), main);
        const bool whole =
            kernel_.kh == kernel_.h && kernel_.kw == kernel_.w && kernel_.out_h == 1 && kernel_.out_w == 1;
        if (!whole || kernel_.type == KernelType::maxpool) return;
        kernel_.type = KernelType::gap;
        kernel_.kh = kernel_.kw = kernel_.stride_h = kernel_.stride_w = 1;
        return;
      }
      case KernelType::fc: {
        const Dims& weight = in(main, 1).shape;
        const std::int64_t wide = out(main).shape.back();
        kernel_.element = in(main, 1).element;
        set_rows(out(main), times(weight[0], weight.back()) / std::max<std::int64_t>(1, wide), wide);
        return;
      }
      case KernelType::matmul: {
        const Dims& result = out(main).shape;
        const std::int64_t rows = result.size() < 2 ? 1 : result[result.size() - 2];
        kernel_.cin = from.back();
        kernel_.cout = result.empty() ? 1 : result.back();
        kernel_.h = kernel_.out_h = rows;
        kernel_.n = out(main).elements() / std::max<std::int64_t>(1, times(rows, kernel_.cout));
        return;
      }
      case KernelType::attention:
        measure_attention();
        return;
      case KernelType::softmax:
      case KernelType::layernorm: {
        const std::int64_t stated = setting(main, "axis", -1);
        const auto rank = static_cast<std::int64_t>(from.size());
        const std::int64_t at = stated < 0 ? stated + rank : stated;
        const std::int64_t width = at >= 0 && at < rank ? from[static_cast<std::size_t>(at)] : 1;
        set_rows(in(main, 0), width, width);
        return;
      }
      case KernelType::gap:
      case KernelType::add:
      case KernelType::se:
      case KernelType::swish:
      case KernelType::hswish:
      case KernelType::other:
        break;
    }
    // Whatever came first inside, its input is the kernel's.
    const Dims& shape = kernel_.type == KernelType::se ? to : from;
    if (shape.size() == 3)
      set_sequence(shape);
    else
      set_image(shape, to);
    if (kernel_.type == KernelType::gap) kernel_.cout = kernel_.cin;
  }

  void measure_attention() {
    std::vector<const Node*> products;
    for (const int i : kernel_.nodes)
      if (is_one_of(node(i).op, {"MatMul", "MultiHeadAttention"})) products.push_back(&node(i));
    const Node& first = *products.front();
    const Node& last = *products.back();
    const Dims& query = in(first, 0).shape;
    const Dims& result = out(last).shape;
    const bool whole = first.op == "MultiHeadAttention";
    kernel_.n = query[0];
    kernel_.h = kernel_.out_h = query[query.size() - 2];
    const Dims& key = whole ? in(first, 1).shape : out(first).shape;
    kernel_.w = whole ? key[key.size() - 2] : key.back();
    // (batch, heads, length, channels of a head), or all heads in the channels
    for (std::size_t i = 1; i + 2 < query.size(); ++i) kernel_.groups = times(kernel_.groups, query[i]);
    const std::int64_t split = kernel_.groups;
    if (query.size() == 3)
      kernel_.groups = setting(first, "num_heads", setting(first, "q_num_heads", kernel_.groups));
    kernel_.cin = times(query.back(), split);
    kernel_.cout = times(result.back(), split);
  }

  const Model& model_;
  const Wiring& wiring_;
  FusedKernel kernel_;
};

bool one_layer(const Model& model, const std::vector<int>& nodes) {
  const auto& name = model.nodes[static_cast<std::size_t>(nodes.front())].name;
  return std::all_of(nodes.begin(), nodes.end(),
                     [&](int i) { return model.nodes[static_cast<std::size_t>(i)].name == name; });
}

std::vector<UnknownOperator> unknown_operators(const Model& model, const Wiring& wiring,
                                               const Decomposition& of) {
  std::vector<int> kernel_of(model.nodes.size(), -1);
  for (std::size_t i = 0; i < of.kernels.size(); ++i)
    for (const int node : of.kernels[i].nodes)
      kernel_of[static_cast<std::size_t>(node)] = static_cast<int>(i);
  std::map<std::string, UnknownOperator> all;
  std::map<std::string, std::set<int>> beside;
  const double traffic = std::max(1.0, static_cast<double>(of.traffic()));
  for (std::size_t i = 0; i < model.nodes.size(); ++i) {
    const Node& node = model.nodes[i];
    if (node.known) continue;
    UnknownOperator& unknown = all[node.op];
    unknown.op = node.op;
    ++unknown.count;
    const auto& kernel = of.kernels[static_cast<std::size_t>(kernel_of[i])];
    unknown.traffic_share += static_cast<double>(kernel.traffic()) / traffic;
    const auto note = [&](int neighbour) {
      const int k = neighbour < 0 ? -1 : kernel_of[static_cast<std::size_t>(neighbour)];
      if (k >= 0) beside[node.op].insert(k);
    };
    for (const int input : node.inputs)
      if (input >= 0) note(wiring.writer[static_cast<std::size_t>(input)]);
    for (const int output : node.outputs)
      if (output >= 0)
        for (const int reader : wiring.readers[static_cast<std::size_t>(output)]) note(reader);
  }
  std::vector<UnknownOperator> list;
  const double work = std::max(1.0, static_cast<double>(of.macs()));
  for (auto& [op, unknown] : all) {
    for (const int k : beside[op])
      unknown.macs_beside_share += static_cast<double>(of.kernels[static_cast<std::size_t>(k)].macs) / work;
    list.push_back(std::move(unknown));
  }
  return list;
}

}  // namespace

const char* name(KernelType type) { return kNames[static_cast<std::size_t>(type)]; }

std::string FusedKernel::key() const {
  const auto number = [](std::int64_t value) { return std::to_string(value); };
  const auto pair = [&](std::int64_t a, std::int64_t b) {
    return a == b ? number(a) : number(a) + "x" + number(b);
  };
  const bool window = type == KernelType::conv || type == KernelType::dwconv || type == KernelType::maxpool ||
                      type == KernelType::avgpool;
  const bool grouped =
      type == KernelType::conv || type == KernelType::dwconv || type == KernelType::attention;
  std::string text = name(type);
  if (type == KernelType::other) text += "/" + op;
  text += "," + number(n) + "," + number(h) + "," + number(w) + "," + number(cin) + "," + number(cout) + ",";
  text += window ? number(kh) + "," + number(kw) + "," + pair(stride_h, stride_w) + "," : ",,,";
  if (grouped) text += number(groups);
  if (dilation != 1) text += ",d" + number(dilation);
  const bool divided = out_h == (h + stride_h - 1) / stride_h && out_w == (w + stride_w - 1) / stride_w;
  if (window && !divided) text += ",o" + number(out_h) + "x" + number(out_w);
  if (element == Element::i8) text += ",i8";
  return text;
}

std::int64_t Decomposition::macs() const {
  std::int64_t sum = 0;
  for (const FusedKernel& kernel : kernels) sum = plus(sum, kernel.macs);
  return sum;
}

std::int64_t Decomposition::traffic() const {
  std::int64_t sum = 0;
  for (const FusedKernel& kernel : kernels) sum = plus(sum, kernel.traffic());
  return sum;
}

const std::vector<RuntimeFamily>& runtime_families() {
  static const std::vector<RuntimeFamily> families = [] {
    std::vector<RuntimeFamily> all;
    for (const FusionRules& rules : fusion_rules()) all.push_back({rules.id, rules.title, rules.source});
    return all;
  }();
  return families;
}

Decomposition decompose(const Model& model, std::string_view runtime) {
  const CompiledRules& rules = compiled(runtime);
  const Wiring wiring(model);
  Matcher matcher(model, wiring, rules.definitions);
  Decomposition result;
  const int count = static_cast<int>(model.nodes.size());
  // A .param is what ncnn executes: fused already, and no further.
  const bool by_layer = model.format == "ncnn" && runtime == "ncnn";
  for (const CompiledRule& rule : rules.rules)
    for (int root = count - 1; root >= 0; --root) {
      auto nodes = matcher.match(rule.pattern, root);
      if (nodes.empty() || (by_layer && !rule.unit && !one_layer(model, nodes))) continue;
      matcher.take(nodes);
      result.kernels.push_back(Description(model, wiring, std::move(nodes)).describe(&rule));
    }
  for (int i = 0; i < count; ++i)
    if (!matcher.taken(i) && !moves_no_data(model.nodes[static_cast<std::size_t>(i)]))
      result.kernels.push_back(Description(model, wiring, {i}).describe(nullptr));
  std::sort(result.kernels.begin(), result.kernels.end(),
            [](const FusedKernel& a, const FusedKernel& b) { return a.nodes.back() < b.nodes.back(); });
  result.unknown = unknown_operators(model, wiring, result);
  return result;
}

}  // namespace latencast
