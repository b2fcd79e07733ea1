#include "targets/prometheus/answer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace faultline::prometheus {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

std::string success(const std::string& type, const std::string& result,
                    const std::string& more = "") {
  return R"({"status":"success","data":{"resultType":")" + type + R"(","result":)" + result + "}" +
         more + "}";
}

Answer parsed(const std::string& body) {
  auto answer = parse_answer(200, body);
  EXPECT_TRUE(answer) << answer.error().message;
  return answer ? std::move(*answer) : Answer{};
}

TEST(PrometheusAnswer, VectorIsAPointOfEachSeries) {
  const auto answer = parsed(
      success("vector", R"([{"metric":{"__name__":"up","job":"app"},"value":[1435781451.781,"1"]},)"
                        R"({"metric":{},"value":[1435781451.781,"-0.25"]}])"));
  ASSERT_EQ(answer.series.size(), 2u);
  EXPECT_EQ(answer.shape, Shape::vector);
  EXPECT_EQ(answer.series[0].labels, (Labels{{"__name__", "up"}, {"job", "app"}}));
  EXPECT_EQ(answer.series[0].samples[0].at, WallTime(milliseconds(1435781451781)));
  EXPECT_EQ(answer.series[0].samples[0].value, 1);
  EXPECT_EQ(answer.series[1].samples[0].value, -0.25);
}

TEST(PrometheusAnswer, MatrixIsManyPointsWithValuesThatAreNoNumbers) {
  const auto answer = parsed(success(
      "matrix",
      R"([{"metric":{"a":"b"},"values":[[1,"NaN"],[2.5,"+Inf"],[3,"-Inf"],[4,"1.5e+06"]]}])"));
  ASSERT_EQ(answer.series.size(), 1u);
  const auto& samples = answer.series[0].samples;
  ASSERT_EQ(samples.size(), 4u);
  EXPECT_TRUE(std::isnan(samples[0].value));
  EXPECT_EQ(samples[1].value, HUGE_VAL);
  EXPECT_EQ(samples[1].at, WallTime(milliseconds(2500)));
  EXPECT_EQ(samples[2].value, -HUGE_VAL);
  EXPECT_EQ(samples[3].value, 1.5e6);
}

TEST(PrometheusAnswer, ScalarStringAndNothingAtAll) {
  const auto scalar = parsed(success("scalar", R"([1.5,"42"])"));
  EXPECT_EQ(scalar.shape, Shape::scalar);
  ASSERT_EQ(scalar.series.size(), 1u);
  EXPECT_EQ(scalar.series[0].samples[0].value, 42);

  const auto text = parsed(success("string", R"([1.5,"hello"])"));
  EXPECT_EQ(text.shape, Shape::string);
  EXPECT_EQ(text.text, "hello");
  EXPECT_TRUE(text.series.empty());

  EXPECT_TRUE(parsed(success("vector", "[]")).series.empty());
  EXPECT_TRUE(parsed(success("matrix", "[]")).series.empty());
}

TEST(PrometheusAnswer, KeepsWarningsAndRemarksApart) {
  const auto answer = parsed(
      success("vector", "[]", R"(,"warnings":["remote_read: gone"],"infos":["not a counter",7])"));
  EXPECT_THAT(answer.warnings, ElementsAre("remote_read: gone"));
  EXPECT_THAT(answer.infos, ElementsAre("not a counter", "7"));
}

TEST(PrometheusAnswer, LabelsAreShownAsPeopleWriteThem) {
  EXPECT_EQ(to_string(Labels{{"__name__", "up"}, {"job", "a\"b"}}), R"(up{job="a\"b"})");
  EXPECT_EQ(to_string(Labels{{"__name__", "up"}}), "up");
  EXPECT_EQ(to_string(Labels{}), "{}");
  EXPECT_EQ(promql_string("a\\b\n\"c\""), R"("a\\b\n\"c\"")");
}

struct Refusal {
  int status;
  std::string body;
  ErrorKind kind;
  std::string words;
};

class PrometheusRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(PrometheusRefusal, IsAnErrorInTheServersWords) {
  const auto answer = parse_answer(GetParam().status, GetParam().body);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, GetParam().kind) << answer.error().message;
  EXPECT_THAT(answer.error().message, HasSubstr(GetParam().words));
}

std::string error(const std::string& type, const std::string& words) {
  return R"({"status":"error","errorType":")" + type + R"(","error":")" + words + "\"}";
}

using enum ErrorKind;
INSTANTIATE_TEST_SUITE_P(
    Table, PrometheusRefusal,
    testing::Values(
        Refusal{400, error("bad_data", "parse error: unclosed"), usage, "parse error: unclosed"},
        Refusal{422, error("execution", "duplicate series"), usage, "422 (execution)"},
        Refusal{503, error("timeout", "query timed out"), timeout, "query timed out"},
        Refusal{503, error("canceled", "query canceled"), timeout, "query canceled"},
        Refusal{404, error("not_found", "no such"), not_found, "no such"},
        Refusal{500, error("internal", "disk"), io, "disk"},
        Refusal{503, error("unavailable", "starting"), io, "starting"},
        Refusal{200, error("", "says 200 and means it not"), io, "means it not"},
        Refusal{401, "Unauthorized", refused, "HTTP status 401: Unauthorized"},
        Refusal{403, "", refused, "403"}, Refusal{404, "no page", not_found, "no page"},
        Refusal{302, "", io, "HTTP status 302"},
        Refusal{502, "<html>\x1b[31mbad gateway", io, "502: <html> [31mbad gateway"},
        Refusal{503, success("vector", "[]"), io, "HTTP status 503"},
        Refusal{200, "", io, "not JSON"}, Refusal{200, "OK", io, "not JSON, or not all of it: OK"},
        Refusal{200, success("vector", "[]").substr(0, 50), io, "not JSON"},
        Refusal{200, "[]", io, "found []"}, Refusal{200, R"({"status":"success"})", io, "success"},
        Refusal{200, R"({"status":"success","data":7})", io, "type ''"},
        Refusal{200, R"({"status":7,"data":{}})", io, "expected an answer"},
        Refusal{200, success("tensor", "[]"), io, "'tensor'"},
        Refusal{200, success("vector", "{}"), io, "the result {}"},
        Refusal{200, success("vector", "[7]"), io, "7 where a series"},
        Refusal{200, success("vector", R"([{"value":[1,"1"]}])"), io, "without labels"},
        Refusal{200, success("vector", R"([{"metric":{"a":1},"value":[1,"1"]}])"), io, "label a"},
        Refusal{200, success("vector", R"([{"metric":{}}])"), io, "where [time"},
        Refusal{200, success("vector", R"([{"metric":{},"value":[1]}])"), io, "[1] where"},
        Refusal{200, success("vector", R"([{"metric":{},"value":["1","1"]}])"), io, "the time"},
        Refusal{200, success("vector", R"([{"metric":{},"value":[-1,"1"]}])"), io, "the time -1"},
        Refusal{200, success("vector", R"([{"metric":{},"value":[1e300,"1"]}])"), io, "the time"},
        Refusal{200, success("vector", R"([{"metric":{},"value":[1,1]}])"), io, "in quotes"},
        Refusal{200, success("vector", R"([{"metric":{},"value":[1,"1x"]}])"), io, "'1x'"},
        Refusal{200, success("vector", R"([{"metric":{},"value":[1,""]}])"), io, "no number"},
        Refusal{200, success("vector", R"([{"metric":{},"histogram":[1,{}]}])"), unsupported,
                "histogram_quantile"},
        Refusal{200, success("matrix", R"([{"metric":{}}])"), io, "without values"},
        Refusal{200, success("matrix", R"([{"metric":{},"values":[[2,"1"],[1,"1"]]}])"), io,
                "not in order"},
        Refusal{200, success("scalar", R"("42")"), io, "where [time"},
        Refusal{200, std::string(100'000, '['), io, "not JSON"}));

TEST(PrometheusAnswer, TooManySeriesOrPointsAreRefused) {
  std::string series, points;
  for (std::size_t i = 0; i <= max_series; ++i) {
    series += std::string(i == 0 ? "" : ",") + R"({"metric":{},"value":[1,"1"]})";
  }
  for (std::size_t i = 0; i <= max_points; ++i) {
    points += (i == 0 ? "[" : ",[") + std::to_string(i) + R"(,"1"])";
  }
  const auto many = parse_answer(200, success("vector", "[" + series + "]"));
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().kind, ErrorKind::refused);
  EXPECT_THAT(many.error().message, HasSubstr("1001 series, the limit is 1000; aggregate"));

  const auto dense =
      parse_answer(200, success("matrix", R"([{"metric":{},"values":[)" + points + "]}]"));
  ASSERT_FALSE(dense);
  EXPECT_EQ(dense.error().kind, ErrorKind::refused);
  EXPECT_THAT(dense.error().message, HasSubstr("11001 points"));
}

/// Cut anywhere, an answer is an error and never fewer points.
TEST(PrometheusAnswer, NoBeginningOfAnAnswerIsAnAnswer) {
  const auto whole = success("matrix", R"([{"metric":{"a":"b"},"values":[[1,"1"],[2,"2"]]}])",
                             R"(,"warnings":["w"])");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_FALSE(parse_answer(200, whole.substr(0, i))) << whole.substr(0, i);
  }
  EXPECT_TRUE(parse_answer(200, whole));
}

}  // namespace
}  // namespace faultline::prometheus
