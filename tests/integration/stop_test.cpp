#include "tests/integration/lab_fixture.hpp"

#include <fstream>

/// A file STOP in the home, from its appearance to its end.
namespace faultline::integration {
namespace {

using testing::Not;

class StopTest : public LabTest {
 protected:
  [[nodiscard]] fs::path stop() const { return home_.path() / "STOP"; }
};

TEST_F(StopTest, AStopFileRevertsWhatRunsAndRefusesWhatWouldStartUntilItIsRemoved) {
  up();
  auto run = home_.start({"inject", "az_partition", "zone=b", "--for", "60s"});
  ASSERT_TRUE(run->says("effect_proved")) << run->wait().err;
  std::ofstream(stop()) << "release of the year\n";
  const Outcome ended = run->wait();
  EXPECT_EQ(ended.code, 4) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("ABORTED"));
  EXPECT_THAT(ended.err, HasSubstr("(release of the year); to allow runs again: rm "));
  EXPECT_TRUE(status()["in_force"].empty());
  EXPECT_THAT(home_.run({"recover"}).out, HasSubstr("nothing to recover"));

  const std::vector<std::string> next{"inject", "az_partition", "zone=b", "--for", "1s"};
  const Outcome refused = home_.run(next);
  EXPECT_EQ(refused.code, 3) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("nothing was injected: stopped by " + stop().string()));
  EXPECT_THAT(refused.err, Not(HasSubstr("fault_intended")));

  fs::remove(stop());
  const Outcome allowed = home_.run(next);
  EXPECT_THAT(allowed.err, HasSubstr("effect_proved"));
  EXPECT_THAT(allowed.err, Not(HasSubstr("STOP")));
}

}  // namespace
}  // namespace faultline::integration
