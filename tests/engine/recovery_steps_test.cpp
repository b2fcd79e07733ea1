#include "orchestrator/engine/recovery_steps.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace faultline::engine {
namespace {

using namespace std::chrono_literals;

const Instant disrupted{100s};

ToldStep told(Duration after, std::string step, std::string of = "sessions",
              std::string by = "b-sentinel") {
  return {disrupted + after, std::move(of), std::move(step), std::move(by), "b-redis"};
}

/// Felt at 20 ms, good again from 2 s on.
Outage outage() {
  Outage o{.disruption = disrupted,
           .cap = 60s,
           .next = {},
           .of = "sessions",
           .probe = "sessions",
           .measured = {},
           .backlog = slo::Backlog{40, 2400},
           .declarations = {},
           .told = true};
  o.measured.symptom_ms = 20;
  o.measured.first_success_ms = 1900;
  o.measured.sustained_ms = o.measured.actual_ms = 2000;
  o.measured.resolution_ms = 20;
  return o;
}

/// "symptom 20, detected 1250 (b-sentinel), decided -, ...: what is out of order".
std::string in_words(const TakenApart& taken) {
  std::string words;
  for (const auto& step : taken.steps) {
    words += words.empty() ? "" : ", ";
    words += step.name + " " + (step.ms ? std::to_string(std::lround(*step.ms)) : "-");
    words += step.note.empty() ? "" : " (" + step.note + ")";
  }
  return words;
}

struct Story {
  const char* name;
  std::vector<ToldStep> told;
  const char* words;
};

class Stories : public testing::TestWithParam<Story> {};

TEST_P(Stories, AreToldAsTheyHappened) {
  EXPECT_EQ(in_words(take_apart(outage(), GetParam().told)), GetParam().words);
}

INSTANTIATE_TEST_SUITE_P(
    , Stories,
    testing::Values(
        Story{"InOrder",
              {told(1250ms, "detected"), told(1600ms, "decided"), told(1700ms, "done")},
              "symptom 20, detected 1250, decided 1600, done 1700, first_success 1900, "
              "sustained 2000, drained 2400, declared - (nobody declared it)"},
        Story{"NothingDetected",
              {},
              "symptom 20, detected - (did not happen), decided - (did not happen), "
              "done - (did not happen), first_success 1900, sustained 2000, drained 2400, "
              "declared - (nobody declared it)"},
        Story{"TheFirstOfEachCountsInWhateverOrderTheyAreTold",
              {told(1800ms, "detected"), told(1250ms, "detected"), told(1300ms, "decided")},
              "symptom 20, detected 1250, decided 1300, done - (did not happen), "
              "first_success 1900, sustained 2000, drained 2400, declared - (nobody declared it)"},
        Story{"DetectedAfterItWorkedAgain",
              {told(30s, "detected")},
              "symptom 20, detected 30000, decided - (did not happen), done - (did not happen), "
              "first_success 1900 (out of order: before it was detected), "
              "sustained 2000 (out of order: before it was detected), "
              "drained 2400 (out of order: before it was detected), "
              "declared - (nobody declared it)"},
        Story{"DecidedBeforeItWasDetected",
              {told(1600ms, "detected"), told(1250ms, "decided")},
              "symptom 20, detected 1600, decided 1250 (out of order: before it was detected), "
              "done - (did not happen), first_success 1900, sustained 2000, drained 2400, "
              "declared - (nobody declared it)"},
        Story{"DetectedBeforeAnybodyFeltIt",
              {told(5ms, "detected")},
              "symptom 20, detected 5 (out of order: before the first symptom), "
              "decided - (did not happen), done - (did not happen), first_success 1900, "
              "sustained 2000, drained 2400, declared - (nobody declared it)"},
        Story{"FromBeforeTheDisruption",
              {told(-1ms, "detected"), told(-900ms, "decided")},
              "symptom 20, detected - (did not happen), decided - (did not happen), "
              "done - (did not happen), first_success 1900, sustained 2000, drained 2400, "
              "declared - (nobody declared it)"},
        Story{"OfSomethingElse",
              {told(1250ms, "detected", "orders", "db-manager")},
              "symptom 20, detected - (did not happen), decided - (did not happen), "
              "done - (did not happen), first_success 1900, sustained 2000, drained 2400, "
              "declared - (nobody declared it)"},
        Story{"BeyondTheCap",
              {told(60s, "detected")},
              "symptom 20, detected - (did not happen), decided - (did not happen), "
              "done - (did not happen), first_success 1900, sustained 2000, drained 2400, "
              "declared - (nobody declared it)"}),
    [](const testing::TestParamInfo<Story>& bundle) { return bundle.param.name; });

TEST(RecoverySteps, NameWhoNoticedWhoDecidedAndWhoMeasured) {
  const auto taken = take_apart(outage(), {told(1250ms, "detected"), told(1600ms, "decided")});
  EXPECT_EQ(taken.steps[0].by, "sessions");
  EXPECT_EQ(taken.steps[1].by, "b-sentinel");
  EXPECT_EQ(taken.steps[2].component, "b-redis");
  EXPECT_EQ(taken.ms("decided"), 1600);
  EXPECT_EQ(taken.ms("done"), std::nullopt);
  EXPECT_EQ(taken.ms("no such step"), std::nullopt);
}

TEST(RecoverySteps, OfTwoDisruptionsInARowBelongToTheOneTheyFollow) {
  const std::vector<ToldStep> both{told(1250ms, "detected"), told(1600ms, "decided"),
                                   told(11'300ms, "detected"), told(11'700ms, "decided")};
  auto first = outage();
  first.next = disrupted + 10s;
  EXPECT_EQ(take_apart(first, both).ms("detected"), 1250);
  auto second = outage();
  second.disruption = disrupted + 10s;
  EXPECT_EQ(take_apart(second, both).ms("detected"), 1300);
  EXPECT_EQ(take_apart(second, both).ms("decided"), 1700);

  const std::vector<ToldStep> only_of_the_second{told(11'300ms, "detected")};
  EXPECT_EQ(take_apart(first, only_of_the_second).ms("detected"), std::nullopt)
      << "it is no answer to the first";
}

TEST(RecoverySteps, ThatNobodyFeltNeededNoSuccess) {
  auto unfelt = outage();
  unfelt.measured = {};
  unfelt.measured.resolution_ms = 20;
  unfelt.backlog = slo::Backlog{};
  EXPECT_EQ(in_words(take_apart(unfelt, {told(1250ms, "detected")})),
            "symptom - (did not happen), detected 1250, decided - (did not happen), "
            "done - (did not happen), first_success - (not needed: no request was bad), "
            "sustained - (not needed: no request was bad), "
            "drained - (not needed: nothing waited), declared - (nobody declared it)");
}

TEST(RecoverySteps, OfARecoveryThatWasNotSeenSayHowLongItWasWatched) {
  auto lasting = outage();
  lasting.measured.sustained_ms.reset();
  lasting.measured.first_success_ms.reset();
  lasting.backlog->drained_ms.reset();
  lasting.watched = 60s;
  lasting.backlog_watched = 5s;  // then came the next fault
  lasting.measured.censored = true;
  lasting.measured.actual_ms = 60'000;
  EXPECT_EQ(in_words(take_apart(lasting, {})),
            "symptom 20, detected - (did not happen), decided - (did not happen), "
            "done - (did not happen), first_success - (did not happen), "
            "sustained - (not within 60 s), drained - (not within 5 s), "
            "declared - (nobody declared it)");
}

TEST(RecoverySteps, WithoutASampleNothingIsKnown) {
  auto unseen = outage();
  unseen.measured = {};
  unseen.measured.censored = true;
  unseen.backlog.reset();
  const auto taken = take_apart(unseen, {});
  for (const auto* name : {"symptom", "first_success", "sustained", "drained"}) {
    EXPECT_EQ(taken.ms(name), std::nullopt) << name;
  }
  EXPECT_EQ(taken.steps[0].note, "nothing was measured");
  EXPECT_EQ(taken.steps[6].note, "not measured: no baseline to compare with");
}

TEST(RecoverySteps, OfAnEnvironmentThatTellsNothingAreNotCalledMissing) {
  auto silent = outage();
  silent.told = false;
  EXPECT_EQ(take_apart(silent, {}).steps[1].note, "not told by this environment");
}

TEST(ADeclaration, SetsASecondClock) {
  auto declared = outage();
  declared.declarations = {disrupted + 45s, disrupted + 500ms, disrupted - 3s};
  const auto taken = take_apart(declared, {});
  EXPECT_EQ(taken.ms("declared"), 500);
  EXPECT_EQ(taken.actual_from_declared_ms, 1500);
}

TEST(ADeclaration, ThatComesAfterTheRecoveryHasNoTimeToRecover) {
  auto late = outage();
  late.declarations = {disrupted + 3s};
  const auto taken = take_apart(late, {});
  EXPECT_EQ(taken.ms("declared"), 3000);
  EXPECT_EQ(taken.steps.back().note, "after it was over");
  EXPECT_EQ(taken.actual_from_declared_ms, std::nullopt);
}

TEST(ADeclaration, OfAnOutageThatLastsIsCappedAsTheRecoveryIs) {
  auto lasting = outage();
  lasting.measured.sustained_ms.reset();
  lasting.measured.censored = true;
  lasting.measured.actual_ms = 60'000;
  lasting.declarations = {disrupted + 10s};
  EXPECT_EQ(take_apart(lasting, {}).actual_from_declared_ms, 50'000);
}

TEST(ADeclaration, BelongsToTheDisruptionBeforeIt) {
  auto first = outage();
  first.next = disrupted + 10s;
  first.declarations = {disrupted + 12s};
  EXPECT_EQ(take_apart(first, {}).ms("declared"), std::nullopt);
}

TEST(AToldStep, IsReadFromANoticeThatIsWhole) {
  const targets::Json whole{
      {"of", "orders"}, {"step", "detected"}, {"by", "db-manager"}, {"component", "a-db"}};
  const auto step = told_step({disrupted, "recovery_step", whole});
  ASSERT_TRUE(step);
  EXPECT_EQ(step->of, "orders");
  EXPECT_EQ(step->by, "db-manager");
  EXPECT_EQ(step->at, disrupted);
  EXPECT_FALSE(told_step({disrupted, "component_died", whole}));
  for (const auto& [field, value] : std::map<std::string, targets::Json>{
           {"of", nullptr}, {"of", ""}, {"step", "guessed"}, {"step", 3}}) {
    auto broken = whole;
    broken[field] = value;
    EXPECT_FALSE(told_step({disrupted, "recovery_step", broken})) << broken;
  }
  EXPECT_FALSE(told_step({disrupted, "recovery_step", nullptr}));
}

TEST(TheRecord, HasNullForWhatIsNotKnown) {
  const auto record = record_of(take_apart(outage(), {told(1250ms, "detected")}).steps);
  ASSERT_EQ(record.size(), 8u);
  EXPECT_EQ(record[1]["name"], "detected");
  EXPECT_EQ(record[1]["ms"], 1250);
  EXPECT_EQ(record[1]["note"], nullptr);
  EXPECT_EQ(record[2]["ms"], nullptr);
  EXPECT_EQ(record[2]["by"], nullptr);
  EXPECT_EQ(record[2]["note"], "did not happen");
}

}  // namespace
}  // namespace faultline::engine
