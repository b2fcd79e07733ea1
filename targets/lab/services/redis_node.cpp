#include "targets/lab/services/redis_node.hpp"

#include "targets/lab/services/redis.hpp"
#include "targets/lab/services/sentinel.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <thread>
#include <unistd.h>

namespace faultline::services {
namespace {

using namespace std::chrono_literals;

constexpr const char* redis_server = "/usr/bin/redis-server";
constexpr Duration question_timeout = 200ms;  ///< a Sentinel answers in 1 ms
constexpr Duration question_period = 200ms;
/// How long it waits for another to be promoted: hardened detects in 1 s and promotes within 3 s.
/// With naive's 30 s it starts empty before, as an ordinary restart would.
constexpr Duration patience = 5s;

/// The best-informed of the Sentinels that answer.
std::optional<Sighting> ask_all(const RedisNodeFlags& flags) {
  std::optional<Sighting> best;
  for (const auto& address : flags.sentinels) {
    Connection sentinel(address, question_timeout);
    auto sighting = ask_sentinel(sentinel, flags.cache, question_timeout);
    if (sighting && (!best || sighting->epoch > best->epoch)) {
      best = std::move(*sighting);
    }
  }
  return best;
}

/// Leaves a mark in the node's folder; true when there was one.
bool started_before(const RedisNodeFlags& flags) {
  const auto mark = flags.config.parent_path() / "started";
  const bool before = std::filesystem::exists(mark);
  std::ofstream{mark};
  return before;
}

}  // namespace

Endpoint role_of_restarted(const Endpoint& self, const Endpoint& home,
                           const std::function<std::optional<Sighting>()>& ask,
                           const std::function<bool()>& pause) {
  std::optional<Sighting> said;
  do {
    if (auto now = ask()) {
      said = std::move(now);
    }
    if (said && said->primary != self) {
      return said->primary;
    }
  } while (pause());
  return said ? said->primary : home;
}

int redis_node_main(const RedisNodeFlags& flags) {
  Endpoint primary = flags.home;
  if (started_before(flags)) {
    const auto give_up = std::chrono::steady_clock::now() + patience;
    primary = role_of_restarted(
        flags.listen, flags.home, [&] { return ask_all(flags); },
        [&] {
          std::this_thread::sleep_for(question_period);
          return std::chrono::steady_clock::now() < give_up;
        });
  }
  const bool follows = primary != flags.listen;
  const std::string host = follows ? primary.address : "no";
  const std::string port = follows ? std::to_string(primary.port) : "one";
  fmt::print("redis-node {}: {}\n", to_string(flags.listen),
             follows ? "replica of " + to_string(primary) : "primary");
  std::fflush(stdout);
  ::execl(redis_server, redis_server, flags.config.c_str(), "--replicaof", host.c_str(),
          port.c_str(), nullptr);
  fmt::print(stderr, "faultline-saas: cannot start {}: {}; install the package redis-server\n",
             redis_server, std::strerror(errno));
  return 1;
}

}  // namespace faultline::services
