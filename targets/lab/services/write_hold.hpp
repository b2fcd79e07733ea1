#pragma once

#include "targets/lab/services/machine_time.hpp"

#include <functional>
#include <mutex>

namespace faultline::services {

/// Carries writes over a failover: one that fails because there is no writable primary waits
/// in its request's thread and is tried again until the client's deadline is near. The write must
/// be idempotent, because an attempt that timed out may have been done. Thread-safe.
class WriteHold {
 public:
  struct Figures {
    int now = 0;                 ///< waiting
    int max = 0;                 ///< most that ever waited at once
    std::uint64_t saved = 0;     ///< waited, then done
    std::uint64_t given_up = 0;  ///< waited in vain
    std::uint64_t rejected = 0;  ///< not let in: `limit` were waiting
  };

  /// `limit` writes wait at once; 0: none does, a write fails with its first attempt.
  WriteHold(int limit, Time time) : limit_(limit), time_(std::move(time)) {}

  /// What an attempt came to.
  enum class Attempt {
    done,
    may_pass,  ///< a failover ends this error
    in_vain,   ///< it would be the same the next time
  };

  /// Attempts until one does not say `may_pass` or the time is up. Each ends within the timeout it
  /// is given. False when the first one failed and too many were waiting to try again.
  bool run(Instant deadline, const std::function<Attempt(Duration timeout)>& attempt);
  /// From now on nobody waits beyond `end`: the node is stopping.
  void close(Instant end);
  [[nodiscard]] Figures figures() const;

 private:
  bool enter();
  void leave(bool saved);
  /// When the last attempt must have ended, so that the answer still arrives in time.
  [[nodiscard]] Instant last_moment(Instant deadline) const;

  const int limit_;
  const Time time_;
  mutable std::mutex mutex_;
  Instant closes_ = Instant::max();
  Figures figures_;
};

}  // namespace faultline::services
