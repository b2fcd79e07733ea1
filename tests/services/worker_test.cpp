#include "targets/lab/services/worker.hpp"

#include "tests/services/fake_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace faultline::services {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

/// A stream with its group, as far as a worker sees it.
struct FakeStream : JobSource {
  std::vector<Job> fresh;     ///< taken by nobody
  std::vector<Job> left;      ///< taken by somebody who is gone
  std::vector<Job> pending_;  ///< taken and not done
  std::set<std::string> delivered;
  bool group = false;
  RedisError broken = RedisError::none;
  bool loses_acks = false;

  Reply answer(bool needs_group = true) const {
    if (broken != RedisError::none) {
      return {broken, "broken by the test", {}};
    }
    return needs_group && !group ? Reply{RedisError::other, "NOGROUP no such group", {}} : Reply{};
  }
  Reply prepare() override {
    group = group || broken == RedisError::none;
    return answer(false);
  }
  Reply hand_out(std::vector<Job>& from, std::vector<Job>& jobs) {
    Reply reply = answer();
    if (reply.ok()) {
      jobs = std::exchange(from, {});
      pending_.insert(pending_.end(), jobs.begin(), jobs.end());
    }
    return reply;
  }
  Reply take(std::vector<Job>& jobs) override { return hand_out(fresh, jobs); }
  Reply claim(std::vector<Job>& jobs) override { return hand_out(left, jobs); }
  Reply deliver(const Job& job, bool& first) override {
    Reply reply = answer();
    first = reply.ok() && delivered.insert(job.order).second;
    return reply;
  }
  Reply done(const Job& job) override {
    if (loses_acks) {
      return {RedisError::timeout, "broken by the test", {}};
    }
    std::erase_if(pending_, [&](const Job& p) { return p.id == job.id; });
    return answer();
  }
  Reply pending(std::uint64_t& count) override {
    count = pending_.size();
    return answer();
  }
};

struct WorkerTest : testing::Test {
  ManualTime hands;
  Metrics metrics;
  FakeStream stream;
  Worker worker{stream, hands.time().now, metrics};

  std::uint64_t counted(const std::string& event) {
    return metrics.counters()[R"(jobs_total{event=")" + event + "\"}"];
  }
};

TEST_F(WorkerTest, TakesAJobDoesItAndSaysSo) {
  stream.fresh = {{"1-0", "o-1"}, {"2-0", "o-2"}};
  EXPECT_EQ(worker.step(), 0s);
  EXPECT_THAT(stream.delivered, ElementsAre("o-1", "o-2"));
  EXPECT_TRUE(stream.pending_.empty());
  EXPECT_EQ(counted("done"), 2u);
}

TEST_F(WorkerTest, AJobWhoseAckWasLostIsDoneOnceAllTheSame) {
  stream.fresh = {{"1-0", "o-1"}};
  stream.loses_acks = true;
  EXPECT_GT(worker.step(), 0s) << "it went on at once with a store that does not answer";
  stream.loses_acks = false;
  stream.left = std::exchange(stream.pending_, {});
  hands.now += 2s;
  worker.step();
  EXPECT_EQ(counted("claimed"), 1u);
  EXPECT_EQ(counted("repeated"), 1u);
  EXPECT_EQ(stream.delivered.size(), 1u);
  EXPECT_TRUE(stream.pending_.empty());
}

TEST_F(WorkerTest, FinishesWhatAWorkerThatIsGoneHadTaken) {
  worker.step();
  stream.left = {{"1-0", "o-1"}};
  worker.step();
  EXPECT_EQ(counted("done"), 0u) << "it looks for such jobs every 2 s only";
  hands.now += 2s;
  worker.step();
  EXPECT_EQ(counted("done"), 1u);
}

TEST_F(WorkerTest, GoesOnAfterAFailoverThatLostTheGroup) {
  worker.step();
  stream.broken = RedisError::timeout;
  EXPECT_GT(worker.step(), 0s);
  stream.broken = RedisError::none;
  stream.group = false;
  stream.fresh = {{"1-0", "o-1"}};
  worker.step();
  worker.step();
  EXPECT_EQ(counted("done"), 1u);
}

TEST(JobsIn, AnAnswerOfRedisFindsEveryJob) {
  const auto read = jobs_in({"jobs", "1-0", "order", "o-1", "2-0", "order", "order"});
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].id, "1-0");
  EXPECT_EQ(read[1].order, "order") << "an order may have any name";
  const auto claimed = jobs_in({"0-0", "1-0", "order", "o-1", "7-0"});
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_EQ(claimed[0].order, "o-1");
  EXPECT_TRUE(jobs_in({}).empty());
  EXPECT_TRUE(jobs_in({"0-0"}).empty());
}

}  // namespace
}  // namespace faultline::services
