#include "orchestrator/cli/radius.hpp"

#include "orchestrator/cli/table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace faultline::cli {
namespace {

using engine::Radius;
using engine::Reading;
using engine::Share;

constexpr std::size_t label_at = 6;
constexpr std::size_t text_at = 28;  // "keep_quorum sessions" and a gap

std::string entry(const std::string& label, const std::string& text) {
  return wrapped(fmt::format("{:{}}{:<{}} ", "", label_at, label, text_at - label_at - 1), text);
}

std::string names_of(const Share& share, const Radius& radius) {
  std::vector<std::string> names;
  for (const auto& name : share.hit) {
    const auto role = radius.roles.find(name);
    names.push_back(role == radius.roles.end() ? name : fmt::format("{} ({})", name, role->second));
  }
  return names.empty() ? "" : fmt::format(": {}", fmt::join(names, ", "));
}

std::set<std::string> reversibility_of(const script::DryRun& dry) {
  std::set<std::string> classes;
  for (const auto& step : dry.steps) {
    if (step.what == "inject") {
      classes.insert(step.detail.at("plan").at("reversibility").get<std::string>());
    }
  }
  return classes;
}

/// No fault is limited to a tenant, so where one hits anything, it can be felt by all.
std::string tenants_of(const Radius& widest, const engine::Environment& environment) {
  if (environment.tenants == 0) {
    return "not said in the environment: tenants = N";
  }
  const auto hit = widest.faults > 0 ? environment.tenants : 0;
  return fmt::format("{} of {}: each is served by every node", hit, environment.tenants);
}

std::string number_in_words(double number, const std::string& unit) {
  if (unit == "ms") {
    return fmt::format("{:.4g} s", number / 1000);
  }
  return fmt::format("{:.4g}{}", number, unit.empty() ? "" : " " + unit);
}

/// "2 of 3, 1 left: a, b"; where the limit is no number, what is asked and what is allowed.
std::string reading_in_words(const Reading& reading) {
  const std::string mark = reading.holds ? "" : "REFUSED: ";
  if (reading.rule == "staging" && reading.holds) {
    return "true";
  }
  if (reading.rule == "approval") {
    return fmt::format("{}; {}", reading.names.empty() ? "not needed" : "needed: " + reading.remedy,
                       reading.limit);
  }
  if (!reading.most) {
    return fmt::format("{}{}; this would {}", mark, reading.limit, reading.request);
  }
  const auto left = *reading.most - *reading.asked;
  const auto names =
      reading.names.empty() ? "" : fmt::format(": {}", fmt::join(reading.names, ", "));
  return fmt::format("{}{} of {}, {}{}", mark, number_in_words(*reading.asked, reading.unit),
                     number_in_words(*reading.most, reading.unit),
                     left < 0 ? "too much" : number_in_words(left, reading.unit) + " left", names);
}

std::string label_of(const Reading& reading) {
  return reading.rule + (reading.subject.empty() ? "" : " " + reading.subject);
}

}  // namespace

std::string radius_in_words(const script::DryRun& dry, const engine::Environment& environment) {
  const auto& widest = dry.widest;
  std::string out = "blast radius: the most that is in force at once\n";
  out += entry("faults", fmt::format("{}", widest.faults));
  out += entry("zones", fmt::format("{} of {} as a whole{}", widest.zones.hit.size(),
                                    widest.zones.of, names_of(widest.zones, {})));
  for (const auto& [service, share] : widest.services) {
    out += entry("service " + service,
                 fmt::format("{} of {} instances, {:.3g} % of its capacity{}", share.hit.size(),
                             share.of, share.percent(), names_of(share, {})));
  }
  for (const auto& [store, share] : widest.stores) {
    out += entry(
        environment.stores.contains(store) ? environment.stores.at(store) + " " + store : store,
        fmt::format("{} of {} nodes{}", share.hit.size(), share.of, names_of(share, widest)));
  }
  out += entry("components", fmt::format("{} of {}{}", widest.components.hit.size(),
                                         widest.components.of, names_of(widest.components, {})));
  out += entry("tenants", tenants_of(widest, environment));
  out += entry("reversibility", fmt::format("{}", fmt::join(reversibility_of(dry), ", ")));
  out += fmt::format("guardrails of {}: asked, of at most\n", environment.guardrails.file);
  for (const auto& reading : dry.met) {
    out += entry(label_of(reading), reading_in_words(reading));
  }
  return out;
}

nlohmann::json radius_in_json(const script::DryRun& dry, const engine::Environment& environment) {
  using nlohmann::json;
  const bool known = environment.tenants > 0;
  return {{"radius", dry.widest},
          {"tenants",
           {{"count", known ? json(dry.widest.faults > 0 ? environment.tenants : 0) : json()},
            {"of", known ? json(environment.tenants) : json()}}},
          {"reversibility", reversibility_of(dry)},
          {"guardrails", dry.met},
          {"refused", dry.refused ? json(dry.refused->message) : json()}};
}

}  // namespace faultline::cli
