#pragma once

#include "targets/error.hpp"

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace faultline::cli {

/// Where a run can be stopped from outside: <home>/control/<run>.sock, for `faultline abort`. It
/// works on the run's own loop, so an answer means that the reverts have begun. A path that cannot
/// be bound leaves the run without it: Ctrl-C and SIGTERM still work.
class ControlSocket {
 public:
  ControlSocket(boost::asio::io_context& io, const std::filesystem::path& home,
                const std::string& run, std::function<void(const std::string& reason)> on_abort);
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Tells every run of this home, or only `run`, to stop, and waits until they are
/// over. Returns how many were told.
Result<int> abort_runs(const std::filesystem::path& home, const std::string& run,
                       const std::string& reason);

}  // namespace faultline::cli
