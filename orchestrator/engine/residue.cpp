#include "orchestrator/engine/residue.hpp"

#include <fmt/format.h>

namespace faultline::engine {

InvariantValues values_of(const std::vector<targets::Invariant>& invariants) {
  InvariantValues values;
  for (const auto& invariant : invariants) {
    values[invariant.name] = invariant.value;
  }
  return values;
}

std::vector<std::string> differences(const InvariantValues& before, const InvariantValues& now,
                                     const std::set<std::string>& may_move) {
  std::vector<std::string> found;
  for (const auto& [name, was] : before) {
    const auto is = now.find(name);
    if (is == now.end()) {
      found.push_back(fmt::format("{}: was {}, is gone", name, was));
    } else if (is->second != was && !may_move.contains(name)) {
      found.push_back(fmt::format("{}: was {}, is {}", name, was, is->second));
    }
  }
  for (const auto& [name, is] : now) {
    if (!before.contains(name)) {
      found.push_back(fmt::format("{}: was not there, is {}", name, is));
    }
  }
  return found;
}

std::vector<std::string> unhealthy(const std::vector<targets::Invariant>& invariants) {
  std::vector<std::string> found;
  for (const auto& i : invariants) {
    if (!i.wanted.empty() && i.value != i.wanted) {
      found.push_back(fmt::format("{}: {} (wanted: {})", i.name, i.value, i.wanted));
    }
  }
  return found;
}

}  // namespace faultline::engine
