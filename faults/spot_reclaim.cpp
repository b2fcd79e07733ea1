#include "faults/kinds.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace faultline::faults {
namespace {

/// After the SIGKILL a process is gone at once; the rest is for a busy machine.
constexpr Duration slack = std::chrono::seconds(3);
constexpr double max_notice_ms = 5 * 60 * 1000;  // the longest notice that anybody documents
constexpr double max_grace_ms = 60 * 1000;       // twice the 30 s that the articles have

bool is_spot(const targets::Component& component) {
  const auto label = component.labels.find("spot");
  return label != component.labels.end() && label->second == "true";
}

Error refuse_reserved(const World& world, const std::string& name) {
  std::vector<std::string> spot;
  for (const auto& component : world.components) {
    if (is_spot(component)) {
      spot.push_back(component.name);
    }
  }
  return {ErrorKind::usage,
          fmt::format("spot_reclaim: {} is no spot node, so the cloud does not take it back; spot "
                      "nodes are: {}",
                      name, spot.empty() ? "none" : fmt::format("{}", fmt::join(spot, ", ")))};
}

struct Times {
  Duration notice, grace, replace_after;
  bool replace;
};

Times times_of(const Json& params) {
  const auto duration = [&params](const char* name) {
    return std::chrono::round<std::chrono::milliseconds>(
        std::chrono::duration<double, std::milli>(params.at(name).get<double>()));
  };
  return {duration("notice"), duration("grace"), duration("replace_after"),
          params.at("replace") == "yes"};
}

Action reclaim(const std::string& name, const Times& times, std::string id) {
  const auto after = times.replace
                         ? fmt::format("a new one {} later", in_words(times.replace_after))
                         : std::string("no new one");
  return {.id = std::move(id),
          .kind = "spot.reclaim",
          .args = {{"component", name},
                   {"notice_ms", std::llround(to_ms(times.notice))},
                   {"grace_ms", std::llround(to_ms(times.grace))},
                   {"replace_after_ms",
                    times.replace ? Json(std::llround(to_ms(times.replace_after))) : Json()}},
          .summary = fmt::format("take {} back: notice {}, SIGTERM, {} of grace, SIGKILL, {}", name,
                                 in_words(times.notice), in_words(times.grace), after),
          .undo_summary = fmt::format("withdraw the notice, and start {} if it is down", name),
          .resource = "component " + name};
}

Result<Plan> plan(const World& world, const Json& params, const std::string& id) {
  const auto times = times_of(params);
  Plan plan;
  for (const auto& instance : params.at("instances")) {
    const auto name = instance.get<std::string>();
    const auto* component = world.find(name);
    if (component == nullptr || !is_spot(*component)) {
      return refuse_reserved(world, name);
    }
    if (component->state != targets::ProcessState::running) {
      return Error{ErrorKind::not_found,
                   fmt::format("spot_reclaim: {} does not run now, so it cannot be taken back; see "
                               "`faultline lab status`",
                               name)};
    }
    const auto action = fmt::format("{}.{}", id, plan.actions.size() + 1);
    plan.actions.push_back(reclaim(name, times, action));
    plan.resources.push_back("component " + name);
    plan.instances.push_back(name);
    plan.effect.push_back({"spot.announced",
                           {{"component", name}},
                           fmt::format("the metadata of {} shows its end", name)});
    plan.completion.push_back({"spot.gone",
                               {{"component", name}, {"action", action}},
                               fmt::format("the process of {} has ended", name)});
  }
  plan.completes_within = times.notice + times.grace + slack;
  plan.end_state = {"no notice is announced", "every component is healthy"};
  return plan;
}

}  // namespace

Kind spot_reclaim() {
  return {.name = "spot_reclaim",
          .summary =
              "The cloud takes spot nodes back: a notice in the metadata, SIGTERM, SIGKILL, and "
              "a new node later or none",
          .capability = "announce, end and replace spot nodes",
          .params = {{.name = "instances",
                      .type = ParamType::instances,
                      .doc = "spot nodes: a name, a list of them, or what instances { ... } finds"},
                     {.name = "notice",
                      .type = ParamType::duration,
                      .doc = "from the announcement to SIGTERM; the articles say 3 minutes, the "
                             "vendor's documentation 5",
                      .fallback = 5000,
                      .min = 0,
                      .max = max_notice_ms},
                     {.name = "grace",
                      .type = ParamType::duration,
                      .doc = "from SIGTERM to SIGKILL; the articles say about 30 s",
                      .fallback = 1000,
                      .min = 0,
                      .max = max_grace_ms},
                     {.name = "replace",
                      .type = ParamType::choice,
                      .doc = "whether a new node comes; the undo starts one in any case",
                      .fallback = "yes",
                      .choices = {"yes", "no"}},
                     {.name = "replace_after",
                      .type = ParamType::duration,
                      .doc = "from the end of a node to the start of its replacement",
                      .fallback = 3000,
                      .min = 0,
                      .max = max_notice_ms}},
          .plan = plan};
}

}  // namespace faultline::faults
