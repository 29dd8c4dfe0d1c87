#include "explain.h"

#include <cstdio>

#include "network.h"
#include "predictor_impl.h"
#include "pretrained.h"

namespace latencast {
namespace {

std::string joined(const std::vector<int>& numbers) {
  std::string text;
  for (const int number : numbers) text += (text.empty() ? "" : ", ") + std::to_string(number);
  return text.empty() ? "-" : text;
}

// The first numbers of a row, enough to recognise it.
template <class Row>
void print_row(const char* what, const Row& row) {
  constexpr Eigen::Index kShown = 4;
  std::printf("%-28s (%d)", what, static_cast<int>(row.size()));
  for (Eigen::Index i = 0; i < std::min(kShown, row.size()); ++i) std::printf("  %.4f", double(row(i)));
  std::printf("%s\n", row.size() > kShown ? "  ..." : "");
}

}  // namespace

void ExplainCommand::add_to(CLI::App& app) {
  auto* command = app.add_subcommand("explain", "an architecture's way from its text to milliseconds");
  command->add_option("--weights", weights, "a predictor; transferred, for milliseconds")->required();
  command->add_option("architecture", architecture, "in any form its space accepts")->required();
  command->callback([this] { run(); });
}

void ExplainCommand::run() const {
  const Predictor predictor = read_weights(weights);
  const PredictorImpl& impl = predictor.impl();
  const Space& space = predictor.space();
  const Architecture canonical = space.parse(architecture);
  const Graph graph = space.graph(canonical);
  std::printf("text       %s\ncanonical  %s\npublic     %s\nmultiply-adds %.3f M, parameters %.4f M\n\n",
              architecture.c_str(), canonical.c_str(), space.format(canonical).c_str(),
              1e-6 * double(space.macs(canonical)), 1e-6 * double(space.params(canonical)));
  std::printf("node  operation        predecessors  live  multiply-adds\n");
  for (std::size_t i = 0; i < graph.op.size(); ++i) {
    double macs = 0;
    for (const Kernel& kernel : space.kernels(graph.op[i], graph.place[i])) macs += double(kernel.macs());
    std::printf("%4zu  %-15s  %-12s  %-4s  %9.3f M\n", i, space.op_names()[graph.op[i]].c_str(),
                joined({graph.predecessors[i].begin(), graph.predecessors[i].end()}).c_str(),
                graph.live[i] ? "yes" : "no", 1e-6 * macs);
  }

  if (predictor.posterior()) {
    const auto interval = predictor.beliefs({canonical}).front().interval();
    std::printf("\ndevice %s, in closed form\nlatency  %.4f ms, 90 %%: %.4f to %.4f ms\n",
                predictor.devices().front().c_str(), interval.median, interval.low, interval.high);
    return;
  }
  const auto supplements = supplements_of(impl, {canonical});
  const Plan plan =
      impl.network.plan(space, {graph}, {0}, rows_of(supplements, 1, impl.network.shape().supplement));
  Network::Trace<float> trace;
  impl.network.forward(impl.parameters, plan, trace);
  std::printf("\ndevice %s\n", predictor.devices().front().c_str());
  print_row("hardware embedding", impl.network.hardware().of(impl.parameters).row(0));
  for (std::size_t i = 0; i < plan.operations.size(); ++i) {
    const std::string name = "operation " + space.op_names()[static_cast<std::size_t>(plan.operations[i].op)];
    print_row(name.c_str(), trace.operations.row(static_cast<Eigen::Index>(i)));
  }
  print_row("stage 1, summary", trace.summary.out().row(0));
  for (std::size_t i = 0; i < plan.refined.size(); ++i) {
    const auto& key = plan.operations[static_cast<std::size_t>(plan.refined[i].operation)];
    const std::string name = "refined " + space.op_names()[static_cast<std::size_t>(key.op)];
    print_row(name.c_str(), trace.refined.row(static_cast<Eigen::Index>(i)));
  }
  print_row("stage 2, last node's state", trace.stage2.back().out.row(trace.stage2.back().out.rows() - 1));
  print_row("pooled", trace.head.x.front().row(0));
  const double score = double(trace.score()(plan.graph.front(), 0));
  std::printf("score                        %.5f\n", score);
  if (const auto& calibration = predictor.calibration()) {
    std::size_t above = 0;
    while (above < calibration->score.size() && calibration->score[above] <= score) ++above;
    if (above > 0 && above < calibration->score.size())
      std::printf("between the knots            %.5f -> %.4f ms and %.5f -> %.4f ms\n",
                  calibration->score[above - 1], std::exp(calibration->log_ms[above - 1]),
                  calibration->score[above], std::exp(calibration->log_ms[above]));
    std::printf("latency                      %.4f ms\n", calibration->latency_ms(score));
  }
  std::printf("matrix products              %.3f M multiply-adds\n", 1e-6 * impl.network.multiply_adds(plan));
}

}  // namespace latencast
