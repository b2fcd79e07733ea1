#include "orchestrator/load/sql_error.hpp"
#include "tests/load/mariadb_server.hpp"
#include "tests/load/story.hpp"

namespace {

Json rows_spec(std::uint16_t port, double rate = 100) {
  return {{"probe", "orders"},
          {"kind", "sql_writes"},
          {"rate_per_s", rate},
          {"deadline_ms", 2'000},
          {"seed", 3},
          {"args",
           {{"host", "127.0.0.1"},
            {"port", port},
            {"database", "orders"},
            {"prefix", "run-1"},
            {"read_back_within_ms", 5'000}}}};
}

std::string refusal_of(const Json& spec) {
  const auto told = run_for(0ms, spec);
  EXPECT_EQ(told.exit_code, 2);
  return told.error;
}

std::size_t open_files() {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

struct SqlWrites : ::testing::Test {
  std::string rows_left() { return db.ask("SELECT COUNT(*) FROM faultline.writes"); }

  MariaDb db;
};

}  // namespace

TEST_F(SqlWrites, AreAllFoundAgainAndThenRemoved) {
  const auto told = run_for(600ms, rows_spec(db.port(), 400));
  const auto sent = told.samples.size();
  EXPECT_EQ(told.exit_code, 0);
  EXPECT_THAT(told.errors(), ElementsAre(Pair("good", sent)));  // from the very first one on
  const auto& writes = told.writes["writes"];
  EXPECT_EQ(writes["attempted"], sent);
  EXPECT_EQ(writes["acknowledged"], sent);
  EXPECT_EQ(writes["ambiguous"], 0);
  EXPECT_EQ(writes["lost"], 0);
  EXPECT_EQ(writes["duplicated"], 0);
  EXPECT_EQ(rows_left(), "0");
}

TEST_F(SqlWrites, ThatAreNotThereAreLostAndThoseWithAnotherValueStale) {
  const auto told = run_for(
      600ms, rows_spec(db.port()),
      {{500ms, [&] {
          db.ask("DELETE FROM faultline.writes WHERE n BETWEEN 10 AND 19");
          db.ask(
              "UPDATE faultline.writes SET value = 'x' WHERE n = 30 AND writer = 'run-1:orders'");
        }}});
  const auto& writes = told.writes["writes"];
  EXPECT_EQ(writes["lost"], 10);
  EXPECT_EQ(writes["stale"], 1);
  EXPECT_NEAR(writes["loss_span_ms"].get<double>(), 90, 0.01);
}

TEST_F(SqlWrites, GoOnAtOnceWhenAKilledServerIsBack) {
  const auto told = run_for(1'200ms, rows_spec(db.port()),
                            {{300ms, [&] { db.kill(); }}, {600ms, [&] { db.start(); }}});
  const auto counts = told.errors();
  EXPECT_GE(counts.at("connection refused"), 15);
  EXPECT_GE(counts.at("good"), 50);
  EXPECT_EQ(told.samples.back().result, 0);
  const auto& writes = told.writes["writes"];
  EXPECT_EQ(writes["lost"], 0);
  EXPECT_LE(writes["ambiguous"], 4);  // what was on one of the four connections
  EXPECT_EQ(rows_left(), "0");
}

TEST_F(SqlWrites, AreShortAttemptsAtAServerThatHangs) {
  const auto told =
      run_for(3'000ms, rows_spec(db.port()),
              {{300ms, [&] { db.signal(SIGSTOP); }}, {1'900ms, [&] { db.signal(SIGCONT); }}});
  const auto counts = told.errors();
  EXPECT_GE(counts.at("timeout"), 50);          // those of the first second
  EXPECT_GE(counts.at("connect timeout"), 20);  // those that find no connection afterwards
  for (const auto& sample : told.samples) {
    EXPECT_LT(sample.latency_ms, 1'200) << sample.due_ms;  // never longer, so the loop went on
    EXPECT_TRUE(sample.result == 0 || sample.due_ms < 2'600) << sample.due_ms << sample.error;
  }
  EXPECT_EQ(told.writes["writes"]["lost"], 0);
  EXPECT_GE(told.writes["writes"]["ambiguous"], 1);
  EXPECT_EQ(rows_left(), "0");  // those without an answer are removed too
}

TEST_F(SqlWrites, AtAReadOnlyNodeSaySoUntilItIsWritable) {
  const auto told = run_for(900ms, rows_spec(db.port()),
                            {{200ms, [&] { db.ask("SET GLOBAL read_only = 1"); }},
                             {500ms, [&] { db.ask("SET GLOBAL read_only = 0"); }}});
  EXPECT_GE(told.errors().at("read only"), 10);
  EXPECT_EQ(told.errors().size(), 2u);
  EXPECT_EQ(told.samples.back().result, 0);
  EXPECT_EQ(told.writes["writes"]["ambiguous"], 0);  // the server said no
  EXPECT_EQ(told.writes["writes"]["lost"], 0);
}

TEST_F(SqlWrites, ThatCannotBeReadBackFromAWritableNodeAreUnknownNeverZero) {
  auto spec = rows_spec(db.port());
  spec["args"]["read_back_within_ms"] = 300;
  const auto told = run_for(400ms, spec, {{300ms, [&] { db.ask("SET GLOBAL read_only = 1"); }}});
  EXPECT_TRUE(told.writes["writes"].is_null());
  EXPECT_THAT(told.writes["error"].get<std::string>(),
              AllOf(HasSubstr("within 300 ms"), HasSubstr("the node behind it is read-only")));
  EXPECT_EQ(told.exit_code, 0);
}

TEST_F(SqlWrites, AreReadBackElsewhereWhenAskedTo) {
  // What an isolated primary has accepted is not where everybody else reads.
  MariaDb other;
  auto spec = rows_spec(db.port());
  spec["args"]["read_host"] = "127.0.0.1";
  spec["args"]["read_port"] = other.port();
  const auto told = run_for(300ms, spec);
  const auto& writes = told.writes["writes"];
  EXPECT_GE(writes["acknowledged"], 30);
  EXPECT_EQ(writes["lost"], writes["acknowledged"]);
}

TEST(SqlWritesWithoutServer, NameWhyNobodyAnswersAndLeaveNothingOpen) {
  const auto before = open_files();
  const auto refused = run_for(300ms, rows_spec(free_port().port));
  EXPECT_THAT(refused.errors(), ElementsAre(Pair("connection refused", refused.samples.size())));
  EXPECT_EQ(refused.writes["writes"]["acknowledged"], 0);
  const DeafListener deaf;
  const auto with_listener = open_files();
  const auto late = run_for(1'200ms, rows_spec(deaf.at().port));
  EXPECT_THAT(late.errors(), ElementsAre(Pair("connect timeout", late.samples.size())));
  EXPECT_EQ(open_files(), with_listener);
  EXPECT_GE(with_listener, before);
}

TEST(SqlWritesWithoutServer, AProxyWithoutServersClosesEarlyAndASilentOneTimesOut) {
  asio::io_context io;
  tcp::acceptor proxy(io, {asio::ip::address_v4::loopback(), 0});
  std::function<void()> close_next = [&] {
    proxy.async_accept([&](auto error, tcp::socket) {
      if (!error) {
        close_next();
      }
    });
  };
  close_next();
  std::thread serving([&] { io.run(); });
  const auto closed = run_for(300ms, rows_spec(proxy.local_endpoint().port()));
  io.stop();
  serving.join();
  EXPECT_THAT(closed.errors(), ElementsAre(Pair("closed early", closed.samples.size())));
  Server silent(resp_framing, [](auto, const auto&) { return Answer{.never = true}; });
  const auto late = run_for(300ms, rows_spec(silent.port()));
  EXPECT_THAT(late.errors(), ElementsAre(Pair("connect timeout", late.samples.size())));
}

TEST(SqlWritesWithoutServer, AreLimitedInRateAndName) {
  auto spec = rows_spec(3306, 600);
  EXPECT_THAT(refusal_of(spec), AllOf(HasSubstr("600 rows/s to orders"), HasSubstr("500/s"),
                                      HasSubstr("'max_rate_per_s'")));
  spec["rate_per_s"] = 10;
  spec["args"]["prefix"] = std::string(80, 'p');
  EXPECT_THAT(refusal_of(spec), HasSubstr("at most 80 fit"));
  spec["args"]["prefix"] = "p";
  spec["args"]["host"] = "10.0.0.30";
  EXPECT_THAT(refusal_of(spec), AllOf(HasSubstr("'host'"), HasSubstr("inside a lab only")));
  spec["args"]["host"] = "127.0.0.1";
  spec["args"]["read_host"] = "10.0.0.30";
  EXPECT_THAT(refusal_of(spec), AllOf(HasSubstr("'read_host'"), HasSubstr("inside a lab only")));
}

TEST(SqlErrors, AreNamedAsPeopleSayThem) {
  using faultline::sql::failure_of;
  const auto name = [](int number, const char* text, bool connecting) {
    return sql_error_class(failure_of(number, text, connecting));
  };
  EXPECT_EQ(name(2002, "Can't connect to server on '10.0.1.30' (111)", true), "connection refused");
  EXPECT_EQ(name(2002, "Can't connect to server on '10.0.1.30' (113)", true), "unreachable");
  EXPECT_EQ(name(2013, "Lost connection to server at 'reading', system error: 104", false),
            "reset");
  EXPECT_EQ(name(2013, "Lost connection to server during query", false), "closed early");
  EXPECT_EQ(name(1290, "", false), "read only");
  EXPECT_EQ(name(1045, "", true), "access denied");
  EXPECT_EQ(name(1040, "", true), "too many connections");
  EXPECT_EQ(name(1053, "", false), "server shutting down");
  EXPECT_EQ(name(1146, "", false), "sql error 1146");
  EXPECT_EQ(name(1213, "", false), "sql error 1213");
  EXPECT_EQ(sql_error_class({}), "");
}
