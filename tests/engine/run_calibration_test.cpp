#include "tests/engine/run_fixture.hpp"

/// A run without its faults: everything else is as in a drill, so what fails then fails falsely.
namespace faultline::engine {
namespace {

using testing::HasSubstr;

class WithoutFaults : public RunTest {
 protected:
  WithoutFaults() { without_faults = true; }
};

TEST_F(WithoutFaults, NothingIsTouchedAndEveryPromiseIsJudged) {
  experiment.method = [](Stage& stage) {
    const auto lost = stage.inject({crash}).front();
    Expectation back{.sli = Sli::recovery, .subject = "sessions", .from = lost, .place = here};
    back.over = 5s;
    EXPECT_TRUE(stage.expect(back));
    EXPECT_TRUE(stage.expect(good("login", 99, 5s)));
    stage.revert(lost);
  };
  run();
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  EXPECT_EQ(record["without_faults"], true);
  EXPECT_THAT(record["faults"], testing::IsEmpty());
  EXPECT_EQ(record["objectives"].size(), 4u) << "baseline, two of the method, verify";
  EXPECT_THAT(record["events"].dump(), testing::Not(HasSubstr("fault_applied")));
}

TEST_F(WithoutFaults, WhatIsMissedIsAFalseFailure) {
  target.bad = [this](const std::string& probe, Instant due) {
    return probe == "login" && due > clock.now() - 10s && due.time_since_epoch() % 10s < 1s;
  };
  environment.objectives.clear();
  experiment.method = [](Stage& stage) {
    stage.inject({crash});
    stage.expect(good("login", 99, 20s));
  };
  run();
  EXPECT_EQ(record["verdict"], "failed");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("login >= 99 % good"));
}

}  // namespace
}  // namespace faultline::engine
