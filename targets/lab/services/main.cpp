#include "targets/lab/database/parts.hpp"
#include "targets/lab/services/flows.hpp"
#include "targets/lab/services/metadata.hpp"
#include "targets/lab/services/pay.hpp"
#include "targets/lab/services/redis_node.hpp"
#include "targets/lab/services/saas.hpp"
#include "targets/lab/services/sink.hpp"
#include "targets/lab/wire/wire_main.hpp"
#include "targets/net/flags.hpp"
#include "targets/net/inside_lab.hpp"
#include "targets/net/log_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <unistd.h>

namespace faultline::services {
namespace {

/// Everything but loopback is sent to from inside a lab only.
Result<> may_send(const Flags& flags) {
  std::vector<Endpoint> all{flags.orders, flags.reads, flags.pay, flags.metadata};
  all.insert(all.end(), flags.sentinels.begin(), flags.sentinels.end());
  all.insert(all.end(), flags.peers.begin(), flags.peers.end());
  const auto outside = std::ranges::find_if(
      all, [](const Endpoint& endpoint) { return !endpoint.address.starts_with("127."); });
  if (outside == all.end() || net::inside_lab()) {
    return {};
  }
  return Error{ErrorKind::refused,
               fmt::format("this is not a host of a lab: a node would send to {}; here, only "
                           "addresses of loopback are allowed",
                           to_string(*outside))};
}

int serve(const Flags& flags) {
  if (auto allowed = may_send(flags); !allowed) {
    return net::fail(allowed.error());
  }
  // Blocked before the first thread starts, so that only sigwait sees them. A plain program knows
  // nothing of them: it ends at once, and what is in flight with it.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  if (flags.drain) {
    ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  }
  std::signal(SIGPIPE, SIG_IGN);
  Log log(machine_time().now, [&flags](const std::string& line) {
    net::log_line(fmt::format("{} {}", flags.node, line));
  });
  Saas saas(flags, log);
  if (auto started = saas.start(); !started) {
    return net::fail(started.error());
  }
  log.say("listening", to_string(flags.listen));
  int signal = 0;
  while (!flags.drain) {
    ::pause();
  }
  ::sigwait(&ends, &signal);
  log.say("stopping", "what is in flight is answered first");
  saas.stop();
  return 0;
}

int redis_node(std::span<const std::string> args) {
  const auto flags = parse_redis_node_flags(args);
  return flags ? redis_node_main(*flags) : net::fail(flags.error());
}

/// What this program is besides a node: `faultline-saas NAME --flag value ...`. A part's main
/// prints its errors and returns an exit code; signals have their default actions.
struct Part {
  std::string_view name;
  int (*main)(std::span<const std::string> args);
};
constexpr std::array parts{
    Part{"db-template", database::template_main},
    Part{"db-node", database::node_main},
    Part{"db-manager", database::manager_main},
    Part{"redis-node", redis_node},
    Part{"flows", flows_main},
    Part{"sink", sink_main},
    Part{"wire", wire::wire_main},
    Part{"pay", pay_main},
    Part{"metadata", metadata_main},
};

int run(std::span<const std::string> args) {
  if (!args.empty()) {
    const auto part = std::ranges::find(parts, args[0], &Part::name);
    if (part != parts.end()) {
      return part->main(args.subspan(1));
    }
  }
  const auto flags = parse_flags(args);
  return flags ? serve(*flags) : net::fail(flags.error());
}

}  // namespace
}  // namespace faultline::services

int main(int argc, char** argv) {
  return faultline::services::run(std::vector<std::string>(argv + 1, argv + argc));
}
