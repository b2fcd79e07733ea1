#pragma once

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace faultline::cli {

/// Where a run can be stopped from outside: <home>/control/<run>.sock, for `faultline abort`. It
/// works on the run's own loop, so an answer means that the reverts have begun. A path that cannot
/// be bound leaves the run without it: Ctrl-C and SIGTERM still work.
///
/// Lines: "abort <reason>" is answered by "stopping", and by "over <exit code> <reason>" when the
/// run is over.
class ControlSocket {
 public:
  ControlSocket(boost::asio::io_context& io, const std::filesystem::path& home,
                const std::string& run, std::function<void(const std::string& reason)> on_abort);
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  /// Tells everybody who asked how the run ended.
  void over(int exit_code, const std::string& reason);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// How a run that was told to stop ended.
struct Aborted {
  std::string run;
  std::optional<int> exit_code;  ///< none: nobody knows
  std::string words;
};

/// Tells every run of this home, or only those whose id begins with `run`, to stop, and waits until
/// they are over, or do not answer.
std::vector<Aborted> abort_runs(const std::filesystem::path& home, const std::string& run,
                                const std::string& reason);

}  // namespace faultline::cli
