#include "targets/lab/supervisor_actions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::lab {
namespace {

using targets::Json;
using testing::HasSubstr;

Result<> validate(const std::string& kind, const Json& args) {
  targets::Action action;
  action.kind = kind;
  action.args = args;
  return validate_action(action, make_topology(profile("hardened").value()));
}

TEST(Actions, EveryKindOfTheTableCanBeDone) {
  const std::vector<std::pair<std::string, Json>> table{
      {"network.cut", {{"zone", "a"}, {"direction", "full"}}},
      {"network.loss", {{"zone", "a"}, {"percent", 5.0}}},
      {"network.isolate", {{"host", "a-redis"}}},
      {"wire.shape", {{"zone", "a"}, {"delay_ms", 20}, {"jitter_ms", 0}, {"rate_mbit", 0}}},
      {"process.kill", {{"component", "a-redis"}}},
      {"process.stop", {{"component", "a-redis"}}},
      {"cache.switchover", {{"cache", "sessions"}}},
      {"database.switchover", {{"database", "orders"}}},
      {"spot.reclaim",
       {{"component", "a-spot"},
        {"notice_ms", 5000},
        {"grace_ms", 1000},
        {"replace_after_ms", nullptr}}},
      {"nat.shrink", {{"eips", 1}, {"ports_per_eip", 64}}},
      {"flows.hold", {{"host", "neighbour"}, {"to", "pay"}, {"flows", 2048}}},
      {"dependency.degrade",
       {{"dependency", "pay"},
        {"mode", "latency"},
        {"delay_ms", 30000},
        {"status", 503},
        {"share_percent", 100}}}};
  EXPECT_EQ(action_kinds().size(), table.size());
  for (const auto& [kind, args] : table) {
    EXPECT_TRUE(validate(kind, args)) << kind;
  }
}

TEST(Actions, OnlySpotNodesAreReclaimed) {
  const auto wrong = validate("spot.reclaim", {{"component", "a-reserved"},
                                               {"notice_ms", 0},
                                               {"grace_ms", 0},
                                               {"replace_after_ms", nullptr}});
  EXPECT_EQ(wrong.error().kind, ErrorKind::not_found);
  EXPECT_THAT(wrong.error().message, HasSubstr("spot node 'a-reserved'"));
}

TEST(Actions, APoolShrinksButDoesNotGrow) {
  const auto wrong = validate("nat.shrink", {{"eips", 3}, {"ports_per_eip", 64}});
  EXPECT_EQ(wrong.error().kind, ErrorKind::usage);
  EXPECT_THAT(wrong.error().message, HasSubstr("eips is 1 to 2, found 3"));
}

TEST(Actions, AMisspeltModeIsAnErrorThatNamesTheNearest) {
  const auto wrong = validate("dependency.degrade", {{"dependency", "pay"}, {"mode", "latancy"}});
  EXPECT_THAT(wrong.error().message, HasSubstr("did you mean 'latency'"));
}

TEST(Actions, AnUnknownKindIsToldWhatCanBeDone) {
  const auto wrong = validate("disk.fill", Json::object());
  EXPECT_EQ(wrong.error().kind, ErrorKind::unsupported);
  EXPECT_THAT(wrong.error().message, HasSubstr("flows.hold"));
}

}  // namespace
}  // namespace faultline::lab
