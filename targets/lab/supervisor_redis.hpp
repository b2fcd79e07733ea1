#pragma once

#include "targets/target.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What Redis and Sentinel say, as values: no I/O.
namespace faultline::lab {

/// A reply of the Redis protocol, arrays flattened.
struct RedisReply {
  bool error = false;
  std::vector<std::string> items;
  [[nodiscard]] std::string text() const { return items.empty() ? "" : items.front(); }
};

/// All `count` replies, or none while they are not whole. Stops at what is not the protocol.
std::optional<std::vector<RedisReply>> parse_replies(std::string_view text, std::size_t count);

/// The primary of a cache as a Sentinel has last seen it.
struct SeenPrimary {
  std::string address;
  bool up = false;  ///< neither down nor unreachable nor being replaced
};
/// From an answer to SENTINEL MASTER.
SeenPrimary parse_primary(const RedisReply& reply);

/// A node as a Sentinel has last seen it.
struct SeenReplica {
  std::string address;
  bool replica = false;  ///< it said so itself
  int priority = 0;
};
/// From an answer to SENTINEL REPLICAS.
std::vector<SeenReplica> parse_replicas(const RedisReply& reply);

/// Whether a Sentinel that sees these has caught up with the last failover. What it has not seen as
/// a replica since it takes for a rogue primary, and demotes even when another has promoted it.
bool caught_up(const std::vector<SeenReplica>& replicas);
/// Whether it would choose the node at `address`, whose priority number is the only lowest.
bool prefers(const std::vector<SeenReplica>& replicas, const std::string& address);

/// The lines "key:value" of INFO.
std::map<std::string, std::string> parse_info(std::string_view info);

/// A data node of a cache as last seen.
struct DataNode {
  std::string component;
  std::string address;
  bool answers = false;
  std::map<std::string, std::string> info;  ///< as asked by `node_info`
};

/// What is asked of a data node.
inline constexpr std::string_view node_info = "INFO replication stats commandstats\r\n";

/// What has reached the data nodes, by their own count, but for the connections they are asked on.
class RedisArrivals {
 public:
  /// To be told every answer to `node_info`, which comes on a connection of its own.
  targets::Component::Counts seen(const std::string& node,
                                  const std::map<std::string, std::string>& info);

 private:
  struct Asked {
    std::uint64_t times = 0;        ///< since it was started
    std::uint64_t connections = 0;  ///< in all, at the last
  };
  std::map<std::string, Asked> asked_;  // by component
};

struct NodeView {
  std::string role;  ///< "primary", "replica", "former primary"; empty when it does not answer
  bool healthy = false;
  std::string words;
};

/// One cache as its nodes and its Sentinels see it.
struct CacheView {
  std::map<std::string, NodeView> nodes;  ///< by component
  std::string primary;                    ///< the only writable primary; empty when none
  int writable_primaries = 0;
  int replicas_in_sync = 0;  ///< of that primary
  [[nodiscard]] std::string in_words() const;
};

/// `named_primary`: the address that most Sentinels give. Where two nodes say that they are
/// primary, the one not named is a former primary, which the Sentinels have yet to demote.
CacheView view_of(const std::vector<DataNode>& nodes, const std::string& named_primary,
                  int min_replicas);

/// "one writable primary, 2 replicas in sync"
std::string cache_in_words(int writable_primaries, int replicas_in_sync);

/// The value given most often; the smaller one on a tie.
std::string majority(const std::vector<std::string>& votes);

}  // namespace faultline::lab
