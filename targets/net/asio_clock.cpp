#include "targets/net/asio_clock.hpp"

#include <boost/asio/steady_timer.hpp>

#include <ctime>

namespace faultline::net {
namespace {

class AsioTimer : public Timer {
 public:
  AsioTimer(const boost::asio::any_io_executor& executor, Instant at, std::function<void()> then)
      : timer_(executor, at) {
    timer_.async_wait(
        [then = std::move(then), alive = std::weak_ptr<bool>(alive_)](boost::system::error_code e) {
          if (!e && !alive.expired()) {
            then();
          }
        });
  }

 private:
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  boost::asio::steady_timer timer_;
};

}  // namespace

Instant AsioClock::now() const {
  return std::chrono::steady_clock::now();
}

WallTime AsioClock::wall() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

Duration AsioClock::asleep() const {
  timespec since_boot{};
  ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
  const auto counted =
      std::chrono::seconds(since_boot.tv_sec) + std::chrono::nanoseconds(since_boot.tv_nsec);
  return counted - now().time_since_epoch();
}

std::unique_ptr<Timer> AsioClock::at(Instant at, std::function<void()> then) {
  return std::make_unique<AsioTimer>(executor_, at, std::move(then));
}

}  // namespace faultline::net
