#include "autoencoder.h"

#include <algorithm>
#include <string>

#include "adam.h"

namespace latencast {
namespace {

Perceptron perceptron(Layout& layout, const std::string& name, Eigen::Index in, Eigen::Index out,
                      const AutoencoderOptions& options) {
  Perceptron made;
  for (int i = 0; i < options.layers; ++i)
    made.layers.push_back(layout.linear(name + "." + std::to_string(i), i == 0 ? in : options.width,
                                        i + 1 == options.layers ? out : options.width));
  return made;
}

}  // namespace

Autoencoder::Autoencoder(Eigen::Index columns, const AutoencoderOptions& options) : latent_(options.latent) {
  encoder_ = perceptron(layout_, "encoder", columns, 2 * latent_, options);
  decoder_ = perceptron(layout_, "decoder", latent_, columns, options);
}

template <class S>
double Autoencoder::loss(const Flat<S>& parameters, Flat<S>& gradients, const Matrix<S>& rows,
                         const Matrix<S>& noise, double beta) const {
  Perceptron::Cache<S> encoding, decoding;
  encoding.x = {rows};
  encoder_.forward(parameters, encoding);
  const auto mean = encoding.out().leftCols(latent_).array();
  const auto log_spread = encoding.out().rightCols(latent_).array();
  const Matrix<S> spread = log_spread.exp();
  decoding.x = {Matrix<S>(mean + noise.array() * spread.array())};
  decoder_.forward(parameters, decoding);

  const S share = S(1) / S(rows.rows()), weight = share * S(beta);
  const Matrix<S> error = decoding.out() - rows;
  const double loss =
      double(share * error.squaredNorm() +
             weight * S(0.5) * (mean.square() + spread.array().square() - S(1) - S(2) * log_spread).sum());

  const Matrix<S> d_latent =
      decoder_.backward(parameters, gradients, decoding, Matrix<S>(S(2) * share * error));
  Matrix<S> d_encoded(rows.rows(), 2 * latent_);
  d_encoded.leftCols(latent_) = d_latent.array() + weight * mean;
  d_encoded.rightCols(latent_) =
      d_latent.array() * noise.array() * spread.array() + weight * (spread.array().square() - S(1));
  encoder_.backward(parameters, gradients, encoding, std::move(d_encoded));
  return loss;
}

template <class S>
Matrix<S> Autoencoder::decode(const Flat<S>& parameters, const Matrix<S>& latent) const {
  Perceptron::Cache<S> decoding;
  decoding.x = {latent};
  decoder_.forward(parameters, decoding);
  return decoding.out();
}

Flat<float> train(const Autoencoder& network, const Matrix<float>& rows, const AutoencoderOptions& options) {
  Rng rng(options.seed);
  auto parameters = network.initial_parameters<float>(rng);
  Flat<float> gradients(parameters.size());
  AdamOptions adam_options;
  adam_options.learning_rate = options.learning_rate;
  adam_options.weight_decay = 0;
  Adam<float> adam(parameters.size(), adam_options, options.steps);
  Matrix<float> batch(options.batch, rows.cols());
  for (int step = 0; step < options.steps; ++step) {
    for (Eigen::Index i = 0; i < batch.rows(); ++i) batch.row(i) = rows.row(rng.below(rows.rows()));
    const double beta = options.beta * std::min(1.0, 2.0 * step / options.steps);
    network.loss(parameters, gradients, batch, normal_matrix(batch.rows(), network.latent(), rng), beta);
    adam.step(parameters, gradients);
  }
  return parameters;
}

Matrix<float> normal_matrix(Eigen::Index rows, Eigen::Index cols, Rng& rng) {
  Matrix<float> values(rows, cols);
  for (float& value : values.reshaped()) value = static_cast<float>(rng.normal());
  return values;
}

#define LATENCAST_INSTANTIATE(S)                                                                             \
  template double Autoencoder::loss<S>(const Flat<S>&, Flat<S>&, const Matrix<S>&, const Matrix<S>&, double) \
      const;                                                                                                 \
  template Matrix<S> Autoencoder::decode<S>(const Flat<S>&, const Matrix<S>&) const;
LATENCAST_INSTANTIATE(float)
LATENCAST_INSTANTIATE(double)
#undef LATENCAST_INSTANTIATE

}  // namespace latencast
