#include "tests/engine/run_fixture.hpp"

/// Mistakes that no run may survive as a pass: whoever breaks the product in one of these ways gets
/// a red run, not a green one.
namespace faultline::engine {
namespace {

using testing::HasSubstr;

class SeededMistake : public RunTest {
 protected:
  /// Without the mistake the run passes: else the test would prove nothing.
  void expect_red(const std::function<void()>& mistake, int code, const std::string& said) {
    run();
    ASSERT_EQ(record["verdict"], "passed") << record["reason"];
    mistake();
    run();
    EXPECT_NE(record["verdict"], "passed");
    EXPECT_EQ(exit_code, code);
    EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr(said));
  }
};

TEST_F(SeededMistake, ATargetThatDropsEveryUndo) {
  expect_red([this] { target.drop_undo = true; }, 5, "undo incomplete: r1.f1");
}

TEST_F(SeededMistake, ATargetThatDropsOneUndoOfTwo) {
  experiment.method = [](Stage& stage) {
    stage.expect(nothing_lost());
    stage.inject({crash, {"az_partition", {{"zone", "b"}}, here}});
  };
  expect_red([this] { target.dropped_undo = "r1.f2.1"; }, 5, "in force: was , is r1.f2.1");
}

TEST_F(SeededMistake, AFaultWhoseEffectDoesNotAppear) {
  expect_red([this] { target.no_effect = true; }, 3, "the effect was not proved");
}

TEST_F(SeededMistake, AProbeThatReportsSuccessWithoutSending) {
  target.world.components.push_back(balancer());
  auto other = environment.probes.at("login");
  other.name = "catalog";
  environment.probes["catalog"] = other;
  for (const auto* name : {"login", "catalog"}) {
    environment.probes.at(name).args = {{"host", "10.0.0.10"}, {"port", 80}};
  }
  expect_red([this] { target.liar = "login"; }, 3, "catalog and login say that");
}

TEST_F(SeededMistake, AMethodThatExpectsOnlyBeforeItBreaksAnything) {
  expect_red(
      [this] {
        experiment.method = [](Stage& stage) {
          stage.baseline(std::nullopt, here);
          stage.expect(good("login", 50, 2s));
          stage.wait(2s);  // decided early, its window still goes on
          stage.inject({crash});
        };
      },
      3, "the method expects nothing");
}

TEST_F(SeededMistake, AMethodThatExpectsNothing) {
  expect_red([this] { experiment.method = [](Stage& stage) { stage.inject({crash}); }; }, 3,
             "the method expects nothing");
}

struct Counter {
  std::string kind, counted;
  Json args;
};

class SeededLiar : public SeededMistake, public testing::WithParamInterface<Counter> {};

TEST_P(SeededLiar, OfEveryKindThatTheEnvironmentCounts) {
  for (auto& component : target.world.components) {
    if (component.kind == "redis") {
      component.address = "10.0.1.20";
      component.port = 6379;
      component.arrived[GetParam().counted] = 1'000;
    }
  }
  environment.probes.at("sessions").args = {{"cache", "sessions"}};
  auto& probe = environment.probes.at("login");
  probe.kind = GetParam().kind;
  probe.args = GetParam().args;
  probe.store = "sessions";
  expect_red([this] { target.liar = "login"; }, 3, "were answered, but only");
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, SeededLiar,
    testing::Values(Counter{"tcp", "connections", {{"host", "10.0.1.20"}, {"port", 6379}}},
                    Counter{"redis", "connections", {{"cache", "sessions"}}},
                    Counter{"redis_writes", "writes", {{"cache", "sessions"}}}),
    [](const auto& counter) { return counter.param.kind; });

TEST_F(SeededMistake, AWriterThatAcknowledgesWithoutWriting) {
  expect_red([this] { target.lost_writes = 90; }, 3,
             "probe sessions: none of its 90 acknowledged writes is there");
}

}  // namespace
}  // namespace faultline::engine
