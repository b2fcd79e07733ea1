#pragma once

#include "targets/clock.hpp"

#include <boost/asio/io_context.hpp>

#include <map>

namespace faultline::fake {

/// A clock whose hands the test turns. Timers fire in order of their time, then of their making.
class ManualClock : public Clock {
 public:
  [[nodiscard]] Instant now() const override { return now_; }
  [[nodiscard]] WallTime wall() const override {
    return WallTime(std::chrono::milliseconds(1'800'000'000'000)) +
           std::chrono::floor<std::chrono::milliseconds>(now_.time_since_epoch()) + set_by;
  }
  [[nodiscard]] Duration asleep() const override { return slept; }
  [[nodiscard]] std::unique_ptr<Timer> at(Instant at, std::function<void()> then) override {
    const Key key{at, next_++};
    due_[key] = std::move(then);
    return std::make_unique<Handle>(*this, key);
  }

  std::chrono::milliseconds set_by{};  ///< the wall clock was set forward
  Duration slept{};                    ///< the machine was suspended
  /// Nobody ran for so long: every timer due meanwhile is late.
  void stand_still(Duration length) { now_ += length; }

  /// Fires the next timer, turning the hands to it. False when there is none.
  bool step() {
    if (due_.empty()) {
      return false;
    }
    auto first = due_.begin();
    now_ = std::max(now_, first->first.first);
    auto then = std::move(first->second);
    due_.erase(first);
    then();
    return true;
  }

  /// Runs `io` and this clock until `over`, for at most `limit` of virtual time.
  bool run(boost::asio::io_context& io, const std::function<bool()>& over,
           Duration limit = std::chrono::hours(1)) {
    const auto end = now_ + limit;
    for (;;) {
      io.restart();
      io.poll();
      if (over()) {
        return true;
      }
      if (now_ >= end || !step()) {
        return false;
      }
    }
  }

 private:
  using Key = std::pair<Instant, std::uint64_t>;
  struct Handle : Timer {
    Handle(ManualClock& c, Key k) : clock(c), key(k) {}
    ~Handle() override { clock.due_.erase(key); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ManualClock& clock;
    Key key;
  };

  Instant now_{std::chrono::seconds(1000)};
  std::uint64_t next_ = 0;
  std::map<Key, std::function<void()>> due_;
};

}  // namespace faultline::fake
