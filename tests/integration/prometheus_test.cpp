#include "targets/prometheus/client.hpp"
#include "tests/integration/prometheus_server.hpp"

#include <fmt/chrono.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

/// The real Prometheus, which scrapes an exporter through a story with known times.
namespace faultline::integration {
namespace {

using namespace std::chrono_literals;
using namespace prometheus;
using testing::AllOf;
using testing::Ge;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;

/// Five scrapes to a second; what is older than a second is from before a gap. A server scrapes for
/// the first time 5 s after it has started: its discovery waits for so long.
constexpr auto scrape_interval = 200ms;
constexpr auto fresh_within = 1s;
constexpr auto restart_after = 2 * scrape_interval;

const std::string rules = R"(
groups:
- name: drill
  interval: 200ms
  rules:
  - {alert: Broken, expr: broken > 0, for: 400ms, labels: {severity: page}}
  - {alert: Quiet, expr: broken > 9}
  - {alert: Nonsense, expr: 'steady * on() group_left() {__name__=~"twin_."}'}
)";

std::string configuration(const net::Endpoint& exporter) {
  return fmt::format(
      "global: {{scrape_interval: {0}, scrape_timeout: {0}, evaluation_interval: {0}}}\n"
      "scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['{1}']}}]}}]\n"
      // Nobody is there: whoever asks for that label gets a warning.
      "remote_read: [{{url: 'http://{2}/', read_recent: true, required_matchers: {{far: "
      "away}}}}]\n",
      scrape_interval, net::to_string(exporter), net::to_string(net::free_port()));
}

WallTime now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

/// The story, played once for all tests.
struct Story {
  Exporter exporter;
  PrometheusServer server{configuration(exporter.at()), rules};
  WallTime begun{}, broke{}, mended{}, stopped{}, back{}, over{};

  Story() {
    for (const auto& [series, value] :
         std::map<std::string, std::string>{{"steady", "1"},
                                            {"nothing_by_nothing", "NaN"},
                                            {"endless", "+Inf"},
                                            {"ends", "7"},
                                            {"twin_a", "1"},
                                            {"twin_b", "1"},
                                            {"broken", "0"}}) {
      exporter.set(series, value);
    }
    scraped(5);
    begun = now();
    wait(1s);
    exporter.set("broken", "1");
    exporter.remove("ends");
    broke = now();
    wait(2s);
    exporter.set("broken", "0");
    mended = now();
    wait(1s);
    stopped = now();
    wait(restart_after);  // a scrape that its end cuts off marks its series as ended
    server.end(SIGTERM);
    server.start();
    scraped(2);
    back = now();
    wait(2s);
    over = now();
    scraped(2);
  }

 private:
  static void wait(std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }
  /// Returns after so many more scrapes, or when it is clear that none will come.
  void scraped(int times) const {
    const int until = exporter.scrapes() + times;
    for (int i = 0; i < 1'500 && exporter.scrapes() < until; ++i) {
      wait(10ms);
    }
    if (exporter.scrapes() < until) {
      throw std::runtime_error("prometheus does not scrape:\n" + server.log());
    }
  }
};

class PrometheusTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { story_ = std::make_unique<Story>(); }
  static void TearDownTestSuite() { story_.reset(); }

  template <class T, class Ask>
  Result<T> await(Ask ask) {
    std::optional<Result<T>> answer;
    ask([&answer](Result<T> result) { answer.emplace(std::move(result)); });
    io_.restart();
    io_.run();
    return answer ? std::move(*answer) : Error{ErrorKind::io, "nothing was called"};
  }
  Result<Figure> ask(const std::string& expression, Take take, WallTime from, WallTime to) {
    const Question question{expression,
                            Window::make(from, to, scrape_interval).value(),
                            take,
                            {.within = fresh_within}};
    return await<Figure>([&](auto then) { client_.figure(question, then); });
  }
  Figure figure(const std::string& expression, Take take, WallTime from, WallTime to) {
    auto result = ask(expression, take, from, to);
    EXPECT_TRUE(result) << result.error().message;
    return result ? *result : Figure{};
  }
  Result<AlertHistory> alert(const std::string& name, WallTime from, WallTime to) {
    const AlertQuestion question{
        name, Window::make(from, to, scrape_interval).value(), {.within = fresh_within}};
    return await<AlertHistory>([&](auto then) { client_.history(question, then); });
  }
  static Story& story() { return *story_; }

  boost::asio::io_context io_{1};
  web::Client web_{io_.get_executor()};
  Client client_{web_, {.url = story().server.url()}};

 private:
  static std::unique_ptr<Story> story_;
};
std::unique_ptr<Story> PrometheusTest::story_;

TEST_F(PrometheusTest, SeriesThatIsThereIsThereAllTheTime) {
  const auto steady = figure("steady", Take::mean, story().begun, story().stopped);
  EXPECT_EQ(steady.outcome, prometheus::Outcome::value);
  EXPECT_EQ(steady.value, 1);
  EXPECT_EQ(steady.coverage(), 1) << in_words(steady);
  EXPECT_GE(steady.points, 18u);
  EXPECT_EQ(figure("sum(rate(steady[1s])) + 2", Take::last, story().begun, story().stopped).value,
            2);
  EXPECT_EQ(figure("vector(3)", Take::min, story().begun, story().stopped).value, 3);
  EXPECT_EQ(figure("scalar(steady)", Take::max, story().begun, story().stopped).value, 1);
  EXPECT_EQ(figure("max_over_time(broken[4s])", Take::last, story().mended, story().mended).value,
            1);
}

TEST_F(PrometheusTest, SeriesThatIsMissingIsNoData) {
  const auto missing = figure("no_such_series", Take::max, story().begun, story().stopped);
  EXPECT_EQ(missing.outcome, prometheus::Outcome::no_data);
  EXPECT_EQ(missing.coverage(), 0);
  EXPECT_EQ(missing.unwatched, 0u);
}

TEST_F(PrometheusTest, NotANumberAndInfinitiesAreWhatTheyAre) {
  const auto nan = figure("nothing_by_nothing", Take::max, story().begun, story().stopped);
  EXPECT_EQ(nan.outcome, prometheus::Outcome::not_a_number);
  EXPECT_EQ(nan.nan, nan.expected);
  EXPECT_EQ(figure("steady * 0 / 0", Take::last, story().begun, story().stopped).outcome,
            prometheus::Outcome::not_a_number);
  EXPECT_EQ(figure("endless", Take::max, story().begun, story().stopped).value, HUGE_VAL);
  EXPECT_EQ(figure("-endless", Take::last, story().begun, story().stopped).value, -HUGE_VAL);
}

TEST_F(PrometheusTest, SeriesThatIsNoLongerExposedEndsAndLeavesAGap) {
  const auto ended = figure("ends", Take::max, story().begun, story().stopped);
  EXPECT_EQ(ended.outcome, prometheus::Outcome::value);
  EXPECT_EQ(ended.value, 7);
  ASSERT_THAT(ended.gaps, SizeIs(1)) << in_words(ended);
  EXPECT_THAT(ended.gaps[0].from,
              AllOf(Ge(story().broke), Le(story().broke + 2 * scrape_interval)));
  EXPECT_EQ(ended.unwatched, 0u) << "a stale marker ended it, not our suspicion";
  EXPECT_NEAR(ended.coverage(), 0.25, 0.12);
  EXPECT_EQ(figure("ends", Take::last, story().begun, story().stopped).outcome,
            prometheus::Outcome::no_data);
}

TEST_F(PrometheusTest, RestartLeavesAGapThoughItsAnswersHaveNone) {
  const auto window = Window::make(story().begun, story().over, scrape_interval).value();
  const auto raw =
      await<Answer>([&](auto then) { client_.query("steady", window, std::move(then)); });
  ASSERT_TRUE(raw) << raw.error().message;
  ASSERT_THAT(raw->series, SizeIs(1));
  EXPECT_EQ(raw->series[0].samples.size(), window.points()) << "no gap: hence the pulse";

  const auto steady = figure("steady", Take::mean, story().begun, story().over);
  EXPECT_EQ(steady.value, 1);
  ASSERT_THAT(steady.gaps, SizeIs(1)) << in_words(steady);
  EXPECT_GT(steady.unwatched, 15u);
  EXPECT_THAT(steady.gaps[0].from, AllOf(Ge(story().stopped), Le(story().stopped + restart_after +
                                                                 fresh_within + scrape_interval)));
  EXPECT_THAT(steady.gaps[0].to, AllOf(Ge(story().back - 3 * scrape_interval), Le(story().back)));
  EXPECT_LT(steady.coverage(), 0.75);
}

TEST_F(PrometheusTest, WarningsAreKept) {
  const auto warned = figure(R"(steady{far="away"})", Take::last, story().begun, story().stopped);
  EXPECT_EQ(warned.outcome, prometheus::Outcome::no_data);
  ASSERT_THAT(warned.warnings, SizeIs(1));
  EXPECT_THAT(warned.warnings[0], HasSubstr("remote_read"));
}

TEST_F(PrometheusTest, WhatItCannotReadOrExecuteIsAnErrorInItsWords) {
  const auto unread = ask("sum(", Take::last, story().begun, story().begun);
  ASSERT_FALSE(unread);
  EXPECT_EQ(unread.error().kind, ErrorKind::usage);
  EXPECT_THAT(unread.error().message, HasSubstr("parse error"));
  const auto twins = ask(R"(steady * on() group_left() {__name__=~"twin_."})", Take::last,
                         story().begun, story().begun);
  ASSERT_FALSE(twins);
  EXPECT_EQ(twins.error().kind, ErrorKind::usage);
  EXPECT_THAT(twins.error().message, HasSubstr("422 (execution)"));
  const auto several = ask(R"({__name__=~"twin_."})", Take::last, story().begun, story().begun);
  ASSERT_FALSE(several);
  EXPECT_THAT(several.error().message, HasSubstr("expected one series, found 2"));
}

TEST_F(PrometheusTest, AlertFiredWhenItsConditionHadHeldForLongEnough) {
  const auto broken = alert("Broken", story().begun, story().stopped);
  ASSERT_TRUE(broken) << broken.error().message;
  ASSERT_THAT(broken->firings, SizeIs(1));
  const auto& firing = broken->firings[0];
  const auto late = 2 * scrape_interval + 100ms;  // one scrape, one evaluation, and a busy machine
  ASSERT_TRUE(firing.pending);
  EXPECT_THAT(*firing.pending, AllOf(Ge(story().broke), Le(story().broke + late)));
  EXPECT_THAT(firing.from, AllOf(Ge(story().broke + 400ms), Le(story().broke + 400ms + late)));
  EXPECT_THAT(firing.to, AllOf(Ge(story().mended - late), Le(story().mended + late)));
  EXPECT_FALSE(firing.before);
  EXPECT_FALSE(firing.lasting);
  EXPECT_EQ(firing.labels.at("severity"), "page");
  EXPECT_EQ(broken->resolution, scrape_interval);
  EXPECT_EQ(broken->coverage(), 1);

  const auto during = alert("Broken", story().broke + 1s, story().mended);
  ASSERT_TRUE(during) << during.error().message;
  ASSERT_THAT(during->firings, SizeIs(1));
  EXPECT_TRUE(during->firings[0].before);
  EXPECT_TRUE(during->firings[0].lasting);
  EXPECT_EQ(during->first(), nullptr) << "nothing began";
}

TEST_F(PrometheusTest, AlertThatWasQuietIsToldFromOneThatNobodyWatchedOrKnows) {
  const auto quiet = alert("Quiet", story().begun, story().stopped);
  ASSERT_TRUE(quiet) << quiet.error().message;
  EXPECT_THAT(quiet->firings, IsEmpty());
  EXPECT_EQ(quiet->coverage(), 1);
  EXPECT_EQ(quiet->trouble, "");

  const auto restarted = alert("Quiet", story().begun, story().over);
  ASSERT_TRUE(restarted);
  EXPECT_LT(restarted->coverage(), 0.75);
  EXPECT_THAT(restarted->gaps, SizeIs(1));

  const auto nonsense = alert("Nonsense", story().back, story().over);
  ASSERT_TRUE(nonsense) << nonsense.error().message;
  EXPECT_THAT(nonsense->trouble, HasSubstr("many-to-many"));
  EXPECT_EQ(nonsense->coverage(), 0);

  const auto unknown = alert("Brokn", story().begun, story().stopped);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, ErrorKind::not_found);
  EXPECT_THAT(unknown.error().message, HasSubstr("did you mean 'Broken'?"));
}

TEST_F(PrometheusTest, ThirtyFiguresAtOnceTakeAMoment) {
  const Question question{"sum(steady)",
                          Window::make(story().begun, story().stopped, scrape_interval).value(),
                          Take::mean,
                          {.within = fresh_within}};
  int good = 0;
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 30; ++i) {
    client_.figure(question, [&good](const Result<Figure>& figure) {
      good += figure && figure->outcome == prometheus::Outcome::value ? 1 : 0;
    });
  }
  io_.run();
  const Duration took = std::chrono::steady_clock::now() - begun;
  RecordProperty("thirty_figures_ms", std::to_string(to_ms(took)));
  EXPECT_EQ(good, 30);  // 250 ms on a machine with nothing else to do
}

TEST_F(PrometheusTest, ServerThatTakesTooLongGivesUpItself) {
  Client hasty(web_, {.url = story().server.url(), .limit = 300ms});
  const auto slow = await<Answer>([&](auto then) {
    hasty.query("count_over_time(steady[1d:1ms])", story().over, then);  // 86 million points
  });
  ASSERT_FALSE(slow);
  EXPECT_EQ(slow.error().kind, ErrorKind::timeout) << slow.error().message;
}

TEST_F(PrometheusTest, ServerThatHangsIsAnErrorInTime) {
  Client hasty(web_, {.url = story().server.url(), .limit = 300ms});
  const auto query = [&](auto then) { hasty.query("steady", story().over, then); };
  story().server.freeze();
  const auto hung = await<Answer>(query);
  story().server.thaw();
  ASSERT_FALSE(hung);
  EXPECT_EQ(hung.error().kind, ErrorKind::timeout);
  EXPECT_THAT(hung.error().message, HasSubstr("no whole answer within 300 ms"));

  EXPECT_TRUE(await<Answer>([&](auto then) { client_.query("steady", story().over, then); }));
}

}  // namespace
}  // namespace faultline::integration
