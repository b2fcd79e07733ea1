#include "targets/lab/config_parts.hpp"

#include <fmt/format.h>

namespace faultline::lab {
namespace {

/// Of the balancer at most 1000 are open: 200 requests/s of 5 s each. Of the database's endpoint
/// some 500: 6 nodes with some 40 for writes and for reads, and the workers' own.
constexpr int max_connections = 2000;

}  // namespace

std::filesystem::path haproxy_socket(const Places& places, const std::string& process) {
  return places.run / process / "haproxy.sock";
}

Start haproxy_start(const Topology& topology, const Process& process, const Places& places,
                    std::string_view rest) {
  const auto folder = places.run / process.name;
  const auto file = folder / "haproxy.cfg";
  auto text = fmt::format(R"(global
  log stdout format iso daemon
  maxconn {}
  nbthread 1
  stats socket {} mode 600 level admin
defaults
  log global
  option dontlog-normal
  timeout connect {}ms
{})",
                          max_connections, haproxy_socket(places, process.name).string(),
                          topology.profile.connect_timeout.count(), rest);
  return {{folder}, {{file, std::move(text)}}, {"/usr/sbin/haproxy", "-db", "-f", file.string()}};
}

}  // namespace faultline::lab
