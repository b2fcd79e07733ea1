#include "targets/lab/services/store.hpp"

namespace faultline::services {
namespace {

constexpr std::size_t max_idle = 64;  ///< as many as a node's writes may wait for at once

}  // namespace

Reply RedisStore::get(const std::string& key, Duration timeout) {
  return command({"GET", key}, timeout);
}

Reply RedisStore::set(const std::string& key, const std::string& value,
                      std::chrono::seconds lifetime, Duration timeout) {
  return command({"SET", key, value, "EX", std::to_string(lifetime.count())}, timeout);
}

Reply RedisStore::command(const std::vector<std::string>& words, Duration timeout) {
  const auto primary = tracker_.current();
  if (!primary) {
    return {RedisError::no_primary, "no Sentinel has named a primary yet", {}};
  }
  const auto end = std::chrono::steady_clock::now() + timeout;
  auto connection = take(*primary);
  if (!connection) {
    connection.emplace(*primary, timeout);
  }
  Reply reply = connection->command(words, end - std::chrono::steady_clock::now());
  if (connection->usable()) {
    put_back(*primary, std::move(*connection));
  }
  return reply;
}

std::optional<Connection> RedisStore::take(const Endpoint& primary) {
  std::vector<Connection> dropped;  // closed after the lock is released
  const std::lock_guard lock(mutex_);
  if (pooled_for_ != primary) {
    pooled_for_ = primary;
    dropped.swap(idle_);
  }
  if (idle_.empty()) {
    return std::nullopt;
  }
  std::optional<Connection> connection(std::move(idle_.back()));
  idle_.pop_back();
  return connection;
}

void RedisStore::put_back(const Endpoint& primary, Connection connection) {
  const std::lock_guard lock(mutex_);
  if (pooled_for_ == primary && idle_.size() < max_idle) {
    idle_.push_back(std::move(connection));
  }
}

}  // namespace faultline::services
