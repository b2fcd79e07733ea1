#include "targets/lab/supervisor_database.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace faultline::lab {

bool DatabaseView::whole() const {
  return !rw.empty() && !moving && std::ranges::all_of(nodes, [](const auto& node) {
    return node.second.healthy && !node.second.role.empty();
  });
}

Result<DatabaseView> parse_database(const std::string& body) {
  try {
    const auto status = nlohmann::json::parse(body);
    DatabaseView view;
    view.rw = status.at("rw").get<std::string>();
    view.in_words = status.at("in_words").get<std::string>();
    view.moving = status.at("moving").get<bool>();
    for (const auto& node : status.at("nodes")) {
      view.nodes[node.at("name").get<std::string>()] = {node.at("role").get<std::string>(),
                                                        node.at("healthy").get<bool>(),
                                                        node.at("words").get<std::string>()};
    }
    return view;
  } catch (const nlohmann::json::exception& e) {
    return Error{ErrorKind::io,
                 fmt::format("the manager's status is not what was agreed: {}", e.what())};
  }
}

std::optional<std::string> DatabaseLosses::news(const std::string& node, const std::string& body) {
  const auto lost = nlohmann::json::parse(body, nullptr, false);
  const bool agreed = lost.is_object() && lost.contains("pid") && lost["pid"].is_number_integer();
  const int pid = agreed ? lost["pid"].get<int>() : 0;
  if (pid == 0 || std::exchange(told_[node], pid) == pid) {
    return std::nullopt;
  }
  return lost.value("how", "ended");
}

std::string database_in_words(int read_only_nodes) {
  return fmt::format("1 writable, {} read-only {} in sync", read_only_nodes,
                     read_only_nodes == 1 ? "node" : "nodes");
}

std::string endpoint_in_words(const std::map<std::string, std::string>& servers) {
  const auto serving = [&](std::string_view part) {
    return static_cast<int>(std::ranges::count_if(servers, [&](const auto& server) {
      // Without checks a server that serves is "no check", else MAINT or DRAIN.
      return server.first.starts_with(part) && server.second == "no check";
    }));
  };
  return endpoint_in_words(serving("rw/"), serving("ro/"));
}

std::string endpoint_in_words(int writers, int readers) {
  return fmt::format("{} for writes, {} for reads", writers, readers);
}

}  // namespace faultline::lab
