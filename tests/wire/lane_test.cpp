#include "targets/lab/wire/lane.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::wire {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

const Instant start{1000s};

Packet packet_of(std::size_t bytes, int mark = 0) {
  return Packet(bytes, static_cast<std::byte>(mark));
}

/// A lane whose share of the jitter is what the test says.
class LaneTest : public testing::Test {
 protected:
  Lane lane(const Shape& shape) {
    return {shape, [this] { return share_; }};
  }
  /// The marks of the frames that leave until then, in their order.
  static std::vector<int> leaving(Lane& lane, Instant now) {
    std::vector<int> marks;
    const auto due = lane.due(now, 1'000'000);
    for (std::size_t i = 0; i < due; ++i) {
      marks.push_back(static_cast<int>(lane.packet(i).at(0)));
    }
    lane.pop(due);
    return marks;
  }
  double share_ = 0;
};

TEST_F(LaneTest, HoldsAFrameForTheDelayAndNotLess) {
  auto l = lane({.delay = 300us});
  EXPECT_FALSE(l.next());
  ASSERT_TRUE(l.push(start, packet_of(60, 1)));
  EXPECT_EQ(l.next(), start + 300us);
  EXPECT_THAT(leaving(l, start + 300us - 1ns), IsEmpty());
  EXPECT_THAT(leaving(l, start + 300us), ElementsAre(1));
  EXPECT_FALSE(l.next());
}

TEST_F(LaneTest, CountsTheDelayFromTheArrivalHoweverLateItIsRead) {
  auto l = lane({.delay = 300us});
  l.push(start, packet_of(60, 1));
  l.push(start - 250us, packet_of(60, 2));  // seen later, arrived earlier: still the second
  EXPECT_THAT(leaving(l, start + 299us), IsEmpty());
  EXPECT_THAT(leaving(l, start + 300us), ElementsAre(1, 2));
}

TEST_F(LaneTest, HandsOutNoMoreThanABatch) {
  auto l = lane({});
  for (int i = 0; i < 5; ++i) {
    l.push(start, packet_of(60, i));
  }
  EXPECT_EQ(l.due(start, 3), 3u);
  l.pop(3);
  EXPECT_THAT(leaving(l, start), ElementsAre(3, 4));
}

TEST_F(LaneTest, JitterDelaysButNeverReorders) {
  auto l = lane({.delay = 1ms, .jitter = 500us});
  share_ = 0.8;
  l.push(start, packet_of(60, 1));
  share_ = 0;
  l.push(start + 100us, packet_of(60, 2));  // its own time would be before the first one's
  EXPECT_THAT(leaving(l, start + 1399us), IsEmpty());
  EXPECT_THAT(leaving(l, start + 1400us), ElementsAre(1, 2));
}

TEST_F(LaneTest, ARateSendsOneFrameAfterTheOther) {
  auto l = lane({.delay = 1ms, .bits_per_second = 8'000'000});  // a byte per microsecond
  l.push(start, packet_of(1000, 1));
  l.push(start, packet_of(500, 2));
  EXPECT_THAT(leaving(l, start + 1999us), IsEmpty());
  EXPECT_THAT(leaving(l, start + 2000us), ElementsAre(1));
  EXPECT_THAT(leaving(l, start + 2499us), IsEmpty());
  EXPECT_THAT(leaving(l, start + 2500us), ElementsAre(2));

  l.push(start + 10ms, packet_of(1000, 3));  // an idle line saves nothing up
  EXPECT_EQ(l.next(), start + 12ms);
}

TEST_F(LaneTest, DropsAndCountsWhatWouldWaitTooLongForTheRate) {
  auto l = lane({.bits_per_second = 800'000});  // 1000 bytes take 10 ms, so 21 fit in 200 ms
  int taken = 0;
  for (int i = 0; i < 30; ++i) {
    taken += l.push(start, packet_of(1000)) ? 1 : 0;
  }
  EXPECT_EQ(taken, 21);
  EXPECT_EQ(l.dropped(), 9u);
  EXPECT_TRUE(l.push(start + 10ms, packet_of(1000))) << "one has left, there is room for one";
}

TEST_F(LaneTest, ALargeFrameOnASlowLineIsLateButNotLost) {
  auto l = lane({.bits_per_second = 1'000'000});
  EXPECT_TRUE(l.push(start, packet_of(65'000)));  // 520 ms
  EXPECT_FALSE(l.push(start, packet_of(60)));
  EXPECT_EQ(l.next(), start + 520ms);
}

TEST_F(LaneTest, MemoryIsBoundedForLargeAndForSmallFrames) {
  for (const std::size_t bytes : {65'000u, 60u}) {
    auto l = lane({.delay = 10s});
    const auto room = max_lane_bytes / (bytes + frame_overhead_bytes);
    const auto frame = packet_of(bytes);
    for (std::size_t i = 0; i < room; ++i) {
      ASSERT_TRUE(l.push(start, frame));
    }
    EXPECT_FALSE(l.push(start, frame));
    EXPECT_EQ(l.dropped(), 1u);
    l.pop(1);
    EXPECT_TRUE(l.push(start, frame)) << "what has left makes room";
  }
}

TEST_F(LaneTest, AnAddedDelayHoldsWhatComesAfterIt) {
  auto l = lane({.delay = 300us});
  l.push(start, packet_of(60, 1));
  l.reshape({.delay = 20ms}, start + 100us);
  l.push(start + 200us, packet_of(60, 2));
  EXPECT_THAT(leaving(l, start + 300us), ElementsAre(1));
  EXPECT_THAT(leaving(l, start + 20'199us), IsEmpty());
  EXPECT_THAT(leaving(l, start + 20'200us), ElementsAre(2));
}

TEST_F(LaneTest, ARemovedDelayLetsGoOfWhatIsOnItsWay) {
  auto l = lane({.delay = 5s});
  l.push(start, packet_of(60, 1));
  l.push(start + 10ms, packet_of(60, 2));
  l.reshape({.delay = 300us}, start + 10ms);
  l.push(start + 10ms, packet_of(60, 3));
  EXPECT_THAT(leaving(l, start + 10ms), ElementsAre(1));
  EXPECT_THAT(leaving(l, start + 10'300us), ElementsAre(2, 3)) << "in order, and none is lost";
}

TEST_F(LaneTest, ARemovedRateLetsGoOfWhatWaitedForIt) {
  auto l = lane({.delay = 300us, .bits_per_second = 800'000});
  for (int i = 1; i <= 3; ++i) {
    l.push(start, packet_of(1000, i));
  }
  l.reshape({.delay = 300us}, start + 1ms);
  l.push(start + 1ms, packet_of(1000, 4));
  EXPECT_THAT(leaving(l, start + 1ms + 300us), ElementsAre(1, 2, 3, 4));
}

TEST_F(LaneTest, ARemovedJitterLetsGoOfWhatItHeldAndOfWhatWaitedBehindIt) {
  auto l = lane({.delay = 1ms, .jitter = 4s});
  share_ = 1;
  l.push(start, packet_of(60, 1));
  share_ = 0;
  l.push(start + 10us, packet_of(60, 2));
  l.reshape({.delay = 1ms}, start + 500us);
  EXPECT_THAT(leaving(l, start + 999us), IsEmpty());
  EXPECT_THAT(leaving(l, start + 1ms), ElementsAre(1));
  EXPECT_THAT(leaving(l, start + 1010us), ElementsAre(2));
}

TEST_F(LaneTest, OfTwoJittersTheOneThatStaysGoesOn) {
  auto l = lane({.jitter = 3s});
  share_ = 0.5;
  l.push(start, packet_of(60, 1));
  l.reshape({.jitter = 1s}, start + 1ms);
  EXPECT_EQ(l.next(), start + 500ms) << "the same share of what is left";
}

TEST_F(LaneTest, ARateThatIsRaisedLetsTheLineGoOnFaster) {
  auto l = lane({.bits_per_second = 80'000});  // 1000 bytes in 100 ms
  l.push(start, packet_of(1000, 1));
  l.push(start, packet_of(1000, 2));
  l.reshape({.bits_per_second = 8'000'000}, start + 10ms);  // in 1 ms
  EXPECT_THAT(leaving(l, start + 11ms), ElementsAre(1));
  EXPECT_THAT(leaving(l, start + 12ms), ElementsAre(2));
  l.push(start + 12ms, packet_of(1000, 3));
  EXPECT_EQ(l.next(), start + 13ms);
}

TEST_F(LaneTest, OtherLayersGoOnWhenOneIsRemoved) {
  auto l = lane({.delay = 20ms, .bits_per_second = 800'000});
  l.push(start, packet_of(1000, 1));
  l.push(start, packet_of(1000, 2));
  l.reshape({.delay = 0ms, .bits_per_second = 800'000}, start + 1ms);
  EXPECT_THAT(leaving(l, start + 10ms), ElementsAre(1));
  EXPECT_THAT(leaving(l, start + 19ms), IsEmpty());
  EXPECT_THAT(leaving(l, start + 20ms), ElementsAre(2));
}

}  // namespace
}  // namespace faultline::wire
