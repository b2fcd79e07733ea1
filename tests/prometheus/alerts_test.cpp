#include "targets/prometheus/alerts.hpp"

#include "tests/prometheus/story.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::prometheus {
namespace {

using namespace std::chrono_literals;
using namespace story;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// Evaluated every second, at last at the 20th.
std::vector<AlertRule> rules(const std::string& trouble = "") {
  return {{"Slow", "web", 1s, 2s, at(20), trouble}, {"Down", "web", 1s, 0s, at(20), ""}};
}

Labels labels(const std::string& state, const std::string& node = "a") {
  return {{"__name__", "ALERTS"}, {"alertname", "Slow"}, {"alertstate", state}, {"node", node}};
}

/// Each second's evaluation: 'p' pending, 'f' firing, '.' quiet. `first`: the second of the first.
Answer samples(std::string_view states, double first = 0, const std::string& node = "a") {
  Series pending{labels("pending", node), {}}, firing{labels("firing", node), {}};
  for (std::size_t i = 0; i < states.size(); ++i) {
    const Sample sample{at(first + static_cast<double>(i)), 1};
    if (states[i] != '.') {
      (states[i] == 'p' ? pending : firing).samples.push_back(sample);
    }
  }
  Answer answer{.shape = Shape::matrix};
  for (auto* series : {&pending, &firing}) {
    if (!series->samples.empty()) {
      answer.series.push_back(*series);
    }
  }
  return answer;
}

const std::string all_the_time(21, '*');

AlertQuestion question() {
  return {"Slow", Window::make(at(0), at(20), 1s).value(), {.within = 1s}};
}

AlertHistory history(const Answer& samples, const std::string& sampled = all_the_time,
                     const std::vector<AlertRule>& known = rules()) {
  const auto result = history_of(question(), known, samples, pulse(sampled));
  EXPECT_TRUE(result) << result.error().message;
  return result ? *result : AlertHistory{};
}

TEST(PrometheusAlert, FiredFromOneEvaluationToAnotherAfterItWasPending) {
  const auto told = history(samples(".....ppfff..."));
  ASSERT_THAT(told.firings, SizeIs(1));
  const auto& firing = told.firings[0];
  EXPECT_EQ(firing.pending, at(5));
  EXPECT_EQ(firing.from, at(7));
  EXPECT_EQ(firing.to, at(9));
  EXPECT_FALSE(firing.before);
  EXPECT_FALSE(firing.lasting);
  EXPECT_EQ(firing.labels, (Labels{{"node", "a"}}));
  EXPECT_EQ(told.first(), &firing);
  EXPECT_EQ(told.resolution, 1s);
  EXPECT_EQ(told.coverage(), 1);
}

TEST(PrometheusAlert, QuietIsAFindingOfARuleThatWasEvaluated) {
  const auto told = history(Answer{});
  EXPECT_THAT(told.firings, IsEmpty());
  EXPECT_EQ(told.first(), nullptr);
  EXPECT_EQ(told.coverage(), 1);
  EXPECT_EQ(history(samples("..pp....")).first(), nullptr) << "pending is not firing";
}

TEST(PrometheusAlert, QuietSaysNothingWhereNobodyWatched) {
  const auto down = history(Answer{}, "*****..........******");
  EXPECT_LT(down.coverage(), 0.6);
  ASSERT_THAT(down.gaps, SizeIs(1));
  EXPECT_EQ(down.gaps[0].from, at(6));

  auto stopped = rules();
  stopped[0].last_evaluation = at(10);
  const auto late = history(Answer{}, all_the_time, stopped);
  ASSERT_THAT(late.gaps, SizeIs(1));
  EXPECT_EQ(late.gaps[0].from, at(14)) << "three intervals may be late";
  stopped[0].last_evaluation.reset();
  EXPECT_EQ(history(Answer{}, all_the_time, stopped).coverage(), 0);

  const auto broken = history(Answer{}, all_the_time, rules("many-to-many matching"));
  EXPECT_EQ(broken.coverage(), 0);
  EXPECT_EQ(broken.trouble, "many-to-many matching");
}

TEST(PrometheusAlert, FiringBeforeTheWindowIsNotABeginning) {
  const auto told = history(samples("fffff......ff", -3));
  ASSERT_THAT(told.firings, SizeIs(2));
  EXPECT_TRUE(told.firings[0].before);
  EXPECT_EQ(told.firings[0].to, at(1));
  EXPECT_FALSE(told.firings[1].before);
  EXPECT_EQ(told.first(), &told.firings[1]);
  EXPECT_THAT(history(samples("fff", -9)).firings, IsEmpty()) << "over before the window";
}

TEST(PrometheusAlert, FiringAtTheEndLasts) {
  EXPECT_TRUE(history(samples("..................fff")).firings[0].lasting);
  EXPECT_TRUE(history(samples("..................ff")).firings[0].lasting) << "one may be late";
  EXPECT_FALSE(history(samples("..................f")).firings[0].lasting);
}

TEST(PrometheusAlert, LateEvaluationDoesNotCutAFiringButARestartDoes) {
  EXPECT_THAT(history(samples("..fff..fff")).firings, SizeIs(1));
  const auto cut = history(samples("..fff......pfff"));
  ASSERT_THAT(cut.firings, SizeIs(2));
  EXPECT_EQ(cut.firings[0].pending, std::nullopt);
  EXPECT_EQ(cut.firings[1].pending, at(11));
}

TEST(PrometheusAlert, EachInstanceFiresOnItsOwnAndTheFirstIsFirst) {
  auto both = samples(".....fff", 0, "b");
  const auto earlier = samples("..fff", 0, "a");
  both.series.push_back(earlier.series[0]);
  const auto told = history(both);
  ASSERT_THAT(told.firings, SizeIs(2));
  EXPECT_EQ(told.first()->labels.at("node"), "a");
  EXPECT_EQ(told.firings[1].from, at(5));
}

TEST(PrometheusAlert, NameThatIsNoRuleIsAnErrorNotSilence) {
  auto asked = question();
  asked.name = "Slo";
  const auto result = history_of(asked, rules(), Answer{}, pulse(all_the_time));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::not_found);
  EXPECT_THAT(result.error().message, HasSubstr("did you mean 'Slow'?"));
  const auto empty = history_of(asked, {}, Answer{}, pulse(all_the_time));
  ASSERT_FALSE(empty);
  EXPECT_THAT(empty.error().message, HasSubstr("no alerting rules"));
}

TEST(PrometheusAlert, RuleThatIsGoneLeftItsSamples) {
  const auto told = history(samples("...fff"), all_the_time, {});
  ASSERT_THAT(told.firings, SizeIs(1));
  EXPECT_EQ(told.coverage(), 0) << "who knows until when it was evaluated";
}

TEST(PrometheusAlert, AsksForEverySampleAndQuotesTheName) {
  auto asked = question();
  asked.name = R"(a"b)";
  EXPECT_EQ(expression_of(asked), R"(ALERTS{alertname="a\"b"}[200000ms])");
  Answer other{.shape = Shape::matrix, .series = {{{{"alertname", "Other"}}, {}}}};
  EXPECT_FALSE(history_of(question(), rules(), other, pulse(all_the_time)));
}

std::string rule_list(const std::string& evaluated, const std::string& more = "") {
  return R"({"status":"success","data":{"groups":[{"name":"web","interval":0.2,"rules":[)"
         R"({"name":"Slow","type":"alerting","duration":1.5,"lastEvaluation":")" +
         evaluated + R"(","health":"ok")" + more + R"(},{"name":"job:x","type":"recording"}]}]}})";
}

TEST(PrometheusRules, AreReadWithTheirTimes) {
  for (const auto& [text, ms] : std::vector<std::pair<std::string, std::int64_t>>{
           {"2026-11-29T02:55:31.732030604Z", 1'795'920'931'732},
           {"2026-11-29T02:55:31Z", 1'795'920'931'000},
           {"2026-11-29T02:55:31.7Z", 1'795'920'931'700},
           {"2026-11-29T04:55:31.73+02:00", 1'795'920'931'730},
           {"2026-11-28T21:25:31.732-05:30", 1'795'920'931'732}}) {
    const auto list = parse_alert_rules(200, rule_list(text));
    ASSERT_TRUE(list) << list.error().message;
    ASSERT_THAT(*list, SizeIs(1));
    EXPECT_EQ(list->front().last_evaluation, WallTime(std::chrono::milliseconds(ms))) << text;
    EXPECT_EQ(list->front().interval, 200ms);
    EXPECT_EQ(list->front().holds, 1500ms);
    EXPECT_EQ(list->front().trouble, "");
  }
  const auto never = parse_alert_rules(200, rule_list("0001-01-01T00:00:00Z"));
  ASSERT_TRUE(never) << never.error().message;
  EXPECT_FALSE(never->front().last_evaluation);
  const auto broken = parse_alert_rules(
      200, rule_list("2026-11-29T02:55:31Z", R"(,"health":"err","lastError":"no match")"));
  ASSERT_TRUE(broken);
  EXPECT_EQ(broken->front().trouble, "no match");
}

TEST(PrometheusRules, GarbageIsAnError) {
  for (const std::string body :
       {R"({"status":"success","data":[]})", R"({"status":"success","data":{}})",
        R"({"status":"success","data":{"groups":[7]}})",
        R"({"status":"success","data":{"groups":[{"rules":[7]}]}})",
        R"({"status":"success","data":{"groups":[{"rules":[{"type":"alerting"}]}]}})"}) {
    const auto list = parse_alert_rules(200, body);
    ASSERT_FALSE(list) << body;
    EXPECT_EQ(list.error().kind, ErrorKind::io);
  }
  for (const std::string time :
       {"yesterday", "2026-13-29T02:55:31Z", "2026-11-29T02:55:31.7", "2026-11-29T02:55:31+2",
        "2026-11-29T02:5x:31Z", "2026-11-29T02:55:31.x2Z"}) {
    EXPECT_FALSE(parse_alert_rules(200, rule_list(time))) << time;
  }
  EXPECT_FALSE(parse_alert_rules(503, "starting"));
}

}  // namespace
}  // namespace faultline::prometheus
