#include "tests/engine/run_fixture.hpp"

namespace faultline::engine {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

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
  EXPECT_EQ(record["recovery"][0]["from"], record["faults"][0]["id"]);
  EXPECT_EQ(record["recovery"][0]["disrupted_offset_ms"],
            record["faults"][0]["applied_at_offset_ms"]);
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

TEST_F(RunTest, AFaultThatSomebodyElseLiftedIsInconclusive) {
  run([this](engine::Run&) {
    target.listener({clock.now(), "action_lifted", {{"reason", "somebody else undid it"}}});
  });
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("somebody else undid it"));
}

TEST_F(RunTest, AMovedRoleIsALastingChangeAndNoResidue) {
  run([this](engine::Run&) { target.fail_over_to("b-redis"); });
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  EXPECT_EQ(record["faults"][0]["lasting_changes"][0],
            "cache sessions primary: a-redis -> b-redis");
}

TEST_F(RunTest, LostWritesFailTheRun) {
  target.lost_writes = 7;
  run();
  EXPECT_EQ(record["verdict"], "failed");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("7 lost of 90"));
}

TEST_F(RunTest, TwoFaultsStackAndRevertInAnyOrder) {
  experiment.method = [](Stage& stage) {
    const auto ids = stage.inject({crash, {"az_partition", {{"zone", "b"}}, here}});
    stage.expect(nothing_lost());
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

TEST_F(RunTest, AnEffectThatSomebodyEndsWhileItIsHeldMakesTheRunProveNothing) {
  experiment.method = [](Stage& stage) {
    stage.inject({crash});
    stage.expect(good("login", 99, 20s));
  };
  run([this](engine::Run&) { target.in_force.clear(); });
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(),
              HasSubstr("its effect was there no more while it was held"));
  EXPECT_THAT(record["faults"][0]["effect"]["gone"].get<std::string>(), HasSubstr("it answers"));
}

}  // namespace
}  // namespace faultline::engine
