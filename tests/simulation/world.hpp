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

/// How often the target misbehaves, in percent of its steps, and what its users feel.
struct Weather {
  int refused = 0;         ///< it says no, and does nothing
  int lost_request = 0;    ///< never arrives; the caller hears nothing
  int lost_answer = 0;     ///< done; the caller hears nothing
  int slow = 0;            ///< served after some seconds
  int hangs = 0;           ///< served long after the caller gave up
  int slow_apply = 0;      ///< an apply is served, and takes some seconds to come into force
  bool no_effect = false;  ///< what is applied does not appear
  Duration felt_for{};     ///< so long requests fail under a fault, until the service has reacted
  Duration outage_at{}, outage_for{};  ///< they fail without any fault
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

  // The target's side of each step, at the time of serving.
  Result<targets::Epoch> acquire(const std::string& who, targets::Epoch instead_of, int connection);
  void connection_closed(int connection);
  Result<> renew(targets::Epoch epoch);
  Result<> arm(const targets::Action& action, targets::Epoch epoch);
  /// `done` when it is in force, or will never be: a revert ends an apply that is under way.
  void apply(const std::string& action, targets::Epoch epoch, targets::Done<targets::Outcome> done);
  Result<> revert(const std::string& action, targets::Epoch epoch);
  [[nodiscard]] targets::CheckResult check(const targets::Check& check) const;
  [[nodiscard]] std::vector<targets::Invariant> invariants() const;
  [[nodiscard]] targets::World observe() const;

  /// Whether a request of a user that is due then fails.
  [[nodiscard]] bool fails(Instant due) const;
  /// A request reached the balancer, or a write the cache: they count them.
  void arrive(bool writes) { ++(writes ? writes_ : requests_); }
  /// The balancer.
  static constexpr auto address = "10.0.0.10";
  static constexpr int port = 80;
  /// Somebody undoes all that is in force, and tells nobody. False: nothing was.
  bool lift();

  lab::Ownership& ownership() { return ownership_; }
  fake::ManualClock& clock() { return clock_; }
  Dice& dice() { return dice_; }
  [[nodiscard]] const std::map<std::string, targets::Action>& in_force() const { return in_force_; }

  std::function<void(const targets::Notice&)> on_notice;
  /// Somebody takes the lock.
  std::function<void(const std::string& who, targets::Epoch)> on_owner;
  /// The target does what is asked of it in that epoch.
  std::function<void(const std::string& what, targets::Epoch)> on_permitted;
  /// Before anything comes into force.
  std::function<void(const targets::Action&)> before_effect;
  std::function<void(const std::string& action)> after_undo;
  /// Every step that crosses a process' border, by name; may kill it.
  std::function<void(const std::string&)> on_step = [](const std::string&) {};

 private:
  struct Felt {
    std::string action;
    Instant from, to;
  };
  void tick();
  void take_effect(const targets::Action& action);
  void end_effect(const std::string& action);
  void undo(const std::string& action);

  fake::ManualClock& clock_;
  Dice& dice_;
  Weather weather_;
  lab::Ownership ownership_{0};
  targets::World world_;
  std::map<std::string, targets::Action> in_force_;
  std::map<std::string, targets::Action> under_way_;  ///< being applied
  std::set<std::string> lifted_;
  std::vector<Felt> felt_;
  std::uint64_t requests_ = 0, writes_ = 0;  // that arrived
  std::string cache_primary_ = "a-redis", database_rw_ = "a-db";
  Instant applied_at_{};
  std::unique_ptr<Timer> tick_;
  std::vector<std::unique_ptr<Timer>> timers_;  // until the end of the seed
};

}  // namespace faultline::simulation
