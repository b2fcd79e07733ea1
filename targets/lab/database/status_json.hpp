#pragma once

#include "targets/lab/database/cluster.hpp"

#include <functional>
#include <string>

namespace faultline::database {

/// `GET /status` of the manager; `wall` turns the manager's time into people's.
std::string status_json(const Cluster::Status& status,
                        const std::function<WallTime(Instant)>& wall);

/// "1 writable, 2 read-only nodes in sync".
std::string in_words(const Cluster::Status& status);

/// `GET /metrics`, for Prometheus. `acts`: how often each kind of command was carried out.
std::string metrics_text(const Cluster::Status& status,
                         const std::map<std::string, std::uint64_t>& acts);

}  // namespace faultline::database
