#include "targets/lab/supervisor_flows.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::lab {
namespace {

using namespace std::chrono_literals;

const FlowsOf to_pay{"nat", "198.51.100.10", 8080, ""};
const FlowsOf neighbours{"nat", "198.51.100.10", 8080, "10.0.0.50"};

TEST(HeldFlows, AreSaidOnAWholeLine) {
  EXPECT_EQ(held_flows("{\"held\": 12, \"failed\": 3}\n"), 12);
  EXPECT_EQ(held_flows("{\"held\":0,\"failed\":5,\"why\":{\"no answer\":5}}\n"), 0);
  EXPECT_EQ(held_flows("a warning\n{\"held\": 7, \"failed\": 0}\n"), 7);
  EXPECT_FALSE(held_flows("{\"held\": 1")) << "half a figure is none";
  EXPECT_FALSE(held_flows("cannot reach 198.51.100.10\n"));
}

TEST(FlowCounts, AreLookedAtFourTimesASecondForEachQuestion) {
  int looks = 0;
  FlowCounts counts([&](const FlowsOf&) { return Result<int>(++looks); });
  const Instant t0{100s};
  EXPECT_EQ(counts.count(to_pay, t0).value(), 1);
  EXPECT_EQ(counts.count(to_pay, t0 + 249ms).value(), 1);
  EXPECT_EQ(counts.count(neighbours, t0 + 249ms).value(), 2) << "another question";
  EXPECT_EQ(counts.count(to_pay, t0 + 250ms).value(), 3);
}

}  // namespace
}  // namespace faultline::lab
