#include "targets/lab/services/log.hpp"
#include "targets/lab/services/node.hpp"
#include "targets/lab/services/primary.hpp"
#include "targets/lab/services/redis_node.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::services {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

const Endpoint home{"10.0.1.20", 6379};
const Endpoint other{"10.0.2.20", 6379};

TEST(PrimaryTracker, FollowsTheSentinelWithTheHighestEpoch) {
  PrimaryTracker tracker;
  EXPECT_EQ(tracker.current(), std::nullopt);
  EXPECT_TRUE(tracker.report({home, 0}));
  EXPECT_TRUE(tracker.report({other, 1}));
  EXPECT_FALSE(tracker.report({home, 0})) << "a Sentinel that is cut off was believed";
  EXPECT_EQ(tracker.current(), other);
  EXPECT_EQ(tracker.switches(), 1u);
}

TEST(PrimaryTracker, ANewEpochWithTheSamePrimaryIsNoSwitch) {
  PrimaryTracker tracker;
  tracker.report({home, 0});
  EXPECT_FALSE(tracker.report({home, 2}));
  EXPECT_FALSE(tracker.report({other, 1}));
  EXPECT_EQ(tracker.switches(), 0u);
}

/// A node that starts again, told these things by the Sentinels one after the other.
Endpoint restarted(std::vector<std::optional<Sighting>> said) {
  std::size_t next = 0;
  return role_of_restarted(
      home, home, [&] { return said[next]; }, [&] { return ++next < said.size(); });
}

TEST(RestartedNode, FollowsThePrimaryThatTheSentinelsName) {
  EXPECT_EQ(restarted({Sighting{other, 1}}), other);
}

TEST(RestartedNode, WaitsForAnotherToBePromotedBecauseItsOwnMemoryIsGone) {
  EXPECT_EQ(restarted({Sighting{home, 0}, Sighting{home, 0}, Sighting{other, 1}}), other);
}

TEST(RestartedNode, IsWhatItWasWhenNobodyTakesOver) {
  EXPECT_EQ(restarted({Sighting{home, 3}, std::nullopt}), home);
  EXPECT_EQ(restarted({std::nullopt, std::nullopt}), home);
}

TEST(Deadline, ComesFromTheHeaderWhenItIsSensible) {
  const Instant arrival{1h};
  EXPECT_EQ(deadline_of("800", arrival, 5s), arrival + 800ms);
  for (const auto* nonsense : {"", "0", "-5", "5s", "60001", "99999999999999999999"}) {
    EXPECT_EQ(deadline_of(nonsense, arrival, 5s), arrival + 5s) << nonsense;
  }
}

TEST(Log, SaysOnceASecondOfEachKindAndCountsTheRest) {
  Instant now{1h};
  std::vector<std::string> lines;
  Log log([&] { return now; }, [&](const std::string& line) { lines.push_back(line); });
  log.say("auth", "refused");
  log.say("auth", "refused");
  log.say("primary", "10.0.2.20:6379");
  now += 1s;
  log.say("auth", "timeout");
  EXPECT_THAT(
      lines, ElementsAre("auth: refused", "primary: 10.0.2.20:6379", "auth: timeout (and 1 more)"));
}

std::vector<std::string> args(std::map<std::string, std::string> changed = {}) {
  std::map<std::string, std::string> all{{"--node", "a-spot"},
                                         {"--zone", "a"},
                                         {"--listen", "10.0.1.11:8080"},
                                         {"--sentinels", "10.0.1.20:26379,10.0.2.20:26379"},
                                         {"--cache", "sessions"},
                                         {"--hold-writes", "64"},
                                         {"--client-deadline-ms", "5000"},
                                         {"--peers", "10.0.1.10:8080,10.0.1.11:8080"},
                                         {"--orders", "10.0.0.30:3306"},
                                         {"--reads", "10.0.0.30:3307"},
                                         {"--retry-budget", "10"},
                                         {"--pay", "198.51.100.10:8080"},
                                         {"--guard-payments", "1"},
                                         {"--payment-timeout-ms", "1000"},
                                         {"--payment-bulkhead", "24"},
                                         {"--metadata", "100.100.100.200:80"},
                                         {"--metadata-poll-ms", "500"},
                                         {"--drain", "1"}};
  changed.merge(all);
  std::vector<std::string> list;
  for (const auto& [flag, value] : changed) {
    list.insert(list.end(), {flag, value});
  }
  return list;
}

TEST(Flags, AreReadInAnyOrder) {
  const auto flags = parse_flags(args());
  ASSERT_TRUE(flags);
  EXPECT_EQ(flags->node, "a-spot");
  EXPECT_EQ(flags->listen, (Endpoint{"10.0.1.11", 8080}));
  EXPECT_THAT(flags->sentinels,
              ElementsAre(Endpoint{"10.0.1.20", 26379}, Endpoint{"10.0.2.20", 26379}));
  EXPECT_EQ(flags->hold_writes, 64);
  EXPECT_EQ(flags->client_deadline, 5s);
  EXPECT_THAT(flags->peers, ElementsAre(Endpoint{"10.0.1.10", 8080}, Endpoint{"10.0.1.11", 8080}));
  EXPECT_TRUE(flags->guard_payments);
  EXPECT_EQ(flags->metadata_poll, 500ms);
  EXPECT_TRUE(flags->drain);
}

TEST(Flags, ThatAreWrongAreNamedWithWhatWasExpected) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {args({{"--hold-writes", "97"}}), "--hold-writes expects a number from 0 to 96"},
      {args({{"--client-deadline-ms", "5s"}}), "--client-deadline-ms expects a number"},
      {args({{"--listen", "localhost:8080"}}), "expected IPV4:PORT"},
      {args({{"--sentinels", "10.0.1.20:26379,"}}), "expected IPV4:PORT"},
      {args({{"--listen", "10.0.1.11:0"}}), "expected IPV4:PORT"},
      {args({{"--drain", "yes"}}), "--drain expects a number from 0 to 1"},
      {args({{"--nod", "x"}}), "did you mean '--node'"},
      {{"--node"}, "--node needs a value"},
      {{"--node", "a"}, "is missing"}};
  for (const auto& [wrong, message] : cases) {
    const auto flags = parse_flags(wrong);
    ASSERT_FALSE(flags) << message;
    EXPECT_EQ(flags.error().kind, ErrorKind::usage);
    EXPECT_THAT(flags.error().message, HasSubstr(message));
  }
}

}  // namespace
}  // namespace faultline::services
