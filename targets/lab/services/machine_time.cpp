#include "targets/lab/services/machine_time.hpp"

#include <memory>
#include <mutex>
#include <random>
#include <thread>

namespace faultline::services {

Time machine_time() {
  struct Dice {
    std::mutex mutex;
    std::mt19937_64 engine{std::random_device{}()};
  };
  auto dice = std::make_shared<Dice>();
  return {[] { return Instant(std::chrono::steady_clock::now()); },
          [](Duration d) { std::this_thread::sleep_for(d); },
          [dice] {
            const std::lock_guard lock(dice->mutex);
            return std::uniform_real_distribution<>(0, 1)(dice->engine);
          }};
}

}  // namespace faultline::services
