#include "targets/lab/services/write_hold.hpp"

#include "tests/services/fake_store.hpp"

#include <gtest/gtest.h>

namespace faultline::services {
namespace {

using namespace std::chrono_literals;
using Attempt = WriteHold::Attempt;

struct WriteHoldTest : testing::Test {
  ManualTime hands;
  FakeStore store{hands};
  const Instant start = hands.now;

  /// What the last attempt said.
  Reply write(WriteHold& hold, Duration deadline = 5s) {
    Reply reply;
    hold.run(hands.now + deadline, [&](Duration timeout) {
      reply = store.set("key", "value", 1s, timeout);
      return reply.ok()            ? Attempt::done
             : passes(reply.error) ? Attempt::may_pass
                                   : Attempt::in_vain;
    });
    return reply;
  }
};

TEST_F(WriteHoldTest, AWriteThatSucceedsIsTriedOnceAndNeverWaits) {
  WriteHold hold(64, hands.time());
  EXPECT_TRUE(write(hold).ok());
  EXPECT_EQ(store.calls, 1);
  EXPECT_EQ(hold.figures().max, 0);
  EXPECT_EQ(hands.now, start);
}

TEST_F(WriteHoldTest, AWriteOutlastsAFailoverAndEndsSoonAfterIt) {
  WriteHold hold(64, hands.time());
  store.broken = RedisError::refused;
  store.mends_at = start + 2s;
  EXPECT_TRUE(write(hold).ok());
  EXPECT_LE(hands.now, start + 2200ms);
  EXPECT_EQ(hold.figures().saved, 1u);
  EXPECT_EQ(hold.figures().now, 0);
}

TEST_F(WriteHoldTest, WithoutAHoldTheFirstFailureIsTheAnswer) {
  WriteHold hold(0, hands.time());
  store.broken = RedisError::refused;
  store.mends_at = start + 10ms;
  EXPECT_EQ(write(hold).error, RedisError::refused);
  EXPECT_EQ(store.calls, 1);
}

struct DeadlineTest : WriteHoldTest, testing::WithParamInterface<RedisError> {};

TEST_P(DeadlineTest, AStoreThatStaysBrokenIsGivenUpInTimeForTheAnswer) {
  WriteHold hold(64, hands.time());
  store.broken = GetParam();
  EXPECT_EQ(write(hold, 5s).error, GetParam());
  EXPECT_LE(hands.now, start + 4750ms);
  EXPECT_GE(hands.now, start + 4250ms) << "it gave up although there was time for another attempt";
  EXPECT_EQ(hold.figures().given_up, 1u);
}

INSTANTIATE_TEST_SUITE_P(EveryErrorThatAFailoverEnds, DeadlineTest,
                         testing::Values(RedisError::no_primary, RedisError::refused,
                                         RedisError::timeout, RedisError::closed,
                                         RedisError::read_only, RedisError::no_replicas,
                                         RedisError::loading, RedisError::master_down),
                         [](const auto& tested) { return std::string(to_string(tested.param)); });

TEST_F(WriteHoldTest, AnErrorThatWouldBeTheSameTheNextTimeIsNotRetried) {
  WriteHold hold(64, hands.time());
  store.broken = RedisError::other;
  EXPECT_EQ(write(hold).error, RedisError::other);
  EXPECT_EQ(store.calls, 1);
}

TEST_F(WriteHoldTest, TheWriteAfterTheLastSeatIsRejectedAtOnce) {
  WriteHold hold(2, hands.time());
  int rejected = 0;
  // Each attempt of a held write brings the next client: the third finds both seats taken.
  std::function<bool(int)> client = [&](int n) {
    int attempts = 0;
    return hold.run(start + 5s, [&, n](Duration) {
      if (++attempts == 2 && n < 3) {
        rejected += client(n + 1) ? 0 : 1;
      }
      return attempts < 2 || n == 3 ? Attempt::may_pass : Attempt::done;
    });
  };
  EXPECT_TRUE(client(1));
  EXPECT_EQ(rejected, 1);
  EXPECT_EQ(hold.figures().rejected, 1u);
  EXPECT_EQ(hold.figures().max, 2);
  EXPECT_EQ(hold.figures().now, 0);
}

TEST_F(WriteHoldTest, AStoppingNodeLetsHeldWritesGo) {
  WriteHold hold(64, hands.time());
  store.broken = RedisError::refused;
  hold.close(start + 1500ms);
  EXPECT_FALSE(write(hold, 5s).ok());
  EXPECT_LE(hands.now, start + 1500ms);
}

}  // namespace
}  // namespace faultline::services
