#include "tests/engine/run_fixture.hpp"

/// How a run is ended before its method is: by a stop condition, by people, by a STOP file.
namespace faultline::engine {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const StopCondition half_bad{
    .sli = Sli::good, .subject = "login", .limit = 50, .over = 1s, .place = here};

std::vector<std::string> names_of_events(const Json& record) {
  std::vector<std::string> names;
  for (const auto& event : record["events"]) {
    names.push_back(event["name"]);
  }
  return names;
}

/// A method that sets a stop condition, breaks something and waits for a minute.
void break_for_a_minute(Stage& stage) {
  stage.stop_when(half_bad);
  stage.inject({crash});
  stage.wait(1min);
}

class Stopped : public RunTest {
 protected:
  double ms_in_force() const {
    const auto& fault = record["faults"][0];
    return fault["reverted_at_offset_ms"].get<double>() -
           fault["applied_at_offset_ms"].get<double>();
  }
};

TEST_F(Stopped, AStopConditionThatIsMetRevertsAtOnceAndSaysWhichAndWhen) {
  experiment.method = break_for_a_minute;
  target.bad = [this](const std::string& probe, Instant due) {
    return probe == "login" && due - 5s >= in_force_at_;
  };
  run();
  EXPECT_EQ(record["verdict"], "aborted");
  EXPECT_EQ(exit_code, 4);
  EXPECT_THAT(record["reason"].get<std::string>(),
              testing::MatchesRegex("stop condition met 1[0-9].[0-9] s into the run: "
                                    "login < 50 % good over 1 s: [0-9.]+ % of [0-9]+ requests"));
  EXPECT_THAT(target.in_force, IsEmpty());
  EXPECT_LT(ms_in_force(), 5000 + 500 + 500) << "half of the window, a look and a report";
  const auto& condition = record["stop_conditions"][0];
  EXPECT_EQ(condition["condition"], "login < 50 % good over 1 s");
  EXPECT_TRUE(condition["met"]);
  EXPECT_LT(condition["worst"], 50);
}

TEST_F(Stopped, AStopConditionThatIsNotMetIsInTheRecordWithItsWorst) {
  experiment.method = [](Stage& stage) {
    stage.stop_when(half_bad);
    stage.inject({crash});
    stage.wait(5s);
    stage.expect(nothing_lost());
  };
  run();
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  const auto& condition = record["stop_conditions"][0];
  EXPECT_FALSE(condition["met"]);
  EXPECT_EQ(condition["worst"], 100);
  EXPECT_GE(condition["looks"].get<int>(), 2 * 10) << "twice a second, and more";
}

TEST_F(Stopped, RequestsThatNobodyAnswersMeetAStopConditionToo) {
  for (auto& [name, probe] : environment.probes) {
    probe.threshold = 2s;
  }
  experiment.method = break_for_a_minute;
  target.held = [this](const std::string& probe, Instant due) {
    return probe == "login" && due >= in_force_at_ && !target.in_force.empty();
  };
  run();
  EXPECT_EQ(record["verdict"], "aborted");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("login < 50 % good over 1 s: 0 %"));
  EXPECT_LT(ms_in_force(), 2000 + 500);
}

TEST_F(Stopped, AWindowWithoutRequestsIsNoBreachButItIsSaid) {
  experiment.method = [](Stage& stage) {
    stage.stop_when(half_bad);
    stage.inject({crash});
    stage.wait(5s);
    stage.expect(nothing_lost());
  };
  target.held = [this](const std::string& probe, Instant due) {
    return probe == "login" && due >= in_force_at_ && clock.now() < in_force_at_ + 3s;
  };
  run();
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  EXPECT_THAT(names_of_events(record), testing::Contains("stop_condition_blind").Times(1));
  EXPECT_GT(record["stop_conditions"][0]["looks_without_requests"], 0);
}

TEST_F(Stopped, AStopConditionWhoseWorkerDiesEndsTheRunBecauseNobodyWatches) {
  experiment.method = break_for_a_minute;
  target.dead = [this](const std::string& probe) {
    return probe == "login" && !target.in_force.empty();
  };
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(),
              HasSubstr("a stop condition cannot be watched any more"));
  EXPECT_LT(ms_in_force(), 5000);
}

TEST_F(Stopped, AStopConditionThatSeesNothingForLongerThanARequestMayTakeEndsTheRun) {
  experiment.method = break_for_a_minute;
  target.unsent = [this](const std::string& probe, Instant) {
    return probe == "login" && !target.in_force.empty();
  };
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(),
              HasSubstr("a stop condition cannot be watched any more"));
  EXPECT_LT(ms_in_force(), 5000 + 4000) << "the deadline of a request, and a little more";
}

TEST_F(Stopped, BadAnswersOfTheWarmUpMeetNoStopCondition) {
  experiment.method = [](Stage& stage) {
    stage.stop_when(half_bad);
    stage.inject({crash});
    stage.expect(nothing_lost());
  };
  const auto warm = clock.now() + environment.warm_up;
  target.bad = [warm](const std::string&, Instant due) { return due < warm; };
  run();
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
}

TEST_F(Stopped, TheFirstInterruptRevertsAndLooksWhatIsLeft) {
  experiment.method = break_for_a_minute;
  run([](engine::Run& r) { r.stop(Stop::interrupt, "interrupted (Ctrl-C)"); });
  EXPECT_EQ(exit_code, 130);
  EXPECT_EQ(record["reason"], "interrupted (Ctrl-C)");
  EXPECT_THAT(names_of_events(record), testing::Contains("residue"));
  EXPECT_TRUE(all_closed);
}

TEST_F(Stopped, TheSecondInterruptEndsWhenTheUndosAreAnswered) {
  experiment.method = break_for_a_minute;
  target.drop_undo = true;  // a look would wait 30 s for what is left
  Instant asked{};
  run([&](engine::Run& r) {
    asked = clock.now();
    r.stop(Stop::interrupt, "interrupted (Ctrl-C)");
    r.stop(Stop::interrupt, "interrupted (Ctrl-C)");
    r.stop(Stop::interrupt, "interrupted (Ctrl-C)");
  });
  EXPECT_EQ(exit_code, 130);
  EXPECT_EQ(record["verdict"], "aborted");
  EXPECT_LT(clock.now() - asked, 1s);
  EXPECT_THAT(target.log, testing::Contains("revert r1.f1.1"));
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("nobody looked whether anything is"));
  EXPECT_FALSE(all_closed) << "the next command looks";
  EXPECT_EQ(record["faults"][0]["state"], "undone, not looked at");
}

TEST_F(Stopped, ASecondInterruptLeavesALookThatTakesLong) {
  experiment.method = break_for_a_minute;
  target.drop_undo = true;
  std::unique_ptr<Timer> again;
  const auto started = clock.now();
  run([&](engine::Run& r) {
    r.stop(Stop::interrupt, "interrupted (Ctrl-C)");
    again = clock.at(clock.now() + 5s, [&r] { r.stop(Stop::interrupt, "again"); });
  });
  EXPECT_EQ(exit_code, 130);
  EXPECT_LT(clock.now() - started, 20s);
  EXPECT_FALSE(all_closed);
}

TEST_F(Stopped, ASecondInterruptStillTriesAnUndoThatFailed) {
  experiment.method = break_for_a_minute;
  target.failing_reverts = 3;
  run([](engine::Run& r) {
    r.stop(Stop::interrupt, "interrupted (Ctrl-C)");
    r.stop(Stop::interrupt, "interrupted (Ctrl-C)");
  });
  EXPECT_EQ(exit_code, 130);
  EXPECT_THAT(target.in_force, IsEmpty());
}

TEST_F(Stopped, TerminationIsAsTheFirstInterrupt) {
  experiment.method = break_for_a_minute;
  run([](engine::Run& r) {
    r.stop(Stop::terminate, "terminated (SIGTERM)");
    r.stop(Stop::terminate, "terminated (SIGTERM)");
  });
  EXPECT_EQ(exit_code, 143);
  EXPECT_EQ(record["verdict"], "aborted");
  EXPECT_TRUE(all_closed);
}

TEST_F(Stopped, AStopFileRevertsWhatRunsWithinHalfASecond) {
  experiment.method = break_for_a_minute;
  Instant written{};
  run([&](engine::Run&) {
    written = clock.now();
    halted = "/home/STOP says: fire drill";
  });
  EXPECT_EQ(record["verdict"], "aborted");
  EXPECT_EQ(exit_code, 4);
  EXPECT_EQ(record["reason"], "/home/STOP says: fire drill");
  EXPECT_THAT(target.in_force, IsEmpty());
  const auto& fault = record["faults"][0];
  EXPECT_LT(
      fault["reverting_at_offset_ms"].get<double>() - fault["effective_at_offset_ms"].get<double>(),
      500);
}

TEST_F(Stopped, AStopFileThatIsThereAlreadyTouchesNothing) {
  halted = "/home/STOP says: fire drill";
  run();
  EXPECT_EQ(record["verdict"], "aborted");
  EXPECT_THAT(target.log, IsEmpty());
}

TEST_F(Stopped, ARunThatIsNotAtItsEndSaysSo) {
  Json so_far;
  run([&](engine::Run& r) { so_far = r.record(); });
  EXPECT_EQ(so_far["verdict"], "inconclusive");
  EXPECT_THAT(so_far["reason"].get<std::string>(), HasSubstr("unfinished"));
  EXPECT_TRUE(so_far["finished"].is_null());
  EXPECT_EQ(record["verdict"], "passed") << record["reason"];
  EXPECT_FALSE(record["finished"].is_null());
}

}  // namespace
}  // namespace faultline::engine
