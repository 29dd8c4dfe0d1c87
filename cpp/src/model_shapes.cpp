// The vocabulary: what each operator makes of its inputs' shapes. Operators and attributes:
// https://onnx.ai/onnx/operators; an input that older opsets had as an attribute is read from either.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <unordered_map>

#include "model_operator.h"

namespace latencast {

Element element_of_onnx(std::int64_t type) {
  switch (type) {
    case 2:   // uint8
    case 3:   // int8
    case 17:  // float8e4m3fn and its like
    case 18:
    case 19:
    case 20:
    case 21:  // four bits; stored in bytes
    case 22:
      return Element::i8;
    case 4:
    case 5:
      return Element::i16;
    case 6:
    case 12:
      return Element::i32;
    case 7:
    case 13:
      return Element::i64;
    case 9:
      return Element::boolean;
    case 10:
    case 16:
      return Element::f16;
    case 11:
      return Element::f64;
    default:
      return Element::f32;
  }
}

std::vector<Taken> taken(const Operator& op) {
  const Dims& in = op.shape(0);
  const auto starts = op.list(1, "starts"), ends = op.list(2, "ends"), axes = op.list(3, "axes"),
             steps = op.list(4, "steps");
  if (!starts || !ends || starts->size() != ends->size()) op.refuse("has no starts, or not as many ends");
  if ((axes && axes->size() != starts->size()) || (steps && steps->size() != starts->size()))
    op.refuse("has not as many axes or steps as starts");
  std::vector<Taken> all;
  for (std::size_t i = 0; i < starts->size(); ++i) {
    const std::size_t axis = op.axis(axes ? (*axes)[i] : static_cast<std::int64_t>(i), in.size());
    const std::int64_t length = in[axis], step = steps ? (*steps)[i] : 1;
    if (step == 0 || step > kMostElements || step < -kMostElements)
      op.refuse("has a step of " + std::to_string(step));
    const auto within = [&](std::int64_t at) {
      const std::int64_t lowest = step > 0 ? 0 : -1, highest = step > 0 ? length : length - 1;
      if (at < 0) at = plus(at, length);
      return std::clamp(at, lowest, std::max(lowest, highest));
    };
    const std::int64_t first = within((*starts)[i]);
    // Backwards and to the very beginning is written as an end far below zero.
    const std::int64_t end = within((*ends)[i]);
    const std::int64_t span = step > 0 ? end - first : first - end;
    const std::int64_t stride = std::abs(step);
    all.push_back({axis, first, step, span > 0 ? (span + stride - 1) / stride : 0});
  }
  return all;
}

// ncnn numbers the orders of a tensor's axes, by how many it has; each order from the innermost axis
// outwards.
Dims numbered_order(const Operator& op, std::int64_t number, std::size_t rank) {
  constexpr const char* kOrders[] = {"wh hw", "whc hwc wch cwh hcw chw",
                                     "whdc hwdc wdhc dwhc hdwc dhwc whcd hwcd wchd cwhd hcwd chwd wdch dwch "
                                     "wcdh cwdh dcwh cdwh hdcw dhcw hcdw "
                                     "chdw dchw cdhw"};
  const std::size_t axes = rank - 1;  // all but the batch
  if (rank < 3 || rank > 5) op.refuse("orders the axes of " + text_of(op.shape(0)));
  const std::string_view orders = kOrders[rank - 3], natural = orders.substr(0, axes);
  const auto at = static_cast<std::size_t>(number) * (axes + 1);
  if (number < 0 || at >= orders.size())
    op.refuse("has the order " + std::to_string(number) + " for " + text_of(op.shape(0)));
  Dims order = {0};
  for (std::size_t i = axes; i > 0; --i)
    order.push_back(static_cast<std::int64_t>(rank - 1 - natural.find(orders[at + i - 1])));
  return order;
}

Dims axis_order(const Operator& op) {
  const std::size_t rank = op.shape(0).size();
  Dims order = op.ints("perm");
  if (order.empty())
    for (std::size_t i = rank; i > 0; --i) order.push_back(static_cast<std::int64_t>(i) - 1);
  if (op.given("order")) order = numbered_order(op, op.integer("order", 0), rank);
  std::vector<char> used(rank, 0);
  for (std::int64_t& axis : order) {
    axis = static_cast<std::int64_t>(op.axis(axis, rank));
    used[static_cast<std::size_t>(axis)] = 1;
  }
  if (order.size() != rank || std::count(used.begin(), used.end(), 1) != static_cast<std::ptrdiff_t>(rank))
    op.refuse("has an order of " + std::to_string(order.size()) + " axes for " + text_of(op.shape(0)) +
              "; each axis once expected");
  return order;
}

namespace {

std::int64_t product(Dims::const_iterator begin, Dims::const_iterator end) {
  return std::accumulate(begin, end, std::int64_t{1}, times);
}

// --- Windows: convolutions and pools ---

struct Window {
  Dims size, strides, dilations, pads;  // pads: all begins, then all ends
};

// Settings that are one number for every axis, or as many as there are.
Dims per_axis(const Operator& op, const char* name, std::size_t axes, std::int64_t otherwise) {
  Dims found = op.ints(name);
  if (found.empty()) return Dims(axes, otherwise);
  if (found.size() == 1) return Dims(axes, found.front());
  if (found.size() != axes)
    op.refuse("has " + std::to_string(found.size()) + " " + name + "; " + std::to_string(axes) + " expected");
  return found;
}

Window window(const Operator& op, Dims size) {
  const std::size_t axes = size.size();
  Window window{std::move(size), per_axis(op, "strides", axes, 1), per_axis(op, "dilations", axes, 1),
                per_axis(op, "pads", 2 * axes, 0)};
  for (const Dims* positive : {&window.size, &window.strides, &window.dilations})
    for (const std::int64_t length : *positive)
      if (length < 1 || length > kMostElements)
        op.refuse("has a window, stride or dilation of " + std::to_string(length) + "; at least 1 expected");
  for (const std::int64_t pad : window.pads)
    if (pad < -kMostElements || pad > kMostElements) op.refuse("has a padding of " + std::to_string(pad));
  return window;
}

// ceil_mode 1: the last window starts inside the image or its first padding; 2: anywhere (ncnn's "full").
std::int64_t windows_along(const Operator& op, std::int64_t in, const Window& w, std::size_t axis,
                           std::int64_t ceil_mode) {
  const std::string auto_pad = op.text("auto_pad");
  const std::int64_t stride = w.strides[axis], reach = (w.size[axis] - 1) * w.dilations[axis] + 1;
  if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") return (in + stride - 1) / stride;
  const bool valid = auto_pad == "VALID";
  const std::int64_t begin = valid ? 0 : w.pads[axis], end = valid ? 0 : w.pads[axis + w.size.size()];
  const std::int64_t room = in + begin + end - reach;
  if (room < 0)
    op.refuse("has a window of " + std::to_string(reach) + " on " + std::to_string(in + begin + end) +
              " pixels, padding counted");
  std::int64_t count = (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  if (ceil_mode == 1 && (count - 1) * stride >= in + begin) --count;
  return count;
}

Dims image_sizes(const Operator& op, const Dims& in, const Window& w, std::int64_t ceil_mode = 0) {
  Dims sizes;
  for (std::size_t axis = 0; axis < w.size.size(); ++axis)
    sizes.push_back(windows_along(op, in[axis + 2], w, axis, ceil_mode));
  return sizes;
}

Dims with_channels(const Dims& in, std::int64_t channels, const Dims& sizes) {
  Dims out = {in[0], channels};
  out.insert(out.end(), sizes.begin(), sizes.end());
  return out;
}

void require_image(const Operator& op) {
  if (op.shape(0).size() < 3)
    op.refuse("reads " + text_of(op.shape(0)) + "; batch, channels and at least one more dimension expected");
}

// A file that states no weights (a JSON graph) states the number of channels instead.
std::int64_t stated_channels(const Operator& op) {
  const std::int64_t channels = op.integer("channels", 0);
  if (channels < 1) op.refuse("has neither a weight nor a positive number of channels");
  return channels;
}

bool stated_bias(const Operator& op) { return op.integer("bias", 1) != 0; }

void convolve(Operator& op) {
  require_image(op);
  const Dims in = op.shape(0);
  const std::size_t axes = in.size() - 2;
  const std::int64_t groups = op.integer("group", 1);
  if (groups < 1 || in[1] % groups != 0)
    op.refuse("has " + std::to_string(groups) + " groups for " + std::to_string(in[1]) + " channels");
  if (!op.has(1)) {
    const std::int64_t channels = stated_channels(op);
    Dims weight = {channels, in[1] / groups};
    for (const std::int64_t length : per_axis(op, "kernel_shape", axes, 1)) weight.push_back(length);
    op.add_weight(1, weight);
    if (stated_bias(op)) op.add_weight(2, {channels});
  }
  const Dims weight = op.shape(1);
  if (weight.size() != in.size())
    op.refuse("has a weight of shape " + text_of(weight) + "; as many dimensions as its input's " +
              text_of(in) + " expected");
  if (weight[1] != in[1] / groups)
    op.refuse("reads " + std::to_string(in[1]) + " channels in " + std::to_string(groups) +
              " groups; its weight of shape " + text_of(weight) + " expects " +
              std::to_string(times(weight[1], groups)));
  if (weight[0] % groups != 0)
    op.refuse("writes " + std::to_string(weight[0]) + " channels; a multiple of its " +
              std::to_string(groups) + " groups expected");
  const Window w = window(op, Dims(weight.begin() + 2, weight.end()));
  op.set(with_channels(in, weight[0], image_sizes(op, in, w)));
}

void convolve_transposed(Operator& op) {
  require_image(op);
  const Dims in = op.shape(0);
  const std::size_t axes = in.size() - 2;
  const std::int64_t groups = op.integer("group", 1);
  if (groups < 1 || in[1] % groups != 0)
    op.refuse("has " + std::to_string(groups) + " groups for " + std::to_string(in[1]) + " channels");
  if (!op.has(1)) {
    Dims weight = {in[1], stated_channels(op) / groups};
    for (const std::int64_t length : per_axis(op, "kernel_shape", axes, 1)) weight.push_back(length);
    op.add_weight(1, weight);
    if (stated_bias(op)) op.add_weight(2, {times(op.shape(1)[1], groups)});
  }
  const Dims weight = op.shape(1);
  if (weight.size() != in.size() || weight[0] != in[1])
    op.refuse("reads " + text_of(in) + "; its weight of shape " + text_of(weight) + " does not fit");
  const Window w = window(op, Dims(weight.begin() + 2, weight.end()));
  const Dims extra = per_axis(op, "output_padding", axes, 0), stated = op.ints("output_shape");
  const std::string auto_pad = op.text("auto_pad");
  Dims sizes;
  for (std::size_t i = 0; i < axes; ++i) {
    const std::int64_t reach = (w.size[i] - 1) * w.dilations[i] + 1;
    if (stated.size() >= axes)
      sizes.push_back(stated[stated.size() - axes + i]);
    else if (auto_pad.rfind("SAME", 0) == 0)
      sizes.push_back(times(in[i + 2], w.strides[i]));
    else
      sizes.push_back(
          plus(times(in[i + 2] - 1, w.strides[i]), extra[i] + reach - w.pads[i] - w.pads[i + axes]));
  }
  op.set(with_channels(in, times(weight[1], groups), sizes));
}

void pool(Operator& op) {
  require_image(op);
  const Dims in = op.shape(0);
  if (!op.given("kernel_shape")) op.refuse("has no kernel_shape");
  const Window w = window(op, per_axis(op, "kernel_shape", in.size() - 2, 1));
  const Dims out = with_channels(in, in[1], image_sizes(op, in, w, op.integer("ceil_mode", 0)));
  op.set(out);
  op.set(out, Element::i64, 1);  // a max pool's indices
}

void pool_globally(Operator& op) {
  require_image(op);
  op.set(with_channels(op.shape(0), op.shape(0)[1], Dims(op.shape(0).size() - 2, 1)));
}

// --- Matrix products ---

// Besides the standard's matrices it takes images, flattened, and rows of rows: ncnn's InnerProduct does, and
// so may a graph written by hand.
void multiply_general(Operator& op) {
  Dims in = op.shape(0);
  if (in.size() < 2) op.refuse("reads " + text_of(in) + "; batch and features expected");
  const bool transposed = op.integer("transA", 0) != 0;
  if (!op.has(1)) {
    const std::int64_t features = in.size() == 3 ? in[2] : product(in.begin() + 1, in.end());
    op.add_weight(1, {features, stated_channels(op)});
    if (stated_bias(op)) op.add_weight(2, {stated_channels(op)});
  }
  const Dims weight = op.shape(1);
  if (weight.size() != 2) op.refuse("has a weight of shape " + text_of(weight) + "; a matrix expected");
  const bool turned = op.integer("transB", 0) != 0;
  const std::int64_t deep = weight[turned ? 1 : 0], wide = weight[turned ? 0 : 1];
  if (in.size() == 2) {
    if (transposed) std::swap(in[0], in[1]);
  } else if (in.size() != 3 || in[2] != deep) {
    in = {in[0], product(in.begin() + 1, in.end())};
  }
  if (in.back() != deep)
    op.refuse("reads " + std::to_string(in.back()) + " features; its weight of shape " + text_of(weight) +
              " expects " + std::to_string(deep));
  in.back() = wide;
  op.set(in);
}

void sum_products(Operator& op) {
  const auto lengths = einsum_lengths(op.model(), op.node());
  if (lengths.empty()) op.give_up("has the equation '" + op.text("equation") + "', which is not followed");
  const std::string equation = op.text("equation");
  Dims out;
  for (const char label : equation.substr(equation.find('>') + 1))
    if (label != ' ') out.push_back(lengths.at(label));
  op.set(out);
}

// --- Shapes that meet ---

// Trailing axes meet, lengths of 1 stretch. ncnn lets channels meet as well: (1, c) goes with (1, c, h, w).
Dims broadcast(const Operator& op, Dims a, Dims b) {
  if (a.size() < b.size()) std::swap(a, b);
  const auto fits = [&](std::size_t offset) {
    for (std::size_t i = 0; i < b.size(); ++i)
      if (a[offset + i] != b[i] && a[offset + i] != 1 && b[i] != 1) return false;
    return true;
  };
  std::size_t offset = a.size() - b.size();
  if (!fits(offset)) {
    if (op.model().format != "ncnn" || !fits(0))
      op.refuse("reads " + text_of(a) + " and " + text_of(b) + ", which do not fit together");
    offset = 0;
  }
  for (std::size_t i = 0; i < b.size(); ++i)
    if (a[offset + i] == 1) a[offset + i] = b[i];
  return a;
}

Dims broadcast_inputs(const Operator& op) {
  Dims shape = op.shape(0);
  for (std::size_t i = 1; i < op.inputs(); ++i) shape = broadcast(op, shape, op.shape(i));
  return shape;
}

void combine(Operator& op) { op.set(broadcast_inputs(op)); }
void compare(Operator& op) { op.set(broadcast_inputs(op), Element::boolean); }
void choose(Operator& op) { op.set(broadcast_inputs(op), op.in(1).element); }

void multiply(Operator& op) {
  Dims a = op.shape(0);
  if (!op.has(1)) {
    if (a.empty()) op.refuse("reads a scalar; a matrix expected");
    op.add_weight(1, {a.back(), stated_channels(op)});
  }
  Dims b = op.shape(1);
  if (a.empty() || b.empty()) op.refuse("reads a scalar; matrices expected");
  const bool row = a.size() == 1, column = b.size() == 1;
  if (row) a.insert(a.begin(), 1);
  if (column) b.push_back(1);
  const std::int64_t deep = a.back(), rows = a[a.size() - 2], wide = b.back();
  if (deep != b[b.size() - 2])
    op.refuse("reads " + text_of(op.shape(0)) + " and " + text_of(op.shape(1)) +
              "; the first one's last length and the other's last but one must agree");
  Dims out = broadcast(op, Dims(a.begin(), a.end() - 2), Dims(b.begin(), b.end() - 2));
  if (!row) out.push_back(rows);
  if (!column) out.push_back(wide);
  op.set(out);
}

// --- Same shape ---

void keep(Operator& op) { op.set(op.shape(0)); }

// A normalisation whose weights may be left to be made up: scale and shift along the channels, or along the
// last axis.
void normalise(Operator& op) {
  const Dims in = op.shape(0);
  if (in.empty()) op.refuse("reads a scalar");
  const bool per_channel = op.op() == "BatchNormalization" || op.op() == "InstanceNormalization" ||
                           op.op() == "GroupNormalization";
  const std::int64_t length = per_channel && in.size() > 1 ? in[1] : in.back();
  if (!op.has(1) && op.integer("affine", 1)) {
    op.add_weight(1, {length});
    op.add_weight(2, {length});
  }
  op.set(in);
}

void leak(Operator& op) {
  if (!op.has(1)) op.add_weight(1, {op.shape(0).size() > 1 ? op.shape(0)[1] : 1});
  keep(op);
}

void cast(Operator& op) { op.set(op.shape(0), element_of_onnx(op.integer("to", 1))); }

// --- Other shapes of the same elements ---

// ncnn's "0w,1h,-1": lengths from the innermost outwards, numbers or an axis of an input.
Dims stated_lengths(const Operator& op, std::string_view text) {
  Dims lengths;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    const std::string word(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto axis = word.empty() ? std::string::npos : std::string("whdc").find(word.back());
    char* rest = nullptr;
    std::int64_t number = std::strtoll(word.c_str(), &rest, 10);
    if (axis == std::string::npos ? *rest != '\0' || word.empty()
                                  : rest + 1 != word.c_str() + word.size() || number < 0)
      op.refuse("has the length '" + word + "'; a number, or an axis as in 0w, expected");
    if (axis != std::string::npos) {
      const Dims& from = op.shape(static_cast<std::size_t>(number));
      // Three axes are w, h and c; only four have a d.
      const std::size_t back = word.back() == 'c' ? from.size() - 1 : axis + 1;
      if (back >= from.size()) op.refuse("has the length '" + word + "' of " + text_of(from));
      number = from[from.size() - back];
    }
    lengths.push_back(number);
  }
  lengths.push_back(1);  // the batch
  return {lengths.rbegin(), lengths.rend()};
}

void reshape(Operator& op) {
  const bool in_words = op.given("lengths");
  const auto wanted = in_words ? stated_lengths(op, op.text("lengths")) : op.list(1, "shape");
  if (!wanted) op.refuse("has no shape");
  const Dims& in = op.shape(0);
  Dims out = *wanted;
  std::int64_t rest = 1;
  std::optional<std::size_t> open;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] == 0 && op.integer("allowzero", 0) == 0) {
      if (i >= in.size()) op.refuse("copies dimension " + std::to_string(i) + " of " + text_of(in));
      out[i] = in[i];
    }
    if (out[i] == -1) {
      if (open) op.refuse("leaves two lengths open");
      open = i;
    } else {
      rest = times(rest, out[i]);
    }
  }
  const std::int64_t elements = op.in(0).elements();
  if (open) {
    if (rest <= 0 || elements % rest != 0)
      op.refuse("makes " + text_of(*wanted) + " of the " + std::to_string(elements) + " elements of " +
                text_of(in));
    out[*open] = elements / rest;
    rest = times(rest, out[*open]);
  }
  if (rest != elements)
    op.refuse("makes " + text_of(out) + " of the " + std::to_string(elements) + " elements of " +
              text_of(in));
  op.set(out);
}

void flatten(Operator& op) {
  const Dims& in = op.shape(0);
  const std::int64_t stated = op.integer("axis", 1);
  const std::size_t axis =
      stated == static_cast<std::int64_t>(in.size()) ? in.size() : op.axis(stated, in.size());
  const auto middle = in.begin() + static_cast<std::ptrdiff_t>(axis);
  op.set({product(in.begin(), middle), product(middle, in.end())});
}

void transpose(Operator& op) {
  Dims out;
  for (const std::int64_t axis : axis_order(op)) out.push_back(op.shape(0)[static_cast<std::size_t>(axis)]);
  op.set(out);
}

void squeeze(Operator& op) {
  const Dims& in = op.shape(0);
  const auto stated = op.list(1, "axes");
  std::vector<char> gone(in.size(), 0);
  if (stated)
    for (const std::int64_t axis : *stated) gone[op.axis(axis, in.size())] = 1;
  Dims out;
  for (std::size_t i = 0; i < in.size(); ++i)
    if (stated ? !gone[i] : in[i] != 1) out.push_back(in[i]);
  op.set(out);
}

void unsqueeze(Operator& op) {
  const Dims& in = op.shape(0);
  const auto axes = op.list(1, "axes");
  if (!axes) op.refuse("has no axes");
  const std::size_t rank = in.size() + axes->size();
  if (rank > kMostDims) op.refuse("makes " + std::to_string(rank) + " dimensions");
  std::vector<char> made(rank, 0);
  for (const std::int64_t axis : *axes) made[op.axis(axis, rank)] = 1;
  if (std::count(made.begin(), made.end(), 1) != static_cast<std::ptrdiff_t>(axes->size()))
    op.refuse("names an axis twice");
  Dims out;
  for (std::size_t i = 0, from = 0; i < rank; ++i) out.push_back(made[i] ? 1 : in[from++]);
  op.set(out);
}

void depth_to_space(Operator& op) {
  Dims out = op.shape(0);
  const std::int64_t block = op.integer("blocksize", 0);
  if (out.size() != 4 || block < 1 || block > 1024) op.refuse("needs an image and a blocksize from 1");
  if (op.op() == "DepthToSpace") {
    if (out[1] % (block * block) != 0) op.refuse("cannot divide " + std::to_string(out[1]) + " channels");
    out = {out[0], out[1] / (block * block), times(out[2], block), times(out[3], block)};
  } else {
    if (out[2] % block != 0 || out[3] % block != 0) op.refuse("cannot divide " + text_of(out));
    out = {out[0], times(out[1], block * block), out[2] / block, out[3] / block};
  }
  op.set(out);
}

// --- Parts and wholes ---

void concatenate(Operator& op) {
  Dims out = op.shape(0);
  const std::size_t axis = op.axis(op.integer("axis", 1), out.size());
  for (std::size_t i = 1; i < op.inputs(); ++i) {
    const Dims& next = op.shape(i);
    for (std::size_t j = 0; j < std::max(out.size(), next.size()); ++j)
      if (next.size() != out.size() || (j != axis && next[j] != out[j]))
        op.refuse("joins " + text_of(out) + " and " + text_of(next) + " along axis " + std::to_string(axis) +
                  "; the other lengths must agree");
    out[axis] = plus(out[axis], next[axis]);
  }
  op.set(out);
}

// A part of -1 takes an equal share of what the parts before it leave.
void split(Operator& op) {
  const Dims in = op.shape(0);
  const std::size_t axis = op.axis(op.integer("axis", 0), in.size());
  auto parts = op.list(1, "split");
  if (!parts) {
    // All parts are equal but the last, which may be smaller.
    const auto count = static_cast<std::int64_t>(op.outputs());
    const std::int64_t size = (in[axis] + count - 1) / std::max<std::int64_t>(count, 1);
    parts = Dims(op.outputs(), size);
    if (!parts->empty()) parts->back() = in[axis] - size * (count - 1);
  }
  if (parts->size() != op.outputs())
    op.refuse("has " + std::to_string(parts->size()) + " parts and " + std::to_string(op.outputs()) +
              " outputs");
  std::int64_t left = in[axis];
  for (std::size_t i = 0; i < parts->size(); ++i) {
    std::int64_t size = (*parts)[i];
    if (size == -1) size = left / static_cast<std::int64_t>(parts->size() - i);
    if (size < 0 || size > left)
      op.refuse("takes " + std::to_string(size) + " of the " + std::to_string(left) + " left of axis " +
                std::to_string(axis) + " of " + text_of(in));
    left -= size;
    Dims out = in;
    out[axis] = size;
    op.set(out, i);
  }
}

void slice(Operator& op) {
  Dims out = op.shape(0);
  for (const Taken& part : taken(op)) out[part.axis] = part.count;
  op.set(out);
}

void gather(Operator& op) {
  const Dims& in = op.shape(0);
  const Dims& indices = op.shape(1);
  const std::size_t axis = op.axis(op.integer("axis", 0), in.size());
  Dims out(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(axis));
  out.insert(out.end(), indices.begin(), indices.end());
  out.insert(out.end(), in.begin() + static_cast<std::ptrdiff_t>(axis) + 1, in.end());
  op.set(out);
}

void gather_elements(Operator& op) { op.set(op.shape(1)); }

void gather_nd(Operator& op) {
  const Dims& in = op.shape(0);
  const Dims& indices = op.shape(1);
  const std::int64_t batched = op.integer("batch_dims", 0);
  if (indices.empty() || batched < 0 || batched >= static_cast<std::int64_t>(in.size()) ||
      indices.back() < 0 || indices.back() > static_cast<std::int64_t>(in.size()) - batched)
    op.refuse("takes from " + text_of(in) + " by indices of shape " + text_of(indices));
  Dims out(indices.begin(), indices.end() - 1);
  out.insert(out.end(), in.begin() + static_cast<std::ptrdiff_t>(batched + indices.back()), in.end());
  op.set(out);
}

void expand(Operator& op) {
  const auto wanted = op.list(1, "shape");
  if (!wanted) op.refuse("has no shape");
  op.set(broadcast(op, op.shape(0), *wanted));
}

void tile(Operator& op) {
  Dims out = op.shape(0);
  const auto repeats = op.list(1, "repeats");
  if (!repeats || repeats->size() != out.size()) op.refuse("has not one repeat for each dimension");
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = times(out[i], (*repeats)[i]);
  op.set(out);
}

void pad(Operator& op) {
  Dims out = op.shape(0);
  const auto pads = op.list(1, op.given("paddings") ? "paddings" : "pads");
  auto axes = op.list(3, "axes");
  if (!axes) {
    axes.emplace();
    for (std::size_t i = 0; i < out.size(); ++i) axes->push_back(static_cast<std::int64_t>(i));
  }
  if (!pads || pads->size() != 2 * axes->size()) op.refuse("has not two pads for each axis");
  for (std::size_t i = 0; i < axes->size(); ++i) {
    std::int64_t& length = out[op.axis((*axes)[i], out.size())];
    length = plus(length, plus((*pads)[i], (*pads)[i + axes->size()]));
  }
  op.set(out);
}

void resize(Operator& op) {
  Dims out = op.shape(0);
  const bool early = op.op() == "Upsample" || op.inputs() == 2;  // scales are the second input then
  auto scales = early ? op.real_list(1, "scales") : std::optional<std::vector<double>>();
  if (!early && op.has(2)) scales = op.real_list(2, "scales");
  if (!early && !op.has(2) && op.given("scales")) scales = op.reals("scales");
  if (scales && !scales->empty()) {
    if (scales->size() != out.size())
      op.refuse("has " + std::to_string(scales->size()) + " scales for " + text_of(out));
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = whole(std::floor(static_cast<double>(out[i]) * (*scales)[i] + 1e-6));
  } else {
    const auto sizes = op.list(3, "sizes");
    if (!sizes || sizes->empty() || sizes->size() > out.size())
      op.refuse("has neither scales nor sizes that fit " + text_of(out));
    // The last ones may be all that is given: an image's height and width.
    std::copy(sizes->begin(), sizes->end(), out.end() - static_cast<std::ptrdiff_t>(sizes->size()));
  }
  op.set(out);
}

// --- Reductions ---

void reduce(Operator& op) {
  const Dims& in = op.shape(0);
  const auto axes = op.list(1, "axes");
  const bool keeps = op.integer("keepdims", 1) != 0;
  std::vector<char> gone(in.size(), !axes || axes->empty());
  if ((!axes || axes->empty()) && op.integer("noop_with_empty_axes", 0)) gone.assign(in.size(), 0);
  if (axes)
    for (const std::int64_t axis : *axes) gone[op.axis(axis, in.size())] = 1;
  Dims out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (!gone[i])
      out.push_back(in[i]);
    else if (keeps)
      out.push_back(1);
  }
  op.set(out);
}

void find_extreme(Operator& op) {
  Dims out = op.shape(0);
  const std::size_t axis = op.axis(op.integer("axis", 0), out.size());
  if (op.integer("keepdims", 1))
    out[axis] = 1;
  else
    out.erase(out.begin() + static_cast<std::ptrdiff_t>(axis));
  op.set(out, Element::i64);
}

void take_top(Operator& op) {
  Dims out = op.shape(0);
  const auto count = op.list(1, "k");
  if (!count || count->size() != 1) op.refuse("has no k");
  out[op.axis(op.integer("axis", -1), out.size())] = count->front();
  op.set(out);
  op.set(out, Element::i64, 1);
}

// --- Shapes as values ---

void shape_of(Operator& op) {
  const auto rank = static_cast<std::int64_t>(op.shape(0).size());
  const auto at = [&](std::int64_t i) { return std::clamp<std::int64_t>(i < 0 ? i + rank : i, 0, rank); };
  const std::int64_t begin = at(op.integer("start", 0)), end = at(op.integer("end", rank));
  op.set({std::max<std::int64_t>(0, end - begin)}, Element::i64);
}

void size_of(Operator& op) { op.set({}, Element::i64); }

void fill(Operator& op) {
  const auto shape = op.list(0, "shape");
  if (!shape) op.refuse("has no shape");
  const Dims element = op.ints("value");
  op.set(*shape, element.empty() ? Element::f32 : static_cast<Element>(element.front()));
}

void count_up(Operator& op) {
  double from[3] = {};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto value = op.real_list(i, "");
    if (!value || value->size() != 1) op.refuse("has no start, limit and step");
    from[i] = value->front();
  }
  if (from[2] == 0) op.refuse("has a step of 0");
  op.set({std::max<std::int64_t>(0, whole(std::ceil((from[1] - from[0]) / from[2])))});
}

// --- Attention and recurrence ---

// query, key and value: (batch, ..., length, channels)
void attend(Operator& op) {
  Dims out = op.shape(0);
  if (out.size() < 3 || op.shape(1).size() != out.size())
    op.refuse("reads " + text_of(out) + " and " + text_of(op.shape(1)) +
              "; batch, length and channels expected of query and key");
  if (op.has(2)) {
    if (op.shape(2).size() < 2) op.refuse("reads a value of shape " + text_of(op.shape(2)));
    out.back() = op.shape(2).back();
  }
  op.set(out);
}

void recur(Operator& op) {
  const Dims in = op.shape(0), recurrent = op.shape(2);
  if (in.size() != 3 || recurrent.size() != 3)
    op.refuse("reads " + text_of(in) + " with recurrent weights " + text_of(recurrent));
  const std::int64_t steps = in[0], batch = in[1], directions = recurrent[0], hidden = recurrent[2];
  op.set({steps, directions, batch, hidden}, 0);
  op.set({directions, batch, hidden}, 1);
  op.set({directions, batch, hidden}, 2);
}

using Rule = void (*)(Operator&);

constexpr struct {
  Rule rule;
  const char* operators;
} kVocabulary[] = {
    {convolve, "Conv"},
    {convolve_transposed, "ConvTranspose"},
    {pool, "MaxPool AveragePool LpPool"},
    {pool_globally, "GlobalAveragePool GlobalMaxPool GlobalLpPool"},
    {multiply_general, "Gemm"},
    {multiply, "MatMul"},
    {sum_products, "Einsum"},
    {normalise,
     "BatchNormalization InstanceNormalization GroupNormalization LayerNormalization "
     "SimplifiedLayerNormalization RMSNormalization"},
    {leak, "PRelu"},
    {keep,
     "Relu LeakyRelu Sigmoid HardSigmoid HardSwish Swish Gelu FastGelu QuickGelu Erf Tanh Softmax LogSoftmax "
     "Hardmax Clip Elu Selu Celu Softplus Softsign Mish ThresholdedRelu Abs Neg Exp Log Sqrt Reciprocal "
     "Floor "
     "Ceil Round Sign Sin Cos Tan Atan Not IsNaN IsInf LRN LpNormalization MeanVarianceNormalization CumSum "
     "Trilu Scatter ScatterElements ScatterND ChannelShuffle Identity"},
    {combine, "Add Sub Mul Div Pow Mod Min Max Sum Mean BitShift"},
    {compare, "Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor"},
    {choose, "Where"},
    {cast, "Cast"},
    {reshape, "Reshape"},
    {flatten, "Flatten"},
    {transpose, "Transpose"},
    {squeeze, "Squeeze"},
    {unsqueeze, "Unsqueeze"},
    {depth_to_space, "DepthToSpace SpaceToDepth"},
    {concatenate, "Concat"},
    {split, "Split"},
    {slice, "Slice"},
    {gather, "Gather"},
    {gather_elements, "GatherElements"},
    {gather_nd, "GatherND"},
    {expand, "Expand"},
    {tile, "Tile"},
    {pad, "Pad"},
    {resize, "Resize Upsample"},
    {reduce,
     "ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp "
     "ReduceSumSquare"},
    {find_extreme, "ArgMax ArgMin"},
    {take_top, "TopK"},
    {shape_of, "Shape"},
    {size_of, "Size"},
    {fill, "ConstantOfShape"},
    {count_up, "Range"},
    {attend, "MultiHeadAttention"},
    {recur, "LSTM GRU RNN"},
};

const std::unordered_map<std::string, Rule>& vocabulary() {
  static const std::unordered_map<std::string, Rule> rules = [] {
    std::unordered_map<std::string, Rule> all;
    for (const auto& [rule, operators] : kVocabulary) {
      std::string_view rest = operators;
      while (!rest.empty()) {
        const auto end = std::min(rest.find(' '), rest.size());
        all.emplace(rest.substr(0, end), rule);
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
    }
    return all;
  }();
  return rules;
}

}  // namespace

// "bij,bjk->bik": labels of the inputs' axes, and which of them remain.
std::map<char, std::int64_t> einsum_lengths(const Model& model, const Node& node) {
  const auto found = node.attributes.find("equation");
  if (found == node.attributes.end()) return {};
  const std::string& equation = found->second.text;
  const auto arrow = equation.find("->");
  if (arrow == std::string::npos) return {};
  std::map<char, std::int64_t> lengths;
  std::size_t input = 0, axis = 0;
  for (std::size_t i = 0; i <= arrow; ++i) {
    const char label = equation[i];
    const Dims* shape = input < node.inputs.size() && node.inputs[input] >= 0
                            ? &model.tensors[static_cast<std::size_t>(node.inputs[input])].shape
                            : nullptr;
    if (label == ' ') continue;
    if (label == ',' || i == arrow) {
      if (!shape || axis != shape->size()) return {};
      ++input;
      axis = 0;
    } else if (std::isalpha(static_cast<unsigned char>(label)) && shape && axis < shape->size()) {
      lengths[label] = std::max(lengths[label], (*shape)[axis++]);
    } else {
      return {};
    }
  }
  if (input != node.inputs.size()) return {};
  for (std::size_t i = arrow + 2; i < equation.size(); ++i)
    if (equation[i] != ' ' && lengths.count(equation[i]) == 0) return {};
  return lengths;
}

bool infer_shapes(Operator& op) {
  const auto rule = vocabulary().find(op.op());
  if (rule == vocabulary().end()) return false;
  rule->second(op);
  return true;
}

}  // namespace latencast
