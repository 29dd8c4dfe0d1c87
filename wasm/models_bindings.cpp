// Models as JavaScript sees them, in a module of its own that is fetched when somebody opens or exports one.
// Raw types: latencast-models.d.ts.

#include "boundary.h"
#include "latencast/decompose.h"
#include "latencast/export.h"
#include "latencast/model.h"
#include "options.h"

namespace latencast::boundary {
namespace {

const char* name_of(Element element) {
  switch (element) {
    case Element::f32:
      return "f32";
    case Element::f16:
      return "f16";
    case Element::f64:
      return "f64";
    case Element::i8:
      return "i8";
    case Element::i16:
      return "i16";
    case Element::i32:
      return "i32";
    case Element::i64:
      return "i64";
    case Element::boolean:
      return "bool";
  }
  throw Error(ErrorCode::internal, "models: an element without a name");
}

Json to_json(const Model& model, const std::vector<int>& tensors) {
  Json all = Json::array();
  for (const int i : tensors) {
    const ModelTensor& tensor = model.tensors[static_cast<std::size_t>(i)];
    all.push_back({{"name", tensor.name}, {"shape", tensor.shape}, {"element", name_of(tensor.element)}});
  }
  return all;
}

Json to_json(const Model& model, const FusedKernel& kernel) {
  Json nodes = Json::array();
  for (const int i : kernel.nodes) {
    const Node& node = model.nodes[static_cast<std::size_t>(i)];
    nodes.push_back({{"name", node.name}, {"op", node.op}});
  }
  return {{"type", name(kernel.type)},
          {"op", kernel.op},
          {"key", kernel.key()},
          {"macs", kernel.macs},
          {"params", kernel.params},
          {"bytes_in", kernel.bytes_in},
          {"bytes_weights", kernel.bytes_weights},
          {"bytes_out", kernel.bytes_out},
          {"nodes", nodes}};
}

Json to_json(const UnknownOperator& one) {
  return {{"op", one.op},
          {"count", one.count},
          {"traffic_share", one.traffic_share},
          {"macs_beside_share", one.macs_beside_share}};
}

// ---- functions ----

val runtime_families() {
  return envelope([] {
    Json all = Json::array();
    for (const RuntimeFamily& family : latencast::runtime_families())
      all.push_back({{"id", family.id}, {"title", family.title}, {"source", family.source}});
    return dump(all);
  });
}

val inputs(const std::string& bytes) {
  return envelope([&] {
    Json all = Json::array();
    for (const ModelInput& input : read_inputs(bytes)) {
      Json shape = nullptr;
      if (input.shape) {
        shape = Json::array();
        for (const std::int64_t length : *input.shape)
          shape.push_back(length == kOpen ? Json(nullptr) : Json(length));
      }
      all.push_back({{"name", input.name}, {"shape", shape}});
    }
    return dump(all);
  });
}

val export_onnx(const std::string& space_id, const std::string& text, const std::string& settings) {
  return envelope([&] {
    const Space& space = latencast::space(space_id);
    ExportOptions chosen;
    Options options("exportOnnx", settings, "pixels, classes or seed");
    options.read("pixels", chosen.pixels);
    options.read("classes", chosen.classes);
    options.read("seed", chosen.seed);
    options.finish();
    const std::string file = latencast::export_onnx(space, space.parse(text), chosen);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(file.data());
    return val(emscripten::typed_memory_view(file.size(), bytes)).call<val>("slice");
  });
}

val live_handles() {
  return envelope([] { return Handle::live(); });
}

// ---- handles ----

class RawModel : public Handle {
 public:
  explicit RawModel(Model model) : model_(std::move(model)) {}

  val info() const {
    return envelope([&] {
      return dump({{"name", model_.name},
                   {"format", model_.format},
                   {"inputs", to_json(model_, model_.inputs)},
                   {"outputs", to_json(model_, model_.outputs)},
                   {"operators", model_.nodes.size()},
                   {"macs", model_.macs()},
                   {"params", model_.params()}});
    });
  }

  val decompose(const std::string& runtime) const {
    return envelope([&] {
      const Decomposition found = latencast::decompose(model_, runtime);
      Json kernels = Json::array(), unknown = Json::array();
      for (const FusedKernel& kernel : found.kernels) kernels.push_back(to_json(model_, kernel));
      for (const UnknownOperator& one : found.unknown) unknown.push_back(to_json(one));
      return dump({{"runtime", runtime}, {"kernels", kernels}, {"unknown", unknown}});
    });
  }

 private:
  Model model_;
};

val open(const std::string& bytes, const std::string& settings) {
  return envelope([&] {
    ImportOptions chosen;
    int batch = 1;
    Options options("open", settings, "batch or inputs");
    options.read("batch", batch);
    options.read("inputs", chosen.inputs);
    options.finish();
    chosen.batch = batch;
    return hand_over(new RawModel(read_model(bytes, chosen)));
  });
}

}  // namespace

EMSCRIPTEN_BINDINGS(latencast_models) {
  emscripten::function("_runtimeFamilies", &boundary::runtime_families);
  emscripten::function("_inputs", &inputs);
  emscripten::function("_open", &boundary::open);
  emscripten::function("_exportOnnx", &boundary::export_onnx);
  emscripten::function("_liveHandles", &live_handles);

  emscripten::class_<RawModel>("RawModel")
      .function("_info", &RawModel::info)
      .function("_decompose", &RawModel::decompose);
}

}  // namespace latencast::boundary
