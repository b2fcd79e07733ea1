#include "orchestrator/cli/commands.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

/// check, new, env and faults, as they are called from the command line.
namespace faultline::cli {
namespace {

using testing::HasSubstr;

struct Said {
  int code = 0;
  std::string out;
  std::string err;
};

/// One command in an empty folder, with its output caught.
class ScriptCommands : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "cli-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(folder_);
  }
  void TearDown() override {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(folder_);
  }

  static Said say(const std::string& arguments) {
    CLI::App app;
    Context context;
    for (const auto add : {add_check, add_new, add_env, add_faults}) {
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

  static void write(const std::string& file, const std::string& text) {
    std::ofstream(file) << text;
  }

 private:
  std::filesystem::path folder_;
  std::filesystem::path before_;
};

TEST_F(ScriptCommands, CheckListsWhatOpenSloMayHold) {
  CLI::App app;
  Context context;
  add_check(app, context);
  testing::internal::CaptureStdout();
  EXPECT_THROW(app.parse("check --openslo"), CLI::Success);
  EXPECT_THAT(testing::internal::GetCapturedStdout(),
              testing::AllOf(HasSubstr("apiVersion openslo/v1"), HasSubstr("refused: ")));
}

TEST_F(ScriptCommands, EnvTakesItsEnvironmentByPositionToo) {
  EXPECT_EQ(say("env check lab").out, say("env check --env lab").out);
  EXPECT_THAT(say("env show labb").err, HasSubstr("unknown environment 'labb'"));
}

TEST_F(ScriptCommands, ANewExperimentPassesCheck) {
  EXPECT_EQ(say("new first_try").code, 0);
  const auto checked = say("check first_try.lua");
  EXPECT_EQ(checked.code, 0) << checked.err;
  EXPECT_EQ(checked.out, "ok: first_try, 5 steps\n");
}

TEST_F(ScriptCommands, NewNeverOverwrites) {
  write("mine.lua", "my work");
  const auto said = say("new mine");
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.err, HasSubstr("mine.lua exists already"));
  std::stringstream kept;
  kept << std::ifstream("mine.lua").rdbuf();
  EXPECT_EQ(kept.str(), "my work");
}

TEST_F(ScriptCommands, NewTakesNoPath) {
  EXPECT_EQ(say("new ../x").code, 2);
}

TEST_F(ScriptCommands, CheckNamesTheLineAndWhatWasMeant) {
  write("x.lua", "return experiment {\n  name = 'x', hypothesis = 'h',\n  metod = print }");
  const auto said = say("check x.lua");
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.err, HasSubstr("x.lua:3: experiment: unknown field 'metod'; did you mean"));
}

TEST_F(ScriptCommands, CheckRunsEveryVariant) {
  write("x.lua",
        "return experiment { name = 'x', hypothesis = 'h', params = { zone = 'a' },\n"
        "variants = { { zone = 'b' }, { zone = 'nowhere' } },\n"
        "method = function(run, p) run:inject(fault.az_partition { zone = p.zone }) end }");
  const auto said = say("check x.lua");
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.err, HasSubstr("variant 2: x.lua:3: az_partition: 'nowhere' is no zone here"));
}

TEST_F(ScriptCommands, TheDrillsPassCheck) {
  const std::string drills = std::string(FAULTLINE_SOURCE_DIR) + "/scripts/lua/drills/";
  const auto said = say("check " + drills + "redis_failover.lua " + drills + "az_partition.lua");
  EXPECT_EQ(said.code, 0) << said.err;
  EXPECT_THAT(said.out, HasSubstr("ok: redis_failover, 8 steps, 4 variants"));
}

TEST_F(ScriptCommands, EnvShowsTheFileWithItsComments) {
  const auto said = say("env show");
  EXPECT_EQ(said.code, 0);
  EXPECT_THAT(said.out, HasSubstr("staging = true,      -- without this nothing is ever injected"));
}

TEST_F(ScriptCommands, EnvCheckComparesWithTheTarget) {
  EXPECT_THAT(say("env check").out, HasSubstr("10.0.0.10:80/login"));
  write("env.lua",
        "return environment { name = 'lab', zones = { 'a', 'd' }, "
        "probes = { x = tcp { address = '10.0.0.10:80', rate = 1 } } }");
  const auto said = say("env check --env env.lua");
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.err, HasSubstr("unknown zone 'd'"));
}

TEST_F(ScriptCommands, FaultsListsParametersAndReversibility) {
  const auto said = say("faults redis_failover");
  EXPECT_EQ(said.code, 0);
  EXPECT_THAT(said.out, HasSubstr("crash, hang, isolate, switchover"));
  EXPECT_THAT(said.out, HasSubstr("default crash"));
  EXPECT_THAT(said.out, HasSubstr("reversibility: compensable"));
  EXPECT_THAT(say("faults").out, HasSubstr("az_partition"));
  EXPECT_THAT(say("faults redis_failovr").err, HasSubstr("did you mean 'redis_failover'?"));
}

}  // namespace
}  // namespace faultline::cli
