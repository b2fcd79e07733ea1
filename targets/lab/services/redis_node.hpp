#pragma once

#include "targets/lab/services/primary.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

/// How a Redis data node is started: what a managed service does around redis-server.
///
/// Sentinel cannot tell a node that is down that it lost its role. Started with the settings it
/// had, a former primary comes back as a second primary, and Sentinel demotes it only after 10 to
/// 12 s, during which it takes writes that are then thrown away (bounded by min-replicas, not
/// prevented without). So a node that starts *again* asks the Sentinels first and comes back as a
/// replica of the primary they name. Should they still name the node itself, it waits for them to
/// promote another: its memory is gone, and as a primary it would make every replica empty, too.
namespace faultline::services {

/// The primary that a starting node should follow; the node's own address: be the primary.
/// `ask` returns what the Sentinels say now, if any answers; `pause` waits until the next question,
/// and returns false when it has waited long enough.
Endpoint role_of_restarted(const Endpoint& self, const Endpoint& home,
                           const std::function<std::optional<Sighting>()>& ask,
                           const std::function<bool()>& pause);

/// Decides and becomes redis-server. Returns only when that failed.
int redis_node_main(const RedisNodeFlags& flags);

}  // namespace faultline::services
