#include "orchestrator/store/history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>
#include <thread>
#include <unistd.h>

namespace faultline::store {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

json run(const std::string& id, const std::string& started, const std::string& verdict = "passed") {
  return {{"schema", "faultline.run/1"},
          {"id", id},
          {"experiment", "redis_failover"},
          {"environment", "lab"},
          {"profile", "naive"},
          {"verdict", verdict},
          {"reason", "why"},
          {"started", started},
          {"finished", started}};
}

const Afterwards zone_b_accepted{.run = "r1",
                                 .at = "2026-11-20T12:40:00.000Z",
                                 .by = "ann",
                                 .resource = "zone b",
                                 .reason = "rebuilt by hand",
                                 .words = "zone_loss: accepted as it is"};

class HistoryTest : public testing::Test {
 protected:
  HistoryTest() {
    std::string name = (fs::temp_directory_path() / "faultline-history-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    file_ = folder_ / "history.db";
  }
  ~HistoryTest() override { fs::remove_all(folder_); }

  [[nodiscard]] std::unique_ptr<History> open() const { return History::open(file_).value(); }
  void sql(const char* text) const {
    sqlite3* database = nullptr;
    sqlite3_open(file_.c_str(), &database);
    ASSERT_EQ(sqlite3_exec(database, text, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(database);
  }

  fs::path folder_, file_;
};

TEST_F(HistoryTest, ListsTheNewestRunFirst) {
  auto history = open();
  history->add(run("r1", "2026-11-20T12:00:00.000Z")).value();
  history->add(run("r3", "2026-11-20T12:20:00.000Z", "failed")).value();
  history->add(run("r2", "2026-11-20T12:10:00.000Z")).value();
  const auto rows = history->list(2).value();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].id, "r3");
  EXPECT_EQ(rows[0].verdict, "failed");
  EXPECT_EQ(rows[0].profile, "naive");
  EXPECT_EQ(rows[1].id, "r2");
}

TEST_F(HistoryTest, GivesBackAWholeRecordAfterReopening) {
  auto record = run("r1", "2026-11-20T12:00:00.000Z");
  record["probes"] = json::array({{{"name", "login"}, {"p99_ms", nullptr}}});
  open()->add(record).value();
  EXPECT_EQ(open()->get("r1").value(), record);
}

TEST_F(HistoryTest, FindsARunByAUniquePrefixOrAsTheLast) {
  auto history = open();
  history->add(run("20261120-1200-ab", "2026-11-20T12:00:00.000Z")).value();
  history->add(run("20261120-1210-cd", "2026-11-20T12:10:00.000Z")).value();
  history->add(run("20261120", "2026-11-20T11:00:00.000Z")).value();
  EXPECT_EQ(history->get("20261120-1200").value()["id"], "20261120-1200-ab");
  EXPECT_EQ(history->get("last").value()["id"], "20261120-1210-cd");
  EXPECT_EQ(history->get("20261120").value()["id"], "20261120") << "a full id is no prefix";
}

TEST_F(HistoryTest, ANameOfNoneOrSeveralRunsIsTheUsersMistake) {
  auto history = open();
  EXPECT_THAT(history->get("last").error().message, HasSubstr("no runs yet"));
  history->add(run("ab1", "2026-11-20T12:00:00.000Z")).value();
  history->add(run("ab2", "2026-11-20T12:10:00.000Z")).value();
  EXPECT_EQ(history->get("ab").error().kind, ErrorKind::usage);
  EXPECT_THAT(history->get("ab").error().message, HasSubstr("ab1"));
  EXPECT_THAT(history->get("%' OR 1=1 --").error().message, HasSubstr("no run"));
}

TEST_F(HistoryTest, AddingARunAgainKeepsOne) {
  auto history = open();
  history->add(run("r1", "2026-11-20T12:00:00.000Z")).value();
  history->add(run("r1", "2026-11-20T12:00:00.000Z")).value();
  EXPECT_EQ(history->list(10).value().size(), 1u);
}

TEST_F(HistoryTest, WhatIsNoRecordIsRefused) {
  auto history = open();
  EXPECT_EQ(history->add({{"id", "r1"}}).error().kind, ErrorKind::usage);
  EXPECT_TRUE(history->list(10).value().empty());
}

TEST_F(HistoryTest, ForeignAndDamagedFilesAreErrorsAndStayAsTheyAre) {
  { std::ofstream(file_) << std::string(8192, 'x'); }
  EXPECT_THAT(History::open(file_).error().message, HasSubstr("move the file away"));
  fs::remove(file_);
  sql("CREATE TABLE recipe (name TEXT)");
  EXPECT_THAT(History::open(file_).error().message, HasSubstr("another program's database"));
  fs::remove(file_);
  sql("PRAGMA user_version = 7");
  EXPECT_THAT(History::open(file_).error().message, HasSubstr("version 7"));
  EXPECT_EQ(History::open(folder_).error().kind, ErrorKind::io);
  EXPECT_THAT(History::open(folder_ / "nowhere" / "history.db").error().message,
              HasSubstr("FAULTLINE_HOME"));
}

TEST_F(HistoryTest, DamageAtAnyPageIsAnErrorOrTheRightAnswer) {
  {
    auto history = open();
    for (int i = 0; i < 40; ++i) {
      auto record = run("r" + std::to_string(100 + i), "2026-11-20T12:00:00.000Z");
      record["pad"] = std::string(2000, 'p');
      history->add(record).value();
    }
  }
  sql("PRAGMA wal_checkpoint(TRUNCATE)");
  std::string whole;
  {
    std::ifstream in(file_, std::ios::binary);
    whole.assign(std::istreambuf_iterator<char>(in), {});
  }
  constexpr std::size_t step = 512;
  for (std::size_t at = 0; at < whole.size(); at += step) {
    auto damaged = whole;
    for (std::size_t i = at; i < std::min(at + step, damaged.size()); ++i) {
      damaged[i] = static_cast<char>(~damaged[i]);
    }
    { std::ofstream(file_, std::ios::binary | std::ios::trunc) << damaged; }
    if (const auto history = History::open(file_)) {
      (void)(*history)->list(100);
      (void)(*history)->get("r120");
      (void)(*history)->get("last");
    }
  }
}

TEST_F(HistoryTest, ListingUsesTheIndexAndDoesNotSort) {
  ASSERT_TRUE(History::open(file_));
  sqlite3* database = nullptr;
  sqlite3_open(file_.c_str(), &database);
  std::string plan;
  sqlite3_exec(
      database, "EXPLAIN QUERY PLAN SELECT id FROM run ORDER BY started DESC, id DESC",
      [](void* out, int, char** values, char**) {
        *static_cast<std::string*>(out) += values[3];
        return 0;
      },
      &plan, nullptr);
  sqlite3_close(database);
  EXPECT_THAT(plan, HasSubstr("run_newest_first"));
  EXPECT_THAT(plan, testing::Not(HasSubstr("TEMP B-TREE")));
}

TEST_F(HistoryTest, SeveralWritersWaitForEachOther) {
  constexpr int writers = 4;
  constexpr int runs_each = 10;
  std::vector<std::thread> threads;
  for (int w = 0; w < writers; ++w) {
    threads.emplace_back([this, w] {
      auto history = open();
      for (int i = 0; i < runs_each; ++i) {
        history->add(run(std::to_string(w) + "-" + std::to_string(i), "2026-11-20T12:00:00.000Z"))
            .value();
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(open()->list(1000).value().size(), std::size_t{writers * runs_each});
}

TEST_F(HistoryTest, ARunThatBeganIsReplacedByItsEnd) {
  auto history = open();
  auto begun = run("r1", "2026-11-20T12:00:00.000Z", "inconclusive");
  begun["finished"] = nullptr;
  history->add(begun).value();
  history->add(run("r1", "2026-11-20T12:00:00.000Z", "passed")).value();
  const auto rows = history->list(10).value();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].verdict, "passed");
}

TEST_F(HistoryTest, AnUnfinishedRunSaysByWhomItWasRecovered) {
  auto history = open();
  auto begun = run("r1", "2026-11-20T12:00:00.000Z", "inconclusive");
  begun["finished"] = nullptr;
  history->add(begun).value();
  mark_recovered(file_, "r1", "by the guard: reverted, nothing left").value();
  EXPECT_EQ(history->list(1).value().front().reason,
            "unfinished: it ended without a word; recovered by the guard: reverted, nothing left");
  EXPECT_EQ(history->get("r1").value()["verdict"], "inconclusive");
}

TEST_F(HistoryTest, ARunThatEndedIsNotMarked) {
  auto history = open();
  history->add(run("r1", "2026-11-20T12:00:00.000Z")).value();
  mark_recovered(file_, "r1", "by the guard").value();
  mark_recovered(file_, "r2", "by the guard").value();
  EXPECT_EQ(history->list(1).value().front().reason, "why");
}

TEST_F(HistoryTest, MarkingCreatesNoHistory) {
  mark_recovered(file_, "r1", "by the guard").value();
  EXPECT_FALSE(add_afterwards(file_, zone_b_accepted).value());
  EXPECT_FALSE(fs::exists(file_));
}

TEST_F(HistoryTest, ARunThatEndedKeepsWhatBecameOfWhatItLeft) {
  auto history = open();
  auto ended = run("r1", "2026-11-20T12:00:00.000Z", "failed");
  ended["exit_code"] = 5;
  history->add(ended).value();
  EXPECT_TRUE(add_afterwards(file_, zone_b_accepted).value());
  EXPECT_TRUE(add_afterwards(file_, {.run = "r1",
                                     .at = "2026-11-20T12:50:00.000Z",
                                     .by = "recover, pid 7",
                                     .resource = "cache sessions",
                                     .reason = "",
                                     .words = "redis_failover: reverted, nothing left"})
                  .value());
  const auto row = history->list(1).value().front();
  EXPECT_EQ(row.verdict, "failed");
  EXPECT_EQ(row.reason, "why");
  const auto record = history->get("r1").value();
  EXPECT_EQ(record["exit_code"], 5);
  ASSERT_EQ(record["afterwards"].size(), 2u);
  EXPECT_EQ(record["afterwards"][0], json({{"at", "2026-11-20T12:40:00.000Z"},
                                           {"by", "ann"},
                                           {"resource", "zone b"},
                                           {"reason", "rebuilt by hand"},
                                           {"words", "zone_loss: accepted as it is"}}));
  EXPECT_EQ(record["afterwards"][1]["reason"], nullptr) << "it was put back";
}

TEST_F(HistoryTest, WhatBecameOfARunIsKeptOnceHoweverOftenItIsTold) {
  open()->add(run("r1", "2026-11-20T12:00:00.000Z")).value();
  EXPECT_TRUE(add_afterwards(file_, zone_b_accepted).value());
  EXPECT_TRUE(add_afterwards(file_, zone_b_accepted).value());
  EXPECT_EQ(open()->get("r1").value()["afterwards"].size(), 1u);
}

TEST_F(HistoryTest, WhoeverTellsOfAnUnknownRunIsToldSo) {
  open()->add(run("r10", "2026-11-20T12:00:00.000Z")).value();
  EXPECT_FALSE(add_afterwards(file_, zone_b_accepted).value()) << "r1 is no prefix here";
  EXPECT_FALSE(open()->get("r10").value().contains("afterwards"));
}

TEST_F(HistoryTest, ARunThatHungAndEndsAfterItsRecoveryKeepsWhatBecameOfIt) {
  auto history = open();
  auto begun = run("r1", "2026-11-20T12:00:00.000Z", "inconclusive");
  begun["finished"] = nullptr;
  history->add(begun).value();
  add_afterwards(file_, zone_b_accepted).value();
  history->add(run("r1", "2026-11-20T12:00:00.000Z", "aborted")).value();
  const auto record = history->get("r1").value();
  EXPECT_EQ(record["verdict"], "aborted");
  EXPECT_EQ(record["afterwards"][0]["by"], "ann");
}

}  // namespace
}  // namespace faultline::store
