#include "targets/lab/config_parts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace faultline::lab {
namespace {

const char* semi_sync(const Topology& topology) {
  return topology.profile.semi_sync ? "1" : "0";
}

std::string server_id(const Topology& topology, const Process& node) {
  const auto nodes = topology.of_kind("database");
  return std::to_string(1 + (std::ranges::find(nodes, &node) - nodes.begin()));
}

}  // namespace

Start database_start(const Topology& topology, const Process& process, const Places& places) {
  const auto folder = places.run / process.name;
  return {{folder},
          {},
          {saas(places), "db-node", "--name", process.name, "--listen", address_of(process),
           "--agent", fmt::format("{}:{}", process.address, database_agent_port), "--server-id",
           server_id(topology, process), "--template", places.database_template.string(),
           "--folder", folder.string(), "--semi-sync", semi_sync(topology)}};
}

Start manager_start(const Topology& topology, const Process& process, const Places& places) {
  std::vector<std::string> nodes;
  for (const Process* node : topology.of_kind("database")) {
    nodes.push_back(fmt::format("{}={}:{}", node->name, address_of(*node), database_agent_port));
  }
  return {
      {places.run / process.name},
      {},
      {saas(places), "db-manager", "--listen", address_of(process), "--nodes",
       fmt::format("{}", fmt::join(nodes, ",")), "--home",
       topology.of_kind("database").front()->name, "--endpoint", endpoint_socket(places).string(),
       "--detection-ms", std::to_string(topology.profile.database_detection.count()), "--semi-sync",
       semi_sync(topology)}};
}

}  // namespace faultline::lab
