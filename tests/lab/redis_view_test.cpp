#include "targets/lab/supervisor_redis.hpp"

#include <gtest/gtest.h>

namespace faultline::lab {
namespace {

constexpr auto a_address = "10.0.1.20";
constexpr auto b_address = "10.0.2.20";

DataNode primary_node(std::string name, std::string address, int good) {
  return {std::move(name),
          std::move(address),
          true,
          {{"role", "master"},
           {"connected_slaves", std::to_string(good)},
           {"min_slaves_good_slaves", std::to_string(good)}}};
}

DataNode replica_node(std::string name, std::string address, std::string of, bool up = true) {
  return {std::move(name),
          std::move(address),
          true,
          {{"role", "slave"},
           {"master_host", std::move(of)},
           {"master_link_status", up ? "up" : "down"},
           {"master_sync_in_progress", "0"}}};
}

TEST(RedisReplies, AreReadWhenWholeAndNotBefore) {
  const std::string text = "+PONG\r\n*2\r\n$9\r\n10.0.1.20\r\n$4\r\n6379\r\n-NOQUORUM 1 usable\r\n";
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(parse_replies(text.substr(0, size), 3)) << size;
  }
  const auto replies = parse_replies(text, 3);
  ASSERT_TRUE(replies);
  EXPECT_EQ((*replies)[0].text(), "PONG");
  EXPECT_EQ((*replies)[1].items, (std::vector<std::string>{"10.0.1.20", "6379"}));
  EXPECT_TRUE((*replies)[2].error);
}

TEST(APrimary, IsUpForASentinelOnlyWhenNothingElseIsFlagged) {
  const auto seen = [](const char* flags) {
    return parse_primary({false, {"name", "sessions", "ip", a_address, "flags", flags}});
  };
  EXPECT_EQ(seen("master").address, a_address);
  EXPECT_TRUE(seen("master").up);
  EXPECT_FALSE(seen("s_down,master,disconnected").up);
  EXPECT_FALSE(seen("master,failover_in_progress").up);
  EXPECT_FALSE(parse_primary({true, {"ERR No such master with that name"}}).up);
}

TEST(RedisReplies, GarbageIsNoReply) {
  EXPECT_FALSE(parse_replies("*999999999\r\n", 1));
  EXPECT_FALSE(parse_replies("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", 1));
  EXPECT_FALSE(parse_replies("\r\n", 1));
  EXPECT_TRUE(parse_replies("$-1\r\n", 1)) << "null is a reply";
}

TEST(RedisInfo, IsReadLineByLine) {
  const auto info = parse_info("# Replication\r\nrole:master\r\nslave0:ip=10.0.2.20,port=1\r\n");
  EXPECT_EQ(info.at("role"), "master");
  EXPECT_EQ(info.at("slave0"), "ip=10.0.2.20,port=1");
  EXPECT_EQ(info.size(), 2u);
}

/// As a node answers, with a probe of its own writes where there have been any.
std::map<std::string, std::string> counters(int connections, int rejected,
                                            const std::string& setex = "") {
  return {{"total_connections_received", std::to_string(connections)},
          {"rejected_connections", std::to_string(rejected)},
          {"cmdstat_set", "calls=900,usec=1800"},
          {"cmdstat_setex", setex}};
}

TEST(RedisArrivals, AreConnectionsButThoseOfTheQuestionsAndTheWritesOfProbes) {
  RedisArrivals arrivals;
  auto counts = arrivals.seen("a-redis", counters(11, 0));
  EXPECT_EQ(counts.at("connections"), 10u);
  EXPECT_EQ(counts.at("writes"), 0u) << "they count, though none has come";
  counts = arrivals.seen("a-redis", counters(32, 5, "calls=47,usec=90,usec_per_call=1.91"));
  EXPECT_EQ(counts.at("connections"), 35u) << "one that was turned away had reached it too";
  EXPECT_EQ(counts.at("writes"), 47u) << "and not what services write";
  EXPECT_EQ(arrivals.seen("b-redis", counters(4, 0)).at("connections"), 3u);
}

TEST(RedisArrivals, BeginAnewWithTheNode) {
  RedisArrivals arrivals;
  arrivals.seen("a-redis", counters(100, 0));
  arrivals.seen("a-redis", counters(101, 0));
  EXPECT_EQ(arrivals.seen("a-redis", counters(3, 0)).at("connections"), 2u);
}

TEST(CacheView, AHealthyCacheHasOnePrimaryWithItsReplicas) {
  const auto view =
      view_of({primary_node("a-redis", a_address, 2), replica_node("b-redis", b_address, a_address),
               replica_node("c-redis", "10.0.3.20", a_address)},
              a_address, 1);
  EXPECT_EQ(view.primary, "a-redis");
  EXPECT_EQ(view.in_words(), "one writable primary, 2 replicas in sync");
  EXPECT_EQ(view.nodes.at("a-redis").role, "primary");
  EXPECT_TRUE(view.nodes.at("c-redis").healthy);
}

TEST(CacheView, APrimaryWithoutEnoughReplicasIsNotWritable) {
  const auto view = view_of({primary_node("a-redis", a_address, 0)}, a_address, 1);
  EXPECT_EQ(view.primary, "");
  EXPECT_FALSE(view.nodes.at("a-redis").healthy);
  EXPECT_EQ(view.in_words(), "no writable primary, 0 replicas in sync");
}

TEST(CacheView, WithoutTheRequirementItStaysWritable) {
  const auto view = view_of({primary_node("a-redis", a_address, 0)}, a_address, 0);
  EXPECT_EQ(view.primary, "a-redis");
}

TEST(CacheView, WhereTwoSayPrimaryTheOneNotNamedIsAFormerOne) {
  const auto view = view_of(
      {primary_node("a-redis", a_address, 0), primary_node("b-redis", b_address, 1)}, b_address, 0);
  EXPECT_EQ(view.primary, "b-redis");
  EXPECT_EQ(view.nodes.at("a-redis").role, "former primary");
  EXPECT_FALSE(view.nodes.at("a-redis").healthy);
  EXPECT_EQ(view.in_words(), "2 writable primaries, 0 replicas in sync");
}

TEST(CacheView, AReplicaOfAnotherPrimaryIsNotInSync) {
  const auto view = view_of(
      {primary_node("b-redis", b_address, 1), replica_node("c-redis", "10.0.3.20", a_address),
       replica_node("a-redis", a_address, b_address, false)},
      b_address, 1);
  EXPECT_EQ(view.replicas_in_sync, 0);
  EXPECT_EQ(view.nodes.at("a-redis").words, "replica of 10.0.2.20, link down");
}

TEST(CacheView, ANodeThatDoesNotAnswerHasNoRole) {
  const auto view = view_of({{"a-redis", a_address, false, {}}}, a_address, 0);
  EXPECT_EQ(view.nodes.at("a-redis").role, "");
  EXPECT_FALSE(view.nodes.at("a-redis").healthy);
}

std::vector<SeenReplica> replicas_seen(const std::string& a_role, const std::string& a_priority) {
  return parse_replicas(
      {false,
       {"name", "x", "ip", a_address, "role-reported", a_role, "slave-priority", a_priority,  //
        "name", "y", "ip", b_address, "role-reported", "slave", "slave-priority", "100"}});
}

TEST(SeenReplicas, TheOnlyLowestPriorityNumberIsPreferred) {
  EXPECT_TRUE(prefers(replicas_seen("slave", "10"), a_address));
  EXPECT_FALSE(prefers(replicas_seen("slave", "10"), b_address));
  EXPECT_FALSE(prefers(replicas_seen("slave", "10"), "10.0.3.20"));
  EXPECT_FALSE(prefers(replicas_seen("slave", "100"), a_address)) << "priority not learnt yet";
}

TEST(SeenReplicas, ASentinelThatLastSawAPrimaryHasNotCaughtUp) {
  EXPECT_TRUE(caught_up(replicas_seen("slave", "10")));
  EXPECT_FALSE(caught_up(replicas_seen("master", "10")));
}

TEST(Majority, IsWhatMostSentinelsSay) {
  EXPECT_EQ(majority({a_address, b_address, b_address}), b_address);
  EXPECT_EQ(majority({}), "");
}

}  // namespace
}  // namespace faultline::lab
