// The engine as JavaScript sees it: one table at the end, and the few lines each entry needs. Raw types:
// latencast.d.ts.

#include <chrono>
#include <limits>
#include <memory>
#include <unordered_map>

#include "boundary.h"
#include "latencast/encode.h"
#include "latencast/estimate.h"
#include "latencast/metrics.h"
#include "latencast/predictor.h"
#include "latencast/rng.h"
#include "latencast/sample.h"
#include "latencast/search.h"
#include "latencast/space.h"
#include "latencast/transfer.h"
#include "layers.h"
#include "options.h"
#include "review.h"

namespace latencast::boundary {
namespace {

using Clock = std::chrono::steady_clock;

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

val spaces() {
  return envelope([] {
    Json all = Json::array();
    for (const std::string& id : space_ids()) {
      const Space& one = space(id);
      all.push_back({{"id", id}, {"title", one.title()}, {"size", one.size()}});
    }
    return dump(all);
  });
}

val samplers() {
  return envelope([] { return join_list(sampler_names()); });
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

val random(const std::string& space_id, const std::string& settings) {
  return envelope([&] {
    const Space& chosen = space(space_id);
    int count = 1;
    std::uint64_t seed = 0;
    Options options("random", settings, "count or seed");
    options.read("count", count);
    options.read("seed", seed);
    options.finish();
    Rng rng(seed);
    std::vector<Architecture> drawn;
    for (int i = 0; i < count; ++i) drawn.push_back(chosen.random(rng));
    return join_list(drawn);
  });
}

val neighbours(const std::string& space_id, const std::string& architecture) {
  return envelope([&] {
    const Space& chosen = space(space_id);
    return join_list(chosen.neighbours(chosen.parse(architecture)));
  });
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

void read_quantity(Options& options, Quantity& into) {
  std::string text = name_of(into);
  options.read("quantity", text);
  into = quantity_from_name(text);
}

TransferOptions read_transfer_options(const std::string& text) {
  TransferOptions settings;
  Options options("transfer", text, "device, quantity, epochs, learning_rate or seed");
  options.read("device", settings.device);
  read_quantity(options, settings.quantity);
  options.read("epochs", settings.epochs);
  options.read("learning_rate", settings.learning_rate);
  options.read("seed", settings.seed);
  options.finish();
  return settings;
}

SearchOptions read_search_options(const Predictor& predictor, const std::vector<double>& limits_ms,
                                  const std::string& text) {
  SearchOptions settings;
  settings.limits_ms = limits_ms;
  std::string start;
  Options options("search", text, "start, population, tournament, evaluations or seed");
  options.read("start", start);
  options.read("population", settings.population);
  options.read("tournament", settings.tournament);
  options.read("evaluations", settings.evaluations);
  options.read("seed", settings.seed);
  options.finish();
  settings.start = parse_list(predictor.space(), "search", start);
  for (const Measurement& measurement : predictor.measurements())
    settings.start.push_back(measurement.architecture);
  return settings;
}

/// What a search makes large. values: of `architectures` in order, or where these are none of the whole space
/// in its order; where values are none as well, multiply-adds in millions.
Estimate read_quality(const Space& space, const std::string& architectures, std::vector<double> values) {
  if (values.empty()) {
    return [&space](const std::vector<Architecture>& asked) {
      std::vector<double> quality;
      for (const Architecture& one : asked) quality.push_back(1e-6 * static_cast<double>(space.macs(one)));
      return quality;
    };
  }
  const std::vector<Architecture> known =
      architectures.empty() ? space.enumerate() : parse_list(space, "search", architectures);
  if (known.size() != values.size()) {
    throw Error(ErrorCode::argument, "search: " + std::to_string(values.size()) + " qualities for " +
                                         std::to_string(known.size()) +
                                         " architectures; expected as many of each");
  }
  std::unordered_map<Architecture, double> quality_of;
  for (std::size_t i = 0; i < known.size(); ++i) quality_of[known[i]] = values[i];
  return [quality_of = std::move(quality_of)](const std::vector<Architecture>& asked) {
    std::vector<double> quality;
    for (const Architecture& one : asked) {
      const auto found = quality_of.find(one);
      quality.push_back(found == quality_of.end() ? std::numeric_limits<double>::quiet_NaN() : found->second);
    }
    return quality;
  };
}

Json to_json(const Candidate& candidate) {
  return {{"architecture", candidate.architecture},
          {"latency_ms", candidate.latency_ms},
          {"quality", candidate.quality}};
}

/// At least one step of work, then more while it fits. Returns whether any is left.
template <class Work>
bool step_for(Work& work, double max_milliseconds) {
  const Clock::time_point start = Clock::now();
  bool more = work.step();
  while (more && milliseconds_since(start) < max_milliseconds) more = work.step();
  return more;
}

class RawEncoder : public Handle {
 public:
  explicit RawEncoder(Encoder encoder) : encoder_(std::move(encoder)) {}

  val info() const {
    return envelope([&] { return dump({{"space", encoder_.space().id()}}); });
  }

  val encode(const std::string& encoding, const std::string& architectures) const {
    return envelope([&] {
      return copy_out(encoder_.encode(encoding_from_name(encoding),
                                      parse_list(encoder_.space(), "encode", architectures)));
    });
  }

  const Encoder& encoder() const { return encoder_; }

 private:
  Encoder encoder_;
};

val choose_samples(const std::string& space_id, const std::string& pool, const RawEncoder* encoder,
                   const std::string& settings) {
  return envelope([&] {
    const Space& chosen = space(space_id);
    if (encoder && &encoder->encoder().space() != &chosen) {
      throw Error(ErrorCode::argument, std::string("samples: the encoder is of ") +
                                           encoder->encoder().space().id() + "; expected one of " + space_id);
    }
    std::string sampler = "random";
    int count = 20;
    std::uint64_t seed = 0;
    Options options("samples", settings, "sampler, count or seed");
    options.read("sampler", sampler);
    options.read("count", count);
    options.read("seed", seed);
    options.finish();
    const std::vector<Architecture> from = parse_list(chosen, "samples", pool);
    std::vector<Architecture> picked;
    for (const std::size_t i :
         latencast::choose_samples(sampler, chosen, from, static_cast<std::size_t>(count),
                                   encoder ? &encoder->encoder() : nullptr, seed))
      picked.push_back(from[i]);
    return join_list(picked);
  });
}

class RawTransfer;
class RawSearch;

class RawPredictor : public Handle {
 public:
  explicit RawPredictor(Predictor predictor) : predictor_(std::move(predictor)) {}

  val info() const {
    return envelope([&] {
      Json measurements = Json::array();
      for (const Measurement& measurement : predictor_.measurements()) {
        measurements.push_back(
            {{"architecture", measurement.architecture}, {"latency_ms", measurement.latency_ms}});
        if (measurement.relative_error > 0)
          measurements.back()["relative_error"] = measurement.relative_error;
      }
      Json info = {{"space", predictor_.space().id()},
                   {"devices", predictor_.devices()},
                   {"parameter_count", predictor_.parameter_count()},
                   {"measurements", measurements}};
      info["closed_form"] = predictor_.has_prior();
      if (predictor_.is_transferred()) {
        info["target"] = predictor_.devices().front();
        info["quantity"] = name_of(predictor_.quantity());
        info["method"] = !predictor_.posterior() ? "finetune"
                         : predictor_.nearest()  ? "combined"
                                                 : "closed-form";
      }
      if (const auto& nearest = predictor_.nearest()) {
        info["nearest"] = {{"device", nearest->device}, {"spearman", nearest->spearman}};
      }
      return dump(info);
    });
  }

  val self_test() const {
    return envelope([&] {
      predictor_.self_test();
      return val::null();
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

  val estimate(const std::string& architectures, const val& latencies_array,
               const std::string& settings) const;

  val refine(const RawPredictor& base, const std::string& options) const;

  val intervals(const std::string& architectures, double coverage) const {
    return envelope([&] {
      return copy_out(columns_of(
          predictor_.beliefs(parse_list(predictor_.space(), "intervals", architectures)), coverage));
    });
  }

  val review() const {
    return envelope([&] { return dump(boundary::to_json(latencast::review(predictor_))); });
  }

  val next(const std::string& pool, int count) const {
    return envelope([&] {
      const std::vector<Architecture> from = parse_list(predictor_.space(), "next", pool);
      if (count < 1)
        throw Error(ErrorCode::argument,
                    "next: asked for " + std::to_string(count) + "; expected at least 1");
      const Suggestion suggestion = suggest(predictor_, from, static_cast<std::size_t>(count));
      Json chosen = Json::array();
      for (const std::size_t i : suggestion.chosen) chosen.push_back(from[i]);
      return dump({{"architectures", chosen}, {"worth", suggestion.worth}});
    });
  }

  val search(const val& limits_array, const std::string& architectures, const val& qualities_array,
             const std::string& options) const;

 private:
  Predictor predictor_;
};

class RawTransfer : public Handle {
 public:
  /// closed_form: what the result is to be combined with, if anything.
  explicit RawTransfer(Transfer transfer, std::optional<Predictor> closed_form = {})
      : transfer_(std::move(transfer)), closed_form_(std::move(closed_form)) {}

  val step(double max_milliseconds) {
    return envelope([&] {
      const bool more = step_for(transfer_, max_milliseconds);
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
    return envelope([&] {
      const Predictor fine_tuned = transfer_.result();
      return hand_over(new RawPredictor(closed_form_ ? combine(*closed_form_, fine_tuned) : fine_tuned));
    });
  }

 private:
  Transfer transfer_;
  std::optional<Predictor> closed_form_;
};

std::vector<Measurement> read_measurements(const Space& space, const std::string& architectures,
                                           const val& latencies_array) {
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
      measurements.push_back({space.parse(text), latencies[i]});
    } catch (const Error& error) {
      throw Error(error.code(), "transfer: measurement " + std::to_string(i + 1) + ": " + error.what());
    }
  }
  return measurements;
}

val RawPredictor::transfer(const std::string& architectures, const val& latencies_array,
                           const std::string& options) const {
  return envelope([&] {
    return hand_over(new RawTransfer(
        Transfer(predictor_, read_measurements(predictor_.space(), architectures, latencies_array),
                 read_transfer_options(options))));
  });
}

val RawPredictor::estimate(const std::string& architectures, const val& latencies_array,
                           const std::string& settings) const {
  return envelope([&] {
    EstimateOptions chosen;
    std::vector<Measurement> measurements =
        read_measurements(predictor_.space(), architectures, latencies_array);
    Options options("transfer", settings, "device, quantity, trusted or errors");
    options.read("device", chosen.device);
    read_quantity(options, chosen.quantity);
    options.read("trusted", chosen.trusted);
    read_errors(options, measurements);
    options.finish();
    return hand_over(new RawPredictor(latencast::estimate(predictor_, measurements, chosen)));
  });
}

val RawPredictor::refine(const RawPredictor& base, const std::string& options) const {
  return envelope([&] {
    const TransferOptions chosen = read_transfer_options(options);
    const auto kept = to_fine_tune_on(predictor_);
    return kept.empty() ? val::null()
                        : hand_over(new RawTransfer(Transfer(base.predictor_, kept, chosen), predictor_));
  });
}

class RawSearch : public Handle {
 public:
  explicit RawSearch(Search search) : search_(std::move(search)) {}

  val step(double max_milliseconds) {
    return envelope([&] {
      const bool more = step_for(search_, max_milliseconds);
      return dump({{"finished", !more}, {"done", search_.done()}});
    });
  }

  val result() const {
    return envelope([&] {
      Json best = Json::array();
      for (const auto& candidate : search_.best())
        best.push_back(candidate ? to_json(*candidate) : Json(nullptr));
      Json front = Json::array();
      for (const Candidate& candidate : search_.front()) front.push_back(to_json(candidate));
      return dump({{"best", best}, {"front", front}});
    });
  }

 private:
  Search search_;
};

val RawPredictor::search(const val& limits_array, const std::string& architectures,
                         const val& qualities_array, const std::string& options) const {
  return envelope([&] {
    Estimate quality = read_quality(predictor_.space(), architectures, copy_in(qualities_array));
    return hand_over(new RawSearch(Search(predictor_, std::move(quality),
                                          read_search_options(predictor_, copy_in(limits_array), options))));
  });
}

val load(const std::string& bytes) {
  return envelope([&] { return hand_over(new RawPredictor(Predictor::read_untested(bytes))); });
}

val load_encoder(const std::string& bytes) {
  return envelope([&] { return hand_over(new RawEncoder(Encoder::read(bytes))); });
}

}  // namespace

EMSCRIPTEN_BINDINGS(latencast) {
  emscripten::function("_errorCodes", &error_codes);
  emscripten::function("_spaces", &spaces);
  emscripten::function("_samplers", &samplers);
  emscripten::function("_parse", &parse);
  emscripten::function("_facts", &facts);
  emscripten::function("_enumerate", &enumerate);
  emscripten::function("_random", &boundary::random);
  emscripten::function("_neighbours", &neighbours);
  emscripten::function("_chooseSamples", &boundary::choose_samples, emscripten::allow_raw_pointers());
  emscripten::function("_accuracy", &accuracy);
  emscripten::function("_load", &load);
  emscripten::function("_loadEncoder", &load_encoder);
  emscripten::function("_liveHandles", &live_handles);
  emscripten::function("_gemmGflops", &gemm_gflops);

  emscripten::class_<RawPredictor>("RawPredictor")
      .function("_info", &RawPredictor::info)
      .function("_selfTest", &RawPredictor::self_test)
      .function("_scores", &RawPredictor::scores)
      .function("_latency", &RawPredictor::latency)
      .function("_save", &RawPredictor::save)
      .function("_transfer", &RawPredictor::transfer)
      .function("_estimate", &RawPredictor::estimate)
      .function("_refine", &RawPredictor::refine)
      .function("_intervals", &RawPredictor::intervals)
      .function("_review", &RawPredictor::review)
      .function("_next", &RawPredictor::next)
      .function("_search", &RawPredictor::search);

  emscripten::class_<RawTransfer>("RawTransfer")
      .function("_step", &RawTransfer::step)
      .function("_result", &RawTransfer::result);

  emscripten::class_<RawSearch>("RawSearch")
      .function("_step", &RawSearch::step)
      .function("_result", &RawSearch::result);

  emscripten::class_<RawEncoder>("RawEncoder")
      .function("_info", &RawEncoder::info)
      .function("_encode", &RawEncoder::encode);
}

}  // namespace latencast::boundary
