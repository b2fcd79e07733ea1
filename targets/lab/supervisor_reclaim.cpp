#include "targets/lab/supervisor_reclaim.hpp"

#include <fmt/format.h>

namespace faultline::lab {

Reclaim::Commands Reclaim::tick(Instant now) {
  if (!next_ || now < *next_) {
    return {};
  }
  next_.reset();
  switch (phase_) {
    case Phase::announced:
      phase_ = Phase::terminating;
      terminated_at_ = now;
      next_ = now + times_.grace;
      return {Command::terminate};
    case Phase::terminating:
      phase_ = Phase::killed;
      return {Command::kill};
    case Phase::gone:
      phase_ = Phase::over;
      return {Command::withdraw, Command::start};
    case Phase::killed:
    case Phase::over:
      break;
  }
  return {};
}

void Reclaim::ended(Instant now, const std::string& how) {
  if (phase_ == Phase::announced) {
    crash_ = how;
  } else if (phase_ == Phase::terminating || phase_ == Phase::killed) {
    is_gone(now, fmt::format("{}, {} after SIGTERM", how, in_words(now - terminated_at_)));
  }  // else the replacement's end
}

void Reclaim::found_dead(Instant now) {
  is_gone(now, crash_.empty() ? "was dead before SIGTERM" : crash_ + " before SIGTERM");
}

void Reclaim::is_gone(Instant now, std::string how) {
  how_it_ended_ = std::move(how);
  phase_ = Phase::gone;
  next_ = times_.replace_after ? std::optional(now + *times_.replace_after) : std::nullopt;
}

Reclaim::Commands Reclaim::revert() {
  const auto was = std::exchange(phase_, Phase::over);
  next_.reset();
  if (was == Phase::terminating || was == Phase::killed) {
    return {Command::kill, Command::withdraw, Command::start};
  }
  return {Command::withdraw, Command::start};
}

}  // namespace faultline::lab
