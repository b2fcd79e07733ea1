#pragma once

#include "targets/target.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace faultline::engine {

using InvariantValues = std::map<std::string, std::string>;  ///< by name
InvariantValues values_of(const std::vector<targets::Invariant>& invariants);

/// In words, what is not as it was. Invariants in `may_move` are allowed to differ: lasting
/// changes.
std::vector<std::string> differences(const InvariantValues& before, const InvariantValues& now,
                                     const std::set<std::string>& may_move);

/// In words, what is not as it must be for a healthy environment.
std::vector<std::string> unhealthy(const std::vector<targets::Invariant>& invariants);

}  // namespace faultline::engine
