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

#include <string>
#include <vector>

namespace latencast {

struct FusionDefinition {
  std::string name, pattern;  // one alternative; others of the same name follow
};

struct FusionRule {
  std::string
      kernel;  // name(KernelType), "conv" for dwconv too; "other/Gelu" for what has no type of its own
  std::string pattern, source;
};

struct FusionRules {
  std::string id, title, source;
  std::vector<FusionDefinition> definitions;  // beside the common ones
  std::vector<FusionRule> rules;
};

// What is a kernel of LitePred's set, though no runtime need fuse it, has this source.
constexpr const char* kLitePred = "LitePred, NSDI 2024, section 3: its set of kernels";

/// Ways in which exporters write what has a name.
const std::vector<FusionDefinition>& common_definitions();

const std::vector<FusionRules>& fusion_rules();

}  // namespace latencast
