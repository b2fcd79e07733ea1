#include "tests/engine/run_fixture.hpp"

/// What the faults of the platform ask of a run: looks before, ends that come by themselves,
/// promises about the baseline, probes of the experiment's own, and what the processes used.
namespace faultline::engine {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const FaultRequest slow{"third_party", {{"dependency", "pay"}}, here};
const FaultRequest reclaim{"spot_reclaim", {{"instances", {"a-spot"}}}, here};

TEST_F(RunTest, AThirdPartyThatIsSlowAlreadyIsNotMadeSlow) {
  target.dependency_slow = true;
  experiment.method = [](Stage& stage) { stage.inject({slow}); };
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("nothing was applied"));
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("it took 900 ms"));
  EXPECT_THAT(target.log, testing::ElementsAre("arm r1.f1.1", "revert r1.f1.1"));
  EXPECT_FALSE(record["faults"][0]["effect"]["proved"]);
}

TEST_F(RunTest, AReclaimedNodeIsWaitedForBeforeTheUndo) {
  target.goes_after = 6s;
  experiment.method = [](Stage& stage) {
    stage.expect(nothing_lost());
    stage.revert(stage.inject({reclaim}).front());
  };
  run();
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  const auto& fault = record["faults"][0];
  EXPECT_TRUE(fault["effect"]["completed"]);
  EXPECT_EQ(fault["effect"]["completion"], "the process of a-spot has ended: it exited");
  EXPECT_GE(
      fault["reverting_at_offset_ms"].get<double>() - fault["applied_at_offset_ms"].get<double>(),
      6000);
}

TEST_F(RunTest, AReclaimedNodeThatNeverGoesProvesNothing) {
  target.goes_after = 1h;
  experiment.method = [](Stage& stage) { stage.inject({reclaim}); };
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("it still runs"));
  EXPECT_FALSE(record["faults"][0]["effect"]["completed"]);
  EXPECT_THAT(target.in_force, IsEmpty());
}

TEST_F(RunTest, AnAbortWaitsForNoReclaimedNode) {
  target.goes_after = 1h;
  experiment.method = [](Stage& stage) {
    stage.inject({reclaim});
    stage.wait(1min);
  };
  const auto started = clock.now();
  run([](engine::Run& r) { r.stop(Stop::abort, "aborted: by hand"); });
  EXPECT_EQ(exit_code, 4);
  EXPECT_THAT(target.in_force, IsEmpty());
  EXPECT_LT(clock.now() - started, 15s);
}

TEST_F(RunTest, AnAbortWhileAReclaimedNodeIsWaitedForEndsTheWaiting) {
  target.goes_after = 1h;
  experiment.method = [](Stage& stage) { stage.inject({reclaim}); };
  const auto started = clock.now();
  std::unique_ptr<Timer> later;
  run([&](engine::Run& r) {
    later = clock.at(clock.now() + 2s, [&r] { r.stop(Stop::abort, "aborted: by hand"); });
  });
  EXPECT_EQ(exit_code, 4);
  EXPECT_THAT(target.in_force, IsEmpty());
  EXPECT_LT(clock.now() - started, 15s);
}

TEST_F(RunTest, AFaultThatCannotCompleteBeforeTheGuardrailIsRefused) {
  environment.guardrails.max_duration = 5s;
  experiment.method = [](Stage& stage) { stage.inject({reclaim}); };
  run();
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("test.lua:1: spot_reclaim needs"));
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("max_duration ends every fault"));
  EXPECT_THAT(target.log, IsEmpty());
}

Expectation no_slower_than_twice() {
  Expectation e;
  e.sli = Sli::latency;
  e.subject = "login";
  e.versus = VersusBaseline{2, 50ms};
  e.over = 5s;
  e.place = here;
  return e;
}

TEST_F(RunTest, ALatencyIsComparedWithItsBaseline) {
  experiment.method = [](Stage& stage) {
    auto promise = no_slower_than_twice();
    promise.from = stage.inject({crash}).front();
    EXPECT_TRUE(stage.expect(promise));
  };
  run();
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  const auto& objective = record["objectives"][1];  // the first is the baseline's own
  EXPECT_EQ(objective["name"], "login p99 <= max(2 x baseline, baseline + 50 ms) = 52 ms over 5 s");
  EXPECT_EQ(objective["promise"], "login p99 <= max(2 x baseline, baseline + 50 ms) over 5 s");
  EXPECT_EQ(objective["objective"], 52);
  EXPECT_EQ(objective["measured"], 2);
  EXPECT_EQ(objective["samples"], 250);
}

TEST_F(RunTest, DegradedAnswersEstablishThatUsersAreServed) {
  target.degraded = [this](const std::string& probe, Instant due) {
    return probe == "login" && due >= in_force_at_;
  };
  experiment.method = [](Stage& stage) {
    auto promise = good("login", 99, 5s);
    promise.sli = Sli::served;
    promise.from = stage.inject({crash}).front();
    EXPECT_TRUE(stage.expect(promise));
  };
  run();
  const auto& objective = record["objectives"][1];
  EXPECT_EQ(objective["sli"], "served");
  EXPECT_EQ(objective["measured"], 100);
  EXPECT_NEAR(objective["bound_95"].get<double>(), 98.8, 0.1);
}

TEST_F(RunTest, ABaselineOfTooFewRequestsCannotBeComparedWith) {
  environment.baseline = 1s;
  environment.objectives.clear();
  experiment.method = [](Stage& stage) {
    stage.inject({crash});
    stage.expect(no_slower_than_twice());
  };
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("the baseline has 50 requests"));
}

TEST_F(RunTest, AnExperimentsOwnProbeCountsWhatAnIsolatedPrimaryAccepted) {
  Probe inside = environment.probes["sessions"];
  inside.name = "inside";
  inside.from = "a-reserved";
  inside.shows_recovery = false;
  experiment.probes = {{"inside", inside}};
  target.bad = [this](const std::string& probe, Instant due) {
    return probe == "inside" && due >= in_force_at_;
  };
  experiment.method = [](Stage& stage) {
    Expectation recovered;
    recovered.sli = Sli::recovery;
    recovered.subject = "sessions";
    recovered.over = 5s;
    recovered.from = stage.inject({crash}).front();
    EXPECT_TRUE(stage.expect(recovered)) << "as users see it, not as the inside does";
  };
  run();
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  EXPECT_EQ(record["recovery"][0]["probe"], "sessions");
  EXPECT_EQ(record["probes"][0]["name"], "inside");
  EXPECT_EQ(record["probes"][0]["writes"]["acknowledged"], 90);
  EXPECT_TRUE(record["first_symptom"].is_null());
}

TEST_F(RunTest, TheRecordSaysWhatTheProcessesUsedWhileTheFaultWasInForce) {
  run([this](engine::Run&) { target.world.components[2].cpu_ms += 100; });
  const auto& components = record["components"];
  ASSERT_EQ(components.size(), target.world.components.size());
  EXPECT_EQ(components[0]["name"], "a-db");
  EXPECT_EQ(components[0]["cpu_percent_max"], 0);
  const auto used = std::find_if(components.begin(), components.end(), [&](const Json& c) {
    return c["name"] == target.world.components[2].name;
  });
  EXPECT_NEAR((*used)["cpu_percent_max"].get<double>(), 10, 0.1);
}

class BusyMachineTest : public RunTest {
 protected:
  BusyMachineTest() {
    target.world.machine = targets::Machine{};
    target.on_look = [this](targets::World& world) {
      const auto total = static_cast<std::uint64_t>(to_ms(clock.now().time_since_epoch()));
      world.machine->idle_ms += busy() ? 0 : total - world.machine->total_ms;
      world.machine->total_ms = total;
    };
    target.bad = [this](const std::string& probe, Instant due) {
      return probe == "login" && due >= in_force_at_ && !healed_;
    };
    experiment.method = [this](Stage& stage) {
      stage.baseline(5s, here);
      const auto fault = stage.inject({crash}).front();
      stage.expect(good("login", 99, 5s));
      stage.revert(fault);
      healed_ = true;
    };
  }
  [[nodiscard]] bool busy() const { return from_the_start_ || clock.now() >= in_force_at_; }

  bool from_the_start_ = false;
  bool healed_ = false;
};

TEST_F(BusyMachineTest, AFailureProvesNothing) {
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("machine too busy"));
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("login >= 99 % good"));
  EXPECT_GT(record["machine"]["disturbed_s"], 0);
}

TEST_F(BusyMachineTest, ABaselineIsNone) {
  from_the_start_ = true;
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("the baseline shows nothing"));
  EXPECT_TRUE(record["faults"].empty());
}

TEST_F(BusyMachineTest, AMachineThatIsIdleLeavesAFailureAFailure) {
  target.on_look = [](targets::World& world) {
    world.machine->idle_ms += 2000;
    world.machine->total_ms += 2000;
  };
  run();
  EXPECT_EQ(record["verdict"], "failed");
}

}  // namespace
}  // namespace faultline::engine
