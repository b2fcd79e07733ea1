#pragma once

#include "targets/lab/database/command.hpp"
#include "targets/lab/database/session.hpp"

namespace faultline::database {

/// What carries commands out on one node: over SQL, and through its machine's agent.
struct NodeAccess {
  net::Endpoint sql, agent;
  bool semi_sync = false;  ///< when writable, wait for a replica before confirming
};

/// Does it, whatever it takes, and tells what became of it. The limits of its steps add up to 12 s
/// over SQL (a promotion that has to apply first) and to 17 s through the agent (a server that is
/// asked, found silent, killed and started).
Outcome carry_out(const NodeAccess& node, const Command& command);

}  // namespace faultline::database
