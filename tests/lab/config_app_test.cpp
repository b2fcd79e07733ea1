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

TEST(AppStart, OnlyHardenedNodesGuardTheirCallsAndOnlyTheirSpotNodesWatchForTheirEnd) {
  struct Told {
    const char* profile;
    const char* node;
    const char* flag;
    const char* value;
  };
  for (const auto& told : std::vector<Told>{{"hardened", "a-spot", "--metadata-poll-ms", "500"},
                                            {"hardened", "a-reserved", "--metadata-poll-ms", "0"},
                                            {"naive", "a-spot", "--metadata-poll-ms", "0"},
                                            {"hardened", "a-reserved", "--drain", "1"},
                                            {"naive", "a-spot", "--drain", "0"},
                                            {"hardened", "a-spot", "--guard-payments", "1"},
                                            {"hardened", "a-spot", "--payment-bulkhead", "24"},
                                            {"hardened", "a-spot", "--retry-budget", "10"},
                                            {"naive", "a-spot", "--guard-payments", "0"},
                                            {"naive", "a-spot", "--retry-budget", "0"}}) {
    EXPECT_EQ(flag(told.profile, told.node, told.flag), told.value)
        << told.profile << " " << told.node << " " << told.flag;
  }
}

}  // namespace
}  // namespace faultline::lab
