#include "targets/lab/services/auth.hpp"
#include "targets/lab/services/catalog.hpp"
#include "tests/services/fakes.hpp"

#include <gtest/gtest.h>

namespace faultline::services {
namespace {

using namespace std::chrono_literals;

struct AuthTest : testing::Test {
  ManualTime hands;
  FakeStore store{hands};
  WriteHold hold{64, hands.time()};
  Auth auth{store, hold, [] { return std::string("s1"); }};

  Answer login(std::string_view body) { return auth.login(body, hands.now + 5s); }
};

TEST_F(AuthTest, ALoginGivesASessionThatItsTenantCanRead) {
  EXPECT_EQ(login(R"({"tenant": "acme", "user": "ann"})").body, R"({"session":"s1"})");
  const Answer session = auth.session("s1", "acme");
  EXPECT_EQ(session.status, 200);
  EXPECT_EQ(session.body, R"({"tenant":"acme","user":"ann"})");
}

TEST_F(AuthTest, AnotherTenantDoesNotFindIt) {
  login(R"({"tenant": "acme", "user": "ann"})");
  EXPECT_EQ(auth.session("s1", "globex").status, 404);
  EXPECT_EQ(auth.session("s1", "").status, 400);
}

TEST_F(AuthTest, ALoginThatCannotBeStoredIsNotAcknowledged) {
  store.broken = RedisError::no_replicas;
  const Answer answer = login(R"({"tenant": "acme", "user": "ann"})");
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(answer.body.find("no_replicas"), std::string::npos);
}

TEST_F(AuthTest, AnAttemptThatWasDoneThoughItTimedOutLeavesOneSession) {
  store.broken = RedisError::timeout;
  store.done_all_the_same = true;
  store.mends_at = hands.now + 1s;
  EXPECT_EQ(login(R"({"tenant": "acme", "user": "ann"})").status, 200);
  EXPECT_GT(store.calls, 1);
  EXPECT_EQ(store.keys.size(), 1u);
}

TEST_F(AuthTest, BadInputIsRefusedBeforeTheStoreIsTouched) {
  for (const auto* body : {"", "[]", "{", R"({"user": "ann"})", R"({"tenant": 1, "user": "ann"})",
                           R"({"tenant": "a b", "user": "ann"})", R"({"tenant": "acme"})"}) {
    EXPECT_EQ(login(body).status, 400) << body;
  }
  EXPECT_EQ(store.calls, 0);
}

TEST(SessionId, IsLongAndNeverTheSame) {
  EXPECT_EQ(random_session_id().size(), 32u);
  EXPECT_NE(random_session_id(), random_session_id());
}

const std::string anvil = R"({"name":"7 of acme","price_cents":549})";

struct CatalogTest : testing::Test {
  ManualTime hands;
  FakeStore cache{hands};
  FakeProducts products{hands};
  Metrics metrics;
  RetryBudget retries{10};
  Catalog catalog{products, cache, retries, hands.time().now, metrics};

  CatalogTest() { products.cents["acme/7"] = 549; }
};

TEST_F(CatalogTest, AMissIsReadFromTheDatabaseAndCached) {
  EXPECT_EQ(catalog.product("acme", "7").body, anvil);
  EXPECT_EQ(cache.keys.at("catalog:acme:7"), anvil);
}

TEST_F(CatalogTest, AHitComesFromTheCache) {
  cache.keys["catalog:acme:7"] = R"({"name":"cached anvil"})";
  EXPECT_EQ(catalog.product("acme", "7").body, R"({"name":"cached anvil"})");
}

TEST_F(CatalogTest, WithoutTheCacheTheAnswerIsAsGood) {
  for (const auto error : {RedisError::refused, RedisError::no_primary, RedisError::loading}) {
    cache.broken = error;
    const Answer answer = catalog.product("acme", "7");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, anvil);
  }
}

TEST_F(CatalogTest, ACacheThatHangsCostsOneRequestItsTimeoutAndThenRests) {
  cache.broken = RedisError::timeout;
  const Instant start = hands.now;
  EXPECT_EQ(catalog.product("acme", "7").status, 200);
  EXPECT_EQ(hands.now, start + 200ms);
  EXPECT_EQ(catalog.product("acme", "7").status, 200);
  EXPECT_EQ(hands.now, start + 200ms) << "a resting cache was asked";
  hands.now += 500ms;
  catalog.product("acme", "7");
  EXPECT_EQ(hands.now, start + 900ms) << "a cache that has rested was not asked";
}

TEST_F(CatalogTest, WhatIsNotThereIsSaidToBeNotThere) {
  EXPECT_EQ(catalog.product("acme", "8").status, 404);
  EXPECT_EQ(catalog.product("globex", "7").status, 404);
  EXPECT_TRUE(cache.keys.empty()) << "what is not there was cached";
  EXPECT_EQ(catalog.product("", "7").status, 400);
  EXPECT_EQ(catalog.product("acme", "x'y").status, 400);
  EXPECT_EQ(products.calls, 2);
}

TEST_F(CatalogTest, AReadThatFailsIsMadeOnceMore) {
  products.broken = SqlError::closed;
  products.broken_calls = 1;
  EXPECT_EQ(catalog.product("acme", "7").body, anvil);
  EXPECT_EQ(products.calls, 2);
}

TEST_F(CatalogTest, ADatabaseThatHangsCostsTwoTimeoutsAndIsSaidToBeTheReason) {
  products.broken = SqlError::timeout;
  const Instant start = hands.now;
  const Answer answer = catalog.product("acme", "7");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, R"({"error":"catalogue: no answer in time"})");
  EXPECT_EQ(hands.now, start + 400ms + 1s);
}

TEST_F(CatalogTest, AnErrorThatWouldBeTheSameIsNotTriedAgain) {
  products.broken = SqlError::other;
  EXPECT_EQ(catalog.product("acme", "7").status, 503);
  EXPECT_EQ(products.calls, 1);
}

TEST_F(CatalogTest, WithoutABudgetAReadIsMadeOnce) {
  RetryBudget none{0};
  Catalog plain{products, cache, none, hands.time().now, metrics};
  products.broken = SqlError::closed;
  products.broken_calls = 1;
  EXPECT_EQ(plain.product("acme", "7").status, 503);
  EXPECT_EQ(products.calls, 1);
}

}  // namespace
}  // namespace faultline::services
