#include "targets/lab/services/sql_pool.hpp"

#include <utility>

namespace faultline::services {

SqlReply SqlPool::query(const std::string& statement, Duration timeout) {
  const Instant deadline = Instant(std::chrono::steady_clock::now()) + timeout;
  std::optional<sql::Connection> connection;
  if (!enter(deadline, connection)) {
    return {SqlError::busy, "all connections are in use", {}};
  }
  if (!connection) {
    connection.emplace(endpoint_, user_, deadline);
  }
  SqlReply reply = reply_of(connection->query(statement, deadline));
  // The server that answers "read only" is not the one that is wanted: connect anew.
  if (!connection->stands() || reply.error == SqlError::read_only) {
    connection.reset();
  }
  leave(std::move(connection));
  return reply;
}

bool SqlPool::enter(Instant deadline, std::optional<sql::Connection>& idle) {
  std::unique_lock lock(mutex_);
  if (!free_.wait_until(lock, deadline, [this] { return figures_.in_use < limit_; })) {
    ++figures_.timed_out;
    return false;
  }
  ++figures_.in_use;
  if (idle_.empty()) {
    ++figures_.opened;
  } else {
    idle = std::move(idle_.back());
    idle_.pop_back();
  }
  return true;
}

void SqlPool::leave(std::optional<sql::Connection> connection) {
  std::vector<sql::Connection> dropped;  // closed after the lock is released
  {
    const std::lock_guard lock(mutex_);
    --figures_.in_use;
    if (connection) {
      idle_.push_back(std::move(*connection));
    } else {
      dropped.swap(idle_);
    }
  }
  free_.notify_one();
}

SqlPool::Figures SqlPool::figures() const {
  const std::lock_guard lock(mutex_);
  Figures figures = figures_;
  figures.idle = static_cast<int>(idle_.size());
  figures.limit = limit_;
  return figures;
}

}  // namespace faultline::services
