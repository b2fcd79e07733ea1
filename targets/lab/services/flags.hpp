#pragma once

#include "targets/error.hpp"
#include "targets/net/endpoint.hpp"

#include <chrono>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

/// The service under drill.
namespace faultline::services {

using net::Endpoint;
using net::to_string;

/// What a node is told. Times in milliseconds on the command line, switches as 0 or 1.
struct Flags {
  std::string node;                 ///< --node a-reserved
  std::string zone;                 ///< --zone a
  Endpoint listen;                  ///< --listen 10.0.1.10:8080
  std::vector<Endpoint> sentinels;  ///< --sentinels 10.0.1.20:26379,...
  std::string cache;                ///< --cache sessions: the name Sentinel knows

  int hold_writes = 0;                              ///< --hold-writes 64; 0: fail at once
  std::chrono::milliseconds client_deadline{5000};  ///< --client-deadline-ms 5000

  std::vector<Endpoint> peers;  ///< --peers 10.0.1.10:8080,...: nodes that are asked for prices
  Endpoint orders;              ///< --orders 10.0.0.30:3306: the cluster endpoint
  Endpoint reads;               ///< --reads 10.0.0.30:3307: the read endpoint
  int retry_budget = 0;         ///< --retry-budget 10; 0: who fails is not asked again

  Endpoint pay;                                     ///< --pay 198.51.100.10:8080
  bool guard_payments = false;                      ///< --guard-payments 1: all that follows
  std::chrono::milliseconds payment_timeout{1000};  ///< --payment-timeout-ms 1000, in all
  int payment_bulkhead = 24;                        ///< --payment-bulkhead 24: in flight at once

  Endpoint metadata;                           ///< --metadata 100.100.100.200:80
  std::chrono::milliseconds metadata_poll{0};  ///< --metadata-poll-ms 500; 0: never asked
  bool drain = false;  ///< --drain 1: SIGTERM lets what is in flight end; else it is abandoned
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
