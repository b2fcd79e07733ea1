#pragma once

#include "targets/error.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The service under drill.
namespace faultline::services {

/// A numeric IPv4 address and a port: the lab has no resolver, a name would block.
struct Endpoint {
  std::string address;
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};
std::string to_string(const Endpoint& endpoint);

/// "10.0.1.10:8080". Error `usage`.
Result<Endpoint> parse_endpoint(std::string_view text);
/// Several, separated by commas; at least one.
Result<std::vector<Endpoint>> parse_endpoints(std::string_view text);

/// What a node is told. Times in milliseconds on the command line.
struct Flags {
  std::string node;                                 ///< --node a-reserved
  std::string zone;                                 ///< --zone a
  Endpoint listen;                                  ///< --listen 10.0.1.10:8080
  std::vector<Endpoint> sentinels;                  ///< --sentinels 10.0.1.20:26379,...
  std::string cache;                                ///< --cache sessions: the name Sentinel knows
  int hold_writes = 0;                              ///< --hold-writes 64; 0: fail at once
  std::chrono::milliseconds client_deadline{5000};  ///< --client-deadline-ms 5000
  std::filesystem::path catalog;                    ///< --catalog FILE: the catalogue's source
};
/// Error `usage` names the flag, what was expected and what was found.
Result<Flags> parse_flags(std::span<const std::string> args);

/// How `faultline-saas redis-node` starts a data node: see redis_node.hpp.
struct RedisNodeFlags {
  Endpoint listen;                  ///< --listen 10.0.1.20:6379: the node itself
  Endpoint home;                    ///< --home 10.0.1.20:6379: the primary when nobody knows better
  std::vector<Endpoint> sentinels;  ///< --sentinels
  std::string cache;                ///< --cache
  std::filesystem::path config;     ///< --config FILE, in the node's own folder
};
Result<RedisNodeFlags> parse_redis_node_flags(std::span<const std::string> args);

}  // namespace faultline::services
