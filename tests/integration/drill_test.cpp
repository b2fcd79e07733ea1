#include "tests/integration/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>

/// Experiments on the real lab, run as people run them.
namespace faultline::integration {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class DrillTest : public testing::Test {
 protected:
  /// An experiment around a method's body, in a file of its own.
  [[nodiscard]] std::string script(const std::string& body) const {
    return file("experiment.lua",
                "return experiment { name = 'test', hypothesis = 'it holds',\n"
                "method = function(run)\n" +
                    body + "\nend }\n");
  }
  [[nodiscard]] std::string file(const std::string& name, const std::string& text) const {
    const auto path = home_.path() / name;
    std::ofstream(path) << text;
    return path.string();
  }
  [[nodiscard]] std::vector<std::string> arguments(const std::string& experiment,
                                                   const std::string& profile = "hardened") const {
    return {"run",       experiment, "--env",  sources() + "/tests/integration/quick.lua",
            "--profile", profile,    "--json", "-"};
  }
  Outcome run(const std::string& experiment, const std::string& profile = "hardened") {
    const Outcome outcome = home_.run(arguments(experiment, profile));
    record = json::parse(outcome.out, nullptr, false);
    return outcome;
  }
  [[nodiscard]] std::string in_force() const {
    return json::parse(home_.run({"lab", "status", "--json"}).out)["in_force"].dump();
  }
  void lab_up() {
    const Outcome up = home_.run({"lab", "up"});
    ASSERT_EQ(up.code, 0) << up.err;
  }
  /// Starts a fault that would be held for a minute, and returns when its effect is proved.
  [[nodiscard]] std::unique_ptr<Program> hold(const std::vector<std::string>& fault) {
    std::vector<std::string> words{"inject"};
    words.insert(words.end(), fault.begin(), fault.end());
    words.insert(words.end(), {"--for", "60s"});
    auto program = home_.start(words);
    EXPECT_TRUE(program->says("effect_proved")) << program->wait().err;
    return program;
  }

  static constexpr auto short_cut =
      "local cut = run:inject(fault.az_partition { zone = 'c' })\n"
      "run:expect(good('login', 50), { over = 1*s })\n"
      "cut:revert()";
  /// Logs tell the time in ms, and the database's manager rounds down.
  static constexpr double clock_edge_ms = 2;
  TemporaryHome home_;
  json record;
};

TEST_F(DrillTest, HardenedSurvivesTheLossOfThePrimaryAndNothingIsLeft) {
  const Outcome told = run(script(R"(
    local down = run:inject(fault.redis_failover { cache = "sessions" })
    run:expect(recovered "sessions", { from = down, within = 5*s })
    run:expect(good("login", 90), { from = down, over = 6*s })
    run:expect(lost("sessions", 0), { from = down })
    down:revert()
    local lost_node = run:inject(fault.db_failover { database = "orders" })
    run:declare("the database's writable node is lost")
    run:expect(recovered "orders", { from = lost_node, within = 5*s })
    lost_node:revert())"));
  ASSERT_FALSE(record.is_discarded()) << told.err;
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  EXPECT_EQ(told.code, 0);
  const json& fault = record["faults"][0];
  EXPECT_TRUE(fault["effect"]["proved"]);
  EXPECT_TRUE(fault["residue"].empty()) << fault["residue"];
  EXPECT_THAT(fault["lasting_changes"].dump(), HasSubstr("a-redis -> "));
  EXPECT_GT(record["recovery"][0]["writes"]["acknowledged"], 100);
  EXPECT_GT(record["recovery"][0]["actual_ms"], 500) << "Sentinel cannot be that quick";
  for (const auto& [index, by] : {std::pair(0, "-sentinel"), std::pair(1, "db-manager")}) {
    const json& recovery = record["recovery"][index];
    double before = 0;
    for (const auto* step : {"detected", "decided", "done", "first_success", "sustained"}) {
      ASSERT_TRUE(recovery[std::string(step) + "_ms"].is_number()) << step << recovery["steps"];
      const auto at = recovery[std::string(step) + "_ms"].get<double>();
      EXPECT_GE(at + clock_edge_ms, before) << step << " came too early: " << recovery["steps"];
      before = at;
    }
    EXPECT_THAT(recovery["steps"][1]["by"].get<std::string>(), HasSubstr(by));
    EXPECT_GT(recovery["detected_ms"], 800) << "both have a detection time of a second or more";
  }
  EXPECT_EQ(record["recovery"][0]["declared_ms"], nullptr);
  EXPECT_LT(record["recovery"][1]["actual_from_declared_ms"], record["recovery"][1]["actual_ms"]);
  const json& also = record["recovery"][0]["also"];
  const auto fresh = std::ranges::find(
      also, "sessions_new", [](const json& view) { return view["probe"].get<std::string>(); });
  ASSERT_NE(fresh, also.end());
  EXPECT_EQ((*fresh)["connections"], "new");
  EXPECT_GT((*fresh)["actual_ms"], 500);
}

TEST_F(DrillTest, NaiveMissesTheRecoveryTimeAndTheRecordShowsHowLongItTook) {
  const Outcome told = run(script(R"(
    local down = run:inject(fault.redis_failover { cache = "sessions" })
    run:expect(recovered "sessions", { from = down, within = 5*s })
    down:revert())"),
                           "naive");
  ASSERT_FALSE(record.is_discarded()) << told.err;
  EXPECT_EQ(record["verdict"], "failed") << record["reason"];
  EXPECT_EQ(told.code, 1);
  EXPECT_GT(record["recovery"][0]["actual_ms"], 29'000);
  EXPECT_GT(record["recovery"][0]["detected_ms"], 29'000) << "which is why it took so long";
  EXPECT_LT(record["recovery"][0]["detected_ms"], record["recovery"][0]["actual_ms"]);
  EXPECT_THAT(told.err, HasSubstr("first symptom"));
}

TEST_F(DrillTest, EveryModeOfEveryFaultTakesHoldAndIsGoneAfterwards) {
  lab_up();
  for (const auto& fault : std::vector<std::vector<std::string>>{
           {"az_partition", "zone=b", "mode=full"},
           {"az_partition", "zone=b", "mode=inbound"},
           {"az_partition", "zone=c", "mode=outbound"},
           {"az_partition", "zone=b", "mode=loss", "loss=20"},
           {"az_partition", "zone=c", "mode=latency", "latency=50ms"},
           {"redis_failover", "cache=sessions", "mode=hang"},
           {"redis_failover", "cache=sessions", "mode=isolate"},
           {"redis_failover", "cache=sessions", "mode=switchover"},
           {"db_failover", "database=orders", "mode=crash"},
           {"db_failover", "database=orders", "mode=hang"},
           {"db_failover", "database=orders", "mode=isolate"},
           {"db_failover", "database=orders", "mode=switchover"},
           {"spot_reclaim", "instances=b-spot", "notice=1s", "grace=1s", "replace_after=1s"},
           {"snat_exhaustion", "mode=hog"},
           {"snat_exhaustion", "mode=shrink", "eips=1", "ports=64"},
           {"third_party", "dependency=pay", "mode=latency", "delay=3s"},
           {"third_party", "dependency=pay", "mode=blackhole"},
           {"third_party", "dependency=pay", "mode=reset"},
           {"third_party", "dependency=pay", "mode=status", "status=503", "share=50"},
           {"third_party", "dependency=pay", "mode=slow_body", "delay=3s"}}) {
    std::vector<std::string> words{"inject"};
    words.insert(words.end(), fault.begin(), fault.end());
    words.insert(words.end(), {"--for", "3s"});
    const Outcome told = home_.run(words);
    EXPECT_EQ(told.code, 0) << fault[0] << " " << fault[2 % fault.size()] << "\n" << told.err;
    EXPECT_THAT(told.err, HasSubstr("effect_proved")) << fault.back();
    EXPECT_THAT(told.err, HasSubstr("nothing left behind")) << fault.back();
  }
}

TEST_F(DrillTest, TwoFaultsOnOneZoneStackAndRevertInAnyOrder) {
  const Outcome told = run(script(R"(
    local cut = run:inject(fault.az_partition { zone = "c", mode = "inbound" })
    local more = run:inject(fault.az_partition { zone = "c", mode = "outbound" })
    cut:revert()
    run:expect(good("login", 50), { over = 1*s })
    more:revert())"));
  ASSERT_FALSE(record.is_discarded()) << told.err;
  EXPECT_THAT(told.err, HasSubstr("app: detected by alb (c-reserved)"));
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  for (const auto& fault : record["faults"]) {
    EXPECT_TRUE(fault["effect"]["proved"]) << fault;
  }
}

TEST_F(DrillTest, FaultsOfAllKindsAtOnceAndTwoOnOneResourceRevertInAnyOrder) {
  const Outcome told = run(script(R"(
    local slow = run:inject(fault.third_party { dependency = "pay", delay = 200*ms })
    local slower = run:inject(fault.third_party { dependency = "pay", delay = 400*ms })
    local far, farther, gone = run:inject(
      fault.az_partition { zone = "b", mode = "latency", latency = 20*ms },
      fault.az_partition { zone = "b", mode = "latency", latency = 30*ms },
      fault.spot_reclaim { instances = "c-spot", notice = 1*s, grace = 1*s, replace_after = 1*s })
    slow:revert()
    run:expect(good("login", 50), { over = 3*s })
    far:revert()
    gone:revert()
    slower:revert()
    farther:revert())"));
  ASSERT_FALSE(record.is_discarded()) << told.err;
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  ASSERT_EQ(record["faults"].size(), 5u);
  for (const auto& fault : record["faults"]) {
    EXPECT_TRUE(fault["effect"]["proved"]) << fault;
    EXPECT_TRUE(fault["residue"].empty()) << fault["residue"];
  }
}

TEST_F(DrillTest, KilledInTheMiddleAndRecoveredNothingOfTheFaultIsLeft) {
  lab_up();
  for (const auto& fault :
       std::vector<std::vector<std::string>>{{"az_partition", "zone=b"},
                                             {"az_partition", "zone=b", "mode=latency"},
                                             {"redis_failover", "cache=sessions"},
                                             {"db_failover", "database=orders"},
                                             {"spot_reclaim", "instances=b-spot"},
                                             {"snat_exhaustion"},
                                             {"third_party", "dependency=pay", "mode=latency"}}) {
    const auto program = hold(fault);
    ::kill(home_.guard(), SIGKILL);  // else it is faster; see guard_test.cpp
    program->signal(SIGKILL);
    const Outcome recovered = home_.run({"recover"});
    EXPECT_EQ(recovered.code, 0) << recovered.err;
    EXPECT_THAT(recovered.out, HasSubstr("reverted, nothing left"));
    EXPECT_EQ(in_force(), "[]");
    const Outcome rules = home_.run({"lab", "exec", "core", "--", "nft", "list", "ruleset"});
    EXPECT_THAT(rules.out, Not(HasSubstr("fl_")));
    EXPECT_THAT(home_.run({"recover"}).out, HasSubstr("nothing to recover"));
  }
}

TEST_F(DrillTest, KilledWithAPrivateLabEverythingIsGoneWithIt) {
  auto program = home_.start({"inject", "az_partition", "zone=b", "--for", "60s"});
  ASSERT_TRUE(program->says("effect_proved"));
  ::kill(home_.guard(), SIGKILL);
  program->signal(SIGKILL);
  program.reset();
  const Outcome recovered = home_.run({"recover"});
  EXPECT_EQ(recovered.code, 0) << recovered.err;
  EXPECT_THAT(recovered.out, HasSubstr("its environment is gone"));
}

TEST_F(DrillTest, TheLabRevertsByItselfWhenItsOwnerIsSilentForTenSeconds) {
  lab_up();
  const auto program = hold({"az_partition", "zone=b"});
  program->signal(SIGSTOP);
  ::kill(home_.guard(), SIGKILL);
  ASSERT_THAT(in_force(), HasSubstr("network.cut"));
  const Outcome waited = home_.run({"lab", "exec", "control", "--", "sleep", "11"});
  ASSERT_EQ(waited.code, 0);
  EXPECT_EQ(in_force(), "[]");
  program->signal(SIGCONT);
  const Outcome ended = program->wait();
  EXPECT_NE(ended.code, 0) << "a run that lost its environment is no pass";
}

TEST_F(DrillTest, AbortAndCtrlCRevertAndAreNoPass) {
  lab_up();
  const auto aborted = hold({"az_partition", "zone=b"});
  const Outcome abort = home_.run({"abort", "--reason", "seen enough"});
  EXPECT_EQ(abort.code, 0) << abort.err;
  EXPECT_EQ(in_force(), "[]");
  EXPECT_EQ(aborted->wait().code, 4);

  const auto interrupted = hold({"az_partition", "zone=b"});
  interrupted->signal(SIGINT);
  EXPECT_EQ(interrupted->wait().code, 130);
  EXPECT_EQ(in_force(), "[]");
}

TEST_F(DrillTest, ASecondRunOnOneLabIsRefusedOrWaits) {
  lab_up();
  const auto first = home_.start({"inject", "az_partition", "zone=b", "--for", "3s"});
  ASSERT_TRUE(first->says("effect_proved"));
  const Outcome second = home_.run({"inject", "az_partition", "zone=c", "--for", "1s"});
  EXPECT_EQ(second.code, 3);
  EXPECT_THAT(second.err, HasSubstr("the lab is owned by run"));
  const Outcome waited = home_.run({"run", script(short_cut), "--env",
                                    sources() + "/tests/integration/quick.lua", "--wait", "60s"});
  EXPECT_EQ(waited.code, 0) << waited.err;
}

struct BadScript {
  const char* name;
  const char* body;
  int code;
  const char* says;
};

class BadScripts : public DrillTest, public testing::WithParamInterface<BadScript> {};

TEST_P(BadScripts, AreFoundBeforeAnythingIsTouched) {
  const auto& bad = GetParam();
  const Outcome told = run(script(bad.body));
  EXPECT_EQ(told.code, bad.code) << told.err;
  EXPECT_THAT(told.err, HasSubstr(bad.says));
  EXPECT_THAT(told.err, HasSubstr("experiment.lua:")) << "no place";
  EXPECT_THAT(told.err, Not(HasSubstr("run_started")));
}

INSTANTIATE_TEST_SUITE_P(
    , BadScripts,
    testing::Values(
        BadScript{"Syntax", "if x then", 2, "unexpected symbol"},
        BadScript{"MisspeltParameter", "run:inject(fault.redis_failover { cahce = 'sessions' })", 2,
                  "did you mean 'cache'?"},
        BadScript{"MisspeltFault", "run:inject(fault.redis_failovr {})", 2, "redis_failover"},
        BadScript{"WrongUnit", "run:wait(20)", 2, "expected a duration such as 20*s, found 20"},
        BadScript{"UnknownZone", "run:inject(fault.az_partition { zone = 'd' })", 2, "no zone"},
        BadScript{"NothingSelected",
                  "run:log(instances { service = 'app', zone = 'a', spot = true, share = 0 })", 3,
                  "matches nothing"},
        BadScript{"CaughtAway",
                  "pcall(function() run:inject(fault.az_partition { zone = 'q' }) end)\n"
                  "run:inject(fault.az_partition { zone = 'c' })",
                  2, "no zone"},
        BadScript{"EndlessLoop", "while true do pcall(function() while true do end end) end", 2,
                  "instructions"},
        BadScript{"MemoryBomb", "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000) .. i end", 2,
                  "memory"},
        BadScript{"StringBomb", "pcall(string.rep, 'x', 1e10) local x = ('x'):rep(1e10)", 2,
                  "a string may have at most 1024 KiB"}),
    [](const testing::TestParamInfo<BadScript>& bundle) { return bundle.param.name; });

TEST_F(DrillTest, AnEndlessLoopThatTheDryPassCannotSeeEndsInconclusiveAndReverted) {
  const Outcome told = run(script(R"(
    local down = run:inject(fault.redis_failover { cache = "sessions" })
    if not run:expect(recovered "sessions", { from = down, within = 1*ms }) then
      while true do pcall(function() while true do end end) end
    end)"));
  ASSERT_FALSE(record.is_discarded()) << told.err;
  EXPECT_EQ(told.code, 3);
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_TRUE(record["faults"][0]["residue"].empty());
}

TEST_F(DrillTest, AnUnwritableHomeInjectsNothing) {
  const Outcome told =
      Program({program("faultline"), "inject", "az_partition", "zone=b", "--for", "1s"},
              {{"FAULTLINE_HOME", "/dev/null/home"}})
          .wait();
  EXPECT_EQ(told.code, 3);
  EXPECT_THAT(told.err, HasSubstr("nothing was injected"));
  EXPECT_THAT(told.err, HasSubstr("/dev/null/home"));
}

TEST_F(DrillTest, AFullDiskInjectsNothing) {
  const auto disk = home_.path() / "disk";
  fs::create_directories(disk);
  const Outcome told =
      Program({"unshare", "-Urm", "sh", "-c",
               "mount -t tmpfs -o size=64k full " + disk.string() + " && mkdir " + disk.string() +
                   "/journal && { dd if=/dev/zero of=" + disk.string() +
                   "/fill bs=4k 2>/dev/null || true; } && exec " + program("faultline") +
                   " inject az_partition zone=b --for 1s"},
              {{"FAULTLINE_HOME", disk.string()}})
          .wait();
  EXPECT_EQ(told.code, 3) << told.err;
  EXPECT_THAT(told.err, HasSubstr("nothing was injected"));
}

TEST_F(DrillTest, HistoryAndShowTellOfTheRun) {
  run(script(short_cut));
  const auto id = record["id"].get<std::string>();
  EXPECT_THAT(home_.run({"history"}).out, HasSubstr(id));
  EXPECT_THAT(home_.run({"show", "last"}).out, HasSubstr("passed"));
  const Outcome whole = home_.run({"show", id, "--json"});
  EXPECT_EQ(json::parse(whole.out)["id"], id);
}

}  // namespace
}  // namespace faultline::integration
