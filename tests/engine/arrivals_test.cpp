#include "tests/engine/run_fixture.hpp"

/// What the environment has counted, against what the probes call answered. That a probe which
/// sends nothing is found: tests/seeded.
namespace faultline::engine {
namespace {

using testing::HasSubstr;

class ArrivalsTest : public RunTest {
 protected:
  ArrivalsTest() {
    target.world.components.push_back(balancer());
    environment.probes.at("login").args = {{"host", "10.0.0.10"}, {"port", 80}};
  }
  std::uint64_t& requests() { return target.world.components.back().arrived["requests"]; }
  /// Once a second in each of these.
  void restart_in(std::set<int> seconds) {
    target.on_look = [this, seconds, began = clock.now(), last = -1](targets::World&) mutable {
      const auto second = static_cast<int>((clock.now() - began) / 1s);
      if (std::exchange(last, second) != second && seconds.contains(second)) {
        requests() = 0;
      }
    };
  }
};

TEST_F(ArrivalsTest, ACounterThatBeginsAnewTakesWhatItCountedSinceTheLastLook) {
  restart_in({3, 5, 7, 9, 11});
  EXPECT_EQ(run()["verdict"], "passed") << record["reason"];
}

TEST_F(ArrivalsTest, ALiarIsFoundThoughTheCounterBeginsAnew) {
  restart_in({3, 5});
  target.liar = "login";
  EXPECT_EQ(run()["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("login says that"));
}

TEST_F(ArrivalsTest, ConnectionsAreNotComparedWithRequests) {
  environment.probes.at("login").kind = "tcp";
  EXPECT_EQ(run()["verdict"], "passed") << record["reason"];
}

TEST_F(ArrivalsTest, TheNodesOfACacheCountTogether) {
  for (auto& component : target.world.components) {
    if (component.kind == "redis") {
      component.arrived["writes"] = 0;
    }
  }
  auto& sessions = environment.probes.at("sessions");
  sessions.args = {{"cache", "sessions"}};
  EXPECT_EQ(run([this](auto&) { target.fail_over_to("b-redis"); })["verdict"], "passed")
      << record["reason"];
}

/// A node of a cache is an address too.
TEST_F(ArrivalsTest, OneThatSendsNothingDoesNotHideBehindOneThatDoes) {
  auto& node = target.world.components.at(0);
  node.address = "10.0.1.20";
  node.port = 6379;
  node.arrived["connections"] = 0;
  ASSERT_EQ(node.labels["cache"], "sessions");
  auto honest = environment.probes.at("login");
  honest.name = "ping";
  honest.kind = "redis";
  honest.store = "sessions";
  honest.args = {{"cache", "sessions"}};
  auto liar = environment.probes.at("login");
  liar.name = "port";
  liar.kind = "tcp";
  liar.args = {{"host", "10.0.1.20"}, {"port", 6379}};
  environment.probes["ping"] = honest;
  environment.probes["port"] = liar;
  EXPECT_EQ(run()["verdict"], "passed") << record["reason"];
  target.liar = "port";
  EXPECT_EQ(run()["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("ping and port say that"));
}

}  // namespace
}  // namespace faultline::engine
