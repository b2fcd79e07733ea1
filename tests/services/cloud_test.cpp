#include "targets/lab/services/metadata.hpp"
#include "targets/lab/services/pay.hpp"
#include "targets/lab/services/reclaim.hpp"
#include "tests/services/fake_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

/// What stands around the nodes: the third party, and the metadata service.
namespace faultline::services {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using testing::HasSubstr;

struct PayTest : testing::Test {
  double dice = 0.5;
  Pay pay{[this] { return dice; }};

  Recipe charge(const std::string& order) {
    return pay.handle({"POST",
                       "/charge",
                       {},
                       Json{{"order", order}, {"amount_cents", 5}}.dump(),
                       "203.0.113.10"});
  }
  void add(Json layer) { pay.control(layer); }
};

TEST_F(PayTest, AnOrderIsChargedOnceHoweverOftenItIsAsked) {
  const std::string first = charge("o-1")().body;
  EXPECT_EQ(charge("o-1")().body, first);
  EXPECT_NE(charge("o-2")().body, first);
  EXPECT_EQ(charge("o-1")().delay, 5ms);
}

TEST_F(PayTest, LayersStackAndAreRemovedInAnyOrder) {
  add({{"add", "f1"}, {"mode", "latency"}, {"delay_ms", 1000}});
  add({{"add", "f2"}, {"mode", "latency"}, {"delay_ms", 200}});
  add({{"add", "f3"}, {"mode", "status"}, {"status", 429}});
  EXPECT_EQ(charge("o-1")().delay, 1205ms);
  EXPECT_EQ(charge("o-1")().status, 429);
  pay.control({{"remove", "f1"}});
  EXPECT_EQ(charge("o-1")().delay, 205ms);
  pay.control({{"remove", "f3"}});
  pay.control({{"remove", "f3"}});
  EXPECT_EQ(charge("o-1")().status, 200);
}

TEST_F(PayTest, ALayerThatIsAddedAgainReplacesItself) {
  add({{"add", "f1"}, {"mode", "latency"}, {"delay_ms", 1000}});
  add({{"add", "f1"}, {"mode", "latency"}, {"delay_ms", 300}});
  EXPECT_EQ(charge("o-1")().delay, 305ms);
}

TEST_F(PayTest, ALayerThatIsRemovedLetsGoOfThoseThatWait) {
  add({{"add", "f1"}, {"mode", "latency"}, {"delay_ms", 30'000}});
  const Recipe waiting = charge("o-1");
  pay.control({{"remove", "f1"}});
  EXPECT_EQ(waiting().delay, 5ms);
}

TEST_F(PayTest, ALayerDoesNotReachBackToChargesThatCameBefore) {
  const Recipe before = charge("o-1");
  add({{"add", "f1"}, {"mode", "reset"}});
  EXPECT_FALSE(before().reset);
  EXPECT_TRUE(charge("o-2")().reset);
}

TEST_F(PayTest, AShareOfTheChargesIsHit) {
  add({{"add", "f1"}, {"mode", "status"}, {"status", 500}, {"share_percent", 30}});
  dice = 0.29;
  EXPECT_EQ(charge("o-1")().status, 500);
  dice = 0.30;
  EXPECT_EQ(charge("o-2")().status, 200);
}

TEST_F(PayTest, ASlowBodyHasItsHeadersAtOnce) {
  add({{"add", "f1"}, {"mode", "slow_body"}, {"delay_ms", 2000}});
  EXPECT_EQ(charge("o-1")().delay, 5ms);
  EXPECT_EQ(charge("o-1")().body_takes, 2s);
}

TEST_F(PayTest, HealthSaysThatTheServerRunsWhateverTheLayers) {
  add({{"add", "f1"}, {"mode", "reset"}, {"delay_ms", 30'000}});
  const Reaction health = pay.handle({"GET", "/health", {}, "", ""})();
  EXPECT_EQ(health.status, 200);
  EXPECT_EQ(health.delay, 0s);
  EXPECT_FALSE(health.reset);
}

TEST_F(PayTest, WrongRequestsAreSaidToBeWrong) {
  EXPECT_EQ(pay.handle({"POST", "/charge", {}, "[]", ""})().status, 400);
  EXPECT_EQ(pay.handle({"POST", "/charge", {}, R"({"order":1,"amount_cents":5})", ""})().status,
            400);
  EXPECT_EQ(pay.handle({"GET", "/charge", {}, "", ""})().status, 404);
  for (const Json& wrong :
       {Json{{"add", "x"}, {"mode", "explode"}}, Json{{"add", ""}, {"mode", "reset"}},
        Json{{"add", "x"}, {"mode", "latency"}, {"delay_ms", -1}}, Json{{"drop", "x"}}}) {
    EXPECT_THROW(pay.control(wrong), Failure) << wrong;
  }
  EXPECT_EQ(pay.control({{"show", true}}).at("layers").size(), 0u);
}

/// A spot node and the metadata service, with nothing but a function between them.
struct ReclaimTest : testing::Test {
  ManualTime hands;
  int tokens = 0;
  std::optional<Metadata> metadata;
  bool cut = false;
  std::vector<std::string> said;
  Reclaim reclaim{[this](const Call& call) { return carry(call); },
                  [this](const std::string& words) { said.push_back(words); }};

  ReclaimTest() { start_service(); }
  void start_service() {
    metadata.emplace(std::map<std::string, std::string>{{"10.0.1.11", "a-spot"}}, hands.time().now,
                     [this] { return "token-" + std::to_string(++tokens); });
  }
  CallReply carry(const Call& call) {
    if (cut) {
      return {CallError::connect_timeout, 0, ""};
    }
    HttpRequest request{std::string(call.method), call.target, {}, call.body, "10.0.1.11"};
    for (auto [name, value] : call.headers) {
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
      request.headers[name] = value;
    }
    const Reaction reaction = metadata->handle(request);
    return {CallError::none, reaction.status, reaction.body};
  }
  void announce(const std::string& instance = "a-spot") {
    metadata->control({{"announce", "f1"}, {"instance", instance}, {"at", "2026-01-05T18:02:00Z"}});
  }
};

TEST_F(ReclaimTest, ANodeLeavesWhenItsEndIsAnnouncedAndComesBackWhenItIsWithdrawn) {
  reclaim.ask();
  EXPECT_FALSE(reclaim.leaving());
  announce();
  reclaim.ask();
  EXPECT_TRUE(reclaim.leaving());
  EXPECT_THAT(said.at(0), HasSubstr("2026-01-05T18:02:00Z"));
  metadata->control({{"withdraw", "f1"}});
  metadata->control({{"withdraw", "f1"}});
  reclaim.ask();
  EXPECT_FALSE(reclaim.leaving());
  EXPECT_EQ(tokens, 1) << "a token serves for hours";
}

TEST_F(ReclaimTest, WhatIsKnownStaysWhileNobodyAnswers) {
  announce();
  reclaim.ask();
  cut = true;
  reclaim.ask();
  EXPECT_TRUE(reclaim.leaving());
}

TEST_F(ReclaimTest, ATokenOfAServiceThatWasRestartedIsAskedForAnew) {
  reclaim.ask();
  start_service();
  announce();
  reclaim.ask();
  reclaim.ask();
  EXPECT_TRUE(reclaim.leaving());
}

struct MetadataTest : testing::Test {
  ManualTime hands;
  Metadata metadata{{{"10.0.1.11", "a-spot"}, {"10.0.2.11", "b-spot"}}, hands.time().now, [] {
                      return std::string("secret");
                    }};

  Reaction time_of(const std::string& from, std::map<std::string, std::string> headers = {}) {
    return metadata.handle(
        {"GET", "/latest/meta-data/instance/spot/termination-time", std::move(headers), "", from});
  }
};

TEST_F(MetadataTest, AnInstanceSeesItsOwnEndOnly) {
  metadata.control({{"announce", "f1"}, {"instance", "a-spot"}, {"at", "2026-01-05T18:02:00Z"}});
  EXPECT_EQ(time_of("10.0.1.11").body, "2026-01-05T18:02:00Z");
  EXPECT_EQ(time_of("10.0.2.11").status, 404);
  EXPECT_EQ(time_of("10.0.0.20").status, 404);
}

TEST_F(MetadataTest, OfTwoAnnouncementsTheEarlierCountsUntilItIsWithdrawn) {
  metadata.control({{"announce", "f1"}, {"instance", "a-spot"}, {"at", "2026-01-05T18:02:00Z"}});
  metadata.control({{"announce", "f2"}, {"instance", "a-spot"}, {"at", "2026-01-05T18:01:00Z"}});
  EXPECT_EQ(time_of("10.0.1.11").body, "2026-01-05T18:01:00Z");
  EXPECT_EQ(metadata.control({{"show", true}}).at("announced").size(), 2u);
  metadata.control({{"withdraw", "f2"}});
  EXPECT_EQ(time_of("10.0.1.11").body, "2026-01-05T18:02:00Z");
}

TEST_F(MetadataTest, ATokenIsCheckedWhenItIsGivenAndEnds) {
  const Reaction made = metadata.handle({"PUT",
                                         "/latest/api/token",
                                         {{"x-aliyun-ecs-metadata-token-ttl-seconds", "60"}},
                                         "",
                                         "10.0.1.11"});
  EXPECT_EQ(made.body, "secret");
  EXPECT_EQ(time_of("10.0.1.11", {{"x-aliyun-ecs-metadata-token", "secret"}}).status, 404);
  EXPECT_EQ(time_of("10.0.1.11", {{"x-aliyun-ecs-metadata-token", "guess"}}).status, 401);
  hands.now += 60s;
  EXPECT_EQ(time_of("10.0.1.11", {{"x-aliyun-ecs-metadata-token", "secret"}}).status, 401);
  for (const auto* ttl : {"", "0", "21601", "1h"}) {
    EXPECT_EQ(metadata
                  .handle({"PUT",
                           "/latest/api/token",
                           {{"x-aliyun-ecs-metadata-token-ttl-seconds", ttl}},
                           "",
                           ""})
                  .status,
              400)
        << ttl;
  }
}

TEST_F(MetadataTest, AnInstanceThatNobodyKnowsCannotBeAnnounced) {
  EXPECT_THROW(metadata.control({{"announce", "f1"}, {"instance", "x"}, {"at", "now"}}), Failure);
  EXPECT_THROW(metadata.control({{"announce", "f1"}, {"instance", "a-spot"}}), Failure);
  EXPECT_THROW(metadata.control(Json::object()), Failure);
}

TEST(ParseInstances, SaysWhatItExpected) {
  EXPECT_EQ(parse_instances("a-spot=10.0.1.11,b-spot=10.0.2.11")->at("10.0.2.11"), "b-spot");
  for (const auto* wrong : {"", "a-spot", "=10.0.1.11", "a-spot=here", "a-spot=10.0.1.11,"}) {
    EXPECT_FALSE(parse_instances(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace faultline::services
