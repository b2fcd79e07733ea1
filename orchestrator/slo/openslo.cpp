#include "orchestrator/slo/openslo.hpp"

#include "orchestrator/slo/openslo_parts.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace faultline::slo {
namespace {

constexpr std::size_t max_imported = 1'000;  // objectives of one file: more than one drill judges

/// 0.999 is 99.9, not 99.90000000000001.
double to_percent(double share) {
  constexpr double steps = 1e9;
  return std::round(share * 100 * steps) / steps;
}

struct Document {
  std::string kind;
  Object object;
};

Document read_document(const Named& named, const std::string& file) {
  const Mapping document(named, file, shape("document"));
  const auto version = document.text("apiVersion", openslo_version);
  if (version != openslo_version) {
    document.refuse("apiVersion",
                    fmt::format("expected {}, found {}", openslo_version, in_quotes(version)));
  }
  auto kind = document.choice("kind", openslo_kinds());
  auto object = read_metadata(document.map("metadata", shape("metadata")), kind);
  object.spec.value = document.required("spec", fmt::format("the {}'s spec", kind)).value;
  object.line = named.value->line;
  return {std::move(kind), std::move(object)};
}

/// A document is an object or a list of them.
std::vector<Document> read_documents(const std::vector<Yaml>& trees, const std::string& file) {
  std::vector<Document> documents;
  const auto add = [&](const Yaml& value) {
    if (documents.size() >= max_yaml_documents) {
      refuse_at(file, value.line,
                fmt::format("a file may hold at most {} objects", max_yaml_documents));
    }
    const auto name = fmt::format("document {}", documents.size() + 1);
    documents.push_back(read_document({&value, name}, file));
  };
  for (const auto& tree : trees) {
    if (tree.kind == Yaml::Kind::list) {
      std::ranges::for_each(tree.items, add);
    } else {
      add(tree);
    }
  }
  return documents;
}

Indicator indicator_of(const Objects& objects, const Mapping& spec, const Object& slo) {
  if (spec.has("indicator") == spec.has("indicatorRef")) {
    spec.refuse("indicatorRef",
                fmt::format("expected either an indicator or the indicatorRef of an SLI, found {}",
                            spec.has("indicator") ? "both" : "neither"));
  }
  if (spec.has("indicatorRef")) {
    return read_indicator(objects, objects.get("SLI", spec, "indicatorRef"));
  }
  const auto written = spec.map("indicator", shape("inline indicator"));
  Object sli{slo.name, "", written.line(), written.required("spec", "the SLI's spec")};
  if (written.has("metadata")) {
    const auto named = read_metadata(written.map("metadata", shape("metadata")), "SLI");
    sli.name = named.name;
    sli.title = named.title;
  }
  return read_indicator(objects, sli);
}

std::optional<Duration> time_window_of(const Mapping& spec) {
  const auto windows = spec.list("timeWindow");
  if (windows.empty()) {
    return std::nullopt;
  }
  if (windows.size() > 1) {
    spec.refuse("timeWindow", fmt::format("expected one window, found {}", windows.size()));
  }
  const Mapping window(windows.front(), spec.file(), shape("time window"));
  if (!window.flag("isRolling", true)) {
    window.refuse("isRolling", "expected true, found false: only rolling windows are supported");
  }
  return window.duration("duration");
}

std::vector<BurnCondition> burns_of(const Objects& objects, const Mapping& spec) {
  std::vector<BurnCondition> burns;
  for (const auto& item : spec.list("alertPolicies")) {
    burns.push_back(
        read_policy(objects, read_reference(objects, item, "AlertPolicy", "alertPolicyRef")));
  }
  return burns;
}

double target_of(const Mapping& objective) {
  if (objective.has("target") == objective.has("targetPercent")) {
    objective.refuse("target", fmt::format("expected either target or targetPercent, found {}",
                                           objective.has("target") ? "both" : "neither"));
  }
  const bool percent = objective.has("targetPercent");
  const auto* field = percent ? "targetPercent" : "target";
  const double most = percent ? 100 : 1, target = objective.number(field, "a number");
  if (target <= 0 || target >= most) {
    objective.refuse(field,
                     fmt::format("expected a number above 0 and below {}, found {}{}", most, target,
                                 percent ? "" : "; for percent, write targetPercent"));
  }
  return percent ? target : to_percent(target);
}

std::optional<Limit> limit_of(const Mapping& objective, IndicatorKind kind) {
  if (kind == IndicatorKind::threshold) {
    const auto comparison = read_comparison(objective, {"lt", "lte", "gt", "gte"});
    return Limit{comparison, objective.number("value", "a number to compare with")};
  }
  if (objective.has("value")) {
    objective.refuse("value", "expected only with a thresholdMetric, found with a ratioMetric");
  }
  if (objective.has("op")) {  // says no more than that a target is to be reached
    static_cast<void>(read_comparison(objective, {"gt", "gte"}));
  }
  return std::nullopt;
}

Duration slice_window_of(const Mapping& objective) {
  const auto* field = "timeSliceWindow";
  const auto text = objective.text(field, "a duration such as 1m, or a number of minutes");
  if (text.find_first_not_of("0123456789") != text.npos) {
    return objective.duration(field);
  }
  constexpr double most = 24 * 60;  // a day; longer ones are written as durations
  const auto minutes = objective.number(field, "a number of minutes");
  if (minutes < 1 || minutes > most) {
    objective.refuse(field, fmt::format("expected 1 to {} minutes, found {}", most, minutes));
  }
  return std::chrono::minutes(static_cast<std::int64_t>(minutes));
}

std::optional<TimeSlice> slice_of(const Mapping& objective, const std::string& method) {
  if (method == "Occurrences") {
    for (const auto* field : {"timeSliceTarget", "timeSliceWindow"}) {
      if (objective.has(field)) {
        objective.refuse(field,
                         "expected only with budgetingMethod: Timeslices, found with "
                         "Occurrences");
      }
    }
    return std::nullopt;
  }
  const double target = objective.number("timeSliceTarget", "a share such as 0.95");
  if (target <= 0 || target > 1) {
    objective.refuse("timeSliceTarget",
                     fmt::format("expected a number above 0 and at most 1, found {}", target));
  }
  return TimeSlice{slice_window_of(objective), to_percent(target)};
}

std::string method_of(const Mapping& spec) {
  const auto* field = "budgetingMethod";
  if (spec.text(field) == "RatioTimeslices") {
    spec.refuse(field,
                "RatioTimeslices is not supported: an average of shares is no share of "
                "events; expected Occurrences or Timeslices");
  }
  return spec.choice(field, {"Occurrences", "Timeslices"});
}

void read_slo(const Objects& objects, const Object& slo, std::vector<ImportedSlo>& imported) {
  const auto spec = objects.spec(slo, "SLO spec");
  ImportedSlo common;
  common.slo = slo.name;
  common.title = slo.title.empty() ? slo.name : slo.title;
  common.description = spec.description();
  common.service = spec.text("service", "the name of the service");
  common.indicator = indicator_of(objects, spec, slo);
  common.time_window = time_window_of(spec);
  common.burns = burns_of(objects, spec);
  common.file = objects.file();
  const auto method = method_of(spec);
  const auto objectives = spec.list("objectives");
  if (objectives.empty()) {
    spec.refuse("objectives", "expected at least one objective such as - target: 0.999");
  }
  if (common.indicator.kind == IndicatorKind::threshold && objectives.size() > 1) {
    spec.refuse("objectives",
                fmt::format("expected one objective with a thresholdMetric, found {}; "
                            "write an SLO for each",
                            objectives.size()));
  }
  for (std::size_t i = 0; i < objectives.size(); ++i) {
    const Mapping objective(objectives[i], objects.file(), shape("objective"));
    auto& one = imported.emplace_back(common);
    one.name = objectives.size() == 1 ? slo.name : fmt::format("{}/{}", slo.name, i + 1);
    one.objective_title = objective.text("displayName");
    one.target_percent = target_of(objective);
    one.limit = limit_of(objective, common.indicator.kind);
    one.slice = slice_of(objective, method);
    one.line = objective.line();
    if (imported.size() > max_imported) {
      refuse_at(objects.file(), one.line,
                fmt::format("a file may hold at most {} objectives", max_imported));
    }
  }
}

/// Everything in the file is checked, also what no SLO refers to.
void read_object(const Objects& objects, const Document& document,
                 std::vector<ImportedSlo>& imported) {
  const auto& [kind, object] = document;
  if (kind == "SLO") {
    read_slo(objects, object, imported);
  } else if (kind == "SLI") {
    static_cast<void>(read_indicator(objects, object));
  } else if (kind == "DataSource") {
    static_cast<void>(read_data_source(objects, object));
  } else if (kind == "AlertPolicy") {
    static_cast<void>(read_policy(objects, object));
  } else if (kind == "AlertCondition") {
    static_cast<void>(read_condition(objects, object));
  } else if (kind == "AlertNotificationTarget") {
    read_target(objects, object);
  } else {
    static_cast<void>(objects.spec(object, "Service spec").description());
  }
}

}  // namespace

Result<std::vector<ImportedSlo>> read_openslo(std::string_view text, const std::string& file) {
  const auto trees = parse_yaml(text, file);
  if (!trees) {
    return trees.error();
  }
  try {
    Objects objects(file);
    const auto documents = read_documents(*trees, file);
    for (const auto& document : documents) {
      objects.add(document.kind, document.object);
    }
    std::vector<ImportedSlo> imported;
    for (const auto& document : documents) {
      read_object(objects, document, imported);
    }
    if (imported.empty()) {
      refuse_at(file, 1,
                fmt::format("expected at least one object of kind SLO, found {}",
                            documents.empty() ? "an empty file" : "none"));
    }
    return imported;
  } catch (const Failure& failure) {
    return failure.error();
  }
}

}  // namespace faultline::slo
