#include "tests/simulation/scenario.hpp"

#include "faults/catalog.hpp"

#include <fmt/format.h>

#include <array>

namespace faultline::simulation {

using namespace std::chrono_literals;
using engine::Json;

namespace {

/// What is valid in the simulated world.
Json some(faults::ParamType type) {
  switch (type) {
    case faults::ParamType::zone:
      return "a";
    case faults::ParamType::cache:
      return "sessions";
    case faults::ParamType::database:
      return "orders";
    case faults::ParamType::dependency:
      return "pay";
    case faults::ParamType::instances:
      return {"a-spot", "b-spot"};
    default:
      return {};
  }
}

Weather random_weather(Dice& dice) {
  Weather weather;
  if (dice.percent(40)) {
    return weather;
  }
  for (auto* rate : {&weather.refused, &weather.lost_request, &weather.lost_answer, &weather.slow,
                     &weather.hangs}) {
    *rate = dice.percent(50) ? dice.pick(7) : 0;
  }
  weather.no_effect = dice.percent(5);
  return weather;
}

/// What users feel: often nothing, else for as long as it takes the service to react.
Measured random_measured(Dice& dice, Weather& weather) {
  weather.felt_for = dice.percent(40) ? Duration() : dice.between(100ms, 5s);
  weather.outage_for = dice.percent(15) ? dice.between(300ms, 3s) : Duration();
  weather.outage_at = dice.between(0s, 15s);
  Measured measured;
  measured.good_percent = dice.percent(50) ? 97 : 40;
  measured.over = dice.between(1s, 4s);
  measured.back_within = dice.between(500ms, 3s);
  measured.stop_condition = dice.percent(40);
  auto& trouble = measured.trouble;
  if (dice.percent(40)) {
    trouble.kind = static_cast<Trouble::Kind>(1 + dice.pick(5));
  }
  trouble.probe = dice.percent(50) ? "shop" : "sessions_writer";
  trouble.after = dice.between(0s, 15s);
  trouble.lost_writes = dice.percent(10) ? 2 : 0;
  return measured;
}

Requested random_fault(Dice& dice) {
  auto all = every_mode();
  auto& one = all[static_cast<std::size_t>(dice.pick(static_cast<int>(all.size())))];
  if (one.params.contains("zone")) {
    one.params["zone"] = std::string(1, "abc"[dice.pick(3)]);
  }
  if (one.params.contains("instances") && dice.percent(30)) {
    one.params["notice"] = {{"ms", 1000}};  // over before its nodes are gone
  }
  return std::move(one);
}

std::vector<Step> random_steps(Dice& dice, int most, Duration longest_wait) {
  std::vector<Step> steps;
  std::size_t injected = 0;
  for (int i = 1 + dice.pick(most); i > 0; --i) {
    const int what = injected == 0 ? 0 : dice.pick(3);
    if (what == 0) {
      Step step{Step::Kind::inject, {}, {}, 0};
      for (int n = dice.percent(20) ? 2 : 1; n > 0; --n) {
        step.faults.push_back(random_fault(dice));
      }
      injected += step.faults.size();
      steps.push_back(std::move(step));
    } else if (what == 1) {
      steps.push_back({Step::Kind::wait, {}, dice.between(100ms, longest_wait), 0});
    } else {
      steps.push_back({Step::Kind::revert,
                       {},
                       {},
                       static_cast<std::size_t>(dice.pick(static_cast<int>(injected)))});
    }
  }
  return steps;
}

Mishap random_mishap(Dice& dice, bool measured) {
  using Kind = Mishap::Kind;
  Mishap mishap;
  const int roll = dice.pick(100);
  mishap.kind = roll < 30   ? Kind::none
                : roll < 56 ? Kind::kill
                : roll < 72 ? Kind::hang
                : roll < 85 ? Kind::abort
                : roll < 91 ? Kind::stop_file
                : roll < 94 ? Kind::clock_set
                : roll < 97 ? Kind::component_dies
                            : Kind::lifted;
  mishap.at = dice.between(0s, measured ? 20s : 30s);
  // A run that measures notices when it stood still for more than a second.
  mishap.hangs_for = dice.between(measured ? 1500ms : 500ms, 25s);
  if ((mishap.kind == Kind::kill || mishap.kind == Kind::abort) && dice.percent(70)) {
    mishap.at_step = static_cast<std::size_t>(dice.pick(40));
  }
  mishap.guard_dies_too = dice.percent(20);
  return mishap;
}

std::optional<Rival> random_rival(Dice& dice) {
  if (!dice.percent(15)) {
    return std::nullopt;
  }
  Rival rival{.at = dice.between(0s, 30s),
              .waits = dice.percent(50) ? dice.between(5s, 2min) : Duration(),
              .fault = random_fault(dice)};
  while (rival.fault.fault.ends_with("_failover")) {
    rival.fault = random_fault(dice);  // it may move a role, which the first would take for residue
  }
  return rival;
}

}  // namespace

std::string_view to_string(RecoveredBy by) {
  switch (by) {
    case RecoveredBy::guard:
      return "guard";
    case RecoveredBy::next_start:
      return "next start";
    case RecoveredBy::deadline:
      return "deadline";
  }
  return "?";
}

std::string_view to_string(Mishap::Kind kind) {
  constexpr std::array<std::string_view, 8> names{
      "nothing",   "killed",    "stopped",        "aborted",
      "STOP file", "clock set", "component dies", "undone by somebody"};
  return names.at(static_cast<std::size_t>(kind));
}

std::vector<Requested> every_mode() {
  std::vector<Requested> all;
  for (const auto& kind : faults::catalog()) {
    auto given = Json::object();
    for (const auto& param : kind.params) {
      if (param.fallback.is_null()) {
        given[param.name] = some(param.type);
      }
    }
    const auto before = all.size();
    for (const auto& param : kind.params) {
      for (const auto& choice : param.choices) {
        all.push_back({kind.name, given});
        all.back().params[param.name] = choice;
      }
    }
    if (all.size() == before) {
      all.push_back({kind.name, given});
    }
  }
  return all;
}

std::vector<Step> alone(const Requested& fault) {
  return {{Step::Kind::inject, {fault}, {}, 0}, {Step::Kind::wait, {}, 1s, 0}};
}

Script random_script(std::uint64_t seed) {
  Dice dice(seed * 2 + 1);  // not the dice of the play, which begin at the seed itself
  Script script;
  script.seed = seed;
  script.weather = random_weather(dice);
  script.disk_fails_percent = dice.percent(15) ? dice.pick(30) : 0;
  const bool measured = dice.percent(25);  // it costs ten times as much
  script.steps = measured ? random_steps(dice, 3, 3s) : random_steps(dice, 5, 12s);
  script.mishap = random_mishap(dice, measured);
  script.rival = random_rival(dice);
  script.weather.slow_apply = dice.percent(30) ? 40 : 0;
  if (measured) {
    script.measured = random_measured(dice, script.weather);
  }
  script.recovered_by = static_cast<RecoveredBy>(dice.pick(3));
  return script;
}

engine::Experiment experiment(const Script& script) {
  engine::Experiment e;
  e.name = "simulated";
  e.method = [&script](engine::Stage& stage) {
    if (script.measured) {
      watch(stage, *script.measured);
    }
    std::vector<engine::FaultId> injected;
    for (const auto& step : script.steps) {
      std::vector<engine::FaultRequest> requests;
      for (const auto& fault : step.faults) {
        requests.push_back({fault.fault, fault.params, {"simulated", 1}});
      }
      if (step.kind == Step::Kind::inject) {
        const bool first = injected.empty();
        const auto ids = stage.inject(requests);
        injected.insert(injected.end(), ids.begin(), ids.end());
        if (first && script.measured) {
          expect(stage, *script.measured, ids.front());
        }
      } else if (step.kind == Step::Kind::wait) {
        stage.wait(step.wait);
      } else {
        stage.revert(injected.at(step.revert));
      }
    }
  };
  return e;
}

}  // namespace faultline::simulation
