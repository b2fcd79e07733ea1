#include "tests/script/lab_world.hpp"

#include <gmock/gmock.h>

/// What `load { ... }` takes, and what it refuses because it would be without effect or mean
/// something else than it says.
namespace faultline::script {
namespace {

using testing::HasSubstr;

Result<Load> load_of(const std::string& probe, const std::string& duration = "10*s") {
  const Folder folder;
  return load_load(folder.write("page.lua",
                                "return load {\n  probes = { page = http { url = "
                                "'http://127.0.0.1:8080/',\n    " +
                                    probe + " } },\n  duration = " + duration + " }"),
                   {}, {});
}

struct Wrong {
  const char* name;
  std::string probe, said;
};

void PrintTo(const Wrong& wrong, std::ostream* out) {
  *out << wrong.name;
}

class WrongLoad : public testing::TestWithParam<Wrong> {};

TEST_P(WrongLoad, IsRefusedWithItsPlace) {
  const auto load = load_of(GetParam().probe);
  ASSERT_FALSE(load);
  EXPECT_THAT(load.error().message, HasSubstr("page.lua:"));
  EXPECT_THAT(load.error().message, HasSubstr(GetParam().said));
}

INSTANTIATE_TEST_SUITE_P(
    Loads, WrongLoad,
    testing::Values(
        Wrong{"FewerUsersThanWorkers", "users = 2, workers = 4", "2 users cannot be shared by 4"},
        Wrong{"APartOfAUser", "users = 5.5", "expected a whole number, found 5.5"},
        Wrong{"ThinkingBackwards", "users = 5, think = -1*s", "'think' must be from 0 to 60 s"},
        Wrong{"ThinkingWithoutUsers", "rate = 5, think = 1*s", "'think' is for 'users'"},
        Wrong{"PoissonUsers", "users = 5, poisson = true", "'poisson' is for 'rate' and 'stages'"},
        Wrong{"TwoWays", "users = 5, stages = { { rate = 1, over = 1*s } }", "found several"},
        Wrong{"NoWay", "connections = 5", "'rate' is missing"},
        Wrong{"StepAndRampAtOnce", "stages = { { rate = 1, ramp_to = 2, over = 1*s } }",
              "either 'rate' or 'ramp_to'"},
        Wrong{"StagesBeyondTheEnd",
              "stages = { { rate = 1, over = 6*s }, { ramp_to = 2, over = 6*s } }",
              "the stages of 'page' take 12 s, and the load ends after 10 s"},
        Wrong{"NoTimeToAnswer", "rate = 5, deadline = 0*s",
              "'deadline' must be from 1 ms to 2 min"},
        Wrong{"HoursToAnswer", "rate = 5, deadline = 2*hour", "found 120 min"},
        Wrong{"AHeaderOfTwoLines", "rate = 5, headers = { A = 'b\\r\\nC: d' }",
              "expected names and values of one line each"}),
    [](const auto& bundle) { return std::string(bundle.param.name); });

TEST(LoadScript, WhereAnExperimentBelongsSaysWhoTakesIt) {
  const Folder folder;
  const auto file = folder.write("page.lua",
                                 "return load { probes = { page = http { url = "
                                 "'http://127.0.0.1:8080/', rate = 1 } }, duration = 1*s }");
  const auto experiment = load_experiment(file, lab_environment(), {});
  ASSERT_FALSE(experiment);
  EXPECT_THAT(experiment.error().message, HasSubstr("which faultline load takes"));
}

TEST(LoadScript, KnowsWhereAProbeIsWritten) {
  const auto load = load_of("rate = 5");
  ASSERT_TRUE(load) << load.error().message;
  EXPECT_EQ(load->probes.at("page").place.line, 2);
}

}  // namespace
}  // namespace faultline::script
