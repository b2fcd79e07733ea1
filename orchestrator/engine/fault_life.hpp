#pragma once

#include "targets/target.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace faultline::engine {

/// The life of one fault, as a pure state machine: events in, commands out. The order is DESIGN's
/// and never changes: claim, journal, arm, look before, apply, effect, hold, completion, revert,
/// residue.
class FaultLife {
 public:
  enum class State {
    fresh,
    claiming,
    journalling,
    arming,
    looking,  ///< at what must hold before anything is applied
    applying,
    proving,
    held,        ///< in force, and proved to be
    completing,  ///< to be reverted when what it goes on to do by itself is done
    reverting,
    settling,  ///< undone; differences from the end state may still go away
    left,      ///< undone, and nobody looked whether anything is left
    closed,    ///< nothing left; claims released
    refused,   ///< ended before anything was touched
    stuck,     ///< undo incomplete; claims stay (exit code 5)
  };

  // What happened.
  struct Begin {};
  struct Resume {};  ///< another process began it, and may have applied all of it: revert
  struct Claimed {
    std::optional<Error> error;
  };
  struct Recorded {
    std::optional<Error> error;
  };  ///< the `intended` record
  struct Armed {
    std::optional<Error> error;
  };
  struct Looked {
    bool all_hold;
    std::string evidence;
  };
  struct Applied {
    targets::Outcome outcome;
    std::string detail;
  };
  struct Proved {
    bool all_hold;
    std::string evidence;
  };
  /// Asked to revert; idempotent. `at_once`: without waiting for the completion.
  struct End {
    std::string reason;
    bool at_once = false;
  };
  struct Leave {};  ///< nobody waits for what may be left: over when the undos are answered
  struct Completed {
    bool all_hold;
    std::string evidence;
  };
  struct Reverted {
    std::size_t action;
    std::optional<Error> error;
  };
  /// `waiting`: another fault of the run is still in force, so nothing can be compared yet.
  struct Compared {
    bool waiting;
    std::vector<std::string> differences;
  };
  struct Tick {};  ///< a Wake came due
  using Event = std::variant<Begin, Resume, Claimed, Recorded, Armed, Looked, Applied, Proved, End,
                             Leave, Completed, Reverted, Compared, Tick>;

  // What to do next. Each is answered by the event of the same step.
  struct Claim {};
  struct Record {
    std::string type;
  };  ///< intended (must succeed), applied, reverting, reverted, closed
  struct Arm {
    std::size_t action;
  };
  struct Look {};
  struct Apply {
    std::size_t action;
  };
  struct Prove {};
  struct Complete {};
  struct Revert {
    std::size_t action;
  };
  struct Compare {};
  struct Release {};
  struct Wake {
    Duration after;
  };
  using Command = std::variant<Claim, Record, Arm, Look, Apply, Prove, Complete, Revert, Compare,
                               Release, Wake>;

  struct Shape {
    std::vector<std::string> resources;  ///< of each action, in the order of application
    Duration effect_within;
    bool looks_before = false;  ///< something must hold before the first action is applied
    /// After t0 it must have done what it does by itself; none: nothing is waited for.
    std::optional<Duration> completes_within;
  };
  explicit FaultLife(Shape shape);

  std::vector<Command> on(const Event& event, Instant now);

  [[nodiscard]] State state() const { return state_; }
  /// Applied, or possibly so, and not known to be undone.
  [[nodiscard]] bool in_force() const;
  [[nodiscard]] bool over() const;
  /// Somebody waits for the answer to Look, Prove or Complete.
  [[nodiscard]] bool asks() const;
  [[nodiscard]] bool effect_proved() const { return proved_; }
  [[nodiscard]] const std::string& evidence() const { return evidence_; }
  /// What was seen before the first action; empty: nothing was looked at.
  [[nodiscard]] const std::string& before() const { return before_; }
  /// It has done what it does by itself. False also when it was not asked.
  [[nodiscard]] bool completed() const { return completed_; }
  [[nodiscard]] const std::string& completion() const { return completion_; }
  /// It was asked, and had not: the run proves nothing.
  [[nodiscard]] bool incomplete() const { return incomplete_; }
  /// Looked at again while it was held, its effect was there no more: what was seen; empty: it was
  /// always there. Such a run proves nothing either.
  [[nodiscard]] const std::string& faded() const { return faded_; }
  /// Why it never held, or why it ended; empty for a plain revert.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] const std::vector<std::string>& residue() const { return residue_; }

  static constexpr Duration proof_pause = std::chrono::milliseconds(50);
  static constexpr Duration look_again_every = std::chrono::seconds(5);
  static constexpr int fades_after = 2;  ///< looks in a row without it; one may have missed it
  static constexpr Duration completion_pause = std::chrono::milliseconds(100);
  static constexpr Duration first_backoff = std::chrono::milliseconds(100);
  static constexpr Duration longest_backoff = std::chrono::seconds(2);
  static constexpr int revert_attempts = 8;  ///< some 9 s in all; the target's deadline comes after
  static constexpr Duration compare_pause = std::chrono::milliseconds(250);
  static constexpr Duration settling_limit = std::chrono::seconds(30);  ///< DESIGN, "residue"

 private:
  using Commands = std::vector<Command>;
  struct Undo {
    bool armed = false, pending = false, done = false;
    bool failed = false;  ///< given up; the rest is reverted all the same
    int attempts = 0;
    std::optional<Instant> retry_at;
  };

  Commands handle(const Begin& e, Instant now);
  Commands handle(const Resume& e, Instant now);
  Commands handle(const Claimed& e, Instant now);
  Commands handle(const Recorded& e, Instant now);
  Commands handle(const Armed& e, Instant now);
  Commands handle(const Looked& e, Instant now);
  Commands handle(const Applied& e, Instant now);
  Commands handle(const Proved& e, Instant now);
  Commands handle(const End& e, Instant now);
  Commands handle(const Leave& e, Instant now);
  Commands handle(const Completed& e, Instant now);
  Commands handle(const Reverted& e, Instant now);
  Commands handle(const Compared& e, Instant now);
  Commands handle(const Tick& e, Instant now);

  Commands look_again(const Proved& e);
  Commands start_applying(Instant now);
  Commands start_reverting(Instant now);
  Commands continue_reverting(Instant now);
  [[nodiscard]] bool newer_pending(std::size_t action) const;

  Shape shape_;
  State state_ = State::fresh;
  std::size_t next_ = 0;  ///< the action being armed or applied
  std::vector<Undo> undos_;
  bool end_asked_ = false, leaving_ = false;
  bool proved_ = false;
  bool answer_pending_ = false;  ///< to Look, Apply, Prove or Complete
  int not_seen_ = 0;             ///< of the last looks while it was held, in a row
  bool completed_ = false, incomplete_ = false;
  std::optional<Instant> prove_until_, complete_until_, settle_until_;
  std::string before_, evidence_, completion_, problem_, faded_;
  std::vector<std::string> residue_;
};

std::string_view to_string(FaultLife::State state);

}  // namespace faultline::engine
