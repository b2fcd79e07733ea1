#include "tests/engine/run_fixture.hpp"

/// Whatever takes the proof away makes a run inconclusive, with that as its reason, also when an
/// objective was missed besides: what was missed may be the trouble's own work.
namespace faultline::engine {
namespace {

using testing::HasSubstr;

class Troubled;

struct Trouble {
  const char* name;
  const char* said;  ///< in the reason
  /// Spoils the world, before the run or once the fault is in force.
  std::function<void(Troubled& world)> before = {};
  std::function<void(Troubled& world)> meanwhile = {};
};

void PrintTo(const Trouble& trouble, std::ostream* out) {
  *out << trouble.name;
}

/// The fixture, open to the troubles.
class Troubled : public RunTest, public testing::WithParamInterface<Trouble> {
 public:
  using RunTest::clock;
  using RunTest::environment;
  using RunTest::experiment;
  using RunTest::in_force_at_;
  using RunTest::target;

 protected:
  void SetUp() override {
    experiment.method = [](Stage& stage) {
      const auto lost = stage.inject({crash}).front();
      for (const auto* probe : {"login", "sessions"}) {
        auto promise = good(probe, 97, 5s);
        promise.from = lost;
        stage.expect(promise);
      }
      stage.wait(3s);
    };
    if (GetParam().before) {
      GetParam().before(*this);
    }
  }
  void run_in_trouble() {
    run([this](engine::Run&) {
      if (GetParam().meanwhile) {
        GetParam().meanwhile(*this);
      }
    });
    EXPECT_EQ(record["verdict"], "inconclusive") << record["reason"];
    EXPECT_EQ(exit_code, 3);
    EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr(GetParam().said));
    EXPECT_THAT(target.in_force, testing::IsEmpty());
  }
};

TEST_P(Troubled, IsInconclusive) {
  run_in_trouble();
}

TEST_P(Troubled, IsInconclusiveThoughAnObjectiveWasMissedToo) {
  const auto as_before = target.bad;
  target.bad = [this, as_before](const std::string& probe, Instant due) {
    const bool in_force = probe == "sessions" && due >= in_force_at_ && due < in_force_at_ + 2s;
    return in_force || (as_before && as_before(probe, due));
  };
  run_in_trouble();
}

const Trouble troubles[] = {
    {"NoEffect", "the effect was not proved", [](Troubled& w) { w.target.no_effect = true; }},
    {"NothingInjected", "nothing was injected",
     [](Troubled& w) {
       w.experiment.method = [](Stage& stage) { stage.baseline(std::nullopt, here); };
     }},
    {"NothingSelected", "matched nothing",
     [](Troubled& w) {
       w.experiment.method = [](Stage& stage) {
         stage.baseline(std::nullopt, here);
         throw Failure({ErrorKind::not_found, "test.lua:3: instances matched nothing"});
       };
     }},
    {"PreconditionUnmet", "precondition unmet",
     [](Troubled& w) {
       w.experiment.requirements = {{"replicas", "sessions", 3, here}};
     }},
    {"BaselineDidNotHold", "the baseline did not hold",
     [](Troubled& w) {
       w.target.bad = [](const std::string& probe, Instant) { return probe == "login"; };
     }},
    {"NobodyMeasured", "too busy: the worker of login sent 0 of",
     [](Troubled& w) {
       w.environment.objectives.clear();
       w.target.unsent = [](const std::string& probe, Instant) { return probe == "login"; };
     }},
    {"TooFewSamples", "too few samples: 236 of 250 requests were measured",
     [](Troubled& w) {
       w.environment.baseline = 20s;  // too few in the window only, not of all
       w.target.unsent = [&w](const std::string& probe, Instant due) {
         return probe == "login" && due >= w.in_force_at_ && due < w.in_force_at_ + 300ms;
       };
     }},
    {"AWorkerDied",
     "the worker of probe login ended: killed by signal 9",
     {},
     [](Troubled& w) {
       w.target.dead = [](const std::string& probe) { return probe == "login"; };
     }},
    {"AWorkerIsLate", "machine too busy: the worker of",
     [](Troubled& w) { w.target.worker_delay_ms = 80; }},
    {"AWorkerSentLess", "machine too busy: the worker of sessions sent",
     [](Troubled& w) {
       w.target.unsent = [](const std::string& probe, Instant due) {
         return probe == "sessions" && due.time_since_epoch() % 1s < 100ms;
       };
     }},
    {"TheClockWasSet",
     "clock was set forward by 60 min",
     {},
     [](Troubled& w) { w.clock.set_by += 3600s; }},
    {"TheMachineSlept",
     "the machine was suspended for 20 s",
     {},
     [](Troubled& w) {
       w.clock.slept += 20s;
       w.clock.set_by += 20s;
     }},
    {"ItStoodStill", "faultline stood still for", {}, [](Troubled& w) { w.clock.stand_still(4s); }},
    {"AComponentDied",
     "c-spot died, and no fault did it",
     {},
     [](Troubled& w) {
       w.target.listener(
           {w.clock.now(), "component_died", {{"component", "c-spot"}, {"by_fault", false}}});
     }},
    {"NoWriteIsThere", "none of its 90 acknowledged writes is there",
     [](Troubled& w) { w.target.lost_writes = 90; }},
};

INSTANTIATE_TEST_SUITE_P(Run, Troubled, testing::ValuesIn(troubles),
                         [](const auto& trouble) { return std::string(trouble.param.name); });

}  // namespace
}  // namespace faultline::engine
