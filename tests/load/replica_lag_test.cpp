#include "tests/load/mariadb_server.hpp"
#include "tests/load/story.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace {

std::string at(std::uint16_t port) {
  return "127.0.0.1:" + std::to_string(port);
}

Json lag_spec(std::uint16_t primary, const std::vector<std::uint16_t>& replicas,
              int deadline_ms = 2'000) {
  std::vector<std::string> names;
  std::ranges::transform(replicas, std::back_inserter(names), at);
  return {
      {"probe", "orders_lag"},
      {"kind", "replica_lag"},
      {"rate_per_s", 50},
      {"deadline_ms", deadline_ms},
      {"seed", 3},
      {"args",
       {{"host", "127.0.0.1"}, {"port", primary}, {"database", "orders"}, {"replicas", names}}}};
}

std::string refusal_of(const Json& spec) {
  const auto told = run_for(0ms, spec);
  EXPECT_EQ(told.exit_code, 2);
  return told.error;
}

Json line_with(const Told& told, const char* field) {
  const auto line =
      std::ranges::find_if(told.seconds, [&](const Json& l) { return l.contains(field); });
  return line == told.seconds.end() ? Json() : (*line)[field];
}

/// A primary and a replica that follows it: started once, as that takes a second.
struct ReplicaLag : ::testing::Test {
  static void SetUpTestSuite() {
    primary = std::make_unique<MariaDb>();
    replica = std::make_unique<MariaDb>();
    replica->ask("SET GLOBAL server_id = 2");
    replica->ask(
        fmt::format("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={}, "
                    "MASTER_USER='manager', MASTER_PASSWORD='lab', "
                    "MASTER_USE_GTID=slave_pos",
                    primary->port()));
    replica->ask("START SLAVE");
  }
  static void TearDownTestSuite() {
    replica.reset();
    primary.reset();
  }
  void TearDown() override { apply(); }

  /// What arrived at the replica is applied, or left lying there.
  static void apply() { replica->ask("START SLAVE SQL_THREAD"); }
  static void apply_nothing() { replica->ask("STOP SLAVE SQL_THREAD"); }
  static std::string rows() { return primary->ask("SELECT COUNT(*) FROM faultline.heartbeats"); }
  static Json spec(int deadline_ms = 2'000) {
    return lag_spec(primary->port(), {replica->port()}, deadline_ms);
  }

  static std::unique_ptr<MariaDb> primary, replica;
};
std::unique_ptr<MariaDb> ReplicaLag::primary, ReplicaLag::replica;

}  // namespace

TEST_F(ReplicaLag, IsAFewMillisecondsWhereReplicasKeepUp) {
  const auto told = run_for(600ms, spec());
  const auto sent = told.samples.size();
  EXPECT_GE(sent, 25u);
  EXPECT_THAT(told.errors(), ElementsAre(Pair("good", sent)));  // from the very first one on
  std::vector<double> lags;
  std::ranges::transform(told.samples, std::back_inserter(lags), &Seen::latency_ms);
  std::ranges::nth_element(lags, lags.begin() + static_cast<std::ptrdiff_t>(sent / 2));
  EXPECT_LT(lags[sent / 2], 60) << "the median, on a busy machine";
  EXPECT_GT(lags[sent / 2], 0);
  EXPECT_EQ(line_with(told, "heartbeat_removed"), true);
  EXPECT_EQ(rows(), "0");
  EXPECT_TRUE(told.writes.is_null()) << "no writer: nothing of it can be lost";
}

/// All that was written while nothing was applied becomes visible at one moment, so that each
/// beat's lag is what was left until then.
TEST_F(ReplicaLag, CountsFromWhenABeatWasDue) {
  std::thread later;
  const auto told = run_for(1'400ms, spec(), {{300ms, [&] {
                                                 apply_nothing();
                                                 later = std::thread([] {
                                                   std::this_thread::sleep_for(700ms);
                                                   apply();
                                                 });
                                               }}});
  later.join();
  EXPECT_THAT(told.errors(), ElementsAre(Pair("good", told.samples.size())));
  std::vector<double> held, shown;
  for (const auto& sample : told.samples) {
    if (sample.latency_ms > 150) {
      held.push_back(sample.latency_ms);
      shown.push_back(sample.due_ms + sample.latency_ms);
    }
  }
  ASSERT_GE(held.size(), 15u);
  EXPECT_GE(*std::ranges::max_element(held), 600);
  const auto [first, last] = std::ranges::minmax_element(shown);
  EXPECT_LT(*last - *first, 100);
}

TEST_F(ReplicaLag, NamesTheReplicaThatIsBehind) {
  apply_nothing();
  const auto told =
      run_for(200ms, lag_spec(primary->port(), {primary->port(), replica->port()}, 300));
  EXPECT_THAT(told.errors(),
              ElementsAre(Pair("replica behind: " + at(replica->port()), told.samples.size())))
      << "the other one is the primary itself, which has everything";
}

TEST_F(ReplicaLag, TakesNoEarlierRunsBeatForItsOwn) {
  primary->ask(
      "INSERT INTO faultline.heartbeats VALUES ('faultline:orders_lag', 'earlier', 1000000)");
  while (replica->ask("SELECT COUNT(*) FROM faultline.heartbeats") == "0") {
    std::this_thread::sleep_for(5ms);
  }
  apply_nothing();
  const auto told = run_for(100ms, spec(200));
  EXPECT_THAT(told.errors(),
              ElementsAre(Pair("replica behind: " + at(replica->port()), told.samples.size())));
  EXPECT_EQ(rows(), "0");
}

TEST_F(ReplicaLag, TellsAReplicaThatIsGoneFromOneThatIsBehind) {
  const auto nobody = free_port().port;
  const auto told = run_for(300ms, lag_spec(primary->port(), {replica->port(), nobody}, 200));
  EXPECT_THAT(told.errors(),
              ElementsAre(Pair("replica unreachable: " + at(nobody) + ", connection refused",
                               told.samples.size())));
}

TEST_F(ReplicaLag, TellsAReplicaThatHangsFromOneThatIsBehind) {
  replica->signal(SIGSTOP);
  const auto told = run_for(200ms, spec(500));
  replica->signal(SIGCONT);
  ASSERT_FALSE(told.samples.empty());
  for (const auto& sample : told.samples) {
    EXPECT_THAT(sample.error, AllOf(HasSubstr("replica unreachable: " + at(replica->port())),
                                    HasSubstr("timeout")));
  }
}

TEST_F(ReplicaLag, NamesThePrimaryThatTakesNoBeatUntilItDoes) {
  const auto told = run_for(900ms, spec(),
                            {{200ms, [&] { primary->ask("SET GLOBAL read_only = 1"); }},
                             {500ms, [&] { primary->ask("SET GLOBAL read_only = 0"); }}});
  const auto counts = told.errors();
  EXPECT_GE(counts.at("primary: read only"), 5);
  EXPECT_EQ(counts.size(), 2u);
  EXPECT_EQ(told.samples.back().result, 0);
}

TEST_F(ReplicaLag, SaysThatThePrimaryIsGone) {
  const auto told = run_for(300ms, lag_spec(free_port().port, {replica->port()}));
  EXPECT_THAT(told.errors(), ElementsAre(Pair("primary: connection refused", told.samples.size())));
  EXPECT_EQ(line_with(told, "heartbeat_removed"), false);
}

TEST(ReplicaLagSpec, IsLimited) {
  EXPECT_THAT(refusal_of(lag_spec(3306, {})), HasSubstr("'replicas' must be 1 to 8 addresses"));
  auto spec = lag_spec(3306, {3307});
  spec["rate_per_s"] = 101;
  EXPECT_THAT(refusal_of(spec), HasSubstr("at most 100 beats/s"));
  spec["rate_per_s"] = 10;
  spec["args"]["replicas"] = {"10.0.1.30:3306"};
  EXPECT_THAT(refusal_of(spec), AllOf(HasSubstr("'replicas'"), HasSubstr("inside a lab only")));
  spec["args"]["replicas"] = {"127.0.0.1"};
  EXPECT_THAT(refusal_of(spec), HasSubstr("expected address:port, found '127.0.0.1'"));
  spec["args"]["replicas"] = {"127.0.0.1:3307"};
  spec["args"]["read_at"] = "127.0.0.1:3307";
  EXPECT_THAT(refusal_of(spec), HasSubstr("read_at"));
}
