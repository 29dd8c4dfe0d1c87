// The engine as JavaScript sees it: one table at the end, and the few lines each entry needs. Raw types:
// latencast.d.ts.

#include <chrono>
#include <limits>
#include <memory>

#include "boundary.h"
#include "json.h"
#include "latencast/metrics.h"
#include "latencast/predictor.h"
#include "latencast/rng.h"
#include "latencast/space.h"
#include "latencast/transfer.h"
#include "layers.h"

namespace latencast::boundary {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

// Replaces bytes that are no UTF-8: JavaScript strings may hold half a surrogate pair, and a user's text ends
// up in messages.
std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// The canonical forms of a list of texts. Throws `architecture` and names the item by its number from 1.
std::vector<Architecture> parse_list(const Space& space, const char* where, std::string_view list) {
  std::vector<Architecture> architectures;
  for (const std::string_view text : split_list(list)) {
    try {
      architectures.push_back(space.parse(text));
    } catch (const Error& error) {
      throw Error(error.code(), std::string(where) + ": architecture " +
                                    std::to_string(architectures.size() + 1) + ": " + error.what());
    }
  }
  return architectures;
}

// ---- functions ----

val error_codes() {
  return envelope([] { return join_list(error_code_names()); });
}

val parse(const std::string& space_id, const std::string& texts) {
  return envelope([&] {
    const Space& chosen = space(space_id);
    std::vector<std::int32_t> indices;
    std::vector<std::string> architectures;
    Json messages = Json::array();
    for (const std::string_view text : split_list(texts)) {
      std::int32_t index = -1;
      Architecture architecture;
      std::string message;
      try {
        architecture = chosen.parse(text);
        if (chosen.size() > 0) index = static_cast<std::int32_t>(chosen.index(architecture));
      } catch (const Error& error) {
        message = error.what();
      }
      indices.push_back(index);
      architectures.push_back(std::move(architecture));
      messages.push_back(message.empty() ? Json(nullptr) : Json(std::move(message)));
    }
    val result = val::object();
    result.set("indices", copy_out(indices));
    result.set("architectures", join_list(architectures));
    result.set("messages", dump(messages));
    return result;
  });
}

val facts(const std::string& space_id, const std::string& texts) {
  return envelope([&] {
    const Space& chosen = space(space_id);
    Json all = Json::array();
    for (const Architecture& architecture : parse_list(chosen, "facts", texts)) {
      const Graph graph = chosen.graph(architecture);
      Json op = Json::array();
      for (const std::uint8_t label : graph.op) op.push_back(chosen.op_names()[label]);
      Json live = Json::array();
      for (const std::uint8_t reaches : graph.live) live.push_back(reaches != 0);
      all.push_back({{"text", chosen.format(architecture)},
                     {"macs", chosen.macs(architecture)},
                     {"params", chosen.params(architecture)},
                     {"graph", {{"op", op}, {"predecessors", graph.predecessors}, {"live", live}}}});
    }
    return dump(all);
  });
}

val enumerate(const std::string& space_id) {
  return envelope([&] { return join_list(space(space_id).enumerate()); });
}

val accuracy(const val& predicted_array, const val& truth_array) {
  return envelope([&] {
    const std::vector<double> predicted = copy_in(predicted_array);
    const std::vector<double> truth = copy_in(truth_array);
    return dump({{"spearman", spearman(predicted, truth)},
                 {"kendall", kendall(predicted, truth)},
                 {"mdape", mdape(predicted, truth)},
                 {"within5", within(predicted, truth, 0.05)},
                 {"within10", within(predicted, truth, 0.10)}});
  });
}

val live_handles() {
  return envelope([] { return Handle::live(); });
}

/// Best of `repetitions` products of two n x n float matrices, in GFLOP/s: the ceiling the network's speed is
/// compared with.
val gemm_gflops(int n, int repetitions) {
  return envelope([&] {
    if (n < 1 || repetitions < 1) {
      throw Error(ErrorCode::argument, "gemm: n is " + std::to_string(n) + " and repetitions " +
                                           std::to_string(repetitions) + "; expected both to be 1 or more");
    }
    Rng rng(0);
    Matrix<float> a(n, n), b(n, n), c(n, n);
    for (float& x : a.reshaped()) x = static_cast<float>(rng.normal());
    for (float& x : b.reshaped()) x = static_cast<float>(rng.normal());
    double best_ms = std::numeric_limits<double>::infinity();
    volatile float sink = 0;  // keeps the products from being optimised away
    for (int i = 0; i < repetitions; ++i) {
      const Clock::time_point start = Clock::now();
      set_product(a, b, c);
      best_ms = std::min(best_ms, milliseconds_since(start));
      sink = sink + c(i % n, 0);
    }
    return 2e-6 * n * n * n / best_ms;
  });
}

// ---- handles ----

/// Reads one JSON object strictly: a wrong type or an unknown name is the caller's mistake, never silently
/// ignored.
TransferOptions read_options(const std::string& text) {
  const Json json = read_json(text);
  if (!json.is_object())
    throw Error(ErrorCode::argument, "transfer: found options " + text + "; expected a JSON object");
  TransferOptions options;
  for (const auto& [key, value] : json.items()) {
    const auto require = [&, &name = key, &found = value](bool ok, const char* expected) {
      if (!ok)
        throw Error(ErrorCode::argument,
                    "transfer: " + name + " is " + dump(found) + "; expected " + expected);
    };
    if (key == "device") {
      require(value.is_string(), "a name");
      options.device = value.get<std::string>();
    } else if (key == "epochs") {
      require(value.is_number_unsigned() && value.get<std::uint64_t>() <= std::numeric_limits<int>::max(),
              "a whole number of 1 or more");
      options.epochs = value.get<int>();
    } else if (key == "learning_rate") {
      require(value.is_number(), "a positive number");
      options.learning_rate = value.get<double>();
    } else if (key == "seed") {
      require(value.is_number_unsigned() && value.get<std::uint64_t>() < (std::uint64_t{1} << 53),
              "a whole number from 0 to 2^53 - 1");
      options.seed = value.get<std::uint64_t>();
    } else {
      throw Error(ErrorCode::argument,
                  "transfer: option " + key + " is unknown; expected device, epochs, learning_rate or seed");
    }
  }
  return options;
}

class RawTransfer;

class RawPredictor : public Handle {
 public:
  explicit RawPredictor(Predictor predictor) : predictor_(std::move(predictor)) {}

  val info() const {
    return envelope([&] {
      Json measurements = Json::array();
      for (const Measurement& measurement : predictor_.measurements()) {
        measurements.push_back(
            {{"architecture", measurement.architecture}, {"latency_ms", measurement.latency_ms}});
      }
      Json info = {{"space", predictor_.space().id()},
                   {"devices", predictor_.devices()},
                   {"parameter_count", predictor_.parameter_count()},
                   {"measurements", measurements}};
      if (predictor_.is_transferred()) info["target"] = predictor_.devices().front();
      if (const auto& nearest = predictor_.nearest()) {
        info["nearest"] = {{"device", nearest->device}, {"spearman", nearest->spearman}};
      }
      return dump(info);
    });
  }

  val scores(const std::string& device, const std::string& architectures) const {
    return envelope([&] {
      return copy_out(predictor_.scores(device, parse_list(predictor_.space(), "scores", architectures)));
    });
  }

  val latency(const std::string& architectures) const {
    return envelope([&] {
      return copy_out(predictor_.latency_ms(parse_list(predictor_.space(), "predict", architectures)));
    });
  }

  val save() const {
    return envelope([&] {
      const std::string bytes = predictor_.write();
      return copy_out(std::vector<std::uint8_t>(bytes.begin(), bytes.end()));
    });
  }

  val transfer(const std::string& architectures, const val& latencies_array,
               const std::string& options) const;

 private:
  Predictor predictor_;
};

class RawTransfer : public Handle {
 public:
  explicit RawTransfer(Transfer transfer) : transfer_(std::move(transfer)) {}

  /// At least one optimiser step, then more while they fit.
  val step(double max_milliseconds) {
    return envelope([&] {
      const Clock::time_point start = Clock::now();
      bool more = transfer_.step();
      while (more && milliseconds_since(start) < max_milliseconds) more = transfer_.step();
      const TransferProgress& progress = transfer_.progress();
      return dump({{"finished", !more},
                   {"step", progress.step},
                   {"total_steps", progress.total_steps},
                   {"epoch", progress.epoch},
                   {"epochs", progress.epochs},
                   {"loss", progress.loss}});
    });
  }

  val result() const {
    return envelope([&] { return hand_over(new RawPredictor(transfer_.result())); });
  }

 private:
  Transfer transfer_;
};

val RawPredictor::transfer(const std::string& architectures, const val& latencies_array,
                           const std::string& options) const {
  return envelope([&] {
    const std::vector<std::string_view> texts = split_list(architectures);
    const std::vector<double> latencies = copy_in(latencies_array);
    if (texts.size() != latencies.size()) {
      throw Error(ErrorCode::argument, "transfer: " + std::to_string(texts.size()) + " architectures and " +
                                           std::to_string(latencies.size()) +
                                           " latencies; expected as many of each");
    }
    std::vector<Measurement> measurements;
    for (const std::string_view text : texts) {
      const std::size_t i = measurements.size();
      try {
        measurements.push_back({predictor_.space().parse(text), latencies[i]});
      } catch (const Error& error) {
        throw Error(error.code(), "transfer: measurement " + std::to_string(i + 1) + ": " + error.what());
      }
    }
    return hand_over(new RawTransfer(Transfer(predictor_, measurements, read_options(options))));
  });
}

val load(const std::string& bytes) {
  return envelope([&] { return hand_over(new RawPredictor(Predictor::read(bytes))); });
}

}  // namespace

EMSCRIPTEN_BINDINGS(latencast) {
  emscripten::function("_errorCodes", &error_codes);
  emscripten::function("_parse", &parse);
  emscripten::function("_facts", &facts);
  emscripten::function("_enumerate", &enumerate);
  emscripten::function("_accuracy", &accuracy);
  emscripten::function("_load", &load);
  emscripten::function("_liveHandles", &live_handles);
  emscripten::function("_gemmGflops", &gemm_gflops);

  emscripten::class_<RawPredictor>("RawPredictor")
      .function("_info", &RawPredictor::info)
      .function("_scores", &RawPredictor::scores)
      .function("_latency", &RawPredictor::latency)
      .function("_save", &RawPredictor::save)
      .function("_transfer", &RawPredictor::transfer);

  emscripten::class_<RawTransfer>("RawTransfer")
      .function("_step", &RawTransfer::step)
      .function("_result", &RawTransfer::result);
}

}  // namespace latencast::boundary
