#pragma once

#include "targets/clock.hpp"
#include "targets/error.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace faultline::guard {

/// An orchestrator's end of its guard: starts one where none is, tells it twice a second that this
/// process lives, and starts another when it is gone or hangs.
class Link {
 public:
  struct Options {
    boost::asio::any_io_executor executor;
    Clock& clock;
    std::filesystem::path home;
    std::filesystem::path journal;  ///< whose faults the guard puts back; created already
    /// This process stood still for so long that the guard took over: nothing may be injected any
    /// more, and the environment is somebody else's.
    std::function<void()> on_relieved;
    /// In words, for people: "guard 12 is gone, starting another".
    std::function<void(const std::string&)> on_note;
  };
  explicit Link(Options options);
  /// Without `detach` before, the guard puts back what the journal holds.
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// `done` is called once, when a guard watches, or with why none could be started in 5 s.
  void attach(std::function<void(Result<>)> done);
  /// Tells the guard that there is nothing to do for it.
  void detach();
  /// A guard has answered lately: within its lease it does not take over.
  [[nodiscard]] bool guarded() const;

  static constexpr Duration beat_every = std::chrono::milliseconds(500);
  /// No answer for so long: the guard is gone or hangs, and another is started.
  static constexpr Duration answer_limit = std::chrono::seconds(1);
  static constexpr Duration start_limit = std::chrono::seconds(5);  // 30 ms when nothing is busy

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace faultline::guard
