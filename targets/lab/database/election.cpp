#include "targets/lab/database/election.hpp"

namespace faultline::database {

std::string elect(const std::map<std::string, Position>& standing,
                  const std::vector<std::string>& order, const std::string& home) {
  std::string best;
  for (const auto& name : order) {
    const auto candidate = standing.find(name);
    if (candidate == standing.end()) {
      continue;
    }
    const auto leader = best.empty() ? standing.end() : standing.find(best);
    const auto number = candidate->second.number;
    if (leader == standing.end() || number > leader->second.number ||
        (number == leader->second.number && name == home)) {
      best = name;
    }
  }
  return best;
}

std::size_t needed_to_elect(std::size_t nodes, bool semi_sync) {
  return semi_sync && nodes > 1 ? nodes - 1 : 1;
}

}  // namespace faultline::database
