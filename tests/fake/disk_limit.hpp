#pragma once

#include <csignal>
#include <cstddef>
#include <sys/resource.h>

namespace faultline::fake {

/// Lets no file of this process grow beyond `bytes`: what a full disk does, without one.
class DiskLimit {
 public:
  explicit DiskLimit(std::size_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limited{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limited);
  }
  ~DiskLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  DiskLimit(const DiskLimit&) = delete;
  DiskLimit& operator=(const DiskLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

}  // namespace faultline::fake
