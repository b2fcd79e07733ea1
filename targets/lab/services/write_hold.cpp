#include "targets/lab/services/write_hold.hpp"

#include <algorithm>

namespace faultline::services {
namespace {

using namespace std::chrono_literals;

constexpr Duration attempt_timeout = 300ms;  ///< a healthy write takes 2 ms; zones are 1.2 ms apart
constexpr Duration only_attempt = 1s;        ///< without a hold: a busy machine is no failed write
constexpr Duration shortest_attempt = 10ms;  ///< with less left, trying is of no use
constexpr Duration min_backoff = 50ms;       ///< jittered, so that held writes do not come in step
constexpr Duration max_backoff = 200ms;      ///< what a write may lose after the store is back
constexpr Duration margin = 250ms;           ///< for the answer's way back through a busy balancer

}  // namespace

bool WriteHold::run(Instant deadline, const std::function<Attempt(Duration timeout)>& attempt) {
  Attempt last = attempt(limit_ == 0 ? only_attempt : attempt_timeout);
  if (limit_ == 0 || last != Attempt::may_pass) {
    return true;
  }
  if (!enter()) {
    return false;
  }
  while (last == Attempt::may_pass) {
    const auto jitter = time_.random() * (max_backoff - min_backoff);
    const auto pause = min_backoff + std::chrono::duration_cast<Duration>(jitter);
    if (time_.now() + pause + shortest_attempt > last_moment(deadline)) {
      break;
    }
    time_.sleep(pause);
    last =
        attempt(std::clamp(last_moment(deadline) - time_.now(), shortest_attempt, attempt_timeout));
  }
  leave(last == Attempt::done);
  return true;
}

bool WriteHold::enter() {
  const std::lock_guard lock(mutex_);
  if (figures_.now >= limit_) {
    ++figures_.rejected;
    return false;
  }
  figures_.max = std::max(figures_.max, ++figures_.now);
  return true;
}

void WriteHold::leave(bool saved) {
  const std::lock_guard lock(mutex_);
  --figures_.now;
  ++(saved ? figures_.saved : figures_.given_up);
}

Instant WriteHold::last_moment(Instant deadline) const {
  const std::lock_guard lock(mutex_);
  return std::min(deadline - margin, closes_);
}

void WriteHold::close(Instant end) {
  const std::lock_guard lock(mutex_);
  closes_ = end;
}

WriteHold::Figures WriteHold::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

}  // namespace faultline::services
