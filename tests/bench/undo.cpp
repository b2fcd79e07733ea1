#include "orchestrator/engine/run.hpp"
#include "targets/catalog.hpp"
#include "targets/net/asio_clock.hpp"
#include "tests/fake/fake_target.hpp"
#include "tests/fake/forwarding_target.hpp"
#include "tests/integration/program.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <thread>

/// How fast everything is put back on the real lab: from the decision to abort to the last undo
/// issued and done, and from the death or the hang of the orchestrator to nothing in force.
namespace faultline::bench {
namespace {

using namespace std::chrono_literals;
using integration::TemporaryHome;
using nlohmann::json;

/// Notes when undos are issued and answered.
class Watched : public fake::ForwardingTarget {
 public:
  Watched(targets::Target& inner, Clock& clock) : ForwardingTarget(inner), clock_(clock) {}
  void revert(const targets::Action& action, targets::Epoch epoch,
              targets::Done<void> done) override {
    issued = clock_.now();
    ForwardingTarget::revert(action, epoch, [this, done = std::move(done)](Result<> result) {
      answered = clock_.now();
      done(std::move(result));
    });
  }
  Instant issued{}, answered{};

 private:
  Clock& clock_;
};

struct Abort {
  double issued_ms = 0, done_ms = 0;
};

/// One abort with so many faults in force.
Abort abort_with(int faults, const TemporaryHome& home, int round) {
  boost::asio::io_context io;
  net::AsioClock clock(io.get_executor());
  const auto* kind = targets::find("lab");
  const auto lab = kind->open(io, {.home = home.path(),
                                   .cache = home.environment().at("XDG_CACHE_HOME"),
                                   .profile = "",
                                   .stage = false,
                                   .progress = [](const std::string&) {}})
                       .value();
  Watched target(*lab, clock);
  engine::Environment environment;
  environment.name = "bench";
  environment.staging = true;
  engine::Experiment experiment;
  experiment.name = "abort";
  experiment.method = [faults](engine::Stage& stage) {
    const engine::FaultRequest cut{"az_partition", {{"zone", "b"}}, {"bench", 1}};
    stage.inject(std::vector(static_cast<std::size_t>(faults), cut));
    stage.wait(1min);
  };
  fake::MemoryJournal journal;
  int proved = 0;
  std::optional<engine::RunResult> result;
  engine::Run* running = nullptr;
  Instant decided{};
  engine::Run run({.environment = environment,
                   .experiment = experiment,
                   .target = target,
                   .journal = journal,
                   .clock = clock,
                   .executor = io.get_executor(),
                   .id = fmt::format("b{}-{}", faults, round),
                   .operator_name = "bench",
                   .measure = false,
                   .on_event = [&](const json& event) {
                     if (event["name"] == "effect_proved" && ++proved == faults) {
                       boost::asio::post(io, [&] {
                         decided = clock.now();
                         running->stop(engine::Stop::abort, "bench");
                       });
                     }
                   }});
  running = &run;
  run.start([&](engine::RunResult r) { result = std::move(r); });
  while (!result && io.run_one() > 0) {
  }
  if (proved < faults || result->exit_code == 5) {
    throw std::runtime_error("not a clean abort: " + result->record["reason"].dump());
  }
  return {to_ms(target.issued - decided), to_ms(target.answered - decided)};
}

double percentile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  const auto index = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  return values[index];
}

void aborts(const TemporaryHome& home, int rounds) {
  fmt::print("{:<34}{:>10}{:>10}{:>12}{:>12}\n", "abort with faults in force", "issued p50", "p99",
             "undone p50", "p99  (ms)");
  for (const int faults : {1, 10, 100}) {
    std::vector<double> issued, done;
    for (int round = 0; round < rounds; ++round) {
      const auto abort = abort_with(faults, home, round);
      issued.push_back(abort.issued_ms);
      done.push_back(abort.done_ms);
    }
    fmt::print("{:<34}{:>10.2f}{:>10.2f}{:>12.1f}{:>12.1f}\n", faults, percentile(issued, 0.5),
               percentile(issued, 0.99), percentile(done, 0.5), percentile(done, 0.99));
  }
}

/// From the signal to nothing in force, as `lab status` tells.
double gone_after(const TemporaryHome& home, int signal) {
  const auto program = home.start({"inject", "az_partition", "zone=b", "--for", "60s"});
  if (!program->says("effect_proved")) {
    throw std::runtime_error("the fault did not take hold: " + program->wait().err);
  }
  const auto begun = std::chrono::steady_clock::now();
  program->signal(signal);
  const auto status = [&] { return json::parse(home.run({"lab", "status", "--json"}).out); };
  while (!status()["in_force"].empty()) {
    std::this_thread::sleep_for(2ms);
  }
  const auto took = to_ms(std::chrono::steady_clock::now() - begun);
  program->signal(SIGCONT);
  program->signal(signal == SIGSTOP ? SIGTERM : SIGKILL);
  (void)program->wait();
  while (!status()["owner"].get<std::string>().empty()) {  // the guard looks what is left
    std::this_thread::sleep_for(50ms);
  }
  return took;
}

void deaths(const TemporaryHome& home, int rounds) {
  fmt::print("{:<34}{:>10}{:>10}\n", "gone after the orchestrator's", "p50", "p99  (ms)");
  for (const auto& [name, signal] : {std::pair{"SIGKILL", SIGKILL}, {"SIGSTOP", SIGSTOP}}) {
    std::vector<double> took;
    for (int round = 0; round < rounds; ++round) {
      took.push_back(gone_after(home, signal));
    }
    fmt::print("{:<34}{:>10.0f}{:>10.0f}\n", name, percentile(took, 0.5), percentile(took, 0.99));
  }
}

}  // namespace
}  // namespace faultline::bench

int main(int argc, char** argv) {
  CLI::App app{"How fast everything is put back"};
  int rounds = 20;
  app.add_option("ROUNDS", rounds);
  CLI11_PARSE(app, argc, argv);
  const faultline::integration::TemporaryHome home;
  if (const auto up = home.run({"lab", "up"}); up.code != 0) {
    fmt::print(stderr, "{}", up.err);
    return 3;
  }
  faultline::bench::aborts(home, rounds);
  faultline::bench::deaths(home, rounds);
  return 0;
}
