#include "orchestrator/cli/control.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <list>
namespace faultline::cli {
namespace fs = std::filesystem;
using Local = boost::asio::local::stream_protocol;

namespace {
constexpr std::size_t max_request_bytes = 4096;  // "abort <reason>"
constexpr std::size_t max_callers = 16;          // people who press the button
}  // namespace

struct ControlSocket::State : std::enable_shared_from_this<State> {
  struct Caller {
    explicit Caller(Local::socket s) : socket(std::move(s)), buffer(max_request_bytes) {}
    Local::socket socket;  // stays open until the run is over, and then gets one byte
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
    fmt::print(stderr, "faultline: `faultline abort` will not reach this run: {}: {}\n",
               state_->path.string(), error.code().message());
  }
}

ControlSocket::~ControlSocket() {
  boost::system::error_code ignored;
  state_->acceptor.close(ignored);
  for (auto& caller : state_->callers) {
    if (caller.told) {
      boost::asio::write(caller.socket, boost::asio::buffer("!", 1), ignored);
    }
    caller.socket.close(ignored);
  }
  state_->callers.clear();
  std::error_code error;
  fs::remove(state_->path, error);
}

Result<int> abort_runs(const fs::path& home, const std::string& run, const std::string& reason) {
  boost::asio::io_context io;
  std::list<Local::socket> told;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(home / "control", missing)) {
    if (entry.path().extension() != ".sock" || (!run.empty() && entry.path().stem() != run)) {
      continue;
    }
    Local::socket socket(io);
    boost::system::error_code error;
    socket.connect(Local::endpoint(entry.path().string()), error);
    if (error) {
      fs::remove(entry.path(), missing);  // its run is gone
      continue;
    }
    boost::asio::write(socket, boost::asio::buffer("abort " + reason + "\n"), error);
    told.push_back(std::move(socket));
  }
  int over = 0;
  for (auto& socket : told) {
    char answer = 0;
    boost::system::error_code end;
    over += boost::asio::read(socket, boost::asio::buffer(&answer, 1), end) == 1 ? 1 : 0;
  }
  if (over < static_cast<int>(told.size())) {
    return Error{ErrorKind::io,
                 "a run ended without saying that it is over; see `faultline recover`"};
  }
  return over;
}

}  // namespace faultline::cli
