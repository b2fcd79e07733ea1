#pragma once

#include "targets/lab/config.hpp"

#include <string>
#include <string_view>

/// The kinds of process behind `start_of`, a file each.
namespace faultline::lab {

/// The cache's name, as Sentinel knows it.
constexpr std::string_view cache_name = "sessions";

/// The cluster's endpoint for reads, beside the one for its writer.
constexpr std::uint16_t database_read_port = 3307;

/// Where it listens: "10.0.1.10:8080".
std::string address_of(const Process& process);

/// The program of every part that is our own.
std::string saas(const Places& places);

/// Of all Sentinels: "10.0.1.20:26379,10.0.2.20:26379,10.0.3.20:26379".
std::string sentinel_addresses(const Topology& topology);

/// Where an HAProxy of the lab is worked.
std::filesystem::path haproxy_socket(const Places& places, const std::string& process);

/// An HAProxy; `rest` is what its configuration has of its own: the lines that end the section
/// `defaults`, and the sections after it.
Start haproxy_start(const Topology& topology, const Process& process, const Places& places,
                    std::string_view rest);

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
