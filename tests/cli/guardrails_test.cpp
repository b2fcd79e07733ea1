#include "orchestrator/cli/commands.hpp"
#include "orchestrator/cli/look.hpp"
#include "tests/cli/folder.hpp"

#include <gmock/gmock.h>

#include <sstream>

/// What plan shows of the blast radius, and what run and inject refuse before they touch anything.
namespace faultline::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string scripts = std::string(FAULTLINE_SOURCE_DIR) + "/scripts/lua/";

class Guarded : public testing::Test {
 protected:
  struct Said {
    int code = 0;
    std::string out, err;
  };
  Said say(const std::string& arguments) {
    CLI::App app;
    Context context;
    context.home = folder_.path() / "home";
    context.cache = folder_.path() / "cache";
    for (const auto add : {add_plan, add_run, add_inject, add_env}) {
      add(app, context);
    }
    app.parse(arguments);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Said said;
    said.code = context.action();
    said.out = testing::internal::GetCapturedStdout();
    said.err = testing::internal::GetCapturedStderr();
    return said;
  }
  /// An environment like the lab with these guardrails.
  std::string environment(const std::string& guardrails, const std::string& more = "") {
    return folder_.write("env.lua",
                         "return environment { name = 'lab', staging = true, zones = { 'a', 'b', "
                         "'c' },\ncaches = { sessions = {} }, databases = { orders = {} },\n"
                         "probes = { home = tcp { address = '10.0.0.10:80', rate = 100 } },\n" +
                             more + "guardrails = { " + guardrails + " } }");
  }
  std::string script(const std::string& method) {
    return folder_.write("x.lua",
                         "return experiment { name = 'x', hypothesis = 'h', method = "
                         "function(run)\n" +
                             method + "\nend }");
  }
  /// Nothing is staged, journalled or recorded.
  [[nodiscard]] bool untouched() const { return !std::filesystem::exists(folder_.path() / "home"); }

  Folder folder_;
};

TEST_F(Guarded, PlanShowsTheBlastRadiusInNumbers) {
  const auto said = say("plan " + scripts + "scenarios/worst_day.lua");
  EXPECT_EQ(said.code, 0) << said.err;
  for (const auto* line :
       {"faults                3\n", "zones                 1 of 3 as a whole: a\n",
        "service app           3 of 6 instances, 50 % of its capacity: a-reserved, a-spot, "
        "b-spot\n",
        "database orders       1 of 3 nodes: a-db (rw)\n",
        "cache sessions        1 of 3 nodes: a-redis (primary)\n",
        "tenants               20 of 20: each is served by every node\n",
        "reversibility         compensable, restorable\n", "guardrails of lab.lua",
        "concurrent_faults     3 of 3, 0 left\n", "zones_at_once         1 of 1, 0 left: a\n",
        "max_instances app     50 % of 50 %, 0 % left: a-reserved, a-spot, b-spot\n",
        "keep_quorum orders    1 of 1, 0 left: a-db\n",
        "max_duration          25 s of 300 s, 275 s left"}) {
    EXPECT_THAT(said.out, HasSubstr(line));
  }
}

TEST_F(Guarded, PlansFitATerminal) {
  for (const auto* name : {"scenarios/worst_day", "drills/az_partition", "drills/spot_reclaim",
                           "drills/snat_exhaustion", "drills/third_party_timeout",
                           "drills/polardb_failover", "drills/redis_failover"}) {
    const auto said = say("plan " + scripts + name + ".lua");
    EXPECT_EQ(said.code, 0) << name << ": " << said.err;
    std::stringstream lines(said.out);
    std::string line;
    std::getline(lines, line);  // the path of the script is as long as it is
    while (std::getline(lines, line)) {
      EXPECT_LE(line.size(), 100u) << name << ": " << line;
    }
  }
}

TEST_F(Guarded, PlanInJsonHasTheSameNumbers) {
  const auto said = say("plan " + scripts + "drills/spot_reclaim.lua --json");
  const auto plan = nlohmann::json::parse(said.out);
  EXPECT_EQ(plan["radius"]["services"][0]["count"], 3);
  EXPECT_EQ(plan["radius"]["services"][0]["percent"], 50);
  EXPECT_EQ(plan["tenants"]["of"], 20);
  EXPECT_EQ(plan["steps"].size(), 6u);
  EXPECT_TRUE(plan["refused"].is_null());
  const auto& met = plan["guardrails"];
  const auto faults = std::ranges::find_if(
      met, [](const auto& one) { return one["guardrail"] == "concurrent_faults"; });
  ASSERT_NE(faults, met.end());
  EXPECT_EQ((*faults)["limit"], 3);
  EXPECT_EQ((*faults)["request"], 1);
  EXPECT_EQ((*faults)["headroom"], 2);
}

TEST_F(Guarded, PlanShowsWhatIsRefusedAndWhy) {
  const auto env = environment("max_instances = 20");
  const auto said = say("plan " + scripts + "drills/spot_reclaim.lua --env " + env);
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.out, HasSubstr("REFUSED: 50 % of 20 %, too much: a-spot, b-spot, c-spot"));
  EXPECT_THAT(said.err, AllOf(HasSubstr("spot_reclaim.lua:17: guardrail max_instances: at most 20"),
                              HasSubstr(env)));
}

struct Refused {
  std::string guardrails, method, expected;
};
class RefusedAtOnce : public Guarded, public testing::WithParamInterface<Refused> {};

TEST_P(RefusedAtOnce, BeforeAnythingIsTouched) {
  const auto& p = GetParam();
  const auto said = say("run " + script(p.method) + " --env " + environment(p.guardrails));
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.err, HasSubstr(p.expected));
  EXPECT_TRUE(untouched());
}

const std::string cut_a = "run:inject(fault.az_partition { zone = 'a' })";
const std::string cut_b = "run:inject(fault.az_partition { zone = 'b' })";
INSTANTIATE_TEST_SUITE_P(
    Rules, RefusedAtOnce,
    testing::Values(
        Refused{"zones_at_once = 1", cut_a + "\n" + cut_b,
                "x.lua:3: guardrail zones_at_once: at most 1; az_partition of zone b would make 2"},
        Refused{"zones_at_once = 1",
                "run:during({ fault.az_partition { zone = 'a' }, fault.az_partition { zone = 'b' } "
                "}, function() end)",
                "zones_at_once"},
        Refused{"zones_at_once = 1", "pcall(function() " + cut_a + " " + cut_b + " end)",
                "zones_at_once"},
        Refused{"keep_quorum = { 'orders' }", cut_a + "\n" + cut_b, "of the 3 nodes of orders"},
        Refused{"approval = { 'compensable' }", cut_a, "give --approve \"WHO: REASON\""},
        Refused{"protected = { 'component a-db' }", cut_a, "would touch component a-db"},
        Refused{"protected = { 'component a-bd' }", cut_a, "did you mean 'component a-db'?"},
        Refused{"freeze = { { days = 'mon-sun', reason = 'never' } }", cut_a, "(never)"},
        Refused{"max_duration = 1*minute", cut_a + "\nrun:wait(2*minute)",
                "x.lua:2: guardrail max_duration: less than 60 s; az_partition of zone a would be "
                "held for 2 min and more"}));

TEST_F(Guarded, OneAfterTheOtherIsNotAtOnce) {
  const auto said = say("plan " + script(cut_a + ":revert()\n" + cut_b + ":revert()") + " --env " +
                        environment("zones_at_once = 1"));
  EXPECT_EQ(said.code, 0) << said.err;
  EXPECT_THAT(said.out, HasSubstr("zones_at_once         1 of 1, 0 left"));
}

TEST_F(Guarded, PlanSaysWhatNeedsAnApproval) {
  const auto said =
      say("plan " + script(cut_a) + " --env " + environment("approval = { 'compensable' }"));
  EXPECT_EQ(said.code, 0) << said.err;
  EXPECT_THAT(said.out, HasSubstr("needed: give --approve \"WHO: REASON\""));
}

TEST_F(Guarded, AFileAfterAnApprovalIsAFile) {
  const auto env = environment("protected = { 'zone a' }");
  const auto said = say("run --approve 'ann: agreed' " + script(cut_a) + " --env " + env);
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.err, HasSubstr("zone a may not be touched"));
}

TEST_F(Guarded, InjectIsRefusedAtOnceToo) {
  const auto env = environment("protected = { 'zone a' }");
  auto said = say("inject az_partition zone=a --env " + env);
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.err, HasSubstr("zone a may not be touched"));
  said = say("inject az_partition zone=b --for 5m --env " + env);
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.err, HasSubstr("guardrail max_duration: less than 5 min"));
  EXPECT_TRUE(untouched());
}

TEST_F(Guarded, TenantsThatAreNotSaidAreNotInvented) {
  const auto said = say("plan " + script(cut_a) + " --env " + environment(""));
  EXPECT_THAT(said.out, HasSubstr("tenants               not said in the environment"));
  EXPECT_THAT(say("plan " + script(cut_a) + " --env " + environment("", "tenants = 3,")).out,
              HasSubstr("3 of 3"));
}

TEST_F(Guarded, EnvCheckFindsProtectedNamesThatAreNotThere) {
  const auto said = say("env check --env " + environment("protected = { 'host a-rediss' }"));
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.err, HasSubstr("did you mean 'host a-redis'?"));
}

TEST(Approvals, NameWhoAndWhy) {
  const auto given = parse_approvals({"ann: agreed: with the shop team", "bob:ok"});
  ASSERT_TRUE(given);
  EXPECT_EQ(given->at(0).who, "ann");
  EXPECT_EQ(given->at(0).reason, "agreed: with the shop team");
  EXPECT_EQ(given->at(1).reason, "ok");
  for (const auto* wrong : {"", "ann", "ann:", "ann:  ", ": because", ":"}) {
    EXPECT_FALSE(parse_approvals({wrong})) << wrong;
  }
}

}  // namespace
}  // namespace faultline::cli
