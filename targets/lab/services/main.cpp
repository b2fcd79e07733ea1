#include "targets/lab/services/flows.hpp"
#include "targets/lab/services/metadata.hpp"
#include "targets/lab/services/node.hpp"
#include "targets/lab/services/pay.hpp"
#include "targets/lab/services/redis_node.hpp"
#include "targets/lab/services/sentinel.hpp"
#include "targets/lab/services/sink.hpp"
#include "targets/lab/wire/wire_main.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>

namespace faultline::services {
namespace {

/// One node, from its parts. They are destroyed in reverse: requests end first, then the watch.
int serve(const Flags& flags, const sigset_t& ends) {
  auto products = load_products(flags.catalog);
  if (!products) {
    return fail(products.error());
  }
  const Time time = machine_time();
  Log log(time.now, [&flags](const std::string& line) {
    fmt::print("{} {}\n", flags.node, line);
    std::fflush(stdout);
  });
  Metrics metrics;
  PrimaryTracker tracker;  // who the primary is
  SentinelWatch watch(flags.sentinels, flags.cache, tracker,
                      [&log](const Endpoint& primary) { log.say("primary", to_string(primary)); });
  RedisStore sessions(tracker);  // two stores: a cache that hangs takes no session's connection
  RedisStore cache(tracker);
  WriteHold hold(flags.hold_writes, time);
  Auth auth(sessions, hold, random_session_id);
  Catalog catalog(std::move(*products), cache, time, metrics);
  Node node({flags, auth, catalog, hold, tracker, metrics, log});
  if (auto started = node.start(); !started) {
    return fail(started.error());
  }
  log.say("listening", to_string(flags.listen));
  int signal = 0;
  ::sigwait(&ends, &signal);
  log.say("stopping", "what is in flight is answered first");
  node.stop();
  return 0;
}

int redis_node(std::span<const std::string> args) {
  const auto flags = parse_redis_node_flags(args);
  return flags ? redis_node_main(*flags) : fail(flags.error());
}

/// What this program is besides a node: `faultline-saas NAME --flag value ...`. A part's main
/// prints its errors and returns an exit code; signals have their default actions.
struct Part {
  std::string_view name;
  int (*main)(std::span<const std::string> args);
};
constexpr std::array parts{
    Part{"redis-node", redis_node}, Part{"flows", flows_main}, Part{"sink", sink_main},
    Part{"wire", wire::wire_main},  Part{"pay", pay_main},     Part{"metadata", metadata_main},
};

int run(std::span<const std::string> args) {
  if (!args.empty()) {
    const auto part = std::ranges::find(parts, args[0], &Part::name);
    if (part != parts.end()) {
      return part->main(args.subspan(1));
    }
  }
  const auto flags = parse_flags(args);
  if (!flags) {
    return fail(flags.error());
  }
  // Blocked before the first thread starts, so that only sigwait sees them.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return serve(*flags, ends);
}

}  // namespace
}  // namespace faultline::services

int main(int argc, char** argv) {
  return faultline::services::run(std::vector<std::string>(argv + 1, argv + argc));
}
