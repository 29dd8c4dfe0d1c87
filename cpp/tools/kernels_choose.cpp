#include "kernels_choose.h"

#include <iostream>

#include "data.h"
#include "kernel_choice.h"
#include "kernel_data.h"
#include "kernels_pool.h"
#include "latencast/error.h"
#include "latencast/model.h"

namespace latencast {

void KernelsChooseCommand::add_to(CLI::App& kernels_command) {
  auto* command = kernels_command.add_subcommand(
      "choose", "which kernels of a list to time, to estimate whole networks from them");
  command->add_option("--kernels", kernels, "CSV of them")->required();
  command->add_option("--model", models,
                      "networks that matter: ONNX, ncnn .param or JSON graph; of six families if absent");
  command->add_option("--count", count, "how many")->check(CLI::PositiveNumber)->capture_default_str();
  command->add_option("--pool", pool, "folder of the pool, which tells what takes long")
      ->capture_default_str();
  command->add_option("--out", out, "file to write to; printed if absent");
  command->callback([this] { run(); });
}

void KernelsChooseCommand::run() const {
  const std::vector<KernelShape> candidates = read_shapes(kernels);
  if (candidates.empty())
    throw Error(ErrorCode::argument, kernels + ": found no kernel; at least one expected");
  const std::vector<PoolPlatform> platforms = read_pool(pool);
  std::vector<Decomposition> networks;
  for (const std::string& file : models)
    networks.push_back(decompose(read_model(read_file(file)), kFusesLeast));
  const std::vector<WantedKernel> wanted =
      models.empty() ? wanted_of_families(platforms) : wanted_of(networks, platforms);
  std::string text = std::string(kKernelColumns) + "\n";
  for (const std::size_t i : choose_kernels(candidates, wanted, count)) text += key_of(candidates[i]) + "\n";
  if (out.empty())
    std::cout << text;
  else
    write_file(out, text);
}

}  // namespace latencast
