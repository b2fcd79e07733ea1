#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::engine {

enum class Verdict { passed, failed, inconclusive, aborted };
std::string_view to_string(Verdict verdict);

/// The steps of a run, in the only order there is.
enum class Phase { heal, requires_, method, recover, verify, judge, report, over };
std::string_view to_string(Phase phase);

/// Why a run ends before its method does.
enum class Stop { abort, condition, interrupt, terminate, timeout, environment_lost };

/// The life of a run, as a pure state machine. `baseline` is a part of the method's phase: the
/// script says when, and how long.
class RunLife {
 public:
  /// What the runner does next; each is answered by `done` or `failed`.
  enum class Command {
    heal,
    check_requires,
    run_method,
    cancel_method,
    revert_all,
    hurry,  ///< wait no longer for what faults do by themselves
    leave,  ///< nor for anything else: over as soon as the undos are answered
    verify,
    judge,
    report,
    none
  };

  /// The first command.
  Command begin();
  /// The current step is complete. `reason` empty: as hoped. Else the run is inconclusive for it,
  /// and goes on to putting everything back.
  Command done(const std::string& reason = {});
  /// An objective was missed: the verdict will be `failed` unless something worse is found.
  void missed(const std::string& reason);
  /// Something without which the figures prove nothing: a busy machine, a dead worker.
  void doubt(const std::string& reason);
  /// Something is still not put back.
  void residue(const std::string& reason);
  /// Sticky. Cancels the method when it runs; before it, nothing will be injected; after it, the
  /// reverts hurry. A second interrupt leaves; more of them change nothing.
  Command stop(Stop why, const std::string& reason);

  [[nodiscard]] Phase phase() const { return phase_; }
  [[nodiscard]] bool stopping() const { return stop_.has_value(); }
  [[nodiscard]] bool leaving() const { return interrupts_ > 1; }
  /// Inconclusive already, whatever comes.
  [[nodiscard]] bool in_doubt() const { return !doubts_.empty(); }
  [[nodiscard]] Verdict verdict() const;
  /// The first thing to know; empty for a pass. Of a run that is not at its end: that it is not.
  [[nodiscard]] std::string reason() const;
  /// By DESIGN's table: 0, 1, 3, 4, 5, 130, 143.
  [[nodiscard]] int exit_code() const;

 private:
  Phase phase_ = Phase::heal;
  std::optional<Stop> stop_;
  int interrupts_ = 0;
  std::string stop_reason_;
  std::vector<std::string> missed_, doubts_, residue_;
};

}  // namespace faultline::engine
