// Independent pieces of work on a few threads, and how far they are.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace latencast {

/// Calls work(0) ... work(count - 1), `threads` at a time, and prints on stderr every few seconds how many
/// are done and how long the rest may take. After an exception nothing new is started, and it is rethrown.
void run_jobs(const std::string& what, std::size_t count, unsigned threads,
              const std::function<void(std::size_t)>& work);

}  // namespace latencast
