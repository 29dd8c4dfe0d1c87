// The one exception type of the engine.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace latencast {

/// What kind of thing went wrong; stable, and carried as text across the JavaScript boundary.
enum class ErrorCode {
  argument,      ///< a caller's option or index is out of range
  architecture,  ///< a text is no architecture of the space
  measurement,   ///< a measured latency, or the set of them, cannot be used
  checkpoint,    ///< bytes are no checkpoint, or a damaged or unknown one
  model,         ///< a file is no model, or one whose shapes cannot be had
  cancelled,     ///< the caller asked for the work to stop
  internal,      ///< a broken promise of the engine itself
};

/// The code as text, e.g. "architecture".
const char* name(ErrorCode code);

/// Every code as text, in the order of the enum.
std::vector<std::string> error_code_names();

/// Thrown by every public function. `what()` says where, what was found and what was expected, e.g.
/// `transfer: sample 4 has latency -1 ms; latencies must be finite and positive`.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace latencast
