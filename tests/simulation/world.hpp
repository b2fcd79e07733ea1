#pragma once

#include "targets/lab/supervisor_ownership.hpp"
#include "tests/fake/manual_clock.hpp"
#include "tests/simulation/process.hpp"

#include <map>
#include <random>
#include <set>

namespace faultline::simulation {

/// Randomness of one seed.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  /// True in so many of a hundred cases.
  bool percent(int share) { return pick(100) < share; }
  /// 0 to below `sides`.
  int pick(int sides) { return static_cast<int>(engine_() % static_cast<std::uint64_t>(sides)); }
  Duration between(Duration least, Duration most) {
    const auto span = static_cast<std::uint64_t>((most - least).count());
    return least + Duration(static_cast<Duration::rep>(engine_() % (span + 1)));
  }

 private:
  std::mt19937_64 engine_;
};

/// How often the target misbehaves, in percent of its steps.
struct Weather {
  int refused = 0;         ///< it says no, and does nothing
  int lost_request = 0;    ///< never arrives; the caller hears nothing
  int lost_answer = 0;     ///< done; the caller hears nothing
  int slow = 0;            ///< done after some seconds
  int hangs = 0;           ///< done long after the caller gave up
  bool no_effect = false;  ///< what is applied does not appear
};

/// What is broken and observed: owners, leases and deadlines as in the lab, and what is in force.
class World {
 public:
  World(fake::ManualClock& clock, Dice& dice, Weather weather);

  struct Fate {
    enum class Kind { done, refused, lost_request, lost_answer, late } kind = Kind::done;
    Duration delay{};
  };
  /// What becomes of a request that is sent now.
  Fate fate();
  /// When it is served: what is asked of one action is served in its order.
  Instant serve_at(const std::string& action, Duration delay);

  // The target's side of each step, at the time of serving.
  Result<> arm(const targets::Action& action, targets::Epoch epoch);
  Result<targets::Outcome> apply(const std::string& action, targets::Epoch epoch);
  Result<> revert(const std::string& action, targets::Epoch epoch);
  [[nodiscard]] targets::CheckResult check(const targets::Check& check) const;
  [[nodiscard]] std::vector<targets::Invariant> invariants() const;
  [[nodiscard]] targets::World observe() const;

  lab::Ownership& ownership() { return ownership_; }
  fake::ManualClock& clock() { return clock_; }
  Dice& dice() { return dice_; }
  [[nodiscard]] const std::map<std::string, targets::Action>& in_force() const { return in_force_; }

  std::function<void(const targets::Notice&)> on_notice;
  /// Before anything comes into force.
  std::function<void(const targets::Action&)> before_apply;
  /// Every step that crosses a process' border, by name; may kill it.
  std::function<void(const std::string&)> on_step = [](const std::string&) {};

 private:
  void tick();
  void undo(const std::string& action);

  fake::ManualClock& clock_;
  Dice& dice_;
  Weather weather_;
  lab::Ownership ownership_{0};
  targets::World world_;
  std::map<std::string, targets::Action> in_force_;
  std::map<std::string, Instant> served_until_;
  std::string cache_primary_ = "a-redis", database_rw_ = "a-db";
  Instant applied_at_{};
  std::unique_ptr<Timer> tick_;
};

}  // namespace faultline::simulation
