#include "tests/script/lab_world.hpp"

#include <gmock/gmock.h>

namespace faultline::script {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

std::vector<std::string> kinds(const std::vector<DryStep>& steps) {
  std::vector<std::string> names;
  for (const auto& step : steps) {
    names.push_back(step.what);
  }
  return names;
}

engine::Experiment drill(const std::string& name, const LoadOptions& options = {}) {
  return load_experiment(std::filesystem::path(FAULTLINE_SOURCE_DIR) / "scripts/lua/drills" / name,
                         lab_environment(), options)
      .value();
}

std::vector<DryStep> dry(const engine::Experiment& experiment) {
  return dry_run(experiment, lab_environment(), {lab_world(), lab_capabilities()}).value().steps;
}

TEST(Experiment, NeedsOnlyNameHypothesisAndMethod) {
  const Folder folder;
  const auto experiment = load(folder, with_method("")).value();
  EXPECT_EQ(experiment.name, "x");
  EXPECT_EQ(experiment.title, "x");
  EXPECT_EQ(experiment.hypothesis, "h");
  EXPECT_TRUE(dry(experiment).empty());
}

TEST(Experiment, TheFirstDrillIsWhatItSays) {
  const auto experiment = drill("redis_failover.lua");
  EXPECT_EQ(experiment.title, "Redis primary lost");
  EXPECT_EQ(experiment.params, (engine::Json{{"mode", "crash"}}));
  EXPECT_EQ(experiment.variants.size(), 4u);
  ASSERT_EQ(experiment.requirements.size(), 1u);
  EXPECT_EQ(experiment.requirements[0].subject, "sessions");
  EXPECT_EQ(experiment.requirements[0].count, 1);
  const auto steps = dry(experiment);
  EXPECT_THAT(kinds(steps), ElementsAre("baseline", "inject", "expect", "expect", "expect",
                                        "expect", "expect", "revert"));
  EXPECT_EQ(steps[1].detail["plan"]["actions"][0]["kind"], "process.kill");
  EXPECT_EQ(steps[1].detail["params"]["mode"], "crash");
  EXPECT_GT(steps[1].place.line, 1);
  EXPECT_TRUE(steps[2].detail["reach"].is_null()) << "a recovery counts no requests";
  EXPECT_EQ(steps[3].detail["reach"]["requests"], 1200);
  EXPECT_NEAR(steps[3].detail["reach"]["establishes_percent"].get<double>(), 99.75, 0.01);
}

TEST(Experiment, LostWritesAreJudgedInCrashModeOnly) {
  EXPECT_EQ(dry(drill("redis_failover.lua", {.vars = {{"mode", "hang"}}})).size(), 7u);
  EXPECT_EQ(dry(drill("redis_failover.lua", {.variant = 1})).size(), 8u);
}

TEST(Experiment, LosesAtMostWhatTheEnvironmentPromisesUnlessItSaysSo) {
  auto environment = lab_environment();
  environment.rpo["sessions"] = 7;
  const Folder folder;
  const auto experiment =
      load_experiment(folder.write("x.lua", with_method("run:inject(fault.redis_failover { cache = "
                                                        "'sessions' }) run:expect(lost 'sessions') "
                                                        "run:expect(lost('sessions', 2))")),
                      environment, {})
          .value();
  const auto steps =
      dry_run(experiment, environment, {lab_world(), lab_capabilities()}).value().steps;
  ASSERT_EQ(steps.size(), 4u);
  EXPECT_EQ(steps[2].detail["objective"], "sessions <= 7 acknowledged writes lost");
  EXPECT_EQ(steps[3].detail["objective"], "sessions <= 2 acknowledged writes lost");
}

TEST(Experiment, KnowsFromItsDryPassWhatPrometheusWillBeAsked) {
  auto environment = lab_environment();
  environment.prometheus.url = "http://127.0.0.1:9090";
  const Folder folder;
  const auto experiment =
      load_experiment(
          folder.write("x.lua", with_method("local f = run:inject(fault.redis_failover { cache = "
                                            "'sessions' }) run:expect(quiet 'Down', { from = f, "
                                            "over = 5*s }) run:expect(good('login', 90), { from = "
                                            "f, over = 5*s })")),
          environment, {})
          .value();
  const auto dry = dry_run(experiment, environment, {lab_world(), lab_capabilities()}).value();
  ASSERT_EQ(dry.monitored.size(), 1u);
  EXPECT_EQ(dry.monitored[0].subject, "Down");
}

TEST(Experiment, ThePartitionCutsTheZoneOfThePrimaries) {
  for (std::size_t variant = 1; variant <= 3; ++variant) {
    const auto steps = dry(drill("az_partition.lua", {.variant = variant}));
    ASSERT_GT(steps.size(), 3u);
    EXPECT_EQ(steps[1].detail["params"]["zone"], "a");
    EXPECT_EQ(steps[1].detail["plan"]["may_move"].size(), 2u);
  }
}

TEST(Experiment, AllDrillsAndScenariosPassTheDryPass) {
  for (const auto* folder : {"drills", "scenarios"}) {
    for (const auto& entry : std::filesystem::directory_iterator(
             std::filesystem::path(FAULTLINE_SOURCE_DIR) / "scripts/lua" / folder)) {
      const auto experiment = load_experiment(entry.path(), lab_environment(), {});
      ASSERT_TRUE(experiment) << experiment.error().message;
      const auto taken = dry_run(*experiment, lab_environment(), {lab_world(), lab_capabilities()});
      EXPECT_TRUE(taken) << taken.error().message;
      EXPECT_FALSE(taken->refused) << taken->refused->message;
    }
  }
}

TEST(Experiment, ThePlanSaysWhatMustHoldBeforeAndWhatComesByItself) {
  const auto slow = dry(drill("third_party_timeout.lua"))[1].detail["plan"];
  EXPECT_EQ(slow["before"][0]["summary"], "pay answers well within 500 ms");
  const auto spot = dry(drill("spot_reclaim.lua"))[1].detail["plan"];
  EXPECT_EQ(spot["completion"].size(), 3u);
  EXPECT_EQ(spot["completes_within_ms"], 9000);
}

TEST(Experiment, BringsItsOwnProbesAndMayNameThem) {
  const Folder folder;
  const auto experiment =
      load(folder,
           "return experiment { name = 'x', hypothesis = 'h', probes = { inside = sql_writes { "
           "database = 'orders', address = '10.0.1.30:3306', read_at = '10.0.0.30:3306', from = "
           "'a-reserved', rate = 20, shows_recovery = false } }, method = function(run) "
           "local cut = run:inject(fault.az_partition { zone = 'a' }) "
           "run:expect(recovered 'orders', { from = cut }) "
           "run:expect(lost('inside', 10), { from = cut }) end }")
          .value();
  const auto& inside = experiment.probes.at("inside");
  EXPECT_EQ(inside.kind, "sql_writes");
  EXPECT_FALSE(inside.shows_recovery);
  EXPECT_EQ(inside.deadline, 5s);
  EXPECT_EQ(inside.args, (engine::Json{{"database", "orders"},
                                       {"host", "10.0.1.30"},
                                       {"port", 3306},
                                       {"read_host", "10.0.0.30"},
                                       {"read_port", 3306}}));
  EXPECT_THAT(kinds(dry(experiment)), ElementsAre("baseline", "inject", "expect", "expect"));
}

TEST(Experiment, VariablesTakeTheTypeOfTheirDefault) {
  const Folder folder;
  const std::string text =
      "return experiment { name = 'x', hypothesis = 'h', params = { n = 3, long = 20*s, "
      "on = false, zone = 'a' }, method = function(run, p) "
      "if p.n == 7 and p.long == 2*minute and p.on and p.zone == 'b' then run:wait(p.long) end "
      "end }";
  const auto experiment =
      load(folder, text, {.vars = {{"n", "7"}, {"long", "2minute"}, {"on", "true"}, {"zone", "b"}}})
          .value();
  const auto steps = dry(experiment);
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].detail["ms"], 120'000);
}

TEST(Experiment, WrongVariablesAreNamed) {
  const auto script = std::string(
      "return experiment { name = 'x', hypothesis = 'h', params = { mode = one_of { 'crash', "
      "'hang' }, long = 20*s }, method = print }");
  EXPECT_THAT(wrong_with(script, {.vars = {{"mod", "hang"}}}).message,
              HasSubstr("unknown parameter 'mod'; did you mean 'mode'?"));
  EXPECT_THAT(wrong_with(script, {.vars = {{"mode", "hung"}}}).message,
              HasSubstr("did you mean 'hang'?"));
  EXPECT_THAT(wrong_with(script, {.vars = {{"long", "20"}}}).message,
              HasSubstr("expected a duration such as 20s, found '20'"));
  EXPECT_THAT(wrong_with(script, {.variant = 3}).message, HasSubstr("has 0 variants"));
}

TEST(Experiment, HashesEverythingItUses) {
  const Folder folder;
  const std::string text = "local lib = use 'lib/y.lua' " + with_method("");
  folder.write("lib/y.lua", "return { 1 }");
  const auto first = load(folder, text).value().sha256;
  folder.write("lib/y.lua", "return { 2 }");
  const auto second = load(folder, text).value().sha256;
  EXPECT_NE(first, second);
  EXPECT_EQ(load(folder, with_method("")).value().sha256.size(), 64u);
}

TEST(Experiment, UsesAFileOnceFromTheFolderAbove) {
  const Folder folder;
  folder.write("lib/count.lua", "calls = (rawget(_G, 'calls') or 0) + 1 return { calls = calls }");
  const auto file = folder.write("drills/x.lua",
                                 "local a = use 'lib/count.lua' local b = use 'lib/count.lua' "
                                 "assert(a == b and calls == 1) " +
                                     with_method(""));
  EXPECT_TRUE(load_experiment(file, lab_environment(), {}));
}

TEST(Experiment, SaysWhereAUsedFileIsWrong) {
  const Folder folder;
  folder.write("lib/y.lua", "local x = 1\nlocal = 2");
  const auto error = load(folder, "use 'lib/y.lua'").error();
  EXPECT_THAT(error.message, HasSubstr("lib/y.lua:2:"));
}

/// Cancels the run while its script waits; the wait itself then returns as if nothing happened.
class CancellingStage : public engine::Stage {
 public:
  explicit CancellingStage(const engine::Experiment& experiment) : experiment_(experiment) {}
  targets::World world() override { return lab_world(); }
  void baseline(std::optional<Duration> /*length*/, const engine::Place& /*place*/) override {}
  std::vector<engine::FaultId> inject(const std::vector<engine::FaultRequest>&) override {
    return {{0}};
  }
  void revert(engine::FaultId /*fault*/) override { ++reverts; }
  void wait(Duration /*length*/) override {
    if (++waits == 3) {
      experiment_.cancel("stopped by the operator");
    }
  }
  bool expect(const engine::Expectation& /*expectation*/) override { return true; }
  void stop_when(const engine::StopCondition& /*condition*/) override {}
  void declare(const std::string& reason, const engine::Place& /*place*/) override {
    notes.push_back("declared: " + reason);
  }
  void note(const std::string& text) override { notes.push_back(text); }

  int waits = 0;
  int reverts = 0;
  std::vector<std::string> notes;

 private:
  const engine::Experiment& experiment_;
};

TEST(Cancel, EndsAScriptThatCatchesEverything) {
  const Folder folder;
  const auto experiment =
      load(folder, with_method("while true do pcall(function() run:wait(1*s) end) end")).value();
  CancellingStage stage(experiment);
  try {
    experiment.method(stage);
    FAIL() << "the method went on";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.error().kind, ErrorKind::cancelled);
    EXPECT_EQ(failure.error().message, "stopped by the operator");
  }
  EXPECT_EQ(stage.waits, 3);
}

TEST(Cancel, StaysForTheNextCall) {
  const Folder folder;
  const auto experiment = load(folder, with_method("run:wait(1*s)")).value();
  experiment.cancel("stopped");
  CancellingStage stage(experiment);
  EXPECT_THROW(experiment.method(stage), Failure);
  EXPECT_EQ(stage.waits, 0);
}

TEST(During, RevertsWhenTheBodyFails) {
  const Folder folder;
  const auto experiment =
      load(folder, with_method("run:during({ fault.az_partition { zone = 'a' } }, function(f) "
                               "error('the body failed') end)"))
          .value();
  CancellingStage stage(experiment);
  try {
    experiment.method(stage);
    FAIL() << "the error was lost";
  } catch (const Failure& failure) {
    EXPECT_THAT(failure.error().message, HasSubstr("x.lua:1: the body failed"));
  }
  EXPECT_EQ(stage.reverts, 1);
}

TEST(Print, GoesToTheRunWhileItRuns) {
  const Folder folder;
  const auto experiment =
      load(folder, with_method("print('a', 20*s) run:log('b\\27', nil)")).value();
  CancellingStage stage(experiment);
  experiment.method(stage);
  EXPECT_THAT(stage.notes, ElementsAre("a 20 s", "b  nil"));
}

TEST(Failures, OfTheStageKeepTheirKindThroughTheScript) {
  class RefusingStage : public CancellingStage {
   public:
    using CancellingStage::CancellingStage;
    void wait(Duration /*length*/) override {
      throw Failure({ErrorKind::refused, "a guardrail says no"});
    }
  };
  const Folder folder;
  const auto experiment = load(folder, with_method("\nrun:wait(1*s)")).value();
  RefusingStage stage(experiment);
  try {
    experiment.method(stage);
    FAIL() << "the refusal was lost";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.error().kind, ErrorKind::refused);
    EXPECT_THAT(failure.error().message, HasSubstr("x.lua:2: a guardrail says no"));
  }
}

}  // namespace
}  // namespace faultline::script
