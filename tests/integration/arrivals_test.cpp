#include "tests/integration/lab_fixture.hpp"

/// What probes send is counted by the lab itself, so that a probe that sends nothing is found.
namespace faultline::integration {
namespace {

class CountedTest : public LabTest {
 protected:
  /// The good answers of a worker in the lab, after 2 s of 100 requests a second.
  [[nodiscard]] std::uint64_t good_answers(const std::string& kind, const json& args) const {
    const json spec{{"probe", "counted"},
                    {"kind", kind},
                    {"rate_per_s", 100},
                    {"deadline_ms", 2'000},
                    {"args", args}};
    const Outcome told =
        home_.run({"lab", "exec", "client", "--", "sh", "-c",
                   "(cat; sleep 2; echo finish) | exec " + program("faultline") + " worker"},
                  spec.dump() + "\n");
    EXPECT_EQ(told.code, 0) << told.err << told.out;
    std::uint64_t good = 0;
    std::istringstream lines(told.out);
    for (std::string line; std::getline(lines, line);) {
      const json report = json::parse(line);
      for (const auto& sample : report.value("samples", json::array())) {
        good += sample[3] == 0 ? 1 : 0;
      }
    }
    return good;
  }
  /// By the components of that kind.
  [[nodiscard]] std::uint64_t counted(const std::string& what, const std::string& kind) const {
    const json world = status();
    std::uint64_t sum = 0;
    for (const auto& component : world["components"]) {
      if (component["kind"] == kind) {
        sum += component["arrived"].value(what, std::uint64_t{0});
      }
    }
    return sum;
  }
  void expect_counted(const std::string& probe, const json& args, const std::string& what,
                      const std::string& where) const {
    const auto before = counted(what, where);
    const auto good = good_answers(probe, args);
    EXPECT_GT(good, 150u) << probe;
    std::uint64_t more = 0;
    for (int look = 0; look < 50 && more < good; ++look) {
      std::this_thread::sleep_for(100ms);
      more = counted(what, where) - before;
    }
    EXPECT_GE(more, good) << probe;
    EXPECT_LT(more, good + good / 2) << probe << ": others send so much that a liar could hide";
  }
};

TEST_F(CountedTest, WhatEveryKindOfProbeSends) {
  up();
  const json cache{{"cache", "sessions"}, {"sentinels", json::array({"10.0.1.20:26379"})}};
  expect_counted("http",
                 {{"host", "10.0.0.10"}, {"port", 80}, {"path", "/catalog/p1?tenant=tenant-1"}},
                 "requests", "balancer");
  expect_counted("tcp", {{"host", "10.0.0.10"}, {"port", 80}}, "connections", "balancer");
  expect_counted("tcp", {{"host", "10.0.0.30"}, {"port", 3306}}, "connections", "endpoint");
  expect_counted("redis", cache, "connections", "redis");
  expect_counted("redis_writes", cache, "writes", "redis");
}

}  // namespace
}  // namespace faultline::integration
