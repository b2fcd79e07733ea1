#pragma once

#include "targets/lab/config.hpp"

#include <string>
#include <string_view>

/// The kinds of process behind `start_of`, a file each.
namespace faultline::lab {

/// The cache's name, as Sentinel knows it.
constexpr std::string_view cache_name = "sessions";

/// The program of every part that is our own.
std::string saas(const Places& places);

/// Of all Sentinels: "10.0.1.20:26379,10.0.2.20:26379,10.0.3.20:26379".
std::string sentinel_addresses(const Topology& topology);

Start app_start(const Topology& topology, const Process& process, const Places& places);
Start redis_start(const Topology& topology, const Process& process, const Places& places);
Start sentinel_start(const Topology& topology, const Process& process, const Places& places);
Start balancer_start(const Topology& topology, const Process& process, const Places& places);
Start database_start(const Topology& topology, const Process& process, const Places& places);
Start manager_start(const Topology& topology, const Process& process, const Places& places);
Start endpoint_start(const Topology& topology, const Process& process, const Places& places);
Start metadata_start(const Topology& topology, const Process& process, const Places& places);
Start pay_start(const Topology& topology, const Process& process, const Places& places);
Start wire_start(const Topology& topology, const Process& process, const Places& places);

}  // namespace faultline::lab
