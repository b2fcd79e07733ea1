#include "tests/simulation/scenario.hpp"

#include <fmt/format.h>

namespace faultline::simulation {

using namespace std::chrono_literals;
using engine::Json;

namespace {

Json ms(int n) {
  return {{"ms", n}};
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

std::vector<Step> random_steps(Dice& dice) {
  const auto all = every_mode();
  std::vector<Step> steps;
  std::size_t injected = 0;
  for (int i = 1 + dice.pick(5); i > 0; --i) {
    const int what = injected == 0 ? 0 : dice.pick(3);
    if (what == 0) {
      Step step{Step::Kind::inject, {}, {}, 0};
      for (int n = dice.percent(20) ? 2 : 1; n > 0; --n) {
        step.faults.push_back(
            all[static_cast<std::size_t>(dice.pick(static_cast<int>(all.size())))]);
      }
      injected += step.faults.size();
      steps.push_back(std::move(step));
    } else if (what == 1) {
      steps.push_back({Step::Kind::wait, {}, dice.between(100ms, 12s), 0});
    } else {
      steps.push_back({Step::Kind::revert,
                       {},
                       {},
                       static_cast<std::size_t>(dice.pick(static_cast<int>(injected)))});
    }
  }
  return steps;
}

Mishap random_mishap(Dice& dice) {
  Mishap mishap;
  const int roll = dice.pick(100);
  mishap.kind = roll < 25   ? Mishap::Kind::none
                : roll < 60 ? Mishap::Kind::kill
                : roll < 80 ? Mishap::Kind::hang
                            : Mishap::Kind::abort;
  mishap.at = dice.between(0s, 30s);
  mishap.hangs_for = dice.between(500ms, 25s);
  if (mishap.kind == Mishap::Kind::kill && dice.percent(70)) {
    mishap.at_step = static_cast<std::size_t>(dice.pick(40));
  }
  mishap.guard_dies_too = dice.percent(20);
  return mishap;
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

std::vector<Requested> every_mode() {
  std::vector<Requested> all;
  for (const auto* mode : {"full", "inbound", "outbound"}) {
    all.push_back({"az_partition", {{"zone", "a"}, {"mode", mode}}});
  }
  all.push_back({"az_partition", {{"zone", "b"}, {"mode", "loss"}, {"percent", 20}}});
  all.push_back({"az_partition", {{"zone", "c"}, {"mode", "latency"}, {"delay", ms(40)}}});
  for (const auto* mode : {"crash", "hang", "isolate", "switchover"}) {
    all.push_back({"redis_failover", {{"cache", "sessions"}, {"mode", mode}}});
    all.push_back({"db_failover", {{"database", "orders"}, {"mode", mode}}});
  }
  all.push_back({"spot_reclaim", {{"instances", {"a-spot", "b-spot"}}, {"notice", ms(5000)}}});
  all.push_back(
      {"spot_reclaim", {{"instances", "c-spot"}, {"notice", ms(1000)}, {"replace", "no"}}});
  all.push_back({"snat_exhaustion", {{"mode", "hog"}}});
  all.push_back({"snat_exhaustion", {{"mode", "shrink"}}});
  for (const auto* mode : {"latency", "blackhole", "reset", "status", "slow_body"}) {
    all.push_back({"third_party", {{"dependency", "pay"}, {"mode", mode}}});
  }
  return all;
}

Script random_script(std::uint64_t seed) {
  Dice dice(seed * 2 + 1);  // not the dice of the play, which begin at the seed itself
  Script script;
  script.seed = seed;
  script.weather = random_weather(dice);
  script.disk_fails_percent = dice.percent(15) ? dice.pick(30) : 0;
  script.steps = random_steps(dice);
  script.mishap = random_mishap(dice);
  script.recovered_by = static_cast<RecoveredBy>(dice.pick(3));
  return script;
}

}  // namespace faultline::simulation
