#include "tests/integration/lab_fixture.hpp"

#include <algorithm>
#include <cstdio>

/// Undoing on a real lab: many at once, and what somebody else has changed meanwhile.
namespace faultline::integration {
namespace {

using testing::ElementsAre;

class UndoTest : public LabTargetTest {
 protected:
  static targets::Action cut(const std::string& id) {
    return {id,          "network.cut", {{"zone", "c"}, {"direction", "inbound"}},
            "cut " + id, "heal " + id,  "zone c"};
  }
  static targets::Action on(const std::string& kind, const std::string& component) {
    return {"test.1.0",
            kind,
            {{"component", component}},
            kind + " " + component,
            "undo it at " + component,
            "component " + component};
  }
  Outcome in(const std::string& host, std::vector<std::string> argv) const {
    argv.insert(argv.begin(), {"lab", "exec", host, "--"});
    return home_.run(argv);
  }
  [[nodiscard]] std::string pid_of(const std::string& component) const {
    const json world = status();
    for (const auto& c : world["components"]) {
      if (c["name"] == component) {
        return c["pid"].dump();
      }
    }
    return "";
  }
};

/// The time of each answer in ms, sorted, when all are asked at once.
std::vector<double> times_of(boost::asio::io_context& io, int count,
                             const std::function<void(int, std::function<void()>)>& ask) {
  std::vector<double> times;
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) {
    ask(i, [&times, began] { times.push_back(to_ms(std::chrono::steady_clock::now() - began)); });
  }
  while (times.size() < static_cast<std::size_t>(count)) {
    io.run_one();
  }
  std::ranges::sort(times);
  return times;
}

TEST_F(UndoTest, AHundredRulesAtOnceTakeAFewTransactions) {
  constexpr int count = 100;
  up();
  own();
  std::vector<targets::Action> all;
  for (int i = 0; i < count; ++i) {
    all.push_back(cut("test.1." + std::to_string(i)));
    ASSERT_TRUE(await<void>([&](auto done) { target_->arm(all.back(), epoch_, done); }));
  }
  const auto expect_done = [](const auto& result) { EXPECT_TRUE(result); };
  const auto applied = times_of(io_, count, [&](int i, std::function<void()> answered) {
    target_->apply(all[static_cast<std::size_t>(i)], epoch_, [=](const auto& result) {
      expect_done(result);
      answered();
    });
  });
  const auto reverted = times_of(io_, count, [&](int i, std::function<void()> answered) {
    target_->revert(all[static_cast<std::size_t>(i)], epoch_, [=](const auto& result) {
      expect_done(result);
      answered();
    });
  });
  std::printf(
      "%d rules applied at once: first %.1f ms, last %.1f ms; undone at once: first %.1f "
      "ms, last %.1f ms\n",
      count, applied.front(), applied.back(), reverted.front(), reverted.back());
  EXPECT_LT(reverted.back(), 1000) << "20 to 30 ms on a quiet machine";
  EXPECT_EQ(in("core", {"nft", "list", "ruleset"}).out, "");
}

TEST_F(UndoTest, RulesThatSomebodyChangedAreAConflictAndLeftAlone) {
  up();
  own();
  ASSERT_TRUE(arm_and_apply(cut("test.1.0")));
  ASSERT_EQ(in("core", {"nft", "add", "rule", "inet", "fl_test.1.0", "forward", "accept"}).code, 0);
  const auto conflict = revert(cut("test.1.0"));
  ASSERT_FALSE(conflict);
  EXPECT_EQ(conflict.error().kind, ErrorKind::conflict);
  EXPECT_THAT(conflict.error().message, HasSubstr("1 chain, 1 rule"));
  EXPECT_THAT(conflict.error().message, HasSubstr("1 chain, 2 rules"));
  EXPECT_THAT(in("core", {"nft", "list", "ruleset"}).out, HasSubstr("fl_test.1.0"));
  ASSERT_EQ(in("core", {"nft", "delete", "table", "inet", "fl_test.1.0"}).code, 0);
  EXPECT_TRUE(revert(cut("test.1.0")));
}

TEST_F(UndoTest, RulesThatSomebodyDeletedAreUndoneAndThatIsTold) {
  up();
  own();
  ASSERT_TRUE(arm_and_apply(cut("test.1.0")));
  ASSERT_EQ(in("core", {"nft", "delete", "table", "inet", "fl_test.1.0"}).code, 0);
  EXPECT_TRUE(revert(cut("test.1.0")));
  EXPECT_THAT(told("action_lifted"),
              ElementsAre("somebody else undid test.1.0: its table inet fl_test.1.0 was gone "
                          "already"));
}

TEST_F(UndoTest, AProcessThatSomebodyContinuedIsUndoneAndThatIsTold) {
  up();
  own();
  const auto stop = on("process.stop", "b-redis");
  ASSERT_TRUE(arm_and_apply(stop));
  ASSERT_EQ(in("b-redis", {"kill", "-CONT", pid_of("b-redis")}).code, 0);
  ASSERT_TRUE(becomes(*target_, [](const targets::World& world) {
    return world.find("b-redis")->state == targets::ProcessState::running;
  }));
  EXPECT_TRUE(revert(stop));
  EXPECT_THAT(told("action_lifted"),
              ElementsAre("somebody else undid test.1.0: b-redis was running already"));
}

TEST_F(UndoTest, AProcessThatSomebodyStartedByHandIsAConflictUntilItEnds) {
  up();
  own();
  const auto kill = on("process.kill", "b-redis");
  ASSERT_TRUE(arm_and_apply(kill));
  auto by_hand = home_.start({"lab", "exec", "b-redis", "--", "redis-server", "--port", "6379",
                              "--bind", "10.0.2.20", "--save", ""});
  ASSERT_TRUE(by_hand->says("Ready to accept connections")) << by_hand->wait().err;
  const auto conflict = revert(kill);
  ASSERT_FALSE(conflict);
  EXPECT_EQ(conflict.error().kind, ErrorKind::conflict);
  EXPECT_THAT(conflict.error().message, HasSubstr("somebody else has started redis-server (pid "));
  by_hand.reset();
  EXPECT_TRUE(becomes(
      *target_, [this, &kill](const targets::World&) { return static_cast<bool>(revert(kill)); }));
  EXPECT_TRUE(becomes(*target_,
                      [](const targets::World& world) { return world.find("b-redis")->healthy; }));
}

/// Says a line at the control socket of a part, as somebody in the lab might.
std::vector<std::string> at_control(const std::string& part, const json& line) {
  return {"perl", "-MIO::Socket::UNIX", "-e",
          "my $s = IO::Socket::UNIX->new(Peer => '/run/faultline/" + part +
              "/control.sock') or die $!; print $s $ARGV[0], \"\\n\"; print scalar <$s>;",
          line.dump()};
}

TEST_F(UndoTest, ALayerOfTheThirdPartyThatSomebodyReplacedIsAConflictAndLeftAlone) {
  up();
  own();
  const targets::Action slow{"test.1.0",
                             "dependency.degrade",
                             {{"dependency", "pay"}, {"mode", "latency"}, {"delay_ms", 200}},
                             "slow",
                             "fast again",
                             "dependency pay"};
  ASSERT_TRUE(arm_and_apply(slow));
  const auto replaced = in("pay", at_control("pay", {{"add", "test.1.0"}, {"mode", "reset"}}));
  ASSERT_THAT(replaced.out, HasSubstr("ok")) << replaced.err;
  const auto conflict = revert(slow);
  ASSERT_FALSE(conflict);
  EXPECT_EQ(conflict.error().kind, ErrorKind::conflict);
  EXPECT_THAT(conflict.error().message, HasSubstr("reset"));
  in("pay", at_control("pay", {{"remove", "test.1.0"}}));
  EXPECT_TRUE(revert(slow));
}

TEST_F(UndoTest, AnAnnouncementThatSomebodyWithdrewIsUndoneAndThatIsTold) {
  up();
  own();
  const targets::Action reclaim{"test.1.0",
                                "spot.reclaim",
                                {{"component", "b-spot"},
                                 {"notice_ms", 60'000},
                                 {"grace_ms", 1000},
                                 {"replace_after_ms", nullptr}},
                                "reclaim",
                                "withdraw",
                                "component b-spot"};
  ASSERT_TRUE(arm_and_apply(reclaim));
  in("control", at_control("metadata", {{"withdraw", "test.1.0"}}));
  EXPECT_TRUE(revert(reclaim));
  EXPECT_THAT(told("action_lifted"),
              ElementsAre("somebody else undid test.1.0: metadata had it no more"));
}

TEST_F(UndoTest, FlowsWhoseProgramSomebodyEndedAreUndoneAndThatIsTold) {
  up();
  own();
  const targets::Action hold{
      "test.1.0", "flows.hold", {{"host", "neighbour"}, {"to", "pay"}, {"flows", 10}},
      "hold",     "let go",     "host neighbour"};
  ASSERT_TRUE(arm_and_apply(hold));
  std::string pid = in("neighbour", {"pgrep", "-o", "-f", "faultline-saas flows"}).out;
  pid.resize(pid.find('\n'));
  ASSERT_EQ(in("neighbour", {"kill", "-KILL", pid}).code, 0);
  std::this_thread::sleep_for(1s);  // the supervisor hears of it by itself; an undo may be faster
  EXPECT_TRUE(becomes(*target_, [this, &hold](const targets::World&) {
    return revert(hold) && !told("action_lifted").empty();
  }));
  EXPECT_THAT(told("action_lifted"),
              ElementsAre("somebody else undid test.1.0: the program that held its flows has ended "
                          "(killed by signal 9)"));
}

TEST_F(UndoTest, WhatAFaultCouldTouchIsAsBuiltAndAStrangersRuleIsNot) {
  up();
  own();
  const auto look = [this] {
    std::map<std::string, targets::Invariant> found;
    const auto all =
        await<std::vector<targets::Invariant>>([&](auto done) { target_->invariants(done); });
    for (const auto& invariant : *all) {
      found[invariant.name] = invariant;
    }
    return found;
  };
  const auto before = look();
  const json world = status();
  ASSERT_FALSE(world["hosts"].empty());
  for (const auto& host : world["hosts"]) {
    const auto name = host.get<std::string>();
    EXPECT_EQ(before.at("rules " + name).value, "as built");
    EXPECT_EQ(before.at("routes " + name).value, "as built");
  }
  ASSERT_EQ(in("core", {"nft", "add", "table", "inet", "mine"}).code, 0);
  ASSERT_EQ(in("a-router", {"ip", "route", "del", "default"}).code, 0);
  const auto after = look();
  EXPECT_THAT(after.at("rules core").value, HasSubstr("added inet mine: 0 chains, 0 rules"));
  EXPECT_EQ(after.at("rules core").wanted, "as built");
  EXPECT_EQ(after.at("routes a-router").value, "missing default: via 10.0.101.1 dev core");
  EXPECT_EQ(after.at("routes b-router").value, "as built");
  ASSERT_EQ(in("client", {"ping", "-c", "1", "10.0.0.40"}).code, 0);
  ASSERT_EQ(in("client", {"ping", "-c", "3", "-i", "0.3", "198.51.100.10"}).code, 0);
  EXPECT_THAT(in("client", {"ip", "route", "get", "198.51.100.10"}).out, HasSubstr("<redirected>"))
      << "core has told it of a shorter way";
  EXPECT_EQ(look().at("routes client").value, "as built") << "which the kernel forgets again";
}

}  // namespace
}  // namespace faultline::integration
