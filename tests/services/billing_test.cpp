#include "targets/lab/services/billing.hpp"

#include "tests/services/fakes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::services {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string order = R"({"tenant": "acme", "product": "7", "order": "o-1"})";

struct BillingTest : testing::Test {
  ManualTime hands;
  Metrics metrics;
  FakePrices prices;
  FakePay pay{hands};
  FakeOrders orders{hands};
  FakeQueue jobs;
  Breaker breaker{Breaker::Settings{}, hands.time().now};
  Bulkhead bulkhead{24};
  GuardedPayments guarded{{pay, breaker, bulkhead, metrics, hands.time().now, 1s}};
  PlainPayments plain{pay, metrics};
  WriteHold hold{64, hands.time()}, no_hold{0, hands.time()};
  Billing hardened{{prices, guarded, orders, hold, jobs, metrics}};
  Billing naive{{prices, plain, orders, no_hold, jobs, metrics}};

  Answer checkout(Billing& billing) { return billing.checkout(order, hands.now + 5s); }
};

TEST_F(BillingTest, ACheckoutIsAPriceAPaymentARowAndAJob) {
  const Answer answer = checkout(hardened);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"order":"o-1","payment":"pay-1"})");
  EXPECT_EQ(answer.degraded, "");
  EXPECT_THAT(pay.charged, ElementsAre("o-1"));
  EXPECT_EQ(orders.rows.at("o-1").amount_cents, 549);
  EXPECT_EQ(orders.rows.at("o-1").payment, "pay-1");
  EXPECT_THAT(jobs.pushed, ElementsAre("o-1"));
}

TEST_F(BillingTest, AThirdPartyThatIsSlowCostsASecondAndThePaymentIsPending) {
  pay.takes = 30s;
  const Instant start = hands.now;
  const Answer answer = checkout(hardened);
  EXPECT_EQ(hands.now, start + 1s);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"order":"o-1","payment":"pending"})");
  EXPECT_EQ(answer.degraded, "payment pending");
  EXPECT_EQ(orders.rows.at("o-1").payment, "pending");
}

TEST_F(BillingTest, AfterFiveSuchTheBreakerAnswersAtOnce) {
  pay.takes = 30s;
  for (int i = 0; i < 5; ++i) {
    checkout(hardened);
  }
  const Instant start = hands.now;
  EXPECT_EQ(checkout(hardened).degraded, "payment pending");
  EXPECT_EQ(hands.now, start);
  EXPECT_EQ(pay.charged.size(), 5u);
  pay.takes = 0s;
  hands.now += 2s;
  EXPECT_EQ(checkout(hardened).degraded, "") << "the breaker did not close again";
}

TEST_F(BillingTest, WhenTheBulkheadIsFullThePaymentIsPendingAtOnce) {
  std::vector<Bulkhead::Seat> taken;
  while (auto seat = bulkhead.enter()) {
    taken.push_back(std::move(*seat));
  }
  EXPECT_EQ(checkout(hardened).degraded, "payment pending");
  EXPECT_TRUE(pay.charged.empty());
}

TEST_F(BillingTest, AnAnswerThatIsNoPaymentIsNone) {
  for (const auto& nonsense :
       {CallReply{CallError::none, 503, R"({"error":"out of order"})"},
        CallReply{CallError::none, 200, "[]"}, CallReply{CallError::none, 200, "{}"},
        CallReply{CallError::none, 200, R"({"payment":"x' OR 1"})"},
        CallReply{CallError::closed, 0, ""}}) {
    pay.next = nonsense;
    EXPECT_EQ(checkout(naive).status, 502) << nonsense.body;
  }
  EXPECT_TRUE(orders.rows.empty());
}

TEST_F(BillingTest, APlainNodeWaitsAsLongAsItTakes) {
  pay.takes = 30s;
  const Instant start = hands.now;
  EXPECT_EQ(checkout(naive).status, 200);
  EXPECT_EQ(hands.now, start + 30s);
  EXPECT_EQ(pay.last.connect, Instant::max());
}

TEST_F(BillingTest, APlainNodeSaysThatTheConnectTimedOut) {
  pay.next = {CallError::connect_timeout, 0, ""};
  const Answer answer = checkout(naive);
  EXPECT_EQ(answer.status, 504);
  EXPECT_EQ(answer.body, R"({"error":"payment: connect timed out"})");
  EXPECT_TRUE(orders.rows.empty());
  EXPECT_TRUE(jobs.pushed.empty());
}

TEST_F(BillingTest, AnOrderIsHeldOverAFailover) {
  orders.broken = SqlError::read_only;
  orders.mends_at = hands.now + 2s;
  EXPECT_EQ(checkout(hardened).status, 200);
  EXPECT_EQ(hold.figures().saved, 1u);
  EXPECT_EQ(pay.charged.size(), 1u) << "the payment was made again, too";
}

TEST_F(BillingTest, AnOrderThatWasDoneThoughItTimedOutIsOneOrder) {
  orders.broken = SqlError::timeout;
  orders.done_all_the_same = true;
  orders.mends_at = hands.now + 1s;
  EXPECT_EQ(checkout(hardened).status, 200);
  EXPECT_GT(orders.calls, 1);
  EXPECT_EQ(orders.rows.size(), 1u);
}

TEST_F(BillingTest, APlainNodeFailsAtOnceAndNamesTheStep) {
  orders.broken = SqlError::read_only;
  orders.mends_at = hands.now + 10ms;
  const Answer answer = checkout(naive);
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, R"({"error":"order: read only"})");
  EXPECT_EQ(orders.calls, 1);
  EXPECT_TRUE(jobs.pushed.empty()) << "a job for an order that is not there";
}

TEST_F(BillingTest, LoginsAndOrdersShareTheSeatsOfTheHold) {
  WriteHold one(1, hands.time());
  Billing billing{{prices, guarded, orders, one, jobs, metrics}};
  int attempts = 0;
  Answer second;
  one.run(hands.now + 5s, [&](Duration) {
    if (++attempts == 2) {
      orders.broken = SqlError::closed;
      second = checkout(billing);
    }
    return attempts < 2 ? WriteHold::Attempt::may_pass : WriteHold::Attempt::done;
  });
  EXPECT_EQ(second.status, 503);
  EXPECT_THAT(second.body, HasSubstr("order: connection lost"));
  EXPECT_EQ(one.figures().rejected, 1u);
}

TEST_F(BillingTest, WithoutAPriceNothingIsPaid) {
  prices.next = {504, 0, "connect timed out"};
  EXPECT_EQ(checkout(hardened).body, R"({"error":"price: connect timed out"})");
  prices.next = {404, 0, "no such product"};
  EXPECT_EQ(checkout(hardened).status, 404);
  EXPECT_TRUE(pay.charged.empty());
}

TEST_F(BillingTest, BadInputIsRefusedBeforeAnythingIsAsked) {
  for (const auto* body : {"", "[]", R"({"tenant": "acme", "product": "7"})",
                           R"({"tenant": "acme", "product": "7", "order": "o 1"})",
                           R"({"tenant": 1, "product": "7", "order": "o-1"})"}) {
    EXPECT_EQ(hardened.checkout(body, hands.now + 5s).status, 400) << body;
  }
  EXPECT_TRUE(pay.charged.empty());
}

}  // namespace
}  // namespace faultline::services
