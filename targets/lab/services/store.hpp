#pragma once

#include "targets/lab/services/primary.hpp"
#include "targets/lab/services/redis.hpp"

#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace faultline::services {

/// Keys and values that expire. Every call ends within its timeout.
class Store {
 public:
  virtual ~Store() = default;
  /// `values` is empty when there is no such key.
  virtual Reply get(const std::string& key, Duration timeout) = 0;
  /// ok() only after the store has acknowledged it.
  virtual Reply set(const std::string& key, const std::string& value, std::chrono::seconds lifetime,
                    Duration timeout) = 0;
};

/// The current primary of a cache, through a pool of connections. After a switch the pool holds
/// connections to the new primary only. Thread-safe.
class RedisStore : public Store {
 public:
  explicit RedisStore(const PrimaryTracker& tracker) : tracker_(tracker) {}
  Reply get(const std::string& key, Duration timeout) override;
  Reply set(const std::string& key, const std::string& value, std::chrono::seconds lifetime,
            Duration timeout) override;
  /// Any command, to the current primary.
  Reply command(const std::vector<std::string>& words, Duration timeout);

 private:
  std::optional<Connection> take(const Endpoint& primary);
  void put_back(const Endpoint& primary, Connection connection);

  const PrimaryTracker& tracker_;
  std::mutex mutex_;
  Endpoint pooled_for_;
  std::vector<Connection> idle_;
};

}  // namespace faultline::services
