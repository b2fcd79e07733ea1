#include "orchestrator/script/bindings.hpp"
#include "orchestrator/script/plausible.hpp"
#include "orchestrator/script/probes.hpp"
#include "orchestrator/script/script.hpp"
#include "orchestrator/script/shapes.hpp"
#include "orchestrator/script/value.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

/// Promises, as values: they say what is expected, `run:expect` says when.
namespace faultline::script {
namespace {

using engine::Expectation;
using engine::Sli;

constexpr double max_count = 1e9;   // requests or writes: more than any run sends
constexpr double max_times = 1000;  // beyond it nothing would be promised
constexpr Duration longest_window = std::chrono::seconds(1);  // of a stop condition
constexpr double max_per_s = 1e6;          // good requests a second: more than any probe sends
constexpr double min_factor = 1e-3;        // of a burn rate
constexpr double max_factor = 1e6;         // everything lost at 99.9999 %
constexpr std::size_t max_burn_rules = 8;  // the Workbook recommends three
constexpr double max_percentile = 99.999;  // finer needs more samples than any run has

/// The first argument: a probe of the environment. While an environment is being read its probes
/// are not known yet; `environment` checks then.
Expectation about_probe(lua_State* lua, Sli sli, std::string_view function) {
  Expectation expectation{.sli = sli, .place = place_of(lua)};
  expectation.subject = to_text(lua, 1, fmt::format("{}: the probe", function));
  if (const auto* environment = script_of(lua).environment()) {
    check_known(environment->probes, expectation.subject, "probe");
  }
  return expectation;
}

/// The probes that show the recovery of a store: there must be one, and one only.
void check_one_writer(const engine::Environment& environment, const std::string& store,
                      std::string_view function) {
  std::vector<std::string> writers;
  for (const auto& [name, probe] : environment.probes) {
    if (probe.writes() && probe.shows_recovery && probe.store == store) {
      writers.push_back(name);
    }
  }
  if (writers.empty()) {
    refuse(
        fmt::format("{}: no probe writes to '{}'; add redis_writes {{ ... }} or sql_writes "
                    "{{ ... }} to the probes",
                    function, store));
  }
  if (writers.size() > 1) {
    refuse(
        fmt::format("{}: {} all write to '{}'; name one of them instead, or set shows_recovery = "
                    "false where a probe is not placed as users are",
                    function, list_in_words(writers), store));
  }
}

/// The first argument: a cache or a database, which has a probe that writes to it, or the name of
/// such a probe; for a recovery the name of any.
Expectation about_writes(lua_State* lua, Sli sli, std::string_view function) {
  Expectation expectation{.sli = sli, .place = place_of(lua)};
  expectation.subject = to_text(lua, 1, fmt::format("{}: the cache or database", function));
  const auto* environment = script_of(lua).environment();
  if (environment == nullptr) {
    return expectation;
  }
  const auto& subject = expectation.subject;
  const auto probe = environment->probes.find(subject);
  const bool is_probe = probe != environment->probes.end();
  if (environment->stores.contains(subject)) {
    check_one_writer(*environment, subject, function);
  } else if (sli == Sli::recovery && is_probe && !probe->second.writes()) {
    expectation.of_writes = false;
  } else if (!is_probe || !probe->second.writes()) {
    auto known = names_of(environment->stores);
    for (const auto& [name, other] : environment->probes) {
      if (sli == Sli::recovery || other.writes()) {
        known.push_back(name);
      }
    }
    refuse(fmt::format("{}: unknown cache, database or {} '{}'{}", function,
                       sli == Sli::recovery ? "probe" : "writer", subject,
                       suggestion(subject, known)));
  } else if (sli == Sli::recovery && !probe->second.shows_recovery) {
    refuse(fmt::format("{}: '{}' has shows_recovery = false", function, subject));
  }
  return expectation;
}

void read_versus(lua_State* lua, int index, Expectation& expectation) {
  const Fields fields(lua, index, versus_shape());
  auto& versus = expectation.versus.emplace();
  fields.number("times", versus.times, 1, max_times);
  fields.duration("plus", versus.plus);
  fields.at("plus", [&] {
    if (versus.plus < Duration::zero() || (!fields.has("plus") && !fields.has("times"))) {
      refuse("versus_baseline: expected { times = 2, plus = 50*ms }: the larger of both counts");
    }
  });
}

slo::BurnRule read_burn_rule(lua_State* lua, int index) {
  const Fields fields(lua, index, burn_window_shape(), "windows");
  slo::BurnRule rule;
  fields.require("long", "60*s");
  fields.duration("long", rule.long_window);
  rule.short_window = rule.long_window / 12;  // as the SRE Workbook has it
  fields.duration("short", rule.short_window);
  fields.require("factor", "14.4");
  fields.number("factor", rule.factor, min_factor, max_factor);
  fields.at("long", [&] {
    if (rule.short_window <= Duration::zero() || rule.short_window > rule.long_window) {
      refuse(fmt::format(
          "burn: expected long = 60*s and a shorter 'short' above 0, found {} and {}",
          faultline::in_words(rule.long_window), faultline::in_words(rule.short_window)));
    }
  });
  return rule;
}

engine::StopCondition about(const Expectation& expectation) {
  engine::StopCondition condition;
  condition.sli = expectation.sli;
  condition.subject = expectation.subject;
  condition.percentile = expectation.percentile;
  condition.place = expectation.place;
  return condition;
}

/// Gives a stop condition: `limit` is its field, `over` its window.
template <class Limit>
int push_condition(lua_State* lua, const Fields& fields, const Expectation& expectation,
                   const char* limit, const char* example, Limit read_limit) {
  if (script_of(lua).environment() == nullptr) {
    refuse("a stop condition belongs into a method: run:stop_when(...)");
  }
  auto condition = about(expectation);
  fields.require(limit, example);
  fields.with(limit, [&](int index, const std::string& what) {
    condition.limit = read_limit(index, what);
  });
  fields.duration("over", condition.over);
  fields.at("over", [&] {
    if (condition.over <= Duration::zero() || condition.over > longest_window) {
      refuse(
          fmt::format("'over' must be above 0 and at most {}, so that it ends a run soon, "
                      "found {}",
                      faultline::in_words(longest_window), faultline::in_words(condition.over)));
    }
    check_expressible(condition, *script_of(lua).environment());
  });
  push(lua, std::move(condition));
  return 1;
}

}  // namespace

int expect_good(lua_State* lua) {
  auto expectation = about_probe(lua, Sli::good, "good");
  if (lua_type(lua, 2) == LUA_TTABLE) {
    return push_condition(
        lua, Fields(lua, 2, good_below_shape()), expectation, "below", "50: percent",
        [&](int index, const std::string& what) { return to_percent(lua, index, what); });
  }
  expectation.threshold = to_percent(lua, 2, "good: the share");
  push(lua, std::move(expectation));
  return 1;
}

int expect_served(lua_State* lua) {
  auto expectation = about_probe(lua, Sli::served, "served");
  expectation.threshold = to_percent(lua, 2, "served: the share");
  push(lua, std::move(expectation));
  return 1;
}

int expect_latency(lua_State* lua) {
  auto expectation = about_probe(lua, Sli::latency, "latency");
  const Fields fields(lua, 2, latency_shape());
  fields.number("p", expectation.percentile, 1, max_percentile);
  if (fields.has("above")) {
    for (const auto* promise : {"below", "versus_baseline"}) {
      fields.with(promise, [](int /*index*/, const std::string& what) {
        refuse(what + " is for a promise, 'above' for a stop condition: write one of them");
      });
    }
    return push_condition(
        lua, fields, expectation, "above", "2*s",
        [&](int index, const std::string& what) { return to_ms(to_duration(lua, index, what)); });
  }
  fields.with("over", [](int /*index*/, const std::string& what) {
    refuse(what +
           " is for a stop condition: { above = 2*s, over = 1*s }; the window of a promise "
           "stands in run:expect");
  });
  fields.with("below", [&](int index, const std::string& what) {
    expectation.threshold = to_ms(to_duration(lua, index, what));
  });
  fields.with("versus_baseline", [&](int index, const std::string& /*what*/) {
    read_versus(lua, index, expectation);
  });
  if (fields.has("below") == fields.has("versus_baseline")) {
    refuse(
        "latency: expected either below = 500*ms or versus_baseline = { times = 2, plus = 50*ms }");
  }
  push(lua, std::move(expectation));
  return 1;
}

int expect_bad(lua_State* lua) {
  auto expectation = about_probe(lua, Sli::bad, "bad");
  if (lua_type(lua, 2) == LUA_TTABLE) {
    return push_condition(lua, Fields(lua, 2, bad_above_shape()), expectation, "above",
                          "20: bad requests a second", [&](int index, const std::string& what) {
                            return to_number(lua, index, what, 0, max_count);
                          });
  }
  expectation.threshold = to_whole(lua, 2, "bad: at most so many requests", 0, max_count);
  push(lua, std::move(expectation));
  return 1;
}

int expect_bad_seconds(lua_State* lua) {
  auto expectation = about_probe(lua, Sli::bad_seconds, "bad_seconds");
  expectation.threshold = to_whole(lua, 2, "bad_seconds: at most so many", 0, max_count);
  push(lua, std::move(expectation));
  return 1;
}

int expect_throughput(lua_State* lua) {
  auto expectation = about_probe(lua, Sli::throughput, "throughput");
  expectation.threshold =
      to_number(lua, 2, "throughput: at least so many good requests a second", 0.001, max_per_s);
  push(lua, std::move(expectation));
  return 1;
}

int expect_burn(lua_State* lua) {
  auto expectation = about_probe(lua, Sli::burn, "burn");
  const Fields fields(lua, 2, burn_shape());
  fields.require("slo", "99.9");
  fields.with("slo", [&](int index, const std::string& what) {
    expectation.threshold = to_percent(lua, index, what);
  });
  fields.require("windows", "{ { long = 60*s, short = 5*s, factor = 14.4 } }");
  fields.with("windows", [&](int index, const std::string& what) {
    const auto count = lua_type(lua, index) == LUA_TTABLE ? lua_rawlen(lua, index) : 0;
    if (count == 0 || count > max_burn_rules) {
      refuse(fmt::format(
          "{}: expected a list of 1 to {} such as {{ {{ long = 60*s, short = 5*s, factor = 14.4 }} "
          "}}, found {}",
          what, max_burn_rules, found(lua, index)));
    }
    for (lua_Integer i = 1; i <= static_cast<lua_Integer>(count); ++i) {
      lua_rawgeti(lua, index, i);
      expectation.burn.push_back(read_burn_rule(lua, lua_absindex(lua, -1)));
      lua_pop(lua, 1);
    }
  });
  push(lua, std::move(expectation));
  return 1;
}

/// What the environment promises of a store, or of the one that a probe writes to.
double rpo_of(lua_State* lua, const std::string& subject) {
  const auto* environment = script_of(lua).environment();
  if (environment == nullptr) {
    refuse("lost: inside of an environment the second argument says how many writes at most");
  }
  const auto probe = environment->probes.find(subject);
  const auto& store = probe == environment->probes.end() ? subject : probe->second.store;
  check_known(environment->rpo, store, "cache or database with an rpo");
  return static_cast<double>(environment->rpo.at(store));
}

int expect_recovered(lua_State* lua) {
  push(lua, about_writes(lua, Sli::recovery, "recovered"));
  return 1;
}

int expect_lost(lua_State* lua) {
  auto expectation = about_writes(lua, Sli::lost, "lost");
  if (lua_isnoneornil(lua, 2)) {
    expectation.threshold = rpo_of(lua, expectation.subject);
  } else {
    expectation.threshold = to_whole(lua, 2, "lost: at most so many writes", 0, max_count);
  }
  push(lua, std::move(expectation));
  return 1;
}

int look_up_rto(lua_State* lua) {
  const auto store = to_text(lua, 1, "rto: the cache or database");
  const auto* environment = script_of(lua).environment();
  if (environment == nullptr) {
    refuse("rto asks the environment, so it cannot be used inside of one");
  }
  check_known(environment->rto, store, "cache or database with an rto");
  push(lua, environment->rto.at(store));
  return 1;
}

}  // namespace faultline::script
