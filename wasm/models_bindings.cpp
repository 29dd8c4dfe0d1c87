// Models as JavaScript sees them, in a module of its own that is fetched when somebody opens or exports one.
// Raw types: latencast-models.d.ts.

#include <algorithm>
#include <map>
#include <memory>
#include <variant>

#include "boundary.h"
#include "latencast/decompose.h"
#include "latencast/export.h"
#include "latencast/fleet.h"
#include "latencast/model.h"
#include "latencast/pool.h"
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

val bytes_of(const std::string& file) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(file.data());
  return val(emscripten::typed_memory_view(file.size(), bytes)).call<val>("slice");
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
    return bytes_of(latencast::export_onnx(space, space.parse(text), chosen));
  });
}

val export_kernel(const std::string& key, const std::string& settings) {
  return envelope([&] {
    std::uint64_t seed = 0;
    Options options("exportKernel", settings, "seed");
    options.read("seed", seed);
    options.finish();
    return bytes_of(latencast::export_kernel(read_kernel(key), seed));
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

  /// As a family of runtimes executes it; the answer lives as long as the model.
  const Decomposition& decomposed(const std::string& runtime) {
    const auto known = decomposed_.find(runtime);
    if (known != decomposed_.end()) return known->second;
    return decomposed_.emplace(runtime, latencast::decompose(model_, runtime)).first->second;
  }

  val decompose(const std::string& runtime) {
    return envelope([&] {
      const Decomposition& found = decomposed(runtime);
      Json kernels = Json::array(), unknown = Json::array();
      for (const FusedKernel& kernel : found.kernels) kernels.push_back(to_json(model_, kernel));
      for (const UnknownOperator& one : found.unknown) unknown.push_back(to_json(one));
      return dump({{"runtime", runtime}, {"kernels", kernels}, {"unknown", unknown}});
    });
  }

 private:
  Model model_;
  std::map<std::string, Decomposition> decomposed_;
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

const char* name_of(Knowledge knowledge) {
  switch (knowledge) {
    case Knowledge::measured:
      return "measured";
    case Knowledge::known:
      return "known";
    case Knowledge::graph:
      return "graph";
  }
  throw Error(ErrorCode::internal, "models: knowledge without a name");
}

/// An array of models, which stay their owners'.
std::vector<RawModel*> models_in(const val& array) {
  std::vector<RawModel*> models;
  const auto count = array["length"].as<std::size_t>();
  for (std::size_t i = 0; i < count; ++i)
    models.push_back(array[i].as<RawModel*>(emscripten::allow_raw_pointers()));
  return models;
}

// Models that were measured, taken apart as a family fuses them.
std::vector<ModelMeasurement> measurements_in(const char* who, const val& models, const val& latencies_array,
                                              const std::string& family) {
  const std::vector<double> latencies_ms = copy_in(latencies_array);
  const std::vector<RawModel*> measured = models_in(models);
  if (measured.size() != latencies_ms.size())
    throw Error(ErrorCode::argument, std::string(who) + ": " + std::to_string(measured.size()) +
                                         " models and " + std::to_string(latencies_ms.size()) +
                                         " latencies; expected as many of each");
  std::vector<ModelMeasurement> measurements;
  for (std::size_t i = 0; i < measured.size(); ++i)
    measurements.push_back({measured[i]->decomposed(family), latencies_ms[i]});
  return measurements;
}

class RawPlatform : public Handle {
 public:
  /// family: whose kernels its models are taken apart into.
  RawPlatform(std::shared_ptr<const Fleet> fleet, PlatformModel platform, std::string family)
      : fleet_(std::move(fleet)), platform_(std::move(platform)), family_(std::move(family)) {}

  val estimate(RawModel& model, double coverage) const {
    return envelope([&] {
      const ModelEstimate found = platform_.estimate(model.decomposed(family_), coverage);
      val result = val::object();
      result.set("latency_ms", found.latency_ms);
      result.set("low_ms", found.low_ms);
      result.set("high_ms", found.high_ms);
      result.set("kernel_ms", copy_out(found.kernel_ms));
      result.set("knowledge", std::string(name_of(found.knowledge)));
      return result;
    });
  }

  val review() const {
    return envelope([&] {
      Json likenesses = Json::array(), left_out = Json::array(), set_aside = Json::array();
      constexpr std::size_t kMostShown = 5;
      for (const PlatformModel::Likeness& one : platform_.likenesses()) {
        if (likenesses.size() == kMostShown) break;
        likenesses.push_back(
            {{"platform", fleet_->platforms()[one.platform].id}, {"probability", one.probability}});
      }
      for (const bool one : platform_.set_aside()) set_aside.push_back(one);
      for (const Belief& belief : platform_.left_out()) {
        const Belief::Interval interval = belief.interval();
        left_out.push_back({{"low", interval.low}, {"latency_ms", interval.median}, {"high", interval.high}});
      }
      return dump({{"likenesses", likenesses},
                   {"set_aside", set_aside},
                   {"left_out", left_out},
                   {"expected_error", platform_.expected_error()}});
    });
  }

  val next(const val& models, int count) const {
    return envelope([&] {
      std::vector<Decomposition> candidates;
      for (RawModel* model : models_in(models)) candidates.push_back(model->decomposed(family_));
      const Posterior::Next found = platform_.next(candidates, static_cast<std::size_t>(std::max(0, count)));
      return dump({{"models", found.rows}, {"worth", found.worth}});
    });
  }

 private:
  std::shared_ptr<const Fleet> fleet_;
  PlatformModel platform_;
  std::string family_;
};

class RawFleet : public Handle {
 public:
  explicit RawFleet(Fleet fleet) : fleet_(std::make_shared<const Fleet>(std::move(fleet))) {}

  val info() const {
    return envelope([&] {
      Json platforms = Json::array(), models = Json::array();
      for (const KnownPlatform& one : fleet_->platforms())
        platforms.push_back({{"id", one.id},
                             {"title", one.title},
                             {"board", one.board},
                             {"family", one.family},
                             {"gpu", one.gpu},
                             {"threads", one.threads},
                             {"processor", one.processor},
                             {"measured", one.measured}});
      for (const KnownModel& one : fleet_->models())
        models.push_back({{"name", one.name}, {"input", one.input}, {"measured", one.measured}});
      return dump({{"platforms", platforms}, {"models", models}, {"processors", fleet_->processors()}});
    });
  }

  val platform(int index) const {
    return envelope([&] {
      const auto at = static_cast<std::size_t>(index);
      return hand_over(new RawPlatform(fleet_, fleet_->platform(at), fleet_->platforms()[at].family));
    });
  }

  val adapt(const val& models, const val& latencies_array, const std::string& settings) const {
    return envelope([&] {
      std::string family;
      std::vector<std::size_t> trusted;
      AdaptOptions chosen;
      Options options("adapt", settings, "family, trusted, processor or threads");
      options.read("family", family);
      options.read("trusted", trusted);
      options.read("processor", chosen.processor);
      options.read("threads", chosen.threads);
      options.finish();
      const std::vector<ModelMeasurement> measurements =
          measurements_in("adapt", models, latencies_array, family);
      chosen.trusted.assign(measurements.size(), false);
      for (const std::size_t i : trusted) {
        if (i >= measurements.size())
          throw Error(ErrorCode::argument, "adapt: trusted is " + std::to_string(i) +
                                               "; expected less than " + std::to_string(measurements.size()));
        chosen.trusted[i] = true;
      }
      return hand_over(new RawPlatform(fleet_, fleet_->adapt(measurements, chosen), family));
    });
  }

 private:
  std::shared_ptr<const Fleet> fleet_;
};

val load_fleet(const std::string& bytes) {
  return envelope([&] { return hand_over(new RawFleet(Fleet(bytes))); });
}

// ---- the pool ----

// Timings of kernels: their keys as a list, and as many latencies.
std::vector<KernelTiming> timings_in(const std::string& keys, const val& latencies_array) {
  const std::vector<double> latencies_ms = copy_in(latencies_array);
  const auto kernels = split_list(keys);
  if (kernels.size() != latencies_ms.size())
    throw Error(ErrorCode::internal, "timings: " + std::to_string(kernels.size()) + " kernels and " +
                                         std::to_string(latencies_ms.size()) + " latencies");
  std::vector<KernelTiming> timings;
  for (std::size_t i = 0; i < kernels.size(); ++i)
    timings.push_back({read_kernel(kernels[i]), latencies_ms[i]});
  return timings;
}

Json to_json(const std::array<std::int32_t, kKernelTypes>& timings) {
  Json counts = Json::object();
  for (std::size_t type = 0; type < kKernelTypes; ++type)
    if (timings[type] > 0) counts[name(static_cast<KernelType>(type))] = timings[type];
  return counts;
}

Json to_json(const PoolEntry& entry) {
  return {{"id", entry.id},
          {"title", entry.title},
          {"chip", entry.chip},
          {"source", entry.source},
          {"family", runtime_family(entry)},
          {"timed", name(entry.timed)},
          {"timings", to_json(entry.timings)}};
}

Json to_json(const std::vector<Similarity>& similarities) {
  Json all = Json::array();
  for (const Similarity& one : similarities)
    all.push_back(
        {{"platform", one.platform}, {"error", one.error}, {"scale", one.scale}, {"share", one.share}});
  return all;
}

class RawPool : public Handle {
 public:
  explicit RawPool(PoolIndex index) : index_(std::move(index)) {}

  val info() const {
    return envelope([&] {
      Json platforms = Json::array();
      for (const PoolEntry& one : index_.platforms()) platforms.push_back(to_json(one));
      return dump({{"platforms", platforms}, {"probes", index_.probes()}, {"enough", kPlatformsToLoad}});
    });
  }

  val similar(const std::string& kernels, const val& latencies_ms) const {
    return envelope([&] { return dump(to_json(index_.similarities(timings_in(kernels, latencies_ms)))); });
  }

 private:
  PoolIndex index_;
};

val load_pool(const std::string& bytes) {
  return envelope([&] { return hand_over(new RawPool(PoolIndex(bytes))); });
}

/// Known by its kernels: of the pool, or adapted to timings.
class RawKernelPlatform : public Handle {
 public:
  explicit RawKernelPlatform(PoolPlatform platform) : platform_(std::move(platform)) {}
  explicit RawKernelPlatform(AdaptedPlatform platform) : platform_(std::move(platform)) {}

  val info() const {
    return envelope([&] {
      if (const auto* known = std::get_if<PoolPlatform>(&platform_))
        return dump(
            {{"entry", to_json(known->entry())}, {"similar", Json::array()}, {"set_aside", Json::array()}});
      const auto& adapted = std::get<AdaptedPlatform>(platform_);
      return dump({{"similar", to_json(adapted.nearest())}, {"set_aside", adapted.set_aside()}});
    });
  }

  val estimate(RawModel& model, const std::string& family) const {
    return envelope([&] {
      const Decomposition& kernels = model.decomposed(family);
      const KernelSum found =
          std::visit([&](const auto& platform) { return estimate_model(platform, kernels); }, platform_);
      val result = val::object();
      result.set("latency_ms", found.latency_ms);
      result.set("low_ms", found.low_ms);
      result.set("high_ms", found.high_ms);
      result.set("kernel_ms", copy_out(found.kernel_ms));
      return result;
    });
  }

  /// Throws `argument` where it was adapted.
  const PoolPlatform& of_pool() const {
    if (const auto* known = std::get_if<PoolPlatform>(&platform_)) return *known;
    throw Error(ErrorCode::argument,
                "adaptKernels: found a platform that was adapted itself; expected those of a pool");
  }

 private:
  std::variant<PoolPlatform, AdaptedPlatform> platform_;
};

val load_pool_platform(const std::string& bytes) {
  return envelope([&] { return hand_over(new RawKernelPlatform(PoolPlatform(bytes))); });
}

val adapt_kernels(const val& platforms, const std::string& kernels, const val& latencies_ms,
                  const val& models, const val& model_latencies, const std::string& family,
                  const std::string& timed) {
  return envelope([&] {
    if (timed != name(Timed::alone) && timed != name(Timed::inside))
      throw Error(ErrorCode::argument, "adaptKernels: timed is '" + timed + "'; expected alone or inside");
    std::vector<PoolPlatform> pool;
    const auto count = platforms["length"].as<std::size_t>();
    for (std::size_t i = 0; i < count; ++i)
      pool.push_back(platforms[i].as<RawKernelPlatform*>(emscripten::allow_raw_pointers())->of_pool());
    return hand_over(new RawKernelPlatform(latencast::adapt(
        pool, timings_in(kernels, latencies_ms),
        measurements_in("adaptKernels", models, model_latencies, family), read_timed(timed))));
  });
}

}  // namespace

EMSCRIPTEN_BINDINGS(latencast_models) {
  emscripten::function("_runtimeFamilies", &boundary::runtime_families);
  emscripten::function("_inputs", &inputs);
  emscripten::function("_open", &boundary::open);
  emscripten::function("_exportOnnx", &boundary::export_onnx);
  emscripten::function("_exportKernel", &boundary::export_kernel);
  emscripten::function("_loadFleet", &load_fleet);
  emscripten::function("_loadPool", &load_pool);
  emscripten::function("_loadPoolPlatform", &load_pool_platform);
  emscripten::function("_adaptKernels", &adapt_kernels);
  emscripten::function("_liveHandles", &live_handles);

  emscripten::class_<RawModel>("RawModel")
      .function("_info", &RawModel::info)
      .function("_decompose", &RawModel::decompose);

  emscripten::class_<RawFleet>("RawFleet")
      .function("_info", &RawFleet::info)
      .function("_platform", &RawFleet::platform)
      .function("_adapt", &RawFleet::adapt);

  emscripten::class_<RawPlatform>("RawPlatform")
      .function("_estimate", &RawPlatform::estimate)
      .function("_review", &RawPlatform::review)
      .function("_next", &RawPlatform::next);

  emscripten::class_<RawPool>("RawPool")
      .function("_info", &RawPool::info)
      .function("_similar", &RawPool::similar);

  emscripten::class_<RawKernelPlatform>("RawKernelPlatform")
      .function("_info", &RawKernelPlatform::info)
      .function("_estimate", &RawKernelPlatform::estimate);
}

}  // namespace latencast::boundary
