#include "targets/lab/services/flows.hpp"

#include "targets/lab/services/sink.hpp"
#include "tests/net/loopback.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

using namespace faultline;
using namespace faultline::services;
using namespace std::chrono_literals;
using faultline::net::Listener;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using Json = nlohmann::json;

namespace {

/// A child of the test that runs `body` with its output in a pipe; killed at the end.
class Child {
 public:
  explicit Child(const std::function<int()>& body) {
    int pipe[2]{};
    EXPECT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(pipe[1], STDOUT_FILENO);
      ::dup2(pipe[1], STDERR_FILENO);
      ::_exit(body());
    }
    ::close(pipe[1]);
    output_.reset(pipe[0]);
  }
  ~Child() { end(SIGKILL); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  std::string line() {
    std::string text;
    for (char c = 0; ::read(output_.get(), &c, 1) == 1 && c != '\n';) {
      text += c;
    }
    return text;
  }
  /// Exit code, or minus the signal that ended it.
  int end(int signal) {
    if (pid_ <= 0) {
      return 0;
    }
    int status = 0;
    if (signal != 0) {
      ::kill(pid_, signal);
    }
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = 0;
  net::Fd output_;
};

int flows(const std::string& to, int count) {
  return flows_main(std::vector<std::string>{"--to", to, "--flows", std::to_string(count)});
}

bool closed_within(const net::Fd& connection, int ms) {
  pollfd end{connection.get(), POLLIN, 0};
  char byte = 0;
  return ::poll(&end, 1, ms) == 1 && ::recv(connection.get(), &byte, 1, 0) <= 0;
}

/// The count after the first round, with limits that suit a test.
FlowCount first_round(const net::Endpoint& to, int count) {
  struct Enough {
    FlowCount count;
  };
  try {
    hold_flows(to, count, {64, 200ms, 2s, 50ms},
               [](const FlowCount& tried) { throw Enough{tried}; });
  } catch (const Enough& enough) {
    return enough.count;
  }
  return {};
}

}  // namespace

TEST(Flows, AreRealConnectionsThatCloseWhenTheHolderIsKilled) {
  const Listener listener;
  std::vector<net::Fd> accepted;
  {
    Child holder([&] { return flows(listener.name(), 300); });
    EXPECT_EQ(Json::parse(holder.line()), (Json{{"held", 300}, {"failed", 0}}));
    for (int i = 0; i < 300; ++i) {
      accepted.push_back(listener.accept());
      ASSERT_TRUE(accepted.back());
    }
    EXPECT_FALSE(closed_within(accepted.front(), 0));
    EXPECT_EQ(holder.end(SIGKILL), -SIGKILL);
  }
  for (const auto& connection : accepted) {
    EXPECT_TRUE(closed_within(connection, 2'000));
  }
}

TEST(Flows, OfOneCommandAreSpreadOverProcessesWhereDescriptorsAreFew) {
  const Listener listener;
  const auto with_few_descriptors = [&] {
    const rlimit few{164, 164};
    ::setrlimit(RLIMIT_NOFILE, &few);
    return flows(listener.name(), 250);  // 100 each, so three processes
  };
  Child holder(with_few_descriptors);
  EXPECT_EQ(Json::parse(holder.line()), (Json{{"held", 250}, {"failed", 0}}));
  const auto connection = listener.accept();
  EXPECT_EQ(holder.end(SIGTERM), -SIGTERM);
  EXPECT_TRUE(closed_within(connection, 2'000));
}

TEST(Flows, ThatEndedAreOpenedAgain) {
  const Listener listener;
  Child holder([&] {
    hold_flows(listener.at(), 1, {64, 200ms, 2s, 50ms}, [](const FlowCount&) {});
    return 1;
  });
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(listener.accept()) << "attempt " << i;  // and closed at once
  }
}

TEST(Flows, ThatFailSayWhy) {
  const auto refused = first_round(net::free_port(), 5);
  EXPECT_EQ(refused.held, 0);
  EXPECT_EQ(refused.failed, 5);
  EXPECT_THAT(refused.why, ElementsAre(Pair("refused", 5)));

  const Listener full(0);  // its queue takes one; a SYN to a full queue is dropped
  const auto dropped = first_round(full.at(), 20);
  EXPECT_EQ(dropped.held + dropped.failed, 20);
  EXPECT_GE(dropped.failed, 15);
  EXPECT_THAT(dropped.why, ElementsAre(Pair("no answer", dropped.failed)));
}

TEST(Flows, WithoutALocalPortSaySo) {
  Child alone([] {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
      return 77;
    }
    ifreq loopback{};
    const net::Fd any(::socket(AF_INET, SOCK_DGRAM, 0));
    std::snprintf(loopback.ifr_name, sizeof loopback.ifr_name, "lo");
    loopback.ifr_flags = IFF_UP;
    std::ofstream range("/proc/sys/net/ipv4/ip_local_port_range");
    if (::ioctl(any.get(), SIOCSIFFLAGS, &loopback) != 0 || !(range << "40000 40009\n").flush()) {
      return 77;
    }
    const Listener listener;
    const auto count = first_round(listener.at(), 15);
    std::fputs((count.to_json() + "\n").c_str(), stdout);
    std::fflush(stdout);
    return 0;
  });
  const auto said = alone.line();
  ASSERT_EQ(alone.end(0), 0) << "this machine forbids network namespaces, and so a lab";
  const auto count = Json::parse(said);
  EXPECT_LE(count["held"], 10);  // the listener may have one of the ten
  EXPECT_EQ(count["why"]["no local port"], count["failed"]);
}

TEST(Flows, OfGivenPortsAreAsManyAsTheseAndPassOverWhatIsTaken) {
  const Listener listener;
  struct Enough {
    FlowCount count;
  };
  FlowLimits limits{64, 200ms, 2s, 50ms};
  limits.first_port = 61'000;  // the kernel's own choice ends below
  limits.ports = 40;
  const auto while_they_are_held = [&](const FlowCount& first) {
    EXPECT_EQ(first.held, 30);
    hold_flows(listener.at(), 20, limits, [](const FlowCount& second) { throw Enough{second}; });
  };
  try {
    hold_flows(listener.at(), 30, limits, while_they_are_held);
  } catch (const Enough& enough) {
    EXPECT_EQ(enough.count.held, 10);
    EXPECT_THAT(enough.count.why, ElementsAre(Pair("no local port", 10)));
  }
  sockaddr_in peer{};
  ASSERT_TRUE(listener.accept(&peer));
  EXPECT_EQ(ntohs(peer.sin_port), 61'000);
}

TEST(Flows, GoToLoopbackOrInsideALabOnly) {
  Child holder([] { return flows("198.51.100.10:8080", 1); });
  EXPECT_THAT(holder.line(), HasSubstr("inside a lab only"));
  EXPECT_EQ(holder.end(0), 1);
  Child sink([] {
    return sink_main(std::vector<std::string>{"--listen", "0.0.0.0:9000", "--processes", "1"});
  });
  EXPECT_THAT(sink.line(), HasSubstr("inside a lab only"));
  EXPECT_EQ(sink.end(0), 1);
}

TEST(Flows, AddUpOverProcesses) {
  FlowCount all{10, 0, {}};
  all.add(FlowCount{5, 3, {{"no answer", 2}, {"refused", 1}}});
  all.add(FlowCount{0, 1, {{"no answer", 1}}});
  const auto read = FlowCount::parse(all.to_json());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->held, 15);
  EXPECT_EQ(read->failed, 4);
  EXPECT_THAT(read->why, ElementsAre(Pair("no answer", 3), Pair("refused", 1)));
  EXPECT_FALSE(FlowCount::parse(""));
}

TEST(Sink, HoldsWhatComesInSeveralProcessesAndTakesMoreWhenSomeHaveLeft) {
  const auto at = net::to_string(net::free_port());
  Child sink([&] {
    const rlimit few{120, 120};
    ::setrlimit(RLIMIT_NOFILE, &few);
    return sink_main(std::vector<std::string>{"--listen", at, "--processes", "2"});
  });
  EXPECT_EQ(sink.line(), "listening on " + at + " in 2 processes");
  for (int round = 0; round < 2; ++round) {
    Child holder([&] { return flows(at, 150); });  // the queue takes what the processes cannot
    EXPECT_EQ(Json::parse(holder.line()), (Json{{"held", 150}, {"failed", 0}}));
  }
}
