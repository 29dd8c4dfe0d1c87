#include <cmath>
#include <string>
#include <vector>

#include "catch.h"
#include "fixture.h"
#include "latencast/error.h"
#include "latencast/metrics.h"
#include "latencast/predictor.h"
#include "latencast/transfer.h"
#include "predictor_impl.h"

using namespace latencast;

namespace {

std::vector<Architecture> some_cells() {
  const auto& all = space("nb201").enumerate();
  return {all.begin() + 3000, all.begin() + 3100};
}

std::string refusal(const std::string& bytes) {
  try {
    Predictor::read(bytes);
  } catch (const Error& error) {
    REQUIRE(error.code() == ErrorCode::checkpoint);
    return error.what();
  }
  return "";
}

// The predictor's own file with its header changed and its checksum right again.
std::string with_meta(const std::string& bytes, const std::string& from, const std::string& to) {
  Checkpoint checkpoint = read_checkpoint(bytes);
  const auto at = checkpoint.meta.find(from);
  REQUIRE(at != std::string::npos);
  checkpoint.meta.replace(at, from.size(), to);
  return write_checkpoint(checkpoint, Precision::float16);
}

const Predictor& adapted() {
  static const Predictor predictor = [] {
    TransferOptions options;
    options.device = "bench board";
    options.epochs = 5;
    return transfer(synthetic_base(), synthetic_measurements(), options);
  }();
  return predictor;
}

}  // namespace

TEST_CASE("predictor: written and read, pre-trained and transferred, it is the same") {
  const Predictor base = Predictor::read(synthetic_base().write());
  CHECK(base.devices() == synthetic_base().devices());
  CHECK_FALSE(base.is_transferred());
  CHECK(base.parameter_count() == synthetic_base().parameter_count());
  for (const auto& device : base.devices())
    CHECK(base.scores(device, some_cells()) == synthetic_base().scores(device, some_cells()));
  CHECK(sha256_hex(base.write()) == sha256_hex(synthetic_base().write()));

  const Predictor again = Predictor::read(adapted().write());
  CHECK(again.is_transferred());
  CHECK(again.devices() == std::vector<std::string>{"bench board"});
  CHECK(again.nearest()->device == adapted().nearest()->device);
  CHECK(again.nearest()->spearman == adapted().nearest()->spearman);
  CHECK(again.nearest()->kendall == adapted().nearest()->kendall);
  CHECK(again.latency_ms(some_cells()) == adapted().latency_ms(some_cells()));
  REQUIRE(again.measurements().size() == 20);
  CHECK(again.measurements()[7].architecture == adapted().measurements()[7].architecture);
  CHECK(again.measurements()[7].latency_ms == adapted().measurements()[7].latency_ms);
}

TEST_CASE("predictor: the published network has the published size") {
  // About 433k in the paper; NetworkShape's own widths are the published ones.
  const std::size_t count = Network(shape_for(space("nb201"))).parameter_count();
  CHECK(count > 415000);
  CHECK(count < 450000);
}

TEST_CASE("predictor: a file cut anywhere, or with any byte changed, is refused") {
  const std::string bytes = synthetic_base().write();
  for (std::size_t cut = 0; cut < bytes.size(); cut += cut < 4096 ? 1 : 9973)
    REQUIRE_FALSE(refusal(bytes.substr(0, cut)).empty());
  Rng rng(3);
  for (int i = 0; i < 300; ++i) {
    std::string damaged = bytes;
    damaged[rng.below(i < 200 ? 4096 : bytes.size())] ^= static_cast<char>(1 << rng.below(8));
    REQUIRE_FALSE(refusal(damaged).empty());
  }
}

TEST_CASE("predictor: a sealed file that describes something else is refused by name") {
  const std::string bytes = synthetic_base().write();
  CHECK_THAT(refusal(with_meta(bytes, "\"nb201\"", "\"nb999\"")), ContainsSubstring("nb999"));
  CHECK_THAT(refusal(with_meta(bytes, "\"kind\":\"predictor\"", "\"kind\":\"pool\"")),
             ContainsSubstring("pool"));
  CHECK_THAT(refusal(with_meta(bytes, "\"gnn\":\"ensemble\"", "\"gnn\":\"dgf\"")),
             ContainsSubstring("tensors"));
  CHECK_THAT(refusal(with_meta(bytes, "\"head_width\":200", "\"head_width\":201")),
             ContainsSubstring("expected"));
  CHECK_THAT(refusal(with_meta(bytes, "\"head_width\":200", "\"head_width\":2000000000")),
             ContainsSubstring("head_width"));
  for (const std::string value : {"\"wide\"", "1e+30", "20.5"})
    CHECK_THAT(refusal(with_meta(bytes, "\"head_width\":200", "\"head_width\":" + value)),
               ContainsSubstring("head_width: found " + value + "; expected a whole number"));
  CHECK_THAT(refusal(with_meta(bytes, "\"scores\":[", "\"scores\":[1e3,")), ContainsSubstring("self-test"));
  const auto scores_at = read_checkpoint(bytes).meta.find("\"scores\":[") + 10;
  const std::string first = read_checkpoint(bytes).meta.substr(scores_at, 6);
  CHECK_THAT(
      refusal(with_meta(bytes, "\"scores\":[" + first, "\"scores\":[9" + first.substr(first[0] == '-'))),
      ContainsSubstring("self-test"));

  // Without the network it is read, and found out when that is first needed.
  const Predictor untested = Predictor::read_untested(
      with_meta(bytes, "\"scores\":[" + first, "\"scores\":[9" + first.substr(first[0] == '-')));
  CHECK(untested.devices() == synthetic_base().devices());
  CHECK_THROWS_WITH(untested.self_test(), ContainsSubstring("self-test"));
  CHECK_NOTHROW(Predictor::read_untested(bytes).self_test());
}

TEST_CASE("predictor: errors name what was found and what was expected") {
  CHECK_THROWS_WITH(synthetic_base().scores("pixel9", some_cells()),
                    ContainsSubstring("pixel9") && ContainsSubstring("device 0"));
  CHECK_THROWS_WITH(synthetic_base().latency_ms(some_cells()), ContainsSubstring("only ranks"));
  CHECK_THROWS_AS(synthetic_base().scores("device 0", {"999999"}), Error);
  CHECK(synthetic_base().scores("device 0", {}).empty());
}

TEST_CASE("calibration: interpolates in log space; below goes on in log space, above in milliseconds") {
  const Calibration calibration{{0, 1, 3}, {0, std::log(2.0), std::log(8.0)}, 0.5, 0.25};
  CHECK(calibration.latency_ms(0) == Approx(1));
  CHECK(calibration.latency_ms(2) == Approx(4));
  CHECK(calibration.latency_ms(-2) == Approx(std::exp(-1.0)));
  CHECK(calibration.latency_ms(5) == Approx(8 * 1.5));
  CHECK(calibration.latency_ms(3 + 1e-6) == Approx(8 * std::exp(0.25e-6)).epsilon(1e-9));
}
