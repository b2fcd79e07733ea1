#include "orchestrator/load/primary_finder.hpp"
#include "orchestrator/load/write_ledger.hpp"
#include "tests/load/story.hpp"

#include <map>

namespace {

/// A Redis node and a Sentinel in one, as far as a writer sees them. Members may be changed by the
/// behaviour only, which runs on the server's thread.
struct FakeRedis {
  using Words = std::vector<std::string>;
  /// What it answers instead of doing the command; nothing to do it.
  using Instead = std::function<std::optional<Answer>(std::uint64_t number, const Words& words)>;

  explicit FakeRedis(Instead behaviour = {})
      : instead(std::move(behaviour)),
        server(resp_framing, [this](std::uint64_t number, const std::string& request) {
          const auto words = parse_command(request).first;
          const auto other = instead ? instead(number, words) : std::nullopt;
          return other ? *other : Answer{answer(words)};
        }) {}

  std::string answer(const Words& words) {
    const auto& command = words[0];
    if (command == "SENTINEL") {
      const auto port = names == 0 ? server.port() : names.load();
      return "*2\r\n" + bulk("127.0.0.1") + bulk(std::to_string(port));
    }
    if (command == "ROLE") {
      return "*3\r\n" + bulk(role) + ":0\r\n*0\r\n";
    }
    if (command == "PING") {
      return "+PONG\r\n";
    }
    if (command == "SETEX") {
      values[words[1]] = words[3];
      ++writes;
      return "+OK\r\n";
    }
    if (command == "MGET") {
      return read(words);
    }
    for (std::size_t i = 1; i < words.size(); ++i) {
      values.erase(words[i]);
    }
    return ":" + std::to_string(words.size() - 1) + "\r\n";
  }

  std::string read(const Words& words) {
    std::string out = "*" + std::to_string(words.size() - 1) + "\r\n";
    for (std::size_t i = 1; i < words.size(); ++i) {
      const auto found = values.find(words[i]);
      out += found == values.end() ? "$-1\r\n" : bulk(found->second);
    }
    return out;
  }

  Instead instead;
  std::map<std::string, std::string> values;
  std::atomic<std::uint16_t> names = 0;  ///< the port its Sentinel names; 0: its own
  std::atomic<int> writes = 0;
  std::string role = "master";
  Server server;
};

Json writer_spec(const std::vector<std::string>& sentinels, double rate = 200) {
  return {{"probe", "writes"},
          {"kind", "redis_writes"},
          {"rate_per_s", rate},
          {"deadline_ms", 2'000},
          {"seed", 3},
          {"args", {{"sentinels", sentinels}, {"cache", "sessions"}, {"prefix", "run-1"}}}};
}

Answer error(const std::string& text) {
  return {"-" + text + "\r\n"};
}

}  // namespace

TEST(RedisWrites, AreAllFoundAgainAndThenDeleted) {
  FakeRedis redis;
  const auto told = run_for(500ms, writer_spec({redis.server.address()}));
  const auto sent = told.samples.size();
  EXPECT_EQ(told.exit_code, 0);
  EXPECT_THAT(told.errors(), ElementsAre(Pair("good", sent)));  // from the very first one on
  EXPECT_GE(sent, 100u);
  const auto& writes = told.writes["writes"];
  EXPECT_EQ(writes["attempted"], sent);
  EXPECT_EQ(writes["acknowledged"], sent);
  EXPECT_EQ(writes["lost"], 0);
  EXPECT_EQ(writes["ambiguous"], 0);
  EXPECT_EQ(redis.writes, static_cast<int>(sent));
  EXPECT_TRUE(redis.values.empty());
}

TEST(RedisWrites, AcknowledgedAndDroppedIsLostAndTheSpanIsFromFirstToLast) {
  // Writes 20 to 59 but every second one: +OK without storing; at 200/s from 0.100 s to 0.290 s.
  int number = 0;
  int lied = 0;
  FakeRedis redis([&](std::uint64_t, const auto& words) -> std::optional<Answer> {
    if (words[0] != "SETEX") {
      return {};
    }
    const int n = number++;
    if (n < 20 || n >= 60 || n % 2 != 0) {
      return {};
    }
    ++lied;
    return Answer{"+OK\r\n"};
  });
  const auto writes = run_for(500ms, writer_spec({redis.server.address()})).writes["writes"];
  EXPECT_EQ(lied, 20);
  EXPECT_EQ(writes["lost"], 20);
  EXPECT_EQ(writes["stale"], 0);
  EXPECT_NEAR(writes["loss_span_ms"].get<double>(), 190, 0.01);
}

TEST(RedisWrites, AnotherValueThanWrittenIsStale) {
  int number = 0;
  FakeRedis redis;
  redis.instead = [&](std::uint64_t, const auto& words) -> std::optional<Answer> {
    if (words[0] == "SETEX" && ++number <= 7) {
      redis.values[words[1]] = "somebody else's";
      return Answer{"+OK\r\n"};
    }
    return {};
  };
  const auto writes = run_for(300ms, writer_spec({redis.server.address()})).writes["writes"];
  EXPECT_EQ(writes["stale"], 7);
  EXPECT_EQ(writes["lost"], 0);
}

TEST(RedisWrites, AreReadBackInBatches) {
  int most = 0;
  FakeRedis redis([&most](std::uint64_t, const auto& words) -> std::optional<Answer> {
    if (words[0] == "MGET" || words[0] == "UNLINK") {
      most = std::max(most, static_cast<int>(words.size()) - 1);
    }
    return {};
  });
  const auto told = run_for(800ms, writer_spec({redis.server.address()}, 2'000));
  EXPECT_EQ(told.writes["writes"]["lost"], 0);
  EXPECT_GE(told.writes["writes"]["acknowledged"].get<int>(), 1'500);
  EXPECT_EQ(most, 500);
  EXPECT_TRUE(redis.values.empty());
}

struct RefusalCase {
  std::string name, answer, error;
  bool ambiguous;
};

class RedisRefusals : public ::testing::TestWithParam<RefusalCase> {};

TEST_P(RedisRefusals, AreClassesOfErrorsAndNotAcknowledged) {
  FakeRedis redis([](std::uint64_t, const auto& words) -> std::optional<Answer> {
    return words[0] == "SETEX" ? std::optional(Answer{GetParam().answer}) : std::nullopt;
  });
  const auto told = run_for(300ms, writer_spec({redis.server.address()}, 50));
  EXPECT_EQ(told.errors().count(GetParam().error), 1u);
  EXPECT_EQ(told.errors().count("good"), 0u);
  const auto& writes = told.writes["writes"];
  EXPECT_EQ(writes["acknowledged"], 0);
  EXPECT_EQ(writes["ambiguous"], GetParam().ambiguous ? told.samples.size() : 0);
}

INSTANTIATE_TEST_SUITE_P(
    Load, RedisRefusals,
    ::testing::Values(RefusalCase{"replica",
                                  "-READONLY You can't write against a read only replica.\r\n",
                                  "readonly", false},
                      RefusalCase{"alone", "-NOREPLICAS Not enough good replicas to write.\r\n",
                                  "noreplicas", false},
                      RefusalCase{"odd", ":1\r\n", "unexpected answer", true}),
    [](const auto& bundle) { return bundle.param.name; });

TEST(RedisWrites, WithoutAnAnswerAreAmbiguousWhetherStoredOrNot) {
  FakeRedis redis;
  int number = 0;
  redis.instead = [&](std::uint64_t, const auto& words) -> std::optional<Answer> {
    if (words[0] == "SETEX" && ++number == 5) {
      redis.answer(words);  // stored, and the connection breaks before the answer
      return Answer{"", 0ms, true};
    }
    return {};
  };
  const auto told = run_for(500ms, writer_spec({redis.server.address()}, 50));
  EXPECT_LE(told.errors().at("closed early"),
            3);  // it, and what was due before the next connection
  EXPECT_EQ(told.writes["writes"]["ambiguous"], 1);
  EXPECT_EQ(told.writes["writes"]["lost"], 0);
  EXPECT_GE(told.errors().at("good"), 20);  // it connects again at once
  EXPECT_TRUE(redis.values.empty());        // attempted keys are deleted too
}

TEST(RedisWrites, MoveToTheNewPrimaryAsSoonAsSentinelNamesItThoughTheOldOneHangs) {
  FakeRedis next;
  FakeRedis sentinel;
  std::atomic<bool> hangs = false;
  int number = 0;
  FakeRedis old([&](std::uint64_t, const auto& words) -> std::optional<Answer> {
    if (words[0] != "SETEX" || ++number < 20) {
      return {};
    }
    hangs = true;
    sentinel.names = next.server.port();
    return Answer{.never = true};
  });
  sentinel.names = old.server.port();
  auto spec = writer_spec({sentinel.server.address()}, 100);
  const auto told = run_for(2'000ms, spec);
  const auto counts = told.errors();
  // Each is one attempt of at most 1 s, so the hang costs at most those 1 s and what follows.
  EXPECT_TRUE(hangs);
  EXPECT_GE(counts.at("timeout"), 50);
  for (const auto& sample : told.samples) {
    EXPECT_TRUE(sample.result == 0 || sample.due_ms < 1'500) << sample.due_ms << sample.error;
    EXPECT_LT(sample.latency_ms, 1'200);
  }
  EXPECT_GE(next.writes, 50);
  // The 19 of before are not on the new primary: that is what a failover without replication loses.
  EXPECT_EQ(told.writes["writes"]["lost"], 19);
}

TEST(RedisWrites, AreNotDrawnBackByASentinelThatHasNotHeardYet) {
  FakeRedis next;
  int refusals = 0;
  next.instead = [&](std::uint64_t, const auto& words) -> std::optional<Answer> {
    // The new primary has no replica for its first writes, so the writer stays in trouble.
    return words[0] == "SETEX" && ++refusals <= 80
               ? std::optional(error("NOREPLICAS Not enough good replicas to write."))
               : std::nullopt;
  };
  FakeRedis knows, behind;
  std::atomic<int> old_writes = 0;
  FakeRedis old([&](std::uint64_t, const auto& words) -> std::optional<Answer> {
    if (words[0] == "SETEX" && ++old_writes >= 10) {
      knows.names = next.server.port();
      return error("READONLY You can't write against a read only replica.");
    }
    return {};
  });
  knows.names = old.server.port();
  behind.names = old.server.port();
  const auto sentinels =
      std::vector{knows.server.address(), behind.server.address(), knows.server.address()};
  const auto told = run_for(1'500ms, writer_spec(sentinels, 100));
  EXPECT_LT(old_writes, 60);  // 10, and those of 0.2 s, because the wrong one is asked first
  EXPECT_EQ(told.errors().at("noreplicas"), 80);
  EXPECT_GE(next.writes, 10);
}

TEST(RedisWrites, NameWhatIsMissing) {
  FakeRedis no_primary([](auto, const auto& words) -> std::optional<Answer> {
    return words[0] == "SENTINEL" ? std::optional(Answer{"*-1\r\n"}) : std::nullopt;
  });
  EXPECT_EQ(run_for(200ms, writer_spec({no_primary.server.address()}, 50)).errors().begin()->first,
            "no primary");
  const auto nobody = to_string(free_port());
  EXPECT_EQ(run_for(200ms, writer_spec({nobody}, 50)).errors().begin()->first, "no sentinel");
  FakeRedis dead;
  dead.names = free_port().port;
  EXPECT_EQ(run_for(200ms, writer_spec({dead.server.address()}, 50)).errors().begin()->first,
            "connection refused");
}

TEST(RedisWrites, ThatCannotBeReadBackAreUnknownNeverZero) {
  FakeRedis redis;
  redis.role = "slave";
  auto spec = writer_spec({redis.server.address()}, 50);
  spec["args"]["read_back_within_ms"] = 400;
  const auto told = run_for(200ms, spec);
  EXPECT_TRUE(told.writes["writes"].is_null());
  EXPECT_THAT(told.writes["error"].get<std::string>(),
              AllOf(HasSubstr("within 400 ms"), HasSubstr("not a primary by its own word")));
  EXPECT_EQ(told.exit_code, 0);
}

TEST(RedisWrites, AReadingThatBreaksStartsOver) {
  int reads = 0;
  FakeRedis redis([&reads](std::uint64_t, const auto& words) -> std::optional<Answer> {
    if (words[0] == "MGET" && ++reads == 2) {
      return Answer{"", 0ms, true};
    }
    return {};
  });
  const auto told = run_for(600ms, writer_spec({redis.server.address()}, 2'000));
  EXPECT_GE(reads, 5);
  EXPECT_EQ(told.writes["writes"]["lost"], 0);
  EXPECT_GE(told.writes["writes"]["acknowledged"].get<int>(), 1'000);
}

TEST(RedisPing, PingsThePrimaryOnANewConnectionEachTime) {
  FakeRedis redis;
  auto spec = writer_spec({redis.server.address()}, 50);
  spec["kind"] = "redis";
  const auto told = run_for(300ms, spec);
  EXPECT_THAT(told.errors(), ElementsAre(Pair("good", told.samples.size())));
  EXPECT_GE(redis.server.connections(), told.samples.size());
  EXPECT_TRUE(told.writes.is_null());
}

TEST(RedisPing, FollowsSentinelAfterAFailure) {
  FakeRedis next;
  FakeRedis sentinel;
  int pings = 0;
  FakeRedis old([&](std::uint64_t, const auto& words) -> std::optional<Answer> {
    if (words[0] != "PING" || ++pings < 5) {
      return {};
    }
    sentinel.names = next.server.port();
    return error("LOADING Redis is loading the dataset in memory");
  });
  sentinel.names = old.server.port();
  auto spec = writer_spec({sentinel.server.address()}, 50);
  spec["kind"] = "redis";
  const auto told = run_for(800ms, spec);
  EXPECT_GE(told.errors().at("loading"), 1);
  EXPECT_GE(told.errors().at("good"), 25);
  EXPECT_EQ(told.samples.back().result, 0);
}

TEST(WriteLedger, CountsOnlyWhatWasAcknowledgedAsLost) {
  WriteLedger ledger("run-1:writes", 9);
  const faultline::Instant start{1h};
  for (int i = 0; i < 10; ++i) {
    ledger.attempt(start + i * 10ms);
  }
  for (const std::uint64_t n : {1u, 3u, 4u, 8u}) {
    ledger.settle(n, Fate::acknowledged);
  }
  ledger.settle(5, Fate::ambiguous);
  EXPECT_THAT(ledger.acknowledged(), ElementsAre(1, 3, 4, 8));
  const auto right = ledger.value(1);
  const std::string wrong = "x";
  ledger.begin_reading();
  ledger.read_back(1, &right);
  ledger.read_back(3, nullptr);
  ledger.read_back(4, &wrong);
  ledger.read_back(8, nullptr);
  const auto totals = ledger.totals();
  EXPECT_EQ(totals.attempted, 10u);
  EXPECT_EQ(totals.acknowledged, 4u);
  EXPECT_EQ(totals.ambiguous, 1u);
  EXPECT_EQ(totals.lost, 2u);
  EXPECT_EQ(totals.stale, 1u);
  EXPECT_DOUBLE_EQ(totals.loss_span_ms, 50);
  ledger.begin_reading();
  EXPECT_EQ(ledger.totals().lost, 0u);
}
