#include "jobs.h"

#include <chrono>
#include <cstdio>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace latencast {

void run_jobs(const std::string& what, std::size_t count, unsigned threads,
              const std::function<void(std::size_t)>& work) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::seconds kSilence(5);
  const auto start = Clock::now();
  auto last_print = start;
  std::mutex mutex;
  std::size_t next = 0, done = 0;
  std::exception_ptr failure;
  const auto loop = [&] {
    std::unique_lock<std::mutex> lock(mutex);
    while (next < count && !failure) {
      const std::size_t job = next++;
      lock.unlock();
      std::exception_ptr thrown;
      try {
        work(job);
      } catch (...) {
        thrown = std::current_exception();
      }
      lock.lock();
      if (thrown) failure = thrown;
      ++done;
      const auto now = Clock::now();
      if (now - last_print < kSilence) continue;
      last_print = now;
      const double passed = std::chrono::duration<double>(now - start).count();
      std::fprintf(stderr, "%s: %zu of %zu, %.0f s left\n", what.c_str(), done, count,
                   passed / double(done) * double(count - done));
    }
  };
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < threads && i < count; ++i) others.emplace_back(loop);
  loop();
  for (auto& thread : others) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace latencast
