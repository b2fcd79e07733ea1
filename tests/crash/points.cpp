#include "tests/crash/points.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <mutex>
#include <sys/syscall.h>
#include <unistd.h>

namespace faultline::crash {

bool is_command(const std::string& word) {
  std::ifstream in("/proc/self/cmdline", std::ios::binary);
  const std::string words{std::istreambuf_iterator<char>(in), {}};
  return words.find('\0' + word + '\0') != std::string::npos;
}

void point(const std::string& name) {
  // Only whoever injects is killed: guards and labs that it starts are this program, too.
  static const bool counted = is_command("inject");
  static const char* at = std::getenv("FAULTLINE_CRASH_AT");
  static const char* count = std::getenv("FAULTLINE_CRASH_COUNT");
  static std::mutex mutex;  // the journal writes in a thread of its own
  static int passed = 0;
  if (!counted) {
    return;
  }
  const std::lock_guard lock(mutex);
  if (at != nullptr && passed == std::atoi(at)) {
    (void)!::write(STDERR_FILENO, ("killed: " + name + "\n").c_str(), name.size() + 9);
    ::kill(::getpid(), SIGKILL);
  }
  ++passed;
  if (count != nullptr) {
    std::ofstream(count, std::ios::app) << name << "\n";
  }
}

}  // namespace faultline::crash

/// Every record of the journal is made durable by it; here in place of the library's.
extern "C" int fdatasync(int descriptor) {
  faultline::crash::point("before a journal write");
  const auto result = static_cast<int>(::syscall(SYS_fdatasync, descriptor));
  faultline::crash::point("after a journal write");
  return result;
}
