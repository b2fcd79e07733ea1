#include "orchestrator/guard/guard.hpp"

#include "orchestrator/guard/guard_life.hpp"
#include "orchestrator/guard/leftovers.hpp"
#include "targets/net/asio_clock.hpp"
#include "targets/net/fd.hpp"
#include "targets/say.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace faultline::guard {
namespace fs = std::filesystem;
using Local = boost::asio::local::stream_protocol;

namespace {

constexpr std::size_t max_line_bytes = 8192;                       // "attach <path>"
constexpr std::size_t max_clients = 256;                           // orchestrators of one home
constexpr Duration accept_pause = std::chrono::milliseconds(100);  // where descriptors are short

/// Carries out what GuardLife decides.
class Guard {
 public:
  Guard(boost::asio::io_context& io, fs::path home)
      : io_(io),
        home_(std::move(home)),
        clock_(io.get_executor()),
        life_(clock_.now()),
        acceptor_(io) {}

  void listen(const fs::path& path) {
    acceptor_.open();
    acceptor_.bind(Local::endpoint(path.string()));
    ::chmod(path.c_str(), S_IRUSR | S_IWUSR);
    acceptor_.listen();
    accept();
    look();
    for (const auto& journal : journals_of(home_)) {
      feed(GuardLife::Found{journal.string()});
    }
  }
  [[nodiscard]] bool over() const { return over_; }

 private:
  struct Client {
    explicit Client(Local::socket s) : socket(std::move(s)), buffer(max_line_bytes) {}
    Local::socket socket;
    boost::asio::streambuf buffer;
  };

  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, Local::socket socket) {
      if (error == boost::asio::error::operation_aborted) {
        return;
      }
      if (!error && clients_.size() < max_clients) {
        const int number = ++last_client_;
        clients_[number] = std::make_shared<Client>(std::move(socket));
        listen_to(number);
      }
      accept_again_ =
          clock_.at(clock_.now() + (error ? accept_pause : Duration{}), [this] { accept(); });
    });
  }

  void listen_to(int number) {
    const auto client = clients_.at(number);
    boost::asio::async_read_until(
        client->socket, client->buffer, '\n',
        [this, number, client](boost::system::error_code error, std::size_t) {
          if (error) {
            clients_.erase(number);
            return feed(GuardLife::Lost{number});
          }
          std::istream in(&client->buffer);
          std::string word, rest;
          in >> word;
          std::getline(in >> std::ws, rest);
          hear(number, word, rest);
          if (clients_.contains(number)) {
            listen_to(number);
          }
        });
  }

  void hear(int number, const std::string& word, const std::string& rest) {
    if (word == "attach") {
      feed(GuardLife::Attached{number, rest});
    } else if (word == "beat") {
      feed(GuardLife::Beat{number});
    } else if (word == "detach") {
      feed(GuardLife::Detached{number});
    }
  }

  void look() {
    timer_ = clock_.at(life_.due(), [this] {
      feed(GuardLife::Tick{});
      look();
    });
  }

  void feed(const GuardLife::Event& event) {
    for (const auto& command : life_.on(event, clock_.now())) {
      std::visit([this](const auto& c) { run(c); }, command);
    }
  }

  void run(const GuardLife::Answer& command) { send(command.client, "ok\n"); }
  void run(const GuardLife::Relieve& command) { send(command.client, "relieved\n"); }
  void run(const GuardLife::Exit&) {
    over_ = true;
    io_.stop();
  }
  void run(const GuardLife::GiveUp& command) {
    log("given up on {}; see `faultline recover`", command.journal);
  }
  void run(const GuardLife::Recover& command) {
    log("putting back what {} left: {}", command.journal,
        command.owner_hangs ? "its orchestrator hangs" : "its orchestrator is gone");
    try {
      threads_[command.journal] = std::jthread([this, command] { put_back_and_tell(command); });
    } catch (const std::system_error& error) {  // tried again, as what fails on the way is
      post_recovered(command.journal, Error{ErrorKind::io, error.what()}, {});
    }
  }

  /// On a thread of its own, because it asks the environment and the history and waits for their
  /// answers, and meanwhile another orchestrator may die.
  void put_back_and_tell(const GuardLife::Recover& command) {
    try {
      const auto found = put_back_here(command);
      post_recovered(command.journal, found, found ? tell(home_ / "history.db", *found) : Told{});
    } catch (const std::exception& error) {  // a bug; the others must still be put back
      post_recovered(command.journal,
                     Error{ErrorKind::io, fmt::format("internal error: {}", error.what())}, {});
    }
  }

  Result<Leftovers> put_back_here(const GuardLife::Recover& command) {
    boost::asio::io_context io;
    net::AsioClock clock(io.get_executor());
    std::optional<Result<Leftovers>> answer;
    put_back(command.journal, command.owner_hangs,
             {.executor = io.get_executor(),
              .clock = clock,
              .who = fmt::format("guard, pid {}", ::getpid())},
             [&answer](const Result<Leftovers>& found) { answer = found; });
    while (!answer && io.run_one() > 0) {
    }
    return answer.value_or(Error{ErrorKind::io, "putting back ended without an answer"});
  }

  void post_recovered(const std::string& journal, Result<Leftovers> found, Told told) {
    boost::asio::post(io_, [this, journal, found = std::move(found), told = std::move(told)] {
      recovered(journal, found, told);
    });
  }

  void recovered(const std::string& journal, const Result<Leftovers>& found, const Told& told) {
    threads_.erase(journal);  // it has said its last word
    if (!found) {
      log("{}", found.error().message);
      return feed(GuardLife::Recovered{journal, false, false});
    }
    for (const auto& line : found->lines) {
      log("{}", line);
    }
    for (const auto& problem : told.problems) {
      log("{}", problem);
    }
    feed(GuardLife::Recovered{journal, found->spent(), found->nothing_open && !found->owned,
                              found->owned});
  }

  /// What an orchestrator does not read in time was not for it any more: it hangs or is gone.
  void send(int number, std::string_view text) {
    if (const auto it = clients_.find(number); it != clients_.end()) {
      (void)::send(it->second->socket.native_handle(), text.data(), text.size(),
                   MSG_DONTWAIT | MSG_NOSIGNAL);
    }
  }

  template <class... Args>
  void log(fmt::format_string<Args...> format, Args&&... args) {
    say(stderr, "{} guard {}: {}\n", rfc3339(clock_.wall()), ::getpid(),
        fmt::format(format, std::forward<Args>(args)...));
  }

  boost::asio::io_context& io_;
  fs::path home_;
  net::AsioClock clock_;
  GuardLife life_;
  Local::acceptor acceptor_;
  std::map<int, std::shared_ptr<Client>> clients_;
  int last_client_ = 0;
  std::unique_ptr<Timer> timer_, accept_again_;
  bool over_ = false;
  std::map<std::string, std::jthread> threads_;  ///< by journal, at most one at work for each
};

}  // namespace

fs::path socket_path(const fs::path& home) {
  return home / "guard.sock";
}

int guard_main(const fs::path& home) {
  const net::Fd lock(
      ::open((home / "guard.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) {
    say(stderr, "faultline: guard: {}: {}\n", (home / "guard.lock").string(), std::strerror(errno));
    return 3;
  }
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return 0;  // there is one
    }
    say(stderr, "faultline: guard: lock {}: {}\n", (home / "guard.lock").string(),
        std::strerror(errno));
    return 3;
  }
  std::error_code ignored;
  fs::remove(socket_path(home), ignored);
  boost::asio::io_context io;
  Guard guard(io, home);
  guard.listen(socket_path(home));
  io.run();
  fs::remove(socket_path(home), ignored);
  return 0;
}

}  // namespace faultline::guard
