#include "orchestrator/engine/guardrails.hpp"

#include "targets/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace faultline::engine {
namespace {

using targets::Json;

constexpr std::size_t names_shown = 6;  // of what a refusal lists
const std::string free_or_raise = "revert what is in force first, or raise the guardrail";

std::string some_of(const std::set<std::string>& names) {
  std::vector<std::string> shown(names.begin(), names.end());
  const auto more = shown.size() > names_shown ? shown.size() - names_shown : 0;
  shown.resize(shown.size() - more);
  return fmt::format("{}{}", fmt::join(shown, ", "),
                     more == 0 ? "" : fmt::format(" and {} more", more));
}

Reading staging(bool marked) {
  return {.rule = "staging",
          .limit = "nothing is injected without staging = true",
          .request = marked ? "have it" : "be without",
          .remedy = "mark the environment, if it may be broken",
          .holds = marked};
}

Reading frozen(const Freeze& freeze, WallTime now) {
  return {.rule = "freeze",
          .limit = "nothing on " + in_words(freeze),
          .request = "be on " + day_in_words(now),
          .remedy = "wait until it is over",
          .holds = !freeze.covers(now)};
}

Reading approval(const Guardrails& guardrails, const Asking& asking) {
  std::set<std::string> classes = guardrails.needs_approval;
  classes.emplace(faults::to_string(faults::Reversibility::irreversible));
  const std::string is(faults::to_string(asking.plan.reversibility));
  const bool needed = needs_approval(guardrails, asking.plan.reversibility);
  return {.rule = "approval",
          .limit = fmt::format("{} faults need one", fmt::join(classes, ", ")),
          .request = !needed           ? "need none"
                     : asking.approved ? "have one"
                                       : "have none",
          .remedy = "give --approve \"WHO: REASON\"",
          .names = needed ? std::set{is} : std::set<std::string>{},
          .holds = asking.approved || !needed};
}

Reading protection(const Guardrails& guardrails, const Asking& asking) {
  Reading reading{
      .rule = "protected",
      .limit = fmt::format("{} may not be touched", some_of(guardrails.protected_resources)),
      .remedy = "choose another target"};
  for (const auto& name : touched_by(asking.plan, asking.world)) {
    if (guardrails.protected_resources.contains(name)) {
      reading.names.insert(name);
    }
  }
  reading.holds = reading.names.empty();
  reading.request = "touch " + (reading.holds ? "none of it" : some_of(reading.names));
  return reading;
}

Reading counted(std::string rule, std::size_t most, std::size_t asked,
                const std::set<std::string>& names) {
  const auto listed = names.empty() ? "" : fmt::format(" ({})", some_of(names));
  return {.rule = std::move(rule),
          .limit = fmt::format("at most {}", most),
          .request = fmt::format("make {}{}", asked, listed),
          .remedy = free_or_raise,
          .most = static_cast<double>(most),
          .asked = static_cast<double>(asked),
          .names = names,
          .holds = asked <= most};
}

Reading share_of(const std::string& service, const Share& share, double most) {
  return {.rule = "max_instances",
          .subject = service,
          .limit = fmt::format("at most {:.4g} % of {}", most, service),
          .request = fmt::format("make {:.4g} % ({})", share.percent(), some_of(share.hit)),
          .remedy = free_or_raise,
          .most = most,
          .asked = share.percent(),
          .unit = "%",
          .names = share.hit,
          .holds = share.percent() <= most};
}

/// Half of the nodes, rounded down: whoever is left can still be a majority, or is one of two.
Reading quorum_of(const std::string& store, const Share& share) {
  auto reading = counted("keep_quorum", share.of / 2, share.hit.size(), share.hit);
  reading.subject = store;
  reading.limit += fmt::format(" of the {} nodes of {}", share.of, store);
  return reading;
}

}  // namespace

bool needs_approval(const Guardrails& guardrails, faults::Reversibility reversibility) {
  return reversibility == faults::Reversibility::irreversible ||
         guardrails.needs_approval.contains(std::string(faults::to_string(reversibility)));
}

Result<> check_protected(const Guardrails& guardrails, const targets::World& world) {
  const auto names = touchable(world);
  const std::vector<std::string> known(names.begin(), names.end());
  for (const auto& name : guardrails.protected_resources) {
    if (!names.contains(name)) {
      return Error{ErrorKind::usage,
                   fmt::format("{}: guardrails: 'protected' names '{}', which is not there{}",
                               guardrails.file, name, suggestion(name, known))};
    }
  }
  return {};
}

std::vector<Reading> readings(const Guardrails& guardrails, const Asking& asking) {
  std::vector<Reading> all{staging(asking.staging)};
  for (const auto& freeze : guardrails.freeze) {
    all.push_back(frozen(freeze, asking.now));
  }
  all.push_back(approval(guardrails, asking));
  if (!guardrails.protected_resources.empty()) {
    all.push_back(protection(guardrails, asking));
  }
  const auto& together = asking.together;
  if (guardrails.concurrent_faults > 0) {
    all.push_back(counted("concurrent_faults", guardrails.concurrent_faults, together.faults, {}));
  }
  if (guardrails.zones_at_once > 0) {
    all.push_back(counted("zones_at_once", guardrails.zones_at_once, together.zones.hit.size(),
                          together.zones.hit));
  }
  for (const auto& [service, share] : together.services) {
    if (guardrails.max_instances_percent > 0) {
      all.push_back(share_of(service, share, guardrails.max_instances_percent));
    }
  }
  for (const auto& [store, share] : together.stores) {
    if (guardrails.keep_quorum.contains(store)) {
      all.push_back(quorum_of(store, share));
    }
  }
  return all;
}

Reading duration_reading(const Guardrails& guardrails, Duration held) {
  const auto most = guardrails.max_duration;
  return {.rule = "max_duration",
          .limit = fmt::format("less than {}", faultline::in_words(most)),
          .request = fmt::format("be held for {} and more", faultline::in_words(held)),
          .remedy = "hold it for less, or raise the guardrail",
          .most = to_ms(most),
          .asked = to_ms(held),
          .unit = "ms",
          .holds = held < most};
}

std::string who_asks(const std::string& fault, const faults::Plan& plan) {
  const std::set<std::string> resources(plan.resources.begin(), plan.resources.end());
  return resources.empty() ? fault : fmt::format("{} of {}", fault, some_of(resources));
}

Error refusal(const Reading& reading, const std::string& who, const Guardrails& guardrails) {
  return {ErrorKind::refused,
          fmt::format("guardrail {}: {}; {} would {}; {}{}", reading.rule, reading.limit, who,
                      reading.request, reading.remedy,
                      guardrails.file.empty() ? "" : fmt::format(" ({})", guardrails.file))};
}

void keep_tightest(std::vector<Reading>& kept, const std::vector<Reading>& more) {
  for (const auto& reading : more) {
    const auto same = std::ranges::find_if(kept, [&](const Reading& k) {
      return k.rule == reading.rule && k.subject == reading.subject &&
             (reading.rule != "freeze" || k.limit == reading.limit);
    });
    if (same == kept.end()) {
      kept.push_back(reading);
      continue;
    }
    const auto weight = [](const Reading& r) {  // what does not hold, then what asks for more
      return std::tuple(!r.holds, r.asked.value_or(0), r.names.size());
    };
    if (weight(reading) > weight(*same)) {
      *same = reading;
    }
  }
}

void to_json(Json& out, const Reading& reading) {
  const auto number = [](const std::optional<double>& x) { return x ? Json(*x) : Json(); };
  out = {{"guardrail", reading.rule},
         {"subject", reading.subject.empty() ? Json() : Json(reading.subject)},
         {"holds", reading.holds},
         {"limit", number(reading.most)},
         {"request", number(reading.asked)},
         {"headroom", reading.most ? Json(*reading.most - *reading.asked) : Json()},
         {"unit", reading.unit.empty() ? Json() : Json(reading.unit)},
         {"names", reading.names},
         {"limit_in_words", reading.limit},
         {"request_in_words", reading.request}};
}

}  // namespace faultline::engine
