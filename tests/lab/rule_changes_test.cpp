#include "targets/lab/supervisor_rule_changes.hpp"
#include "targets/lab/supervisor_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// Hosts whose tables are values, and an `nft` that ends when the test says so.
struct RuleChangesTest : testing::Test {
  boost::asio::io_context io;
  std::map<std::string, RuleTables> tables;  // by host
  std::vector<std::string> scripts, lifted, answers;
  std::function<void(bool succeeds)> finish;
  bool blind = false;  ///< tables cannot be read
  RuleChanges changes{
      io,
      [this](const std::string& host) {
        return blind ? Result<RuleTables>(Error{ErrorKind::io, "no answer"})
                     : Result<RuleTables>(tables[host]);
      },
      [this](const std::string& host, const std::string& script, const RuleChanges::Done& done) {
        scripts.push_back(script);
        finish = [this, host, script, done](bool succeeds) {
          if (succeeds) {
            carry_out(tables[host], script);
          }
          done(succeeds ? Result<>{} : Error{ErrorKind::io, "nft says no"});
        };
      },
      [this](const std::string& action, const std::string& how) {
        lifted.push_back(action + ": " + how);
      }};

  /// A line a table, as the scripts of these tests have it.
  static void carry_out(RuleTables& tables, const std::string& script) {
    std::istringstream lines(script);
    for (std::string verb, family, name; lines >> verb;) {
      if (verb == "delete") {
        lines >> verb >> family >> name;
        tables.erase(family + " " + name);
      } else {
        lines >> family >> name;
        tables[family + " " + name] = {1, 2, 7};
      }
    }
  }
  RuleChanges::Done answer(const std::string& what) {
    return [this, what](const Result<>& result) {
      answers.push_back(what + (result ? " done" : ": " + result.error().message));
      last = result;
    };
  }
  void add(const std::string& action, const std::string& host = "core") {
    changes.add(host, action, "table inet fl_" + action + "\n", answer("add " + action));
  }
  void remove(const std::string& action, const std::string& host = "core") {
    changes.remove(host, action, answer("remove " + action));
  }
  /// What was asked at once begins.
  void settle() {
    io.restart();
    io.poll();
  }
  /// The transaction that runs in core is committed, and `nft` is killed before it says so.
  void finish_unheard() {
    carry_out(tables["core"], scripts.back());
    finish(false);
  }
  /// In force, with nothing under way.
  void added(const std::string& action) {
    add(action);
    settle();
    finish(true);
    answers.clear();
    scripts.clear();
  }
  Result<> last;
};

TEST_F(RuleChangesTest, WhatIsAskedWhileOneRunsGoesIntoOneTransaction) {
  add("x");
  settle();
  add("y");
  add("z");
  settle();
  EXPECT_THAT(scripts, SizeIs(1));
  finish(true);
  ASSERT_THAT(scripts, SizeIs(2));
  EXPECT_EQ(scripts[1], "table inet fl_y\ntable inet fl_z\n");
  finish(true);
  EXPECT_THAT(answers, ElementsAre("add x done", "add y done", "add z done"));
}

TEST_F(RuleChangesTest, HostsDoNotWaitForEachOther) {
  add("x", "core");
  add("y", "nat");
  settle();
  EXPECT_THAT(scripts, SizeIs(2));
}

TEST_F(RuleChangesTest, AHundredUndosAtOnceAreOneTransaction) {
  for (int i = 0; i < 100; ++i) {
    added(std::to_string(i));
  }
  for (int i = 0; i < 100; ++i) {
    remove(std::to_string(i));
  }
  settle();
  finish(true);
  EXPECT_THAT(scripts, SizeIs(1));
  EXPECT_THAT(answers, SizeIs(100));
  EXPECT_THAT(tables["core"], IsEmpty());
}

TEST_F(RuleChangesTest, AnUndoWaitsForTheApplyOfTheSameAction) {
  add("x");
  remove("x");
  add("x");
  settle();
  EXPECT_EQ(scripts.back(), "table inet fl_x\n");
  finish(true);
  EXPECT_EQ(scripts.back(), delete_rules("x"));
  finish(true);
  EXPECT_EQ(scripts.back(), "table inet fl_x\n");
}

TEST_F(RuleChangesTest, OfATransactionThatFailsEachIsTriedAloneAndHasItsOwnAnswer) {
  add("good");
  add("bad");
  settle();
  EXPECT_EQ(scripts.back(), "table inet fl_good\ntable inet fl_bad\n");
  finish(false);
  EXPECT_EQ(scripts.back(), "table inet fl_good\n");
  finish(true);
  EXPECT_EQ(scripts.back(), "table inet fl_bad\n");
  finish(false);
  EXPECT_THAT(answers, ElementsAre("add good done", "add bad: nft says no"));
}

TEST_F(RuleChangesTest, ATableThatSomebodyChangedIsAConflictAndLeftAlone) {
  added("x");
  tables["core"]["inet fl_x"].digest = 8;
  remove("x");
  settle();
  EXPECT_THAT(scripts, IsEmpty());
  EXPECT_EQ(last.error().kind, ErrorKind::conflict);
  EXPECT_THAT(answers[0], HasSubstr("1 chain, 2 rules, digest 00000007 was added"));
  EXPECT_THAT(answers[0], HasSubstr("1 chain, 2 rules, digest 00000008 is there now"));
  tables["core"].erase("inet fl_x");  // by hand
  remove("x");
  settle();
  EXPECT_TRUE(last);
}

TEST_F(RuleChangesTest, ATableThatIsGoneIsDoneAndToldOnce) {
  added("x");
  tables["core"].clear();
  remove("x");
  remove("x");
  settle();
  EXPECT_THAT(answers, ElementsAre("remove x done", "remove x done"));
  EXPECT_THAT(lifted, ElementsAre("x: its table inet fl_x was gone already"));
}

TEST_F(RuleChangesTest, ATableOfItsNameThatItHasNotAddedIsNeverTouched) {
  tables["core"]["inet fl_x"] = {1, 1, 1};
  add("x");
  settle();
  EXPECT_EQ(last.error().kind, ErrorKind::conflict);
  remove("x");
  settle();
  EXPECT_TRUE(last) << "there is nothing of the action to undo";
  EXPECT_THAT(scripts, IsEmpty());
  EXPECT_THAT(tables["core"], SizeIs(1));
}

TEST_F(RuleChangesTest, ARemovalThatNftDidAndReportedAsFailedIsDoneAndNobodyElses) {
  added("x");
  remove("x");
  settle();
  finish_unheard();
  remove("x");
  settle();
  EXPECT_THAT(answers, ElementsAre("remove x done", "remove x done"));
  EXPECT_THAT(lifted, IsEmpty());
}

TEST_F(RuleChangesTest, ATransactionThatNftDidAndReportedAsFailedIsNotTriedAgain) {
  added("x");
  added("y");
  remove("x");
  remove("y");
  add("z");
  settle();
  finish_unheard();
  EXPECT_THAT(answers, ElementsAre("remove x done", "remove y done", "add z done"));
  EXPECT_THAT(scripts, SizeIs(1));
  EXPECT_THAT(lifted, IsEmpty());
}

TEST_F(RuleChangesTest, ARemovalThatMayHaveBeenDoneIsLookedAtAgainAndNobodyElses) {
  added("x");
  remove("x");
  settle();
  blind = true;
  finish_unheard();
  blind = false;
  remove("x");
  settle();
  EXPECT_THAT(answers, ElementsAre("remove x: nft says no", "remove x done"));
  EXPECT_THAT(lifted, IsEmpty());
}

TEST_F(RuleChangesTest, AnAddThatNftDidAndReportedAsFailedIsInForce) {
  add("x");
  settle();
  finish_unheard();
  EXPECT_THAT(answers, ElementsAre("add x done"));
  tables["core"].clear();
  remove("x");
  settle();
  EXPECT_THAT(lifted, ElementsAre("x: its table inet fl_x was gone already"));
}

TEST_F(RuleChangesTest, WhatMayHaveBeenAddedIsRemovedWhereItIsThere) {
  add("x");
  settle();
  blind = true;
  finish_unheard();
  blind = false;
  EXPECT_THAT(answers, ElementsAre("add x: nft says no"));
  remove("x");
  add("y");
  settle();
  EXPECT_EQ(scripts.back(), delete_rules("x") + "table inet fl_y\n");
  finish(false);
  EXPECT_EQ(scripts.back(), delete_rules("x"));
  finish(true);
  finish(false);
  remove("y");
  settle();
  EXPECT_TRUE(last);
  EXPECT_THAT(lifted, IsEmpty()) << "it never was there";
}

}  // namespace
}  // namespace faultline::lab
