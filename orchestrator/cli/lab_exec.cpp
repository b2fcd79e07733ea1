#include "orchestrator/cli/lab.hpp"
#include "targets/lab/connection.hpp"
#include "targets/lab/launch.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <unistd.h>

namespace faultline::cli {
namespace {

using lab::Connection;

constexpr int signalled = 128;  // as shells say it

/// Copies, because what is sent is closed.
std::vector<net::Fd> own_streams() {
  std::vector<net::Fd> streams;
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
    streams.emplace_back(copy >= 0 ? copy : ::open("/dev/null", O_RDWR | O_CLOEXEC));
  }
  return streams;
}

/// One program inside, from its start to its end.
class Execution {
 public:
  Execution(boost::asio::io_context& io, std::shared_ptr<Connection> connection)
      : io_(io), connection_(std::move(connection)), signals_(io, SIGINT, SIGTERM) {}

  Result<int> run(const Connection::Program& program) {
    connection_->exec(
        program, own_streams(), [this](const Result<int>& started) { on_started(started); },
        [this](const Result<lab::ProcessEnd>& how) {
          outcome_ = !how ? Result<int>(how.error())
                          : Result<int>(how->signal != 0 ? signalled + how->signal : how->code);
        });
    pass_signals();
    while (!outcome_ && io_.run_one() > 0) {
    }
    return *outcome_;
  }

 private:
  void on_started(const Result<int>& started) {
    if (!started) {
      outcome_ = started.error();
      return;
    }
    exec_ = *started;
    if (early_signal_ != 0) {
      connection_->signal(exec_, early_signal_);
    }
  }

  void pass_signals() {
    signals_.async_wait([this](boost::system::error_code failed, int number) {
      if (failed) {
        return;
      }
      if (exec_ != 0) {
        connection_->signal(exec_, number);
      } else {
        early_signal_ = number;
      }
      pass_signals();
    });
  }

  boost::asio::io_context& io_;
  std::shared_ptr<Connection> connection_;
  boost::asio::signal_set signals_;
  int exec_ = 0;
  int early_signal_ = 0;
  std::optional<Result<int>> outcome_;
};

}  // namespace

int lab_exec(const Context& context, const std::string& host,
             const std::vector<std::string>& argv) {
  const auto status = lab::ask(context.home, "status");
  if (!status) {
    return report(status.error());
  }
  const auto profile = lab::profile(status->at("profile").get<std::string>());
  if (const auto known = find_host(lab::make_topology(profile.value()), host); !known) {
    return report(known.error());
  }
  boost::asio::io_context io;
  auto connection = Connection::open(io.get_executor(), context.home);
  if (!connection) {
    return report(connection.error());
  }
  std::map<std::string, std::string> env;
  if (const char* terminal = std::getenv("TERM")) {
    env["TERM"] = terminal;
  }
  const auto code = Execution(io, std::move(*connection)).run({host, argv, env});
  return code ? *code : report(code.error());
}

}  // namespace faultline::cli
