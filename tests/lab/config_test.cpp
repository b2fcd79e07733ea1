#include "targets/lab/config.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <set>

namespace faultline::lab {
namespace {

using testing::HasSubstr;
using testing::Not;

const Places places{"/run/faultline", "/opt/faultline"};

Start start(std::string_view profile_name, std::string_view process) {
  const Topology topology = make_topology(*profile(profile_name));
  return start_of(topology, *topology.process(process), places);
}

std::string file(const Start& start) {
  return start.files.at(0).text;
}

std::string value_of(const Start& start, const std::string& flag) {
  const auto found = std::ranges::find(start.argv, flag);
  return found == start.argv.end() ? "" : *std::next(found);
}

TEST(StartOf, EveryProcessHasItsOwnFolderAndAnAbsoluteProgram) {
  for (const auto* name : {"hardened", "naive"}) {
    const Topology topology = make_topology(*profile(name));
    std::set<std::filesystem::path> folders;
    for (const auto& process : topology.processes) {
      const Start s = start_of(topology, process, places);
      EXPECT_TRUE(std::filesystem::path(s.argv.at(0)).is_absolute()) << process.name;
      EXPECT_TRUE(folders.insert(s.folders.at(0)).second) << process.name;
      for (const auto& f : s.files) {
        EXPECT_EQ(f.path.parent_path(), s.folders.at(0)) << process.name;
      }
    }
  }
}

TEST(StartOf, RedisWritesOnlyWithReplicasWhenHardened) {
  EXPECT_THAT(file(start("hardened", "a-redis")), HasSubstr("min-replicas-to-write 1\n"));
  EXPECT_THAT(file(start("naive", "a-redis")), HasSubstr("min-replicas-to-write 0\n"));
}

TEST(StartOf, TheFrontendsThatCountListenWhereTheTopologyHasThem) {
  EXPECT_THAT(file(start("hardened", "alb")),
              HasSubstr(fmt::format("frontend {}\n  bind 10.0.0.10:80\n", balancer_frontend)));
  EXPECT_THAT(file(start("hardened", "db-endpoint")),
              HasSubstr(fmt::format("frontend {}\n  bind 10.0.0.30:3306\n", endpoint_frontend)));
}

TEST(StartOf, RedisPrefersItsHomeAndAsksTheSentinelsForItsRole) {
  const Start home = start("hardened", "a-redis");
  const Start away = start("hardened", "b-redis");
  EXPECT_THAT(file(home), HasSubstr("replica-priority 10\n"));
  EXPECT_THAT(file(away), HasSubstr("replica-priority 100\n"));
  EXPECT_EQ(value_of(home, "--home"), "10.0.1.20:6379");
  EXPECT_EQ(value_of(away, "--home"), "10.0.1.20:6379");
  EXPECT_EQ(value_of(away, "--listen"), "10.0.2.20:6379");
  EXPECT_EQ(value_of(away, "--sentinels"), "10.0.1.20:26379,10.0.2.20:26379,10.0.3.20:26379");
}

TEST(StartOf, SentinelsKnowEachOtherBeforeTheyStart) {
  const std::string a = file(start("hardened", "a-sentinel"));
  const std::string b = file(start("hardened", "b-sentinel"));
  const auto at = b.find("sentinel myid ") + 14;
  const std::string id_of_b = b.substr(at, b.find('\n', at) - at);
  EXPECT_EQ(id_of_b.size(), 40u);
  EXPECT_THAT(a, HasSubstr("sentinel known-sentinel sessions 10.0.2.20 26379 " + id_of_b + "\n"));
  EXPECT_THAT(a, HasSubstr("sentinel known-replica sessions 10.0.3.20 6379\n"));
  EXPECT_THAT(a, HasSubstr("sentinel monitor sessions 10.0.1.20 6379 2\n"));
  EXPECT_THAT(a, HasSubstr("down-after-milliseconds sessions 1200\n"));
}

TEST(StartOf, NaiveSentinelsDetectLateAndKnowTwoDataNodes) {
  const std::string text = file(start("naive", "c-sentinel"));
  EXPECT_THAT(text, HasSubstr("down-after-milliseconds sessions 30000\n"));
  EXPECT_THAT(text, Not(HasSubstr("10.0.3.20 6379")));
}

TEST(StartOf, NodesHoldWritesOnlyWhenHardened) {
  EXPECT_EQ(value_of(start("hardened", "b-spot"), "--hold-writes"), "64");
  EXPECT_EQ(value_of(start("naive", "b-spot"), "--hold-writes"), "0");
}

TEST(StartOf, ADatabaseNodeCopiesTheTemplateAndAgreesWithItsManager) {
  Places with_template = places;
  with_template.database_template = "/cache/template";
  const Topology topology = make_topology(*profile("hardened"));
  const Start node = start_of(topology, *topology.process("b-db"), with_template);
  EXPECT_EQ(value_of(node, "--template"), "/cache/template");
  EXPECT_EQ(value_of(node, "--listen"), "10.0.2.30:3306");
  EXPECT_EQ(value_of(node, "--server-id"), "2");
  const Start manager = start("hardened", "db-manager");
  EXPECT_EQ(value_of(manager, "--nodes"),
            "a-db=10.0.1.30:3306:3307,b-db=10.0.2.30:3306:3307,c-db=10.0.3.30:3306:3307");
  EXPECT_EQ(value_of(manager, "--detection-ms"), "1000");
  EXPECT_EQ(value_of(manager, "--semi-sync"), "1");
  EXPECT_EQ(value_of(manager, "--endpoint"), endpoint_socket(places).string());
}

TEST(StartOf, NaiveDatabasesAreAsynchronousAndTheirManagerIsLate) {
  EXPECT_EQ(value_of(start("naive", "db-manager"), "--detection-ms"), "15000");
  EXPECT_EQ(value_of(start("naive", "a-db"), "--semi-sync"), "0");
}

TEST(StartOf, NothingServesAtTheEndpointBeforeTheManagerHasLooked) {
  const std::string text = file(start("hardened", "db-endpoint"));
  EXPECT_THAT(text, HasSubstr("bind 10.0.0.30:3306\n  default_backend rw\n"));
  EXPECT_THAT(text, HasSubstr("bind 10.0.0.30:3307\n  default_backend ro\n"));
  EXPECT_THAT(text, HasSubstr("server c-db 10.0.3.30:3306 disabled\n"));
  EXPECT_THAT(text, Not(HasSubstr(" check")));
}

TEST(StartOf, TheWireCarriesEveryZone) {
  EXPECT_EQ(value_of(start("naive", "wire"), "--links"),
            "zone-a=core-a,zone-b=core-b,zone-c=core-c");
}

TEST(StartOf, TheHardenedBalancerChecksAndRetriesOnlyReads) {
  const std::string text = file(start("hardened", "alb"));
  EXPECT_THAT(text, HasSubstr("option httpchk GET /health\n"));
  EXPECT_THAT(text, HasSubstr("option redispatch 1\n"));
  EXPECT_THAT(text, HasSubstr("http-request disable-l7-retry if !METH_GET\n"));
  EXPECT_THAT(text, HasSubstr("timeout connect 250ms\n"));
  EXPECT_THAT(text, HasSubstr("server c-spot 10.0.3.11:8080\n"));
  EXPECT_THAT(text, HasSubstr("stats socket " + balancer_socket(places).string()));
}

TEST(StartOf, TheNaiveBalancerDoesNeither) {
  const std::string text = file(start("naive", "alb"));
  EXPECT_THAT(text, Not(HasSubstr("check")));
  EXPECT_THAT(text, Not(HasSubstr("redispatch")));
  EXPECT_THAT(text, HasSubstr("retries 0\n"));
}

}  // namespace
}  // namespace faultline::lab
