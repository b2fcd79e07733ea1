#include "targets/lab/supervisor_holds.hpp"

#include <algorithm>

namespace faultline::lab {

using targets::ProcessState;

void ProcessHolds::add(const std::string& component, const std::string& action, Hold hold) {
  holds_[component].emplace(action, hold);
}

std::optional<Hold> ProcessHolds::remove(const std::string& component, const std::string& action) {
  const auto hold = holds_[component].extract(action);
  return hold ? std::optional(hold.mapped()) : std::nullopt;
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
