#include "orchestrator/slo/openslo_parts.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faultline::slo {
namespace {

struct Source {
  std::string query, name, url;
};

void check_prometheus(const Mapping& mapping) {
  const auto type = mapping.text("type", "a type of metric source, such as Prometheus");
  auto lower = type;
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  if (lower != "prometheus") {
    mapping.refuse("type", fmt::format("the metric source {} is not supported; expected Prometheus",
                                       in_quotes(type)));
  }
}

std::string read_url(const Mapping& details) {
  auto url = details.text("url");
  const bool web = url.starts_with("http://") || url.starts_with("https://");
  if (!url.empty() && (!web || url.find_first_of(" \t\n\r@") != url.npos)) {
    details.refuse("url",
                   fmt::format("expected a URL such as http://127.0.0.1:9090, without a user "
                               "or a password, found {}",
                               web ? "one with them or with blanks" : in_quotes(url)));
  }
  return url;
}

/// `metric` is "good", "total", "thresholdMetric", ...
Source read_source(const Objects& objects, const Mapping& parent, std::string_view metric,
                   bool counter) {
  const auto source =
      parent.map(metric, shape("metric")).map("metricSource", shape("metricSource"));
  Source read;
  if (source.has("metricSourceRef")) {
    const auto& object = objects.get("DataSource", source, "metricSourceRef");
    read.name = object.name;
    read.url = read_data_source(objects, object);
  }
  if (source.has("type") || read.name.empty()) {
    check_prometheus(source);
  }
  const auto spec = source.map("spec", shape("Prometheus spec"));
  if (spec.has("query") && spec.has("promql")) {
    spec.refuse("promql", "expected either query or promql, found both");
  }
  read.query = read_query(spec, spec.has("promql") ? "promql" : "query", counter);
  return read;
}

void use(Indicator& indicator, Source source) {
  indicator.part = std::move(source.query);
  indicator.source = std::move(source.name);
  indicator.url = std::move(source.url);
}

void read_raw(const Objects& objects, const Mapping& ratio, Indicator& indicator) {
  for (const auto* other : {"good", "bad", "total"}) {
    if (ratio.has(other)) {
      ratio.refuse(other, "expected either raw or a part and a total, found both");
    }
  }
  indicator.kind = ratio.choice("rawType", {"success", "failure"}) == "success"
                       ? IndicatorKind::success_ratio
                       : IndicatorKind::failure_ratio;
  use(indicator, read_source(objects, ratio, "raw", false));
}

void read_ratio(const Objects& objects, const Mapping& ratio, Indicator& indicator) {
  const bool counter = ratio.flag("counter", false);
  if (ratio.has("raw")) {
    return read_raw(objects, ratio, indicator);
  }
  if (ratio.has("rawType")) {
    ratio.refuse("rawType", "expected only beside raw, found without it");
  }
  if (ratio.has("good") == ratio.has("bad")) {
    ratio.refuse("bad", fmt::format("expected good and total, bad and total, or raw, found {}",
                                    ratio.has("good") ? "both good and bad" : "none of them"));
  }
  const bool of_bad = ratio.has("bad");
  indicator.kind = of_bad ? IndicatorKind::bad_of_total : IndicatorKind::good_of_total;
  indicator.counter = counter;
  use(indicator, read_source(objects, ratio, of_bad ? "bad" : "good", counter));
  const auto total = read_source(objects, ratio, "total", counter);
  indicator.total = total.query;
  if (total.url != indicator.url) {
    ratio.refuse("total", fmt::format("expected one source for both queries, found '{}' and '{}'",
                                      indicator.source, total.name));
  }
}

}  // namespace

std::string read_data_source(const Objects& objects, const Object& source) {
  const auto spec = objects.spec(source, "DataSource spec");
  static_cast<void>(spec.description());
  check_prometheus(spec);
  if (!spec.has("connectionDetails")) {
    return "";
  }
  const auto details = spec.required("connectionDetails", "");
  if (details.value->kind != Yaml::Kind::list) {
    return read_url(Mapping(details, objects.file(), shape("connectionDetails")));
  }
  std::string url;  // as a list of maps, which the specification's own examples have too
  for (const auto& item : spec.list("connectionDetails")) {
    const Mapping one(item, objects.file(), shape("connectionDetails"));
    if (one.has("url") && !url.empty()) {
      one.refuse("url", "expected one url, found another before it");
    }
    url = one.has("url") ? read_url(one) : url;
  }
  return url;
}

Indicator read_indicator(const Objects& objects, const Object& sli) {
  const auto spec = objects.spec(sli, "SLI spec");
  static_cast<void>(spec.description());
  Indicator indicator;
  indicator.name = sli.name;
  indicator.title = sli.title;
  if (spec.has("ratioMetric") == spec.has("thresholdMetric")) {
    spec.refuse("thresholdMetric",
                fmt::format("expected either ratioMetric or thresholdMetric, found {}",
                            spec.has("ratioMetric") ? "both" : "neither"));
  }
  if (spec.has("thresholdMetric")) {
    indicator.kind = IndicatorKind::threshold;
    use(indicator, read_source(objects, spec, "thresholdMetric", false));
  } else {
    read_ratio(objects, spec.map("ratioMetric", shape("ratioMetric")), indicator);
  }
  return indicator;
}

}  // namespace faultline::slo
