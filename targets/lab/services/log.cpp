#include "targets/lab/services/log.hpp"

#include <fmt/format.h>

namespace faultline::services {

void Log::say(const std::string& kind, const std::string& text) {
  const std::lock_guard lock(mutex_);
  Kind& seen = kinds_[kind];
  if (now_() < seen.next) {
    ++seen.skipped;
    return;
  }
  const std::string more = seen.skipped > 0 ? fmt::format(" (and {} more)", seen.skipped) : "";
  seen = {now_() + std::chrono::seconds(1), 0};
  write_(fmt::format("{}: {}{}", kind, text, more));
}

}  // namespace faultline::services
