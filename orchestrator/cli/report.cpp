#include "orchestrator/cli/command.hpp"
#include "targets/say.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace faultline::cli {

int report(const Error& error) {
  say(stderr, "faultline: {}\n", error.message);
  switch (error.kind) {
    case ErrorKind::usage:
    case ErrorKind::unsupported:
      return 2;
    case ErrorKind::cancelled:
      return 4;
    case ErrorKind::conflict:
      return 5;
    case ErrorKind::not_found:
    case ErrorKind::refused:
    case ErrorKind::fenced:
    case ErrorKind::timeout:
    case ErrorKind::io:
      return 3;
  }
  return 3;
}

}  // namespace faultline::cli
