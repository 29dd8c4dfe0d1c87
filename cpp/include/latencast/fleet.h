// Latencies of whole models on many platforms -> the latency of any model on any of them, and on a new
// platform from a few models measured there.
//
// A platform is a chip, a runtime and a setting (threads, CPU or GPU). Ours; LitePred (Feng et al., NSDI
// 2024) adapts on single kernels, which few people can time.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "latencast/decompose.h"
#include "latencast/posterior.h"

namespace latencast {

struct FleetData;  // src/fleet.cpp

/// A platform whose models were measured.
struct KnownPlatform {
  std::string id;      ///< unique and short, e.g. "raspberry-pi-5-4t"
  std::string title;   ///< for people, e.g. "Raspberry Pi 5 (Cortex-A76), 4 threads"
  std::string board;   ///< equal for all settings of one board or chip
  std::string family;  ///< of its runtime, as decompose() calls it; models are to be decomposed for it
  bool gpu = false;
  int threads = 1;
  int measured = 0;            ///< models measured there
  std::string processor = {};  ///< "gpu", or the instruction set, e.g. "arm64"; empty: not known
};

/// A model that some platforms measured.
struct KnownModel {
  std::string name;         ///< e.g. "resnet18_int8"
  std::string fingerprint;  ///< of its decomposition
  Dims input;               ///< shape of its first input, for a file that leaves it open
  int measured = 0;         ///< platforms that measured it
};

/// What a fleet is learned from. The counts `measured` and the fingerprints are found, not read.
struct FleetSources {
  std::vector<KnownPlatform> platforms;
  std::vector<KnownModel> models;
  std::vector<Decomposition> decompositions;    ///< of the models
  std::vector<std::vector<double>> latency_ms;  ///< per platform and model; NaN where not measured
};

/// 16 hex digits, equal for decompositions into the same kernels; how a known model is recognised.
std::string fingerprint(const Decomposition& model);

/// What an estimate of a model rests on.
enum class Knowledge {
  measured,  ///< measured on this very platform
  known,     ///< measured on others
  graph      ///< on its kernels alone
};

struct ModelEstimate {
  double latency_ms, low_ms, high_ms;
  std::vector<double> kernel_ms;  ///< of each kernel, in their order; their sum is latency_ms
  Knowledge knowledge;
};

struct AdaptOptions {
  std::vector<bool> trusted = {};  ///< per measurement: never set aside; empty: none is
  std::string processor = {};      ///< one of Fleet::processors(); empty: not told
  int threads = 0;                 ///< that the models ran on; 0: not told
};

/// One platform, known or new; an immutable value that keeps what it needs of its fleet alive.
class PlatformModel {
 public:
  /// coverage: of the interval, in (0, 1).
  ModelEstimate estimate(const Decomposition& model, double coverage = 0.9) const;

  /// Known platforms by how much this one resembles them, as probabilities that it is most like each; highest
  /// first. platform: an index into Fleet::platforms().
  struct Likeness {
    std::size_t platform;
    double probability;
  };
  const std::vector<Likeness>& likenesses() const;

  /// Of the measurements it was adapted to, in their order; of a known platform those of the fleet.
  const std::vector<bool>& set_aside() const;  ///< far longer than all others let expect; counted for nothing
  std::vector<Belief> left_out() const;        ///< each from all others

  /// Median relative error to expect of an estimate, noise included: of the left-out measurements where there
  /// are some, else what the prior says; a fraction.
  double expected_error() const;

  /// What to measure next among candidates. rows: indices, distinct, best first.
  Posterior::Next next(const std::vector<Decomposition>& candidates, std::size_t count) const;

  struct State;  // src/fleet.cpp
  explicit PlatformModel(std::shared_ptr<const State> state);

 private:
  std::shared_ptr<const State> state_;
};

/// What is known of many platforms; an immutable value.
class Fleet {
 public:
  /// Of the bytes of write(). Throws `checkpoint` on anything else, or where its own test cases fail.
  explicit Fleet(std::string_view bytes);

  /// Throws `argument` where the sources do not fit each other, or hold less than two platforms or models.
  static Fleet learn(const FleetSources& sources);

  std::string write() const;

  const std::vector<KnownPlatform>& platforms() const;
  const std::vector<KnownModel>& models() const;

  /// Kinds of processors of the known platforms, in alphabetical order.
  std::vector<std::string> processors() const;

  /// A known platform. index: into platforms(), else throws `argument`.
  PlatformModel platform(std::size_t index) const;

  /// A new platform. measurements: any number; none at all gives what is believed of every platform; several
  /// of one model all count. Throws `measurement`, naming the offending one by its number from 1, and
  /// `argument` where a processor is none of processors(), or there are fewer threads than none.
  PlatformModel adapt(const std::vector<ModelMeasurement>& measurements,
                      const AdaptOptions& options = {}) const;

 private:
  explicit Fleet(std::shared_ptr<const FleetData> data);

  std::shared_ptr<const FleetData> data_;
};

}  // namespace latencast
