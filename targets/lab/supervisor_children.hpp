#pragma once

#include "targets/net/fd.hpp"
#include "targets/target.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <functional>
#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

namespace faultline::lab {

/// How a process ended.
struct Exit {
  int code = 0;
  int signal = 0;  ///< 0: it exited by itself
  [[nodiscard]] std::string in_words() const;
};

struct ChildSpec {
  std::string host;               ///< whose network it lives in; empty: the supervisor's own
  std::vector<std::string> argv;  ///< the program is searched in PATH
  std::map<std::string, std::string> env;  ///< over the supervisor's own
  int in = -1, out = -1, err = -1;         ///< -1: /dev/null; the caller keeps its own
};

/// A program that has run to its end.
struct Finished {
  Exit exit;
  std::string printed;  ///< on both outputs, 256 KiB at most
};

/// Every process that the supervisor starts, each in a process group of its own, and, because the
/// supervisor is pid 1, the orphans of all of them.
class Children {
 public:
  using OnExit = std::function<void(Exit)>;

  explicit Children(boost::asio::io_context& io);

  /// Returns once the program has been loaded, or why it could not be. `on_exit` is called from the
  /// io_context.
  Result<pid_t> spawn(const ChildSpec& spec, OnExit on_exit);

  /// Runs a short-lived program to its end with `input` on its standard input. Killed after
  /// `limit`. An error means that it was not started.
  void finish(const ChildSpec& spec, const std::string& input, Duration limit,
              targets::Done<Finished> done);

  /// The same for a program that must succeed; error `io` quotes its first line.
  void run(const ChildSpec& spec, const std::string& input, Duration limit,
           targets::Done<std::string> done);

 private:
  void wait_for_signal();
  void reap();

  boost::asio::io_context& io_;
  boost::asio::signal_set signals_;
  std::map<pid_t, OnExit> running_;
};

}  // namespace faultline::lab
