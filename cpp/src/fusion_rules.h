// What each family of runtimes fuses. A pattern is an expression, as the operators would be written:
//
//   Relu|Clip(BatchNormalization?(Conv))
//
// - A name with a capital is an operator, several joined by | any of them. Its arguments are what its inputs
// must
//   be, in their order; for Add, Mul, Max and Min in any order. Inputs without an argument may be anything.
// - `?` after a name: that step may be missing, and its first argument stands alone.
// - A name in lower case is a definition: alternatives over one argument, x in them.
// - x is a tensor: the same one wherever it stands. c is a constant, a number a constant of that value, _
// anything.
//
// Operators that move no data (Reshape and the like) are looked through wherever a pattern does not name
// them. A match counts where nothing outside reads what is inside. The first rule that matches takes the
// operators.
#pragma once

#include <cstddef>
#include <string_view>

namespace latencast {

/// A constant array and its length.
template <class T>
class Listed {
 public:
  constexpr Listed() = default;
  template <std::size_t N>
  constexpr Listed(const T (&items)[N]) : first_(items), count_(N) {}
  constexpr const T* begin() const { return first_; }
  constexpr const T* end() const { return first_ + count_; }

 private:
  const T* first_ = nullptr;
  std::size_t count_ = 0;
};

struct FusionDefinition {
  const char* name;
  const char* pattern;  // one alternative; others of the same name follow
};

struct FusionRule {
  std::string_view
      kernel;  // name(KernelType), "conv" for dwconv too; "other/Gelu" for what has no type of its own
  const char* pattern;
  std::string_view source;
};

struct FusionRules {
  const char* id;
  const char* title;
  const char* source;
  Listed<FusionDefinition> definitions;  // beside the common ones
  Listed<FusionRule> rules;
};

// What is a kernel of LitePred's set, though no runtime need fuse it, has this source.
constexpr std::string_view kLitePred = "LitePred, NSDI 2024, section 3: its set of kernels";

/// Ways in which exporters write what has a name.
Listed<FusionDefinition> common_definitions();

Listed<FusionRules> fusion_rules();

}  // namespace latencast
