#include "tests/slo/openslo_documents.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

using namespace faultline;
using namespace faultline::slo;
using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::StartsWith;

namespace {

std::vector<ImportedSlo> import(const std::string& name) {
  return read_openslo(text_of(name), name + ".yaml").value();
}

}  // namespace

TEST(OpenSlo, ReadsARatioOfCountersWithTwoObjectivesAndAPolicyInline) {
  const auto slos = import("ratio");
  ASSERT_EQ(slos.size(), 2u);
  const auto& promised = slos.front();
  EXPECT_EQ(promised.name, "checkout-availability/1");
  EXPECT_EQ(promised.slo, "checkout-availability");
  EXPECT_EQ(promised.title, "Checkout is available");
  EXPECT_EQ(promised.objective_title, "Promised");
  EXPECT_THAT(promised.description, StartsWith("Orders are taken"));
  EXPECT_EQ(promised.service, "billing");
  EXPECT_EQ(promised.target_percent, 99.9);  // exactly: 0.999 * 100 is not
  EXPECT_EQ(promised.time_window, 28 * 24h);
  EXPECT_FALSE(promised.limit || promised.slice);
  EXPECT_EQ(promised.file, "ratio.yaml");
  EXPECT_EQ(promised.line, 36);

  const auto& indicator = promised.indicator;
  EXPECT_EQ(indicator.name, "checkout-good-requests");
  EXPECT_EQ(indicator.title, "Checkouts that were answered");
  EXPECT_EQ(indicator.kind, IndicatorKind::good_of_total);
  EXPECT_TRUE(indicator.counter);
  EXPECT_EQ(indicator.part, R"(http_requests_total{route="/checkout",code!~"5.."})");
  EXPECT_EQ(indicator.total, R"(http_requests_total{route="/checkout"})");
  EXPECT_EQ(indicator.source, "");
  EXPECT_EQ(indicator.url, "");

  ASSERT_EQ(promised.burns.size(), 1u);
  const auto& burn = promised.burns.front();
  EXPECT_EQ(burn.name, "fast-burn");
  EXPECT_EQ(burn.policy, "page-on-fast-burn");
  EXPECT_EQ(burn.severity, "page");
  EXPECT_EQ(burn.comparison, Comparison::above);
  EXPECT_EQ(burn.threshold, 14.4);
  EXPECT_EQ(burn.lookback, 1h);
  EXPECT_EQ(burn.after, 5min);

  EXPECT_EQ(slos.back().name, "checkout-availability/2");
  EXPECT_EQ(slos.back().target_percent, 99.95);
  EXPECT_EQ(slos.back().burns.size(), 1u);
}

TEST(OpenSlo, FollowsReferencesBetweenTheDocumentsOfAFile) {
  const auto slos = import("referenced");
  ASSERT_EQ(slos.size(), 1u);
  const auto& slo = slos.front();
  EXPECT_EQ(slo.name, "login-availability");
  EXPECT_EQ(slo.title, "login-availability") << "without a displayName";
  EXPECT_EQ(slo.target_percent, 99);
  EXPECT_FALSE(slo.time_window);
  EXPECT_EQ(slo.indicator.name, "failed-logins");
  EXPECT_EQ(slo.indicator.kind, IndicatorKind::bad_of_total);
  EXPECT_FALSE(slo.indicator.counter);
  EXPECT_EQ(slo.indicator.part, R"(sum(rate(logins_total{result="error"}[1m])))");
  EXPECT_EQ(slo.indicator.total, "sum(rate(logins_total[1m]))");
  EXPECT_EQ(slo.indicator.source, "staging");
  EXPECT_EQ(slo.indicator.url, "http://127.0.0.1:9090");
  ASSERT_EQ(slo.burns.size(), 1u);
  EXPECT_EQ(slo.burns.front().name, "slow-burn");
  EXPECT_EQ(slo.burns.front().policy, "ticket-on-slow-burn");
  EXPECT_EQ(slo.burns.front().comparison, Comparison::at_least);
  EXPECT_EQ(slo.burns.front().lookback, 72h);
  EXPECT_EQ(slo.burns.front().after, 0s);
}

TEST(OpenSlo, ReadsAThresholdMetric) {
  const auto slo = import("threshold").at(0);
  EXPECT_EQ(slo.indicator.kind, IndicatorKind::threshold);
  EXPECT_EQ(slo.indicator.part, R"(sum by (stream) (queue_waiting{stream!="#dead"}))");
  EXPECT_EQ(slo.indicator.total, "");
  ASSERT_TRUE(slo.limit);
  EXPECT_EQ(slo.limit->comparison, Comparison::at_most);
  EXPECT_EQ(slo.limit->value, 250);
  EXPECT_EQ(slo.target_percent, 95);
  EXPECT_EQ(slo.time_window, 28 * 24h);
  EXPECT_TRUE(slo.burns.empty());
}

TEST(OpenSlo, ReadsRatiosThatAreRecordedAlready) {
  const auto slos = import("raw");
  ASSERT_EQ(slos.size(), 2u);
  EXPECT_EQ(slos[0].indicator.kind, IndicatorKind::success_ratio);
  EXPECT_EQ(slos[0].indicator.name, "catalog-hits") << "the SLO's, when it has no metadata";
  EXPECT_EQ(slos[0].indicator.url, "https://prometheus.example.com/");
  EXPECT_EQ(slos[0].target_percent, 90);
  EXPECT_EQ(slos[1].indicator.kind, IndicatorKind::failure_ratio);
  EXPECT_FALSE(slos[1].indicator.counter);
  EXPECT_EQ(slos[1].target_percent, 99.5);
}

TEST(OpenSlo, ReadsTimeSlices) {
  const auto slos = import("timeslices");
  ASSERT_EQ(slos.size(), 2u);
  ASSERT_TRUE(slos[0].slice && slos[1].slice);
  EXPECT_EQ(slos[0].slice->window, 5min);
  EXPECT_EQ(slos[0].slice->target_percent, 95);
  EXPECT_EQ(slos[1].slice->window, 1h);
  EXPECT_EQ(slos[1].slice->target_percent, 100);
  EXPECT_EQ(slos[0].time_window, 12h);
}

TEST(OpenSlo, JsonIsYamlToo) {
  const auto slos = read_openslo(
      R"({"apiVersion": "openslo/v1", "kind": "SLO", "metadata": {"name": "j"}, "spec": {
          "service": "s", "budgetingMethod": "Occurrences",
          "objectives": [{"op": "gt", "value": -1.5e3, "target": 0.9}],
          "indicator": {"spec": {"thresholdMetric": {"metricSource": {"type": "Prometheus",
          "spec": {"query": "up"}}}}}}})",
      "f.json");
  ASSERT_TRUE(slos) << slos.error().message;
  EXPECT_EQ(slos->front().limit.value().value, -1500);
  EXPECT_EQ(slos->front().line, 3);
}

TEST(OpenSlo, ComparesAsItsOperatorsSay) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& [comparison, less, equal, more] :
       {std::tuple{Comparison::below, true, false, false},
        std::tuple{Comparison::at_most, true, true, false},
        std::tuple{Comparison::above, false, false, true},
        std::tuple{Comparison::at_least, false, true, true}}) {
    EXPECT_EQ(holds(1, comparison, 2), less) << to_string(comparison);
    EXPECT_EQ(holds(2, comparison, 2), equal) << to_string(comparison);
    EXPECT_EQ(holds(3, comparison, 2), more) << to_string(comparison);
    EXPECT_FALSE(holds(nan, comparison, 2)) << to_string(comparison);
  }
}

TEST(OpenSlo, FillsTheWindowIn) {
  EXPECT_EQ(with_window("a[{{.window}}] / b[{{.window}}]", 30s), "a[30s] / b[30s]");
  EXPECT_EQ(with_window("a[{{.window}}]", 1500ms), "a[1500ms]");
  EXPECT_EQ(with_window("a[{{.window}}]", 0s), "a[1ms]") << "a range of 0 is none";
  EXPECT_EQ(with_window("a[5m]", 30s), "a[5m]");
}

TEST(OpenSlo, WritesOneExpressionForTheGoodShareWhereThatIsSound) {
  EXPECT_EQ(good_share(import("ratio")[0].indicator),
            R"(sum(increase(http_requests_total{route="/checkout",code!~"5.."}[{{.window}}])) / )"
            R"(sum(increase(http_requests_total{route="/checkout"}[{{.window}}])))");
  EXPECT_EQ(good_share(import("referenced")[0].indicator),
            R"(1 - sum(sum(rate(logins_total{result="error"}[1m]))) / )"
            R"(sum(sum(rate(logins_total[1m]))))");
  EXPECT_EQ(good_share(import("raw")[0].indicator),
            "avg_over_time(catalog:hits:ratio[{{.window}}])");
  EXPECT_EQ(good_share(import("raw")[1].indicator), "1 - (catalog:errors:ratio_rate1m)");
  EXPECT_EQ(good_share(import("threshold")[0].indicator), std::nullopt);
  EXPECT_EQ(good_share(import("timeslices")[0].indicator), std::nullopt)
      << "increase() of a sum takes a restarted process for a burst";
}

TEST(OpenSlo, PutsARangeBehindBareSelectorsAlone) {
  const auto is_bare = [](const std::string& query) {
    Indicator indicator;
    indicator.counter = true;
    indicator.part = query;
    indicator.total = "up";
    return good_share(indicator).has_value();
  };
  for (const auto* query :
       {"a", "a:b_c9", "a {}", "a{b=\"}{\"}", "{b='c'}", "a{b=`\\`,c!~\"\\\"\"}"}) {
    EXPECT_TRUE(is_bare(query)) << query;
  }
  for (const auto* query : {"sum(a)", "a + b", "a{} or b{}", "a{b=\"c\"} offset 5m", "{", "7",
                            "(a)", "a b", "-a", ""}) {
    EXPECT_FALSE(is_bare(query)) << query;
  }
}

TEST(OpenSlo, ListsWhatIsSupportedFromTheTableThatItReadsWith) {
  const auto lines = openslo_supported();
  EXPECT_THAT(lines, Contains(StartsWith("apiVersion openslo/v1, kinds SLO, SLI, DataSource")));
  EXPECT_THAT(lines, Contains("connectionDetails: url"));
  EXPECT_THAT(lines, Contains("condition: kind, op, threshold, lookbackWindow, alertAfter"));
  EXPECT_THAT(lines, Contains(StartsWith("refused: calendar of time window: ")));
  EXPECT_THAT(lines, Contains(StartsWith("refused: compositeWeight of objective: ")));
}
