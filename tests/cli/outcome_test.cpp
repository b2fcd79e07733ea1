#include "orchestrator/cli/outcome.hpp"

#include "orchestrator/report/verdict.hpp"
#include "orchestrator/store/history.hpp"
#include "tests/cli/folder.hpp"
#include "tests/fake/fake_target.hpp"
#include "tests/fake/manual_clock.hpp"

#include <gmock/gmock.h>

/// What a command leaves for others to read: never the result of an earlier one, never half a file,
/// never fewer experiments than were asked for.
namespace faultline::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

json run_record(const std::string& verdict) {
  return {{"schema", "faultline.run/1"},
          {"id", "r1"},
          {"experiment", "x"},
          {"environment", "lab"},
          {"profile", ""},
          {"verdict", verdict},
          {"reason", "why"},
          {"started", "now"}};
}

TEST(Outputs, AnEarlierResultIsGoneBeforeTheRunBegins) {
  const Folder folder;
  const Outputs outputs{folder.write("x.json", "old"), folder.write("x.html", "old")};
  ASSERT_TRUE(check_outputs(outputs));
  EXPECT_EQ(folder.read("x.json"), "old") << "a usage error after this must not delete it";
  clear_outputs(outputs);
  EXPECT_EQ(folder.files(), 0u);
}

TEST(Outputs, AppearWholeAndLeaveNothingBeside) {
  const Folder folder;
  const Outputs outputs{(folder.path() / "x.json").string(), (folder.path() / "x.html").string()};
  ASSERT_TRUE(check_outputs(outputs));
  EXPECT_EQ(folder.files(), 0u);
  ASSERT_TRUE(write_outputs(outputs, {run_record("passed")}));
  EXPECT_EQ(json::parse(folder.read("x.json"))["verdict"], "passed");
  EXPECT_THAT(folder.read("x.html"), HasSubstr("<html"));
  EXPECT_EQ(folder.files(), 2u);
}

TEST(Outputs, ALinkStaysOne) {
  const Folder folder;
  folder.write("real.json", "old");
  fs::create_symlink("real.json", folder.path() / "x.json");
  const Outputs outputs{(folder.path() / "x.json").string(), ""};
  ASSERT_TRUE(check_outputs(outputs));
  clear_outputs(outputs);
  ASSERT_TRUE(write_outputs(outputs, {run_record("failed")}));
  EXPECT_TRUE(fs::is_symlink(folder.path() / "x.json"));
  EXPECT_EQ(json::parse(folder.read("real.json"))["verdict"], "failed");
}

TEST(Outputs, ADeviceIsWrittenAndNeverReplaced) {
  const Outputs outputs{"/dev/null", ""};
  ASSERT_TRUE(check_outputs(outputs));
  clear_outputs(outputs);
  EXPECT_TRUE(write_outputs(outputs, {run_record("passed")}));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST(Outputs, WhatCannotBeWrittenIsSaidBeforeAnythingIsTouched) {
  const Folder folder;
  EXPECT_FALSE(check_outputs({(folder.path() / "no" / "x.json").string(), ""}));
  EXPECT_FALSE(check_outputs({folder.path().string(), ""})) << "a folder";
}

TEST(NotRun, IsInconclusiveAndSaysWhy) {
  engine::Experiment experiment;
  experiment.name = "redis_failover";
  const auto record = not_run(experiment, {}, "naive", "interrupted (Ctrl-C)");
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_EQ(record["exit_code"], 3);
  EXPECT_EQ(report::last_line(record),
            "INCONCLUSIVE redis_failover: not run: interrupted (Ctrl-C)");
}

TEST(Worst, NothingIsGreenBesideWhatWasNotRun) {
  EXPECT_EQ(worst(0, 3), 3);
  EXPECT_EQ(worst(3, 0), 3);
  EXPECT_EQ(worst(3, 4), 4);
  EXPECT_EQ(worst(5, 130), 5);
}

TEST(History, ARunThatNeverEndedIsThereAsUnfinished) {
  const Folder home;
  Context context;
  context.home = home.path();
  auto begun = run_record("inconclusive");
  begun["reason"] = "unfinished: it still runs, or it ended without a word";
  begun["finished"] = nullptr;
  note_begun(context, begun);
  const auto history = store::History::open(home.path() / "history.db").value();
  EXPECT_EQ(history->list(1).value().front().verdict, "inconclusive");
  EXPECT_THAT(history->list(1).value().front().reason, HasSubstr("unfinished"));
  EXPECT_EQ(history->list(1).value().front().finished, "");
}

/// A run that ended, and a home to keep it in.
class Evidence : public testing::Test {
 protected:
  int keep_it() { return keep({home.path(), {}, {}}, result, target); }
  void refuse_files() { home.write("runs", "a file where a folder belongs, as a full disk would"); }

  const Folder home;
  boost::asio::io_context io;
  fake::ManualClock clock;
  fake::FakeTarget target{io, clock};
  engine::RunResult result{run_record("passed"), 0, true};
};

TEST_F(Evidence, APassThatCannotBeKeptIsNone) {
  refuse_files();
  EXPECT_EQ(keep_it(), 3);
  EXPECT_EQ(result.record["verdict"], "inconclusive");
  EXPECT_THAT(result.record["reason"].get<std::string>(), HasSubstr("was not kept"));
  const auto history = store::History::open(home.path() / "history.db").value();
  EXPECT_EQ(history->get("r1").value()["verdict"], "inconclusive") << "the same everywhere";
}

TEST_F(Evidence, APassThatTheHistoryDoesNotTakeStaysNowhereElse) {
  fs::create_directory(home.path() / "history.db");
  result.record["events"] = {{{"name", "run_finished"}, {"verdict", "passed"}, {"reason", ""}}};
  EXPECT_EQ(keep_it(), 3);
  const auto kept = json::parse(home.read("runs/r1/record.json"));
  EXPECT_EQ(kept["verdict"], "inconclusive");
  EXPECT_EQ(kept["events"][0]["verdict"], "inconclusive") << "the same in its story";
}

TEST_F(Evidence, AFailureStaysAFailureWhereverItIsKept) {
  refuse_files();
  result = {run_record("failed"), 1, true};
  EXPECT_EQ(keep_it(), 1);
  EXPECT_EQ(result.record["verdict"], "failed");
}

}  // namespace
}  // namespace faultline::cli
