#include "orchestrator/report/console.hpp"

#include "tests/report/fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

namespace faultline::report {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

json event(double offset_ms, const std::string& name, json detail = json::object()) {
  detail.update({{"t", "2026-11-20T12:00:00.000Z"}, {"offset_ms", offset_ms}, {"name", name}});
  return detail;
}

json tick(double offset_ms, int good, int bad, int waiting = 1) {
  return event(
      offset_ms, "tick",
      {{"phase", "method"},
       {"phase_expected_ms", 20000},
       {"probes",
        {{"login",
          {{"requests", good + bad},
           {"good", good},
           {"degraded", 0},
           {"bad", bad},
           {"waiting", waiting},
           {"p99_ms", bad > 0 ? json() : json(8.4)}}}}},
       {"faults",
        json::array({{{"id", "f0"}, {"summary", "kill a-redis (SIGKILL)"}, {"age_ms", 2300}}})}});
}

/// What a console writes to a stream.
class ConsoleTest : public testing::Test {
 protected:
  ~ConsoleTest() override {
    std::fclose(out_);
    std::free(bytes_);
  }
  std::string written() {
    std::fflush(out_);
    return {bytes_, size_};
  }
  char* bytes_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* out_ = ::open_memstream(&bytes_, &size_);
};

TEST_F(ConsoleTest, AwayFromATerminalPrintsALineForEachNotableEventAndNoneForTicks) {
  Console console(out_, false, false, false);
  console.on(event(850, "phase", {{"phase", "baseline"}, {"expected_ms", 12000}}));
  console.on(tick(1000, 50, 0));
  console.on(event(14312, "fault_applied", {{"summary", "kill a-redis (SIGKILL)"}}));
  EXPECT_EQ(written(),
            "2026-11-20T12:00:00.000Z +0.850s phase baseline, expected 12 s\n"
            "2026-11-20T12:00:00.000Z +14.312s fault_applied kill a-redis (SIGKILL)\n");
}

TEST_F(ConsoleTest, QuietMeansQuiet) {
  Console console(out_, true, true, true);
  console.on(event(0, "run_started"));
  console.on(event(1, "run_finished", {{"verdict", "passed"}}));
  EXPECT_EQ(written(), "");
}

TEST_F(ConsoleTest, EveryEventOfARecordHasWords) {
  Console console(out_, false, false, false);
  const auto record = failed_record();
  for (const auto& e : record["events"]) {
    console.on(e);
  }
  const auto lines = lines_of(written());
  EXPECT_EQ(lines.size(), record["events"].size());
  EXPECT_THAT(lines, Contains(HasSubstr("heal brought home: sessions: b-redis -> a-redis")));
  EXPECT_THAT(lines, Contains(HasSubstr("recovery sessions back after 31.8 s, objective 5 s")));
  EXPECT_THAT(lines, Contains(HasSubstr("residue nothing left behind")));
}

TEST_F(ConsoleTest, OnATerminalDrawsInPlaceAndGivesTheCursorBack) {
  {
    Console console(out_, true, false, false);
    console.on(event(0, "run_started", {{"experiment", "redis_failover"}}));
    const auto first = written();
    EXPECT_THAT(first, HasSubstr("\x1b[?25l"));
    console.on(tick(50, 10, 0));
    EXPECT_EQ(written(), first) << "not more often than ten times a second";
    console.on(tick(500, 50, 0));
    const auto second = written().substr(first.size());
    EXPECT_THAT(second, testing::StartsWith("\x1b[3A\r")) << "up to the first line";
    EXPECT_THAT(second, HasSubstr("login"));
    EXPECT_THAT(written(), Not(HasSubstr("\x1b[?25h")));
  }
  EXPECT_THAT(written(), testing::EndsWith("\x1b[?25h")) << "also when the run did not finish";
}

TEST_F(ConsoleTest, ASecondRunStartsBelowTheFirst) {
  Console console(out_, true, false, false);
  console.on(event(0, "run_started"));
  console.on(event(1000, "run_finished", {{"verdict", "passed"}}));
  const auto before = written().size();
  console.on(event(0, "run_started"));
  EXPECT_THAT(written().substr(before), Not(HasSubstr("A\r")));
}

class FrameTest : public testing::Test {
 protected:
  void run_with_an_outage() {
    view_.apply(event(0, "run_started",
                      {{"experiment", "redis_failover"},
                       {"title", "Redis primary lost"},
                       {"environment", "lab"},
                       {"profile", "hardened"},
                       {"id", "r1"}}));
    view_.apply(event(0, "phase", {{"phase", "method"}, {"expected_ms", 20000}}));
    for (int i = 1; i <= 20; ++i) {
      view_.apply(tick(500 * i, i > 8 && i <= 12 ? 0 : 50, i > 8 && i <= 12 ? 50 : 0));
    }
  }
  [[nodiscard]] std::string drawn(Size size = {100, 24}) const {
    std::string out;
    for (const auto& line : frame(view_, size, false)) {
      out += line + "\n";
    }
    return out;
  }
  View view_;
};

TEST_F(FrameTest, ShowsPhaseFaultsAndWhatUsersGet) {
  run_with_an_outage();
  const auto words = drawn();
  EXPECT_THAT(words, HasSubstr("redis_failover  Redis primary lost  lab hardened  run r1"));
  EXPECT_THAT(words, testing::ContainsRegex("method +10.0 s  ███████████████░"));
  EXPECT_THAT(words, testing::ContainsRegex("in force +2.3 s  kill a-redis"));
  EXPECT_THAT(words, testing::ContainsRegex("login +100/s +80.0 % +bad +1  "));
}

TEST_F(FrameTest, RequestsThatWaitForAnAnswerAreShownAsThat) {
  for (int i = 1; i <= 8; ++i) {
    view_.apply(tick(500 * i, 50, 0));
  }
  for (int i = 9; i <= 20; ++i) {
    view_.apply(tick(500 * i, 0, 0, 25 * (i - 8)));  // all are held
  }
  EXPECT_THAT(drawn(), testing::ContainsRegex("login +no answers +300  "));
  EXPECT_THAT(drawn(), HasSubstr("████······\n"));
  view_.apply(tick(10'500, 0, 100, 225));
  EXPECT_THAT(drawn(), testing::ContainsRegex("login +20/s +0.0 % +bad +225  "));
  const auto coloured = frame(view_, {100, 24}, true);
  EXPECT_THAT(coloured, Contains(HasSubstr("\x1b[33m      225"))) << "more than a second answers";
}

TEST_F(FrameTest, WithoutRequestsItSaysSo) {
  view_.apply(tick(500, 0, 0, 0));
  EXPECT_THAT(drawn(), testing::ContainsRegex("login +no requests +0"));
}

TEST_F(FrameTest, DrawsTheOutageAsADipInTheSparkline) {
  run_with_an_outage();
  EXPECT_THAT(drawn(), HasSubstr("████▁▁████\n"));
}

TEST_F(FrameTest, OneBadRequestShowsWithoutColour) {
  view_.apply(tick(500, 0, 0));
  view_.apply(tick(1000, 9999, 1));
  EXPECT_THAT(drawn(), HasSubstr("▇\n"));
}

TEST_F(FrameTest, ForgetsTheFiguresOfAnEarlierRun) {
  run_with_an_outage();
  view_.apply(event(0, "run_started", {{"experiment", "az_partition"}}));
  EXPECT_THAT(drawn(), Not(HasSubstr("login")));
}

TEST_F(FrameTest, NeverExceedsTheTerminalWhateverItsSize) {
  run_with_an_outage();
  view_.apply(event(10001, "note", {{"text", std::string(500, 'x')}}));
  view_.apply(event(10002, "note",
                    {{"text", "长长长长长长长长长长长长长长长长长长长长长长长长长长长长长"}}));
  for (std::size_t columns = 1; columns < 130; ++columns) {
    for (const std::size_t rows : {1, 2, 5, 24}) {
      const auto lines = frame(view_, {columns, rows}, false);
      EXPECT_LE(lines.size(), std::max<std::size_t>(rows - 1, 1));
      for (const auto& line : lines) {
        EXPECT_LE(cells(line), columns) << line;
      }
      const auto coloured = frame(view_, {columns, rows}, true);
      EXPECT_EQ(coloured.size(), lines.size());
    }
  }
}

TEST_F(FrameTest, TextOfAScriptCannotSteerTheTerminal) {
  view_.apply(event(0, "run_started", {{"title", "a\x1b[2Jb\u009b1mc"}}));
  view_.apply(event(1, "note", {{"text", "\r\n\x1b]0;owned\x07"}}));
  for (const auto& line : frame(view_, {100, 24}, false)) {
    for (const char* bad : {"\x1b", "\r", "\n", "\x07", "\xc2\x9b"}) {
      EXPECT_THAT(line, Not(HasSubstr(bad)));
    }
  }
}

}  // namespace
}  // namespace faultline::report
