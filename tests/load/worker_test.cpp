#include "orchestrator/load/delays.hpp"
#include "orchestrator/load/place.hpp"
#include "orchestrator/load/template.hpp"
#include "targets/net/inside_lab.hpp"
#include "tests/load/story.hpp"

#include <csignal>
#include <cstdlib>

namespace {

Json good_spec() {
  return {{"probe", "page"},
          {"kind", "http"},
          {"rate_per_s", 10},
          {"deadline_ms", 1'000},
          {"args", {{"host", "127.0.0.1"}, {"port", 80}, {"path", "/"}}}};
}

std::string error_of(const std::string& line) {
  const auto told = LoadRun(line).for_time(0ms);
  EXPECT_EQ(told.exit_code, 2);
  EXPECT_TRUE(told.samples.empty());
  return told.error;
}

}  // namespace

struct SpecCase {
  std::string name, pointer;
  Json value;
  std::string error;
};

class WrongSpecs : public ::testing::TestWithParam<SpecCase> {};

TEST_P(WrongSpecs, EndWithOneLineThatNamesWhatIsWrong) {
  auto spec = good_spec();
  spec[Json::json_pointer(GetParam().pointer)] = GetParam().value;
  EXPECT_THAT(error_of(spec.dump()), HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Load, WrongSpecs,
    ::testing::Values(
        SpecCase{"kind", "/kind", "htp", "unknown kind of probe 'htp'; did you mean 'http'?"},
        SpecCase{"rate", "/rate_per_s", 1e9, "'rate_per_s' must be a number from 0.001 to 5000"},
        SpecCase{"text_for_number", "/deadline_ms", "5s", "'deadline_ms' must be a number"},
        SpecCase{"threshold_above_deadline", "/threshold_ms", 2'000, "'threshold_ms' must be"},
        SpecCase{"seed", "/seed", -1, "'seed' must be a whole number"},
        SpecCase{"unknown_field", "/rate", 3, "unknown field 'rate'"},
        SpecCase{"misspelt_arg", "/args/pth", "/x", "unknown field 'pth'; did you mean 'path'?"},
        SpecCase{"name_for_address", "/args/host", "localhost", "expected an IP address"},
        SpecCase{"placeholder", "/args/path", "/{contuer}", "did you mean 'counter'?"},
        SpecCase{"random_backwards", "/args/path", "/{random:9..1}", "{random:9..1}"},
        SpecCase{"placeholder_without_end", "/args/path", "/{counter", "without its '}'"},
        SpecCase{"path", "/args/path", "x", "must begin with '/'"},
        SpecCase{"method", "/args/method", "FETCH", "one of GET, HEAD, POST"},
        SpecCase{"elsewhere", "/args/host", "100.100.100.200", "loopback or inside a lab only"}),
    [](const auto& bundle) { return bundle.param.name; });

TEST(Worker, ASpecThatIsNotJsonIsWrong) {
  EXPECT_THAT(error_of("{"), HasSubstr("expected a spec"));
}

TEST(Worker, SentinelsElsewhereAreRefusedToo) {
  auto spec = good_spec();
  spec["kind"] = "redis_writes";
  spec["args"] = {{"sentinels", {"10.0.1.20:26379"}}, {"cache", "sessions"}};
  EXPECT_THAT(error_of(spec.dump()), HasSubstr("inside a lab"));
  spec["args"]["sentinels"] = Json::array();
  EXPECT_THAT(error_of(spec.dump()), HasSubstr("at least one"));
}

TEST(Worker, ClaimingToBeOnALabsHostIsNotEnough) {
  ::setenv("FAULTLINE_LAB_HOST", "client", 1);
  EXPECT_FALSE(faultline::net::inside_lab());  // the tests run on the machine, whose pid 1 is in
                                               // the same network
  EXPECT_FALSE(destination("10.0.0.10", 80));
  EXPECT_TRUE(destination("127.0.0.5", 80));
  EXPECT_TRUE(destination("::1", 80));
  ::unsetenv("FAULTLINE_LAB_HOST");
}

TEST(Worker, EndsAtOnceWhenItsInputEnds) {
  Server server(http_framing, [](auto, const auto&) { return Answer{.never = true}; });
  auto spec = good_spec();
  spec["args"]["port"] = server.port();
  spec["deadline_ms"] = 60'000;
  LoadRun run(spec.dump());
  EXPECT_TRUE(run.next().contains("started"));
  run.close_input();
  while (!run.next().is_null()) {
  }  // ends long before the deadline, or this test hangs
}

TEST(Worker, EndsWhenNobodyReadsItAnyMore) {
  std::signal(SIGPIPE, SIG_IGN);
  int input[2], output[2];
  ASSERT_EQ(::pipe(input), 0);
  ASSERT_EQ(::pipe(output), 0);
  auto spec = good_spec();
  spec["args"]["port"] = free_port().port;
  const auto line = spec.dump() + "\n";
  ASSERT_GT(::write(input[1], line.data(), line.size()), 0);
  ::close(output[0]);
  EXPECT_EQ(run_worker(input[0], output[1]), 1);
  for (const int fd : {input[0], input[1], output[1]}) {
    ::close(fd);
  }
}

TEST(Template, BracesOfJsonAreOnlyBraces) {
  std::mt19937_64 random(1);
  const auto draw = draw_for(42, random);
  const auto text = Template::parse(R"({"a": {}, "n": {counter}, "b": { }})");
  ASSERT_TRUE(text);
  EXPECT_EQ(text->render(draw), R"({"a": {}, "n": 42, "b": { }})");
}

TEST(Template, WhatIsUniqueIsSoInEveryRunAndFitsAKeyColumn) {
  using std::chrono::system_clock;
  const auto text = Template::parse("{unique}").value();
  const auto most = std::numeric_limits<std::uint64_t>::max();
  std::mt19937_64 random(1);
  std::set<std::string> seen;
  for (const std::uint64_t seed : {std::uint64_t{1}, most}) {
    for (const auto started : {system_clock::time_point(), system_clock::time_point::max()}) {
      const auto run = unique_prefix(seed, started);
      for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{10}, most}) {
        const auto key = text.render(draw_for(number, random, run));
        EXPECT_LE(key.size(), 64u);
        seen.insert(key);
      }
    }
  }
  EXPECT_EQ(seen.size(), 12u);
}

TEST(Template, DrawsWithinItsRangeAndReachesBothEnds) {
  std::mt19937_64 random(1);
  const auto text = Template::parse("{random:3..5}").value();
  std::set<std::string> seen;
  for (std::uint64_t n = 0; n < 200; ++n) {
    seen.insert(text.render(draw_for(n, random)));
  }
  EXPECT_THAT(seen, ::testing::ElementsAre("3", "4", "5"));
}

TEST(Delays, KnowTheir99thPercentile) {
  Delays delays;
  EXPECT_EQ(delays.p99_ms(), 0);
  for (int i = 1; i <= 100; ++i) {
    delays.add(i * 1ms);
  }
  EXPECT_NEAR(delays.p99_ms(), 99, 0.11);
  for (int i = 0; i < 100; ++i) {
    delays.add(1h);
  }
  EXPECT_EQ(delays.p99_ms(), 1'000);
  Delays early;
  early.add(-1ms);
  EXPECT_EQ(early.p99_ms(), 0);
}
