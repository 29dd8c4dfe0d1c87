// Search spaces: the text of an architecture, its graph, and its exact arithmetic.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "latencast/kernel.h"
#include "latencast/layer.h"
#include "latencast/rng.h"

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
  /// Per node, where in the network it stands: with `op` it decides Space::kernels() and Space::features().
  /// All 0 in a space whose nodes have no place of their own.
  std::vector<std::uint16_t> place;
};

/// A family of architectures. Stateless and shared; obtain one from `space(id)`.
class Space {
 public:
  virtual ~Space() = default;

  virtual const char* id() const = 0;     ///< "nb201"
  virtual const char* title() const = 0;  ///< "NAS-Bench-201"

  /// Vocabulary of node labels; [0] is the output, [1] the input.
  virtual const std::vector<std::string>& op_names() const = 0;

  /// Any accepted form -> canonical; each space's file lists its forms. Throws `architecture`, saying what
  /// was found and what was expected.
  virtual Architecture parse(std::string_view text) const = 0;

  /// The long, public form: NB201's arch string, FBNet's block names, OFA's JSON.
  virtual std::string format(const Architecture& architecture) const = 0;

  /// How many architectures; 0 where too many to list.
  virtual std::size_t size() const { return 0; }

  /// All of them, in official index order. Throws `argument` where size() is 0.
  virtual const std::vector<Architecture>& enumerate() const;

  /// Position in enumerate(). Throws `argument` where size() is 0.
  virtual std::size_t index(const Architecture& architecture) const;

  /// Every choice drawn uniformly, canonical.
  virtual Architecture random(Rng& rng) const = 0;

  /// Every architecture that differs in one choice, canonical, without `architecture` itself.
  virtual std::vector<Architecture> neighbours(const Architecture& architecture) const = 0;

  virtual Graph graph(const Architecture& architecture) const = 0;

  /// The most nodes a graph has, input and output counted.
  virtual int most_nodes() const = 0;

  /// What a node executes. The input node executes the stem and whatever else is fixed before and between the
  /// choices, the output node what follows them; so the kernels of an architecture are those of all its
  /// nodes. op, place: as in Graph.
  virtual std::vector<Kernel> kernels(int op, int place) const = 0;

  /// The network as it is built, dead operations included; its kernels are those of all nodes. The last layer
  /// is the output, of one number per class.
  virtual std::vector<Layer> layers(const Architecture& architecture) const = 0;

  /// Length of features(); 0 where nodes have no place.
  virtual int feature_width() const { return 0; }

  /// What the network is told of a node besides its label: position and size, each about -1..1.
  virtual std::vector<float> features(int /*op*/, int /*place*/) const { return {}; }

  /// Multiply-adds of every operation executed, dead or alive.
  std::int64_t macs(const Architecture& architecture) const;

  /// Trainable parameters, batch norm's scale and shift counted, of the same network.
  std::int64_t params(const Architecture& architecture) const;
};

/// The space called `id`. Throws `argument` and lists the known ones otherwise.
const Space& space(std::string_view id);

/// Ids of all spaces.
std::vector<std::string> space_ids();

}  // namespace latencast
