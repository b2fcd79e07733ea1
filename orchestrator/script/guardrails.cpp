#include "orchestrator/script/guardrails.hpp"

#include "faults/fault.hpp"
#include "orchestrator/script/probes.hpp"
#include "orchestrator/script/shapes.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>

/// What may be broken at once, by whom it must be agreed to, and when.
namespace faultline::script {
namespace {

using engine::Environment;
using engine::Freeze;
using engine::Guardrails;

constexpr double max_percent = 100;
constexpr lua_Integer max_freezes = 100;  // the holidays of some years, and the weekends

template <class T>
T value_of(Result<T> result) {
  if (!result) {
    refuse(result.error().message);
  }
  return std::move(*result);
}

std::set<std::string> set_of(const Fields& fields, const char* field) {
  std::vector<std::string> names;
  fields.texts(field, names);
  return {names.begin(), names.end()};
}

void check_one_of(const std::string& name, const std::vector<std::string>& known,
                  const std::string& what) {
  if (std::ranges::find(known, name) == known.end()) {
    refuse(fmt::format("{}, found '{}'{}", what, name, suggestion(name, known)));
  }
}

std::vector<std::string> stores_of(const Environment& environment, const std::string& kind) {
  std::vector<std::string> names;
  for (const auto& [name, is] : environment.stores) {
    if (kind.empty() || is == kind) {
      names.push_back(name);
    }
  }
  return names;
}

void check_classes(const std::set<std::string>& classes) {
  using faults::Reversibility;
  std::vector<std::string> known;
  for (const auto one : {Reversibility::restorable, Reversibility::compensable,
                         Reversibility::self_healing, Reversibility::irreversible}) {
    known.emplace_back(faults::to_string(one));
  }
  for (const auto& name : classes) {
    check_one_of(name, known, "guardrails: 'approval' names classes of reversibility");
  }
}

/// What the environment file itself names; hosts, components and the like are known to the target.
void check_protected(const std::set<std::string>& names, const Environment& environment) {
  const std::vector<std::string> kinds{"zone",  "host",     "component",  "service",
                                       "cache", "database", "dependency", "nat"};
  for (const auto& name : names) {
    const auto space = std::min(name.find(' '), name.size());
    const auto kind = name.substr(0, space), rest = name.substr(std::min(space + 1, name.size()));
    check_one_of(kind, kinds,
                 "guardrails: 'protected' names things with their kind, such as \"zone c\" or "
                 "\"host pay\"");
    const auto what = fmt::format("guardrails: 'protected' names a {}", kind);
    if (kind == "zone") {
      check_one_of(rest, environment.zones, what);
    } else if (kind == "cache" || kind == "database") {
      check_one_of(rest, stores_of(environment, kind), what);
    }
  }
}

Freeze read_freeze(lua_State* lua, int index) {
  const Fields fields(lua, index, freeze_shape(), "freeze");
  Freeze freeze;
  fields.with("from", [&](int i, const std::string& what) {
    freeze.from = value_of(engine::parse_date(to_text(lua, i, what)));
  });
  fields.with("to", [&](int i, const std::string& what) {
    freeze.to = value_of(engine::parse_date(to_text(lua, i, what)));
  });
  fields.with("days", [&](int i, const std::string& what) {
    freeze.days = value_of(engine::parse_days(to_text(lua, i, what)));
  });
  fields.text("reason", freeze.reason);
  if (freeze.from.has_value() != freeze.to.has_value() || (!freeze.from && freeze.days.empty())) {
    refuse(
        "freeze: expected { from = \"2026-12-24\", to = \"2027-01-02\" }, { days = \"sat-sun\" } "
        "or all three");
  }
  fields.at("to", [&] {
    if (freeze.from && *freeze.to < *freeze.from) {
      refuse("freeze: 'to' is before 'from'; both days belong to it");
    }
  });
  return freeze;
}

void read_freezes(lua_State* lua, const Fields& fields, Guardrails& guardrails) {
  fields.with("freeze", [&](int list, const std::string& what) {
    const auto size = lua_istable(lua, list) ? static_cast<lua_Integer>(lua_rawlen(lua, list)) : 0;
    if (size == 0 || size > max_freezes) {
      refuse(
          fmt::format("{}: expected a list of 1 to {} windows such as {{ {{ days = \"sat-sun\" "
                      "}} }}, found {}",
                      what, max_freezes, found(lua, list)));
    }
    each(lua, list, [&](int key, int value) {
      if (!lua_isinteger(lua, key)) {
        refuse(what + ": expected a list of windows: { { days = \"sat-sun\" } }");
      }
      guardrails.freeze.push_back(read_freeze(lua, value));
    });
  });
}

}  // namespace

void read_guardrails(lua_State* lua, const Fields& environment_fields, Environment& environment) {
  environment_fields.with("guardrails", [&](int index, const std::string& /*what*/) {
    const Fields fields(lua, index, guardrails_shape(), "guardrails");
    auto& guardrails = environment.guardrails;
    fields.count("zones_at_once", guardrails.zones_at_once);
    fields.count("concurrent_faults", guardrails.concurrent_faults);
    fields.number("max_instances", guardrails.max_instances_percent, 0, max_percent);
    fields.duration("max_duration", guardrails.max_duration);
    fields.at("max_duration", [&] {
      if (guardrails.max_duration <= Duration::zero()) {
        refuse(fmt::format("guardrails: 'max_duration': expected a duration above 0, found {}",
                           faultline::in_words(guardrails.max_duration)));
      }
    });
    guardrails.protected_resources = set_of(fields, "protected");
    fields.at("protected", [&] { check_protected(guardrails.protected_resources, environment); });
    guardrails.keep_quorum = set_of(fields, "keep_quorum");
    fields.at("keep_quorum", [&] {
      for (const auto& store : guardrails.keep_quorum) {
        check_one_of(store, stores_of(environment, ""),
                     "guardrails: 'keep_quorum' names caches and databases");
      }
    });
    guardrails.needs_approval = set_of(fields, "approval");
    fields.at("approval", [&] { check_classes(guardrails.needs_approval); });
    read_freezes(lua, fields, guardrails);
  });
}

}  // namespace faultline::script
