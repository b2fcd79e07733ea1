#include "tests/integration/lab_fixture.hpp"

namespace faultline::integration {
namespace {

TEST_F(LabTest, UpReturnsWhenAllIsHealthyAndDownWhenNothingIsLeft) {
  const Outcome started = home_.run({"lab", "up"});
  ASSERT_EQ(started.code, 0) << started.err;
  EXPECT_THAT(started.out, HasSubstr("a-redis"));
  EXPECT_THAT(started.out, HasSubstr("faultline lab down"));
  const json world = status();
  EXPECT_TRUE(world["healthy"]);
  EXPECT_EQ(world["components"].size(), 21u);
  const Inhabitants inhabitants(world["pid"]);
  EXPECT_GE(inhabitants.now().size(), 25u);

  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(home_.run({"lab", "down"}).code, 0);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1s);
  EXPECT_THAT(inhabitants.now(), IsEmpty());
  EXPECT_FALSE(fs::exists(lab::socket_path(home_.path())));
}

TEST_F(LabTest, StatusShowsEveryComponentWithinFiftyMilliseconds) {
  up();
  auto best = std::chrono::steady_clock::duration::max();
  Outcome told;
  for (int round = 0; round < 5; ++round) {  // the machine may be busy; the command is not
    const auto began = std::chrono::steady_clock::now();
    told = home_.run({"lab", "status"});
    best = std::min(best, std::chrono::steady_clock::now() - began);
  }
  EXPECT_LT(best, 50ms);
  for (const auto* text : {"a-redis", "primary", "c-sentinel", "b-spot", "10.0.0.10:80",
                           "profile hardened", "In force: nothing", "Owner: none"}) {
    EXPECT_THAT(told.out, HasSubstr(text));
  }
}

TEST_F(LabTest, WithoutALabEveryCommandSaysHowToStartOne) {
  for (const auto& command :
       std::vector<std::vector<std::string>>{{"lab", "status"},
                                             {"lab", "down"},
                                             {"lab", "logs", "alb"},
                                             {"lab", "forward", "alb:80"},
                                             {"lab", "exec", "alb", "true"}}) {
    const Outcome told = home_.run(command);
    EXPECT_EQ(told.code, 3) << command[1];
    EXPECT_THAT(told.err, HasSubstr("faultline lab up")) << command[1];
  }
}

TEST_F(LabTest, ASecondUpIsRefused) {
  up();
  const Outcome again = home_.run({"lab", "up"});
  EXPECT_EQ(again.code, 3);
  EXPECT_THAT(again.err, HasSubstr("is up already"));
  EXPECT_TRUE(status()["healthy"]);
}

TEST_F(LabTest, AnUnknownProfileIsFoundBeforeAnythingStarts) {
  const Outcome told = home_.run({"lab", "up", "--profile", "hardend"});
  EXPECT_EQ(told.code, 2);
  EXPECT_THAT(told.err, HasSubstr("did you mean 'hardened'?"));
  EXPECT_FALSE(fs::exists(lab::socket_path(home_.path())));
}

TEST_F(LabTest, ForbiddenUserNamespacesAreNamedWithTheirRemedyByDoctorAndByUp) {
  // In a user namespace of its own the machine's setting can be tried without changing the machine.
  const auto forbidden = [this](const std::string& command) {
    return Program({"unshare", "-Ur", "sh", "-c",
                    "echo 0 > /proc/sys/user/max_user_namespaces && exec " + program("faultline") +
                        " " + command},
                   home_.environment())
        .wait();
  };
  const Outcome doctor = forbidden("doctor");
  EXPECT_EQ(doctor.code, 3);
  EXPECT_THAT(doctor.out, HasSubstr("user.max_user_namespaces=0"));
  EXPECT_THAT(doctor.out, HasSubstr("sudo sysctl -w user.max_user_namespaces=15000"));
  const Outcome up = forbidden("lab up");
  EXPECT_NE(up.code, 0);
  EXPECT_THAT(up.err, HasSubstr("user.max_user_namespaces=0"));
  EXPECT_THAT(up.err, HasSubstr("sudo sysctl -w user.max_user_namespaces=15000"));
}

TEST_F(LabTest, DoctorFindsAMachineThatCanRunALab) {
  const Outcome doctor = home_.run({"doctor"});
  EXPECT_EQ(doctor.code, 0) << doctor.out;
  for (const auto* what :
       {"user namespaces", "nftables in a namespace", "haproxy", "socket path"}) {
    EXPECT_THAT(doctor.out, HasSubstr(what));
  }
}

TEST_F(LabTest, ExecRunsAtAHostWithTheCallersStreamsAndExitCode) {
  up();
  const Outcome echoed = home_.run(
      {"lab", "exec", "a-redis", "--", "sh", "-c", "cat; hostname -I >&2; exit 7"}, "hello");
  EXPECT_EQ(echoed.code, 7);
  EXPECT_EQ(echoed.out, "hello");
  EXPECT_EQ(home_.run({"lab", "exec", "client", "--", "sh", "-c", "kill -9 $$"}).code, 137);
  const Outcome addresses = home_.run({"lab", "exec", "a-redis", "--", "ip", "-br", "addr"});
  EXPECT_THAT(addresses.out, HasSubstr("10.0.1.20"));
}

TEST_F(LabTest, ExecPassesSignalsOn) {
  up();
  const auto program = home_.start({"lab", "exec", "client", "--", "sh", "-c",
                                    "trap 'exit 9' INT; echo on; while :; do sleep 0.1; done"});
  ASSERT_TRUE(program->says("on"));
  program->signal(SIGINT);
  EXPECT_EQ(program->wait().code, 9);
}

TEST_F(LabTest, WhatWasStartedEndsWithTheClientThatIsKilled) {
  up();
  const Inhabitants inhabitants(supervisor());
  const auto before = inhabitants.now().size();
  {
    const auto program =
        home_.start({"lab", "exec", "client", "--", "sh", "-c", "echo on; exec sleep 60"});
    ASSERT_TRUE(program->says("on"));
    EXPECT_EQ(inhabitants.now().size(), before + 1);
  }
  for (int round = 0; round < 200 && inhabitants.now().size() > before; ++round) {
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(inhabitants.now().size(), before);
}

TEST_F(LabTest, AMisspeltHostIsAnsweredWithTheNearest) {
  up();
  for (const auto& command :
       std::vector<std::vector<std::string>>{{"lab", "exec", "a-redi", "true"},
                                             {"lab", "forward", "a-redi:80"},
                                             {"lab", "logs", "a-redi"}}) {
    const Outcome told = home_.run(command);
    EXPECT_EQ(told.code, 2) << command[1];
    EXPECT_THAT(told.err, HasSubstr("did you mean 'a-redis'?")) << command[1];
  }
  EXPECT_EQ(home_.run({"lab", "forward", "alb"}).code, 2);
}

TEST_F(LabTest, LogsOfAHostAreThoseOfItsComponents) {
  up();
  const Outcome both = home_.run({"lab", "logs", "a-redis"});
  EXPECT_THAT(both.out, HasSubstr("==> a-redis <=="));
  EXPECT_THAT(both.out, HasSubstr("==> a-sentinel <=="));
  const auto following = home_.start({"lab", "logs", "a-sentinel", "-f"});
  EXPECT_TRUE(following->says("Sentinel"));
}

/// One HTTP request on a connection of its own; the whole answer.
std::string get(int port, const std::string& path) {
  const net::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return "";
  }
  const std::string request =
      "GET " + path + " HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";
  [[maybe_unused]] const auto sent = ::send(socket.get(), request.data(), request.size(), 0);
  std::string answer;
  std::array<char, 4096> block{};
  for (ssize_t n = 0; (n = ::recv(socket.get(), block.data(), block.size(), 0)) > 0;) {
    answer.append(block.data(), static_cast<std::size_t>(n));
  }
  return answer;
}

TEST_F(LabTest, ForwardCarriesConnectionsFromLoopbackUntilInterrupted) {
  up();
  const auto forward = home_.start({"lab", "forward", "alb:80"});
  ASSERT_TRUE(forward->says("leads to alb (10.0.0.10:80)"));
  const int port = std::stoi(forward->out().substr(forward->out().find(':') + 1));
  for (int round = 0; round < 20; ++round) {
    EXPECT_THAT(get(port, "/health"), HasSubstr("HTTP/1.1 200"));
  }
  forward->signal(SIGINT);
  EXPECT_EQ(forward->wait().code, 0);
  EXPECT_EQ(get(port, "/health"), "");
}

TEST_F(LabTest, ForwardSaysWhenItsLabIsGone) {
  up();
  const auto forward = home_.start({"lab", "forward", "alb:80"});
  ASSERT_TRUE(forward->says("leads to"));
  EXPECT_EQ(home_.run({"lab", "down"}).code, 0);
  const Outcome ended = forward->wait();
  EXPECT_EQ(ended.code, 3);
  EXPECT_THAT(ended.err, HasSubstr("the lab is gone"));
}

TEST_F(LabTest, NothingSurvivesItsSupervisor) {
  up();
  const int pid = supervisor();
  const Inhabitants inhabitants(pid);
  ::kill(pid, SIGKILL);
  EXPECT_THAT(inhabitants.left_after(2s), IsEmpty());
  EXPECT_EQ(home_.run({"lab", "status"}).code, 3);
  up();
  EXPECT_TRUE(status()["healthy"]);
}

TEST_F(LabTest, AnUpThatIsInterruptedLeavesNothing) {
  const auto starting = home_.start({"lab", "up"});
  ASSERT_TRUE(starting->says("network"));
  starting->signal(SIGINT);
  EXPECT_EQ(starting->wait().code, 130);
  up();
}

TEST_F(LabTest, LabsOfDifferentHomesStandSideBySide) {
  const TemporaryHome other;
  up();
  ASSERT_EQ(other.run({"lab", "up", "--profile", "naive"}).code, 0);
  EXPECT_EQ(home_.run({"lab", "down"}).code, 0);
  EXPECT_THAT(other.run({"lab", "status"}).out, HasSubstr("profile naive"));
}

TEST_F(LabTest, APrivateLabDiesWithItsOwner) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const pid_t owner = ::fork();
  if (owner == 0) {
    lab::LaunchOptions options;
    options.home = home_.path();
    options.profile = "hardened";
    options.private_lab = true;
    options.program = FAULTLINE_BINARY_DIR "/faultline";
    const auto launched = lab::launch(options);
    [[maybe_unused]] const auto written = ::write(pipe[1], launched ? "1" : "0", 1);
    ::pause();
    ::_exit(0);
  }
  char ready = '0';
  ASSERT_EQ(::read(pipe[0], &ready, 1), 1);
  EXPECT_EQ(ready, '1');
  const Inhabitants inhabitants(supervisor());
  ::kill(owner, SIGKILL);
  ::waitpid(owner, nullptr, 0);
  EXPECT_THAT(inhabitants.left_after(2s), IsEmpty());
  ::close(pipe[0]);
  ::close(pipe[1]);
}

}  // namespace
}  // namespace faultline::integration
