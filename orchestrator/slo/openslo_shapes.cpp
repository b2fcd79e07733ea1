#include "orchestrator/slo/openslo_shapes.hpp"

#include "orchestrator/slo/openslo.hpp"
#include "orchestrator/slo/yaml.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>

namespace faultline::slo {
namespace {

const std::string composite =
    "composite objectives are not supported; write an SLO for each indicator";

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all{
      {"document", {"apiVersion", "kind", "metadata", "spec"}, {}},
      {"metadata", {"name", "displayName", "labels", "annotations"}, {}},
      {"SLO spec",
       {"description", "service", "indicator", "indicatorRef", "timeWindow", "budgetingMethod",
        "objectives", "alertPolicies"},
       {}},
      {"time window",
       {"duration", "isRolling"},
       {{"calendar",
         "calendar-aligned windows are not supported; a drill is judged against a rolling one, "
         "such "
         "as duration: 28d with isRolling: true"}}},
      {"objective",
       {"displayName", "op", "value", "target", "targetPercent", "timeSliceTarget",
        "timeSliceWindow"},
       {{"indicator", composite}, {"indicatorRef", composite}, {"compositeWeight", composite}}},
      {"inline indicator", {"metadata", "spec"}, {}},
      {"SLI spec", {"description", "thresholdMetric", "ratioMetric"}, {}},
      {"ratioMetric", {"counter", "good", "bad", "total", "rawType", "raw"}, {}},
      {"metric", {"metricSource"}, {}},
      {"metricSource", {"metricSourceRef", "type", "spec"}, {}},
      {"Prometheus spec", {"query", "promql"}, {}},
      {"DataSource spec", {"description", "type", "connectionDetails"}, {}},
      {"connectionDetails", {"url"}, {}},
      {"AlertPolicy reference", {"alertPolicyRef"}, {}},
      {"inline object", {"kind", "metadata", "spec"}, {}},
      {"AlertPolicy spec",
       {"description", "alertWhenNoData", "alertWhenResolved", "alertWhenBreaching", "conditions",
        "notificationTargets"},
       {}},
      {"AlertCondition reference", {"conditionRef"}, {}},
      {"AlertCondition spec", {"description", "severity", "condition"}, {}},
      {"condition", {"kind", "op", "threshold", "lookbackWindow", "alertAfter"}, {}},
      {"AlertNotificationTarget reference", {"targetRef"}, {}},
      {"AlertNotificationTarget spec", {"description", "target"}, {}},
      {"Service spec", {"description"}, {}},
  };
  return all;
}

/// What the table of fields cannot say.
std::vector<std::string> rules() {
  return {
      "indicators: ratioMetric with good and total, bad and total, or raw with rawType success or "
      "failure; or thresholdMetric, with one objective that has op and value",
      "metric sources: type Prometheus, in any case, inline or from a DataSource of the same file; "
      "both queries of an indicator from one source",
      "queries: one PromQL expression as query or promql; {{.window}} stands for the window, other "
      "templates are refused; with counter: true none that takes a range itself, such as "
      "rate(x[5m])",
      "budgetingMethod: Occurrences; Timeslices with timeSliceTarget above 0 and at most 1, and "
      "timeSliceWindow as a duration or in minutes; RatioTimeslices is refused",
      "objectives: target above 0 and below 1, or targetPercent above 0 and below 100; op and "
      "value "
      "with a thresholdMetric; each objective becomes one of its own",
      "op: lt, lte, gt, gte; a ratio and a burn rate take gt and gte alone",
      "durations: a whole number and m, h, d or w; M, Q and Y have no fixed length and are refused",
      "conditions: kind burnrate, one for each policy; alertWhenBreaching: false is refused",
      "accepted, without effect: labels, annotations, alertWhenNoData (no data never is a pass), "
      "alertWhenResolved, notificationTargets (Faultline notifies nobody), Service",
      "references are to objects of the same file, inline or by name; a name stands once for each "
      "kind",
      fmt::format(
          "a file has at most {} KiB, {} documents (or lists of them) and {} values, nested "
          "at most {} deep; anchors and aliases are followed, tags and merge keys are not",
          max_yaml_bytes / 1024, max_yaml_documents, max_yaml_nodes, max_yaml_depth),
  };
}

}  // namespace

const std::vector<std::string>& openslo_kinds() {
  static const std::vector<std::string> kinds{"SLO",
                                              "SLI",
                                              "DataSource",
                                              "Service",
                                              "AlertPolicy",
                                              "AlertCondition",
                                              "AlertNotificationTarget"};
  return kinds;
}

const Shape& shape(std::string_view name) {
  const auto known = std::ranges::find(shapes(), name, &Shape::name);
  assert(known != shapes().end());
  return *known;
}

std::vector<std::string> openslo_supported() {
  std::vector<std::string> lines{
      fmt::format("apiVersion {}, kinds {}", openslo_version, fmt::join(openslo_kinds(), ", "))};
  for (const auto& one : shapes()) {
    lines.push_back(fmt::format("{}: {}", one.name, fmt::join(one.fields, ", ")));
  }
  std::ranges::move(rules(), std::back_inserter(lines));
  for (const auto& one : shapes()) {
    for (const auto& [field, reason] : one.refused) {
      lines.push_back(fmt::format("refused: {} of {}: {}", field, one.name, reason));
    }
  }
  return lines;
}

}  // namespace faultline::slo
