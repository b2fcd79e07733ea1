#include "targets/lab/config_parts.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace faultline::lab {
namespace {

constexpr int quorum = 2;                    ///< of three Sentinels
constexpr int failover_timeout_ms = 10'000;  ///< a failover that stalls so long is tried again
constexpr int home_priority = 10;            ///< lower is preferred: a switchover brings it home
constexpr int other_priority = 100;          ///< equal: the replica with the most data wins

/// The data nodes' home is the first one of the topology.
const Process& home(const Topology& topology) {
  return *topology.of_kind("redis").front();
}

/// A Sentinel's identity, 40 hex digits made of its name (FNV-1a), so that each can be told of the
/// others before it starts: without that, a quorum takes 2 to 3 s longer to form.
std::string sentinel_id(std::string_view name) {
  std::uint64_t hash = 14695981039346656037u;
  for (const unsigned char c : name) {
    hash = (hash ^ c) * 1099511628211u;
  }
  return fmt::format("{0:016x}{0:016x}{1:08x}", hash, hash >> 32);
}

std::string redis_config(const Topology& topology, const Process& process,
                         const std::filesystem::path& folder) {
  const bool at_home = process.name == home(topology).name;
  // "-127.0.0.1": where the loopback is not up, the node starts all the same.
  return fmt::format(R"(bind {address} -127.0.0.1
port {port}
protected-mode no
daemonize no
supervised no
dir {folder}
logfile ""
always-show-logo no
databases 1
maxclients 2000
tcp-keepalive 5
# Memory only: what a restart loses comes back from the primary.
appendonly no
save ""
# A replica is in sync in well under a second, and a dead link is seen in 5 s.
repl-diskless-sync yes
repl-diskless-sync-delay 0
repl-timeout 5
repl-ping-replica-period 1
repl-backlog-size 16mb
replica-announce-ip {address}
replica-announce-port {port}
replica-priority {priority}
min-replicas-to-write {min_replicas}
min-replicas-max-lag 2
)",
                     fmt::arg("address", process.address), fmt::arg("port", process.port),
                     fmt::arg("folder", folder.string()),
                     fmt::arg("priority", at_home ? home_priority : other_priority),
                     fmt::arg("min_replicas", topology.profile.min_replicas));
}

std::string sentinel_config(const Topology& topology, const Process& process,
                            const std::filesystem::path& folder) {
  const Process& primary = home(topology);
  std::string text = fmt::format(
      R"(bind {address} -127.0.0.1
port {port}
protected-mode no
daemonize no
dir {folder}
logfile ""
sentinel myid {id}
sentinel announce-ip {address}
sentinel announce-port {port}
sentinel resolve-hostnames no
sentinel monitor {cache} {primary} {primary_port} {quorum}
sentinel down-after-milliseconds {cache} {detection}
sentinel failover-timeout {cache} {failover_timeout}
sentinel parallel-syncs {cache} 1
)",
      fmt::arg("address", process.address), fmt::arg("port", process.port),
      fmt::arg("folder", folder.string()), fmt::arg("id", sentinel_id(process.name)),
      fmt::arg("cache", cache_name), fmt::arg("primary", primary.address),
      fmt::arg("primary_port", primary.port), fmt::arg("quorum", quorum),
      fmt::arg("detection", topology.profile.redis_detection.count()),
      fmt::arg("failover_timeout", failover_timeout_ms));
  for (const Process* replica : topology.of_kind("redis")) {
    if (replica->name != primary.name) {
      text += fmt::format("sentinel known-replica {} {} {}\n", cache_name, replica->address,
                          replica->port);
    }
  }
  for (const Process* other : topology.of_kind("sentinel")) {
    if (other->name != process.name) {
      text += fmt::format("sentinel known-sentinel {} {} {} {}\n", cache_name, other->address,
                          other->port, sentinel_id(other->name));
    }
  }
  return text;
}

}  // namespace

/// The role is not in the file: `faultline-saas redis-node` decides it and becomes redis-server
/// (services/redis_node.hpp says how, and why a restarted node must not come back as it was).
Start redis_start(const Topology& topology, const Process& process, const Places& places) {
  const auto folder = places.run / process.name;
  const auto file = folder / "redis.conf";
  const Process& primary = home(topology);
  return {{folder},
          {{file, redis_config(topology, process, folder)}},
          {saas(places), "redis-node", "--listen", address_of(process), "--home",
           address_of(primary), "--sentinels", sentinel_addresses(topology), "--cache",
           std::string(cache_name), "--config", file.string()}};
}

/// A Sentinel rewrites its file, so it lies in its own folder. Started again with the first one it
/// learns the current primary from the others, whose epoch is higher.
Start sentinel_start(const Topology& topology, const Process& process, const Places& places) {
  const auto folder = places.run / process.name;
  const auto file = folder / "sentinel.conf";
  return {{folder},
          {{file, sentinel_config(topology, process, folder)}},
          {"/usr/bin/redis-server", file.string(), "--sentinel"}};
}

}  // namespace faultline::lab
