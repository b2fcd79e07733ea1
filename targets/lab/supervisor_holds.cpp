#include "targets/lab/supervisor_holds.hpp"

#include <algorithm>

namespace faultline::lab {

using targets::ProcessState;

void ProcessHolds::add(const std::string& component, const std::string& action, Hold hold) {
  holds_[component].emplace(action, hold);
}

bool ProcessHolds::remove(const std::string& component, const std::string& action) {
  auto& of_component = holds_[component];
  const auto it = of_component.find(action);
  if (it == of_component.end()) {
    return false;
  }
  const bool was_dead = it->second == Hold::dead;
  of_component.erase(it);
  return was_dead;
}

ProcessState ProcessHolds::wanted(const std::string& component) const {
  const auto it = holds_.find(component);
  if (it == holds_.end() || it->second.empty()) {
    return ProcessState::running;
  }
  const bool dead =
      std::ranges::any_of(it->second, [](const auto& hold) { return hold.second == Hold::dead; });
  return dead ? ProcessState::dead : ProcessState::stopped;
}

std::vector<ProcessStep> steps(ProcessState from, ProcessState to) {
  if (from == to) {
    return {};
  }
  if (to == ProcessState::dead) {
    return {ProcessStep::kill};
  }
  if (to == ProcessState::stopped) {
    return from == ProcessState::dead ? std::vector{ProcessStep::start, ProcessStep::stop}
                                      : std::vector{ProcessStep::stop};
  }
  return {from == ProcessState::dead ? ProcessStep::start : ProcessStep::resume};
}

}  // namespace faultline::lab
