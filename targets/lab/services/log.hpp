#pragma once

#include "targets/clock.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace faultline::services {

/// Lines on standard output, at most one a second of each kind: a fault must not become a flood.
/// Thread-safe.
class Log {
 public:
  Log(std::function<Instant()> now, std::function<void(const std::string&)> write)
      : now_(std::move(now)), write_(std::move(write)) {}

  void say(const std::string& kind, const std::string& text);

 private:
  struct Kind {
    Instant next{};
    std::uint64_t skipped = 0;
  };
  std::function<Instant()> now_;
  std::function<void(const std::string&)> write_;
  std::mutex mutex_;
  std::map<std::string, Kind> kinds_;
};

}  // namespace faultline::services
