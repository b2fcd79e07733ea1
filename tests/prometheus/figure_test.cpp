#include "targets/prometheus/figure.hpp"

#include "tests/prometheus/story.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::prometheus {
namespace {

using namespace std::chrono_literals;
using namespace story;
using testing::HasSubstr;

Question question(Take take, std::string_view points) {
  return {"load", over(points), take, {.within = 1s}};
}

Figure figure(Take take, std::string_view points, std::string_view sampled = "") {
  const std::string always(points.size(), '*');
  const auto result =
      figure_of(question(take, points), values(points), pulse(sampled.empty() ? always : sampled));
  EXPECT_TRUE(result) << result.error().message;
  return result ? *result : Figure{};
}

TEST(PrometheusFigure, IsTakenOfAllPoints) {
  EXPECT_EQ(figure(Take::min, "31425").value, 1);
  EXPECT_EQ(figure(Take::max, "31425").value, 5);
  EXPECT_EQ(figure(Take::mean, "31425").value, 3);
  EXPECT_EQ(figure(Take::last, "31425").value, 5);
  const auto whole = figure(Take::max, "31425");
  EXPECT_EQ(whole.outcome, Outcome::value);
  EXPECT_EQ(whole.points, 5u);
  EXPECT_EQ(whole.coverage(), 1);
  EXPECT_TRUE(whole.gaps.empty());
  EXPECT_EQ(in_words(whole), "max 5 of 5 points");
}

TEST(PrometheusFigure, NoDataIsNeitherZeroNorAValue) {
  for (const auto take : {Take::last, Take::min, Take::max, Take::mean}) {
    const auto none = figure(take, ".....");
    EXPECT_EQ(none.outcome, Outcome::no_data);
    EXPECT_EQ(none.coverage(), 0);
    ASSERT_EQ(none.gaps.size(), 1u);
    EXPECT_EQ(none.gaps[0].from, at(0));
    EXPECT_EQ(none.gaps[0].to, at(4));
  }
  const Question asked = question(Take::max, "11");
  const auto missing = figure_of(asked, Answer{.shape = Shape::matrix}, pulse("**"));
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->outcome, Outcome::no_data);
}

TEST(PrometheusFigure, SeriesThatEndedLeavesAGapThatIsReported) {
  const auto max = figure(Take::max, "12.4...");
  EXPECT_EQ(max.value, 4);
  EXPECT_EQ(max.points, 3u);
  EXPECT_EQ(max.expected, 7u);
  EXPECT_NEAR(max.coverage(), 3.0 / 7, 1e-9);
  ASSERT_EQ(max.gaps.size(), 2u);
  EXPECT_EQ(max.gaps[0].from, at(2));
  EXPECT_EQ(max.gaps[0].to, at(2));
  EXPECT_EQ(max.gaps[1].from, at(4));
  EXPECT_EQ(max.gaps[1].to, at(6));
  EXPECT_THAT(in_words(max), HasSubstr("max 4 of 3 points; 4 of 7 missing: "));
  EXPECT_EQ(figure(Take::last, "12.4...").outcome, Outcome::no_data) << "the past is not the end";
}

TEST(PrometheusFigure, NotANumberIsCountedAndNeverTaken) {
  const auto max = figure(Take::max, "1n3nn");
  EXPECT_EQ(max.outcome, Outcome::value);
  EXPECT_EQ(max.value, 3);
  EXPECT_EQ(max.nan, 3u);
  EXPECT_EQ(max.coverage(), 1) << "it was there";
  EXPECT_THAT(in_words(max), HasSubstr("; 3 not a number"));
  EXPECT_EQ(figure(Take::max, "nnnnn").outcome, Outcome::not_a_number);
  EXPECT_EQ(figure(Take::mean, "n....").outcome, Outcome::not_a_number);
  EXPECT_EQ(figure(Take::last, "1111n").outcome, Outcome::not_a_number);
  EXPECT_EQ(figure(Take::last, "nnnn1").value, 1);
}

TEST(PrometheusFigure, InfinitiesAreValuesUntilTheyCancel) {
  EXPECT_EQ(figure(Take::max, "1+2").value, HUGE_VAL);
  EXPECT_EQ(figure(Take::min, "1-2").value, -HUGE_VAL);
  EXPECT_EQ(figure(Take::mean, "1+2").outcome, Outcome::value);
  const auto both = figure(Take::mean, "+-");
  EXPECT_EQ(both.outcome, Outcome::not_a_number);
  EXPECT_EQ(both.value, 0);
}

TEST(PrometheusFigure, WhatTheServerRepeatsAfterItLookedIsMissing) {
  // It was down from second 3 to 7: its answers go on with the last value that it had.
  const auto max = figure(Take::max, "9111111112", "***....***");
  EXPECT_EQ(max.points, 7u);
  EXPECT_EQ(max.unwatched, 3u);
  ASSERT_EQ(max.gaps.size(), 1u);
  EXPECT_EQ(max.gaps[0].from, at(4)) << "second 3 is not older than a second";
  EXPECT_EQ(max.gaps[0].to, at(6));
  EXPECT_THAT(in_words(max), HasSubstr("the server had not looked"));

  const auto blind = figure(Take::last, "11111", "**...");
  EXPECT_EQ(blind.outcome, Outcome::no_data);
  const auto unproved = figure_of(question(Take::max, "111"), values("111"), Answer{});
  ASSERT_TRUE(unproved);
  EXPECT_EQ(unproved->outcome, Outcome::no_data) << "nothing shows that it watched";
}

TEST(PrometheusFigure, OnePointIsAWindowToo) {
  EXPECT_EQ(figure(Take::last, "7").value, 7);
  EXPECT_EQ(figure(Take::last, "7").expected, 1u);
}

TEST(PrometheusFigure, KeepsTheWarningsOfBothAnswers) {
  auto load = values("1");
  auto alive = pulse("*");
  load.warnings = {"remote_read: gone"};
  alive.warnings = {"also gone"};
  const auto warned = figure_of(question(Take::last, "1"), load, alive);
  ASSERT_TRUE(warned);
  EXPECT_THAT(warned->warnings, testing::ElementsAre("remote_read: gone", "also gone"));
  EXPECT_THAT(in_words(*warned), HasSubstr("Prometheus warns: remote_read: gone"));
}

TEST(PrometheusFigure, SeveralSeriesOrTextAreNoFigure) {
  Answer several{.shape = Shape::matrix,
                 .series = {series("1", {{"a", "1"}}), series("1", {{"a", "2"}}),
                            series("1", {{"a", "3"}}), series("1", {{"a", "4"}})}};
  const auto many = figure_of(question(Take::last, "1"), several, pulse("*"));
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().kind, ErrorKind::usage);
  EXPECT_THAT(many.error().message,
              HasSubstr(R"(load: expected one series, found 4: {a="1"}, {a="2"}, {a="3"}, ...)"));
  const Answer text{.shape = Shape::string, .text = "hello"};
  const auto words = figure_of(question(Take::last, "1"), text, pulse("*"));
  ASSERT_FALSE(words);
  EXPECT_THAT(words.error().message, HasSubstr("found the text \"hello\""));
}

TEST(PrometheusFigure, PointsThatNobodyAskedForAreGarbage) {
  for (const double wrong : {-1.0, 0.5, 3.0}) {
    auto odd = values("111");
    odd.series[0].samples.push_back({at(wrong), 1});
    const auto result = figure_of(question(Take::max, "111"), odd, pulse("***"));
    ASSERT_FALSE(result) << wrong;
    EXPECT_EQ(result.error().kind, ErrorKind::io);
  }
  auto twice = values("111");
  twice.series[0].samples.push_back({at(2), 1});
  EXPECT_FALSE(figure_of(question(Take::max, "111"), twice, pulse("***")));
}

TEST(PrometheusWindow, IsBoundedAndGoesForwards) {
  EXPECT_EQ(Window::make(at(0), at(10), 3s)->points(), 4u);
  EXPECT_EQ(Window::make(at(0), at(0), 3s)->points(), 1u);
  EXPECT_TRUE(Window::make(at(0), at(10'999), 1s));
  for (const auto& wrong : {Window::make(at(1), at(0), 1s), Window::make(at(0), at(1), 0s),
                            Window::make(at(0), at(11'000), 1s)}) {
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().kind, ErrorKind::usage);
  }
}

}  // namespace
}  // namespace faultline::prometheus
