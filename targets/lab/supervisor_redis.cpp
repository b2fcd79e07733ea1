#include "targets/lab/supervisor_redis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace faultline::lab {
namespace {

template <class T = int>
T number(std::string_view text) {
  T value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string field(const std::map<std::string, std::string>& info, const std::string& key) {
  const auto it = info.find(key);
  return it == info.end() ? "" : it->second;
}

std::string field(const DataNode& node, const std::string& key) {
  return field(node.info, key);
}

/// Of "calls=12,usec=40,...": how often a command was carried out.
std::uint64_t calls(const std::map<std::string, std::string>& info, const std::string& command) {
  constexpr std::string_view first = "calls=";
  const auto text = field(info, "cmdstat_" + command);
  return text.starts_with(first) ? number<std::uint64_t>(text.substr(first.size())) : 0;
}

/// Reads values off the front of a text; `whole` turns false when it ends too early.
class ReplyReader {
 public:
  explicit ReplyReader(std::string_view text) : rest_(text) {}

  RedisReply next() {
    RedisReply reply;
    read_value(reply, 0);
    return reply;
  }
  [[nodiscard]] bool whole() const { return whole_; }

 private:
  static constexpr int max_depth = 4;  // SENTINEL REPLICAS needs 2

  void read_value(RedisReply& reply, int depth) {
    const auto line = take_line();
    if (!whole_ || line.empty() || depth > max_depth) {
      whole_ = false;
      return;
    }
    const auto payload = line.substr(1);
    switch (line.front()) {
      case '*':
        for (int i = 0; i < number(payload) && whole_; ++i) {
          read_value(reply, depth + 1);
        }
        break;
      case '$':
        reply.items.emplace_back(take_bulk(number(payload)));
        break;
      case '-':
        reply.error = true;
        [[fallthrough]];
      default:
        reply.items.emplace_back(payload);
    }
  }

  std::string_view take_line() {
    const auto end = rest_.find("\r\n");
    if (end == std::string_view::npos) {
      whole_ = false;
      return {};
    }
    const auto line = rest_.substr(0, end);
    rest_.remove_prefix(end + 2);
    return line;
  }

  std::string_view take_bulk(int bytes) {
    if (bytes < 0) {
      return {};  // null
    }
    const auto size = static_cast<std::size_t>(bytes);
    if (rest_.size() < size + 2) {
      whole_ = false;
      return {};
    }
    const auto bulk = rest_.substr(0, size);
    rest_.remove_prefix(size + 2);
    return bulk;
  }

  std::string_view rest_;
  bool whole_ = true;
};

bool says_primary(const DataNode& node) {
  return node.answers && field(node, "role") == "master";
}

int good_replicas(const DataNode& primary, int min_replicas) {
  return number(field(primary, min_replicas > 0 ? "min_slaves_good_slaves" : "connected_slaves"));
}

NodeView view_primary(const DataNode& node, const std::string& named_primary, bool contested,
                      int min_replicas) {
  if (contested && node.address != named_primary) {
    return {"former primary", false,
            fmt::format("says it is primary, but the Sentinels name {}", named_primary)};
  }
  const int good = good_replicas(node, min_replicas);
  if (good < min_replicas) {
    return {"primary", false,
            fmt::format("refuses writes: {} of {} needed replicas", good, min_replicas)};
  }
  return {"primary", true, fmt::format("primary, {} {}", good, good == 1 ? "replica" : "replicas")};
}

NodeView view_replica(const DataNode& node) {
  const bool up = field(node, "master_link_status") == "up";
  const bool syncing = field(node, "master_sync_in_progress") == "1";
  if (up && !syncing) {
    return {"replica", true, "replica in sync"};
  }
  return {"replica", false,
          fmt::format("replica of {}, {}", field(node, "master_host"),
                      syncing ? "copying" : "link down")};
}

}  // namespace

std::optional<std::vector<RedisReply>> parse_replies(std::string_view text, std::size_t count) {
  ReplyReader reader(text);
  std::vector<RedisReply> replies;
  while (replies.size() < count && reader.whole()) {
    replies.push_back(reader.next());
  }
  return reader.whole() ? std::optional(std::move(replies)) : std::nullopt;
}

SeenPrimary parse_primary(const RedisReply& reply) {
  SeenPrimary primary;
  for (std::size_t i = 0; i + 1 < reply.items.size(); i += 2) {
    const auto& key = reply.items[i];
    const auto& value = reply.items[i + 1];
    if (key == "ip") {
      primary.address = value;
    } else if (key == "flags") {
      primary.up = value == "master";
    }
  }
  return primary;
}

std::vector<SeenReplica> parse_replicas(const RedisReply& reply) {
  std::vector<SeenReplica> replicas;
  for (std::size_t i = 0; i + 1 < reply.items.size(); i += 2) {
    const auto& key = reply.items[i];
    const auto& value = reply.items[i + 1];
    if (key == "name") {
      replicas.emplace_back();
    } else if (replicas.empty()) {
      continue;
    } else if (key == "ip") {
      replicas.back().address = value;
    } else if (key == "role-reported") {
      replicas.back().replica = value == "slave";
    } else if (key == "slave-priority") {
      replicas.back().priority = number(value);
    }
  }
  return replicas;
}

bool caught_up(const std::vector<SeenReplica>& replicas) {
  return std::ranges::all_of(replicas, &SeenReplica::replica);
}

bool prefers(const std::vector<SeenReplica>& replicas, const std::string& address) {
  const auto wanted = std::ranges::find(replicas, address, &SeenReplica::address);
  return wanted != replicas.end() && std::ranges::all_of(replicas, [&](const SeenReplica& other) {
           return other.address == address || wanted->priority < other.priority;
         });
}

std::map<std::string, std::string> parse_info(std::string_view info) {
  std::map<std::string, std::string> fields;
  while (!info.empty()) {
    const auto end = std::min(info.find('\n'), info.size());
    auto line = info.substr(0, end);
    info.remove_prefix(std::min(end + 1, info.size()));
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (const auto colon = line.find(':'); colon != std::string_view::npos) {
      fields.emplace(line.substr(0, colon), line.substr(colon + 1));
    }
  }
  return fields;
}

targets::Component::Counts RedisArrivals::seen(const std::string& node,
                                               const std::map<std::string, std::string>& info) {
  const auto connections = number<std::uint64_t>(field(info, "total_connections_received")) +
                           number<std::uint64_t>(field(info, "rejected_connections"));
  auto& asked = asked_[node];
  const bool anew = connections < std::exchange(asked.connections, connections);
  asked.times = anew ? 1 : asked.times + 1;
  // What services store is sent as SET, and so is what a replica is sent.
  return {{"connections", connections - std::min(connections, asked.times)},
          {"writes", calls(info, "setex")}};
}

CacheView view_of(const std::vector<DataNode>& nodes, const std::string& named_primary,
                  int min_replicas) {
  CacheView cache;
  const bool contested = std::ranges::count_if(nodes, says_primary) > 1;
  std::string primary_address;
  for (const auto& node : nodes) {
    auto& view = cache.nodes[node.component];
    if (!node.answers) {
      view.words = "no answer";
    } else if (says_primary(node)) {
      view = view_primary(node, named_primary, contested, min_replicas);
      if (good_replicas(node, min_replicas) >= min_replicas) {
        ++cache.writable_primaries;
      }
      if (view.healthy) {
        cache.primary = node.component;
        primary_address = node.address;
      }
    } else {
      view = view_replica(node);
    }
  }
  for (const auto& node : nodes) {
    const auto& view = cache.nodes[node.component];
    const bool follows = view.healthy && field(node, "master_host") == primary_address;
    cache.replicas_in_sync += view.role == "replica" && follows ? 1 : 0;
  }
  return cache;
}

std::string cache_in_words(int writable_primaries, int replicas_in_sync) {
  return fmt::format("{}, {} {} in sync",
                     writable_primaries == 1 ? "one writable primary"
                     : writable_primaries == 0
                         ? "no writable primary"
                         : fmt::format("{} writable primaries", writable_primaries),
                     replicas_in_sync, replicas_in_sync == 1 ? "replica" : "replicas");
}

std::string CacheView::in_words() const {
  return cache_in_words(writable_primaries, replicas_in_sync);
}

std::string majority(const std::vector<std::string>& votes) {
  std::map<std::string, int> count;
  for (const auto& vote : votes) {
    ++count[vote];
  }
  const auto most = std::ranges::max_element(
      count, [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == count.end() ? "" : most->first;
}

}  // namespace faultline::lab
