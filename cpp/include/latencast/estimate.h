// The transfer in closed form (latencast/posterior.h) of a built-in space: measurements -> a predictor with
// intervals, in milliseconds of work, and what is to be said of the measurements.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "latencast/posterior.h"
#include "latencast/predictor.h"

namespace latencast {

struct EstimateOptions {
  std::string device = "my device";       ///< name of the new device
  Quantity quantity = Quantity::latency;  ///< of the measurements
  std::vector<std::size_t> trusted = {};  ///< measurements never to be set aside, counted from 0
};

/// A predictor with a posterior(). base: has_prior(), else throws `argument`. measurements: any number, none
/// at all gives what is believed of every device; several of one architecture all count. Throws
/// `measurement`, naming the offending one by its number from 1.
Predictor estimate(const Predictor& base, const std::vector<Measurement>& measurements,
                   const EstimateOptions& options = {});

/// What a combination's network is to be fine-tuned on (latencast/transfer.h): the measurements of a
/// predictor in closed form that it does not set aside. Empty where a network would add nothing: in chain
/// spaces (docs/results.md), and where they are too few or all of one latency.
std::vector<Measurement> to_fine_tune_on(const Predictor& closed_form);

/// Both methods at once: log latency is a weighted mean of the two estimates; intervals, doubts and what to
/// measure next are the closed form's. Better than either on cells of NAS-Bench-201 (docs/closed-form.md).
/// closed_form: made by estimate(); fine_tuned: by a transfer on to_fine_tune_on() it, from the same base.
Predictor combine(const Predictor& closed_form, const Predictor& fine_tuned);

/// The same predictor with a prior of its space, so that it can be transferred in closed form.
Predictor with_prior(const Predictor& predictor, Prior prior);

/// What a predictor that has_prior() starts from; else throws `argument`.
const Prior& prior_of(const Predictor& predictor);

/// What is odd about some measurements. Nothing is dropped silently: `set_aside` ones count for nothing, and
/// are named here.
struct Doubt {
  enum class Kind {
    outlier,    ///< far from what all others make of it
    unit,       ///< by a factor that looks like another unit
    duplicate,  ///< readings of one architecture that disagree
    saturated,  ///< equal readings of architectures that should differ: the end of a timer's range
    mixture,    ///< several off by one factor: another device or setting
    scale       ///< all of them far faster or slower than any known device: another unit
  };
  Kind kind;
  std::vector<std::size_t> measurements;  ///< counted from 0
  std::string message;                    ///< what was found and what was expected
  double factor = 1;                      ///< measured / expected
  bool set_aside = false;
};

const char* name_of(Doubt::Kind kind);

struct Review {
  std::vector<Belief> left_out;  ///< each measurement from all others
  std::vector<Doubt> doubts;
  double noise = 0;          ///< relative standard deviation of one reading
  double timer_unit_ms = 0;  ///< where the readings show one; else 0
  std::vector<Posterior::Likeness> likenesses;
  double expected_spearman = 0;
  double expected_error = 0;  ///< median relative error to expect of an estimate, noise included
};

/// predictor: made by estimate(), else throws `argument`.
Review review(const Predictor& predictor);

/// Of any space. posterior: of `measurements`, with `prior`; Measurement::architecture need only tell them
/// apart. psi: of architectures that stand for the space, a row each.
Review review(const Posterior& posterior, const Prior& prior, const std::vector<Measurement>& measurements,
              const RowMatrix& psi);

/// What to measure next.
struct Suggestion {
  std::vector<std::size_t> chosen;  ///< of the pool, best first
  double worth = 0;  ///< expected fall of the error by measuring them, as a share of the present one
};

/// predictor: pre-trained with a prior (the first batch), or made by estimate(). Measured architectures are
/// not proposed. Throws `argument` where the pool has fewer than `count` others. Of a pool above 100 as
/// many are looked at, drawn at random.
Suggestion suggest(const Predictor& predictor, const std::vector<Architecture>& pool, std::size_t count);

/// Of any space. psi: gives a row for each of some indices of the pool.
using PoolPsi = std::function<RowMatrix(const std::vector<std::size_t>&)>;
Suggestion suggest(const Posterior& posterior, const std::vector<Measurement>& measured,
                   const std::vector<Architecture>& pool, const PoolPsi& psi, std::size_t count);

/// Posterior options of measurements: the errors that they state, and which of them are never set aside.
/// Throws `argument` where there are not as many.
PosteriorOptions posterior_options(const std::vector<Measurement>& measurements,
                                   const std::vector<std::size_t>& trusted);

}  // namespace latencast
