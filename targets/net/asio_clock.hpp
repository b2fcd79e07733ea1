#pragma once

#include "targets/clock.hpp"

#include <boost/asio/any_io_executor.hpp>

namespace faultline::net {

/// The machine's clock, with timers on an executor.
class AsioClock : public Clock {
 public:
  explicit AsioClock(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  [[nodiscard]] Instant now() const override;
  [[nodiscard]] WallTime wall() const override;
  [[nodiscard]] Duration asleep() const override;
  [[nodiscard]] std::unique_ptr<Timer> at(Instant at, std::function<void()> then) override;

 private:
  boost::asio::any_io_executor executor_;
};

}  // namespace faultline::net
