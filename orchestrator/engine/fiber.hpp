#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/spawn.hpp>

#include <exception>
#include <functional>
#include <memory>

namespace faultline::engine {

/// The place where one fiber waits. Everything that may change what it waits for calls `wake`.
/// A fiber is never destroyed while suspended: its owner makes the condition throw, and lets it
/// end.
class Fiber {
 public:
  /// Starts `body` on its own stack; `ended` gets what it threw, or nothing.
  static void start(const boost::asio::any_io_executor& executor, std::function<void(Fiber&)> body,
                    std::function<void(std::exception_ptr)> ended);

  /// Suspends until `condition` is true; it is asked at once and after each `wake`, and may throw.
  void wait(const std::function<bool()>& condition);
  void wake();

 private:
  Fiber(boost::asio::any_io_executor executor, boost::asio::yield_context yield)
      : executor_(std::move(executor)), yield_(std::move(yield)) {}
  void suspend();

  boost::asio::any_io_executor executor_;
  boost::asio::yield_context yield_;
  std::function<void()> resume_;
};

}  // namespace faultline::engine
