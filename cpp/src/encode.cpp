#include "latencast/encode.h"

#include <algorithm>
#include <cmath>

#include "encode_impl.h"
#include "json.h"
#include "latencast/checkpoint.h"
#include "latencast/error.h"

namespace latencast {
namespace {

using nlohmann::json;

constexpr int kMetaVersion = 1;
constexpr std::size_t kSelfTests = 6;
constexpr double kSelfTestTolerance = 1e-3;
constexpr std::array<const char*, 5> kNames = {"none", "arch2vec", "cate", "zcp", "caz"};
constexpr std::array<int, 5> kWidths = {0, Arch2Vec::kWidth, Cate::kWidth, kProxyCount,
                                        Arch2Vec::kWidth + Cate::kWidth + kProxyCount};
// Bounds the memory of activations; a chunk shares nothing with the next but is large enough for the
// products.
constexpr std::size_t kChunk = 1024;

[[noreturn]] void damaged(const std::string& what) {
  throw Error(ErrorCode::checkpoint, "encoder file: " + what);
}

void encode_proxies(const EncoderImpl& impl, const std::vector<Architecture>& architectures,
                    const GraphBatch& batch, Matrix<float>& y) {
  const Matrix<float> exact = impl.exact(architectures);
  Matrix<float> computed;
  if (impl.table.empty()) {
    impl.surrogate.predict(impl.surrogate_parameters, batch, exact, computed);
  } else {
    computed.resize(exact.rows(), kComputedCount);
    for (Eigen::Index i = 0; i < exact.rows(); ++i)
      impl.table.look_up(*impl.space, architectures[static_cast<std::size_t>(i)], computed.row(i).data());
  }
  y.resize(exact.rows(), kProxyCount);
  y.col(kFlops) = exact.col(0);
  y.col(kParams) = exact.col(1);
  for (int c = 0; c < kComputedCount; ++c)
    y.col(kComputedProxies[static_cast<std::size_t>(c)]) = computed.col(c);
}

std::vector<float> encoded(const EncoderImpl& impl, Encoding encoding,
                           const std::vector<Architecture>& architectures) {
  const auto width = static_cast<Eigen::Index>(width_of(encoding));
  std::vector<float> values(architectures.size() * static_cast<std::size_t>(width));
  if (encoding == Encoding::none) return values;
  const auto wanted = [&](Encoding part) { return encoding == part || encoding == Encoding::caz; };
  for (std::size_t from = 0; from < architectures.size(); from += kChunk) {
    const auto first = architectures.begin() + static_cast<std::ptrdiff_t>(from);
    const std::vector<Architecture> chunk(
        first, first + static_cast<std::ptrdiff_t>(std::min(kChunk, architectures.size() - from)));
    std::vector<Graph> graphs;
    for (const auto& architecture : chunk) graphs.push_back(impl.space->graph(architecture));
    const GraphBatch batch = impl.inputs.batch(graphs);
    MatrixMap<float> rows(values.data() + from * static_cast<std::size_t>(width),
                          static_cast<Eigen::Index>(chunk.size()), width);
    Eigen::Index column = 0;
    const auto append = [&](const Matrix<float>& part) {
      rows.middleCols(column, part.cols()) = part;
      column += part.cols();
    };
    Matrix<float> part;
    if (wanted(Encoding::arch2vec)) {
      impl.arch2vec.encode(impl.arch2vec_parameters, batch, part);
      append(part);
    }
    if (wanted(Encoding::cate)) {
      impl.cate.encode(impl.cate_parameters, batch, part);
      append(part);
    }
    if (wanted(Encoding::zcp)) {
      encode_proxies(impl, chunk, batch, part);
      append(part);
    }
  }
  return values;
}

void append_tensors(Checkpoint& checkpoint, const std::vector<Block>& blocks, const Flat<float>& parameters) {
  for (const Block& block : blocks) {
    const auto from = parameters.begin() + static_cast<std::ptrdiff_t>(block.offset);
    checkpoint.tensors.push_back(
        {block.name,
         {static_cast<std::size_t>(block.rows), static_cast<std::size_t>(block.cols)},
         std::vector<float>(from, from + static_cast<std::ptrdiff_t>(block.size()))});
  }
}

// The tensors of a file, taken in order.
class TensorReader {
 public:
  explicit TensorReader(const std::vector<Tensor>& tensors) : tensors_(tensors) {}

  const Tensor& next(const std::string& name) {
    if (at_ == tensors_.size()) damaged("tensor " + name + " is missing");
    const Tensor& tensor = tensors_[at_++];
    if (tensor.name != name)
      damaged("tensor " + std::to_string(at_) + " is " + tensor.name + "; expected " + name);
    return tensor;
  }
  Flat<float> parameters(const std::vector<Block>& blocks) {
    Flat<float> values;
    for (const Block& block : blocks) {
      const Tensor& tensor = next(block.name);
      const std::vector<std::size_t> shape = {static_cast<std::size_t>(block.rows),
                                              static_cast<std::size_t>(block.cols)};
      if (tensor.shape != shape)
        damaged("tensor " + block.name + " is " + json(tensor.shape).dump() + "; expected " +
                json(shape).dump());
      values.insert(values.end(), tensor.values.begin(), tensor.values.end());
    }
    return values;
  }
  void end() const {
    if (at_ != tensors_.size()) damaged("tensor " + tensors_[at_].name + " has no use");
  }

 private:
  const std::vector<Tensor>& tensors_;
  std::size_t at_ = 0;
};

ProxyRange range_from_json(const json& object) {
  const ProxyRange range{object.at(0).get<double>(), object.at(1).get<double>()};
  if (!(range.high > range.low)) damaged("a proxy's range is empty");
  return range;
}

Encoder from_checkpoint(const Checkpoint& checkpoint) {
  const json meta = read_json(checkpoint.meta);  // read_checkpoint found an object
  if (meta.at("kind") != "encoder" || meta.at("version") != kMetaVersion)
    damaged("found kind " + meta.at("kind").dump() + " version " + meta.at("version").dump() +
            "; expected \"encoder\" version " + std::to_string(kMetaVersion));
  const Space& space = latencast::space(meta.at("space").get<std::string>());
  auto impl = std::make_shared<EncoderImpl>(space);
  impl->flops = range_from_json(meta.at("flops"));
  impl->params = range_from_json(meta.at("params"));
  TensorReader reader(checkpoint.tensors);
  impl->arch2vec_parameters = reader.parameters(impl->arch2vec.blocks());
  impl->cate_parameters = reader.parameters(impl->cate.blocks());
  if (space.size() > 0)
    impl->table = ProxyTable(space, reader.next("proxies").values);
  else
    impl->surrogate_parameters = reader.parameters(impl->surrogate.blocks());
  reader.end();

  const json& test = meta.at("self_test");
  auto architectures = test.at("architectures").get<std::vector<Architecture>>();
  for (auto& architecture : architectures) architecture = space.parse(architecture);
  const auto expected = test.at("caz").get<std::vector<double>>();
  if (expected.empty() ||
      expected.size() != architectures.size() * static_cast<std::size_t>(width_of(Encoding::caz)))
    damaged("the self-test is empty or uneven");
  const auto found = encoded(*impl, Encoding::caz, architectures);
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (!(std::abs(double(found[i]) - expected[i]) <= kSelfTestTolerance * (1 + std::abs(expected[i]))))
      damaged("self-test: value " + std::to_string(i) + " is " + std::to_string(found[i]) + "; expected " +
              std::to_string(expected[i]));
  return Encoder(std::move(impl));
}

}  // namespace

Encoding encoding_from_name(std::string_view name) {
  std::string known;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<Encoding>(i);
    known += (i ? ", " : "") + std::string(kNames[i]);
  }
  throw Error(ErrorCode::argument, "encoding: found \"" + std::string(name) + "\"; expected one of " + known);
}

const char* name_of(Encoding encoding) { return kNames[static_cast<std::size_t>(encoding)]; }

int width_of(Encoding encoding) { return kWidths[static_cast<std::size_t>(encoding)]; }

Matrix<float> EncoderImpl::exact(const std::vector<Architecture>& architectures) const {
  const auto scaled = [](int proxy, const ProxyRange& range, std::int64_t value) {
    return static_cast<float>((proxy_scale(proxy, double(value)) - range.low) / (range.high - range.low));
  };
  Matrix<float> values(static_cast<Eigen::Index>(architectures.size()), 2);
  for (std::size_t i = 0; i < architectures.size(); ++i) {
    values(static_cast<Eigen::Index>(i), 0) = scaled(kFlops, flops, space->macs(architectures[i]));
    values(static_cast<Eigen::Index>(i), 1) = scaled(kParams, params, space->params(architectures[i]));
  }
  return values;
}

Encoder Encoder::read(std::string_view bytes) {
  const Checkpoint checkpoint = read_checkpoint(bytes);
  try {
    return from_checkpoint(checkpoint);
  } catch (const json::exception& error) {
    damaged(std::string("the header does not describe an encoder: ") + error.what());
  } catch (const Error& error) {
    if (error.code() == ErrorCode::checkpoint) throw;
    damaged(error.what());
  }
}

std::string Encoder::write() const {
  Rng rng(0);
  std::vector<Architecture> tests;
  for (std::size_t i = 0; i < kSelfTests; ++i) tests.push_back(space().random(rng));
  const json meta = {
      {"kind", "encoder"},
      {"version", kMetaVersion},
      {"space", space().id()},
      {"flops", {impl_->flops.low, impl_->flops.high}},
      {"params", {impl_->params.low, impl_->params.high}},
      {"self_test", {{"architectures", tests}, {"caz", encoded(*impl_, Encoding::caz, tests)}}}};
  Checkpoint checkpoint{meta.dump(), {}};
  append_tensors(checkpoint, impl_->arch2vec.blocks(), impl_->arch2vec_parameters);
  append_tensors(checkpoint, impl_->cate.blocks(), impl_->cate_parameters);
  if (impl_->table.empty()) {
    append_tensors(checkpoint, impl_->surrogate.blocks(), impl_->surrogate_parameters);
  } else {
    const auto& levels = impl_->table.levels();
    checkpoint.tensors.push_back({"proxies", {levels.size() / kComputedCount, kComputedCount}, levels});
  }
  return write_checkpoint(checkpoint, Precision::float16);
}

const Space& Encoder::space() const { return *impl_->space; }

std::vector<float> Encoder::encode(Encoding encoding, const std::vector<Architecture>& architectures) const {
  return encoded(*impl_, encoding, architectures);
}

}  // namespace latencast
