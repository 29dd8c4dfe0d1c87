// Encodings: gradients against central differences, the file, and what an encoding must and must not depend
// on.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <set>

#include "catch.h"
#include "encode_impl.h"
#include "encoder_fixture.h"
#include "latencast/checkpoint.h"
#include "latencast/encode.h"
#include "latencast/error.h"

using namespace latencast;

namespace {

std::vector<Graph> random_graphs(const Space& space, std::size_t count, std::uint64_t seed) {
  std::vector<Graph> graphs;
  for (const auto& architecture : random_architectures(space, count, seed))
    graphs.push_back(space.graph(architecture));
  return graphs;
}

Matrix<double> random_matrix(Eigen::Index rows, Eigen::Index cols, std::uint64_t seed) {
  Rng rng(seed);
  Matrix<double> values(rows, cols);
  for (auto& value : values.reshaped()) value = rng.normal();
  return values;
}

// Away from the start, where zeros hide mistakes.
template <class Network>
Flat<double> random_parameters(const Network& network, std::uint64_t seed) {
  Rng rng(seed);
  auto parameters = network.template initial_parameters<double>(rng);
  for (double& value : parameters) value += 0.1 * rng.normal();
  return parameters;
}

// loss(parameters, gradients) against central differences, in some entries of every block.
template <class Loss>
void check_gradients(const std::vector<Block>& blocks, Flat<double> parameters, const Loss& loss) {
  Flat<double> gradients(parameters.size(), 1e9), unused(parameters.size());
  loss(parameters, gradients);
  Rng rng(1);
  constexpr double kStep = 1e-5;
  for (const Block& block : blocks) {
    for (int sample = 0; sample < 3; ++sample) {
      const std::size_t at = block.offset + rng.below(block.size());
      const double value = parameters[at];
      parameters[at] = value + kStep;
      const double above = loss(parameters, unused);
      parameters[at] = value - kStep;
      const double below = loss(parameters, unused);
      parameters[at] = value;
      INFO(block.name << " entry " << at - block.offset);
      CHECK(gradients[at] == Approx((above - below) / (2 * kStep)).epsilon(2e-4).margin(2e-7));
    }
  }
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, double(std::abs(a[i] - b[i])));
  return largest;
}

Encoder shipped(const std::string& space_id) {
  std::ifstream file(LATENCAST_TEST_DATA "/../weights/" + space_id + ".encoder.latencast", std::ios::binary);
  return Encoder::read(std::string(std::istreambuf_iterator<char>(file), {}));
}

}  // namespace

TEST_CASE("encodings have names and widths") {
  for (const char* name : {"none", "arch2vec", "cate", "zcp", "caz"})
    CHECK(std::string(name_of(encoding_from_name(name))) == name);
  CHECK(width_of(Encoding::none) == 0);
  CHECK(width_of(Encoding::caz) ==
        width_of(Encoding::arch2vec) + width_of(Encoding::cate) + width_of(Encoding::zcp));
  CHECK_THROWS_WITH(encoding_from_name("gcn"),
                    ContainsSubstring("found \"gcn\"; expected one of none, arch2vec, cate, zcp, caz"));
}

TEST_CASE("nodes attend to what they depend on, the output to all") {
  const Space& nb201 = space("nb201");
  const GraphBatch batch = NodeInputs(nb201).batch({nb201.graph("333333"), nb201.graph("301003")});
  const auto attended = [&](int row) {
    const auto from = batch.attended.item.begin();
    return std::vector<int>(from + batch.attended.begin[row], from + batch.attended.begin[row + 1]);
  };
  CHECK(attended(0) == std::vector<int>{0});
  CHECK(attended(3) == std::vector<int>{0, 1, 3});        // 1->2 after 0->1
  CHECK(attended(6) == std::vector<int>{0, 1, 2, 3, 6});  // 2->3 after 0->1, 0->2, 1->2
  CHECK(attended(8 + 5) == std::vector<int>{8 + 5});      // none has no predecessors
  CHECK(attended(8 + 7).size() == 8);
}

TEST_CASE("a hidden operation leaves no trace in its label") {
  const Space& fbnet = space("fbnet");
  const NodeInputs inputs(fbnet);
  std::vector<std::uint8_t> masked(24, 0);
  masked[5] = 1;
  const auto label = [&](const Architecture& architecture) {
    const GraphBatch batch = inputs.batch({fbnet.graph(architecture)}, masked);
    return Matrix<float>(batch.labels.row(batch.label[5]));
  };
  CHECK(label("3333333333333333333333") == label("3333833333333333333333"));
  CHECK(label("3333333333333333333333") != label("3333333333333333333333").Zero(1, inputs.width()));
}

TEST_CASE("gradients of the encoders' losses are those of central differences") {
  for (const char* id : {"nb201", "fbnet"}) {
    const Space& space = latencast::space(id);
    const NodeInputs inputs(space);
    const auto graphs = random_graphs(space, 4, 11);
    const GraphBatch batch = inputs.batch(graphs);

    const Arch2Vec arch2vec(inputs, true);
    const Matrix<double> noise = random_matrix(batch.rows(), Arch2Vec::kWidth, 3);
    check_gradients(arch2vec.blocks(), random_parameters(arch2vec, 1),
                    [&](const auto& parameters, auto& gradients) {
                      return arch2vec.loss(parameters, gradients, batch, noise).loss;
                    });

    const Cate cate(inputs, true);
    Rng rng(4);
    const CateBatch pairs = cate_batch(inputs, graphs, {{0, 1}, {2, 3}, {3, 3}}, rng);
    check_gradients(cate.blocks(), random_parameters(cate, 2), [&](const auto& parameters, auto& gradients) {
      return cate.loss(parameters, gradients, pairs).loss;
    });

    const Surrogate surrogate(inputs, 3);
    const Matrix<double> exact = random_matrix(4, 2, 5), target = random_matrix(4, 3, 6);
    check_gradients(surrogate.blocks(), random_parameters(surrogate, 3),
                    [&](const auto& parameters, auto& gradients) {
                      return surrogate.loss(parameters, gradients, batch, exact, target);
                    });
  }
}

TEST_CASE("folding batch norms keeps the function") {
  const Space& fbnet = space("fbnet");
  const NodeInputs inputs(fbnet);
  const GraphBatch batch = inputs.batch(random_graphs(fbnet, 20, 1));
  const Arch2Vec training(inputs, true), plain(inputs, false);
  const auto parameters = random_parameters(training, 9);
  Matrix<double> normed, folded;
  training.encode(parameters, batch, normed);
  plain.encode(training.folded(parameters, batch), batch, folded);
  CHECK((normed - folded).cwiseAbs().maxCoeff() < 1e-9 * normed.cwiseAbs().maxCoeff());
}

TEST_CASE("a pair of CATE: the second with a fifth of its operations hidden") {
  const Space& fbnet = space("fbnet");
  const auto graphs = random_graphs(fbnet, 3, 2);
  Rng rng(1);
  const CateBatch batch = cate_batch(NodeInputs(fbnet), graphs, {{0, 1}, {1, 2}}, rng);
  CHECK(batch.pairs() == 2);
  CHECK(std::count(batch.hidden.begin(), batch.hidden.begin() + 48, 1) == 0);
  for (int g = 2; g < 4; ++g) {
    const auto from = batch.hidden.begin() + batch.graphs.begin[g];
    CHECK(std::count(from, from + 24, 1) == 4);
    CHECK(from[0] == 0);
    CHECK(from[23] == 0);
    for (int n = 0; n < 24; ++n) CHECK(batch.graphs.op[batch.graphs.begin[g] + n] == graphs[g - 1].op[n]);
  }
}

TEST_CASE("cells without their dead operations are the 9,445 that proxies are listed for") {
  const Space& nb201 = space("nb201");
  std::set<Architecture> forms;
  for (const auto& cell : nb201.enumerate()) {
    const auto form = without_dead(nb201, cell);
    CHECK(without_dead(nb201, form) == form);
    forms.insert(form);
  }
  CHECK(forms.size() == 9445);
  CHECK(without_dead(nb201, "333000") == "000000");
  CHECK(without_dead(nb201, "300300") == "000300");
  CHECK(without_dead(nb201, "300001") == "000000");
  CHECK(without_dead(nb201, "421211") == "421211");
}

TEST_CASE("levels of the proxy table keep values to half a level") {
  for (int column = 0; column < kComputedCount; ++column) {
    const float limit = column == kGrasp ? kGraspLimit : 1;
    const float low = column == kGrasp ? -limit : 0;
    for (float value = low; value <= limit; value += 0.0317f * (limit - low)) {
      const float level = ProxyTable::level_of(column, value);
      CHECK(level == std::round(level));
      CHECK(std::abs(ProxyTable::value_of(column, level) - value) <=
            0.51f * (limit - low) / float(ProxyTable::kLevels));
    }
    CHECK(ProxyTable::value_of(column, ProxyTable::level_of(column, 100)) == limit);
  }
  CHECK_THROWS_AS(ProxyTable(space("nb201"), std::vector<float>(11)), Error);
}

TEST_CASE("an encoder's training learns") {
  CHECK(tiny_encoder().losses.size() == 3);
  for (const auto& [part, losses] : tiny_encoder().losses) {
    INFO(part);
    CHECK(losses.back() < 0.95 * losses.front());
  }
  for (const double rho : tiny_encoder().report.proxies) CHECK(rho > 0.8);
}

TEST_CASE("an encoder written and read is the same") {
  const Encoder& encoder = tiny_encoder().encoder;
  const std::string bytes = encoder.write();
  const Encoder read = Encoder::read(bytes);
  CHECK(read.write() == bytes);
  const auto some = random_architectures(encoder.space(), 30, 77);
  for (const Encoding encoding : {Encoding::arch2vec, Encoding::cate, Encoding::zcp, Encoding::caz})
    CHECK(read.encode(encoding, some) == encoder.encode(encoding, some));
}

TEST_CASE("a changed encoder file is refused") {
  const Checkpoint good = read_checkpoint(tiny_encoder().encoder.write());
  const auto refused = [](const Checkpoint& checkpoint, const std::string& why) {
    CHECK_THROWS_WITH(Encoder::read(write_checkpoint(checkpoint, Precision::float16)),
                      ContainsSubstring(why));
  };
  Checkpoint changed = good;
  changed.tensors[1].values[3] += 5;
  refused(changed, "self-test");
  changed = good;
  changed.tensors.pop_back();
  refused(changed, "is missing");
  changed = good;
  changed.tensors.push_back({"more", {1}, {1}});
  refused(changed, "has no use");
  changed = good;
  std::swap(changed.tensors[0], changed.tensors[1]);
  refused(changed, "expected arch2vec.0.epsilon");
  changed = good;
  changed.meta.replace(changed.meta.find("\"encoder\""), 9, "\"decoder\"");
  refused(changed, "expected \"encoder\" version 1");
  changed = good;
  changed.meta = "{}";
  refused(changed, "does not describe an encoder");
  changed = good;
  changed.meta.replace(changed.meta.find("fbnet"), 5, "fbnot");
  refused(changed, "fbnot");
}

TEST_CASE("an architecture's encoding does not depend on the others asked for") {
  const Encoder& encoder = tiny_encoder().encoder;
  const auto some = random_architectures(encoder.space(), 40, 8);
  const auto all = encoder.encode(Encoding::caz, some);
  for (const std::size_t i : {0u, 17u, 39u}) {
    const auto alone = encoder.encode(Encoding::caz, {some[i]});
    CHECK(alone.size() == 77);
    CHECK(largest_difference(alone, {all.begin() + static_cast<std::ptrdiff_t>(i * 77),
                                     all.begin() + static_cast<std::ptrdiff_t>((i + 1) * 77)}) < 1e-5);
  }
  CHECK(encoder.encode(Encoding::none, some).empty());
  CHECK(encoder.encode(Encoding::caz, {}).empty());
}

TEST_CASE("caz is arch2vec, cate and zcp side by side") {
  const Encoder& encoder = tiny_encoder().encoder;
  const auto one = random_architectures(encoder.space(), 1, 3);
  std::vector<float> joined;
  for (const Encoding encoding : {Encoding::arch2vec, Encoding::cate, Encoding::zcp})
    for (const float value : encoder.encode(encoding, one)) joined.push_back(value);
  CHECK(joined == encoder.encode(Encoding::caz, one));
}

TEST_CASE("encodings see the order of blocks") {
  const Encoder& encoder = tiny_encoder().encoder;
  Rng rng(6);
  for (int sample = 0; sample < 10; ++sample) {
    Architecture first = encoder.space().random(rng), second = first;
    const auto swapped = rng.choose(22, 2);
    if (first[swapped[0]] == first[swapped[1]]) continue;
    std::swap(second[swapped[0]], second[swapped[1]]);
    for (const Encoding encoding : {Encoding::arch2vec, Encoding::cate, Encoding::zcp}) {
      INFO(first << " " << second << " " << name_of(encoding));
      CHECK(largest_difference(encoder.encode(encoding, {first}), encoder.encode(encoding, {second})) > 1e-4);
    }
  }
}

TEST_CASE("the shipped encoders give columns on the stated scales") {
  for (const auto& id : space_ids()) {
    INFO(id);
    const Encoder encoder = shipped(id);
    CHECK(encoder.space().id() == id);
    const auto values = encoder.encode(Encoding::caz, random_architectures(encoder.space(), 1000, 3));
    constexpr std::size_t kWidth = 77, kFirstProxy = 64;
    for (std::size_t c = 0; c < kWidth; ++c) {
      double low = 1e9, high = -1e9, sum = 0, squares = 0;
      for (std::size_t i = c; i < values.size(); i += kWidth) {
        const double value = double(values[i]);
        low = std::min(low, value);
        high = std::max(high, value);
        sum += value / 1000;
        squares += value * value / 1000;
      }
      INFO("column " << c);
      if (c < kFirstProxy) {
        CHECK(std::abs(sum) < 0.2);
        CHECK(std::sqrt(squares - sum * sum) == Approx(1).epsilon(0.2));
      } else {
        const double limit = c == kFirstProxy + 4 ? 3 : 1;
        CHECK(high < 1.2 * limit);
        CHECK(low > (limit > 1 ? -1.2 * limit : -0.2));
      }
    }
  }
}

TEST_CASE("cells that compute the same share all proxies but flops and params") {
  const Encoder encoder = shipped("nb201");
  const auto same = encoder.encode(Encoding::zcp, {"300300", "000300"});
  for (std::size_t c = 0; c < 13; ++c) {
    INFO(kProxies[c]);
    const bool counts_dead = c == 2 || c == 8;
    CHECK((same[c] == same[c + 13]) == !counts_dead);
  }
}

TEST_CASE("an encoder's training says what is missing") {
  EncoderTraining options;
  options.space = "fbnet";
  options.pool = 30;
  options.arch2vec_epochs = options.cate_epochs = options.surrogate_epochs = 1;
  const auto quiet = [](const char*, int, int, double) {};
  CHECK_THROWS_WITH(train_encoder(options, {}, quiet), ContainsSubstring("no proxies are listed"));
  ProxyList list = made_up_proxies(random_architectures(space("fbnet"), 20, 1));
  list.proxies[4][0] = std::nan("");
  CHECK_THROWS_WITH(train_encoder(options, list, quiet),
                    ContainsSubstring("missing of the architecture " + list.architectures[4]));
  // A proxy that no architecture has is 0.
  for (auto& row : list.proxies) row[0] = std::nan("");
  const auto encoded = train_encoder(options, list, quiet).encoder.encode(Encoding::zcp, list.architectures);
  for (std::size_t i = 0; i < encoded.size(); i += 13) CHECK(std::abs(encoded[i]) < 1e-4f);
  options.batch = 1;
  CHECK_THROWS_WITH(train_encoder(options, list, quiet),
                    ContainsSubstring("epochs must be at least 1, batch 2"));
}
