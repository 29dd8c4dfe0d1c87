// Patterns of fusion_rules.h: read from their text, found in a model.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fusion_rules.h"
#include "latencast/model.h"

namespace latencast {

struct Pattern {
  enum class Kind { any, constant, number, tensor, op, definition };
  Kind kind = Kind::any;
  std::vector<std::string> names;  // operators, or the one definition
  double number = 0;
  bool optional = false;
  std::vector<Pattern> arguments;
};

/// Throws `internal` where the text is no pattern.
Pattern parse_pattern(std::string_view text);

using Definitions = std::map<std::string, std::vector<Pattern>>;

/// Results without a move of data: the same bytes under another shape.
bool moves_no_data(const Node& node);

/// Who writes and who reads every tensor of a model.
struct Wiring {
  explicit Wiring(const Model& model);

  std::vector<int> writer;                // per tensor, -1: nobody
  std::vector<std::vector<int>> readers;  // per tensor, each node once
  std::vector<char> is_output;            // per tensor, of the model
};

class Matcher {
 public:
  Matcher(const Model& model, const Wiring& wiring, const Definitions& definitions)
      : model_(model), wiring_(wiring), definitions_(definitions), taken_(model.nodes.size(), 0) {}

  /// The nodes, ascending, of the pattern that ends in node `root`; empty where there is none.
  std::vector<int> match(const Pattern& pattern, int root);

  void take(const std::vector<int>& nodes) {
    for (const int node : nodes) taken_[static_cast<std::size_t>(node)] = 1;
  }
  bool taken(int node) const { return taken_[static_cast<std::size_t>(node)] != 0; }

 private:
  static constexpr int kUnbound = -1;
  using Next = std::function<bool()>;

  // Each returns whether a way was found through this and all that is `next`; if not, `matched_` is as
  // before.
  bool find(const Pattern& pattern, int tensor, int& x, const Next& next);
  bool find_operator(const Pattern& pattern, int tensor, int& x, const Next& next);
  bool find_arguments(const Pattern& pattern, const std::vector<int>& inputs, std::size_t i, int& x,
                      const Next& next);
  bool find_definition(const Pattern& pattern, int tensor, int& x, const Next& next);

  int source(int tensor) const;  // looks through operators that move no data
  bool closed(int root) const;

  const Model& model_;
  const Wiring& wiring_;
  const Definitions& definitions_;
  std::vector<char> taken_;
  std::vector<int> matched_;
};

}  // namespace latencast
