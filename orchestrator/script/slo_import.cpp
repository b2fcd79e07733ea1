#include "orchestrator/script/bindings.hpp"
#include "orchestrator/script/prometheus.hpp"
#include "orchestrator/script/script.hpp"
#include "orchestrator/script/shapes.hpp"
#include "orchestrator/script/value.hpp"
#include "orchestrator/slo/openslo.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

/// `slo.import "slo.yaml"`: OpenSLO objectives as promises about the environment's Prometheus.
namespace faultline::script {
namespace {

using engine::Expectation;
using slo::BurnCondition;
using slo::Comparison;
using slo::ImportedSlo;
using Promises = std::map<std::string, Expectation>;

constexpr std::size_t max_promises = 1'000;  // of one file: more than one drill judges
/// Of a range that Prometheus fills in by itself, of an hour one each 30 s: as fine as samples are.
constexpr int points_of_a_range = 120;
/// Two counters are not scraped at the same instant, so a share may be a little above 1.
constexpr double rounding = 0.01;

[[noreturn]] void refuse_in(const ImportedSlo& slo, const std::string& what) {
  refuse(fmt::format("{}:{}: SLO '{}': {}", slo.file, slo.line, slo.name, what));
}

/// "checkout-availability/1" as a name for scripts.
std::string name_of(const ImportedSlo& slo, std::string text) {
  for (char& c : text) {
    const bool upper = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9';
    const bool plain = (c >= 'a' && c <= 'z') || digit;
    c = upper ? static_cast<char>(c - 'A' + 'a') : plain ? c : '_';
  }
  if (!is_identifier(text)) {
    refuse_in(slo, fmt::format("'{}' is no name for a script, which has at most 64 of a-z, 0-9 and "
                               "_, and a letter first; name it otherwise",
                               text));
  }
  return text;
}

/// 0.999 of 99.9, and not 0.9990000000000001: shares are compared with it.
double share_of_percent(double percent) {
  constexpr double steps = 1e9;
  return std::round(percent * steps) / (100 * steps);
}

std::string text_of(Duration length) {
  return slo::with_window(slo::window_placeholder, length);
}

/// A share of what is good, 0 to 1, as PromQL.
struct Share {
  std::string expression;
  Duration step = std::chrono::seconds(1);  ///< from point to point

  /// It looks at a window by itself; else it is the share at a point.
  [[nodiscard]] bool has_window() const {
    return expression.find(slo::window_placeholder) != expression.npos;
  }
};

std::string over(const Share& share, Duration length) {
  if (share.has_window()) {
    return slo::with_window(share.expression, length);
  }
  const auto step = std::max(share.step, length / points_of_a_range);
  return fmt::format("avg_over_time(({})[{}:{}])", share.expression, text_of(length),
                     text_of(step));
}

Share events_of(const ImportedSlo& slo) {
  const auto& indicator = slo.indicator;
  if (slo.limit) {
    return {fmt::format("({}) {} bool {}", indicator.part, to_string(slo.limit->comparison),
                        slo.limit->value)};
  }
  const auto share = slo::good_share(indicator);
  if (!share) {
    refuse_in(slo, fmt::format("counter: true needs a counter by itself for both queries, such as "
                               "requests_total{{code=\"200\"}}, found '{}' of '{}'; write "
                               "increase(COUNTER[{}]) in them, and counter: false",
                               printable(indicator.part), printable(indicator.total),
                               slo::window_placeholder));
  }
  return {*share};
}

/// Of events, or of slices that are good.
Share share_of(const ImportedSlo& slo) {
  auto events = events_of(slo);
  if (!slo.slice) {
    return events;
  }
  const auto& [length, target_percent] = *slo.slice;
  return {fmt::format("({}) >= bool {}", over(events, length), share_of_percent(target_percent)),
          length};
}

Expectation about(const ImportedSlo& slo, std::string name) {
  Expectation expectation{
      .sli = engine::Sli::metric, .subject = std::move(name), .place = {slo.file, slo.line}};
  expectation.metric.url = slo.indicator.url;
  return expectation;
}

/// The share of the window; where the query is about a moment, the mean of its moments.
Expectation target_of(const ImportedSlo& slo, const Share& share, const std::string& name) {
  auto expectation = about(slo, name);
  expectation.threshold = share_of_percent(slo.target_percent);
  auto& metric = expectation.metric;
  metric.expression = share.expression;
  metric.take = share.has_window() ? prometheus::Take::last : prometheus::Take::mean;
  metric.comparison = Comparison::at_least;
  metric.step = share.step;
  metric.lowest = -rounding;
  metric.highest = 1 + rounding;
  return expectation;
}

/// That an alert on the burn rate would not have begun: it is met nowhere in the window.
Expectation burn_of(const ImportedSlo& slo, const Share& share, const BurnCondition& burn,
                    const std::string& name) {
  if (burn.lookback < share.step) {
    refuse_in(slo, fmt::format("alert condition '{}': its lookbackWindow of {} holds no slice of "
                               "{}; write a longer one",
                               burn.name, faultline::in_words(burn.lookback),
                               faultline::in_words(share.step)));
  }
  auto expectation = about(slo, name_of(slo, name + "_burn_" + burn.name));
  expectation.threshold = burn.threshold;
  auto& metric = expectation.metric;
  metric.lowest = -rounding / share_of_percent(100 - slo.target_percent);
  metric.expression = fmt::format("(1 - ({})) / {}", over(share, burn.lookback),
                                  share_of_percent(100 - slo.target_percent));
  if (burn.after > Duration::zero()) {
    const Duration step =
        std::max<Duration>(std::chrono::seconds(1), burn.after / points_of_a_range);
    metric.expression = fmt::format("min_over_time(({})[{}:{}])", metric.expression,
                                    text_of(burn.after), text_of(step));
  }
  metric.take = prometheus::Take::max;
  metric.comparison =
      burn.comparison == Comparison::at_least ? Comparison::below : Comparison::at_most;
  return expectation;
}

void add(Promises& promises, const ImportedSlo& slo, Expectation promise) {
  if (promises.size() >= max_promises) {
    refuse_in(slo, fmt::format("a file may hold at most {} objectives and alert conditions",
                               max_promises));
  }
  const auto [before, added] = promises.emplace(promise.subject, promise);
  if (!added) {
    refuse_in(slo, fmt::format("another one, in line {}, is called {} as well; name one of them "
                               "otherwise",
                               before->second.place.line, promise.subject));
  }
}

Promises promises_of(const std::vector<ImportedSlo>& imported) {
  Promises promises;
  for (const auto& slo : imported) {
    const auto share = share_of(slo);
    const auto name = name_of(slo, slo.name);
    add(promises, slo, target_of(slo, share, name));
    for (const auto& burn : slo.burns) {
      add(promises, slo, burn_of(slo, share, burn, name));
    }
  }
  return promises;
}

int import_slo(lua_State* lua) {
  auto& script = script_of(lua);
  const auto name = to_text(lua, 1, "slo.import: the file");
  if (script.running()) {
    refuse(
        "slo.import belongs to the top of a script, outside of its method: what it reads belongs "
        "to the script's hash");
  }
  const auto& file = script.sources().use(name, "slo.import");
  const auto imported = slo::read_openslo(file.text, name);
  if (!imported) {
    refuse(imported.error().message);
  }
  lua_newtable(lua);
  for (const auto& [objective, promise] : promises_of(*imported)) {
    if (const auto* environment = script.environment()) {
      check_watched(promise, *environment, fmt::format("slo.import: '{}'", objective));
    }
    push(lua, promise);
    lua_setfield(lua, -2, objective.c_str());
  }
  make_strict(lua, fmt::format("{} has no objective", name).c_str());
  return 1;
}

int call_slo(lua_State* lua) {
  lua_remove(lua, 1);  // itself
  return choose_objectives(lua);
}

}  // namespace

void open_slo(lua_State* lua) {
  lua_newtable(lua);
  lua_pushcfunction(lua, guarded<import_slo>);
  lua_setfield(lua, -2, "import");
  make_strict(lua, "slo has no member");
  lua_getmetatable(lua, -1);
  lua_pushcfunction(lua, guarded<call_slo>);
  lua_setfield(lua, -2, "__call");
  lua_pop(lua, 1);
  lua_setglobal(lua, "slo");
}

}  // namespace faultline::script
