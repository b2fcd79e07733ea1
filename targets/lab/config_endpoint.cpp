#include "targets/lab/config_parts.hpp"

#include <fmt/format.h>

namespace faultline::lab {
namespace {

/// 6 nodes with some 40 connections each for writes and for reads, and the workers' own.
constexpr int max_connections = 2000;
/// Reads of the cluster that are not for its writer.
constexpr std::uint16_t read_port = 3307;

/// The manager alone says which servers serve: nothing is checked here, and nothing serves before
/// the manager has looked. A connection that cannot be made is tried again, for reads at another
/// server; idle connections stay, as a database's do.
std::string config(const Topology& topology, const Process& process,
                   const std::filesystem::path& socket) {
  std::string text =
      fmt::format(R"(global
  log stdout format raw daemon
  maxconn {max_connections}
  nbthread 1
  stats socket {socket} mode 600 level admin
defaults
  mode tcp
  log global
  option tcplog
  option dontlog-normal
  option clitcpka
  option srvtcpka
  timeout connect {connect}ms
  timeout queue {connect}ms
  timeout client 1h
  timeout server 1h
  retries 3
)",
                  fmt::arg("max_connections", max_connections), fmt::arg("socket", socket.string()),
                  fmt::arg("connect", topology.profile.connect_timeout.count()));
  const auto part = [&](std::string_view name, std::uint16_t port, bool elsewhere) {
    text += fmt::format("frontend {0}-in\n  bind {1}:{2}\n  default_backend {0}\nbackend {0}\n",
                        name, process.address, port);
    text += elsewhere ? "  balance roundrobin\n  option redispatch 1\n" : "";
    for (const Process* node : topology.of_kind("database")) {
      text += fmt::format("  server {} {}:{} disabled\n", node->name, node->address, node->port);
    }
  };
  part("rw", process.port, false);
  part("ro", read_port, topology.profile.health_checks);
  return text;
}

}  // namespace

std::filesystem::path endpoint_socket(const Places& places) {
  return places.run / "db-endpoint" / "haproxy.sock";
}

Start endpoint_start(const Topology& topology, const Process& process, const Places& places) {
  const auto folder = places.run / process.name;
  const auto file = folder / "haproxy.cfg";
  return {{folder},
          {{file, config(topology, process, endpoint_socket(places))}},
          {"/usr/sbin/haproxy", "-db", "-f", file.string()}};
}

}  // namespace faultline::lab
