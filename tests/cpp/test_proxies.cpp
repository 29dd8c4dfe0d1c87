// Zero-cost proxies on the networks themselves: layers and their gradients, and what is known of the proxies.
#include <cmath>

#include "catch.h"
#include "latencast/space.h"
#include "proxies.h"
#include "proxies_tape.h"

using namespace latencast;

namespace {

Kernel convolution(int in, int out, int size, int stride, int groups) {
  Kernel kernel;
  kernel.in_channels = in;
  kernel.out_channels = out;
  kernel.size = size;
  kernel.stride = stride;
  kernel.groups = groups;
  return kernel;
}

Kernel linear(int in, int out) {
  Kernel kernel = convolution(in, out, 1, 1, 1);
  kernel.type = Kernel::Type::linear;
  return kernel;
}

Matrix<double> random_images(Index channels, Index columns, std::uint64_t seed) {
  Rng rng(seed);
  Matrix<double> x(channels, columns);
  for (auto& value : x.reshaped()) value = rng.normal();
  return x;
}

// Every kind of layer once, on 2 images of 5 x 5 pixels; the same weights for the same seed.
struct Everything {
  explicit Everything(const Matrix<double>& x) : rng(3), tape(2, Init::torch, true, rng) {
    input = tape.input(5, x);
    auto* wide = tape.relu(tape.norm(tape.convolution(input, convolution(4, 6, 3, 2, 1))));
    auto* grouped = tape.convolution(wide, convolution(6, 6, 1, 1, 2));
    auto* deep = tape.norm(tape.convolution(grouped, convolution(6, 6, 5, 1, 6)));
    auto* gate = tape.linear(tape.global_pool(deep), linear(6, 6));
    auto* sum = tape.add(tape.scale(deep, gate), tape.average_pool(wide, 3, 1));
    auto* pointwise = tape.convolution(sum, convolution(6, 3, 1, 2, 1));
    output = tape.linear(tape.global_pool(tape.relu(pointwise)), linear(3, 2));
  }

  double loss() const { return output->x.squaredNorm(); }

  Rng rng;
  Tape<double> tape;
  Images<double>*input, *output;
};

double proxy(const std::array<double, kProxyCount>& values, const std::string& name) {
  for (std::size_t i = 0; i < kProxies.size(); ++i)
    if (name == kProxies[i]) return values[i];
  FAIL("no proxy " << name);
  return 0;
}

}  // namespace

TEST_CASE("a convolution is a sum over its window, zero outside of the image") {
  const Matrix<double> x = random_images(4, 2 * 49, 1);
  for (const int size : {1, 3, 5})
    for (const int stride : {1, 2})
      for (const int groups : {1, 2, 4}) {
        Rng rng(5);
        Tape<double> tape(2, Init::normal, true, rng);
        auto* out = tape.convolution(tape.input(7, x), convolution(4, 8, size, stride, groups));
        const auto& w = tape.weights().front().w;
        const int side = (7 + stride - 1) / stride;
        REQUIRE(out->pixels == side);
        double worst = 0;
        for (int image = 0; image < 2; ++image)
          for (int c = 0; c < 8; ++c)
            for (int i = 0; i < side; ++i)
              for (int j = 0; j < side; ++j) {
                double sum = 0;
                for (int k = 0; k < 4 / groups; ++k)
                  for (int tap = 0; tap < size * size; ++tap) {
                    const int v = i * stride + tap / size - size / 2, u = j * stride + tap % size - size / 2;
                    if (v < 0 || u < 0 || v >= 7 || u >= 7) continue;
                    sum += w(c, k * size * size + tap) *
                           x(c / (8 / groups) * (4 / groups) + k, image * 49 + v * 7 + u);
                  }
                worst = std::max(worst, std::abs(sum - out->x(c, (image * side + i) * side + j)));
              }
        INFO("size " << size << " stride " << stride << " groups " << groups);
        CHECK(worst < 1e-12);
      }
}

TEST_CASE("gradients of every layer are those of central differences") {
  Matrix<double> x = random_images(4, 2 * 25, 2);
  Everything network(x);
  network.tape.backward(network.output, 2 * network.output->x);
  constexpr double kStep = 1e-6;
  for (int sample = 0; sample < 20; ++sample) {
    const Index row = sample % 4, col = (7 * sample) % 50;
    const double value = x(row, col);
    x(row, col) = value + kStep;
    const double above = Everything(x).loss();
    x(row, col) = value - kStep;
    const double below = Everything(x).loss();
    x(row, col) = value;
    CHECK(network.input->dx(row, col) == Approx((above - below) / (2 * kStep)).epsilon(1e-4).margin(1e-9));
  }
  // Of weights: what a norm follows cannot gain by growing, and of a linear layer w . dw is its output's
  // share.
  const auto& weights = network.tape.weights();
  CHECK(weights[0].dw.norm() > 1e-6);
  for (const std::size_t followed_by_norm : {0u, 2u})
    CHECK(std::abs(weights[followed_by_norm].w.cwiseProduct(weights[followed_by_norm].dw).sum()) <
          1e-3 * weights[followed_by_norm].w.norm() * weights[followed_by_norm].dw.norm());
}

TEST_CASE("without signs, norms and sums, every layer carries the whole of the output") {
  Rng rng(4);
  Tape<double> tape(1, Init::absolute, false, rng);
  auto* at = tape.input(6, Matrix<double>::Ones(3, 36));
  for (const Kernel& kernel :
       {convolution(3, 8, 3, 2, 1), convolution(8, 8, 5, 1, 8), convolution(8, 4, 1, 1, 2)})
    at = tape.relu(tape.norm(tape.convolution(at, kernel)));
  at = tape.linear(tape.global_pool(at), linear(4, 5));
  tape.backward(at, Matrix<double>::Ones(5, 1));
  for (const auto& one : tape.weights()) CHECK(one.w.cwiseProduct(one.dw).sum() == Approx(at->x.sum()));
}

TEST_CASE("computed proxies: what is known of them") {
  const Space& fbnet = space("fbnet");
  ProxyOptions options;
  options.batch = 4;
  options.shrink = 4;
  const Architecture small = "0000000000000000000000", large = "7777777777777777777777";
  const auto of_small = compute_proxies(fbnet, small, options),
             of_large = compute_proxies(fbnet, large, options);
  // Weights uniform within 1 / sqrt(fan-in) have a norm of about sqrt(out / 3), whatever the fan-in.
  double norm = 0;
  const Graph graph = fbnet.graph(small);
  for (std::size_t node = 0; node < graph.op.size(); ++node)
    for (const Kernel& kernel : fbnet.kernels(graph.op[node], graph.place[node]))
      if (kernel.type == Kernel::Type::conv || kernel.type == Kernel::Type::linear)
        norm += std::sqrt(kernel.out_channels / 3.0);
  CHECK(proxy(of_small, "l2_norm") == Approx(norm).epsilon(0.02));
  CHECK(proxy(of_small, "params") == double(fbnet.params(small)));
  CHECK(proxy(of_small, "flops") == double(fbnet.macs(small)));
  for (const char* name : {"l2_norm", "nwot", "synflow", "zen", "snip"})
    CHECK(proxy(of_large, name) > proxy(of_small, name));
  CHECK(std::isnan(proxy(of_small, "epe_nas")));
  CHECK(std::isnan(proxy(of_small, "grasp")));
  const auto again = compute_proxies(fbnet, small, options);
  for (std::size_t i = 0; i < kProxies.size(); ++i)
    CHECK((again[i] == of_small[i] || (std::isnan(again[i]) && std::isnan(of_small[i]))));
}

TEST_CASE("proxies of every kind of cell and of squeeze-excite are finite") {
  ProxyOptions options;
  options.batch = 4;
  options.shrink = 4;
  const Space& nb201 = space("nb201");
  for (const char* cell : {"421211", "000000", "333333", "111111", "444444"})
    for (const double value : compute_proxies(nb201, cell, options)) CHECK(!std::isinf(value));
  Rng rng(1);
  const Space& ofa = space("ofa");
  options.shrink = 8;
  const auto values = compute_proxies(ofa, ofa.random(rng), options);
  for (const char* name :
       {"fisher", "flops", "grad_norm", "jacov", "l2_norm", "nwot", "snip", "synflow", "zen"})
    CHECK(std::isfinite(proxy(values, name)));
}
