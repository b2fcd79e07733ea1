#pragma once

#include "targets/lab/database/view.hpp"

#include <map>
#include <string>
#include <vector>

namespace faultline::database {

/// Who becomes writable: the node whose data is furthest; of equals the home, else the first in the
/// cluster's order. Empty when nobody stands.
std::string elect(const std::map<std::string, Position>& standing,
                  const std::vector<std::string>& order, const std::string& home);

/// How many of `nodes` must be seen before one may be promoted. Semi-synchronous: a confirmed row
/// is on the writable node and one more at least, so all but one of the nodes hold every confirmed
/// row between them. Asynchronous: nobody can know, one is enough.
std::size_t needed_to_elect(std::size_t nodes, bool semi_sync);

}  // namespace faultline::database
