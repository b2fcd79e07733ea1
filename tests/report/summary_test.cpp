#include "orchestrator/report/summary.hpp"

#include "tests/report/fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::report {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

TEST(Summary, SaysWhatWasPromisedWhatWasDoneAndWhatCameOfIt) {
  const auto words = summary_text(failed_record(), false);
  EXPECT_THAT(words, HasSubstr("redis_failover  Redis primary lost  failed"));
  EXPECT_THAT(words, ContainsRegex("reason +sessions writable again within 5 s: 31.82 s"));
  EXPECT_THAT(words, ContainsRegex("done +kill a-redis \\(SIGKILL\\); undone by: start a-redis"));
  EXPECT_THAT(words, ContainsRegex("proved +connect to 10.0.1.20:6379"));
  EXPECT_THAT(words, ContainsRegex("lasting +cache sessions primary: a-redis -> b-redis"));
  EXPECT_THAT(words,
              ContainsRegex("failed +method +login >= 97 % good over 20 s: 1.76 % of 2,100"));
  EXPECT_THAT(words, Not(ContainsRegex("lost: 0 writes of .* requests")));
  EXPECT_THAT(words, ContainsRegex("detected +not measured"));
  EXPECT_THAT(words, ContainsRegex("writes +.*0 lost"));
  EXPECT_THAT(words, ContainsRegex("phases +heal 810 ms, requires 40 ms, baseline 13.5 s"));
}

TEST(Summary, IsLoudAboutWhatWasLeftBehind) {
  auto record = failed_record();
  record["faults"][0]["residue"] = {"rules core: was 0a1b, is 9f00"};
  EXPECT_THAT(summary_text(record, true), HasSubstr("\x1b[1;31mrules core: was 0a1b, is 9f00"));
}

TEST(Summary, SaysWhatBecameOfWhatWasLeftBehind) {
  auto record = failed_record();
  record["afterwards"] = {{{"at", "2026-11-20T12:10:00.000Z"},
                           {"by", "recover, pid 7"},
                           {"resource", "cache sessions"},
                           {"reason", nullptr},
                           {"words", "redis_failover: reverted, nothing left"}},
                          {{"at", "2026-11-20T12:40:00.000Z"},
                           {"by", "ann"},
                           {"resource", "zone b"},
                           {"reason", "rebuilt by hand"},
                           {"words", "zone_loss: accepted as it is"}}};
  const auto words = summary_text(record, false);
  EXPECT_THAT(words,
              HasSubstr("2026-11-20T12:10:00.000Z, cache sessions: redis_failover: reverted, "
                        "nothing left; by recover, pid 7\n"));
  EXPECT_THAT(words,
              ContainsRegex("afterwards +2026-11-20T12:40:00.000Z, zone b: zone_loss: accepted "
                            "as it is; by ann, because: rebuilt by hand\n"));
  record["afterwards"] = {nullptr, 3, "text"};
  EXPECT_THAT(summary_text(record, false), HasSubstr("Redis primary lost  failed"));
}

TEST(Summary, SaysHowNearAStopConditionCame) {
  auto record = passed_record();
  record["stop_conditions"] = {{{"condition", "login < 50 % good over 1 s"},
                                {"unit", "%"},
                                {"met", false},
                                {"worst", 81.25},
                                {"looks", 200},
                                {"looks_without_requests", 3}}};
  EXPECT_THAT(summary_text(record, false),
              HasSubstr("login < 50 % good over 1 s: not met, at worst 81.25 %; 3 of 200 looks saw "
                        "no request"));
  record["stop_conditions"][0]["met"] = true;
  record["stop_conditions"][0]["met_at_offset_ms"] = 14'230;
  EXPECT_THAT(summary_text(record, false), HasSubstr("over 1 s: met at +14.2 s"));
}

}  // namespace
}  // namespace faultline::report
