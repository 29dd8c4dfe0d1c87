// `latencast encode`: trains encoders, prints encodings.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "encode_train.h"
#include "proxies.h"

namespace latencast {

struct EncodeCommand {
  EncoderTraining training;
  ProxyOptions proxies;
  std::size_t count = 200;
  std::string data, out, encoder, encoding = "caz";
  std::vector<std::string> architectures;

  void add_to(CLI::App& app);

 private:
  void train() const;
  void compute() const;
  void explain() const;
  void print() const;
};

}  // namespace latencast
