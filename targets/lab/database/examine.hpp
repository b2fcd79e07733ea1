#pragma once

#include "targets/lab/database/session.hpp"
#include "targets/lab/database/view.hpp"

namespace faultline::database {

/// Asks a node for what the manager decides by. Error: it did not answer. Its replication alone may
/// be unknown: it answers late while a STOP SLAVE waits, and the session is then of no use
/// (`stale`). `replication_limit`: how long to wait for that alone.
struct Examined {
  NodeView view;
  bool stale = false;
};
inline constexpr Duration usual_replication_limit = std::chrono::milliseconds(200);  ///< 0.2 ms
Result<Examined> examine(Session& session, Duration limit,
                         Duration replication_limit = usual_replication_limit);

/// The rows of SHOW SLAVE STATUS; without rows it follows nobody.
Replication replication_of(const std::vector<Session::Row>& rows);

}  // namespace faultline::database
