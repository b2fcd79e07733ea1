#pragma once

#include "targets/error.hpp"
#include "targets/net/fd.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace faultline::database {

/// A program that this one started: it shares the process group, and dies with the thread that
/// started it (PR_SET_PDEATHSIG), so start it from one that lives long. Killed when dropped.
class Child {
 public:
  /// `input` becomes its standard input when set; its standard output, and its standard error too,
  /// is `output`, by default this program's. Error `io`: it could not be forked (a program that is
  /// not there ends with 127).
  static Result<Child> start(const std::vector<std::string>& argv, int input = -1, int output = -1);

  Child() = default;
  ~Child() { kill(); }
  Child(Child&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), handle_(std::move(other.handle_)) {}
  Child& operator=(Child&& other) noexcept;

  [[nodiscard]] bool running();
  /// SIGKILL, and waits until it is gone.
  void kill();
  /// Waits for its end: the exit code, 128 + the signal, or -1 when it took longer.
  int wait(std::chrono::milliseconds limit);
  [[nodiscard]] int pid() const { return pid_; }

 private:
  bool reap(int options);

  int pid_ = -1;
  net::Fd handle_;  ///< a pidfd, to wait with a limit
  int code_ = -1;
};

/// The end of a program that nobody asked for.
struct Loss {
  int pid = 0;
  std::string how;  ///< "killed by signal 9", "exited with code 1"
};

/// A program that is to run until `kill` is called. Keeps what ended it otherwise, seen by the
/// first call after that, whichever.
class KeptChild {
 public:
  Result<> start(const std::vector<std::string>& argv);  ///< of one that does not run
  [[nodiscard]] bool running();
  void kill();  ///< an end that was asked for
  [[nodiscard]] int pid() const { return pid_; }
  /// The last one, of whichever start.
  [[nodiscard]] std::optional<Loss> lost();

 private:
  Child child_;
  int pid_ = 0;  ///< 0: it does not run, and it is known why
  std::optional<Loss> lost_;
};

}  // namespace faultline::database
