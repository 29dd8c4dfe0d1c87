// A variational auto-encoder of rows of numbers in 0..1 (Kingma and Welling, ICLR 2014), as LitePred (Feng et
// al., NSDI 2024, section 4) invents configurations of kernels with it.
#pragma once

#include <cstdint>
#include <vector>

#include "encode_layers.h"
#include "latencast/rng.h"

namespace latencast {

struct AutoencoderOptions {
  int layers = 5;  ///< linear ones, of the encoder and of the decoder
  int width = 256;
  int latent = 128;
  double beta = 5e-3;  ///< weight of the divergence; reached half way, from 0
  int steps = 4000;
  int batch = 128;
  double learning_rate = 1e-3;
  std::uint64_t seed = 1;  ///< decides everything random
};

class Autoencoder {
 public:
  Autoencoder(Eigen::Index columns, const AutoencoderOptions& options);

  const std::vector<Block>& blocks() const { return layout_.blocks(); }
  Eigen::Index latent() const { return latent_; }

  template <class S>
  Flat<S> initial_parameters(Rng& rng) const {
    return layout_.initial_parameters<S>(rng);
  }

  /// Mean over rows of the squared error plus beta times the divergence of the latent numbers from N(0, 1);
  /// sets its gradients. Latent = mean + noise * spread. rows: (n, columns); noise: (n, latent)
  template <class S>
  double loss(const Flat<S>& parameters, Flat<S>& gradients, const Matrix<S>& rows, const Matrix<S>& noise,
              double beta) const;

  /// latent: (n, latent) -> (n, columns)
  template <class S>
  Matrix<S> decode(const Flat<S>& parameters, const Matrix<S>& latent) const;

 private:
  Eigen::Index latent_;
  Layout layout_;
  Perceptron encoder_, decoder_;  // the encoder's last layer gives mean and log spread
};

/// The parameters after training on the rows.
Flat<float> train(const Autoencoder& network, const Matrix<float>& rows, const AutoencoderOptions& options);

/// N(0, 1).
Matrix<float> normal_matrix(Eigen::Index rows, Eigen::Index cols, Rng& rng);

}  // namespace latencast
