// Values of constants that decide shapes: exporters write their arithmetic out, operator by operator.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "model_operator.h"

namespace latencast {
namespace {

// One value for each element of the output, from the inputs' values at the same place.
template <class Function>
std::vector<double> elementwise(Operator& op, Function function) {
  const Dims shape = op.out(0)->shape;
  const auto count = static_cast<std::size_t>(op.out(0)->elements());
  std::vector<double> values(count), operands(op.inputs());
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t input = 0; input < op.inputs(); ++input) {
      const ModelTensor& tensor = op.in(input);
      auto rest = static_cast<std::int64_t>(i);
      std::int64_t at = 0, stride = 1;
      for (std::size_t axis = 0; axis < std::min(shape.size(), tensor.shape.size()); ++axis) {
        const std::int64_t length = tensor.shape[tensor.shape.size() - 1 - axis];
        const std::int64_t whole_length = shape[shape.size() - 1 - axis];
        if (length != 1) at += rest % whole_length * stride;
        stride *= length;
        rest /= whole_length;
      }
      operands[input] = tensor.values[static_cast<std::size_t>(at)];
    }
    values[i] = function(operands);
  }
  return values;
}

// The values of a tensor whose elements are elements of the first input. at: place in the output, axis by
// axis -> place in the input.
template <class Function>
std::vector<double> rearranged(Operator& op, Function at) {
  const Dims from = op.shape(0), to = op.out(0)->shape;
  std::vector<double> values;
  Dims place(to.size(), 0);
  for (std::int64_t count = op.out(0)->elements(); count > 0; --count) {
    const Dims source = at(place);
    std::int64_t offset = 0;
    for (std::size_t axis = 0; axis < from.size(); ++axis) offset = offset * from[axis] + source[axis];
    values.push_back(op.in(0).values[static_cast<std::size_t>(offset)]);
    for (std::size_t axis = to.size(); axis > 0 && ++place[axis - 1] == to[axis - 1]; --axis)
      place[axis - 1] = 0;
  }
  return values;
}

bool is_whole(Element element) {
  return element != Element::f32 && element != Element::f16 && element != Element::f64;
}

using Operands = const std::vector<double>&;

double divide(double a, double b, bool whole_numbers) {
  if (b == 0) return 0;
  return whole_numbers ? std::trunc(a / b) : a / b;
}

}  // namespace

std::vector<double> fold(Operator& op) {
  const std::string& name = op.op();
  const ModelTensor& out = *op.out(0);
  const auto count = static_cast<std::size_t>(out.elements());
  const auto unary = [&](double (*function)(double)) {
    return elementwise(op, [&](Operands v) { return function(v[0]); });
  };
  const auto binary = [&](auto function) {
    return elementwise(op, [&](Operands v) {
      double value = v[0];
      for (std::size_t i = 1; i < v.size(); ++i) value = function(value, v[i]);
      return value;
    });
  };
  const bool whole_numbers = op.has(0) && is_whole(op.in(0).element);
  const bool vector = op.has(0) && op.shape(0).size() == 1;

  if (name == "Shape") {
    const Dims& shape = op.shape(0);
    const auto rank = static_cast<std::int64_t>(shape.size());
    const std::int64_t start = op.integer("start", 0);
    const auto begin =
        static_cast<std::ptrdiff_t>(std::clamp<std::int64_t>(start < 0 ? start + rank : start, 0, rank));
    return {shape.begin() + begin, shape.begin() + begin + static_cast<std::ptrdiff_t>(count)};
  }
  if (name == "Size") return {static_cast<double>(op.in(0).elements())};
  if (name == "Reshape" || name == "Flatten" || name == "Squeeze" || name == "Unsqueeze")
    return op.in(0).values;
  if (name == "Cast")
    return is_whole(out.element) ? unary([](double v) { return std::trunc(v); }) : op.in(0).values;
  if (name == "ConstantOfShape") {
    const auto value = op.reals("value");
    return std::vector<double>(count, value.empty() ? 0 : value.front());
  }
  if (name == "Range") {
    std::vector<double> values;
    for (std::size_t i = 0; i < count; ++i)
      values.push_back(op.in(0).values.front() + static_cast<double>(i) * op.in(2).values.front());
    return values;
  }
  if (name == "Concat" && vector) {
    std::vector<double> values;
    for (std::size_t i = 0; i < op.inputs(); ++i)
      values.insert(values.end(), op.in(i).values.begin(), op.in(i).values.end());
    return values;
  }
  if (name == "Gather" && vector) {
    std::vector<double> values;
    for (const double index : op.in(1).values) {
      const auto at = op.axis(whole(index), op.in(0).values.size());
      values.push_back(op.in(0).values[at]);
    }
    return values;
  }
  if (name == "Slice") {
    const auto parts = taken(op);
    return rearranged(op, [&](Dims place) {
      for (const Taken& part : parts) place[part.axis] = part.first + place[part.axis] * part.step;
      return place;
    });
  }
  if (name == "Transpose") {
    const Dims order = axis_order(op);
    return rearranged(op, [&](const Dims& place) {
      Dims source(place.size());
      for (std::size_t i = 0; i < place.size(); ++i) source[static_cast<std::size_t>(order[i])] = place[i];
      return source;
    });
  }
  if (name.rfind("Reduce", 0) == 0 && count == 1 && !op.in(0).values.empty()) {
    const std::vector<double>& values = op.in(0).values;
    if (name == "ReduceMin") return {*std::min_element(values.begin(), values.end())};
    if (name == "ReduceMax") return {*std::max_element(values.begin(), values.end())};
    if (name == "ReduceSum") return {std::accumulate(values.begin(), values.end(), 0.)};
    if (name == "ReduceProd")
      return {std::accumulate(values.begin(), values.end(), 1., std::multiplies<double>())};
  }
  if (name == "Expand") {
    // The second input is the shape, not an operand.
    if (op.in(0).elements() == 1) return std::vector<double>(count, op.in(0).values.front());
    return op.in(0).shape == out.shape ? op.in(0).values : std::vector<double>();
  }
  if (name == "Where") return elementwise(op, [](Operands v) { return v[0] != 0 ? v[1] : v[2]; });
  if (name == "Add" || name == "Sum") return binary([](double a, double b) { return a + b; });
  if (name == "Sub") return binary([](double a, double b) { return a - b; });
  if (name == "Mul") return binary([](double a, double b) { return a * b; });
  if (name == "Div") return binary([&](double a, double b) { return divide(a, b, whole_numbers); });
  if (name == "Mod") return binary([](double a, double b) { return b == 0 ? 0 : a - b * std::floor(a / b); });
  if (name == "Pow") return binary([](double a, double b) { return std::pow(a, b); });
  if (name == "Min") return binary([](double a, double b) { return std::min(a, b); });
  if (name == "Max") return binary([](double a, double b) { return std::max(a, b); });
  if (name == "Equal") return binary([](double a, double b) { return double(a == b); });
  if (name == "Greater") return binary([](double a, double b) { return double(a > b); });
  if (name == "Less") return binary([](double a, double b) { return double(a < b); });
  if (name == "And") return binary([](double a, double b) { return double(a != 0 && b != 0); });
  if (name == "Or") return binary([](double a, double b) { return double(a != 0 || b != 0); });
  if (name == "Not") return unary([](double v) { return double(v == 0); });
  if (name == "Floor") return unary([](double v) { return std::floor(v); });
  if (name == "Ceil") return unary([](double v) { return std::ceil(v); });
  if (name == "Round") return unary([](double v) { return std::nearbyint(v); });
  if (name == "Sqrt") return unary([](double v) { return std::sqrt(v); });
  if (name == "Neg") return unary([](double v) { return -v; });
  if (name == "Abs") return unary([](double v) { return std::abs(v); });
  if (name == "Reciprocal") return unary([](double v) { return v == 0 ? 0 : 1 / v; });
  return {};
}

}  // namespace latencast
