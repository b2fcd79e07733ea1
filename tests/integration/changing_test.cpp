#include "tests/integration/lab_fixture.hpp"

/// An environment that others change, replace or take away while a fault is in force: the reverts
/// end all the same, the record tells what happened, and nothing of it is a pass.
namespace faultline::integration {
namespace {

class ChangingTest : public LabTest {
 protected:
  /// Starts a fault, and returns when its effect is proved.
  [[nodiscard]] std::unique_ptr<Program> hold(std::vector<std::string> fault,
                                              const std::string& how_long) const {
    fault.insert(fault.begin(), "inject");
    fault.insert(fault.end(), {"--for", how_long});
    auto program = home_.start(fault);
    EXPECT_TRUE(program->says("effect_proved")) << program->wait().err;
    return program;
  }
  Outcome in(const std::string& host, std::vector<std::string> argv) const {
    argv.insert(argv.begin(), {"lab", "exec", host, "--"});
    return home_.run(argv);
  }
  void expect_nothing_to_recover() const {
    const Outcome next = home_.run({"recover"});
    EXPECT_EQ(next.code, 0) << next.err;
    EXPECT_THAT(home_.run({"recover"}).out, HasSubstr("nothing to recover"));
  }
};

TEST_F(ChangingTest, AProcessThatSomebodyContinuedMakesTheRunProveNothing) {
  up();
  const auto run = hold({"redis_failover", "cache=sessions", "mode=hang"}, "4s");
  const json world = status();
  for (const auto& c : world["components"]) {
    if (c["name"] == "a-redis") {
      ASSERT_EQ(in("a-redis", {"kill", "-CONT", c["pid"].dump()}).code, 0);
    }
  }
  const Outcome ended = run->wait();
  EXPECT_EQ(ended.code, 3) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("a-redis was running already"));
  EXPECT_THAT(ended.err, HasSubstr("nothing left behind"));
  expect_nothing_to_recover();
}

TEST_F(ChangingTest, AProcessThatSomebodyStartedByHandIsResidueUntilItEnds) {
  up();
  const auto run = hold({"redis_failover", "cache=sessions"}, "4s");
  auto by_hand = home_.start({"lab", "exec", "a-redis", "--", "redis-server", "--port", "6379",
                              "--bind", "10.0.1.20", "--save", ""});
  ASSERT_TRUE(by_hand->says("Ready to accept connections")) << by_hand->wait().err;
  const Outcome ended = run->wait();
  EXPECT_EQ(ended.code, 5) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("somebody else has started redis-server"));
  by_hand.reset();
  const Outcome recovered = home_.run({"recover"});
  EXPECT_EQ(recovered.code, 0) << recovered.err;
  EXPECT_TRUE(status()["in_force"].empty());
}

TEST_F(ChangingTest, ADatabaseServerThatSomebodyKilledMakesTheRunProveNothing) {
  up();
  const auto run = hold({"redis_failover", "cache=sessions"}, "4s");
  const json world = status();
  for (const auto& c : world["components"]) {
    if (c["name"] == "c-db") {  // its machine, whose only child is the server
      ASSERT_EQ(in("c-db", {"pkill", "-KILL", "-P", c["pid"].dump()}).code, 0);
    }
  }
  const Outcome ended = run->wait();
  EXPECT_EQ(ended.code, 3) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("c-db died, and no fault did it"));
  EXPECT_THAT(ended.err, HasSubstr("nothing left behind"));
  expect_nothing_to_recover();
}

TEST_F(ChangingTest, ALabThatIsTakenDownTakesTheFaultWithIt) {
  up();
  const auto run = hold({"az_partition", "zone=b"}, "60s");
  ASSERT_EQ(home_.run({"lab", "down", "--force"}).code, 0);
  const Outcome ended = run->wait();
  EXPECT_EQ(ended.code, 3) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("the lab is gone, and everything in it"));
  expect_nothing_to_recover();
}

TEST_F(ChangingTest, ALabWhoseSupervisorIsKilledTakesTheFaultWithIt) {
  up();
  const auto run = hold({"redis_failover", "cache=sessions"}, "60s");
  ::kill(supervisor(), SIGKILL);
  const Outcome ended = run->wait();
  EXPECT_EQ(ended.code, 3) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("the lab is gone, and everything in it"));
  expect_nothing_to_recover();
  up();
  EXPECT_EQ(home_.run({"inject", "az_partition", "zone=b", "--for", "1s"}).code, 0)
      << "the next lab is as good as any";
}

TEST_F(ChangingTest, ALabWhoseSocketSomebodyRemovedIsOutOfReachAndNotGone) {
  up();
  const auto run = hold({"az_partition", "zone=b"}, "60s");
  const auto lab = supervisor();
  fs::remove(home_.path() / "lab" / "control.sock");
  run->signal(SIGKILL);
  const Outcome next = home_.run({"recover"});
  EXPECT_EQ(next.code, 5) << next.out << next.err;
  EXPECT_THAT(next.out + next.err, HasSubstr("but its supervisor, pid " + std::to_string(lab)));
  ::kill(lab, SIGKILL);
  const auto limit = std::chrono::steady_clock::now() + 10s;  // it has many processes to end
  while (home_.run({"recover"}).code != 0 && std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(100ms);
  }
  expect_nothing_to_recover();
}

TEST_F(ChangingTest, APrivateLabWhoseSupervisorIsKilledToo) {
  const auto run = hold({"az_partition", "zone=b"}, "60s");
  const auto homes = fs::directory_iterator(home_.path() / "private");
  const Outcome told = Program({program("faultline"), "lab", "status", "--json"},
                               {{"FAULTLINE_HOME", homes->path().string()}})
                           .wait();
  const json world = json::parse(told.out, nullptr, false);
  ASSERT_FALSE(world.is_discarded()) << told.err;
  ::kill(world["pid"].get<int>(), SIGKILL);
  const Outcome ended = run->wait();
  EXPECT_EQ(ended.code, 3) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("the lab is gone, and everything in it"));
  expect_nothing_to_recover();
}

TEST_F(ChangingTest, ANodeThatIsReplacedInTheMiddleEndsAsItShould) {
  up();
  const auto run =
      hold({"spot_reclaim", "instances=b-spot", "notice=1s", "grace=1s", "replace_after=1s"}, "2s");
  const Outcome ended = run->wait();
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("nothing left behind"));
}

TEST_F(ChangingTest, TwoOrchestratorsOnOneLabExcludeEachOtherWhateverTheirHome) {
  up();
  const TemporaryHome other;
  fs::create_directories(other.path() / "lab");
  fs::create_symlink(home_.path() / "lab" / "control.sock", other.path() / "lab" / "control.sock");
  const auto run = hold({"az_partition", "zone=b"}, "3s");
  const Outcome second = other.run({"inject", "az_partition", "zone=c", "--for", "1s"});
  EXPECT_EQ(second.code, 3) << second.err;
  EXPECT_THAT(second.err, HasSubstr("the lab is owned by"));
  EXPECT_EQ(run->wait().code, 0);
  EXPECT_EQ(other.run({"inject", "az_partition", "zone=c", "--for", "1s"}).code, 0);
  fs::remove(other.path() / "lab" / "control.sock");
}

}  // namespace
}  // namespace faultline::integration
