#include "tests/slo/openslo_documents.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace faultline;
using namespace faultline::slo;
using ::testing::HasSubstr;

namespace {

/// What is changed in a document, and what is said about it.
struct Refusal {
  std::string document, from, to, message;
};

void expect_refusals(const std::vector<Refusal>& refusals) {
  for (const auto& [document, from, to, message] : refusals) {
    EXPECT_THAT(refusal(edited(text_of(document), from, to)), HasSubstr(message))
        << document << ": '" << from << "' to '" << to << "'";
  }
}

}  // namespace

TEST(OpenSlo, RefusesByNameWhatIsWrongInDocuments) {
  expect_refusals(
      {{"ratio", "openslo/v1", "openslo/v1alpha",
        "f.yaml:2: document 1.apiVersion: expected openslo/v1, found 'openslo/v1alpha'"},
       {"ratio", "apiVersion: openslo/v1\n", "",
        "f.yaml:2: document 1.apiVersion: expected openslo/v1, found nothing"},
       {"ratio", "kind: SLO", "kind: SLA",
        "f.yaml:3: document 1.kind: expected one of SLO, SLI, DataSource, Service, "
        "AlertPolicy, AlertCondition, AlertNotificationTarget, found 'SLA'; did you mean "
        "'SLO'?"},
       {"ratio", "metadata:\n  name: checkout-availability", "metadata:\n  nam: x",
        "f.yaml:5: document 1.metadata: 'nam' is not a field of metadata; did you mean "
        "'name'?"},
       {"ratio", "name: checkout-availability", "name: a name",
        "metadata.name: expected at most 255 letters, digits"},
       {"ratio", "name: checkout-availability", "name: [a]",
        "metadata.name: expected a text, found a list"},
       {"referenced", "  name: slow-burn\nspec", "spec",
        "document 5.metadata: expected a map with name, displayName, labels, annotations, "
        "found nothing"},
       {"referenced", "name: failed-logins", "name: login-availability",
        "f.yaml:78: SLO 'login-availability': spec.indicatorRef: expected the name of an "
        "object of kind SLI in this file, found 'failed-logins'; known: "
        "login-availability"},
       {"referenced", "kind: Service\nmetadata:\n  name: auth",
        "kind: SLI\nmetadata:\n  name: failed-logins",
        "f.yaml:20: SLI 'failed-logins' stands here for the second time; the first is in "
        "line 12"}});
}

TEST(OpenSlo, RefusesByNameWhatIsWrongInSlos) {
  expect_refusals(
      {{"ratio", "service: billing", "servise: billing",
        "f.yaml:13: SLO 'checkout-availability': spec: 'servise' is not a field of SLO "
        "spec; did you mean 'service'?"},
       {"ratio", "  service: billing\n", "",
        "spec.service: expected the name of the service, found nothing"},
       {"ratio", "description: Orders are taken,", "description: " + std::string(1100, 'x') + ",",
        "spec.description: expected at most 1050 characters, found 11"},
       {"ratio", "indicator:", "indicatorRef: other\n  indicator:",
        "spec.indicatorRef: expected either an indicator or the indicatorRef of an SLI, "
        "found both"},
       {"referenced", "indicatorRef: failed-logins\n", "\n",
        "spec.indicatorRef: expected either an indicator or the indicatorRef of an SLI, "
        "found neither"},
       {"ratio", "budgetingMethod: Occurrences", "budgetingMethod: RatioTimeslices",
        "f.yaml:34: SLO 'checkout-availability': spec.budgetingMethod: RatioTimeslices is "
        "not supported"},
       {"ratio", "budgetingMethod: Occurrences", "budgetingMethod: Occurences",
        "spec.budgetingMethod: expected one of Occurrences, Timeslices, found "
        "'Occurences'; did you mean 'Occurrences'?"},
       {"ratio", "  budgetingMethod: Occurrences\n", "",
        "spec.budgetingMethod: expected one of Occurrences, Timeslices, found nothing"},
       {"ratio", "isRolling: true", "calendar: {startTime: 2026-01-01 00:00:00}",
        "f.yaml:33: SLO 'checkout-availability': spec.timeWindow[0].calendar: "
        "calendar-aligned windows are not supported"},
       {"ratio", "isRolling: true", "isRolling: false",
        "spec.timeWindow[0].isRolling: expected true, found false"},
       {"ratio", "isRolling: true", "isRolling: \"true\"",
        "isRolling: expected true or false, found the text 'true'"},
       {"ratio", "isRolling: true", "isRolling: true\n    - duration: 7d",
        "spec.timeWindow: expected one window, found 2"},
       {"ratio", "28d", "1M", "duration: months, quarters and years have no fixed length"},
       {"ratio", "28d", "28 days", "expected a duration such as 5m, 12h, 28d or 4w, found"},
       {"ratio", "28d", "0d", "found '0d'"},
       {"ratio", "28d", "d", "found 'd'"},
       {"ratio", "28d", "99999999999999999999w", "found '99999999999999999999w'"},
       {"ratio", "28d", "9999w", "expected at most ten years, found '9999w'"}});
}

TEST(OpenSlo, RefusesByNameWhatIsWrongInObjectives) {
  expect_refusals(
      {{"ratio", "target: 0.999", "target: 99.9",
        "f.yaml:37: SLO 'checkout-availability': spec.objectives[0].target: expected a "
        "number above 0 and below 1, found 99.9; for percent, write targetPercent"},
       {"ratio", "target: 0.999", "target: 1", "above 0 and below 1, found 1;"},
       {"ratio", "target: 0.999", "target: 0", "above 0 and below 1, found 0;"},
       {"ratio", "target: 0.999", "target: -0.5", "above 0 and below 1, found -0.5;"},
       {"ratio", "target: 0.999", "target: .nan", "expected a number, found '.nan'"},
       {"ratio", "target: 0.999", "target: nan", "expected a number, found 'nan'"},
       {"ratio", "target: 0.999", "target: 99,9", "expected a number, found '99,9'"},
       {"ratio", "target: 0.999", "target: '0.999'", "expected a number, found the text '0.999'"},
       {"ratio", "target: 0.999", "target: [0.999]", "expected a number, found a list"},
       {"ratio", "targetPercent: 99.95", "targetPercent: 100",
        "objectives[1].targetPercent: expected a number above 0 and below 100, found 100"},
       {"ratio", "target: 0.999", "target: 0.999\n      targetPercent: 99.9",
        "expected either target or targetPercent, found both"},
       {"ratio", "target: 0.999",
        "target:", "expected either target or targetPercent, found neither"},
       {"ratio", "op: gte", "op: lte", "objectives[1].op: expected one of gt, gte, found 'lte'"},
       {"ratio", "op: gte", "value: 7",
        "objectives[1].value: expected only with a thresholdMetric, found with a "
        "ratioMetric"},
       {"ratio", "op: gte", "indicatorRef: other",
        "objectives[1].indicatorRef: composite objectives are not supported"},
       {"ratio", "op: gte", "compositeWeight: 2", "composite objectives"},
       {"ratio", "op: gte", "timeSliceTarget: 0.9",
        "timeSliceTarget: expected only with budgetingMethod: Timeslices"},
       {"threshold", "op: lte", "op: eq", "expected one of lt, lte, gt, gte, found 'eq'"},
       {"threshold", "value: 250", "value: '250'", "expected a number, found the text"},
       {"threshold", "      value: 250\n", "",
        "value: expected a number to compare with, found nothing"},
       {"threshold", "    - op: lte", "    - {op: lt, value: 1, target: 0.5}\n    - op: lte",
        "objectives: expected one objective with a thresholdMetric, found 2"},
       {"threshold", "objectives:\n    - op: lte\n      value: 250\n      target: 0.95",
        "objectives: []", "expected at least one objective"},
       {"threshold", "objectives:\n    - op", "objectives:\n      op",
        "objectives: expected a list, found a map; begin each item with '- '"},
       {"timeslices", "timeSliceTarget: 0.95", "timeSliceTarget: 95",
        "timeSliceTarget: expected a number above 0 and at most 1, found 95"},
       {"timeslices", "      timeSliceTarget: 0.95\n", "",
        "timeSliceTarget: expected a share such as 0.95, found nothing"},
       {"timeslices", "timeSliceWindow: 5", "timeSliceWindow: 0",
        "timeSliceWindow: expected 1 to 1440 minutes, found 0"},
       {"timeslices", "timeSliceWindow: 5", "timeSliceWindow: 30s", "found '30s'"},
       {"timeslices", "      timeSliceWindow: 5\n", "",
        "timeSliceWindow: expected a duration such as 1m, or a number of minutes, found "
        "nothing"}});
}

TEST(OpenSlo, RefusesByNameWhatIsWrongInIndicators) {
  expect_refusals(
      {{"ratio", "type: Prometheus", "type: Datadog",
        "f.yaml:23: SLO 'checkout-availability': "
        "spec.indicator.spec.ratioMetric.good.metricSource.type: "
        "the metric source 'Datadog' is not supported; expected Prometheus"},
       {"ratio", "            type: Prometheus\n", "",
        "type: expected a type of metric source, such as Prometheus, found nothing"},
       {"referenced", "type: Prometheus", "type: CloudWatch",
        "f.yaml:8: DataSource 'staging': spec.type: the metric source 'CloudWatch'"},
       {"referenced", "metricSourceRef: staging", "metricSourceRef: stagin",
        "expected the name of an object of kind DataSource in this file, found 'stagin'; "
        "did you mean 'staging'?"},
       {"referenced", "url: http://127.0.0.1:9090", "accessKeyID: secret",
        "connectionDetails: 'accessKeyID' is not a field of connectionDetails; known: url"},
       {"referenced", "url: http://127.0.0.1:9090", "url: ftp://127.0.0.1",
        "url: expected a URL such as http://127.0.0.1:9090, without a user or a password, "
        "found 'ftp://127.0.0.1'"},
       {"referenced", "url: http://127", "url: http://me:secret@127",
        "without a user or a password, found one with them"},
       {"raw", "      - url", "      - url: http://a\n      - url",
        "expected one url, found another before it"},
       {"ratio", "query: http", "expr: http",
        "'expr' is not a field of Prometheus spec; known: query, promql"},
       {"ratio", "query: http", "promql: up\n              query: http",
        "expected either query or promql, found both"},
       {"ratio", "        total:\n", "        totals:\n",
        "'totals' is not a field of ratioMetric; did you mean 'total'?"},
       {"ratio", "        good:\n", "        bad: {}\n        good:\n",
        "expected good and total, bad and total, or raw, found both good and bad"},
       {"ratio", "        good:\n", "        raw:\n",
        "total: expected either raw or a part and a total, found both"},
       {"ratio", "counter: true", "rawType: success",
        "rawType: expected only beside raw, found without it"},
       {"raw", "rawType: success", "rawType: good",
        "rawType: expected one of success, failure, found 'good'"},
       {"raw", "          rawType: success\n", "",
        "rawType: expected one of success, failure, found nothing"},
       {"threshold", "thresholdMetric:", "ratioMetric: {}\n      thresholdMetric:",
        "expected either ratioMetric or thresholdMetric, found both"},
       {"threshold", "              sum by (stream) (queue_waiting{stream!=\"#dead\"})\n", "",
        "found blanks and comments alone"},
       {"threshold", "sum by (stream)", "sum by (stream", "with brackets that do not match"},
       {"threshold", "\"#dead\"", "\"#dead", "with a quote that is not closed"},
       {"raw", "{{.window}}", "$__rate_interval",
        "templates other than {{.window}} are not supported, found "
        "'avg_over_time(catalog:hits:ratio[$__rate_interval])'"},
       {"raw", "{{.window}}", "{{ .range }}", "templates other than {{.window}}"},
       {"ratio", "query: http_requests_total{route=\"/checkout\"}",
        "query: rate(http_requests_total[5m])",
        "f.yaml:30: SLO 'checkout-availability': "
        "spec.indicator.spec.ratioMetric.total.metricSource.spec.query: with counter: true "
        "expected a "
        "query that counts up for ever, found one that takes a range, "
        "'rate(http_requests_total[5m])'"},
       {"ratio", "query: http", "query: " + std::string(17'000, 'x') + "_http",
        "query: expected at most 16 KiB, found 16"}});
}

TEST(OpenSlo, RefusesByNameWhatIsWrongInAlerts) {
  expect_refusals(
      {{"ratio", "kind: burnrate", "kind: latency",
        "f.yaml:54: SLO 'checkout-availability': "
        "spec.alertPolicies[0].spec.conditions[0].spec.condition.kind: expected burnrate, found "
        "'latency'"},
       {"ratio", "op: gt\n", "op: lte\n", "op: expected one of gt, gte, found 'lte'"},
       {"ratio", "threshold: 14.4", "threshold: 0", "expected a number above 0, found 0"},
       {"ratio", "threshold: 14.4", "treshold: 14.4", "did you mean 'threshold'?"},
       {"ratio", "                lookbackWindow: 1h\n", "",
        "lookbackWindow: expected a duration such as 5m, 12h, 28d or 4w, found nothing"},
       {"ratio", "severity: page", "severity: ''",
        "severity: expected a severity such as page, found an empty text"},
       {"ratio", "alertWhenBreaching: true", "alertWhenBreaching: false",
        "alertPolicies[0].spec.alertWhenBreaching: a policy that is silent "
        "while its condition holds is not supported"},
       {"ratio", "kind: AlertPolicy", "kind: Policy",
        "alertPolicies[0].kind: expected AlertPolicy, found 'Policy'"},
       {"referenced", "    - conditionRef: slow-burn\n", "",
        "conditions: expected one condition, found 0"},
       {"referenced", "conditionRef: slow-burn", "conditionRef: fast-burn",
        "expected the name of an object of kind AlertCondition in this file, found "
        "'fast-burn'"},
       {"referenced", "targetRef: on-call", "targetRef: nobody",
        "expected the name of an object of kind AlertNotificationTarget in this file, "
        "found 'nobody'"},
       {"referenced", "alertPolicyRef: ticket-on-slow-burn", "alertPolicyRef: {}",
        "alertPolicyRef: expected a text, found a map"},
       {"referenced", "    - alertPolicyRef: ticket-on-slow-burn", "    - text",
        "alertPolicies[0]: expected a map with kind, metadata, spec, found 'text'"},
       {"referenced", "target: pager", "address: pager",
        "'address' is not a field of AlertNotificationTarget spec"}});
}
