#pragma once

#include "orchestrator/engine/run.hpp"
#include "tests/fake/fake_target.hpp"
#include "tests/fake/manual_clock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::engine {

using namespace std::chrono_literals;

inline const Place here{"test.lua", 1};
inline const FaultRequest crash{"redis_failover", {{"cache", "sessions"}}, here};

inline Expectation good(const std::string& probe, double percent, Duration over = {}) {
  Expectation e;
  e.sli = Sli::good;
  e.subject = probe;
  e.threshold = percent;
  e.over = over;
  return e;
}

/// What a method expects that is about something else.
inline Expectation nothing_lost() {
  Expectation e;
  e.sli = Sli::lost;
  e.subject = "sessions";
  return e;
}

/// One that counts the requests that reach it, and has counted before.
inline targets::Component balancer() {
  targets::Component c;
  c.name = c.host = "alb";
  c.kind = "balancer";
  c.address = "10.0.0.10";
  c.port = 80;
  c.arrived["requests"] = 1'000;
  return c;
}

/// A world in memory, an experiment, and a clock that runs as fast as it can.
class RunTest : public testing::Test {
 protected:
  RunTest() {
    environment.name = "fake";
    environment.staging = true;
    environment.baseline = 5s;
    environment.warm_up = 1s;
    for (const auto* name : {"login", "sessions"}) {
      Probe probe;
      probe.name = name;
      probe.kind = name == std::string("login") ? "http" : "redis_writes";
      probe.store = name == std::string("login") ? "" : "sessions";
      probe.rate_per_s = 50;
      probe.threshold = probe.deadline = 5s;
      environment.probes[name] = probe;
    }
    environment.objectives["login"] = good("login", 99);
    experiment.name = "test";
    experiment.method = [](Stage& stage) {
      const auto lost = stage.inject({crash}).front();
      stage.wait(5s);
      stage.expect(nothing_lost());
      stage.revert(lost);
    };
  }

  const Json& run(std::function<void(engine::Run&)> meanwhile = {}) {
    engine::Run r({.environment = environment,
                   .experiment = experiment,
                   .target = target,
                   .journal = journal,
                   .clock = clock,
                   .executor = io.get_executor(),
                   .id = "r1",
                   .operator_name = "test",
                   .approvals = approvals,
                   .profile = "hardened",
                   .without_faults = without_faults,
                   .prometheus = prometheus,
                   .on_event = [&](const Json& event) { heard(event, r); },
                   .halted = [this] { return halted; }});
    on_event_ = std::move(meanwhile);
    std::optional<RunResult> result;
    r.start([&](RunResult got) { result = std::move(got); });
    EXPECT_TRUE(clock.run(io, [&] { return result.has_value(); })) << "the run never ended";
    exit_code = result ? result->exit_code : -1;
    all_closed = result && result->all_closed;
    record = result ? result->record : Json();
    return record;
  }

  void heard(const Json& event, engine::Run& r) {
    if (event["name"] == "effect_proved" && on_event_) {
      boost::asio::post(io, [this, &r] { on_event_(r); });
    }
    if (event["name"] == "effect_proved") {
      in_force_at_ = clock.now();
    }
  }

  boost::asio::io_context io;
  fake::ManualClock clock;
  fake::FakeTarget target{io, clock};
  fake::MemoryJournal journal;
  Environment environment;
  Experiment experiment;
  std::vector<Approval> approvals;
  std::string halted;  ///< as a STOP file
  bool without_faults = false;
  prometheus::Source* prometheus = nullptr;
  Json record;
  int exit_code = -1;
  bool all_closed = false;
  Instant in_force_at_ = Instant::max();

 private:
  std::function<void(engine::Run&)> on_event_;
};

}  // namespace faultline::engine
