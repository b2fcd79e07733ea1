#include "orchestrator/engine/probes.hpp"

#include "tests/fake/fake_target.hpp"
#include "tests/fake/manual_clock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::engine {
namespace {

/// A target whose worker says what the test says.
class SpokenTarget : public fake::FakeTarget {
 public:
  using FakeTarget::FakeTarget;
  void start_worker(targets::WorkerSpec spec,
                    targets::Done<std::unique_ptr<targets::Worker>> done) override {
    say = spec.on_line;
    done(std::unique_ptr<targets::Worker>());
  }
  std::function<void(std::string_view)> say;
};

/// One probe, whose requests are due from second 0 on.
class ProbesTest : public testing::Test {
 protected:
  ProbesTest() {
    Environment environment;
    environment.probes["login"].name = "login";
    probes.start(environment, "r1", 1, [](const Result<>& started) { EXPECT_TRUE(started); });
    target.say(R"({"started": 0})");
  }
  /// The onlooker's next figures.
  Probes::Lately lately() { return probes.lately().at("login"); }

  boost::asio::io_context io;
  fake::ManualClock clock;
  SpokenTarget target{io, clock};
  Probes probes{target, [] {}};
};

TEST_F(ProbesTest, AnOnlookerSeesARequestWhenItIsAnsweredHoweverLongAgoItWasDue) {
  target.say(R"({"samples": [[100, 2000, 2000, 0, 0]], "seen_until": 200, "waiting": 1})");
  EXPECT_EQ(lately().answered.good, 1u);
  EXPECT_EQ(lately().answered.requests, 0u) << "each is shown once";
  EXPECT_EQ(lately().waiting, 1u);

  target.say(
      R"({"samples": [[200, 5000000, 5000000, 2, "deadline"]], "seen_until": 300, "waiting": 0})");
  const auto late = lately();
  EXPECT_EQ(late.answered.bad, 1u);
  EXPECT_EQ(late.answered.errors.at("deadline"), 1u);
  EXPECT_EQ(late.waiting, 0u);
  EXPECT_EQ(probes.find("login")->series.samples().size(), 2u) << "the record has both";
}

}  // namespace
}  // namespace faultline::engine
