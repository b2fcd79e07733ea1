#include "tests/integration/lab_fixture.hpp"

#include <fstream>

/// What becomes of a fault when the programs that hold it are killed or stopped.
namespace faultline::integration {
namespace {

using testing::AnyOf;
using testing::Not;

class GuardTest : public LabTest {
 protected:
  void SetUp() override { up(); }

  /// Starts a fault that would be held for a minute, and returns when its effect is proved.
  [[nodiscard]] std::unique_ptr<Program> hold() {
    auto program = home_.start({"inject", "az_partition", "zone=b", "--for", "60s"});
    EXPECT_TRUE(program->says("effect_proved")) << program->wait().err;
    return program;
  }
  [[nodiscard]] bool in_force() const { return !status()["in_force"].empty(); }
  /// Until nothing is in force any more; far beyond any promise, when it never is so.
  [[nodiscard]] std::chrono::milliseconds gone_after() const {
    const auto begun = std::chrono::steady_clock::now();
    while (in_force() && std::chrono::steady_clock::now() < begun + 30s) {
      std::this_thread::sleep_for(20ms);
    }
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 begun);
  }
  /// The process id of another guard than `old`.
  [[nodiscard]] pid_t next_guard(pid_t old) const {
    const auto until = std::chrono::steady_clock::now() + 10s;
    pid_t now = 0;
    while ((now == 0 || now == old) && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(10ms);
      now = home_.guard();
    }
    return now == old ? 0 : now;
  }
};

// The promises are 1 s after a death and 1 s after the lease of 3 s; the target's own lease, which
// would end the fault too, is 10 s. The limits below are between, for machines that are busy.

TEST_F(GuardTest, PutsEverythingBackWhenItsOrchestratorIsKilled) {
  const auto program = hold();
  program->signal(SIGKILL);
  const auto took = gone_after();
  std::cout << "gone " << took.count() << " ms after SIGKILL\n";
  EXPECT_LT(took, 5s);
  const Outcome next = home_.run({"recover"});
  EXPECT_EQ(next.code, 0) << next.err;
  EXPECT_THAT(next.out, HasSubstr("was put back by guard"));
  EXPECT_THAT(home_.run({"recover"}).out, HasSubstr("nothing to recover"));
}

TEST_F(GuardTest, PutsEverythingBackWhenItsOrchestratorHangsAndThatOneMayActNoMore) {
  const auto program = hold();
  program->signal(SIGSTOP);
  const auto took = gone_after();
  std::cout << "gone " << took.count() << " ms after SIGSTOP\n";
  EXPECT_GT(took, 2s) << "a short pause is not a hang";
  EXPECT_LT(took, 8s);
  const auto guard = home_.guard();
  program->signal(SIGCONT);
  const Outcome ended = program->wait();
  EXPECT_EQ(home_.guard(), guard) << "it answered, so nobody replaces it";
  EXPECT_EQ(ended.code, 3) << ended.err;
  EXPECT_THAT(ended.err, AnyOf(HasSubstr("its guard put everything back"),
                               HasSubstr("the environment was lost"), HasSubstr("stood still")));
  EXPECT_FALSE(in_force());
}

TEST_F(GuardTest, AReaderOfTheOutputThatGoesAwayHoldsNothingUp) {
  const Outcome told =
      Program({"sh", "-c",
               program("faultline") + " inject az_partition zone=b --for 2s 2>&1 | head -n 3"},
              home_.environment())
          .wait();
  EXPECT_THAT(told.out, HasSubstr("run_started"));
  EXPECT_LT(gone_after(), 20s);
  EXPECT_THAT(home_.run({"recover"}).out, HasSubstr("nothing to recover"));
  EXPECT_THAT(home_.run({"show", "last"}).out, HasSubstr("passed"));
}

TEST_F(GuardTest, OnAFullDiskEverythingIsPutBackAllTheSame) {
  const auto disk = home_.path() / "disk";
  fs::create_directories(disk);
  auto environment = home_.environment();
  environment["FAULTLINE_HOME"] = disk.string();
  environment["FAULTLINE"] = program("faultline");
  const Outcome told = Program({"unshare", "-Urm", "sh", "-c", R"(
      mount -t tmpfs -o size=2m full $FAULTLINE_HOME && cd $FAULTLINE_HOME
      $FAULTLINE lab up 2>/dev/null >&2 || echo "no lab"
      $FAULTLINE inject az_partition zone=b --for 60s 2>/dev/shm/$$ &
      until grep -q effect_proved /dev/shm/$$; do sleep 0.1; done
      dd if=/dev/zero of=fill bs=4k 2>/dev/null
      dd if=/dev/zero of=fill bs=1 oflag=append conv=notrunc 2>/dev/null
      kill -9 $!
      for i in 1 2 3 4 5 6 7; do
        sleep 1
        $FAULTLINE lab status --json | grep -q network.cut || break
      done
      echo "gone after $i s"
      rm fill /dev/shm/$$
      $FAULTLINE recover
      $FAULTLINE recover
      $FAULTLINE lab down --force)"},
                               environment)
                           .wait();
  EXPECT_THAT(told.out, testing::ContainsRegex("gone after [1-6] s")) << told.err;
  EXPECT_THAT(told.out, HasSubstr("nothing to recover")) << told.err;
}

TEST_F(GuardTest, AGuardThatIsKilledIsReplacedAndTheRunGoesOn) {
  const auto program = hold();
  const auto first = home_.guard();
  ASSERT_GT(first, 0);
  ::kill(first, SIGKILL);
  EXPECT_GT(next_guard(first), 0);
  std::this_thread::sleep_for(500ms);  // its orchestrator tries every 20 ms to attach
  EXPECT_TRUE(in_force()) << "nothing was reverted for that";
  program->signal(SIGKILL);
  EXPECT_LT(gone_after(), 5s) << "and the second guard does what the first would have done";
}

TEST_F(GuardTest, AGuardThatIsStoppedIsReplaced) {
  const auto program = hold();
  const auto first = home_.guard();
  ::kill(first, SIGSTOP);
  EXPECT_GT(next_guard(first), 0);
  std::this_thread::sleep_for(500ms);  // its orchestrator tries every 20 ms to attach
  program->signal(SIGKILL);
  EXPECT_LT(gone_after(), 5s);
}

TEST_F(GuardTest, WithBothKilledTheTargetsOwnDeadlineEndsTheFault) {
  const auto program = hold();
  ::kill(home_.guard(), SIGKILL);
  program->signal(SIGKILL);
  const auto took = gone_after();
  EXPECT_GT(took, 5s);
  EXPECT_LT(took, 20s);
  const Outcome next = home_.run({"recover"});
  EXPECT_EQ(next.code, 0) << next.err;
  EXPECT_THAT(next.out, HasSubstr("reverted, nothing left"));
}

TEST_F(GuardTest, WhatADamagedJournalHasLostIsFoundInTheEnvironment) {
  const auto program = hold();
  program->signal(SIGSTOP);  // it starts no other guard
  ::kill(home_.guard(), SIGKILL);
  program->signal(SIGKILL);
  const fs::path journal = *fs::directory_iterator(home_.path() / "journal");
  std::fstream file(journal, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(40);  // in the intention, which is the first record
  file.put('\0');
  file.close();
  const Outcome next = home_.run({"recover"});
  EXPECT_EQ(next.code, 0) << next.err;
  EXPECT_THAT(next.out, HasSubstr("damaged: "));
  EXPECT_THAT(next.out, HasSubstr("put back what was in force ("));
  EXPECT_FALSE(in_force());
  EXPECT_THAT(home_.run({"recover"}).out, HasSubstr("nothing to recover"));
}

TEST_F(GuardTest, AnotherStartRecoversFirstAndSaysWhatItFound) {
  const auto program = hold();
  program->signal(SIGKILL);
  const Outcome next = home_.run({"inject", "redis_failover", "cache=sessions", "--for", "1s"});
  EXPECT_EQ(next.code, 0) << next.err;
  EXPECT_THAT(next.err, AnyOf(HasSubstr("was put back by guard"), HasSubstr("recovered ")));
}

TEST_F(GuardTest, APrivateLabOfAnOrchestratorThatHangsIsPutBackToo) {
  ASSERT_EQ(home_.run({"lab", "down"}).code, 0);
  const auto program = hold();
  program->signal(SIGSTOP);
  std::this_thread::sleep_for(5s);
  program->signal(SIGCONT);
  EXPECT_EQ(program->wait().code, 3);
  EXPECT_THAT(home_.run({"recover"}).out, HasSubstr("nothing to recover"))
      << "its own end removed the journal";
}

}  // namespace
}  // namespace faultline::integration
