#include "measured_kernels.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <sstream>

#include "data.h"
#include "latencast/error.h"

namespace latencast {
namespace {

constexpr const char* kKernels = "kernels.csv";

struct Listed {
  KernelShape kernel;
  std::string origin;
};

// A line "# name: value" each, taken out of the text.
std::map<std::string, std::string> take_comments(std::string& text) {
  std::map<std::string, std::string> comments;
  std::istringstream lines(text);
  std::string line, rest;
  while (std::getline(lines, line)) {
    if (line.rfind("#", 0) != 0) {
      rest += line + "\n";
      continue;
    }
    const auto colon = line.find(": ");
    if (line.rfind("# ", 0) == 0 && colon != std::string::npos)
      comments[line.substr(2, colon - 2)] = line.substr(colon + 2);
  }
  text = rest;
  return comments;
}

MeasuredPlatform read_platform(const std::string& path, std::string text,
                               const std::map<std::string, std::string>& comments,
                               const std::map<std::string, Listed>& listed) {
  const auto said = [&](const char* name) {
    const auto found = comments.find(name);
    if (found == comments.end())
      throw Error(ErrorCode::argument, path + ": a comment '# " + name + ": ...' expected");
    return found->second;
  };
  MeasuredPlatform made;
  made.platform.entry.id = said("id");
  made.platform.entry.title = said("title");
  made.platform.entry.chip = said("runtime");
  made.platform.entry.source = "measured";
  const CsvTable table = parse_csv(text, path + " without its comments,");
  const std::size_t arch = table.column("arch"), latency = table.column("latency_ms");
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    if (table.rows[row][latency].empty()) continue;
    const auto found = listed.find(table.rows[row][arch]);
    if (found == listed.end())
      throw Error(ErrorCode::argument, table.place(row) + ": found " + table.rows[row][arch] +
                                           "; a kernel of kernels.csv expected");
    const double value = table.number(row, latency);
    if (!std::isfinite(value) || value <= 0)
      throw Error(ErrorCode::measurement, table.place(row) + ": found latency " + table.rows[row][latency] +
                                              " ms; expected a finite, positive number");
    made.platform.timings.push_back({found->second.kernel, value});
    made.origins.push_back(found->second.origin);
  }
  return made;
}

}  // namespace

std::vector<MeasuredPlatform> read_measured(const std::string& folder) {
  const auto path = std::filesystem::path(folder);
  const std::string list = (path / kKernels).string();
  const auto kernels = read_shapes(list);
  const CsvTable table = read_csv(list);
  const std::size_t origin = table.column("origin");
  std::map<std::string, Listed> listed;
  for (std::size_t i = 0; i < kernels.size(); ++i)
    listed[key_of(kernels[i])] = {kernels[i], table.rows[i][origin]};
  std::vector<MeasuredPlatform> all;
  for (const auto& file : std::filesystem::directory_iterator(path)) {
    if (file.path().extension() != ".csv" || file.path().filename() == kKernels) continue;
    std::string text = read_file(file.path().string());
    const auto comments = take_comments(text);
    if (comments.count("id")) all.push_back(read_platform(file.path().string(), text, comments, listed));
  }
  std::sort(all.begin(), all.end(), [](const MeasuredPlatform& a, const MeasuredPlatform& b) {
    return a.platform.entry.id < b.platform.entry.id;
  });
  return all;
}

}  // namespace latencast
