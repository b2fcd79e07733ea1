#pragma once

#include "targets/lab/database/session.hpp"
#include "targets/lab/database/view.hpp"

namespace faultline::database {

/// Asks a node for what the manager decides by. Error: it did not answer. Its replication alone may
/// be unknown: it answers late while a STOP SLAVE waits, and the session is then of no use
/// (`stale`).
struct Examined {
  NodeView view;
  bool stale = false;
};
Result<Examined> examine(Session& session, Duration limit);

/// The rows of SHOW SLAVE STATUS; without rows it follows nobody.
Replication replication_of(const std::vector<Session::Row>& rows);

}  // namespace faultline::database
