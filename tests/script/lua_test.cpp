#include "tests/script/lab_world.hpp"

#include <gmock/gmock.h>

/// Runs each file of tests/lua as what it is: an experiment, in the real sandbox, on a dry world.
namespace faultline::script {
namespace {

std::vector<std::string> lua_tests() {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(FAULTLINE_SOURCE_DIR) + "/tests/lua")) {
    if (entry.path().extension() == ".lua") {
      names.push_back(entry.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Lua : public testing::TestWithParam<std::string> {};

TEST_P(Lua, Holds) {
  const auto file = std::string(FAULTLINE_SOURCE_DIR) + "/tests/lua/" + GetParam() + ".lua";
  const auto experiment = load_experiment(
      file, lab_environment(), {.vars = {}, .variant = {}, .limits = {.wrong_calls_stop = false}});
  ASSERT_TRUE(experiment) << experiment.error().message;
  const auto steps = dry_run(*experiment, lab_environment(), {lab_world(), lab_capabilities()});
  EXPECT_TRUE(steps) << steps.error().message;
  EXPECT_FALSE(steps->refused) << steps->refused->message;
}

INSTANTIATE_TEST_SUITE_P(Files, Lua, testing::ValuesIn(lua_tests()),
                         [](const auto& file) { return file.param; });

/// A file that fails must fail here, else none of the above says anything.
TEST(LuaChecks, AFailedCheckFailsTheFile) {
  const Folder folder;
  std::filesystem::copy(std::string(FAULTLINE_SOURCE_DIR) + "/tests/lua/lib",
                        folder.path() / "lib");
  for (const auto* check :
       {"t.ok(false)", "t.is(1, 2)", "t.boom('x', function() end)", "t.boom('x', error, 'y')"}) {
    EXPECT_FALSE(
        load(folder, std::string("local t = use 'lib/checks.lua' ") + check + with_method("")))
        << check;
  }
}

}  // namespace
}  // namespace faultline::script
