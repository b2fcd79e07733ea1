#include "targets/prometheus/client.hpp"

#include "tests/prometheus/story.hpp"
#include "tests/web/raw_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

/// The client against a server that answers what it is told to; the real one is in
/// tests/integration.
namespace faultline::prometheus {
namespace {

using namespace std::chrono_literals;
using namespace story;
using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;
using web::testing::RawServer;
using web::testing::Visitor;

std::string success(const std::string& data) {
  return R"({"status":"success","data":)" + data + "}";
}

struct PrometheusClientTest : testing::Test {
  /// What is answered to a request that holds the text; else 500.
  std::vector<std::pair<std::string, std::string>> answers;
  int status = 200;
  std::mutex mutex;
  std::vector<std::string> requests;
  RawServer server{[this](Visitor& visitor) {
    for (auto request = visitor.request(); !request.empty(); request = visitor.request()) {
      visitor.say(answer_to(request));
    }
  }};
  boost::asio::io_context io{1};
  web::Client web{io.get_executor()};

  std::string answer_to(const std::string& request) {
    const std::lock_guard lock(mutex);
    requests.push_back(request);
    std::string body = "no answer", code = "500";
    for (const auto& [text, answer] : answers) {
      if (request.find(text) != std::string::npos) {
        body = answer;
        code = std::to_string(status);
        break;
      }
    }
    return "HTTP/1.1 " + code + " X\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }
  template <class T, class Ask>
  Result<T> await(Ask ask) {
    Client client(web, {.url = server.url("/behind/"), .headers = {{"Authorization", "Bearer x"}}});
    std::optional<Result<T>> answer;
    ask(client, [&answer](Result<T> result) { answer.emplace(std::move(result)); });
    io.restart();
    io.run();
    return answer ? std::move(*answer) : Error{ErrorKind::io, "nothing was called"};
  }
  Result<Figure> figure(const Question& question) {
    return await<Figure>([&](Client& client, auto then) { client.figure(question, then); });
  }
  /// The two answers of a figure: one point, and the pulse.
  void answer_one_point(const std::string& value, const std::string& newest) {
    const auto matrix = [](const std::string& values) {
      return success(R"({"resultType":"matrix","result":[{"metric":{},"values":[)" + values +
                     "]}]}");
    };
    answers = {{"timestamp", matrix("[1795920000," + newest + "]")},
               {"query_range", matrix("[1795920000," + value + "]")}};
  }
};

const Question one_point{"sum(load) > 1", over("1"), Take::last, {.within = 1s}};

TEST_F(PrometheusClientTest, AsksForTheExpressionAndForThePulse) {
  answer_one_point(R"("7")", R"("1795920000")");
  const auto answer = figure(one_point);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->value, 7);
  ASSERT_THAT(requests, SizeIs(2));
  for (const auto* part : {"POST /behind/api/v1/query_range HTTP/1.1\r\n",
                           "Authorization: Bearer x\r\n", "start=2026-11-29T02%3A40%3A00.000Z",
                           "end=2026-11-29T02%3A40%3A00.000Z", "step=1000ms", "timeout=4750ms"}) {
    EXPECT_THAT(requests, testing::Each(HasSubstr(part)));
  }
  EXPECT_THAT(requests, Contains(HasSubstr("query=sum%28load%29%20%3E%201&")));
  EXPECT_THAT(requests, Contains(HasSubstr("query=max%28timestamp%28up%29%29&")));
}

TEST_F(PrometheusClientTest, OneAnswerThatFailsIsTheErrorOfAll) {
  answer_one_point(R"("7")", "7");
  const auto garbage = figure(one_point);
  ASSERT_FALSE(garbage);
  EXPECT_THAT(garbage.error().message, HasSubstr("/behind/api/v1/query_range: expected an answer"));
  EXPECT_THAT(requests, SizeIs(2));

  answers.clear();
  const auto broken = figure(one_point);
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message, HasSubstr("HTTP status 500: no answer"));
}

TEST_F(PrometheusClientTest, SaysWhatTheServerSays) {
  status = 422;
  answers = {{"", R"({"status":"error","errorType":"execution","error":"too many samples"})"}};
  const auto refused = figure(one_point);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::usage);
  EXPECT_THAT(refused.error().message, HasSubstr("too many samples"));
}

TEST_F(PrometheusClientTest, AlertIsThreeQuestions) {
  answers = {{"rules?type=alert",
              success(R"({"groups":[{"name":"g","interval":1,"rules":[{"name":"Slow","duration":0,)"
                      R"("type":"alerting","lastEvaluation":"2026-11-29T02:40:05Z"}]}]})")},
             {"ALERTS", success(R"({"resultType":"matrix","result":[{"metric":{"alertname":"Slow",)"
                                R"("alertstate":"firing"},"values":[[1795920000.5,"1"]]}]})")},
             {"query_range", success(R"({"resultType":"matrix","result":[]})")}};
  const auto told = await<AlertHistory>([](Client& client, auto then) {
    client.history({"Slow", over("11"), {.within = 1s}}, then);
  });
  ASSERT_TRUE(told) << told.error().message;
  ASSERT_THAT(told->firings, SizeIs(1));
  EXPECT_EQ(told->first()->from, at(0.5));
  EXPECT_EQ(told->coverage(), 0);
  EXPECT_THAT(requests, Contains(HasSubstr("time=2026-11-29T02%3A40%3A01.000Z")));
}

}  // namespace
}  // namespace faultline::prometheus
