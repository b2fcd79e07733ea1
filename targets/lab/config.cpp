#include "targets/lab/config.hpp"

#include "targets/lab/config_parts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace faultline::lab {

std::string address_of(const Process& process) {
  return fmt::format("{}:{}", process.address, process.port);
}

std::string saas(const Places& places) {
  return (places.programs / "faultline-saas").string();
}

std::string sentinel_addresses(const Topology& topology) {
  std::vector<std::string> addresses;
  for (const Process* sentinel : topology.of_kind("sentinel")) {
    addresses.push_back(address_of(*sentinel));
  }
  return fmt::format("{}", fmt::join(addresses, ","));
}

std::filesystem::path control_socket(const Places& places, std::string_view component) {
  return places.run / component / "control.sock";
}

Start start_of(const Topology& topology, const Process& process, const Places& places) {
  struct Kind {
    std::string_view name;
    Start (*start)(const Topology&, const Process&, const Places&);
  };
  static constexpr std::array kinds{
      Kind{"redis", redis_start},       Kind{"sentinel", sentinel_start},
      Kind{"database", database_start}, Kind{"manager", manager_start},
      Kind{"endpoint", endpoint_start}, Kind{"app", app_start},
      Kind{"balancer", balancer_start}, Kind{"metadata", metadata_start},
      Kind{"dependency", pay_start},    Kind{"wire", wire_start},
  };
  const auto kind = std::ranges::find(kinds, process.kind, &Kind::name);
  if (kind == kinds.end()) {
    throw std::logic_error("the lab has no way to start a process of kind " + process.kind);
  }
  return kind->start(topology, process, places);
}

}  // namespace faultline::lab
