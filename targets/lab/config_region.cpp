#include "targets/lab/config_parts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

/// What surrounds the services: the wire between the zones, the metadata of the instances, the
/// third party.
namespace faultline::lab {
namespace {

/// Each way on each link: 1.2 ms from zone to zone and back, 0.6 ms to a regional host and back.
constexpr int wire_delay_us = 300;

}  // namespace

Start wire_start(const Topology& topology, const Process& process, const Places& places) {
  std::vector<std::string> links;
  for (const auto& zone : topology.zones) {
    links.push_back(fmt::format("zone-{0}=core-{0}", zone));
  }
  return {
      {places.run / process.name},
      {},
      {saas(places), "wire", "--links", fmt::format("{}", fmt::join(links, ",")), "--delay-us",
       std::to_string(wire_delay_us), "--control", control_socket(places, process.name).string()}};
}

Start metadata_start(const Topology& topology, const Process& process, const Places& places) {
  std::vector<std::string> instances;
  for (const Process* app : topology.of_kind("app")) {
    instances.push_back(fmt::format("{}={}", app->name, app->address));
  }
  return {{places.run / process.name},
          {},
          {saas(places), "metadata", "--listen", address_of(process), "--instances",
           fmt::format("{}", fmt::join(instances, ",")), "--control",
           control_socket(places, process.name).string()}};
}

Start pay_start(const Topology& /*topology*/, const Process& process, const Places& places) {
  return {{places.run / process.name},
          {},
          {saas(places), "pay", "--listen", address_of(process), "--control",
           control_socket(places, process.name).string()}};
}

}  // namespace faultline::lab
