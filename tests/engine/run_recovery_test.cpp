#include "tests/engine/run_fixture.hpp"

namespace faultline::engine {
namespace {

using testing::HasSubstr;

/// Runs in which a store is lost and comes back, and an environment that says what it does about
/// it.
class RunRecoveryTest : public RunTest {
 protected:
  /// Writes are refused so long after each fault has taken hold.
  void outage(Duration length) {
    target.bad = [this, length](const std::string& probe, Instant due) {
      return probe == "sessions" && due >= in_force_at_ && due < in_force_at_ + length;
    };
  }
  void says(Duration ago, const char* step, const char* of = "sessions") {
    target.listener({clock.now() - ago,
                     "recovery_step",
                     {{"of", of}, {"step", step}, {"by", "b-sentinel"}, {"component", "b-redis"}}});
  }
  static Expectation recovered(FaultId from) {
    Expectation e;
    e.sli = Sli::recovery;
    e.subject = "sessions";
    e.over = 5s;
    e.from = from;
    return e;
  }
  /// "detected": its time, or null and why.
  static Json step(const Json& recovery, const std::string& name) {
    for (const auto& one : recovery["steps"]) {
      if (one["name"] == name) {
        return one;
      }
    }
    return {};
  }
};

TEST_F(RunRecoveryTest, TheStepsOfTheEnvironmentStandBesideWhatWasMeasured) {
  outage(2s);
  experiment.method = [this](Stage& stage) {
    const auto lost = stage.inject({crash}).front();
    stage.wait(1500ms);
    says(250ms, "detected");
    says(50ms, "decided");
    says(0ms, "detected", "orders");
    stage.expect(recovered(lost));
  };
  run();
  const auto& recovery = record["recovery"][0];
  EXPECT_NEAR(recovery["detected_ms"].get<double>(), 1250, 20)
      << "when it was, not when it was told";
  EXPECT_NEAR(recovery["decided_ms"].get<double>(), 1450, 20);
  EXPECT_EQ(recovery["done_ms"], nullptr);
  EXPECT_EQ(step(recovery, "done")["note"], "did not happen");
  EXPECT_EQ(step(recovery, "detected")["by"], "b-sentinel");
  EXPECT_EQ(step(recovery, "first_success")["by"], "sessions");
  EXPECT_GT(recovery["first_success_ms"], recovery["decided_ms"]);
  EXPECT_EQ(recovery["store"], "sessions");
  EXPECT_EQ(recovery["connections"], "kept");
}

TEST_F(RunRecoveryTest, AStepIsAnEventThatSaysWhenItHappened) {
  run([this](engine::Run&) { says(300ms, "detected"); });
  const auto& events = record["events"];
  const auto told = std::ranges::find_if(
      events, [](const Json& event) { return event["name"] == "recovery_step"; });
  ASSERT_NE(told, events.end());
  EXPECT_NEAR((*told)["offset_ms"].get<double>() - (*told)["at_offset_ms"].get<double>(), 300, 1);
  EXPECT_THAT((*told)["at"].get<std::string>(), HasSubstr("T"));
  EXPECT_EQ(record["verdict"], "passed") << "it is no reason to doubt";
}

TEST_F(RunRecoveryTest, OfTwoFaultsEachHasItsOwnSteps) {
  outage(2s);
  experiment.method = [this](Stage& stage) {
    const auto first = stage.inject({crash}).front();
    stage.wait(1500ms);
    says(500ms, "detected");
    stage.expect(recovered(first));
    stage.revert(first);
    stage.wait(5s);
    const auto second = stage.inject({crash}).front();
    stage.wait(1500ms);
    says(100ms, "detected");
    stage.expect(recovered(second));
  };
  run();
  ASSERT_EQ(record["recovery"].size(), 2u) << record["reason"];
  EXPECT_NEAR(record["recovery"][0]["detected_ms"].get<double>(), 1000, 20);
  EXPECT_NEAR(record["recovery"][1]["detected_ms"].get<double>(), 1400, 20);
}

TEST_F(RunRecoveryTest, AFaultThatTheNextOneOfItsStoreEndsKeepsNothingOfThat) {
  outage(2s);
  experiment.method = [this](Stage& stage) {
    const auto first = stage.inject({crash}).front();
    stage.expect(recovered(first));
    stage.revert(first);
    stage.inject({crash});
    stage.wait(1500ms);
    says(100ms, "detected");
  };
  run();
  ASSERT_EQ(record["recovery"].size(), 1u) << record["reason"];
  EXPECT_EQ(record["recovery"][0]["detected_ms"], nullptr);
}

TEST_F(RunRecoveryTest, ADeclarationSetsASecondClock) {
  outage(3s);
  experiment.method = [](Stage& stage) {
    const auto lost = stage.inject({crash}).front();
    stage.wait(1s);
    stage.declare("nobody can log in", here);
    stage.expect(recovered(lost));
  };
  run();
  const auto& recovery = record["recovery"][0];
  EXPECT_NEAR(recovery["declared_ms"].get<double>(), 1000, 20);
  EXPECT_NEAR(recovery["actual_from_declared_ms"].get<double>(),
              recovery["actual_ms"].get<double>() - recovery["declared_ms"].get<double>(), 0.01);
  EXPECT_THAT(record["events"].dump(), HasSubstr("nobody can log in"));
}

TEST_F(RunRecoveryTest, WithoutADeclarationThereIsNoTimeFromIt) {
  outage(2s);
  experiment.method = [](Stage& stage) { stage.expect(recovered(stage.inject({crash}).front())); };
  run();
  EXPECT_EQ(record["recovery"][0]["declared_ms"], nullptr);
  EXPECT_EQ(record["recovery"][0]["actual_from_declared_ms"], nullptr);
}

TEST_F(RunRecoveryTest, NewAndKeptConnectionsAreToldApart) {
  Probe ping;
  ping.name = "sessions_new";
  ping.kind = "redis";
  ping.store = "sessions";
  ping.rate_per_s = 50;
  ping.threshold = ping.deadline = 5s;
  environment.probes[ping.name] = ping;
  target.bad = [this](const std::string& probe, Instant due) {
    const auto length = probe == "sessions" ? 3s : probe == "sessions_new" ? 1s : 0s;
    return due >= in_force_at_ && due < in_force_at_ + length;
  };
  experiment.method = [](Stage& stage) { stage.expect(recovered(stage.inject({crash}).front())); };
  run();
  const auto& recovery = record["recovery"][0];
  EXPECT_EQ(recovery["probe"], "sessions");
  EXPECT_EQ(recovery["connections"], "kept");
  EXPECT_NEAR(recovery["actual_ms"].get<double>(), 3000, 50);
  ASSERT_EQ(recovery["also"].size(), 2u) << "of login, too";
  const auto& also = recovery["also"][1];
  EXPECT_EQ(also["probe"], "sessions_new");
  EXPECT_EQ(also["connections"], "new");
  EXPECT_NEAR(also["actual_ms"].get<double>(), 1000, 50);
  EXPECT_EQ(recovery["also"][0]["symptom_ms"], nullptr) << "login felt nothing";
}

TEST_F(RunRecoveryTest, OfAnEnvironmentThatTellsNothingNothingIsCalledMissing) {
  outage(2s);
  target.tells_steps = false;
  experiment.method = [](Stage& stage) { stage.expect(recovered(stage.inject({crash}).front())); };
  run();
  EXPECT_EQ(step(record["recovery"][0], "detected")["note"], "not told by this environment");
}

TEST_F(RunRecoveryTest, AServiceRecoversAsAProbeOfItSees) {
  environment.probes["login"].service = "app";
  target.bad = [this](const std::string& probe, Instant due) {
    return probe == "login" && due >= in_force_at_ && due < in_force_at_ + 2s;
  };
  experiment.method = [this](Stage& stage) {
    auto promise = recovered(stage.inject({crash}).front());
    promise.subject = "login";
    promise.of_writes = false;
    stage.wait(500ms);
    says(100ms, "detected", "app");
    EXPECT_TRUE(stage.expect(promise));
  };
  run();
  EXPECT_THAT(record["objectives"].dump(), HasSubstr("login good again within 5 s"))
      << record["reason"];
  const auto& recovery = record["recovery"][0];
  EXPECT_NEAR(recovery["actual_ms"].get<double>(), 2000, 50);
  EXPECT_NEAR(recovery["detected_ms"].get<double>(), 400, 20);
  EXPECT_EQ(recovery["service"], "app");
  EXPECT_EQ(recovery["store"], nullptr);
}

}  // namespace
}  // namespace faultline::engine
