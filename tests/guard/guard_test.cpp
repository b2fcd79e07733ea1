#include "orchestrator/guard/guard.hpp"

#include "orchestrator/store/journal.hpp"
#include "targets/lab/launch.hpp"
#include "targets/net/fd.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

/// A guard as a process, and those that speak to it.
namespace faultline::guard {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

sockaddr_un address_of(const fs::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.string().copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

net::Fd unix_socket() {
  return net::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

bool is_ready(const net::Fd& fd, std::chrono::milliseconds within) {
  pollfd wait{fd.get(), POLLIN, 0};
  return ::poll(&wait, 1, static_cast<int>(within.count())) == 1;
}

/// An environment that takes every question and answers none.
class SilentLab {
 public:
  explicit SilentLab(const fs::path& home) {
    fs::create_directory(lab::socket_path(home).parent_path());
    const auto address = address_of(lab::socket_path(home));
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::bind(listening_.get(), generic, sizeof address) != 0 ||
        ::listen(listening_.get(), SOMAXCONN) != 0) {
      throw std::runtime_error("cannot listen");
    }
  }
  [[nodiscard]] bool is_asked() const { return is_ready(listening_, 10s); }

 private:
  net::Fd listening_ = unix_socket();
};

/// An orchestrator, as its guard hears it. It dies when it is dropped.
class Voice {
 public:
  explicit Voice(const fs::path& home) {
    const auto address = address_of(socket_path(home));
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    const auto until = std::chrono::steady_clock::now() + 10s;  // a guard starts in some 30 ms
    while (::connect(socket_.get(), generic, sizeof address) != 0) {
      if (std::chrono::steady_clock::now() > until) {
        throw std::runtime_error("no guard listens");
      }
      std::this_thread::sleep_for(5ms);
    }
  }
  std::string attach(const fs::path& journal) {
    const auto line = "attach " + journal.string() + "\n";
    (void)::send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL);
    std::array<char, 64> answer{};
    constexpr auto limit = 2s;  // half a lab's: whoever waits for one first has not heard of it
    const auto n =
        is_ready(socket_, limit) ? ::recv(socket_.get(), answer.data(), answer.size(), 0) : 0;
    return {answer.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0))};
  }

 private:
  net::Fd socket_ = unix_socket();
};

class GuardProcess : public testing::Test {
 protected:
  GuardProcess() {
    std::string name = "/tmp/guard-XXXXXX";  // short enough for a socket
    home_ = ::mkdtemp(name.data());
    fs::create_directory(home_ / "journal");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(::open("/dev/null", O_WRONLY), STDERR_FILENO);  // where a guard says what it does
      ::_exit(guard_main(home_));
    }
  }
  ~GuardProcess() override {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    fs::remove_all(home_);
  }
  /// The journal of a run with one fault in force in the home's lab.
  [[nodiscard]] fs::path left_open() const {
    const auto file = home_ / "journal" / "1.journal";
    std::ofstream(file, std::ios::binary)
        << store::magic
        << *store::encode(
               {{"type", "intended"},
                {"fault", "r1.f0"},
                {"kind", "zone_loss"},
                {"run", "r1"},
                {"epoch", 7},
                {"target", {{"target", "lab"}, {"home", home_.string()}, {"instance", "1"}}},
                {"actions", store::Json::array()},
                {"before", store::Json::object()},
                {"may_move", store::Json::array()},
                {"resources", {"zone b"}}});
    return file;
  }

  fs::path home_;
  pid_t pid_ = 0;
};

TEST_F(GuardProcess, AnEnvironmentThatDoesNotAnswerKeepsItFromNobodyElse) {
  const SilentLab lab(home_);
  {
    Voice dies(home_);
    ASSERT_EQ(dies.attach(left_open()), "ok\n");
  }
  ASSERT_TRUE(lab.is_asked()) << "the guard is at work on what the first has left";
  EXPECT_EQ(Voice(home_).attach(home_ / "journal" / "2.journal"), "ok\n");
}

}  // namespace
}  // namespace faultline::guard
