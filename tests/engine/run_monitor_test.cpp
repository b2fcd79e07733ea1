#include "tests/engine/run_fixture.hpp"

#include <boost/asio/post.hpp>

/// What the environment's own Prometheus says counts like what probes say, and no data is no pass.
namespace faultline::engine {
namespace {

using prometheus::AlertHistory;
using prometheus::Figure;
using testing::HasSubstr;

constexpr auto scrape = 1s;

/// A Prometheus that says what the test wants, about windows that are over.
class FakeSource : public prometheus::Source {
 public:
  FakeSource(boost::asio::io_context& io, fake::ManualClock& clock) : io_(io), clock_(clock) {}

  void figure(const prometheus::Question& question, Then<Figure> then) override {
    EXPECT_GE(clock_.wall(), question.window.to() + scrape) << "asked before the samples arrived";
    expressions.push_back(question.expression);
    post([answer = says(question), then] { then(answer); });
  }
  void history(const prometheus::AlertQuestion& question, Then<AlertHistory> then) override {
    AlertHistory answer = alert;
    if (fires_at && *fires_at <= question.window.to()) {
      const bool before = *fires_at < question.window.from();
      answer.firings.push_back({{}, {}, *fires_at, *fires_at, before, false});
    }
    ++asked;
    post([answer, then] { then(answer); });
  }

  std::function<Result<Figure>(const prometheus::Question&)> says = [](const auto& question) {
    Figure figure;
    figure.outcome = prometheus::Outcome::value;
    figure.value = 5;
    figure.take = question.take;
    figure.expected = figure.points = question.window.points();
    return Result<Figure>(figure);
  };
  std::vector<std::string> expressions;
  AlertHistory alert{.name = "Broken", .expected = 10, .watched = 10};
  std::optional<WallTime> fires_at;
  int asked = 0;

 private:
  void post(std::function<void()> f) { boost::asio::post(io_, std::move(f)); }
  boost::asio::io_context& io_;
  fake::ManualClock& clock_;
};

class Monitored : public RunTest {
 protected:
  Monitored() {
    environment.prometheus = {.url = "http://127.0.0.1:9090", .scrape_interval = scrape};
    prometheus = &source;
  }
  void expects(const Expectation& promise) {
    experiment.method = [promise](Stage& stage) {
      auto asked = promise;
      asked.from = stage.inject({crash}).front();
      stage.expect(asked);
    };
  }
  static Expectation metric(double at_most) {
    Expectation e;
    e.sli = Sli::metric;
    e.subject = "queue";
    e.metric.expression = "sum(rate(queue[{{.window}}]))";
    e.metric.take = prometheus::Take::max;
    e.threshold = at_most;
    e.over = 10s;
    return e;
  }
  static Expectation about_alert(Sli sli) {
    Expectation e;
    e.sli = sli;
    e.subject = "Broken";
    e.over = 10s;
    return e;
  }
  /// When the method's fault took hold, on the wall.
  void fire_after(Duration after) {
    run([this, after](engine::Run&) {
      source.fires_at = std::chrono::ceil<WallTime::duration>(clock.wall() + after);
    });
  }
  [[nodiscard]] const Json& promise() const { return record["objectives"][1]; }

  FakeSource source{io, clock};
};

TEST_F(Monitored, AFigureWithinItsLimitPasses) {
  expects(metric(5));
  run();
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  EXPECT_EQ(source.expressions, std::vector<std::string>{"sum(rate(queue[10s]))"});
  EXPECT_EQ(promise()["measured"], 5);
  EXPECT_EQ(promise()["metric"]["coverage"], 1);
}

TEST_F(Monitored, AFigureBeyondItFails) {
  expects(metric(4));
  run();
  EXPECT_EQ(record["verdict"], "failed");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("max of queue <= 4 over 10 s: max 5"));
}

TEST_F(Monitored, NoDataIsNoPass) {
  source.says = [](const auto& question) {
    Figure figure;
    figure.expected = question.window.points();
    return Result<Figure>(figure);
  };
  expects(metric(5));
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("no data is not a pass"));
}

TEST_F(Monitored, AGapMayHideWhatWouldHaveBrokenIt) {
  const auto half = [](const auto& question) {
    Figure figure;
    figure.outcome = prometheus::Outcome::value;
    figure.value = 5;
    figure.take = question.take;
    figure.expected = question.window.points();
    figure.points = figure.expected / 2;
    return Result<Figure>(figure);
  };
  source.says = half;
  expects(metric(5));
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("the window has gaps"));
}

TEST_F(Monitored, WhatIsBrokenAlreadyNoGapCanMend) {
  source.says = [](const auto& question) {
    Figure figure;
    figure.outcome = prometheus::Outcome::value;
    figure.value = 5;
    figure.take = question.take;
    figure.expected = question.window.points();
    figure.points = 1;
    return Result<Figure>(figure);
  };
  expects(metric(4));
  run();
  EXPECT_EQ(record["verdict"], "failed") << record["reason"];
}

TEST_F(Monitored, AWarningAndAnErrorAreDoubts) {
  const auto as_hoped = source.says;
  source.says = [as_hoped](const auto& question) {
    auto figure = as_hoped(question);
    figure.value().warnings = {"remote_read"};
    return figure;
  };
  expects(metric(5));
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("warns"));
  source.says = [](const auto&) { return Result<Figure>(Error{ErrorKind::timeout, "too slow"}); };
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("too slow"));
}

TEST_F(Monitored, AnAlertThatFiresInTimeIsKnownAtOnce) {
  expects(about_alert(Sli::alert));
  fire_after(3s);
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  EXPECT_NEAR(promise()["measured"].get<double>(), 3'000, 1'100);
  EXPECT_LE(source.asked, 6) << "the window of 10 s was not waited for";
}

TEST_F(Monitored, AnAlertThatDoesNotFireIsMissed) {
  expects(about_alert(Sli::alert));
  run();
  EXPECT_EQ(record["verdict"], "failed");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("alert Broken fires within 10 s"));
}

TEST_F(Monitored, AnAlertThatFiredBeforeShowsNothing) {
  source.fires_at = WallTime(std::chrono::milliseconds(1));
  expects(about_alert(Sli::alert));
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("was firing already"));
}

TEST_F(Monitored, AnAlertThatNobodyWatchedIsNotQuiet) {
  expects(about_alert(Sli::quiet));
  run();
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  source.alert.watched = 9;
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("watched 9 of 10 points"));
}

TEST_F(Monitored, OneThatFiresIsNotQuiet) {
  expects(about_alert(Sli::quiet));
  fire_after(2s);
  EXPECT_EQ(record["verdict"], "failed");
}

TEST_F(Monitored, SteadyStateIsAskedInBothItsPhases) {
  auto steady = metric(5);
  steady.over = {};
  environment.objectives["queue"] = steady;
  run();
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  EXPECT_EQ(source.expressions.size(), 3u) << "and once beforehand, whether it can be answered";
  environment.objectives["queue"].threshold = 4;
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("the baseline did not hold"));
  EXPECT_THAT(target.in_force, testing::IsEmpty());
}

TEST_F(Monitored, TwoOfOneNameAreJudgedByTheirOwnAnswers) {
  auto steady = metric(5);
  steady.over = {};
  environment.objectives["calm"] = steady;
  steady.metric.expression = "other_queue";
  environment.objectives["full"] = steady;
  source.says = [says = source.says](const auto& question) {
    auto figure = says(question);
    figure->value = question.expression == "other_queue" ? 99 : 5;
    return figure;
  };
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  ASSERT_EQ(record["objectives"].size(), 3u) << "with that of login";
  EXPECT_EQ(record["objectives"][0]["measured"], 5);
  EXPECT_EQ(record["objectives"][1]["measured"], 99);
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("the baseline did not hold"));
}

TEST_F(Monitored, WhatCannotBeAnsweredIsFoundOutBeforeTheFault) {
  expects(metric(5));
  experiment.monitored = {metric(5)};
  run();
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  source.says = [](const auto&) {
    return Result<Figure>(Error{ErrorKind::usage, "parse error: unclosed left brace"});
  };
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(),
              testing::AllOf(HasSubstr("precondition unmet"), HasSubstr("unclosed left brace")));
  EXPECT_TRUE(record["faults"].empty()) << "nothing was injected";
}

TEST_F(Monitored, AnEnvironmentWithoutOneProvesNothing) {
  prometheus = nullptr;
  expects(metric(5));
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("has no prometheus"));
}

}  // namespace
}  // namespace faultline::engine
