#pragma once

#include "targets/net/fd.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace faultline::lab {

/// What is added to a log from now on, line by line.
class LogTail {
 public:
  /// `log`: open for reading; none of what it holds already is told.
  explicit LogTail(net::Fd log);

  /// The whole lines since the last call, at most 256 KiB of them: the rest comes next time. A line
  /// of more than 4 KiB is left out.
  std::vector<std::string> lines();

 private:
  net::Fd log_;
  off_t read_ = 0;
  std::string begun_;  // a line whose end has not been written yet
};

}  // namespace faultline::lab
