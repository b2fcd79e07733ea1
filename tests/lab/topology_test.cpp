#include "targets/lab/topology.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace faultline::lab {
namespace {

using testing::HasSubstr;

TEST(Topology, HardenedHasADataNodeInEveryZone) {
  const auto t = make_topology(profile("hardened").value());
  EXPECT_EQ(t.of_kind("redis").size(), 3u);
  EXPECT_EQ(t.of_kind("sentinel").size(), 3u);
  EXPECT_EQ(t.of_kind("app").size(), 6u);
  EXPECT_EQ(t.process("c-redis")->address, "10.0.3.20");
}

TEST(Topology, NaiveHasTwoDataNodesButASentinelInEveryZone) {
  const auto t = make_topology(profile("naive").value());
  EXPECT_EQ(t.of_kind("redis").size(), 2u);
  EXPECT_EQ(t.of_kind("sentinel").size(), 3u);
  EXPECT_NE(t.host("c-redis"), nullptr);
  EXPECT_EQ(t.process("c-redis"), nullptr);
}

TEST(Topology, NamesAndAddressesAreUnique) {
  const auto t = make_topology(profile("hardened").value());
  std::set<std::string> names;
  std::set<std::string> addresses;
  for (const auto& host : t.hosts) {
    EXPECT_TRUE(names.insert(host.name).second) << host.name;
    EXPECT_TRUE(addresses.insert(host.address).second) << host.address;
    EXPECT_LE(host.name.size(), 15u) << "also an interface's name";
  }
}

TEST(Topology, EveryProcessLivesAtItsHostsAddress) {
  const auto t = make_topology(profile("naive").value());
  for (const auto& p : t.processes) {
    ASSERT_NE(t.host(p.host), nullptr) << p.name;
    if (p.kind != "metadata") {  // it has the cloud's own address
      EXPECT_EQ(t.host(p.host)->address, p.address) << p.name;
    }
    EXPECT_EQ(t.host(p.host)->zone, p.zone) << p.name;
  }
}

TEST(Topology, AMisspeltProfileIsAnErrorThatNamesTheNearest) {
  const auto wrong = profile("hardend");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().kind, ErrorKind::usage);
  EXPECT_THAT(wrong.error().message, HasSubstr("did you mean 'hardened'"));
}

TEST(Topology, PortsPerEipAreAsAskedWithinTheirLimits) {
  EXPECT_EQ(profile("naive", 0)->ports_per_eip, 2048);
  EXPECT_EQ(profile("naive", 64'512)->ports_per_eip, 64'512);
  EXPECT_THAT(profile("naive", 64'513).error().message, HasSubstr("64 to 64512"));
}

TEST(Topology, TheBlueprintIsTheHealthyWorldWithTheCacheAtHome) {
  const auto world = blueprint(make_topology(profile("hardened").value()));
  EXPECT_EQ(world.homes.at("sessions"), "a-redis");
  ASSERT_NE(world.primary("sessions"), nullptr);
  EXPECT_EQ(world.primary("sessions")->name, "a-redis");
  EXPECT_EQ(world.with_label("role", "replica").size(), 2u);
  EXPECT_EQ(world.homes.at("orders"), "a-db");
  EXPECT_EQ(world.primary("orders")->name, "a-db");
  EXPECT_EQ(world.with_label("role", "ro").size(), 2u);
  EXPECT_EQ(world.with_label("dependency", "pay").size(), 1u);
  EXPECT_EQ(world.nat.host, "nat");
  EXPECT_EQ(world.nat.ports(), 2 * 2048);
  EXPECT_EQ(world.with_label("spot", "true").size(), 3u);
  for (const auto& c : world.components) {
    EXPECT_TRUE(c.healthy) << c.name;
  }
}

}  // namespace
}  // namespace faultline::lab
