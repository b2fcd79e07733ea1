#include "targets/lab/config_parts.hpp"

#include <fmt/format.h>

namespace faultline::lab {
namespace {

constexpr int max_connections = 2000;  ///< at 200 requests/s and 5 s each, 1000 are open at worst

/// A dead node is out after 2 checks (0.4 s), a cut-off one after 2 connect timeouts more. A write
/// is sent once: retries after the request has left are for GET only; a connection that could not
/// be made is tried on another node whatever the method. Answers such as 503 are not retried, the
/// node has done what it could.
std::string hardened_backend() {
  return R"(  option httpchk GET /health
  default-server check inter 200ms fall 2 rise 1
  timeout check 500ms
  retries 3
  option redispatch 1
  retry-on conn-failure empty-response
  http-request disable-l7-retry if !METH_GET
)";
}

std::string config(const Topology& topology, const Process& process,
                   const std::filesystem::path& socket) {
  const Profile& profile = topology.profile;
  // A new connection to the node for each request: one that is kept may close just when a login is
  // sent on it, and it would hold one of the node's threads while idle. A node is drawn at random:
  // strict turns fall in step with clients that alternate, and send every login to half the nodes.
  std::string text =
      fmt::format(R"(global
  log stdout format raw daemon
  maxconn {max_connections}
  nbthread 1
  stats socket {socket} mode 600 level admin
defaults
  mode http
  log global
  option httplog
  option dontlog-normal
  timeout connect {connect}ms
  timeout client {deadline}ms
  timeout server {deadline}ms
  timeout queue {deadline}ms
  timeout http-request 5s
  timeout http-keep-alive 60s
  option http-server-close
frontend web
  bind {address}:{port}
  default_backend app
backend app
  balance random(1)
)",
                  fmt::arg("max_connections", max_connections), fmt::arg("socket", socket.string()),
                  fmt::arg("connect", profile.connect_timeout.count()),
                  fmt::arg("deadline", 2 * profile.client_deadline.count()),
                  fmt::arg("address", process.address), fmt::arg("port", process.port));
  text += profile.health_checks ? hardened_backend() : "  retries 0\n";
  for (const Process* app : topology.of_kind("app")) {
    text += fmt::format("  server {} {}:{}\n", app->name, app->address, app->port);
  }
  return text;
}

}  // namespace

std::filesystem::path balancer_socket(const Places& places) {
  return places.run / "alb" / "haproxy.sock";
}

Start balancer_start(const Topology& topology, const Process& process, const Places& places) {
  const auto folder = places.run / process.name;
  const auto file = folder / "haproxy.cfg";
  const auto socket = balancer_socket(places);
  return {{folder, socket.parent_path()},
          {{file, config(topology, process, socket)}},
          {"/usr/sbin/haproxy", "-db", "-f", file.string()}};
}

}  // namespace faultline::lab
