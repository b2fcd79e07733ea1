#pragma once

#include "targets/lab/database/command.hpp"
#include "targets/lab/database/session.hpp"

namespace faultline::database {

/// What carries commands out on one node: over SQL, and through its machine's agent.
struct NodeAccess {
  net::Endpoint sql, agent;
  bool semi_sync = false;  ///< when writable, wait for a replica before confirming
};

/// Does it, whatever it takes but never longer than some 8 s, and tells what became of it.
Outcome carry_out(const NodeAccess& node, const Command& command);

}  // namespace faultline::database
