#include "tests/simulation/scenario.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace faultline::simulation {
namespace {

void tell(const std::string& who, const std::string& what) {
  fmt::print("{} {}\n", who, what);
}

int replay(std::uint64_t seed) {
  const auto outcome = play(random_script(seed), tell);
  for (const auto& what : outcome.broken) {
    fmt::print("BROKEN: {}\n", what);
  }
  return outcome.broken.empty() ? 0 : 1;
}

/// What so many seeds must have come across, or they prove nothing.
constexpr std::uint64_t enough_seeds = 1000;
constexpr auto must_happen = {"passed",
                              "failed, measured",
                              "inconclusive",
                              "aborted",
                              "passed, measured",
                              "inconclusive, measured",
                              "aborted, measured",
                              "aborted by a stop condition",
                              "a second run that was refused",
                              "a second run that had its turn"};

bool all_happened(const std::map<std::string, std::uint64_t>& ends) {
  bool all = true;
  for (const auto* end : must_happen) {
    if (!ends.contains(end)) {
      fmt::print("none of these runs was: {}\n", end);
      all = false;
    }
  }
  return all;
}

int many(std::uint64_t from, std::uint64_t count) {
  std::uint64_t failed = 0, steps = 0;
  std::map<std::string, std::uint64_t> ends;
  for (auto seed = from; seed < from + count; ++seed) {
    const auto outcome = play(random_script(seed));
    steps += outcome.steps;
    failed += outcome.broken.empty() ? 0 : 1;
    for (const auto& what : outcome.broken) {
      fmt::print("seed {}: {}; replay with: simulation --seed {}\n", seed, what, seed);
    }
    for (const auto& end : outcome.ends) {
      ++ends[end];
    }
  }
  for (const auto& [end, runs] : ends) {
    fmt::print("{:7} {}\n", runs, end);
  }
  fmt::print("{} seeds, {} steps that change something, {} failed\n", count, steps, failed);
  return failed == 0 && (count < enough_seeds || all_happened(ends)) ? 0 : 1;
}

int crash_matrix(bool verbose) {
  std::size_t points = 0, residue = 0;
  for (const auto& fault : every_mode()) {
    Script script;  // in calm weather
    script.steps = alone(fault);
    const auto whole = play(script);
    if (whole.ends != std::vector<std::string>{"passed"}) {
      fmt::print("{} {}: left alone it does not pass\n", fault.fault, fault.params.dump());
      ++residue;
    }
    script.mishap.kind = Mishap::Kind::kill;
    for (std::size_t step = 0; step < whole.steps; ++step) {
      script.mishap.at_step = step;
      for (const auto by : {RecoveredBy::guard, RecoveredBy::next_start, RecoveredBy::deadline}) {
        script.recovered_by = by;
        const auto outcome = play(script);
        ++points;
        residue += outcome.broken.empty() ? 0 : 1;
        if (verbose || !outcome.broken.empty()) {
          fmt::print("{} {}: killed at '{}', recovered by {}: {}\n", fault.fault,
                     fault.params.dump(), outcome.last_step, to_string(by),
                     outcome.broken.empty() ? "nothing left" : outcome.broken.front());
        }
      }
    }
  }
  fmt::print("crash points {}, residue {}\n", points, residue);
  return residue == 0 ? 0 : 1;
}

}  // namespace
}  // namespace faultline::simulation

int main(int argc, char** argv) {
  using namespace faultline::simulation;
  CLI::App app{"Random runs of the engine, the journal and the guard in a simulated world"};
  std::uint64_t seeds = 10'000, from = 1;
  std::optional<std::uint64_t> seed;
  bool matrix = false, verbose = false;
  app.add_option("--seeds", seeds, "how many");
  app.add_option("--from", from, "the first");
  app.add_option("--seed", seed, "replay one, told step by step");
  app.add_flag("--crash-matrix", matrix, "kill at every step of every fault");
  app.add_flag("--verbose", verbose, "tell every crash point");
  CLI11_PARSE(app, argc, argv);
  return seed ? replay(*seed) : matrix ? crash_matrix(verbose) : many(from, seeds);
}
