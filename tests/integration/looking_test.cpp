#include "tests/integration/lab_fixture.hpp"

#include <algorithm>
#include <cstdio>

/// Looking at a lab answers at once, whatever happens in it.
namespace faultline::integration {
namespace {

/// What is promised on a quiet machine, and what is borne on one where everything else runs too.
constexpr double promised_ms = 50;
constexpr double borne_ms = 10 * promised_ms;
constexpr int looks = 7;  // of each command, an odd number for the median

class LookingTest : public LabTest {
 protected:
  /// Looks again and again, and expects an answer in time as the median says.
  void expect_answers(const std::string& during) const {
    for (const auto& command : std::vector<std::vector<std::string>>{
             {"lab", "exec", "client", "--", "true"}, {"lab", "status"}, {"lab", "logs", "alb"}}) {
      std::vector<double> times;
      for (int i = 0; i < looks; ++i) {
        const auto began = std::chrono::steady_clock::now();
        const Outcome told = home_.run(command);
        times.push_back(to_ms(std::chrono::steady_clock::now() - began));
        EXPECT_EQ(told.code, 0) << during << ": " << told.err;
      }
      std::ranges::sort(times);
      std::printf("%-28s lab %-6s median %5.1f ms, slowest %5.1f ms (promised: %.0f)\n",
                  during.c_str(), command[1].c_str(), times[looks / 2], times.back(), promised_ms);
      EXPECT_LT(times[looks / 2], borne_ms) << during << ": lab " << command[1];
    }
  }
  [[nodiscard]] std::unique_ptr<Program> inject(std::vector<std::string> fault) const {
    fault.insert(fault.begin(), "inject");
    fault.insert(fault.end(), {"--for", "20s"});
    return home_.start(fault);
  }
};

TEST_F(LookingTest, WhileManyFlowsAreHeldAndTheOrchestratorIsStopped) {
  up();
  const auto run = inject({"snat_exhaustion", "mode=hog"});
  ASSERT_TRUE(run->says("fault_intended"));
  expect_answers("2,048 flows, being made");
  ASSERT_TRUE(run->says("effect_proved")) << run->wait().err;
  expect_answers("2,048 flows, held");
  run->signal(SIGSTOP);
  expect_answers("orchestrator stopped");
  run->signal(SIGCONT);
}

TEST_F(LookingTest, WhileADatabaseNodeIsMadeAnewAndRolesComeHome) {
  up("naive");  // its writers lose rows, so that the node that comes back is made anew
  const auto run = inject({"db_failover", "database=orders", "mode=crash"});
  ASSERT_TRUE(run->says("effect_proved")) << run->wait().err;
  expect_answers("database down");
  run->signal(SIGINT);
  expect_answers("rejoining");
  run->wait();
  const auto next = inject({"redis_failover", "cache=sessions", "mode=switchover"});
  expect_answers("roles coming home");
  next->signal(SIGINT);
  next->wait();
}

}  // namespace
}  // namespace faultline::integration
