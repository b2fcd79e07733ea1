#include "orchestrator/engine/run.hpp"

#include "tests/fake/fake_target.hpp"
#include "tests/fake/manual_clock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::engine {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Place here{"test.lua", 1};
const FaultRequest crash{"redis_failover", {{"cache", "sessions"}}, here};

Expectation good(const std::string& probe, double percent, Duration over = {}) {
  Expectation e;
  e.sli = Sli::good;
  e.subject = probe;
  e.threshold = percent;
  e.over = over;
  return e;
}

/// A world in memory, an experiment, and a clock that runs as fast as it can.
class RunTest : public testing::Test {
 protected:
  RunTest() {
    environment.name = "fake";
    environment.staging = true;
    environment.baseline = 5s;
    environment.warm_up = 1s;
    for (const auto* name : {"login", "sessions"}) {
      Probe probe;
      probe.name = name;
      probe.kind = name == std::string("login") ? "http" : "redis_writes";
      probe.store = name == std::string("login") ? "" : "sessions";
      probe.rate_per_s = 50;
      probe.threshold = probe.deadline = 5s;
      environment.probes[name] = probe;
    }
    environment.objectives["login"] = good("login", 99);
    experiment.name = "test";
    experiment.method = [](Stage& stage) {
      const auto lost = stage.inject({crash}).front();
      stage.wait(5s);
      stage.revert(lost);
    };
  }

  const Json& run(std::function<void(engine::Run&)> meanwhile = {}) {
    engine::Run r({.environment = environment,
                   .experiment = experiment,
                   .target = target,
                   .journal = journal,
                   .clock = clock,
                   .executor = io.get_executor(),
                   .id = "r1",
                   .operator_name = "test",
                   .profile = "hardened",
                   .on_event = [&](const Json& event) { heard(event, r); }});
    on_event_ = std::move(meanwhile);
    std::optional<RunResult> result;
    r.start([&](RunResult got) { result = std::move(got); });
    EXPECT_TRUE(clock.run(io, [&] { return result.has_value(); })) << "the run never ended";
    exit_code = result ? result->exit_code : -1;
    record = result ? result->record : Json();
    return record;
  }

  void heard(const Json& event, engine::Run& r) {
    if (event["name"] == "effect_proved" && on_event_) {
      boost::asio::post(io, [this, &r] { on_event_(r); });
    }
    if (event["name"] == "effect_proved") {
      in_force_at_ = clock.now();
    }
  }

  boost::asio::io_context io;
  fake::ManualClock clock;
  fake::FakeTarget target{io, clock};
  fake::MemoryJournal journal;
  Environment environment;
  Experiment experiment;
  Json record;
  int exit_code = -1;
  Instant in_force_at_ = Instant::max();

 private:
  std::function<void(engine::Run&)> on_event_;
};

TEST_F(RunTest, PassesWhenThePromiseIsKeptAndLeavesNothing) {
  run();
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  EXPECT_EQ(exit_code, 0);
  EXPECT_THAT(target.log, testing::ElementsAre("arm r1.f1.1", "apply r1.f1.1", "revert r1.f1.1"));
  EXPECT_THAT(target.in_force, IsEmpty());
  EXPECT_TRUE(record["faults"][0]["effect"]["proved"]);
}

TEST_F(RunTest, TheJournalKnowsTheUndoBeforeAnythingIsTouched) {
  run();
  ASSERT_GE(journal.records.size(), 2u);
  EXPECT_EQ(journal.records.front()["type"], "intended");
  EXPECT_EQ(journal.records.front()["actions"][0]["kind"], "process.kill");
  EXPECT_EQ(journal.records.back()["type"], "closed");
}

TEST_F(RunTest, FailsWhenAnExpectationIsMissedAndSaysWhich) {
  target.bad = [this](const std::string& probe, Instant due) {
    return probe == "login" && due >= in_force_at_ && due < in_force_at_ + 2s;
  };
  experiment.method = [](Stage& stage) {
    const auto lost = stage.inject({crash}).front();
    auto promise = good("login", 97, 10s);
    promise.from = lost;
    EXPECT_FALSE(stage.expect(promise));
  };
  run();
  EXPECT_EQ(record["verdict"], "failed");
  EXPECT_EQ(exit_code, 1);
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("login >= 97 % good over 10 s"));
  EXPECT_THAT(target.in_force, IsEmpty());
}

TEST_F(RunTest, ReportsTheRecoveryTimeEvenWhenItIsMissed) {
  target.bad = [this](const std::string& probe, Instant due) {
    return probe == "sessions" && due >= in_force_at_ && due < in_force_at_ + 31s;
  };
  experiment.method = [](Stage& stage) {
    Expectation recovered;
    recovered.sli = Sli::recovery;
    recovered.subject = "sessions";
    recovered.over = 5s;
    recovered.from = stage.inject({crash}).front();
    EXPECT_FALSE(stage.expect(recovered));
  };
  run();
  EXPECT_EQ(record["verdict"], "failed");
  EXPECT_NEAR(record["recovery"][0]["actual_ms"].get<double>(), 31'000, 100);
  EXPECT_FALSE(record["recovery"][0]["censored"]);
}

TEST_F(RunTest, AFaultWithoutEffectIsNeverGreen) {
  target.no_effect = true;
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_EQ(exit_code, 3);
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("not proved"));
}

TEST_F(RunTest, ARunThatInjectsNothingIsNeverGreen) {
  experiment.method = [](Stage& stage) { stage.baseline(std::nullopt, here); };
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("nothing was injected"));
}

TEST_F(RunTest, AWorldThatChangedBeforeTheFaultIsLeftAlone) {
  experiment.method = [this](Stage& stage) {
    stage.baseline(std::nullopt, here);
    target.fail_over_to("c-redis");
    stage.inject({crash});
  };
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(),
              HasSubstr("changed before anything was injected"));
  EXPECT_THAT(target.log, IsEmpty());
}

TEST_F(RunTest, ADroppedUndoIsFoundAndExitsFive) {
  target.drop_undo = true;
  run();
  EXPECT_EQ(exit_code, 5);
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("undo incomplete"));
  EXPECT_NE(journal.records.back()["type"], "closed");
}

TEST_F(RunTest, ARevertThatFailsTwiceIsTriedAgain) {
  target.failing_reverts = 2;
  run();
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
}

TEST_F(RunTest, ALostAnswerCountsAsInForce) {
  target.lose_answer = true;
  run();
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  EXPECT_EQ(record["faults"][0]["actions"][0]["outcome"], "unknown");
  EXPECT_THAT(target.in_force, IsEmpty());
}

TEST_F(RunTest, AFullDiskInjectsNothing) {
  journal.broken = true;
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("nothing was injected"));
  EXPECT_THAT(target.log, IsEmpty());
}

TEST_F(RunTest, ABaselineThatDoesNotHoldInjectsNothing) {
  target.bad = [](const std::string& probe, Instant) { return probe == "login"; };
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("the baseline did not hold"));
  EXPECT_THAT(target.log, IsEmpty());
}

TEST_F(RunTest, AnUnmetPreconditionTouchesNothing) {
  experiment.requirements = {{"replicas", "sessions", 3, here}};
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("precondition unmet"));
  EXPECT_THAT(target.log, IsEmpty());
}

TEST_F(RunTest, AnEnvironmentThatIsNotStagingIsNeverBroken) {
  environment.staging = false;
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("staging = true"));
  EXPECT_THAT(target.log, IsEmpty());
}

TEST_F(RunTest, ABusyMachineProvesNothing) {
  target.worker_delay_ms = 80;
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("machine too busy"));
}

TEST_F(RunTest, AnAbortRevertsAndIsNoPass) {
  run([](engine::Run& r) { r.stop(Stop::abort, "aborted: by hand"); });
  EXPECT_EQ(record["verdict"], "aborted");
  EXPECT_EQ(exit_code, 4);
  EXPECT_THAT(target.in_force, IsEmpty());
}

TEST_F(RunTest, AScriptThatSwallowsTheAbortStillEnds) {
  experiment.method = [](Stage& stage) {
    stage.inject({crash});
    for (int i = 0; i < 1000; ++i) {
      try {
        stage.wait(1s);
      } catch (const Failure&) {
        // as pcall would
      }
    }
  };
  run([](engine::Run& r) { r.stop(Stop::interrupt, "interrupted (Ctrl-C)"); });
  EXPECT_EQ(exit_code, 130);
  EXPECT_THAT(target.in_force, IsEmpty());
}

TEST_F(RunTest, AScriptErrorRevertsEverythingAndIsInconclusive) {
  experiment.method = [](Stage& stage) {
    stage.inject({crash});
    throw Failure({ErrorKind::usage, "test.lua:9: attempt to index nil"});
  };
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("test.lua:9"));
  EXPECT_THAT(target.in_force, IsEmpty());
}

TEST_F(RunTest, ADeathThatNoFaultCausedIsInconclusive) {
  run([this](engine::Run&) {
    target.listener(
        {clock.now(), "component_died", {{"component", "c-spot"}, {"by_fault", false}}});
  });
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("c-spot died"));
}

TEST_F(RunTest, AMovedRoleIsALastingChangeAndNoResidue) {
  run([this](engine::Run&) { target.fail_over_to("b-redis"); });
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  EXPECT_EQ(record["faults"][0]["lasting_changes"][0],
            "cache sessions primary: a-redis -> b-redis");
}

TEST_F(RunTest, LostWritesFailTheRun) {
  target.lost_writes = 7;
  experiment.method = [](Stage& stage) {
    stage.inject({crash});
    Expectation none;
    none.sli = Sli::lost;
    none.subject = "sessions";
    stage.expect(none);
  };
  run();
  EXPECT_EQ(record["verdict"], "failed");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("7 lost of 90"));
}

TEST_F(RunTest, TwoFaultsStackAndRevertInAnyOrder) {
  experiment.method = [](Stage& stage) {
    const auto ids = stage.inject({crash, {"az_partition", {{"zone", "b"}}, here}});
    stage.revert(ids[0]);
    stage.wait(40s);  // longer than a residue may settle: the second is still in force
    stage.revert(ids[1]);
  };
  run();
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  EXPECT_THAT(target.in_force, IsEmpty());
}

TEST_F(RunTest, AGuardrailRefusalNamesTheRuleAndTouchesNothing) {
  environment.guardrails.zones_at_once = 1;
  experiment.method = [](Stage& stage) {
    stage.inject({{"az_partition", {{"zone", "a"}}, here}});
    stage.inject({{"az_partition", {{"zone", "b"}}, here}});
  };
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("zones_at_once: at most 1"));
  EXPECT_THAT(target.in_force, IsEmpty());
}

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
  experiment.method = [](Stage& stage) { stage.revert(stage.inject({reclaim}).front()); };
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
  EXPECT_EQ(objective["objective"], 52);
  EXPECT_EQ(objective["measured"], 2);
  EXPECT_EQ(objective["samples"], 250);
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

}  // namespace
}  // namespace faultline::engine
