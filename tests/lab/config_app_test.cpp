#include "targets/lab/config.hpp"

#include <gtest/gtest.h>

#include <algorithm>

/// What a node is told: by profile, and by where it stands.
namespace faultline::lab {
namespace {

std::string flag(std::string_view profile_name, std::string_view node, std::string_view name) {
  const Topology topology = make_topology(*profile(profile_name));
  const Start start =
      start_of(topology, *topology.process(node), {"/run/faultline", "/opt/faultline"});
  const auto found = std::ranges::find(start.argv, name);
  return found == start.argv.end() ? "" : *std::next(found);
}

TEST(AppStart, AHardenedNodeAsksItsOwnZoneForPricesANaiveOneAllZones) {
  EXPECT_EQ(flag("hardened", "b-spot", "--peers"), "10.0.2.10:8080,10.0.2.11:8080");
  const std::string all = flag("naive", "b-spot", "--peers");
  EXPECT_EQ(std::ranges::count(all, ','), 5);
}

TEST(AppStart, DatabasesAreReachedThroughTheEndpointsOnly) {
  for (const auto* name : {"hardened", "naive"}) {
    EXPECT_EQ(flag(name, "a-reserved", "--orders"), "10.0.0.30:3306");
    EXPECT_EQ(flag(name, "a-reserved", "--reads"), "10.0.0.30:3307");
    EXPECT_EQ(flag(name, "a-reserved", "--pay"), "198.51.100.10:8080");
  }
}

TEST(AppStart, OnlyHardenedSpotNodesWatchForTheirEnd) {
  EXPECT_EQ(flag("hardened", "a-spot", "--metadata-poll-ms"), "500");
  EXPECT_EQ(flag("hardened", "a-reserved", "--metadata-poll-ms"), "0");
  EXPECT_EQ(flag("naive", "a-spot", "--metadata-poll-ms"), "0");
  EXPECT_EQ(flag("hardened", "a-reserved", "--drain"), "1");
  EXPECT_EQ(flag("naive", "a-spot", "--drain"), "0");
}

TEST(AppStart, OnlyHardenedNodesGuardTheirCalls) {
  EXPECT_EQ(flag("hardened", "a-spot", "--guard-payments"), "1");
  EXPECT_EQ(flag("hardened", "a-spot", "--payment-bulkhead"), "24");
  EXPECT_EQ(flag("hardened", "a-spot", "--retry-budget"), "10");
  EXPECT_EQ(flag("naive", "a-spot", "--guard-payments"), "0");
  EXPECT_EQ(flag("naive", "a-spot", "--retry-budget"), "0");
}

}  // namespace
}  // namespace faultline::lab
