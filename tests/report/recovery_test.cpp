#include "orchestrator/report/recovery.hpp"

#include "orchestrator/report/event_words.hpp"
#include "orchestrator/report/html.hpp"
#include "orchestrator/report/summary.hpp"
#include "tests/report/fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::report {
namespace {

using nlohmann::json;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

json step(const char* name, const json& ms, const json& by, const json& component,
          const json& note) {
  return {{"name", name}, {"ms", ms}, {"by", by}, {"component", component}, {"note", note}};
}

/// A recovery of which everything is known but who decided.
json taken_apart() {
  auto record = passed_record();
  auto& recovery = record["recovery"][0];
  recovery["connections"] = "kept";
  recovery["actual_from_declared_ms"] = 1310.0;
  recovery["steps"] = {
      step("symptom", 3.2, "sessions_writes", nullptr, nullptr),
      step("detected", 1254.0, "b-sentinel", "a-redis", nullptr),
      step("decided", nullptr, nullptr, nullptr, "did not happen"),
      step("done", 900.0, "b-sentinel", "b-redis", "out of order: before it was detected"),
      step("first_success", 2290.0, "sessions_writes", nullptr, nullptr),
      step("sustained", 2310.0, "sessions_writes", nullptr, nullptr),
      step("drained", 2600.0, "sessions_writes", nullptr, nullptr),
      step("declared", 1000.0, nullptr, nullptr, nullptr)};
  recovery["also"] = {{{"probe", "sessions_new"},
                       {"connections", "new"},
                       {"actual_ms", 1820.0},
                       {"censored", false},
                       {"symptom_ms", 12.0},
                       {"first_success_ms", 1820.0},
                       {"sustained_ms", 1820.0},
                       {"drained_ms", nullptr},
                       {"resolution_ms", 50.0}},
                      {{"probe", "catalog"},
                       {"connections", "kept"},
                       {"actual_ms", 0.0},
                       {"censored", false},
                       {"symptom_ms", nullptr},
                       {"resolution_ms", 12.5}}};
  return record;
}

TEST(Recovery, IsToldStepByStepWithWhoAndWhatIsOdd) {
  const auto words = summary_text(taken_apart(), false);
  EXPECT_THAT(words, ContainsRegex("actual +2.31 s, objective 5 s; 1.31 s from when it was "
                                   "declared; seen every 20 ms on kept connections\n"));
  EXPECT_THAT(words, ContainsRegex("detected +1.25 s by b-sentinel: a-redis\n"));
  EXPECT_THAT(words, ContainsRegex("decided +did not happen\n"));
  EXPECT_THAT(words, ContainsRegex("done +900 ms by b-sentinel: b-redis, out of order: before it "
                                   "was detected\n"));
  EXPECT_THAT(words, ContainsRegex("backlog drained +2.6 s by sessions_writes\n"));
  EXPECT_THAT(words, ContainsRegex("declared +1 s\n"));
}

TEST(Recovery, OnNewAndOnKeptConnectionsStandBesideEachOther) {
  const auto words = summary_text(taken_apart(), false);
  EXPECT_THAT(words,
              ContainsRegex("also sessions_new +1.82 s; seen every 50 ms on new connections\n"));
  EXPECT_THAT(words, ContainsRegex("also catalog +felt nothing\n"));
  const auto page = html_page({taken_apart()});
  EXPECT_THAT(page, HasSubstr(R"(<tr><td>sessions_writes</td><td>kept</td>)"));
  EXPECT_THAT(page, HasSubstr(R"(<tr><td>sessions_new</td><td>new</td>)"));
  EXPECT_THAT(page, HasSubstr("felt nothing"));
}

TEST(Recovery, HasABarForEachStepThatHappenedAndNoneForOthers) {
  const auto page = html_page({taken_apart()});
  const auto svg = page.substr(page.find(R"(<svg class="recovery")"));
  const auto drawn = svg.substr(0, svg.find("</svg>"));
  std::size_t bars = 0, early = 0;
  for (auto at = drawn.find(R"(class="step)"); at != std::string::npos;
       at = drawn.find(R"(class="step)", at + 1)) {
    ++bars;
    early += drawn.compare(at, 18, R"(class="step early")") == 0 ? 1 : 0;
  }
  EXPECT_EQ(bars, 7u) << "all but the decision";
  EXPECT_EQ(early, 1u);
  EXPECT_THAT(drawn, HasSubstr("1.25 s by b-sentinel: a-redis"));
  EXPECT_THAT(drawn, HasSubstr("objective 5 s"));
}

TEST(Recovery, AnObjectiveFarAwayDoesNotShrinkTheBars) {
  auto record = taken_apart();
  record["recovery"][0]["objective_ms"] = 1'800'000.0;
  const auto page = html_page({record});
  EXPECT_THAT(page, Not(HasSubstr(">objective 30 min</text>")));
  EXPECT_THAT(page, HasSubstr("2.31 s, objective 30 min")) << "it is still said";
}

TEST(Recovery, OfACappedOneIsMoreThanWhatWasWatched) {
  auto record = taken_apart();
  record["recovery"][0]["censored"] = true;
  record["recovery"][0]["actual_ms"] = 60'000.0;
  record["recovery"][0]["actual_from_declared_ms"] = 59'000.0;
  EXPECT_THAT(summary_text(record, false),
              HasSubstr("> 60 s, objective 5 s; > 59 s from when it was declared"));
}

TEST(Recovery, OfAnOlderRecordHasTheTimesThatItHas) {
  const auto words = summary_text(failed_record(), false);
  EXPECT_THAT(words, ContainsRegex("detected +not measured\n"));
  EXPECT_THAT(words, ContainsRegex("first success +31.8 s\n"));
}

TEST(Recovery, EventsSayWhoNoticedWhat) {
  EXPECT_EQ(in_words({{"name", "recovery_step"},
                      {"of", "orders"},
                      {"step", "detected"},
                      {"by", "db-manager"},
                      {"component", "a-db"}})
                .text,
            "orders: detected by db-manager (a-db)");
  EXPECT_EQ(in_words({{"name", "declared"}, {"reason", "nobody can log in"}}).text,
            "declared a disaster: nobody can log in");
}

}  // namespace
}  // namespace faultline::report
