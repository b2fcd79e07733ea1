#include "tests/script/lab_world.hpp"

#include <gmock/gmock.h>

namespace faultline::script {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

std::string wrong(const std::string& fields) {
  const Folder folder;
  const auto environment = load_environment(
      folder.write("env.lua", "return environment { name = 'x', " + fields + " }").string(), {});
  return environment ? "" : environment.error().message;
}

const std::string one_probe = "probes = { home = tcp { address = '10.0.0.10:80', rate = 10 } }";

TEST(Environment, TheLabIsStagingWithThreeZones) {
  const auto lab = lab_environment();
  EXPECT_EQ(lab.name, "lab");
  EXPECT_EQ(lab.target, "lab");
  EXPECT_TRUE(lab.staging);
  EXPECT_THAT(lab.zones, ElementsAre("a", "b", "c"));
  EXPECT_EQ(lab.client_deadline, 5s);
  EXPECT_EQ(lab.rto.at("sessions"), 5s);
  EXPECT_EQ(lab.rpo.at("sessions"), 0u);
  EXPECT_EQ(lab.rpo.at("orders"), 0u);
  EXPECT_EQ(lab.stores.at("sessions"), "cache");
  EXPECT_EQ(lab.stores.at("orders"), "database");
  EXPECT_EQ(lab.guardrails.zones_at_once, 1u);
  EXPECT_EQ(lab.guardrails.max_duration, 5min);
  EXPECT_THAT(lab.source, HasSubstr("-- How long a client waits"));
  EXPECT_EQ(lab.sha256.size(), 64u);
}

TEST(Environment, TheLabsLoadIs200RequestsPerSecondOfUsers) {
  const auto lab = lab_environment();
  const auto& login = lab.probes.at("login");
  EXPECT_EQ(login.kind, "http");
  EXPECT_EQ(login.args["host"], "10.0.0.10");
  EXPECT_EQ(login.args["port"], 80);
  EXPECT_EQ(login.args["path"], "/login");
  EXPECT_EQ(login.args["method"], "POST");
  EXPECT_EQ(login.deadline, 5s);
  EXPECT_EQ(login.threshold, 5s);
  EXPECT_EQ(
      login.rate_per_s + lab.probes.at("catalog").rate_per_s + lab.probes.at("checkout").rate_per_s,
      200);
  const auto& sessions = lab.probes.at("sessions");
  EXPECT_EQ(sessions.store, "sessions");
  EXPECT_EQ(sessions.args["sentinels"].size(), 3u);
  const auto& orders = lab.probes.at("orders");
  EXPECT_EQ(orders.kind, "sql_writes");
  EXPECT_EQ(orders.args["read_host"], "10.0.0.30") << "read where it writes";
}

TEST(Environment, UnknownNamesAreRefusedWithTheNearest) {
  EXPECT_THAT(load_environment("labb", {}).error().message, HasSubstr("did you mean 'lab'?"));
  EXPECT_THAT(wrong("guardrail = {}"), HasSubstr("did you mean 'guardrails'?"));
  EXPECT_THAT(wrong(one_probe + ", guardrails = {\n zones_at_one = 1 }"),
              HasSubstr("env.lua:2: guardrails: unknown field 'zones_at_one'"));
  EXPECT_THAT(wrong(one_probe + ", slo = { home = good('hom', 90) }"),
              HasSubstr("unknown probe 'hom'; did you mean 'home'?"));
  EXPECT_THAT(wrong(one_probe + ", guardrails = { approval = { 'ireversible' } }"),
              HasSubstr("did you mean 'irreversible'?"));
}

TEST(Guardrails, AreReadAsTheyAreWritten) {
  const Folder folder;
  const auto environment = load_environment(folder
                                                .write("env.lua", R"(return environment {
    name = "x", zones = { "a", "b" }, tenants = 7,
    probes = { home = tcp { address = "10.0.0.10:80", rate = 10 } },
    caches = { sessions = {} }, databases = { orders = {} },
    guardrails = {
      max_instances = 40,
      protected = { "zone b", "cache sessions", "host pay" },
      keep_quorum = { "sessions", "orders" },
      approval = { "compensable" },
      freeze = {
        { from = "2026-12-24", to = "2027-01-02", reason = "end of the year" },
        { days = "fri-sun" },
      },
    } })")
                                                .string(),
                                            {});
  ASSERT_TRUE(environment) << environment.error().message;
  const auto& rails = environment->guardrails;
  EXPECT_EQ(environment->tenants, 7u);
  EXPECT_EQ(rails.max_instances_percent, 40);
  EXPECT_THAT(rails.protected_resources, ElementsAre("cache sessions", "host pay", "zone b"));
  EXPECT_THAT(rails.keep_quorum, ElementsAre("orders", "sessions"));
  EXPECT_THAT(rails.needs_approval, ElementsAre("compensable"));
  ASSERT_EQ(rails.freeze.size(), 2u);
  EXPECT_EQ(engine::in_words(rails.freeze[0]), "2026-12-24 to 2027-01-02 UTC (end of the year)");
  EXPECT_EQ(engine::in_words(rails.freeze[1]), "sun, fri, sat UTC");
  EXPECT_THAT(rails.file, HasSubstr("env.lua"));
}

struct BadGuardrail {
  std::string fields, expected;
};
class BadGuardrails : public testing::TestWithParam<BadGuardrail> {};

/// The line is the field's own, although a probe above has a field of that name.
TEST_P(BadGuardrails, AreRefusedWithTheirLineAndWhatWasMeant) {
  const auto said = wrong(
      "zones = { 'a', 'b' }, caches = { sessions = {} }, databases = { orders = {} },\n"
      "probes = { home = tcp { address = '10.0.0.10:80', rate = 10,\n from = 'client' } },\n"
      "guardrails = {\n" +
      GetParam().fields + " } ");
  EXPECT_THAT(said, HasSubstr("env.lua:5: "));
  EXPECT_THAT(said, HasSubstr(GetParam().expected));
}

INSTANTIATE_TEST_SUITE_P(
    Values, BadGuardrails,
    testing::Values(BadGuardrail{"zones_at_once = 1.5", "expected a whole number, found 1.5"},
                    BadGuardrail{"max_instances = 120",
                                 "expected a number from 0 to 100, found 120"},
                    BadGuardrail{"max_duration = 0*s", "expected a duration above 0"},
                    BadGuardrail{"protected = { 'c' }", "with their kind, such as \"zone c\""},
                    BadGuardrail{"protected = { 'zon a' }", "did you mean 'zone'?"},
                    BadGuardrail{"protected = { 'zone d' }", "found 'd'; known: a, b"},
                    BadGuardrail{"protected = { 'cache sesions' }", "did you mean 'sessions'?"},
                    BadGuardrail{"keep_quorum = { 'order' }", "did you mean 'orders'?"},
                    BadGuardrail{"freeze = 'sat'", "expected a list of 1 to 100 windows"},
                    BadGuardrail{"freeze = { { dayz = 'sat' } }", "did you mean 'days'?"},
                    BadGuardrail{"freeze = { { days = 'sat-sum' } }", "did you mean 'sun'?"},
                    BadGuardrail{"freeze = { { from = '2026-02-30', to = '2026-03-01' } }",
                                 "expected a day such as \"2026-12-24\", found '2026-02-30'"},
                    BadGuardrail{"freeze = { { from = '2026-03-01' } }", "or all three"},
                    BadGuardrail{"freeze = { { from = '2026-03-02', to = '2026-03-01' } }",
                                 "'to' is before 'from'"}));

TEST(Environment, MayWatchHowFarItsReplicasAreBehind) {
  const Folder folder;
  const auto with = [&](const std::string& fields) {
    return load_environment(
        folder
            .write("env.lua",
                   "return environment { name = 'x', databases = { orders = {} }, slo = "
                   "{ lag = latency('lag', { p = 95, below = 1*s }) }, probes = { lag "
                   "= replica_lag { database = 'orders', address = '10.0.0.30:3306', " +
                       fields + " } } }")
            .string(),
        {});
  };
  const auto environment = with("replicas = { '10.0.1.30:3306', 'localhost:3307' }, rate = 10");
  ASSERT_TRUE(environment) << environment.error().message;
  const auto& lag = environment->probes.at("lag");
  EXPECT_EQ(lag.kind, "replica_lag");
  EXPECT_EQ(lag.store, "orders");
  EXPECT_EQ(lag.args, (engine::Json{{"database", "orders"},
                                    {"host", "10.0.0.30"},
                                    {"port", 3306},
                                    {"replicas", {"10.0.1.30:3306", "127.0.0.1:3307"}}}));
  EXPECT_FALSE(lag.writes()) << "its rows are not among those that may be lost";
  EXPECT_FALSE(lag.shows_recovery);
  EXPECT_FALSE(lag.on_new_connections());
  EXPECT_THAT(with("rate = 10").error().message, HasSubstr("'replicas' is missing"));
  EXPECT_THAT(with("rate = 10, replicas = {}").error().message, HasSubstr("1 to 8 addresses"));
  EXPECT_THAT(with("rate = 10, replicas = { 'b-db' }").error().message,
              HasSubstr("expected an address such as 10.0.0.10:80, found 'b-db'"));
  EXPECT_THAT(with("rate = 101, replicas = { '10.0.1.30:3306' }").error().message,
              HasSubstr("expected a number from 0.01 to 100, found 101"));
}

TEST(Environment, ABaselineThatNobodySetIsAsLongAsItsPromisesTake) {
  const Folder folder;
  const auto baseline = [&](const std::string& fields) {
    return load_environment(folder
                                .write("env.lua", "return environment { name = 'x', " + one_probe +
                                                      fields + " }")
                                .string(),
                            {})
        .value()
        .baseline;
  };
  EXPECT_EQ(baseline(""), 10s);
  EXPECT_EQ(baseline(", slo = { home = good('home', 90) }"), 10s) << "29 requests take 2.9 s";
  EXPECT_EQ(baseline(", slo = { home = good('home', 99) }"), 30s) << "299 requests at 10/s";
  EXPECT_EQ(baseline(", slo = { home = good('home', 99) }, baseline = 20*s"), 20s);
}

TEST(Environment, WrongValuesSayWhatWasExpected) {
  EXPECT_THAT(wrong("client_deadline = 5, " + one_probe),
              HasSubstr("duration such as 20*s, found 5"));
  EXPECT_THAT(wrong("baseline = -1*s, " + one_probe), HasSubstr("above 0"));
  EXPECT_THAT(wrong("zones = 'a'"), HasSubstr("expected a list"));
  EXPECT_THAT(wrong(one_probe + ", slo = { x = alert 'Broken' }"),
              HasSubstr("of steady state write quiet \"Broken\""));
  EXPECT_THAT(wrong("probes = { x = 3 }"), HasSubstr("must be http { ... }"));
  EXPECT_THAT(wrong("probes = { x = http { rate = 1, url = 'ftp://x' } }"),
              HasSubstr("expected http://10.0.0.10:80/path, found 'ftp://x'"));
  EXPECT_THAT(wrong("probes = { x = http { rate = 1, url = 'http://shop/' } }"),
              HasSubstr("expected an address such as 10.0.0.10:80, found 'shop'"));
  EXPECT_THAT(wrong("probes = { x = tcp { rate = 0, address = '10.0.0.1:1' } }"),
              HasSubstr("expected a number from 0.01 to 5000, found 0"));
  EXPECT_THAT(wrong("probes = { x = redis { rate = 1, cache = 'c', sentinels = {} } }"),
              HasSubstr("expected 1 to 16 addresses"));
  EXPECT_THAT(wrong("probes = { x = sql_writes { rate = 1, database = 'shop', address = "
                    "'10.0.0.1:3306' } }, databases = { orders = {} }, caches = { shop = {} }"),
              HasSubstr("unknown database 'shop'; known: orders"));
  EXPECT_THAT(wrong(one_probe + ", databases = { x = {} }, caches = { x = {} }"),
              HasSubstr("there is a cache or database of that name already"));
  EXPECT_THAT(wrong(one_probe + ", slo = { home = latency('home', { versus_baseline = { times = 2 "
                                "} }) }"),
              HasSubstr("versus_baseline in run:expect"));
}

TEST(Environment, MayBeWatchedByAPrometheus) {
  const Folder folder;
  const auto read = [&](const std::string& fields) {
    return load_environment(folder
                                .write("env.lua", "return environment { name = 'x', " + one_probe +
                                                      fields + " }")
                                .string(),
                            {})
        .value()
        .prometheus;
  };
  EXPECT_EQ(read("").url, "");
  const auto local = read(", prometheus = { url = 'http://localhost:9090' }");
  EXPECT_EQ(local.url, "http://localhost:9090/");
  EXPECT_EQ(local.scrape_interval, 15s);
  const auto other = read(
      ", prometheus = { url = 'http://10.0.0.9:9090/prom', allow = { '10.0.0.9' }, "
      "scrape_interval = 5*s }, slo = { up = metric('sum(up)', { above = 3 }) }");
  EXPECT_EQ(other.url, "http://10.0.0.9:9090/prom");
  EXPECT_THAT(other.allowed, ElementsAre("10.0.0.9"));
  EXPECT_EQ(other.scrape_interval, 5s);
}

TEST(Environment, AsksNoPrometheusElsewhereAndNoneThatIsNotThere) {
  const auto with = [](const std::string& fields) {
    return wrong(one_probe + ",\nprometheus = {\n " + fields + " }");
  };
  EXPECT_THAT(with("url = 'http://10.0.0.9:9090'"),
              AllOf(HasSubstr("env.lua:3: prometheus: 10.0.0.9: requests go to loopback only"),
                    HasSubstr("allow = { \"ADDRESS\" }")));
  EXPECT_THAT(with("url = 'http://prometheus:9090'"), HasSubstr("names are not looked up"));
  EXPECT_THAT(with("url = 'ftp://127.0.0.1'"), HasSubstr("found the protocol 'ftp'"));
  EXPECT_THAT(with("url = 'http://me:secret@127.0.0.1'"),
              AllOf(HasSubstr("found a user in it"), Not(HasSubstr("secret"))));
  EXPECT_THAT(with("url = 'http://127.0.0.1/?a=b'"), HasSubstr("in front of /api"));
  EXPECT_THAT(with("allow = { '10.0.0.9' }"), HasSubstr("'url' is missing"));
  EXPECT_THAT(with("url = 'http://127.0.0.1', allow = { 'core' }"),
              HasSubstr("expected IP addresses such as \"10.0.0.9\", found 'core'"));
  EXPECT_THAT(with("url = 'http://127.0.0.1', scrape_interval = 0*s"), HasSubstr("above 0"));
  EXPECT_THAT(with("url = 'http://127.0.0.1', scrap_interval = 5*s"),
              HasSubstr("did you mean 'scrape_interval'?"));
  EXPECT_THAT(wrong(one_probe + ", slo = { a = quiet 'Broken' }"),
              HasSubstr("env.lua:1) asks a Prometheus, and the environment has none"));
}

TEST(Environment, RefusesAnObjectiveThatItsBaselineCannotExpress) {
  EXPECT_THAT(wrong(one_probe + ", baseline = 10*s, slo = { home = good('home', 99.9) }"),
              HasSubstr("100 requests, and it needs 1000"));
  EXPECT_EQ(wrong(one_probe + ", baseline = 10*s, slo = { home = good('home', 99) }"), "");
}

TEST(Environment, NothingIsInjectedUnlessItIsStaging) {
  const Folder folder;
  auto environment = lab_environment();
  environment.staging = false;
  const auto experiment = load(folder, with_method("")).value();
  const auto steps = dry_run(experiment, environment, {lab_world(), lab_capabilities()});
  ASSERT_FALSE(steps);
  EXPECT_THAT(steps.error().message, HasSubstr("staging = true"));
}

}  // namespace
}  // namespace faultline::script
