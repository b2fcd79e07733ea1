#include "targets/lab/config.hpp"

#include "targets/lab/config_parts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <stdexcept>

namespace faultline::lab {

std::string sentinel_addresses(const Topology& topology) {
  std::vector<std::string> addresses;
  for (const Process* sentinel : topology.of_kind("sentinel")) {
    addresses.push_back(fmt::format("{}:{}", sentinel->address, sentinel->port));
  }
  return fmt::format("{}", fmt::join(addresses, ","));
}

Start start_of(const Topology& topology, const Process& process, const Places& places) {
  if (process.kind == "redis") {
    return redis_start(topology, process, places);
  }
  if (process.kind == "sentinel") {
    return sentinel_start(topology, process, places);
  }
  if (process.kind == "app") {
    return app_start(topology, process, places);
  }
  if (process.kind == "balancer") {
    return balancer_start(topology, process, places);
  }
  throw std::logic_error("the lab has no way to start a process of kind " + process.kind);
}

}  // namespace faultline::lab
