#include "targets/lab/lab_target.hpp"

#include "tests/fake/manual_clock.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <optional>

namespace faultline::lab {
namespace {

using targets::Json;
using targets::Outcome;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

/// A supervisor's side in memory: the test reads what was asked and says the answers.
class FakeChannel : public Channel {
 public:
  void start(OnLine on_line, OnClose on_close) override {
    on_line_ = std::move(on_line);
    on_close_ = std::move(on_close);
  }
  void send(const Json& line, std::vector<net::Fd> fds) override {
    sent.push_back(line);
    if (!fds.empty()) {
      received_fds = std::move(fds);
    }
  }
  void close() override { closed = true; }

  void say(const Json& line) { on_line_(line, {}); }
  /// Answers the last request.
  void answer(const Json& ok) { say({{"id", sent.back()["id"]}, {"ok", ok}}); }
  void refuse(const char* kind, const char* message) {
    say({{"id", sent.back()["id"]}, {"error", {{"kind", kind}, {"message", message}}}});
  }
  void break_off(const std::string& reason) { on_close_(reason); }

  std::vector<Json> sent;
  std::vector<net::Fd> received_fds;
  bool closed = false;

 private:
  OnLine on_line_;
  OnClose on_close_;
};

class LabTargetTest : public testing::Test {
 protected:
  LabTargetTest() {
    std::string name = testing::TempDir() + "lab-target-XXXXXX";
    home_ = ::mkdtemp(name.data());
    std::filesystem::create_directories(log_folder(home_));
    auto clock = std::make_unique<fake::ManualClock>();
    clock_ = clock.get();
    target_ = std::make_unique<LabTarget>(
        Connection::over(io_.get_executor(), channel_, std::move(clock), [this] { return gone_; }),
        LabTarget::Identity{home_, "2026-11-20T12:00:00.000Z"});
  }
  ~LabTargetTest() override { std::filesystem::remove_all(home_); }

  /// Turns the hands until no timer is left.
  void wait_for_timers() {
    clock_->run(io_, [] { return false; });
  }
  void settle() {
    io_.restart();
    io_.poll();
  }
  template <class T>
  targets::Done<T> into(std::optional<Result<T>>& slot) {
    return [&slot](Result<T> result) {
      EXPECT_FALSE(slot.has_value()) << "called twice";
      slot.emplace(std::move(result));
    };
  }

  targets::Action kill_action() {
    return {"r1.f1.1",      "process.kill",  {{"component", "a-redis"}},
            "kill a-redis", "start a-redis", "component a-redis"};
  }

  boost::asio::io_context io_;
  std::shared_ptr<FakeChannel> channel_ = std::make_shared<FakeChannel>();
  fake::ManualClock* clock_ = nullptr;
  bool gone_ = false;  // what is found when the connection is lost
  std::filesystem::path home_;
  std::unique_ptr<LabTarget> target_;
};

TEST_F(LabTargetTest, AsksForTheEnvironmentAndGetsAnEpoch) {
  std::optional<Result<targets::Epoch>> epoch;
  target_->acquire("run redis_failover, pid 12", 0, into(epoch));
  EXPECT_EQ(channel_->sent.back()["op"], "acquire");
  EXPECT_EQ(channel_->sent.back()["who"], "run redis_failover, pid 12");
  channel_->answer({{"epoch", 41}});
  EXPECT_EQ(epoch->value(), 41u);
}

TEST_F(LabTargetTest, AnErrorKeepsItsKindAndWords) {
  std::optional<Result<targets::Epoch>> epoch;
  target_->acquire("second", 0, into(epoch));
  channel_->refuse("refused", "held by first");
  EXPECT_EQ(epoch->error().kind, ErrorKind::refused);
  EXPECT_EQ(epoch->error().message, "held by first");
}

TEST_F(LabTargetTest, AnswersFindTheirQuestionsInAnyOrder) {
  std::optional<Result<void>> first, second;
  target_->renew(1, into(first));
  const Json first_id = channel_->sent.back()["id"];
  target_->release(1, into(second));
  channel_->answer(Json::object());
  EXPECT_TRUE(second.has_value());
  EXPECT_FALSE(first.has_value());
  channel_->say({{"id", first_id}, {"ok", Json::object()}});
  EXPECT_TRUE(first.has_value());
}

TEST_F(LabTargetTest, AnApplyWithoutAnAnswerIsUnknownAndALateAnswerChangesNothing) {
  std::optional<Result<Outcome>> outcome;
  target_->apply(kill_action(), 7, into(outcome));
  EXPECT_EQ(channel_->sent.back()["action"]["id"], "r1.f1.1");
  const Instant asked = clock_->now();
  wait_for_timers();
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->value(), Outcome::unknown);
  EXPECT_EQ(clock_->now() - asked, 5s);
  channel_->answer({{"outcome", "done"}});
}

TEST_F(LabTargetTest, AnApplyInALabThatVanishesIsUnknown) {
  std::optional<Result<Outcome>> outcome;
  target_->apply(kill_action(), 7, into(outcome));
  channel_->break_off("connection reset");
  EXPECT_EQ(outcome->value(), Outcome::unknown);
}

TEST_F(LabTargetTest, AnApplyThatIsFencedSaysSo) {
  std::optional<Result<Outcome>> outcome;
  target_->apply(kill_action(), 7, into(outcome));
  channel_->refuse("fenced", "epoch 8 owns the lab");
  EXPECT_EQ(outcome->error().kind, ErrorKind::fenced);
}

TEST_F(LabTargetTest, OtherRequestsTimeOut) {
  std::optional<Result<targets::World>> world;
  target_->observe(into(world));
  wait_for_timers();
  ASSERT_TRUE(world.has_value());
  EXPECT_EQ(world->error().kind, ErrorKind::timeout);
  EXPECT_THAT(world->error().message, HasSubstr("'status'"));
}

TEST_F(LabTargetTest, LosingTheLabFailsAllThatIsPendingAndIsNoticed) {
  std::vector<std::string> notices;
  target_->on_notice([&](const targets::Notice& n) { notices.push_back(n.name); });
  channel_->answer(Json::object());
  std::optional<Result<targets::World>> world;
  std::optional<Result<void>> revert;
  target_->observe(into(world));
  target_->revert(kill_action(), 7, into(revert));
  channel_->break_off("connection reset");
  EXPECT_EQ(world->error().kind, ErrorKind::io);
  EXPECT_EQ(revert->error().kind, ErrorKind::io);
  EXPECT_THAT(revert->error().message, HasSubstr("connection reset"));
  EXPECT_THAT(notices, ElementsAre("target_gone"));
}

TEST_F(LabTargetTest, AnUndoInALabThatIsGoneIsToldApartFromOneThatIsOutOfReach) {
  Json told;
  target_->on_notice([&](const targets::Notice& n) { told = n.detail; });
  channel_->answer(Json::object());
  std::optional<Result<void>> pending, later;
  target_->revert(kill_action(), 7, into(pending));
  gone_ = true;
  channel_->break_off("connection reset");
  EXPECT_EQ(pending->error().kind, ErrorKind::not_found);
  EXPECT_THAT(pending->error().message, HasSubstr("gone, and everything in it"));
  EXPECT_TRUE(told["everything_gone"]);
  target_->revert(kill_action(), 7, into(later));
  settle();
  EXPECT_EQ(later->error().kind, ErrorKind::not_found);
}

TEST_F(LabTargetTest, ARequestToALostLabFailsButNeverFromInsideTheCall) {
  channel_->break_off("connection reset");
  std::optional<Result<void>> renewed;
  target_->renew(1, into(renewed));
  EXPECT_FALSE(renewed.has_value());
  settle();
  EXPECT_EQ(renewed->error().kind, ErrorKind::io);
}

TEST_F(LabTargetTest, NoticesCarryTheirTime) {
  std::vector<targets::Notice> notices;
  target_->on_notice([&](const targets::Notice& n) { notices.push_back(n); });
  EXPECT_EQ(channel_->sent.back()["op"], "watch");
  channel_->say({{"notice", "component_died"},
                 {"t_ns", 1'500'000'000},
                 {"detail", {{"component", "a-redis"}, {"by_fault", false}}}});
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0].at.time_since_epoch(), 1500ms);
  EXPECT_EQ(notices[0].detail["component"], "a-redis");
}

TEST_F(LabTargetTest, AnAnswerThatMakesNoSenseIsAnError) {
  std::optional<Result<targets::CheckResult>> result;
  target_->check({"component.silent", {{"component", "a-redis"}}, "a-redis is silent"},
                 into(result));
  channel_->answer({{"holds", "perhaps"}});
  EXPECT_EQ(result->error().kind, ErrorKind::io);
}

TEST_F(LabTargetTest, AConnectionThatIsTurnedAwayIsLost) {
  std::optional<Result<void>> renewed;
  target_->renew(1, into(renewed));
  channel_->say({{"id", nullptr}, {"error", {{"kind", "refused"}, {"message", "64 clients"}}}});
  EXPECT_THAT(renewed->error().message, HasSubstr("64 clients"));
}

/// A worker whose other ends the test holds.
class WorkerTest : public LabTargetTest {
 protected:
  void start() {
    std::optional<Result<std::unique_ptr<targets::Worker>>> started;
    target_->start_worker({"client",
                           {"worker"},
                           "{\"probe\":\"login\"}",
                           [this](std::string_view line) { lines_.emplace_back(line); },
                           [this](const std::string& reason) { exit_ = reason; }},
                          into(started));
    channel_->answer({{"exec", 3}});
    worker_ = std::move(started->value());
    settle();
  }
  std::string read_input() {
    std::array<char, 256> block{};
    const auto n = ::read(channel_->received_fds.at(0).get(), block.data(), block.size());
    return {block.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0))};
  }
  void write_output(std::string_view text) {
    ASSERT_EQ(::write(channel_->received_fds.at(1).get(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
    settle();
  }

  std::unique_ptr<targets::Worker> worker_;
  std::vector<std::string> lines_;
  std::optional<std::string> exit_;
};

TEST_F(WorkerTest, RunsThisProgramWithThreeStreamsAndItsSpecFirst) {
  start();
  const Json& exec = channel_->sent.at(0);
  EXPECT_EQ(exec["op"], "exec");
  EXPECT_EQ(exec["host"], "client");
  EXPECT_EQ(exec["argv"], Json({own_program().string(), "worker"}));
  ASSERT_EQ(channel_->received_fds.size(), 3u);
  EXPECT_EQ(read_input(), "{\"probe\":\"login\"}\n");
  worker_->send("finish");
  settle();
  EXPECT_EQ(read_input(), "finish\n");
}

TEST_F(WorkerTest, OutputComesInWholeLinesAndTheEndAfterTheLast) {
  start();
  write_output("{\"started\":1}\n{\"samp");
  write_output("les\":[]}\n");
  channel_->say({{"exec", 3}, {"exited", 0}});
  EXPECT_FALSE(exit_.has_value()) << "output may still come";
  write_output("last\n");
  channel_->received_fds.clear();
  settle();
  EXPECT_THAT(lines_, ElementsAre("{\"started\":1}", "{\"samples\":[]}", "last"));
  EXPECT_EQ(exit_, "");
}

TEST_F(WorkerTest, AnEndByCodeOrSignalHasAReason) {
  start();
  channel_->received_fds.clear();
  settle();
  channel_->say({{"exec", 3}, {"signal", SIGKILL}});
  EXPECT_EQ(exit_, "killed by signal 9");
}

TEST_F(WorkerTest, AWorkerEndsWithItsLab) {
  start();
  channel_->break_off("connection reset");
  EXPECT_THAT(exit_.value_or(""), HasSubstr("the connection to the lab is lost"));
}

TEST_F(WorkerTest, DroppingItKillsItAndNothingIsHeardOfIt) {
  start();
  worker_.reset();
  EXPECT_EQ(channel_->sent.back()["op"], "signal");
  EXPECT_EQ(channel_->sent.back()["exec"], 3);
  EXPECT_EQ(channel_->sent.back()["signal"], SIGKILL);
  channel_->say({{"exec", 3}, {"signal", SIGKILL}});
  settle();
  EXPECT_FALSE(exit_.has_value());
}

TEST_F(LabTargetTest, SavesTheLogs) {
  std::ofstream(log_folder(home_) / "a-redis.log") << "ready\n";
  const auto folder = home_ / "saved";
  ASSERT_TRUE(target_->save_logs(folder.string()));
  EXPECT_TRUE(std::filesystem::exists(folder / "a-redis.log"));
}

TEST_F(LabTargetTest, IsNamedByItsHomeAndItsStart) {
  EXPECT_EQ(target_->identity(), Json({{"target", "lab"},
                                       {"home", home_.string()},
                                       {"private", false},
                                       {"instance", "2026-11-20T12:00:00.000Z"},
                                       {"supervisor", 0},
                                       {"supervisor_started", 0}}));
}

}  // namespace
}  // namespace faultline::lab
