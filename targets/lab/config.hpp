#pragma once

#include "targets/lab/topology.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// What each component of the lab is started with: pure functions of the topology.
namespace faultline::lab {

/// Where a component keeps its files, inside the lab: on a tmpfs.
struct Places {
  std::filesystem::path run;       ///< "/run/faultline": configuration, sockets, data by component
  std::filesystem::path programs;  ///< the folder of faultline-saas
  std::filesystem::path database_template;  ///< the folder that the databases' data is copied from
};

/// Where the machine of a database node is asked, beside its server (database/README.md).
constexpr std::uint16_t database_agent_port = 3307;

struct StartFile {
  std::filesystem::path path;
  std::string text;
};

/// Everything needed to start one process: its files (written before), its argv (absolute program),
/// its folders (created before).
struct Start {
  std::vector<std::filesystem::path> folders;
  std::vector<StartFile> files;
  std::vector<std::string> argv;
};

Start start_of(const Topology& topology, const Process& process, const Places& places);

/// HAProxy's runtime API (stats socket) inside the lab, of the ALB and of the database's endpoint.
std::filesystem::path balancer_socket(const Places& places);
std::filesystem::path endpoint_socket(const Places& places);
/// The part of each that listens where the topology has it.
inline constexpr std::string_view balancer_frontend = "web";
inline constexpr std::string_view endpoint_frontend = "rw-in";
/// The side door of a wire, metadata or dependency (targets/net/line_server.hpp).
std::filesystem::path control_socket(const Places& places, std::string_view component);

}  // namespace faultline::lab
