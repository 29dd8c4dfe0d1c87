#include "pattern.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

#include "latencast/error.h"

namespace latencast {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Pattern parse() {
    Pattern pattern = expression();
    if (at_ != text_.size()) fail("its end");
    return pattern;
  }

 private:
  [[noreturn]] void fail(const std::string& expected) const {
    throw Error(ErrorCode::internal, "pattern '" + std::string(text_) + "', character " +
                                         std::to_string(at_) + ": " + expected + " expected");
  }

  char peek() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char wanted) {
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }
  std::string word() {
    peek();
    const std::size_t begin = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_' || text_[at_] == '.'))
      ++at_;
    if (at_ == begin) fail("a name or a number");
    return std::string(text_.substr(begin, at_ - begin));
  }

  Pattern expression() {
    Pattern pattern;
    const std::string first = word();
    if (first == "_") return pattern;
    if (first == "x" || first == "c") {
      pattern.kind = first == "x" ? Pattern::Kind::tensor : Pattern::Kind::constant;
      return pattern;
    }
    if (std::isdigit(static_cast<unsigned char>(first[0]))) {
      pattern.kind = Pattern::Kind::number;
      pattern.number = std::strtod(first.c_str(), nullptr);
      return pattern;
    }
    const bool op = std::isupper(static_cast<unsigned char>(first[0])) != 0;
    pattern.kind = op ? Pattern::Kind::op : Pattern::Kind::definition;
    pattern.names.push_back(first);
    while (op && accept('|')) pattern.names.push_back(word());
    pattern.optional = accept('?');
    if (accept('(')) {
      do {
        pattern.arguments.push_back(expression());
      } while (accept(','));
      if (!accept(')')) fail("a closing bracket");
    }
    if (pattern.optional && pattern.arguments.empty()) fail("an argument of what may be missing");
    return pattern;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// Looked through at most: exporters write two or three in a row, a hostile file a hundred thousand.
constexpr int kMostViews = 8;

bool commutes(const std::string& op) { return op == "Add" || op == "Mul" || op == "Max" || op == "Min"; }

bool names(const Pattern& pattern, const std::string& op) {
  return std::find(pattern.names.begin(), pattern.names.end(), op) != pattern.names.end();
}

}  // namespace

Pattern parse_pattern(std::string_view text) { return Parser(text).parse(); }

bool moves_no_data(const Node& node) {
  return node.known &&
         (node.op == "Reshape" || node.op == "Flatten" || node.op == "Squeeze" || node.op == "Unsqueeze");
}

Wiring::Wiring(const Model& model)
    : writer(model.tensors.size(), -1), readers(model.tensors.size()), is_output(model.tensors.size(), 0) {
  for (std::size_t i = 0; i < model.nodes.size(); ++i) {
    for (const int output : model.nodes[i].outputs)
      if (output >= 0) writer[static_cast<std::size_t>(output)] = static_cast<int>(i);
    for (const int input : model.nodes[i].inputs) {
      if (input < 0) continue;
      auto& all = readers[static_cast<std::size_t>(input)];
      if (all.empty() || all.back() != static_cast<int>(i)) all.push_back(static_cast<int>(i));
    }
  }
  for (const int output : model.outputs) is_output[static_cast<std::size_t>(output)] = 1;
}

std::vector<int> Matcher::match(const Pattern& pattern, int root) {
  matched_.clear();
  const auto& outputs = model_.nodes[static_cast<std::size_t>(root)].outputs;
  if (taken(root) || outputs.empty() || outputs.front() < 0) return {};
  int x = kUnbound;
  if (!find(pattern, outputs.front(), x, [&] { return !matched_.empty() && closed(root); })) return {};
  std::vector<int> nodes = matched_;
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  return nodes;
}

bool Matcher::find(const Pattern& pattern, int tensor, int& x, const Next& next) {
  const ModelTensor& found = model_.tensors[static_cast<std::size_t>(tensor)];
  switch (pattern.kind) {
    case Pattern::Kind::any:
      return next();
    case Pattern::Kind::constant:
      return found.constant && next();
    case Pattern::Kind::number: {
      if (found.values.size() != 1) return false;
      constexpr double kTolerance = 1e-3;  // of half precision
      return std::abs(found.values[0] - pattern.number) <= kTolerance * pattern.number && next();
    }
    case Pattern::Kind::tensor: {
      if (x != kUnbound) return source(x) == source(tensor) && next();
      x = tensor;
      if (next()) return true;
      x = kUnbound;
      return false;
    }
    case Pattern::Kind::op:
      if (find_operator(pattern, tensor, x, next)) return true;
      break;
    case Pattern::Kind::definition:
      if (find_definition(pattern, tensor, x, next)) return true;
      break;
  }
  return pattern.optional && find(pattern.arguments.front(), tensor, x, next);
}

bool Matcher::find_operator(const Pattern& pattern, int tensor, int& x, const Next& next) {
  const std::size_t before = matched_.size();
  for (int views = 0; views <= kMostViews; ++views) {
    const int writer = wiring_.writer[static_cast<std::size_t>(tensor)];
    if (writer < 0 || taken(writer)) break;
    const Node& node = model_.nodes[static_cast<std::size_t>(writer)];
    if (node.known && names(pattern, node.op)) {
      matched_.push_back(writer);
      if (find_arguments(pattern, node.inputs, 0, x, next)) return true;
      if (commutes(node.op) && pattern.arguments.size() == 2 && node.inputs.size() == 2 &&
          find_arguments(pattern, {node.inputs[1], node.inputs[0]}, 0, x, next))
        return true;
      break;
    }
    // The root is what the pattern says, not a view of it.
    if (!moves_no_data(node) || matched_.empty() || node.inputs[0] < 0) break;
    matched_.push_back(writer);
    tensor = node.inputs[0];
  }
  matched_.resize(before);
  return false;
}

bool Matcher::find_arguments(const Pattern& pattern, const std::vector<int>& inputs, std::size_t i, int& x,
                             const Next& next) {
  if (i == pattern.arguments.size()) return next();
  if (i >= inputs.size() || inputs[i] < 0) return false;
  return find(pattern.arguments[i], inputs[i], x,
              [&, i] { return find_arguments(pattern, inputs, i + 1, x, next); });
}

bool Matcher::find_definition(const Pattern& pattern, int tensor, int& x, const Next& next) {
  const auto alternatives = definitions_.find(pattern.names.front());
  if (alternatives == definitions_.end())
    throw Error(ErrorCode::internal, "pattern: no definition of '" + pattern.names.front() + "'");
  for (const Pattern& alternative : alternatives->second) {
    int own = kUnbound;
    const Next argument = [&] {
      if (own == kUnbound || pattern.arguments.empty()) return next();
      return find(pattern.arguments.front(), own, x, next);
    };
    if (find(alternative, tensor, own, argument)) return true;
  }
  return false;
}

int Matcher::source(int tensor) const {
  for (int views = 0; views < kMostViews; ++views) {
    const int writer = wiring_.writer[static_cast<std::size_t>(tensor)];
    if (writer < 0) break;
    const Node& node = model_.nodes[static_cast<std::size_t>(writer)];
    if (!moves_no_data(node) || node.inputs[0] < 0) break;
    tensor = node.inputs[0];
  }
  return tensor;
}

bool Matcher::closed(int root) const {
  const auto inside = [&](int node) {
    return std::find(matched_.begin(), matched_.end(), node) != matched_.end();
  };
  for (const int node : matched_) {
    if (node == root) continue;
    for (const int output : model_.nodes[static_cast<std::size_t>(node)].outputs) {
      if (output < 0) continue;
      const auto i = static_cast<std::size_t>(output);
      if (wiring_.is_output[i] || !std::all_of(wiring_.readers[i].begin(), wiring_.readers[i].end(), inside))
        return false;
    }
  }
  return true;
}

}  // namespace latencast
