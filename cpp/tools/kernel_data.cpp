#include "kernel_data.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>

#include "data.h"
#include "latencast/error.h"

namespace latencast {
namespace {

// A row by the names of its columns, whose places it remembers.
class Row {
 public:
  explicit Row(const CsvTable& table) : table_(table) {}

  void move_to(std::size_t row) { row_ = row; }

  const std::string& text(const std::string& column) const { return table_.rows[row_][place(column)]; }
  double number(const std::string& column) const { return table_.number(row_, place(column)); }

  /// 1 where there is no such column or its field is empty.
  std::int64_t integer(const std::string& column) const {
    const double value = column.empty() || text(column).empty() ? 1 : number(column);
    if (!(value >= 1) || value > 1e9 || value != std::floor(value))
      throw Error(ErrorCode::argument, table_.place(row_) + ": found " + column + " " + text(column) +
                                           "; expected a whole number from 1");
    return static_cast<std::int64_t>(value);
  }

 private:
  std::size_t place(const std::string& column) const {
    const auto found = places_.find(column);
    if (found != places_.end()) return found->second;
    return places_.emplace(column, table_.column(column)).first->second;
  }

  const CsvTable& table_;
  std::size_t row_ = 0;
  mutable std::unordered_map<std::string, std::size_t> places_;
};

// Where a data set has what; a name of a column, or empty: 1.
struct Columns {
  std::string n, h, w, cin, cout, kh, kw, stride_h, stride_w, dilation, groups;
  std::string out_h, out_w;  // of the output; empty: by the padding
  std::string pad_h, pad_w;  // empty: as much as it takes to divide by the stride
};

struct DataSet {
  std::string file, source;
  Columns columns;
  std::function<std::optional<KernelType>(const Row&)> type;  // none: the row is left out
  std::function<std::string(const Row&)> platform;            // its id
  std::function<std::string(const Row&)> title;
  std::function<std::string(const Row&)> chip;
};

std::string lower_case(std::string text) {
  for (char& c : text) c = c == ' ' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// One name for each chip, whatever a data set calls it. Chips of one instruction set count as one where only
// the number of units differs.
std::string chip_called(const std::string& device) {
  static const std::vector<std::pair<const char*, const char*>> kChips = {
      {"gfx900", "gfx900"},   {"MI25", "gfx900"},
      {"VegaFE", "gfx900"},   {"gfx906", "gfx906"},
      {"gfx908", "gfx908"},   {"MI100", "gfx908"},
      {"gfx90a", "gfx90a"},   {"MI210", "gfx90a"},
      {"gfx1030", "gfx1030"}, {"gfx942", "gfx942"},
      {"V100", "v100"},       {"TITAN_V", "v100"},
      {"P100", "p100"},       {"A100", "a100"},
      {"H100", "h100"},       {"L4", "l4"},
      {"T4", "t4"},           {"RTX_6000", "t4"},
      {"P4", "gp102"},        {"1080Ti", "gp102"},
      {"1080ti", "gp102"},    {"TITAN_Xp", "gp102"},
      {"TitanXp", "gp102"},   {"TitanX_Pascal", "gp102"},
      {"TitanX", "gm200"},    {"M40", "gm200"},
      {"M60", "m60"},         {"K80", "k80"},
      {"K40", "k80"},         {"K520", "k520"},
      {"KNL", "knl"},         {"Raspberry_Pi_3", "raspberry-pi-3"}};
  for (const auto& [part, chip] : kChips)
    if (device.find(part) != std::string::npos) return chip;
  return lower_case(device);
}

std::optional<KernelType> convolution(std::int64_t cin, std::int64_t groups) {
  return groups > 1 && groups == cin ? KernelType::dwconv : KernelType::conv;
}

auto always(KernelType type) {
  return [type](const Row&) { return std::optional<KernelType>(type); };
}

// What DeepBench's sheets say of precision.
std::string deepbench_precision(const Row& row) {
  const std::string& sheet = row.text("sheet");
  if (sheet.find("Psuedo FP16") != std::string::npos) return "fp16";
  if (sheet.find("FP16") != std::string::npos) return "mixed";
  if (row.text("set") == "inference" && sheet.find("Mixed") != std::string::npos) return "int8";
  return "fp32";
}

std::vector<DataSet> data_sets() {
  const auto device = [](const Row& row) { return chip_called(row.text("device")); };
  std::vector<DataSet> all;

  const auto miopen = [](const Row& row) {
    const bool nchw = row.text("layout") == "NCHW";
    return row.text("device") + " " + row.text("backend") + " " + row.text("dtype") + (nchw ? "" : " NHWC");
  };
  all.push_back({"miopen/conv2d_fwd.csv",
                 "MIOpen",
                 {"batch", "in_h", "in_w", "cin", "cout", "kh", "kw", "stride_h", "stride_w", "dil_h",
                  "groups", "out_h", "out_w", "", ""},
                 [](const Row& row) { return convolution(row.integer("cin"), row.integer("groups")); },
                 [miopen](const Row& row) { return "miopen-" + lower_case(miopen(row)); },
                 [miopen](const Row& row) { return "MIOpen, AMD " + miopen(row); },
                 device});

  all.push_back({"lwnas_v100/conv2d_tensorrt_v100.csv",
                 "TinyNAS",
                 {"batch", "h", "w", "cin", "cout", "k", "k", "stride", "stride", "", "", "", "", "", ""},
                 [](const Row& row) -> std::optional<KernelType> {
                   if (row.text("elmt_fused") == "1") return std::nullopt;  // a sum is fused as well
                   return row.text("type") == "Depthwise" ? KernelType::dwconv : KernelType::conv;
                 },
                 [](const Row& row) { return "tensorrt-v100-" + row.text("precision"); },
                 [](const Row& row) { return "TensorRT, NVIDIA V100, " + row.text("precision"); },
                 [](const Row&) { return std::string("v100"); }});

  const auto neusight = [&](const char* file, Columns columns,
                            std::function<std::optional<KernelType>(const Row&)> type) {
    all.push_back({std::string("neusight/") + file, "NeuSight", std::move(columns), std::move(type),
                   [](const Row& row) { return "pytorch-" + lower_case(row.text("device")); },
                   [](const Row& row) { return "PyTorch, " + row.text("device") + ", fp32"; }, device});
  };
  neusight("conv2d_fp32.csv",
           {"batch", "hw", "hw", "cin", "cout", "k", "k", "stride", "stride", "", "", "", "", "", ""},
           always(KernelType::conv));
  neusight("linear_fp32.csv", {"M", "", "", "K", "N", "", "", "", "", "", "", "", "", "", ""},
           [](const Row& row) -> std::optional<KernelType> {
             if (row.integer("batch") != 1) return std::nullopt;
             return KernelType::fc;
           });
  neusight("bmm_fp32.csv", {"batch", "M", "", "K", "N", "", "", "", "", "", "", "", "", "", ""},
           always(KernelType::matmul));
  neusight("elementwise_fp32.csv", {"batch", "", "", "H", "H", "", "", "", "", "", "", "", "", "", ""},
           [](const Row& row) -> std::optional<KernelType> {
             const std::string& op = row.text("op");
             if (op == "add") return KernelType::add;
             if (op == "softmax") return KernelType::softmax;
             if (op == "ln") return KernelType::layernorm;
             return std::nullopt;
           });

  const auto cde = [&](const char* file, Columns columns, KernelType type) {
    all.push_back({std::string("cde/") + file, "CDE", std::move(columns), always(type),
                   [](const Row& row) { return "tensorflow-" + lower_case(row.text("device")); },
                   [](const Row& row) { return "TensorFlow, NVIDIA " + row.text("device") + ", fp32"; },
                   device});
  };
  cde("conv2d_fwd.csv",
      {"batch", "hw", "hw", "cin", "cout", "k", "k", "stride", "stride", "", "", "", "", "padding_same", ""},
      KernelType::conv);
  cde("dense_fwd.csv", {"batch", "", "", "dim_in", "dim_out", "", "", "", "", "", "", "", "", "", ""},
      KernelType::fc);

  const auto dlperf_name = [](const Row& row, bool has_layout) {
    std::string text = row.text("device");
    if (row.text("cudnn") != "default") text += " cudnn-" + row.text("cudnn");
    const bool half = row.text("precision") == "TENSORCOREHALF";
    text += half ? " fp16" : " fp32";
    if (has_layout && half) {
      const std::string& layout = row.text("layout_group");
      text += layout.rfind("nhwc", 0) == 0 ? " nhwc" : " nchw";
      if (layout.find("padded") != std::string::npos) text += " padded";
    } else if (half) {
      text += " nchw";
    }
    return text;
  };
  const auto dlperf = [&](const char* file, Columns columns, bool has_layout,
                          std::function<std::optional<KernelType>(const Row&)> type) {
    all.push_back({std::string("dlperf/") + file, "DLPerf", std::move(columns), std::move(type),
                   [=](const Row& row) { return "cudnn-" + lower_case(dlperf_name(row, has_layout)); },
                   [=](const Row& row) { return "cuDNN, NVIDIA " + dlperf_name(row, has_layout); }, device});
  };
  dlperf("conv2d_bias_act_fwd.csv",
         {"n", "h", "w", "c", "filters", "kh", "kw", "sh", "sw", "dil", "groups", "", "", "ph", "pw"}, true,
         [](const Row& row) -> std::optional<KernelType> {
           if (row.text("act") == "IDENTITY") return std::nullopt;
           return convolution(row.integer("c"), row.integer("groups"));
         });
  dlperf("elementwise_pool.csv", {"n", "h", "w", "c", "c", "", "", "", "", "", "", "", "", "", ""}, true,
         [](const Row& row) -> std::optional<KernelType> {
           if (row.text("op") == "CUDNN_OP_TENSOR_ADD_FWD") return KernelType::add;
           return std::nullopt;
         });
  dlperf("elementwise_pool.csv",
         {"n", "h", "w", "c", "c", "kh", "kw", "sh", "sw", "", "", "", "", "ph", "pw"}, true,
         [](const Row& row) -> std::optional<KernelType> {
           if (row.text("mode") == "CUDNN_POOLING_MAX") return KernelType::maxpool;
           return std::nullopt;
         });
  dlperf("gemm_gemv.csv", {"M", "", "", "K", "N", "", "", "", "", "", "", "", "", "", ""}, false,
         [](const Row& row) -> std::optional<KernelType> {
           if (row.text("op") == "CUBLAS_GEMM_FWD") return KernelType::fc;
           return std::nullopt;
         });

  const auto deepbench = [&](const char* file, Columns columns, KernelType type) {
    all.push_back({std::string("deepbench/") + file, "DeepBench", std::move(columns), always(type),
                   [](const Row& row) {
                     return "deepbench-" + lower_case(row.text("device")) + "-" + deepbench_precision(row);
                   },
                   [](const Row& row) { return row.text("device") + ", " + deepbench_precision(row); },
                   device});
  };
  deepbench("conv2d_fwd.csv",
            {"batch", "h", "w", "cin", "cout", "kh", "kw", "stride_h", "stride_w", "", "", "", "", "pad_h",
             "pad_w"},
            KernelType::conv);
  deepbench("gemm.csv", {"N", "", "", "K", "M", "", "", "", "", "", "", "", "", "", ""}, KernelType::fc);
  return all;
}

// Pixels of the output. pad: empty, or a column of pixels at either side, or of 0 and 1: none, or "same".
std::int64_t output_length(const Row& row, const std::string& pad, bool is_flag, std::int64_t length,
                           std::int64_t window, std::int64_t stride) {
  if (pad.empty()) return (length + stride - 1) / stride;
  const auto found = static_cast<std::int64_t>(row.number(pad));
  if (is_flag)
    return found ? (length + stride - 1) / stride : std::max<std::int64_t>(1, (length - window) / stride + 1);
  return std::max<std::int64_t>(1, (length + 2 * found - window) / stride + 1);
}

KernelShape shape_in(const Row& row, const Columns& c, KernelType type) {
  KernelShape shape;
  shape.type = type;
  shape.n = row.integer(c.n), shape.h = row.integer(c.h), shape.w = row.integer(c.w);
  shape.cin = row.integer(c.cin), shape.cout = row.integer(c.cout);
  shape.kh = row.integer(c.kh), shape.kw = row.integer(c.kw);
  shape.stride_h = row.integer(c.stride_h), shape.stride_w = row.integer(c.stride_w);
  shape.dilation = row.integer(c.dilation);
  shape.groups = type == KernelType::dwconv ? shape.cin : row.integer(c.groups);
  if (!c.out_h.empty()) {
    shape.out_h = row.integer(c.out_h), shape.out_w = row.integer(c.out_w);
  } else {
    const bool is_flag = c.pad_w.empty();
    shape.out_h =
        output_length(row, c.pad_h, is_flag, shape.h, (shape.kh - 1) * shape.dilation + 1, shape.stride_h);
    shape.out_w = output_length(row, is_flag ? c.pad_h : c.pad_w, is_flag, shape.w,
                                (shape.kw - 1) * shape.dilation + 1, shape.stride_w);
  }
  return shape;
}

// Of a table that people write, by the names of its columns.
KernelShape shape_in_table(const Row& row, const std::string& place) {
  std::string key = row.text("kernel");
  for (const char* column : {"n", "h", "w", "cin", "cout", "kh", "kw", "stride", "groups"})
    key += "," + row.text(column);
  try {
    return read_kernel(key);
  } catch (const Error& error) {
    throw Error(error.code(), place + ": " + error.what());
  }
}

}  // namespace

std::vector<KernelShape> read_shapes(const std::string& path) {
  const CsvTable table = read_csv(path);
  std::vector<KernelShape> shapes;
  Row row(table);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    row.move_to(i);
    shapes.push_back(shape_in_table(row, table.place(i)));
  }
  return shapes;
}

std::string key_of(const KernelShape& shape) {
  FusedKernel kernel;
  kernel.type = shape.type;
  kernel.n = shape.n, kernel.h = shape.h, kernel.w = shape.w, kernel.cin = shape.cin,
  kernel.cout = shape.cout;
  kernel.out_h = shape.out_h, kernel.out_w = shape.out_w;
  kernel.kh = shape.kh, kernel.kw = shape.kw;
  kernel.stride_h = shape.stride_h, kernel.stride_w = shape.stride_w;
  kernel.dilation = shape.dilation, kernel.groups = shape.groups;
  return kernel.key();
}

std::vector<KernelTiming> read_timings(const std::string& path) {
  const CsvTable table = read_csv(path);
  std::vector<KernelTiming> timings;
  Row row(table);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    row.move_to(i);
    if (row.text("latency_ms").empty()) continue;
    const double latency_ms = row.number("latency_ms");
    if (!std::isfinite(latency_ms) || latency_ms <= 0)
      throw Error(ErrorCode::measurement, table.place(i) + ": found latency " + row.text("latency_ms") +
                                              " ms; expected a finite, positive number");
    timings.push_back({shape_in_table(row, table.place(i)), latency_ms});
  }
  return timings;
}

std::vector<TimedPlatform> read_kernel_data(const std::string& folder, std::size_t fewest) {
  std::map<std::string, TimedPlatform> platforms;
  for (const DataSet& set : data_sets()) {
    const auto path = std::filesystem::path(folder) / set.file;
    if (!std::filesystem::exists(path)) continue;
    const CsvTable table = read_csv(path.string());
    Row row(table);
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
      row.move_to(i);
      const auto type = set.type(row);
      if (!type) continue;
      const std::string id = set.platform(row);
      TimedPlatform& platform = platforms[id];
      if (platform.timings.empty()) {
        platform.entry.id = id;
        platform.entry.title = set.title(row);
        platform.entry.chip = set.chip(row);
        platform.entry.source = set.source;
      }
      platform.timings.push_back({shape_in(row, set.columns, *type), row.number("latency_ms")});
    }
  }
  if (platforms.empty())
    throw Error(ErrorCode::argument, folder +
                                         ": holds none of the data sets; expected at least one such as " +
                                         data_sets().front().file + " in it");
  std::vector<TimedPlatform> all;
  for (auto& [id, platform] : platforms)
    if (platform.timings.size() >= fewest) all.push_back(std::move(platform));
  return all;
}

}  // namespace latencast
