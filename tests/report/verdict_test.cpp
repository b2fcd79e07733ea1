#include "orchestrator/report/verdict.hpp"

#include "tests/report/fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace faultline::report {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(LastLine, OfAFailureNamesTheObjectiveTheFirstSymptomAndWhereToLook) {
  const auto line = last_line(failed_record());
  EXPECT_THAT(line, StartsWith("FAILED redis_failover: sessions recovery 31.8 s, objective ≤ 5 s "
                               "(and 2 more); first symptom: login: status 503, 62 ms after: kill "
                               "a-redis (SIGKILL); look at: sentinel logs, `faultline show "));
  EXPECT_THAT(line, HasSubstr(failed_record()["id"].get<std::string>()));
}

TEST(LastLine, OfAMissedPercentageLooksBehindItsMostFrequentError) {
  auto record = failed_record();
  record["objectives"].erase(2);
  EXPECT_THAT(last_line(record), HasSubstr("login good 1.76 %, objective ≥ 97 %"));
  EXPECT_THAT(last_line(record), HasSubstr("look at: the logs behind 'status 503' of login"));
}

TEST(LastLine, OfACappedRecoverySaysThatItIsOpenEnded) {
  auto record = failed_record();
  record["recovery"][0]["censored"] = true;
  record["recovery"][0]["actual_ms"] = 60000;
  EXPECT_THAT(last_line(record), HasSubstr("sessions recovery > 60 s, objective ≤ 5 s"));
}

TEST(LastLine, OfAPassSaysWhatWasEstablished) {
  EXPECT_THAT(last_line(passed_record()),
              StartsWith("PASSED redis_failover: login 99.81 % good at worst; sessions back "
                         "in 2.31 s, objective 5 s; 0 acknowledged writes lost"));
}

TEST(LastLine, OfAPassSaysThatItDoesNotJudgeTheWritesThatWereLost) {
  auto record = passed_record();
  for (auto& probe : record["probes"]) {
    if (probe.contains("writes") && probe["writes"].is_object()) {
      probe["writes"]["lost"] = 506;
    }
  }
  EXPECT_THAT(last_line(record), Not(HasSubstr("judges")));
  auto& objectives = record["objectives"];
  objectives.erase(std::remove_if(objectives.begin(), objectives.end(),
                                  [](const auto& o) { return o["sli"] == "lost"; }),
                   objectives.end());
  EXPECT_THAT(last_line(record), HasSubstr("acknowledged writes lost, which nothing here judges"));
}

TEST(LastLine, OfAnInconclusiveRunBeginsWithItsReason) {
  auto record = failed_record();
  record["verdict"] = "inconclusive";
  record["reason"] = "machine too busy: the worker of login ran 80 ms late at p99";
  EXPECT_THAT(last_line(record), StartsWith("INCONCLUSIVE redis_failover: machine too busy"));
  record["verdict"] = "aborted";
  EXPECT_THAT(last_line(record), StartsWith("ABORTED redis_failover: machine too busy"));
}

TEST(LastLine, CannotSteerTheTerminal) {
  auto record = failed_record();
  record["first_symptom"]["error"] = "\x1b[2J\nhello";
  EXPECT_THAT(last_line(record), Not(HasSubstr("\x1b")));
  EXPECT_THAT(last_line(record), Not(HasSubstr("\n")));
}

TEST(LastLine, HoldsOnARecordOfWhichNothingIsKnown) {
  EXPECT_THAT(last_line(nlohmann::json()), StartsWith("INCONCLUSIVE"));
  EXPECT_THAT(last_line({{"verdict", "failed"}, {"objectives", {1, "x", nullptr}}}),
              StartsWith("FAILED"));
}

}  // namespace
}  // namespace faultline::report
