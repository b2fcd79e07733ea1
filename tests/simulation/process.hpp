#pragma once

#include "tests/fake/manual_clock.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <deque>
#include <functional>
#include <memory>

namespace faultline::simulation {

/// A program on the virtual clock that can be stopped, continued and killed. Whatever reaches a
/// stopped one waits. A killed one goes on in the dark, so that its memory is freed: nothing that
/// it does reaches the world or the disk any more.
class Process {
 public:
  explicit Process(fake::ManualClock& clock) : clock_(*this, clock) {}

  void stop() { stopped_ = true; }
  void go_on() {
    stopped_ = false;
    for (auto& call : std::exchange(waiting_, {})) {
      boost::asio::post(io_, std::move(call));
    }
  }
  void kill() {
    alive_ = false;
    go_on();
  }
  [[nodiscard]] bool alive() const { return alive_; }
  [[nodiscard]] bool stopped() const { return stopped_; }

  /// Something for it: a timer, an answer.
  void deliver(std::function<void()> call) {
    if (stopped_) {
      waiting_.push_back(std::move(call));
    } else {
      boost::asio::post(io_, std::move(call));
    }
  }
  /// Lets it do what it has to do now.
  void run() {
    if (!stopped_) {
      io_.restart();
      io_.poll();
    }
  }

  boost::asio::io_context& io() { return io_; }
  Clock& clock() { return clock_; }

 private:
  /// The world's time; its timers come when the process can be woken.
  class OwnClock : public Clock {
   public:
    OwnClock(Process& process, fake::ManualClock& clock) : process_(process), clock_(clock) {}
    [[nodiscard]] Instant now() const override { return clock_.now(); }
    [[nodiscard]] WallTime wall() const override { return clock_.wall(); }
    [[nodiscard]] std::unique_ptr<Timer> at(Instant at, std::function<void()> then) override {
      auto call = std::make_shared<std::function<void()>>(std::move(then));
      auto timer = clock_.at(at, [this, call] {
        process_.deliver([call] {
          if (*call) {
            std::exchange(*call, nullptr)();
          }
        });
      });
      return std::make_unique<Handle>(call, std::move(timer));
    }

   private:
    struct Handle : Timer {
      Handle(std::shared_ptr<std::function<void()>> c, std::unique_ptr<Timer> t)
          : call(std::move(c)), timer(std::move(t)) {}
      ~Handle() override { *call = nullptr; }
      Handle(const Handle&) = delete;
      Handle& operator=(const Handle&) = delete;
      std::shared_ptr<std::function<void()>> call;
      std::unique_ptr<Timer> timer;
    };
    Process& process_;
    fake::ManualClock& clock_;
  };

  boost::asio::io_context io_;
  OwnClock clock_;
  bool alive_ = true, stopped_ = false;
  std::deque<std::function<void()>> waiting_;
};

}  // namespace faultline::simulation
