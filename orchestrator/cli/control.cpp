#include "orchestrator/cli/control.hpp"

#include "targets/say.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <list>
#include <sstream>

namespace faultline::cli {
namespace fs = std::filesystem;
using Local = boost::asio::local::stream_protocol;

namespace {
constexpr std::size_t max_request_bytes = 4096;                // "abort <reason>"
constexpr std::size_t max_answer_bytes = 65536;                // "over <exit code> <reason>"
constexpr std::size_t max_callers = 16;                        // people who press the button
constexpr auto first_answer_within = std::chrono::seconds(3);  // a run's loop never waits so long
constexpr auto over_within = std::chrono::minutes(2);          // 30 s to settle, 30 s to read back
}  // namespace

struct ControlSocket::State : std::enable_shared_from_this<State> {
  struct Caller {
    explicit Caller(Local::socket s) : socket(std::move(s)), buffer(max_request_bytes) {}
    Local::socket socket;  // stays open until the run is over, and is told how it ended
    boost::asio::streambuf buffer;
    bool told = false;
  };

  State(boost::asio::io_context& io, std::function<void(const std::string&)> on_abort_)
      : acceptor(io), on_abort(std::move(on_abort_)) {}

  void accept() {
    acceptor.async_accept(
        [self = shared_from_this()](boost::system::error_code error, Local::socket s) {
          if (error || !self->acceptor.is_open()) {
            return;
          }
          if (self->callers.size() < max_callers) {
            self->listen_to(self->callers.emplace_back(std::move(s)));
          }
          self->accept();
        });
  }

  void listen_to(Caller& caller) {
    boost::asio::async_read_until(
        caller.socket, caller.buffer, '\n',
        [self = shared_from_this(), &caller](boost::system::error_code error, std::size_t) {
          if (!self->acceptor.is_open()) {
            return;  // the run is over, and `caller` is gone
          }
          std::istream in(&caller.buffer);
          std::string word, reason;
          in >> word >> std::ws;
          std::getline(in, reason);
          if (error || word != "abort") {
            self->callers.remove_if([&](const Caller& c) { return &c == &caller; });
            return;
          }
          caller.told = true;
          boost::system::error_code ignored;
          boost::asio::write(caller.socket, boost::asio::buffer("stopping\n", 9), ignored);
          self->on_abort(reason);
        });
  }

  Local::acceptor acceptor;
  std::function<void(const std::string&)> on_abort;
  std::list<Caller> callers;
  fs::path path;
};

ControlSocket::ControlSocket(boost::asio::io_context& io, const fs::path& home,
                             const std::string& run,
                             std::function<void(const std::string& reason)> on_abort)
    : state_(std::make_shared<State>(io, std::move(on_abort))) {
  std::error_code ignored;
  fs::create_directories(home / "control", ignored);
  state_->path = home / "control" / (run + ".sock");
  fs::remove(state_->path, ignored);
  try {
    state_->acceptor.open();
    state_->acceptor.bind(Local::endpoint(state_->path.string()));
    state_->acceptor.listen();
    state_->accept();
  } catch (const boost::system::system_error& error) {
    say(stderr, "faultline: `faultline abort` will not reach this run: {}: {}\n",
        state_->path.string(), error.code().message());
  }
}

ControlSocket::~ControlSocket() {
  boost::system::error_code ignored;
  state_->acceptor.close(ignored);
  for (auto& caller : state_->callers) {
    caller.socket.close(ignored);
  }
  state_->callers.clear();
  std::error_code error;
  fs::remove(state_->path, error);
}

void ControlSocket::over(int exit_code, const std::string& reason) {
  boost::system::error_code ignored;
  const auto line = fmt::format("over {} {}\n", exit_code, reason);
  for (auto& caller : state_->callers) {
    if (caller.told) {
      boost::asio::write(caller.socket, boost::asio::buffer(line), ignored);
    }
  }
}

namespace {

/// A run that was told to stop, and what it has said.
struct Told {
  Told(boost::asio::io_context& io, std::string run) : socket(io) { said.run = std::move(run); }

  void listen() {
    if (said.exit_code) {
      return;
    }
    boost::asio::async_read_until(socket, boost::asio::dynamic_buffer(text, max_answer_bytes), '\n',
                                  [this](boost::system::error_code error, std::size_t bytes) {
                                    if (!error) {
                                      take(text.substr(0, bytes - 1));
                                      text.erase(0, bytes);
                                      listen();
                                    }
                                  });
  }
  void take(const std::string& line) {
    heard = true;
    std::istringstream in(line);
    std::string word;
    int code = 0;
    if (in >> word >> code && word == "over") {
      said.exit_code = code;
      std::getline(in >> std::ws, said.words);
    }
  }

  Local::socket socket;
  std::string text;
  bool heard = false;
  Aborted said;
};

}  // namespace

std::vector<Aborted> abort_runs(const fs::path& home, const std::string& run,
                                const std::string& reason) {
  boost::asio::io_context io;
  std::list<Told> all;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(home / "control", missing)) {
    const auto id = entry.path().stem().string();
    if (entry.path().extension() != ".sock" || !id.starts_with(run)) {
      continue;
    }
    auto& told = all.emplace_back(io, id);
    boost::system::error_code error;
    told.socket.connect(Local::endpoint(entry.path().string()), error);
    if (error) {
      fs::remove(entry.path(), missing);  // its run is gone
      all.pop_back();
      continue;
    }
    boost::asio::write(told.socket, boost::asio::buffer("abort " + reason + "\n"), error);
    told.listen();
  }
  io.run_for(first_answer_within);
  for (auto& told : all) {
    if (!told.heard) {
      told.said.words =
          "does not answer: its process is stopped or hangs; what it holds is reverted by its "
          "guard, or by `faultline recover`";
      boost::system::error_code ignored;
      told.socket.close(ignored);
    }
  }
  io.run_for(over_within);
  std::vector<Aborted> said;
  for (auto& told : all) {
    if (!told.said.exit_code && told.said.words.empty()) {
      told.said.words = "ended without saying that it is over; see `faultline recover`";
    }
    said.push_back(std::move(told.said));
  }
  return said;
}

}  // namespace faultline::cli
