// Search spaces: the text of an architecture, its graph, and its exact arithmetic.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace latencast {

/// One architecture in its space's canonical short form, e.g. "421211" for NAS-Bench-201.
using Architecture = std::string;

/// A directed acyclic graph whose nodes are operations, in topological order; node 0 is the input, the last
/// node the output. It is what the network sees (spec: nodes on no input-output path keep their label but
/// have no edges).
struct Graph {
  std::vector<std::uint8_t> op;                         ///< per node, an index into Space::op_names()
  std::vector<std::vector<std::uint8_t>> predecessors;  ///< per node, ascending; may be empty
  std::vector<std::uint8_t> live;  ///< per node, 1 if its result can reach the output from the input
};

/// A family of architectures. Stateless and shared; obtain one from `space(id)`.
class Space {
 public:
  virtual ~Space() = default;

  virtual const char* id() const = 0;     ///< "nb201"
  virtual const char* title() const = 0;  ///< "NAS-Bench-201"

  /// Vocabulary of node labels; [0] is the output, [1] the input.
  virtual const std::vector<std::string>& op_names() const = 0;

  /// Any accepted form -> canonical. NB201: six digits ("421211"), an arch string
  /// ("|nor_conv_3x3~0|+|none~0|...|"), or the official index ("13714"). Six characters that are all digits
  /// are always read as digits. Throws `architecture`, saying what was found and what was expected.
  virtual Architecture parse(std::string_view text) const = 0;

  /// The long, public form: NB201's arch string.
  virtual std::string format(const Architecture& architecture) const = 0;

  /// How many architectures; 0 where too many to list.
  virtual std::size_t size() const = 0;

  /// All of them, in official index order. Throws `argument` where size() is 0.
  virtual const std::vector<Architecture>& enumerate() const = 0;

  /// Position in enumerate(). Throws `argument` where size() is 0.
  virtual std::size_t index(const Architecture& architecture) const = 0;

  virtual Graph graph(const Architecture& architecture) const = 0;

  /// Multiply-adds (convolutions and linear layers, every operation executed, dead or alive), CIFAR-10 input.
  virtual std::int64_t macs(const Architecture& architecture) const = 0;

  /// Trainable parameters, batch norm's scale and shift counted, of the same network.
  virtual std::int64_t params(const Architecture& architecture) const = 0;
};

/// The space called `id`. Throws `argument` and lists the known ones otherwise.
const Space& space(std::string_view id);

/// Ids of all spaces.
std::vector<std::string> space_ids();

}  // namespace latencast
