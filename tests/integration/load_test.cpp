#include "orchestrator/slo/histogram.hpp"
#include "tests/cli/folder.hpp"
#include "tests/integration/program.hpp"
#include "tests/load/servers.hpp"
#include "tests/net/loopback.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <sstream>

/// `faultline load` as a tool in its own right: no lab, no record of a run, only figures.
namespace faultline::integration {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class LoadTest : public ::testing::Test {
 protected:
  Outcome load(const std::string& script, std::vector<std::string> options = {}) {
    options.insert(options.begin(),
                   {program("faultline"), "load", folder_.write("page.lua", script)});
    return Program(options, {{"FAULTLINE_HOME", (folder_.path() / "home").string()}}).wait();
  }
  /// A load of one probe for a second.
  static std::string one(const std::string& url, const std::string& more) {
    return "return load {\n  probes = { page = http { url = \"" + url + "\", " + more +
           " } },\n  duration = 1*s\n}\n";
  }
  [[nodiscard]] std::string url() const { return "http://" + server_.address() + "/"; }

  cli::Folder folder_;
  load::testing::Server server_{load::testing::http_framing, [](std::uint64_t number, const auto&) {
                                  return load::testing::Answer{load::testing::http_answer(
                                      number % 10 == 0 ? "503 Busy" : "200 OK")};
                                }};
};

TEST_F(LoadTest, ShowsBothViewsOfTheLatencyAndWhatWentWrong) {
  const auto told = load(one(url(), "rate = 200"));
  EXPECT_EQ(told.code, 0) << told.err;
  EXPECT_THAT(told.err, ContainsRegex("page +200 +200.0 +200 +180 +0 +20 +20 x status 503"));
  EXPECT_THAT(told.err, ContainsRegex("page +when it was due +[0-9]"));
  EXPECT_THAT(told.err, ContainsRegex("page +when it was sent +[0-9]"));
  EXPECT_EQ(told.out, "");
}

TEST_F(LoadTest, WritesTheRecordAndHistogramsThatOthersCanRead) {
  const auto log = (folder_.path() / "page.hlog").string();
  const auto told =
      load(one(url(), "rate = 200, workers = 2"), {"--json", "-", "--histograms", log, "--quiet"});
  ASSERT_EQ(told.code, 0) << told.err;
  const auto record = json::parse(told.out);
  EXPECT_EQ(record["schema"], "faultline.load/1");
  EXPECT_EQ(record["verdict"], "measured");
  const auto& page = record["probes"][0];
  EXPECT_EQ(page["requests"], 200);
  EXPECT_EQ(page["errors"], json({{"status 503", 20}}));
  EXPECT_EQ(page["series"].size(), 1u);
  EXPECT_TRUE(page["uncorrected"]["p50_ms"].is_number());
  EXPECT_TRUE(page["p99_ms"].is_null()) << "a tenth is bad, hence slower than anything";

  std::istringstream lines(folder_.read("page.hlog"));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "#[Histogram log format version 1.3]");
  while (line.empty() || !line.starts_with("Tag=page,")) {
    ASSERT_TRUE(std::getline(lines, line));
  }
  const auto histogram = slo::Histogram::decode(line.substr(line.rfind(',') + 1));
  ASSERT_TRUE(histogram);
  EXPECT_EQ(histogram->count(), 200u);
  EXPECT_EQ(histogram->at_rank(181), slo::Histogram::highest_us) << "bad ones are slower than any";
  EXPECT_LT(histogram->at_rank(180), slo::Histogram::highest_us);
}

TEST_F(LoadTest, ARateThatOneThreadCannotKeepProvesNothing) {
  const auto told = load(
      one("http://" + net::to_string(net::free_port()) + "/", "rate = 1e6, deadline = 100*ms"));
  EXPECT_EQ(told.code, 3);
  EXPECT_THAT(told.err, ContainsRegex("inconclusive: page: (machine too busy|a worker had no "
                                      "time left|the rate could not be kept)"));
}

TEST_F(LoadTest, GoesNowhereElseUnlessThatIsAllowed) {
  const auto script = one("http://192.0.2.7:80/", "rate = 10, deadline = 100*ms");
  const auto told = load(script);
  EXPECT_EQ(told.code, 2);
  EXPECT_THAT(told.err, AllOf(HasSubstr("loopback or inside a lab only"),
                              HasSubstr("--allow 192.0.2.7"), Not(HasSubstr("PROBE"))));
}

TEST_F(LoadTest, WhatIsWrongWithAScriptIsSaidWithItsPlace) {
  const auto misspelt = load(one(url(), "rat = 10"));
  EXPECT_EQ(misspelt.code, 2);
  EXPECT_THAT(misspelt.err,
              HasSubstr("page.lua:2: http: unknown field 'rat'; did you mean 'rate'?"));
  const auto unfilled = load(one(url() + "{contuer}", "rate = 10"));
  EXPECT_EQ(unfilled.code, 2);
  EXPECT_THAT(unfilled.err, AllOf(HasSubstr("page.lua:2: args of the probe 'page'"),
                                  HasSubstr("'{contuer}'; did you mean 'counter'?")));
  const auto nothing = load("return load { probes = {}, duration = 1*s }");
  EXPECT_EQ(nothing.code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("page.lua:1: load: 'probes' must have at least one"));
}

TEST_F(LoadTest, StopsOnASignalWithWhatItHas) {
  Program program({integration::program("faultline"), "load",
                   folder_.write("long.lua", "return load { probes = { page = http { url = \"" +
                                                 url() + "\", rate = 100 } }, duration = 1*hour }"),
                   "--json", "-"},
                  {});
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (server_.connections() == 0 && std::chrono::steady_clock::now() < patience) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::this_thread::sleep_for(std::chrono::seconds(1));
  program.signal(SIGINT);
  const auto told = program.wait();
  EXPECT_EQ(told.code, 128 + SIGINT);
  EXPECT_THAT(told.err, HasSubstr("stopped by a signal before its time"));
  const auto record = json::parse(told.out);
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_LT(record["duration_ms"], 60'000) << "it says how long it was, not what was planned";
  EXPECT_NEAR(record["probes"][0]["achieved_per_s"], 100, 20);
}

}  // namespace
}  // namespace faultline::integration
