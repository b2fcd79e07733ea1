#include "targets/lab/services/breaker.hpp"
#include "targets/lab/services/limits.hpp"
#include "targets/lab/services/prices.hpp"
#include "tests/services/fakes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::services {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using State = Breaker::State;

struct BreakerTest : testing::Test {
  ManualTime hands;
  Breaker breaker{{5, 20, 0.5, 2s}, hands.time().now};

  /// One call with this outcome; false when the breaker did not let it through.
  bool call(bool good) {
    const auto ticket = breaker.allow();
    if (ticket) {
      breaker.report(*ticket, good);
    }
    return ticket.has_value();
  }
};

TEST_F(BreakerTest, FiveFailuresInARowOpenIt) {
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(call(false));
  }
  EXPECT_EQ(breaker.state(), State::closed);
  EXPECT_TRUE(call(false));
  EXPECT_EQ(breaker.state(), State::open);
  EXPECT_FALSE(call(true));
  EXPECT_EQ(breaker.opened(), 1u);
}

TEST_F(BreakerTest, ASuccessBetweenThemDoesNot) {
  for (int i = 0; i < 4; ++i) {
    call(false);
  }
  call(true);
  call(false);
  EXPECT_EQ(breaker.state(), State::closed);
}

TEST_F(BreakerTest, HalfOfTheLastCallsOpenItEvenWhenTheyAlternate) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(breaker.state(), State::closed) << i;
    call(i % 2 == 0);
  }
  EXPECT_EQ(breaker.state(), State::open);
}

TEST_F(BreakerTest, AThirdOfTheCallsDoesNotHoweverLongItGoesOn) {
  for (int i = 0; i < 300; ++i) {
    EXPECT_TRUE(call(i % 3 != 0));
  }
}

TEST_F(BreakerTest, AfterItsPauseOneCallFindsOutForAll) {
  for (int i = 0; i < 5; ++i) {
    call(false);
  }
  hands.now += 2s;
  const auto probe = breaker.allow();
  ASSERT_TRUE(probe);
  EXPECT_EQ(breaker.state(), State::half_open);
  EXPECT_FALSE(breaker.allow()) << "a second call while the first is on its way";
  breaker.report(*probe, true);
  EXPECT_EQ(breaker.state(), State::closed);
  EXPECT_TRUE(call(true));
}

TEST_F(BreakerTest, AProbeThatFailsOpensItForAnotherPause) {
  for (int i = 0; i < 5; ++i) {
    call(false);
  }
  hands.now += 2s;
  EXPECT_TRUE(call(false));
  EXPECT_FALSE(call(true));
  EXPECT_EQ(breaker.opened(), 2u);
  hands.now += 2s;
  EXPECT_TRUE(call(true));
}

TEST_F(BreakerTest, LateNewsOfCallsThatWereOnTheirWayIsOfNoInterest) {
  std::vector<Breaker::Ticket> early;
  for (int i = 0; i < 8; ++i) {
    early.push_back(*breaker.allow());
  }
  for (int i = 0; i < 5; ++i) {
    breaker.report(early[static_cast<std::size_t>(i)], false);
  }
  hands.now += 2s;
  const auto probe = breaker.allow();
  breaker.report(early[5], true);
  EXPECT_EQ(breaker.state(), State::half_open) << "an old success closed it";
  breaker.report(*probe, false);
  breaker.report(early[6], true);
  EXPECT_EQ(breaker.state(), State::open);
}

TEST(BulkheadTest, TurnsAwayWhoFindsItFullAndLetsInWhoComesLater) {
  Bulkhead bulkhead(2);
  {
    const auto one = bulkhead.enter();
    const auto two = bulkhead.enter();
    EXPECT_TRUE(one && two);
    EXPECT_FALSE(bulkhead.enter());
    EXPECT_EQ(bulkhead.figures().now, 2);
  }
  EXPECT_EQ(bulkhead.figures().now, 0);
  EXPECT_TRUE(bulkhead.enter());
  EXPECT_EQ(bulkhead.figures().rejected, 1u);
  EXPECT_EQ(bulkhead.figures().max, 2);
}

TEST(RetryBudgetTest, IsSpentAndEarnedAgainByCalls) {
  RetryBudget budget(2);
  EXPECT_TRUE(budget.take());
  EXPECT_TRUE(budget.take());
  EXPECT_FALSE(budget.take());
  for (int i = 0; i < 11; ++i) {
    budget.earn();
  }
  EXPECT_TRUE(budget.take());
  EXPECT_FALSE(budget.take());
  for (int i = 0; i < 1000; ++i) {
    budget.earn();
  }
  EXPECT_LE(budget.figures().tokens, 2) << "a quiet day saved up a storm of retries";
}

TEST(RetryBudgetTest, OfZeroNeverAllowsOne) {
  RetryBudget budget(0);
  for (int i = 0; i < 100; ++i) {
    budget.earn();
  }
  EXPECT_FALSE(budget.take());
}

/// Two peers, of which some answer nothing.
struct PricesTest : testing::Test, PeerApi {
  ManualTime hands;
  Metrics metrics;
  RetryBudget retries{10};
  std::vector<CallReply> replies{{CallError::none, 200, R"({"name":"anvil","price_cents":549})"},
                                 {CallError::none, 200, R"({"name":"anvil","price_cents":549})"}};
  std::vector<std::size_t> asked;
  CallLimits last;

  CallReply get(std::size_t peer, const std::string& target, const CallLimits& limits) override {
    EXPECT_EQ(target, "/catalog/7?tenant=acme");
    asked.push_back(peer);
    last = limits;
    return replies[peer];
  }
  PeerPrices prices(RetryBudget* budget) {
    return PeerPrices({*this, replies.size(), budget, metrics, hands.time().now});
  }
  Price ask(PeerPrices& prices) { return prices.of("acme", "7", hands.now + 5s); }
};

TEST_F(PricesTest, PeersTakeTurns) {
  auto guarded = prices(&retries);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(ask(guarded).cents, 549);
  }
  EXPECT_THAT(asked, ElementsAre(0, 1, 0, 1));
}

TEST_F(PricesTest, APeerThatIsGoneIsAskedOnceASecondAndNobodyFeelsIt) {
  auto guarded = prices(&retries);
  replies[0] = {CallError::refused, 0, ""};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ask(guarded).status, 200);
  }
  EXPECT_THAT(asked, ElementsAre(0, 1, 1, 1));
  EXPECT_EQ(retries.figures().taken, 1u);
  hands.now += 1s;
  asked.clear();
  ask(guarded);
  ask(guarded);
  EXPECT_THAT(asked, ElementsAre(0, 1, 1)) << "after its rest it was not asked again";
}

TEST_F(PricesTest, WhenAllAreRestingOneIsAskedAllTheSame) {
  auto guarded = prices(&retries);
  replies[0] = replies[1] = {CallError::connect_timeout, 0, ""};
  ask(guarded);
  replies[0] = {CallError::none, 200, R"({"price_cents":549})"};
  replies[1] = replies[0];
  EXPECT_EQ(ask(guarded).status, 200);
}

TEST_F(PricesTest, PlainCallsWaitForWhoeverTheTurnFindsAndFailWithHim) {
  auto plain = prices(nullptr);
  replies[0] = {CallError::connect_timeout, 0, ""};
  const Price price = ask(plain);
  EXPECT_EQ(price.status, 504);
  EXPECT_EQ(price.why, "connect timed out");
  EXPECT_EQ(last.connect, Instant::max()) << "it connects as long as the kernel tries";
  EXPECT_EQ(last.answer, hands.now + 5s) << "two nodes could wait for each other for ever";
  ask(plain);
  ask(plain);
  EXPECT_THAT(asked, ElementsAre(0, 1, 0)) << "a plain node remembered who was gone";
}

TEST_F(PricesTest, WhatDoesNotExistIsNotTriedElsewhere) {
  auto guarded = prices(&retries);
  replies[0] = {CallError::none, 404, R"({"error":"no such product"})"};
  const Price price = ask(guarded);
  EXPECT_EQ(price.status, 404);
  EXPECT_EQ(price.why, "no such product");
  EXPECT_THAT(asked, ElementsAre(0));
}

TEST_F(PricesTest, AnAnswerWithoutAPriceIsAnError) {
  auto guarded = prices(&retries);
  replies[0] = {CallError::none, 200, "[]"};
  EXPECT_EQ(ask(guarded).status, 502);
}

}  // namespace
}  // namespace faultline::services
