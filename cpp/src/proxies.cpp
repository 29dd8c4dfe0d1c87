#include "proxies.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "proxies_tape.h"

namespace latencast {
namespace {

using Eigen::Index;

template <class S>
struct Ends {
  Images<S>* features;  // before the last pooling
  Images<S>* logits;
};

// NAS-Bench-201: ReLU, convolution, norm on the edges; residual blocks between the stages.
template <class S>
Ends<S> run_cells(Tape<S>& tape, const Space& space, const Architecture& cell, Images<S>* at) {
  constexpr std::array<int, 6> kFrom = {0, 0, 1, 0, 1, 2}, kTo = {1, 2, 2, 3, 3, 3};
  constexpr int kStages = 3, kCells = 5;
  const auto fixed = space.kernels(1, 0);
  const auto head = space.kernels(0, 0);
  const auto operation_of = [&](Images<S>* in, char digit, int stage) -> Images<S>* {
    if (digit == '0') return nullptr;
    if (digit == '1') return in;
    const auto kernels = space.kernels(2 + (digit - '0'), 0);
    const Kernel& kernel = kernels[static_cast<std::size_t>(stage * kCells)];
    if (digit == '4') return tape.average_pool(in, kernel.size, kernel.stride);
    return tape.norm(tape.convolution(tape.relu(in), kernel));
  };
  std::vector<Kernel> convolutions;  // the stem, then two and the shortcut's for each later stage
  for (const Kernel& kernel : fixed)
    if (kernel.type == Kernel::Type::conv) convolutions.push_back(kernel);
  at = tape.norm(tape.convolution(at, convolutions[0]));
  for (int stage = 0; stage < kStages; ++stage) {
    if (stage > 0) {
      const auto of = convolutions.begin() + 3 * stage - 2;
      Images<S>* wide = tape.norm(tape.convolution(tape.relu(at), of[0]));
      wide = tape.norm(tape.convolution(tape.relu(wide), of[1]));
      at = tape.add(wide, tape.convolution(tape.average_pool(at, 2, 2), of[2]));
    }
    for (int i = 0; i < kCells; ++i) {
      std::array<Images<S>*, 4> node{at, nullptr, nullptr, nullptr};
      for (std::size_t e = 0; e < cell.size(); ++e) {
        Images<S>* from = node[static_cast<std::size_t>(kFrom[e])];
        Images<S>* edge = from ? operation_of(from, cell[e], stage) : nullptr;
        Images<S>*& to = node[static_cast<std::size_t>(kTo[e])];
        if (edge) to = to ? tape.add(to, edge) : edge;
      }
      if (!node[3]) node[3] = tape.input(at->pixels, Matrix<S>::Zero(at->x.rows(), at->x.cols()));
      at = node[3];
    }
  }
  at = tape.relu(tape.norm(at));
  return {at, tape.linear(tape.global_pool(at), head.back())};
}

// A chain of blocks: ReLU after each convolution but a block's last.
template <class S>
Ends<S> run_chain(Tape<S>& tape, const Space& space, const Graph& graph, Images<S>* at) {
  Images<S>* features = nullptr;
  for (std::size_t node = 0; node < graph.op.size(); ++node) {
    const auto kernels = space.kernels(graph.op[node], graph.place[node]);
    const bool is_output = node + 1 == graph.op.size();
    std::size_t last = kernels.size();  // the layer that is not followed by ReLU
    std::size_t convolutions = 0;
    for (std::size_t i = 0; i < kernels.size(); ++i) {
      const bool weighs =
          kernels[i].type == Kernel::Type::conv || (is_output && kernels[i].type == Kernel::Type::linear);
      if (weighs && (++convolutions > 1 || is_output)) last = i;
    }
    std::vector<Images<S>*> seen = {at};
    Images<S>* trunk = nullptr;  // what a squeeze-excite will scale
    for (std::size_t i = 0; i < kernels.size(); ++i) {
      const Kernel& kernel = kernels[i];
      const bool before_scale = i + 1 < kernels.size() && kernels[i + 1].type == Kernel::Type::scale;
      switch (kernel.type) {
        case Kernel::Type::conv:
          at = tape.convolution(at, kernel);
          if (kernel.norm) at = tape.norm(at);
          if (i != last) at = tape.relu(at);
          break;
        case Kernel::Type::linear:
          at = tape.linear(at, kernel);
          if (i != last && !before_scale) at = tape.relu(at);
          break;
        case Kernel::Type::global_pool:
          trunk = at;
          if (is_output && !features) features = at;
          at = tape.global_pool(at);
          break;
        case Kernel::Type::scale:
          at = tape.scale(trunk, at);
          break;
        case Kernel::Type::add:
          for (Images<S>* earlier : seen) {
            if (earlier->pixels != at->pixels || earlier->x.rows() != at->x.rows()) continue;
            at = tape.add(at, earlier);
            break;
          }
          break;
        case Kernel::Type::avg_pool:
          at = tape.average_pool(at, kernel.size, kernel.stride);
          break;
      }
      seen.push_back(at);
    }
  }
  return {features, at};
}

template <class S>
Ends<S> run_network(Tape<S>& tape, const Space& space, const Architecture& architecture, Images<S>* at) {
  const Graph graph = space.graph(architecture);
  return space.feature_width() == 0 ? run_cells(tape, space, architecture, at)
                                    : run_chain(tape, space, graph, at);
}

template <class S>
Matrix<S> noise(Index channels, Index columns, Rng& rng) {
  Matrix<S> x(channels, columns);
  for (auto& value : x.reshaped()) value = S(rng.normal());
  return x;
}

// log |det K|, K_ij: over all ReLUs, how many units agree between images i and j on being active.
double nwot(const std::vector<Images<float>*>& activations, int batch) {
  Eigen::MatrixXd agree = Eigen::MatrixXd::Zero(batch, batch);
  for (const Images<float>* activation : activations) {
    const Index area = Index{activation->pixels} * activation->pixels;
    Eigen::MatrixXf code(batch, activation->x.rows() * area);
    for (Index c = 0; c < activation->x.rows(); ++c)
      for (int image = 0; image < batch; ++image)
        code.row(image).segment(c * area, area) =
            (activation->x.row(c).segment(image * area, area).array() > 0)
                .select(Eigen::RowVectorXf::Ones(area), -1.0f);
    // Of codes +1 and -1, the product is agreements less disagreements.
    const Eigen::MatrixXf product = code * code.transpose();
    agree += ((product.array() + float(code.cols())) / 2).matrix().cast<double>();
  }
  return agree.ldlt().vectorD().array().abs().max(1e-300).log().sum();
}

// Of the correlations between the images' input gradients, with eigenvalues v: -sum(log(v + k) + 1 / (v +
// k)).
double jacov(const Matrix<float>& dx, int batch) {
  const Index area = dx.cols() / batch;
  Eigen::MatrixXd rows(batch, dx.rows() * area);
  for (int image = 0; image < batch; ++image)
    for (Index c = 0; c < dx.rows(); ++c)
      rows.row(image).segment(c * area, area) = dx.row(c).segment(image * area, area).cast<double>();
  rows.colwise() -= rows.rowwise().mean().eval();
  rows.rowwise().normalize();
  const Eigen::ArrayXd v =
      Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(rows * rows.transpose(), Eigen::EigenvaluesOnly)
          .eigenvalues()
          .array() +
      1e-5;
  return -(v.log() + v.inverse()).sum();
}

}  // namespace

std::array<double, kProxyCount> compute_proxies(const Space& space, const Architecture& architecture,
                                                const ProxyOptions& options) {
  std::array<double, kProxyCount> values;
  values.fill(std::numeric_limits<double>::quiet_NaN());
  const auto put = [&](const char* name, double value) {
    for (std::size_t i = 0; i < kProxies.size(); ++i)
      if (std::string(kProxies[i]) == name) values[i] = value;
  };
  const Graph graph = space.graph(architecture);
  const Kernel stem = space.kernels(graph.op[0], graph.place[0]).front();
  const int pixels = stem.height / options.shrink;
  const Index area = Index{pixels} * pixels;
  Rng rng(options.seed);
  put("flops", double(space.macs(architecture)));
  put("params", double(space.params(architecture)));

  {  // Weights as they are when training starts, noise, random classes.
    Tape<float> tape(options.batch, Init::torch, true, rng);
    Images<float>* input = tape.input(pixels, noise<float>(stem.in_channels, options.batch * area, rng));
    const Ends<float> ends = run_network(tape, space, architecture, input);
    put("nwot", nwot(tape.activations(), options.batch));
    tape.backward(ends.logits, Matrix<float>::Ones(ends.logits->x.rows(), ends.logits->x.cols()));
    put("jacov", jacov(input->dx, options.batch));
    Matrix<float> d_logits = ends.logits->x;
    for (Index image = 0; image < d_logits.cols(); ++image) {
      auto column = d_logits.col(image).array();
      column = (column - column.maxCoeff()).exp().eval();
      column /= column.sum() * float(options.batch);
      column(rng.below(d_logits.rows())) -= 1.0f / float(options.batch);
    }
    tape.backward(ends.logits, d_logits);
    double l2 = 0, grad = 0, snip = 0, plain = 0, fisher = 0;
    for (const auto& one : tape.weights()) {
      l2 += double(one.w.norm());
      grad += double(one.dw.norm());
      snip += double(one.w.cwiseProduct(one.dw).cwiseAbs().sum());
      plain += double(one.w.cwiseProduct(one.dw).sum());
      fisher += one.fisher;
    }
    put("l2_norm", l2);
    put("grad_norm", grad);
    put("snip", snip);
    put("plain", plain);
    put("fisher", fisher);
  }
  {  // Weights without signs, no norms, an image of ones.
    Tape<double> tape(1, Init::absolute, false, rng);
    const Ends<double> ends = run_network(tape, space, architecture,
                                          tape.input(pixels, Matrix<double>::Ones(stem.in_channels, area)));
    tape.backward(ends.logits, Matrix<double>::Ones(ends.logits->x.rows(), 1));
    double synflow = 0;
    for (const auto& one : tape.weights()) synflow += one.w.cwiseProduct(one.dw).sum();
    if (synflow > 0) put("synflow", std::log(synflow));
  }
  {  // Normal weights: how far features move with the image, with the spreads that the norms took away put
     // back.
    Tape<float> tape(2 * options.batch, Init::normal, true, rng);
    Matrix<float> x = noise<float>(stem.in_channels, 2 * options.batch * area, rng);
    x.rightCols(options.batch * area) =
        x.leftCols(options.batch * area) + 0.01f * x.rightCols(options.batch * area);
    const Ends<float> ends = run_network(tape, space, architecture, tape.input(pixels, std::move(x)));
    const Matrix<float>& features = ends.features->x;
    const Index half = features.cols() / 2;
    const double moved = double((features.leftCols(half) - features.rightCols(half)).cwiseAbs().sum());
    put("zen", std::log(std::max(1e-30, moved / options.batch)) + tape.log_spreads());
  }
  return values;
}

}  // namespace latencast
