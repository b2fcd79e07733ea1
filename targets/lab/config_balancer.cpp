#include "targets/lab/config_parts.hpp"

#include <fmt/format.h>

namespace faultline::lab {
namespace {

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

std::string config(const Topology& topology, const Process& process) {
  const Profile& profile = topology.profile;
  // A new connection to the node for each request: one that is kept may close just when a login is
  // sent on it, and it would hold one of the node's threads while idle. A node is drawn at random:
  // strict turns fall in step with clients that alternate, and send every login to half the nodes.
  std::string text = fmt::format(R"(  mode http
  option httplog
  timeout client {deadline}ms
  timeout server {deadline}ms
  timeout queue {deadline}ms
  timeout http-request 5s
  timeout http-keep-alive 60s
  option http-server-close
frontend web
  bind {address}
  default_backend app
backend app
  balance random(1)
)",
                                 fmt::arg("deadline", 2 * profile.client_deadline.count()),
                                 fmt::arg("address", address_of(process)));
  text += profile.health_checks ? hardened_backend() : "  retries 0\n";
  for (const Process* app : topology.of_kind("app")) {
    text += fmt::format("  server {} {}\n", app->name, address_of(*app));
  }
  return text;
}

}  // namespace

std::filesystem::path balancer_socket(const Places& places) {
  return haproxy_socket(places, "alb");
}

Start balancer_start(const Topology& topology, const Process& process, const Places& places) {
  return haproxy_start(topology, process, places, config(topology, process));
}

}  // namespace faultline::lab
