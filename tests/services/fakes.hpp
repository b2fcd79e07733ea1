#pragma once

#include "targets/lab/services/billing.hpp"
#include "tests/services/fake_store.hpp"

#include <fmt/format.h>

namespace faultline::services {

/// Who sells what, in memory; an error for as many calls as the test says.
class FakeProducts : public Products {
 public:
  explicit FakeProducts(ManualTime& hands) : hands_(hands) {}

  SqlError broken = SqlError::none;
  int broken_calls = 1'000'000;
  int calls = 0;
  std::map<std::string, int> cents;  ///< by "tenant/product"

  SqlReply find(const std::string& tenant, const std::string& product, Duration timeout) override {
    if (++calls <= broken_calls && broken != SqlError::none) {
      hands_.now += broken == SqlError::timeout ? timeout : Duration{};
      return {broken, "broken by the test", {}};
    }
    const auto found = cents.find(tenant + "/" + product);
    SqlReply reply;
    if (found != cents.end()) {
      reply.rows.push_back({product + " of " + tenant, std::to_string(found->second)});
    }
    return reply;
  }

 private:
  ManualTime& hands_;
};

/// A third party that does what the test says.
class FakePay : public PayApi {
 public:
  explicit FakePay(ManualTime& hands) : hands_(hands) {}

  CallReply next{CallError::none, 200, R"({"payment":"pay-1"})"};
  Duration takes{};  ///< an answer; a caller with a limit has a timeout instead
  std::vector<std::string> charged;
  CallLimits last;

  CallReply charge(const std::string& order, int /*amount_cents*/,
                   const CallLimits& limits) override {
    charged.push_back(order);
    last = limits;
    const Instant answers = hands_.now + takes;
    hands_.now = std::min(answers, limits.answer);
    return answers > limits.answer ? CallReply{CallError::timeout, 0, ""} : next;
  }

 private:
  ManualTime& hands_;
};

/// Rows by their key, as the unique index keeps them.
class FakeOrders : public Orders {
 public:
  explicit FakeOrders(ManualTime& hands) : hands_(hands) {}

  SqlError broken = SqlError::none;
  Instant mends_at = Instant::max();
  bool done_all_the_same = false;  ///< a row that timed out is there anyway
  int calls = 0;
  std::map<std::string, Order> rows;

  SqlReply place(const Order& order, Duration timeout) override {
    ++calls;
    const bool fails = broken != SqlError::none && hands_.now < mends_at;
    if (!fails || done_all_the_same) {
      rows.emplace(order.key, order);
    }
    if (fails) {
      hands_.now += broken == SqlError::timeout ? timeout : Duration{};
      return {broken, "broken by the test", {}};
    }
    return {};
  }

 private:
  ManualTime& hands_;
};

class FakePrices : public Prices {
 public:
  Price next{200, 549, ""};
  Price of(const std::string& /*tenant*/, const std::string& /*product*/,
           Instant /*deadline*/) override {
    return next;
  }
};

class FakeQueue : public JobQueue {
 public:
  std::vector<std::string> pushed;
  void push(const std::string& order) override { pushed.push_back(order); }
};

}  // namespace faultline::services
