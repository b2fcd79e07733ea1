#include "orchestrator/script/bindings.hpp"
#include "orchestrator/script/script.hpp"
#include "orchestrator/script/value.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

/// Promises, as values: they say what is expected, `run:expect` says when.
namespace faultline::script {
namespace {

using engine::Expectation;
using engine::Sli;

constexpr double max_count = 1e9;          // requests or writes: more than any run sends
constexpr double max_percentile = 99.999;  // finer needs more samples than any run has

template <class Map>
void check_known(const Map& known, const std::string& name, std::string_view what) {
  if (known.contains(name)) {
    return;
  }
  std::vector<std::string> names;
  for (const auto& [key, value] : known) {
    names.push_back(key);
  }
  refuse(fmt::format("unknown {} '{}'{}", what, name, suggestion(name, names)));
}

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

Expectation about_cache(lua_State* lua, Sli sli, std::string_view function) {
  Expectation expectation{.sli = sli, .place = place_of(lua)};
  expectation.subject = to_text(lua, 1, fmt::format("{}: the cache", function));
  if (const auto* environment = script_of(lua).environment()) {
    check_known(environment->rpo, expectation.subject, "cache");
  }
  return expectation;
}

}  // namespace

int expect_good(lua_State* lua) {
  auto expectation = about_probe(lua, Sli::good, "good");
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
  expectation.threshold = to_ms(to_duration(lua, 2, "latency: the limit"));
  if (!lua_isnoneornil(lua, 3)) {
    expectation.percentile = to_number(lua, 3, "latency: the percentile", 1, max_percentile);
  }
  push(lua, std::move(expectation));
  return 1;
}

int expect_bad(lua_State* lua) {
  auto expectation = about_probe(lua, Sli::bad, "bad");
  expectation.threshold = to_number(lua, 2, "bad: at most so many requests", 0, max_count);
  push(lua, std::move(expectation));
  return 1;
}

int expect_recovered(lua_State* lua) {
  push(lua, about_cache(lua, Sli::recovery, "recovered"));
  return 1;
}

int expect_lost(lua_State* lua) {
  auto expectation = about_cache(lua, Sli::lost, "lost");
  expectation.threshold = to_number(lua, 2, "lost: at most so many writes", 0, max_count);
  push(lua, std::move(expectation));
  return 1;
}

int look_up_rto(lua_State* lua) {
  const auto cache = to_text(lua, 1, "rto: the cache");
  const auto* environment = script_of(lua).environment();
  if (environment == nullptr) {
    refuse("rto asks the environment, so it cannot be used inside of one");
  }
  check_known(environment->rto, cache, "cache with an rto");
  push(lua, environment->rto.at(cache));
  return 1;
}

}  // namespace faultline::script
