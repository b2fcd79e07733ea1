#pragma once

#include "targets/lab/database/view.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace faultline::database {

/// What the manager does to a node; one at a time to each.
enum class Act {
  hold,     ///< receives no more; the outcome tells its position
  promote,  ///< applies what it received (at least `position`), becomes writable
  demote,   ///< becomes read-only when its writes are done; the outcome tells its position
  follow,   ///< becomes a replica of `source`
  fence,    ///< its server is killed and started again, read-only
  revive,   ///< the same, unless its server started only just now
  reclone,  ///< its data is replaced by the template's, its server started with a new identity
};
std::string_view to_string(Act act);

struct Command {
  std::uint64_t id = 0;
  Act act{};
  std::string node;
  std::string source;  ///< of `follow`: address and port
  Position position;   ///< of `promote`
};

struct Outcome {
  Command command;
  bool done = false;
  std::string words;  ///< what went wrong
  Position position;
  Instant ended;
};

}  // namespace faultline::database
