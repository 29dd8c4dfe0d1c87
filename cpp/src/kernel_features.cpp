#include "kernel_features.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "csv.h"
#include "latencast/error.h"

namespace latencast {
namespace {

float log2f_of(double value) { return static_cast<float>(std::log2(std::max(value, 1.0))); }

constexpr std::size_t kHalvings = 5;  // of the choice features, before the others
constexpr int kMostHalvings = 8;

// How much more there is to do when `value` is rounded up to a multiple, as a binary logarithm.
double waste(double value, double multiple) {
  return std::log2(std::ceil(value / multiple) * multiple / value);
}

int halvings(std::int64_t size) {
  int count = 0;
  for (; count < kMostHalvings && size % 2 == 0; size /= 2) ++count;
  return count;
}

}  // namespace

KernelShape shape_of(const FusedKernel& k) {
  KernelShape shape;
  shape.type = k.type;
  if (k.type == KernelType::other) {
    shape.cin = std::max<std::int64_t>(1, (k.bytes_in + k.bytes_weights) / 4);
    shape.cout = std::max<std::int64_t>(1, k.bytes_out / 4);
    return shape;
  }
  shape.n = k.n, shape.h = k.h, shape.w = k.w, shape.cin = k.cin, shape.cout = k.cout;
  shape.out_h = k.out_h, shape.out_w = k.out_w;
  shape.kh = k.kh, shape.kw = k.kw, shape.stride_h = k.stride_h, shape.stride_w = k.stride_w;
  shape.dilation = k.dilation, shape.groups = k.groups;
  return shape;
}

KernelType kernel_type(std::string_view called) {
  // LitePred's and nn-Meter's names of the same.
  const std::string_view text = called.substr(0, std::min(called.find("-bn"), called.find("-relu")));
  constexpr std::pair<std::string_view, KernelType> kOthers[] = {
      {"global-avgpool", KernelType::gap}, {"squeeze-excite", KernelType::se}, {"linear", KernelType::fc}};
  for (const auto& [other, type] : kOthers)
    if (text == other) return type;
  std::string known;
  for (std::size_t i = 0; i < kKernelTypes; ++i) {
    const auto type = static_cast<KernelType>(i);
    if (text == name(type)) return type;
    known += (i == 0 ? "" : ", ") + std::string(name(type));
  }
  throw Error(ErrorCode::argument, "found kernel type '" + std::string(called) + "'; " + known + " expected");
}

KernelShape read_kernel(std::string_view key) {
  std::vector<std::string_view> fields;
  for (std::string_view rest = key;;) {
    const std::size_t end = rest.find(',');
    fields.push_back(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  constexpr std::array<const char*, 10> kColumns = {"kernel", "n",  "h",  "w",      "cin",
                                                    "cout",   "kh", "kw", "stride", "groups"};
  const auto wrong = [&](const std::string& what) {
    throw Error(ErrorCode::argument, "kernel '" + std::string(key) + "': found " + what);
  };
  const auto whole = [&](const std::string& what, std::string_view text) {
    double value = 0;
    const bool is_number = parse_number(std::string(text), value);  // 56.0 too, as some programs write it
    if (!is_number || !(value >= 1) || value > 1e9 || value != std::floor(value))
      wrong(what + " '" + std::string(text) + "'; expected a whole number from 1");
    return static_cast<std::int64_t>(value);
  };
  const auto pair = [&](const std::string& what, std::string_view text, std::int64_t& one,
                        std::int64_t& other) {
    const std::size_t cross = text.find('x');
    one = whole(what, text.substr(0, cross));
    other = cross == std::string_view::npos ? one : whole(what, text.substr(cross + 1));
  };
  KernelShape k;
  k.type = kernel_type(fields[0]);
  if (k.type == KernelType::other) wrong("a kernel of no type, whose latency says nothing of others");
  const auto is_empty = [&](std::size_t i) { return i >= fields.size() || fields[i].empty(); };
  const auto field = [&](std::size_t i, std::int64_t usual) {
    return is_empty(i) ? usual : whole(kColumns[i], fields[i]);
  };
  k.n = field(1, 1), k.h = field(2, 1), k.w = field(3, 1), k.cin = field(4, 1), k.cout = field(5, k.cin);
  k.kh = field(6, 1), k.kw = field(7, k.kh);
  if (!is_empty(8)) pair(kColumns[8], fields[8], k.stride_h, k.stride_w);
  k.groups = field(9, k.type == KernelType::dwconv ? k.cin : 1);
  // As decompose() has them.
  k.out_h = (k.h + k.stride_h - 1) / k.stride_h;
  k.out_w = k.type == KernelType::attention ? 1 : (k.w + k.stride_w - 1) / k.stride_w;
  if (k.type == KernelType::gap) k.out_h = k.out_w = 1;
  for (std::size_t i = kColumns.size(); i < fields.size(); ++i) {
    const std::string_view text = fields[i];
    if (!text.empty() && text[0] == 'd')
      k.dilation = whole("dilation", text.substr(1));
    else if (!text.empty() && text[0] == 'o')
      pair("output", text.substr(1), k.out_h, k.out_w);
    else if (text != "i8")  // precision is a matter of the platform
      wrong("'" + std::string(text) + "'; expected a dilation as d2 or an output as o109x109");
  }
  return k;
}

KernelWork work_of(const KernelShape& k) {
  const double n = double(k.n), h = double(k.h), w = double(k.w), cin = double(k.cin), cout = double(k.cout);
  const double image_in = n * h * w * cin, pixels_out = n * double(k.out_h) * double(k.out_w);
  const double window = double(k.kh) * double(k.kw);
  switch (k.type) {
    case KernelType::conv:
    case KernelType::dwconv: {
      const double weights = cin / double(k.groups) * cout * window;
      return {pixels_out * weights, image_in, weights, pixels_out * cout};
    }
    case KernelType::fc:
      return {n * cin * cout, n * cin, cin * cout, n * cout};
    case KernelType::maxpool:
    case KernelType::avgpool:
      return {pixels_out * cin * window, image_in, 0, pixels_out * cin};
    case KernelType::gap:
      return {image_in, image_in, 0, n * cin};
    case KernelType::add:
      return {image_in, 2 * image_in, 0, image_in};
    case KernelType::se:
      return {2 * image_in, image_in, cin * cin / 2, image_in};
    case KernelType::swish:
    case KernelType::hswish:
      return {image_in, image_in, 0, image_in};
    case KernelType::matmul:
      return {n * h * cin * cout, n * h * cin + n * cin * cout, 0, n * h * cout};
    case KernelType::layernorm:
    case KernelType::softmax:
      return {n * cin, n * cin, 0, n * cin};
    case KernelType::attention:
      return {n * h * w * (cin + cout), n * (h * cin + w * (cin + cout)), 0, n * h * cout};
    case KernelType::other:
      return {cout, cin, 0, cout};
  }
  throw Error(ErrorCode::internal, "work_of: no such kernel type");
}

KernelFeatures features_of(const KernelShape& k) {
  const KernelWork work = work_of(k);
  const double n = double(k.n), cin = double(k.cin) / double(k.groups), cout = double(k.cout);
  const double out_w = double(k.out_w), out_h = double(k.out_h), pixels = n * out_h * out_w;
  const double depth = cin * double(k.kh) * double(k.kw);
  const auto tiles = [&](double rows, double columns) {
    return log2f_of(std::ceil(pixels / rows) * std::ceil(cout / columns));
  };
  KernelFeatures f{};
  std::size_t at = 0;
  const auto put = [&](float value) { f[at++] = value; };
  for (const double value : {work.macs, work.traffic(), work.in, work.weights, work.out})
    put(log2f_of(value));
  put(static_cast<float>(std::log2(work.macs / work.traffic())));
  for (const std::int64_t value : {k.n, k.h, k.w, k.cin, k.cout, k.groups}) put(log2f_of(double(value)));
  for (const double value : {cin, cout / double(k.groups), out_h * out_w, pixels, depth})
    put(log2f_of(value));
  put(float(k.kh)), put(float(k.kw)), put(float(k.stride_h * k.stride_w)), put(float(k.dilation));
  for (const double multiple : {4., 16., 64.}) put(float(waste(cin, multiple)));
  for (const double multiple : {4., 16., 64.}) put(float(waste(cout, multiple)));
  put(tiles(64, 64)), put(tiles(128, 128)), put(tiles(32, 128));
  put(log2f_of(n * std::ceil(out_h / 2) * std::ceil(out_w / 2)));
  put(float(k.out_w % 2)), put(float(k.out_w % 4)), put(float(waste(pixels, 64)));
  // Of the border: what padding adds to the input, up to the step.
  put(float(
      std::clamp<std::int64_t>((k.out_h - 1) * k.stride_h + (k.kh - 1) * k.dilation + 1 - k.h, -8, 32)));
  put(float(k.cin % 16 == 0 && k.cout % 16 == 0));
  if (at != kPhysicalFeatures) throw Error(ErrorCode::internal, "features_of: wrong number of features");
  f[at + static_cast<std::size_t>(k.type)] = 1;
  return f;
}

std::array<float, kChoiceFeatures> choice_features(const KernelShape& k) {
  const std::int64_t cin = k.cin / k.groups, cout = k.cout / k.groups;
  const double pixels = double(k.n) * double(k.out_h) * double(k.out_w);
  const bool is_dense = k.type == KernelType::conv && k.groups == 1 && k.stride_h == 1 && k.stride_w == 1;
  std::array<float, kChoiceFeatures> f{};
  std::size_t at = 0;
  for (const int count :
       {halvings(cin), halvings(cout), halvings(k.n) + halvings(k.out_h) + halvings(k.out_w), halvings(k.n),
        halvings(k.out_w)})
    f[at++] = float(std::min(count, kMostHalvings));
  f[at++] = float(is_dense && k.kh == 3 && k.kw == 3 && k.dilation == 1);
  f[at++] = float(is_dense && k.kh == 1 && k.kw == 1);
  for (const double units : {36., 60., 104., 120.})
    for (const double side : {64., 128.}) {
      const double tiles = std::ceil(pixels / side) * std::ceil(double(cout) / side) * double(k.groups);
      f[at++] = float(waste(tiles, units));
    }
  if (at != kChoiceFeatures) throw Error(ErrorCode::internal, "choice_features: wrong number of features");
  return f;
}

std::array<double, kSmoothFeatures> smooth_features(const KernelShape& k) {
  const KernelFeatures f = features_of(k);
  return {double(f[0]) / 2,  double(f[1]) / 2,  double(f[2]) / 2,  double(f[3]) / 2,
          double(f[4]) / 2,  double(f[6]) / 2,  double(f[7]),      double(f[12]) / 2,
          double(f[10]) / 2, double(f[17]) / 2, double(f[18]) / 2, double(f[19])};
}

std::array<double, kProcessFeatures> process_features(const KernelShape& k) {
  const KernelFeatures f = features_of(k);
  std::array<double, kProcessFeatures> at{};
  const auto smooth = smooth_features(k);
  std::copy(smooth.begin(), smooth.end(), at.begin());
  std::size_t next = smooth.size();
  const auto put = [&](double value) { at[next++] = value; };
  // Width, depth of the product, border, tiles of a Winograd transform.
  put(double(f[8])), put(double(f[16]) / 2), put(double(f[34]) / 2), put(double(f[30]) / 2);
  put(double(f[35])), put(double(f[31])), put(double(f[32]) / 2);
  const double cin = double(k.cin) / double(k.groups),
               pixels = double(k.n) * double(k.out_h) * double(k.out_w);
  for (const double multiple : {4., 8., 16., 32.}) put(2 * waste(cin, multiple));
  for (const double multiple : {4., 8., 16., 32.}) put(2 * waste(double(k.cout), multiple));
  for (const double multiple : {4., 8., 16.}) put(2 * waste(pixels, multiple));
  const auto choice = choice_features(k);
  for (std::size_t c = 0; c < kChoiceFeatures; ++c) put(double(choice[c]) * (c < kHalvings ? 0.5 : 2));
  if (next != kProcessFeatures)
    throw Error(ErrorCode::internal, "process_features: wrong number of features");
  return at;
}

}  // namespace latencast
