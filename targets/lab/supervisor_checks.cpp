#include "targets/lab/supervisor_checks.hpp"

#include "targets/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace faultline::lab {
namespace {

using targets::Invariant;
using targets::Json;

constexpr auto as_built = "as built";

std::string in_words(const RuleTable& table) {
  return table.in_words();
}
std::string in_words(const std::string& route) {
  return route;
}

/// Of two maps by name.
template <class Named>
std::string difference_of(const Named& built, const Named& now) {
  std::vector<std::string> words;
  for (const auto& [name, was] : built) {
    const auto is = now.find(name);
    if (is == now.end()) {
      words.push_back(fmt::format("missing {}: {}", name, in_words(was)));
    } else if (is->second != was) {
      words.push_back(
          fmt::format("changed {}: {}, was {}", name, in_words(is->second), in_words(was)));
    }
  }
  for (const auto& [name, is] : now) {
    if (!built.contains(name)) {
      words.push_back(fmt::format("added {}: {}", name, in_words(is)));
    }
  }
  return words.empty() ? as_built : fmt::format("{}", fmt::join(words, "; "));
}

template <class T>
const T& named(const std::vector<T>& all, std::string_view what, const std::string& name) {
  const auto it = std::ranges::find(all, name, &T::name);
  if (it != all.end()) {
    return *it;
  }
  std::vector<std::string> names;
  for (const auto& one : all) {
    names.push_back(one.name);
  }
  throw Failure({ErrorKind::not_found,
                 fmt::format("the lab has no {} '{}'{}", what, name, suggestion(name, names))});
}

}  // namespace

std::string difference(const RuleTables& built, const RuleTables& now) {
  return difference_of(built, now);
}

std::string difference(const Routes& built, const Routes& now) {
  return difference_of(built, now);
}

const Process& process_of(const CheckParts& lab, const Json& args, const char* key) {
  return named(lab.topology.processes, "component", args.at(key).get<std::string>());
}

const Host& host_of(const CheckParts& lab, const Json& args, const char* key) {
  return named(lab.topology.hosts, "host", args.at(key).get<std::string>());
}

Checks::Checks(const CheckParts& parts) : parts_(parts), kinds_(component_checks()) {
  for (const auto& more : {network_checks(), outside_checks()}) {
    kinds_.insert(kinds_.end(), more.begin(), more.end());
  }
}

void Checks::check(const targets::Check& check, targets::Done<targets::CheckResult> done) {
  const auto kind = std::ranges::find(kinds_, check.kind, &CheckKind::name);
  if (kind == kinds_.end()) {
    std::vector<std::string_view> names;
    for (const auto& one : kinds_) {
      names.push_back(one.name);
    }
    done(Error{ErrorKind::unsupported, fmt::format("the lab cannot check '{}'; it can {}",
                                                   check.kind, fmt::join(names, ", "))});
    return;
  }
  try {
    kind->look(parts_, check.args, done);
  } catch (const Failure& wrong) {
    done(wrong.error());
  }
}

Result<Checks::Ground> Checks::look_at(const Host& host) {
  auto rules = rule_tables(host.name);
  if (!rules) {
    return rules.error();
  }
  auto there = routes(host.name);
  return there ? Result<Ground>(Ground{std::move(*rules), std::move(*there)}) : there.error();
}

Result<> Checks::note_network() {
  for (const auto& host : parts_.topology.hosts) {
    auto ground = look_at(host);
    if (!ground) {
      return ground.error();
    }
    for (auto& [to, way] : ground->routes) {  // the far end of a link may not be up yet
      if (const auto down = way.find(link_down); down != std::string::npos) {
        way.erase(down, link_down.size());
      }
    }
    built_[host.name] = std::move(*ground);
  }
  return {};
}

void Checks::invariants(targets::Done<std::vector<Invariant>> done) {
  parts_.health.look([this, done = std::move(done)] {
    auto found = parts_.health.invariants();
    found.push_back({"flows held", parts_.flow_holds.held_by(), "none"});
    for (const auto& host : parts_.topology.hosts) {
      const auto now = look_at(host);
      const auto& built = built_[host.name];
      found.push_back({"rules " + host.name,
                       now ? difference(built.rules, now->rules) : now.error().message, as_built});
      found.push_back({"routes " + host.name,
                       now ? difference(built.routes, now->routes) : now.error().message,
                       as_built});
    }
    std::ranges::sort(found, {}, &Invariant::name);
    done(std::move(found));
  });
}

}  // namespace faultline::lab
