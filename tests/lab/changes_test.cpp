#include "targets/lab/supervisor_checks.hpp"
#include "targets/lab/supervisor_listener.hpp"
#include "targets/lab/supervisor_side_doors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

/// How a change by somebody else is recognised, and put into words.
namespace faultline::lab {
namespace {

using targets::Json;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Difference, OfRulesNamesTheTables) {
  const RuleTables built{{"ip faultline", {1, 1, 0xab}}};
  EXPECT_EQ(difference(built, built), "as built");
  EXPECT_EQ(difference(built, {{"ip faultline", {1, 2, 0xcd}}, {"inet mine", {0, 0, 1}}}),
            "changed ip faultline: 1 chain, 2 rules, digest 000000cd, was 1 chain, 1 rule, digest "
            "000000ab; added inet mine: 0 chains, 0 rules, digest 00000001");
  EXPECT_EQ(difference(built, {}), "missing ip faultline: 1 chain, 1 rule, digest 000000ab");
}

TEST(Difference, OfRoutesSaysWhereTheyLed) {
  const Routes built{{"default", "via 10.0.1.1 dev eth0"}, {"10.0.1.0/24", "dev eth0"}};
  EXPECT_EQ(difference(built, {{"10.0.1.0/24", "dev eth0"}}),
            "missing default: via 10.0.1.1 dev eth0");
}

TEST(Listener, IsFoundInTheKernelsTable) {
  const auto* table =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
      "inode\n"
      "   0: 1401000A:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "7001 1 0 100 0 0 10 0\n"
      "   1: 00000000:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "7002 1 0 100 0 0 10 0\n"
      "   2: 1401000A:18EB 0A00000A:9C40 01 00000000:00000000 00:00000000 00000000     0        0 "
      "7003 1 0 100 0 0 10 0\n"
      "   3: 0100007F:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "7004 1 0 100 0 0 10 0\n";
  EXPECT_THAT(listening_inodes(table, "10.0.1.20", 6379), ElementsAre("7001", "7002"));
  EXPECT_THAT(listening_inodes(table, "10.0.1.20", 6380), IsEmpty());
}

TEST(SideDoors, FindWhatAnActionAddedAmongWhatIsShown) {
  const Json wire{{"layers", {{{"id", "r.f.0"}, {"link", "zone-a"}, {"delay_us", 20000}}}},
                  {"frames", 12}};
  EXPECT_EQ(shown_under(wire, "r.f.0"), Json({{"link", "zone-a"}, {"delay_us", 20000}}));
  EXPECT_TRUE(shown_under(wire, "r.f.1").is_null());
  const Json metadata{{"announced", {{"r.f.0", {{"instance", "a-spot"}, {"at", "now"}}}}}};
  EXPECT_EQ(shown_under(metadata, "r.f.0"), Json({{"instance", "a-spot"}, {"at", "now"}}));
  EXPECT_TRUE(shown_under(metadata, "r.f.1").is_null());
  EXPECT_TRUE(shown_under(Json::object(), "r.f.0").is_null());
}

}  // namespace
}  // namespace faultline::lab
