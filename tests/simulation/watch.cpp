#include "tests/simulation/watch.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace faultline::simulation {

namespace {

/// "r1.f2" and "r1" of "r1.f2.1".
std::string fault_of(const std::string& action) {
  return action.substr(0, action.rfind('.'));
}
std::string run_of(const std::string& action) {
  return action.substr(0, action.find('.'));
}

}  // namespace

Watch::Watch(World& world, std::size_t most_faults, std::function<void(const std::string&)> broken)
    : world_(world), most_faults_(most_faults), broken_(std::move(broken)) {
  world_.on_owner = [this](const auto& who, targets::Epoch epoch) { taken(who, epoch); };
  world_.on_permitted = [this](const std::string& what, targets::Epoch epoch) {
    if (epoch != epoch_) {
      broken_(fmt::format("{} in epoch {}, and {} has epoch {}", what, epoch, owner_, epoch_));
    }
  };
  world_.before_effect = [this](const targets::Action& action) { comes_into_force(action); };
  world_.after_undo = [this](const std::string& action) { undone_.insert(action); };
}

void Watch::taken(const std::string& who, targets::Epoch epoch) {
  if (epoch <= epoch_) {
    broken_(fmt::format("{} has epoch {}, and {} had {}", who, epoch, owner_, epoch_));
  }
  if (is_owned()) {
    broken_(fmt::format("{} took the environment from {}, which lives", who, owner_));
  }
  owner_ = who;
  epoch_ = epoch;
}

bool Watch::in_force(const std::string& run) const {
  return std::ranges::any_of(world_.in_force(),
                             [&](const auto& entry) { return run_of(entry.first) == run; });
}

void Watch::comes_into_force(const targets::Action& action) {
  const auto run = run_of(action.id);
  ever_in_force_[run].insert(action.id);
  if (!intended_actions(journals_.at(run)).contains(action.id)) {
    broken_(action.id + " is in force, and not in the journal");
  }
  if (undone_.contains(action.id)) {
    broken_(action.id + " comes into force after it was undone");
  }
  const auto forbidden = forbidden_.find(run);
  if (forbidden != forbidden_.end() && world_.clock().now() >= forbidden->second.from) {
    broken_(fmt::format("{} comes into force {}", action.id, forbidden->second.why));
  }
  std::set<std::string> faults{fault_of(action.id)};
  for (const auto& [id, other] : world_.in_force()) {
    faults.insert(fault_of(id));
    if (run_of(id) != run) {
      broken_(fmt::format("{} comes into force while {} of another run is", action.id, id));
    }
  }
  if (faults.size() > most_faults_) {
    broken_(fmt::format("{} faults in force at once: {}", faults.size(), fmt::join(faults, ", ")));
  }
}

void Watch::forbid(const std::string& run, Instant from, const std::string& why) {
  auto timer = world_.clock().at(from, [this, run, why] {
    if (in_force(run)) {
      broken_(fmt::format("{} is in force {}", world_.in_force().begin()->first, why));
    }
  });
  forbidden_[run] = {from, why, std::move(timer)};
}

}  // namespace faultline::simulation
