#include "orchestrator/engine/recovery.hpp"

#include "tests/fake/fake_target.hpp"
#include "tests/fake/forwarding_target.hpp"
#include "tests/fake/manual_clock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::engine {
namespace {

using testing::IsEmpty;

targets::Action kill_action(const std::string& id) {
  return {.id = id,
          .kind = "process.kill",
          .args = {{"component", "a-redis"}},
          .summary = "kill",
          .undo_summary = "start",
          .resource = "component a-redis"};
}

Json intended(const std::string& fault) {
  return {{"type", "intended"},
          {"fault", fault},
          {"kind", "redis_failover"},
          {"run", "r1"},
          {"epoch", 7},
          {"target", {{"target", "fake"}}},
          {"actions", {kill_action(fault + ".1")}},
          {"before",
           {{"environment", "healthy"}, {"cache sessions primary", "a-redis"}, {"in force", ""}}},
          {"may_move", {"cache sessions primary"}},
          {"resources", {"component a-redis"}}};
}

/// As `store::read_segments` says it of a journal that was damaged.
Json damaged() {
  return {{"type", "damaged"},
          {"fault", "1.damaged-117"},
          {"kind", "damaged_journal"},
          {"run", "r1"},
          {"epoch", 7},
          {"target", {{"target", "fake"}}},
          {"resource", "journal 1"}};
}

class RecoveryTest : public testing::Test {
 protected:
  std::vector<std::string> put_back_all(const std::vector<Json>& records) {
    const auto open = open_runs(records);
    EXPECT_TRUE(open) << open.error().message;
    std::vector<std::string> residue;
    for (const auto& run : *open) {
      std::optional<Recovery> recovery;
      recover(run, ports_, [&](const Recovery& r) { recovery = r; });
      EXPECT_TRUE(clock.run(io, [&] { return recovery.has_value(); }));
      residue.insert(residue.end(), recovery->residue.begin(), recovery->residue.end());
      how = recovery->how;
    }
    return residue;
  }
  /// The environment knows what is in force in it, and how to undo it.
  void in_force_is(std::set<std::string> actions) {
    target.in_force = std::move(actions);
    target.on_look = [this](targets::World& world) {
      world.in_force.clear();
      for (const auto& id : target.in_force) {
        world.in_force.push_back({kill_action(id), 7, {}});
      }
    };
  }
  boost::asio::io_context io;
  fake::ManualClock clock;
  fake::FakeTarget target{io, clock};
  fake::MemoryJournal undo;
  std::string how;  ///< the last one ended
  bool gone = false;
  const RecoveryPorts ports_{.clock = clock,
                             .journal = undo,
                             .reach = [this](const Json&) { return reach(); },
                             .who = "guard, pid 12",
                             .on_event = {}};

 private:
  Result<std::unique_ptr<targets::Target>> reach() {
    if (gone) {
      return Error{ErrorKind::not_found, "no lab is up"};
    }
    return std::unique_ptr<targets::Target>(std::make_unique<fake::ForwardingTarget>(target));
  }
};

TEST_F(RecoveryTest, OnlyWhatIsNotClosedIsOpen) {
  const auto open =
      open_runs({intended("f1"), intended("f2"), {{"type", "closed"}, {"fault", "f1"}}});
  ASSERT_TRUE(open) << open.error().message;
  ASSERT_EQ(open->size(), 1u);
  ASSERT_EQ(open->front().faults.size(), 1u);
  EXPECT_EQ(open->front().faults.front().id, "f2");
  EXPECT_EQ(open->front().faults.front().actions.front().id, "f2.1");
}

TEST_F(RecoveryTest, ARecordThatIsNotOursIsAnErrorAndNotSkipped) {
  EXPECT_FALSE(open_runs({Json{{"type", "intended"}}}));
  EXPECT_FALSE(open_runs({Json::array()}));
}

TEST_F(RecoveryTest, TwoFaultsOfARunAreRevertedNewestFirstAndComparedOnce) {
  target.in_force = {"f1.1", "f2.1"};
  EXPECT_THAT(put_back_all({intended("f1"), intended("f2")}), IsEmpty());
  EXPECT_THAT(target.log, testing::ElementsAre("revert f2.1", "revert f1.1"));
}

TEST_F(RecoveryTest, ARoleThatAClosedFaultMovedMayStayMoved) {
  auto second = intended("f2");
  second["may_move"] = Json::array();
  target.in_force = {"f2.1"};
  target.fail_over_to("b-redis");
  EXPECT_THAT(put_back_all({intended("f1"), {{"type", "closed"}, {"fault", "f1"}}, second}),
              IsEmpty());
}

TEST_F(RecoveryTest, RevertsAndFindsNothingLeft) {
  target.in_force = {"f1.1"};
  target.fail_over_to("b-redis");
  EXPECT_THAT(put_back_all({intended("f1")}), IsEmpty());
  EXPECT_THAT(target.in_force, IsEmpty());
}

TEST_F(RecoveryTest, TriesAgainWhenARevertFails) {
  target.in_force = {"f1.1"};
  target.failing_reverts = 3;
  EXPECT_THAT(put_back_all({intended("f1")}), IsEmpty());
}

TEST_F(RecoveryTest, SaysWhatIsStillDifferentAfterTheLimit) {
  target.in_force = {"f1.1"};
  target.drop_undo = true;
  EXPECT_THAT(put_back_all({intended("f1")}), testing::ElementsAre("in force: was , is f1.1 "));
}

TEST_F(RecoveryTest, ReplacesTheOwnerWhoseEpochTheJournalHas) {
  target.in_force = {"f1.1"};
  EXPECT_THAT(put_back_all({intended("f1")}), IsEmpty());
  EXPECT_EQ(target.replaced, 7u);
}

TEST_F(RecoveryTest, RecordsWhatItUndidAndWhoDidIt) {
  target.in_force = {"f1.1"};
  put_back_all({intended("f1")});
  std::vector<std::string> types;
  for (const auto& record : undo.records) {
    types.push_back(record["type"]);
    EXPECT_EQ(record["fault"], "f1");
    EXPECT_EQ(record["by"], "guard, pid 12");
  }
  EXPECT_THAT(types, testing::ElementsAre("reverting", "reverted", "closed"));
  auto both = undo.records;
  both.insert(both.begin(), intended("f1"));
  EXPECT_TRUE(open_runs(both)->empty()) << "the next recovery finds nothing open";
}

TEST_F(RecoveryTest, AnEnvironmentThatIsGoneHoldsNothing) {
  gone = true;
  EXPECT_THAT(put_back_all({intended("f1")}), IsEmpty());
  ASSERT_EQ(undo.records.size(), 1u);
  EXPECT_EQ(undo.records[0]["type"], "closed");
  EXPECT_EQ(undo.records[0]["by"], "guard, pid 12");
  EXPECT_EQ(undo.records[0]["at"], rfc3339(clock.wall())) << "the next command says when";
}

TEST_F(RecoveryTest, AnEnvironmentThatGoesInTheMiddleTakesEverythingWithIt) {
  target.in_force = {"f1.1"};
  target.failing_reverts = 1000;
  const auto goes = clock.at(clock.now() + std::chrono::seconds(3), [this] { gone = true; });
  EXPECT_THAT(put_back_all({intended("f1")}), IsEmpty());
}

TEST_F(RecoveryTest, WhatADamagedJournalHasLostIsFoundInTheEnvironmentAndPutBack) {
  in_force_is({"f1.1", "f2.1"});
  target.fail_over_to("b-redis");
  EXPECT_THAT(put_back_all({damaged()}), IsEmpty()) << "nobody knows who was primary before";
  EXPECT_THAT(target.log, testing::ElementsAre("revert f2.1", "revert f1.1"));
  EXPECT_EQ(target.replaced, 7u);
  EXPECT_EQ(how, "put back what was in force (kill; kill), and everything is healthy");
  EXPECT_EQ(undo.records.back()["type"], "closed");
  auto both = undo.records;
  both.insert(both.begin(), damaged());
  EXPECT_TRUE(open_runs(both)->empty()) << "the next recovery finds nothing open";
}

TEST_F(RecoveryTest, ADamagedJournalIsClosedWhenNothingWasInForce) {
  in_force_is({});
  EXPECT_THAT(put_back_all({damaged()}), IsEmpty());
  EXPECT_THAT(target.log, IsEmpty());
  EXPECT_EQ(how, "nothing was in force, and everything is healthy");
  EXPECT_EQ(undo.records.back()["type"], "closed");
}

TEST_F(RecoveryTest, ADamagedJournalStaysOpenWhileAnythingIsInForceOrIll) {
  in_force_is({"f1.1"});
  target.drop_undo = true;
  EXPECT_THAT(put_back_all({damaged()}), testing::ElementsAre("still in force: kill"));
  in_force_is({});
  target.unhealthy = true;
  EXPECT_THAT(put_back_all({damaged()}),
              testing::ElementsAre("environment: sick (wanted: healthy)"));
  for (const auto& record : undo.records) {
    EXPECT_NE(record["type"], "closed");
  }
}

TEST_F(RecoveryTest, ADamagedJournalComesBeforeTheFaultsThatItStillNames) {
  in_force_is({"f1.1", "f2.1"});
  EXPECT_THAT(put_back_all({damaged(), intended("f2")}), IsEmpty())
      << "with f1 in force the second would not be as it was before";
  EXPECT_THAT(target.in_force, IsEmpty());
}

TEST_F(RecoveryTest, ADamagedJournalWhoseEnvironmentIsGoneHoldsNothing) {
  gone = true;
  EXPECT_THAT(put_back_all({damaged()}), IsEmpty());
  EXPECT_EQ(undo.records.at(0)["fault"], "1.damaged-117");
  EXPECT_EQ(undo.records.at(0)["type"], "closed");
}

TEST_F(RecoveryTest, AnEnvironmentThatSomebodyElseOwnsIsLeftAlone) {
  target.acquire_error = Error{ErrorKind::refused, "the lab is owned by run r2"};
  EXPECT_THAT(put_back_all({intended("f1")}), testing::ElementsAre("the lab is owned by run r2"));
  EXPECT_THAT(undo.records, IsEmpty());
}

}  // namespace
}  // namespace faultline::engine
