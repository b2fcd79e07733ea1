#include "targets/lab/supervisor_log_tail.hpp"
#include "targets/lab/supervisor_steps.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <fstream>

namespace faultline::lab {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

const Topology topology = make_topology(*profile("hardened"));

std::vector<LoggedStep> steps(std::string_view process, std::string_view line) {
  return steps_in(topology, *topology.process(process), line);
}

TEST(LoggedSteps, ASentinelDetectsWithItsQuorumAndTheLeaderDecides) {
  const auto said = [](const char* words) {
    return steps("b-sentinel", "12:X 29 Nov 2026 02:56:55.704 # " + std::string(words));
  };
  EXPECT_THAT(said("+sdown master sessions 10.0.1.20 6379"), IsEmpty()) << "it may be cut off";
  EXPECT_THAT(said("+odown master sessions 10.0.1.20 6379 #quorum 2/2"),
              ElementsAre(LoggedStep{"sessions", "detected", "a-redis"}));
  EXPECT_THAT(said("+selected-slave slave 10.0.2.20:6379 10.0.2.20 6379 @ sessions 10.0.1.20 6379"),
              ElementsAre(LoggedStep{"sessions", "decided", "b-redis"}));
  EXPECT_THAT(said("+promoted-slave slave 10.0.2.20:6379 10.0.2.20 6379 @ sessions 10.0.1.20 6379"),
              ElementsAre(LoggedStep{"sessions", "done", "b-redis"}));
  EXPECT_THAT(said("+odown master"), IsEmpty()) << "half a line";
  EXPECT_THAT(said("-odown master sessions 10.0.1.20 6379"), IsEmpty());
}

TEST(LoggedSteps, TheManagerNamesTheNode) {
  EXPECT_THAT(steps("db-manager", "2026-11-29T02:56:55.704Z step detected a-db: no answer for 1 s"),
              ElementsAre(LoggedStep{"orders", "detected", "a-db"}));
  EXPECT_THAT(steps("db-manager", "2026-11-29T02:56:55.704Z step done b-db: reached"),
              ElementsAre(LoggedStep{"orders", "done", "b-db"}));
  EXPECT_THAT(steps("db-manager", "2026-11-29T02:56:55.704Z step over: what"), IsEmpty());
  EXPECT_THAT(steps("db-manager", "2026-11-29T02:56:55.704Z hold b-db: done 0-1-5"), IsEmpty());
}

TEST(LoggedSteps, ABalancerThatMarksAServerDownSendsItNothingMore) {
  const auto line = std::string(
      "2026-11-29T02:56:55.704405+00:00 Server app/a-spot is DOWN, reason: Layer4 timeout, check "
      "duration: 250ms. 5 active and 0 backup servers left.");
  EXPECT_THAT(steps("alb", line), ElementsAre(LoggedStep{"app", "detected", "a-spot"},
                                              LoggedStep{"app", "decided", "a-spot"}));
  EXPECT_THAT(steps("alb", "2026-11-29T02:56:55.704405+00:00 Server app/a-spot is UP, reason"),
              IsEmpty());
  EXPECT_THAT(steps("alb", "10.0.0.20:5 [...] web app/a-spot 0/0/0/4/4 500 - Server app/nobody"),
              IsEmpty());
}

TEST(LoggedSteps, ANodeReadsOfItsOwnReclaim) {
  EXPECT_THAT(steps("a-spot", "2026-11-29T02:56:55.704Z a-spot reclaim: this instance ends at x"),
              ElementsAre(LoggedStep{"app", "detected", "a-spot"}));
  EXPECT_THAT(steps("a-spot", "2026-11-29T02:56:55.704Z a-spot reclaim: withdrawn: back to work"),
              IsEmpty());
}

TEST(LoggedSteps, OnlyTheLogsOfThoseWhoTellAnythingAreRead) {
  const auto tell = [](std::string_view name, std::string_view process) {
    const auto lab = make_topology(*profile(name));
    return tells_steps(lab.profile, *lab.process(process));
  };
  for (const auto* process : {"a-sentinel", "db-manager", "alb", "a-spot"}) {
    EXPECT_TRUE(tell("hardened", process)) << process;
  }
  EXPECT_FALSE(tell("hardened", "a-redis"));
  EXPECT_FALSE(tell("naive", "alb")) << "it checks nobody";
  EXPECT_FALSE(tell("naive", "a-spot")) << "it asks nobody";
  EXPECT_TRUE(tell("naive", "a-sentinel"));
}

/// 2026-11-29T02:56:55.950Z, and what the monotonic clock says then.
const std::chrono::system_clock::time_point wall{1'795'921'015'950ms};
const Instant now{100s};

std::optional<Instant> written(std::string_view line) {
  return written_at(line, now, wall);
}

TEST(ALinesTime, IsTurnedIntoMonotonicTimeWhateverZoneItIsWrittenIn) {
  EXPECT_EQ(written("2026-11-29T02:56:55.704405+00:00 Server app/a-spot is DOWN"), now - 246ms);
  EXPECT_EQ(written("2026-11-29T08:26:55.704Z a-spot reclaim"), now - 246ms) << "UTC+05:30";
  EXPECT_EQ(written("12:X 29 Nov 2026 08:41:55.950 # +odown"), now) << "UTC+05:45";
}

TEST(ALinesTime, GoesOnOverAFullQuarterOfAnHour) {
  const std::chrono::system_clock::time_point after{1'795'921'200'100ms};  // 03:00:00.100
  EXPECT_EQ(written_at("2026-11-29T02:59:59.900Z x", now, after), now - 200ms);
}

TEST(ALinesTime, IsNotKnownWhenThereIsNoneOrTheClockWasSet) {
  EXPECT_FALSE(written("[WARNING]  (7909) : Server app/a-spot is DOWN"));
  EXPECT_FALSE(written(""));
  EXPECT_FALSE(written("2026-11-29T02:56:49.000Z too long ago"));
  EXPECT_FALSE(written("2026-11-29T02:56:56.500Z not yet"));
}

TEST(ALogsTail, TellsWholeLinesThatAreNew) {
  const auto path = testing::TempDir() + "log_tail_test.log";
  std::ofstream log(path, std::ios::trunc);
  const auto write = [&log](const std::string& text) { log << text << std::flush; };
  write("old\n");
  LogTail tail{net::Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC))};
  EXPECT_THAT(tail.lines(), IsEmpty());
  write("one\ntwo\nthr");
  EXPECT_THAT(tail.lines(), ElementsAre("one", "two"));
  EXPECT_THAT(tail.lines(), IsEmpty());
  write("ee\n" + std::string(5000, 'x') + "\nfour\n");
  EXPECT_THAT(tail.lines(), ElementsAre("three", "four")) << "one is too long to be read";
}

TEST(ALogsTail, OfAFloodComesInParts) {
  const auto path = testing::TempDir() + "log_tail_flood.log";
  std::ofstream log(path, std::ios::trunc);
  LogTail tail{net::Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC))};
  constexpr std::size_t flood = 8000;  // lines of 100 bytes: 781 KiB
  for (std::size_t i = 0; i < flood; ++i) {
    log << std::string(99, 'y') << '\n';
  }
  log.flush();
  std::size_t seen = 0, looks = 0;
  for (auto lines = tail.lines(); !lines.empty(); lines = tail.lines()) {
    seen += lines.size();
    ++looks;
  }
  EXPECT_EQ(seen, flood);
  EXPECT_GT(looks, 2u);
}

TEST(ALogsTail, OfALogThatCannotBeReadIsSilent) {
  EXPECT_THAT(LogTail(net::Fd()).lines(), IsEmpty());
}

}  // namespace
}  // namespace faultline::lab
