#include "orchestrator/slo/openslo_parts.hpp"

#include <fmt/format.h>

namespace faultline::slo {

BurnCondition read_condition(const Objects& objects, const Object& condition) {
  const auto spec = objects.spec(condition, "AlertCondition spec");
  static_cast<void>(spec.description());
  BurnCondition burn;
  burn.name = condition.name;
  burn.severity = spec.text("severity", "a severity such as page");
  const auto rule = spec.map("condition", shape("condition"));
  if (rule.has("kind")) {
    static_cast<void>(rule.choice("kind", {"burnrate"}));
  }
  if (rule.has("op")) {  // the first version of openslo/v1 had none
    burn.comparison = read_comparison(rule, {"gt", "gte"});
  }
  burn.threshold = rule.number("threshold", "how many times faster than allowed, such as 14.4");
  if (burn.threshold <= 0) {
    rule.refuse("threshold", fmt::format("expected a number above 0, found {}", burn.threshold));
  }
  burn.lookback = rule.duration("lookbackWindow");
  burn.after = rule.has("alertAfter") ? rule.duration("alertAfter", 0) : Duration::zero();
  return burn;
}

void read_target(const Objects& objects, const Object& target) {
  const auto spec = objects.spec(target, "AlertNotificationTarget spec");
  static_cast<void>(spec.description());
  static_cast<void>(spec.text("target", "where to, such as email"));
}

BurnCondition read_policy(const Objects& objects, const Object& policy) {
  const auto spec = objects.spec(policy, "AlertPolicy spec");
  static_cast<void>(spec.description());
  static_cast<void>(spec.flag("alertWhenNoData", false));
  static_cast<void>(spec.flag("alertWhenResolved", false));
  if (!spec.flag("alertWhenBreaching", true)) {
    spec.refuse("alertWhenBreaching",
                "a policy that is silent while its condition holds is not supported; write true");
  }
  for (const auto& item : spec.list("notificationTargets")) {
    read_target(objects, read_reference(objects, item, "AlertNotificationTarget", "targetRef"));
  }
  const auto conditions = spec.list("conditions");
  if (conditions.size() != 1) {
    spec.refuse("conditions", fmt::format("expected one condition, found {}", conditions.size()));
  }
  auto burn = read_condition(
      objects, read_reference(objects, conditions.front(), "AlertCondition", "conditionRef"));
  burn.policy = policy.name;
  return burn;
}

}  // namespace faultline::slo
