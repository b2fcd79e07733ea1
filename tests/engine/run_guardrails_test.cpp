#include "tests/engine/run_fixture.hpp"

/// What the ledger does to a run, and what a run tells about it.
namespace faultline::engine {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

FaultRequest cut(const std::string& zone) {
  return {"az_partition", {{"zone", zone}}, here};
}
const FaultRequest slow_pay{"third_party", {{"dependency", "pay"}}, here};

class GuardedRun : public RunTest {
 protected:
  GuardedRun() { environment.guardrails = {.zones_at_once = 1, .file = "env.lua"}; }
  int applied() const {
    return static_cast<int>(std::ranges::count_if(
        target.log, [](const std::string& line) { return line.starts_with("apply"); }));
  }
};

TEST_F(GuardedRun, FaultsThatAreAskedForAtOnceCountAtOnce) {
  experiment.method = [](Stage& stage) { stage.inject({cut("a"), cut("b")}); };
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_EQ(exit_code, 3);
  EXPECT_THAT(record["reason"].get<std::string>(),
              HasSubstr("zones_at_once: at most 1; az_partition of zone b would make 2 (a, b)"));
  EXPECT_EQ(applied(), 0) << "where one does not fit, none is begun";
  EXPECT_THAT(journal.records, IsEmpty());
}

TEST_F(GuardedRun, OneThatDoesNotFitEndsTheRunAndRevertsTheOthers) {
  experiment.method = [](Stage& stage) {
    stage.inject({cut("a")});
    stage.inject({cut("b")});
  };
  run();
  EXPECT_EQ(exit_code, 3);
  EXPECT_EQ(applied(), 1);
  EXPECT_THAT(target.in_force, IsEmpty());
}

TEST_F(GuardedRun, WhatIsUndoneMakesRoomOnceItIsVerified) {
  experiment.method = [](Stage& stage) {
    stage.expect(nothing_lost());
    for (const auto* zone : {"a", "b", "c"}) {
      stage.revert(stage.inject({cut(zone)}).front());
    }
  };
  run();
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  EXPECT_EQ(applied(), 3);
}

/// What it waited for may have moved a role: the next fault is planned on the world as it is then.
TEST_F(GuardedRun, WhatHadToWaitIsPlannedAfterwards) {
  environment.guardrails = {.concurrent_faults = 1};
  experiment.method = [this](Stage& stage) {
    stage.expect(nothing_lost());
    const auto first = stage.inject({crash}).front();
    stage.revert(first);
    target.post([this] {  // before the invariants are compared
      for (auto& component : target.world.components) {
        if (component.name == "a-redis" || component.name == "b-redis") {
          component.labels["role"] = component.name == "b-redis" ? "primary" : "replica";
        }
      }
    });
    stage.inject({crash});
  };
  run();
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  EXPECT_EQ(record["faults"][1]["actions"][0]["summary"],
            "kill b-redis (SIGKILL) and hold it down");
}

TEST_F(GuardedRun, WhatIsUndoneCountsWhileAnotherFaultHidesWhetherItIs) {
  experiment.method = [](Stage& stage) {
    stage.inject({slow_pay});
    stage.revert(stage.inject({cut("a")}).front());
    stage.inject({cut("b")});
  };
  run();
  EXPECT_EQ(exit_code, 3);
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("zones_at_once"));
}

TEST_F(GuardedRun, WhatAnotherRunHasInForceIsNotAddedTo) {
  target.world.in_force.push_back(
      {.action = {.id = "other.f1.1", .kind = "network.cut", .summary = "cut zone c"}});
  run();
  EXPECT_EQ(exit_code, 3);
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("other.f1.1 of another run is in"));
  EXPECT_EQ(applied(), 0);
}

TEST_F(GuardedRun, WithoutTheApprovalThatAFaultNeedsNothingIsInjected) {
  environment.guardrails.needs_approval = {"compensable"};
  run();
  EXPECT_EQ(exit_code, 3);
  EXPECT_EQ(applied(), 0);
  EXPECT_THAT(record["approvals"], IsEmpty());
}

TEST_F(GuardedRun, AnApprovalIsInTheRecordWithWhatItWasFor) {
  environment.guardrails.needs_approval = {"compensable"};
  approvals = {{"ann", "agreed with the shop team"}};
  experiment.method = [](Stage& stage) {
    stage.expect(nothing_lost());
    stage.inject({slow_pay, crash});
  };
  run();
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  ASSERT_EQ(record["approvals"].size(), 1u);
  const auto& approval = record["approvals"][0];
  EXPECT_EQ(approval["who"], "ann");
  EXPECT_EQ(approval["reason"], "agreed with the shop team");
  EXPECT_EQ(approval["at"], record["started"]);
  EXPECT_EQ(approval["at_offset_ms"], 0);
  EXPECT_EQ(approval["faults"], Json({"r1.f2"})) << "slow_pay is restorable";
}

TEST_F(GuardedRun, AnApprovalThatNothingNeededIsInTheRecordToo) {
  approvals = {{"ann", "just in case"}};
  run();
  EXPECT_THAT(record["approvals"][0]["faults"], IsEmpty());
}

}  // namespace
}  // namespace faultline::engine
