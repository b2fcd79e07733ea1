#include "targets/lab/config_parts.hpp"

#include <fmt/format.h>

namespace faultline::lab {
namespace {

/// The manager alone says which servers serve: nothing is checked here, and nothing serves before
/// the manager has looked. A connection that cannot be made is tried again, for reads at another
/// server; idle connections stay, as a database's do.
std::string config(const Topology& topology, const Process& process) {
  std::string text = fmt::format(R"(  mode tcp
  option tcplog
  option clitcpka
  option srvtcpka
  timeout queue {}ms
  timeout client 1h
  timeout server 1h
  retries 3
)",
                                 topology.profile.connect_timeout.count());
  const auto part = [&](std::string_view name, std::uint16_t port, bool elsewhere) {
    text += fmt::format("frontend {0}-in\n  bind {1}:{2}\n  default_backend {0}\nbackend {0}\n",
                        name, process.address, port);
    text += elsewhere ? "  balance roundrobin\n  option redispatch 1\n" : "";
    for (const Process* node : topology.of_kind("database")) {
      text += fmt::format("  server {} {} disabled\n", node->name, address_of(*node));
    }
  };
  part("rw", process.port, false);
  part("ro", database_read_port, topology.profile.health_checks);
  return text;
}

}  // namespace

std::filesystem::path endpoint_socket(const Places& places) {
  return haproxy_socket(places, "db-endpoint");
}

Start endpoint_start(const Topology& topology, const Process& process, const Places& places) {
  return haproxy_start(topology, process, places, config(topology, process));
}

}  // namespace faultline::lab
