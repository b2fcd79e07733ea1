#include "targets/lab/services/repeat.hpp"

#include <condition_variable>
#include <mutex>

namespace faultline::services {

Repeat::Repeat(std::function<Duration()> step)
    : thread_([step = std::move(step)](const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any pause;
        while (!stop.stop_requested()) {
          const Duration wait = step();
          std::unique_lock lock(mutex);
          pause.wait_for(lock, stop, wait, [] { return false; });
        }
      }) {}

}  // namespace faultline::services
