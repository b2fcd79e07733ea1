#include "targets/lab/database/status_json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace faultline::database {
namespace {

using Json = nlohmann::json;

std::size_t in_sync(const Cluster::Status& status) {
  return static_cast<std::size_t>(std::ranges::count_if(
      status.nodes, [](const auto& node) { return node.healthy && node.role == "ro"; }));
}

std::size_t writable(const Cluster::Status& status) {
  return static_cast<std::size_t>(
      std::ranges::count(status.nodes, "rw", [](const auto& node) { return node.role; }));
}

Json json_of(const Cluster::NodeStatus& node) {
  return {{"name", node.name},
          {"role", node.role},
          {"healthy", node.healthy},
          {"words", node.words},
          {"lag_ms", node.lag ? Json(static_cast<std::int64_t>(to_ms(*node.lag))) : Json()}};
}

Json json_of(const Cluster::Move& move, const std::function<WallTime(Instant)>& wall) {
  const auto time = [&wall](const std::optional<Instant>& at) {
    return at ? Json(rfc3339(wall(*at))) : Json();
  };
  return {{"from", move.from},
          {"to", move.to},
          {"why", move.why},
          {"planned", move.planned},
          {"lost_contact_at", time(move.lost_contact)},
          {"detected_at", time(move.detected)},
          {"promoted_at", time(move.promoted)},
          {"endpoint_at", time(move.endpoint)}};
}

}  // namespace

std::string in_words(const Cluster::Status& status) {
  const auto replicas = in_sync(status);
  return fmt::format("{} writable, {} read-only {} in sync", writable(status), replicas,
                     replicas == 1 ? "node" : "nodes");
}

std::string status_json(const Cluster::Status& status,
                        const std::function<WallTime(Instant)>& wall) {
  Json json{{"database", "orders"},    {"rw", status.rw},        {"in_words", in_words(status)},
            {"moving", status.moving}, {"nodes", Json::array()}, {"failovers", Json::array()}};
  for (const auto& node : status.nodes) {
    json["nodes"].push_back(json_of(node));
  }
  for (const auto& move : status.moves) {
    json["failovers"].push_back(json_of(move, wall));
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string metrics_text(const Cluster::Status& status,
                         const std::map<std::string, std::uint64_t>& acts) {
  std::string text = fmt::format(
      "faultline_database_writable_nodes {}\nfaultline_database_replicas_in_sync {}\n"
      "faultline_database_moving {}\n",
      writable(status), in_sync(status), status.moving ? 1 : 0);
  for (const auto& node : status.nodes) {
    text += fmt::format("faultline_database_healthy{{node=\"{}\"}} {}\n", node.name,
                        node.healthy ? 1 : 0);
    if (node.lag) {
      text += fmt::format("faultline_database_lag_ms{{node=\"{}\"}} {:.0f}\n", node.name,
                          to_ms(*node.lag));
    }
  }
  for (const auto& [act, count] : acts) {
    text += fmt::format("faultline_database_commands_total{{act=\"{}\"}} {}\n", act, count);
  }
  return text;
}

}  // namespace faultline::database
