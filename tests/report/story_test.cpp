#include "orchestrator/report/story.hpp"

#include "orchestrator/report/components.hpp"
#include "orchestrator/report/html.hpp"
#include "orchestrator/report/summary.hpp"
#include "tests/report/fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Json fault(const std::string& name, double from_ms, double to_ms) {
  return {{"fault", name},
          {"actions", {{{"summary", "do " + name}}}},
          {"applied_at_offset_ms", from_ms},
          {"reverted_at_offset_ms", to_ms}};
}

/// 30 s of checkout at 10/s: degraded while the payment API is slow (from 5 s to 25 s), one in two
/// bad while a zone is cut as well (10 s to 20 s).
Json worst_day() {
  Json series = Json::array();
  for (int t = 0; t < 30; ++t) {
    const bool slow = t >= 5 && t < 25;
    const bool cut = t >= 10 && t < 20;
    series.push_back({{"t_ms", t * 1000},
                      {"good", cut || slow ? 0 : 10},
                      {"degraded", cut    ? 5
                                   : slow ? 10
                                          : 0},
                      {"bad", cut ? 5 : 0}});
  }
  return {{"faults", {fault("third_party", 5000, 25'000), fault("az_partition", 10'000, 20'000)}},
          {"probes", {{{"name", "checkout"}, {"series", series}}}}};
}

TEST(Story, CutsTheRunWhereAFaultBeganOrEnded) {
  const auto parts = stretches(worst_day());
  ASSERT_EQ(parts.size(), 5u);
  EXPECT_THAT(parts[0].marks, IsEmpty());
  EXPECT_THAT(parts[1].marks, ElementsAre("A"));
  EXPECT_THAT(parts[2].marks, ElementsAre("A", "B"));
  EXPECT_THAT(parts[3].marks, ElementsAre("A"));
  EXPECT_EQ(parts[2].from_ms, 10'000);
  EXPECT_EQ(parts[2].to_ms, 20'000);
  EXPECT_EQ(parts[0].got[0].in_words(), "100 % good");
  EXPECT_EQ(parts[1].got[0].in_words(), "0 % good, 50 degraded");
  EXPECT_EQ(parts[2].got[0].in_words(), "0 % good, 50 degraded, 50 bad");
}

TEST(Story, ARecoveryBelongsToTheFaultThatItCountsFrom) {
  auto record = worst_day();
  record["faults"][0]["id"] = "r.f1";
  record["faults"][1]["id"] = "r.f2";
  record["recovery"] = {{{"store", "orders"},
                         {"from", "r.f2"},
                         {"disrupted_offset_ms", 10'000},
                         {"actual_ms", 2000},
                         {"objective_ms", 3000}}};
  const auto page = html_page({record});
  EXPECT_THAT(page, HasSubstr(">recovery B<"));
  EXPECT_THAT(page, HasSubstr("from fault B: 2 s, objective 3 s"));
  // A third of the chart's 856 units from its left at 92: where B begins, not A.
  EXPECT_THAT(page, HasSubstr(R"(<rect class="outage met" x="377.3")"));
  record["faults"].erase(0);
  EXPECT_THAT(html_page({record}), HasSubstr("from the disruption: 2 s"));
}

TEST(Story, TwoFaultsAtOnceLeaveNoEmptyStretch) {
  auto record = worst_day();
  record["faults"] = {fault("a", 5000, 25'000), fault("b", 5001, 25'001)};
  EXPECT_EQ(stretches(record).size(), 3u);
}

TEST(Story, AFaultThatWasNeverRevertedLastsToTheEnd) {
  auto record = worst_day();
  record["faults"][1]["reverted_at_offset_ms"] = nullptr;
  EXPECT_THAT(stretches(record).back().marks, ElementsAre("B"));
}

TEST(Story, IsOnThePageAndInTheSummaryOfACombinedRun) {
  const auto page = html_page({worst_day()});
  EXPECT_THAT(page, HasSubstr("Which fault did what"));
  EXPECT_THAT(page, HasSubstr("A, +5.0 s: do third_party"));
  EXPECT_THAT(page, HasSubstr("0 % good, 50 degraded, 50 bad"));
  EXPECT_THAT(page, HasSubstr("fault B"));
  const auto words = summary_text(worst_day(), false);
  EXPECT_THAT(words, testing::ContainsRegex("\\+10.0 s A, B +checkout 0 % good, 50 degraded"));
  EXPECT_THAT(html_page({failed_record()}), Not(HasSubstr("Which fault did what")));
}

TEST(Story, OfARecordOfWhichNothingIsKnownIsEmpty) {
  EXPECT_THAT(stretches(Json()), IsEmpty());
  EXPECT_THAT(stretches({{"faults", {1, nullptr}}, {"probes", {{{"series", {1}}}}}}), IsEmpty());
}

Json used(const std::string& name, const std::string& kind, double cpu_percent, double bytes) {
  return {{"name", name},
          {"kind", kind},
          {"cpu_percent_mean", cpu_percent / 2},
          {"cpu_percent_max", cpu_percent},
          {"memory_max_bytes", bytes}};
}

TEST(Components, ThatNoNodeWasBusyIsSaid) {
  Json record = {{"components",
                  {used("a-db", "database", 90, 4e8), used("a-spot", "app", 12.4, 2e7),
                   used("b-spot", "app", 11, 3.3e7)}}};
  EXPECT_EQ(usage_in_words(record),
            "CPU and memory of every node stayed low: at most 12 % of a core (a-spot) and 31 MiB "
            "(b-spot)");
  EXPECT_EQ(busiest(record, 1).front()["name"], "a-db");
  EXPECT_THAT(html_page({record}), HasSubstr("the busiest of 3 processes"));
  EXPECT_THAT(summary_text(record, false), HasSubstr("every node stayed low"));
  record["components"][1]["cpu_percent_max"] = 80;
  EXPECT_THAT(usage_in_words(record), Not(HasSubstr("stayed low")));
}

TEST(TheMachine, IsToldOfWithWhatOthersTookOfIt) {
  Json record = {{"machine",
                  {{"cpu_idle_percent", 43.6},
                   {"cpu_own_percent", 51.2},
                   {"cpu_others_percent", 5.2},
                   {"disturbed_s", 0}}}};
  EXPECT_EQ(machine_in_words(record),
            "44 % idle, 51 % used by the environment, 5 % by other programs");
  record["machine"]["disturbed_s"] = 3.2;
  EXPECT_THAT(machine_in_words(record), HasSubstr("; for 3 s they left nothing of it"));
  EXPECT_EQ(machine_in_words({{"machine", nullptr}}), "");
}

TEST(Approvals, AreShownWithWhoAndWhy) {
  const Json record = {
      {"approvals", {{{"who", "ana"}, {"reason", "quarterly drill"}, {"faults", Json::array()}}}}};
  EXPECT_THAT(summary_text(record, false), HasSubstr("ana: quarterly drill"));
  EXPECT_THAT(html_page({record}), HasSubstr("ana: quarterly drill"));
}

TEST(Components, OfWhichNothingIsKnownAreLeftOut) {
  EXPECT_EQ(usage_in_words({{"components", {{{"name", "x"}, {"cpu_percent_max", nullptr}}}}}), "");
  EXPECT_THAT(busiest(Json(), 8), IsEmpty());
}

}  // namespace
}  // namespace faultline::report
