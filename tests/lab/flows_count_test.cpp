#include "targets/lab/supervisor_flows.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

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

struct FlowCountsTest : testing::Test {
  boost::asio::io_context io;
  // A count that is under way is no work of the loop's.
  const boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
      io.get_executor()};
  const Instant t0{100s};

  /// Asks, and runs the loop until the answer is there.
  int count(FlowCounts& counts, const FlowsOf& wanted, Instant now) {
    std::optional<int> answer;
    counts.count(wanted, now, [&](const Result<int>& flows) { answer = flows.value(); });
    while (!answer && io.run_one_for(limit) > 0) {
    }
    return answer.value_or(-1);
  }

  static constexpr auto limit = 10s;  // for a thread on a busy machine
};

TEST_F(FlowCountsTest, AreLookedAtFourTimesASecondForEachQuestion) {
  int looks = 0;
  FlowCounts counts(io, [&](const FlowsOf&) { return Result<int>(++looks); });
  EXPECT_EQ(count(counts, to_pay, t0), 1);
  EXPECT_EQ(count(counts, to_pay, t0 + 249ms), 1);
  EXPECT_EQ(count(counts, neighbours, t0 + 249ms), 2) << "another question";
  EXPECT_EQ(count(counts, to_pay, t0 + 250ms), 3);
}

TEST_F(FlowCountsTest, TheLoopGoesOnWhileTheyAreMade) {
  std::promise<void> enough;
  FlowCounts counts(io, [&](const FlowsOf&) {
    return Result<int>(enough.get_future().wait_for(limit) == std::future_status::ready ? 7 : -1);
  });
  boost::asio::post(io, [&] { enough.set_value(); });
  EXPECT_EQ(count(counts, to_pay, t0), 7) << "whatever else the loop has to do ends the count";
}

TEST_F(FlowCountsTest, WhoAsksWhileOneIsMadeGetsThatOne) {
  int looks = 0;
  FlowCounts counts(io, [&](const FlowsOf&) { return Result<int>(++looks); });
  int earlier = 0;
  counts.count(to_pay, t0, [&](const Result<int>& flows) { earlier = flows.value(); });
  EXPECT_EQ(count(counts, to_pay, t0 + 100ms), 1);
  EXPECT_EQ(earlier, 1);
}

}  // namespace
}  // namespace faultline::lab
