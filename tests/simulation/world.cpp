#include "tests/simulation/world.hpp"

#include "tests/faults/world.hpp"

namespace faultline::simulation {

using namespace std::chrono_literals;
using targets::Action;
using targets::Epoch;

World::World(fake::ManualClock& clock, Dice& dice, Weather weather)
    : clock_(clock), dice_(dice), weather_(weather), world_(faults::world()) {
  world_.name = "simulated";
  world_.profile = "hardened";
  tick();
}

World::Fate World::fate() {
  const auto quick = dice_.between(100us, 5ms);
  int roll = dice_.pick(100);
  const auto within = [&roll](int share) { return (roll -= share) < 0; };
  if (within(weather_.refused)) {
    return {Fate::Kind::refused, quick};
  }
  if (within(weather_.lost_request)) {
    return {Fate::Kind::lost_request, quick};
  }
  if (within(weather_.lost_answer)) {
    return {Fate::Kind::lost_answer, quick};
  }
  if (within(weather_.slow)) {
    return {Fate::Kind::done, dice_.between(100ms, 4s)};
  }
  if (within(weather_.hangs)) {
    return {Fate::Kind::late, dice_.between(6s, 20s)};
  }
  return {Fate::Kind::done, quick};
}

Instant World::serve_at(const std::string& action, Duration delay) {
  auto& until = served_until_[action];
  until = std::max(clock_.now() + delay, until + 1us);
  return until;
}

Result<> World::arm(const Action& action, Epoch epoch) {
  return ownership_.arm(action, epoch, clock_.now());
}

Result<targets::Outcome> World::apply(const std::string& id, Epoch epoch) {
  const auto action = ownership_.begin_apply(id, epoch);
  if (!action) {
    return action.error();
  }
  before_apply(*action);
  in_force_[id] = *action;
  applied_at_ = clock_.now();
  if (action->kind.starts_with("process.") && dice_.percent(50)) {
    auto& role =
        action->args.value("component", "").ends_with("-db") ? database_rw_ : cache_primary_;
    role = role.starts_with("a") ? "b" + role.substr(1) : "a" + role.substr(1);
  }
  return targets::Outcome::done;
}

Result<> World::revert(const std::string& id, Epoch epoch) {
  const auto action = ownership_.begin_revert(id, epoch);
  if (!action) {
    return action.error();
  }
  if (*action) {
    undo(id);
  }
  return {};
}

void World::undo(const std::string& id) {
  in_force_.erase(id);
  ownership_.reverted(id);
}

targets::CheckResult World::check(const targets::Check& check) const {
  if (check.kind == "dependency.good") {
    return {true, "it took 3 ms"};
  }
  if (check.kind == "spot.gone") {
    const bool gone = clock_.now() >= applied_at_ + 8s;
    return {gone, gone ? "it exited" : "it still runs"};
  }
  const bool seen = !in_force_.empty() && !weather_.no_effect;
  return {seen, seen ? "no answer" : "it answers"};
}

std::vector<targets::Invariant> World::invariants() const {
  std::string rules;
  for (const auto& [id, action] : in_force_) {
    rules += id + " ";
  }
  return {{"environment", "healthy", "healthy"},
          {"cache sessions primary", cache_primary_, ""},
          {"database orders rw", database_rw_, ""},
          {"in force", rules, ""}};
}

targets::World World::observe() const {
  auto world = world_;
  world.in_force = ownership_.in_force(clock_.now());
  world.owner = ownership_.owner();
  return world;
}

/// As the supervisor does: leases and deadlines, and undos that fail and are tried again.
void World::tick() {
  auto expired = ownership_.tick(clock_.now());
  for (const auto& action : expired.reverts) {
    if (dice_.percent(weather_.refused)) {
      ownership_.not_reverted(action.id);
    } else {
      undo(action.id);
    }
  }
  for (const auto& notice : expired.notices) {
    on_notice(notice);
  }
  tick_ = clock_.at(clock_.now() + 200ms, [this] { tick(); });
}

}  // namespace faultline::simulation
