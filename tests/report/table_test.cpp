#include "orchestrator/report/table.hpp"

#include "orchestrator/report/terminal_text.hpp"
#include "tests/report/fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::report {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(DrillTable, HasARowForEachRecordWithWhatItMeasured) {
  const auto lines = lines_of(drill_table(sample_records(), false));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_THAT(lines[1], HasSubstr("passed"));
  EXPECT_THAT(lines[1], HasSubstr("99.81"));
  EXPECT_THAT(lines[1], HasSubstr("2.31 s / 5 s"));
  EXPECT_THAT(lines[1], HasSubstr("connect to"));
  EXPECT_THAT(lines[2], HasSubstr("failed"));
  EXPECT_THAT(lines[2], HasSubstr("31.8 s / 5 s"));
}

TEST(DrillTable, FitsTheWidthAndAlignsItsColumns) {
  auto records = sample_records();
  records[0]["experiment"] = "a_drill_with_a_name_that_is_longer_than_any_column";
  records[1]["experiment"] = "数据库故障切换";
  const auto lines = lines_of(drill_table(records, false));
  for (const auto& line : lines) {
    EXPECT_LE(cells(line), 120u) << line;
  }
  const auto cells_before = [](const std::string& line, std::string_view word) {
    return cells(line.substr(0, line.find(word)));
  };
  EXPECT_EQ(cells_before(lines[1], "passed"), cells_before(lines[2], "failed"));
  EXPECT_EQ(cells_before(lines[0], "PROVED"), cells_before(lines[2], "connect to"));
}

TEST(DrillTable, OfEquallyGoodProbesShowsTheSlower) {
  auto record = passed_record();
  for (auto& probe : record["probes"]) {
    probe["good"] = probe["requests"];
    probe["p99_ms"] = probe["name"] == "login" ? 2040 : 5;
  }
  EXPECT_THAT(drill_table({record}, false), HasSubstr("2.04 s"));
}

TEST(DrillTable, SaysThatARecoveryWasNotSeenToTheEnd) {
  auto record = failed_record();
  record["recovery"][0]["censored"] = true;
  record["recovery"][0]["actual_ms"] = 60000;
  EXPECT_THAT(drill_table({record}, false), HasSubstr("> 60 s / 5 s"));
}

TEST(DrillTable, ShowsWhatIsNotKnownAsADash) {
  const auto lines = lines_of(drill_table(
      {{{"experiment", "early"}, {"verdict", "inconclusive"}, {"probes", nullptr}}}, false));
  EXPECT_THAT(lines[1], testing::ContainsRegex("early +inconclusive +- +- +- +- +- +-"));
}

TEST(DrillTable, SaysWhereDegradedAnswersCount) {
  auto record = passed_record();
  for (auto& objective : record["objectives"]) {
    if (objective["unit"] == "%") {
      objective["measured"] = 100;
    }
  }
  record["objectives"].push_back({{"sli", "served"},
                                  {"phase", "method"},
                                  {"probe", "checkout"},
                                  {"unit", "%"},
                                  {"measured", 99.96}});
  EXPECT_THAT(drill_table({record}, false), HasSubstr("99.96 served"));
}

TEST(DrillTable, SixDrillsLeaveRoomForTheProofAndTheTimeTheyTook) {
  auto record = passed_record();
  record["experiment"] = "third_party_timeout";
  const auto lines = lines_of(drill_table(std::vector(6, record), false));
  ASSERT_EQ(lines.size(), 7u);
  EXPECT_THAT(lines[0], HasSubstr("TOOK"));
  EXPECT_THAT(lines[1], HasSubstr(" s  connect to 10.0.1"));
}

TEST(DrillTable, ColoursOnlyWhenAsked) {
  EXPECT_THAT(drill_table(sample_records(), false), Not(HasSubstr("\x1b")));
  EXPECT_THAT(drill_table(sample_records(), true), HasSubstr("\x1b[32mpassed"));
}

}  // namespace
}  // namespace faultline::report
