#include "tests/simulation/world.hpp"

#include "tests/faults/world.hpp"

#include <algorithm>

namespace faultline::simulation {

using namespace std::chrono_literals;
using targets::Action;
using targets::Epoch;
using targets::Outcome;

namespace {

/// Which kinds of action each check sees.
const std::map<std::string, std::set<std::string>> seen_by = {
    {"network.unreachable", {"network.cut"}},
    {"network.loses", {"network.loss"}},
    {"network.round_trip", {"wire.shape"}},
    {"component.state", {"process.kill", "process.stop"}},
    {"component.silent", {"network.isolate"}},
    {"cache.primary_not", {"cache.switchover"}},
    {"database.rw_not", {"database.switchover"}},
    {"spot.announced", {"spot.reclaim"}},
    {"nat.flows", {"flows.hold"}},
    {"nat.flow_dropped", {"nat.shrink"}},
    {"dependency.bad", {"dependency.degrade", "network.isolate"}}};

/// Whether a check sees that action: it is of a kind that it can see, and names the same thing.
bool sees(const targets::Check& check, const Action& action) {
  if (!seen_by.at(check.kind).contains(action.kind)) {
    return false;
  }
  const auto zone = action.args.value("zone", std::string());
  for (const auto& asked : check.args) {
    const bool in_zone =
        !zone.empty() && asked.is_string() && asked.get<std::string>().starts_with(zone + "-");
    const bool same = std::find(action.args.begin(), action.args.end(), asked) != action.args.end();
    if (in_zone || same || action.kind == "nat.shrink") {
      return true;
    }
  }
  return false;
}

}  // namespace

World::World(fake::ManualClock& clock, Dice& dice, Weather weather)
    : clock_(clock), dice_(dice), weather_(weather), world_(faults::world()) {
  world_.name = "simulated";
  world_.profile = "hardened";
  world_.components.push_back(faults::component("alb", "balancer", ""));
  world_.components.back().address = address;
  world_.components.back().port = port;
  const auto outage = clock_.now() + weather_.outage_at;
  felt_.push_back({"", outage, outage + weather_.outage_for});
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

Result<Epoch> World::acquire(const std::string& who, Epoch instead_of, int connection) {
  auto epoch = ownership_.acquire(who, instead_of, connection, clock_.now());
  if (epoch) {
    on_owner(who, *epoch);
  }
  return epoch;
}

void World::connection_closed(int connection) {
  const auto owner = ownership_.owner();
  if (ownership_.connection_closed(connection)) {
    on_notice({clock_.now(), "owner_lost", {{"owner", owner}}});
  }
}

Result<> World::renew(Epoch epoch) {
  auto renewed = ownership_.renew(epoch, clock_.now());
  if (renewed) {
    on_permitted("a lease is renewed", epoch);
  }
  return renewed;
}

Result<> World::arm(const Action& action, Epoch epoch) {
  auto armed = ownership_.arm(action, epoch, clock_.now());
  if (armed) {
    on_permitted(action.id + " is armed", epoch);
  }
  return armed;
}

void World::apply(const std::string& id, Epoch epoch, targets::Done<Outcome> done) {
  const auto action = ownership_.begin_apply(id, epoch);
  if (!action) {
    return done(action.error());
  }
  on_permitted(id + " is applied", epoch);
  if (!dice_.percent(weather_.slow_apply)) {
    take_effect(*action);
    return done(Outcome::done);
  }
  under_way_[id] = *action;
  const auto at = clock_.now() + dice_.between(200ms, 4s);
  timers_.push_back(clock_.at(at, [this, id, done] {
    const auto begun = under_way_.extract(id);
    if (begun.empty()) {
      return done(Error{ErrorKind::cancelled, "it was reverted before it was in force"});
    }
    take_effect(begun.mapped());
    done(Outcome::done);
  }));
}

void World::take_effect(const Action& action) {
  before_effect(action);
  in_force_[action.id] = action;
  applied_at_ = clock_.now();
  const auto felt_for = weather_.no_effect ? Duration() : weather_.felt_for;
  felt_.push_back({action.id, applied_at_, applied_at_ + felt_for});
  if (action.kind.starts_with("process.") && dice_.percent(50)) {
    auto& role =
        action.args.value("component", "").ends_with("-db") ? database_rw_ : cache_primary_;
    role = role.starts_with("a") ? "b" + role.substr(1) : "a" + role.substr(1);
  }
}

void World::end_effect(const std::string& id) {
  in_force_.erase(id);
  for (auto& felt : felt_) {
    felt.to = felt.action == id ? std::min(felt.to, clock_.now()) : felt.to;
  }
}

bool World::fails(Instant due) const {
  return std::ranges::any_of(felt_, [&](const Felt& f) { return f.from <= due && due < f.to; });
}

bool World::lift() {
  const auto all = in_force_;
  for (const auto& [id, action] : all) {
    lifted_.insert(id);
    end_effect(id);
  }
  return !all.empty();
}

Result<> World::revert(const std::string& id, Epoch epoch) {
  const auto action = ownership_.begin_revert(id, epoch);
  if (!action) {
    return action.error();
  }
  on_permitted(id + " is reverted", epoch);
  if (*action) {
    undo(id);
  }
  return {};
}

/// Of an apply that is under way nothing is in force afterwards, whether or not it came so far.
void World::undo(const std::string& id) {
  const auto begun = under_way_.extract(id);
  if (!begun.empty() && dice_.percent(50)) {
    take_effect(begun.mapped());
  }
  if (lifted_.contains(id)) {
    on_notice({clock_.now(),
               "action_lifted",
               {{"action", id}, {"reason", id + " was undone by somebody else"}}});
  }
  end_effect(id);
  ownership_.reverted(id);
  after_undo(id);
}

targets::CheckResult World::check(const targets::Check& check) const {
  if (check.kind == "dependency.good") {
    return {true, "it took 3 ms"};
  }
  if (check.kind == "spot.gone") {
    const bool gone = clock_.now() >= applied_at_ + 8s;
    return {gone, gone ? "it exited" : "it still runs"};
  }
  const bool seen = !weather_.no_effect && std::ranges::any_of(in_force_, [&](const auto& entry) {
    return sees(check, entry.second);
  });
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
  world.components.front().arrived["writes"] = writes_;  // the cache's first node
  world.components.back().arrived["requests"] = requests_;
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
