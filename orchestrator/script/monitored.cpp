#include "orchestrator/script/bindings.hpp"
#include "orchestrator/script/shapes.hpp"
#include "orchestrator/script/value.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

#include <array>

/// Promises about what the environment's own Prometheus says. Whether it has one is checked where
/// they are used: `slo` and run:expect.
namespace faultline::script {
namespace {

using engine::Expectation;
using engine::Sli;
using prometheus::Take;

constexpr double any_value = 1e300;  // of an expression: whatever the unit is
constexpr std::array takes{Take::last, Take::min, Take::max, Take::mean};

Take to_take(lua_State* lua, int index, const std::string& what) {
  const auto word = to_text(lua, index, what);
  for (const auto take : takes) {
    if (word == to_string(take)) {
      return take;
    }
  }
  refuse(fmt::format("{}: expected last, min, max or mean, found '{}'", what, word));
}

Expectation about_alert(lua_State* lua, Sli sli, std::string_view function) {
  Expectation expectation{.sli = sli, .place = place_of(lua)};
  expectation.subject = to_text(lua, 1, fmt::format("{}: the alert's name", function));
  return expectation;
}

}  // namespace

int expect_metric(lua_State* lua) {
  Expectation expectation{.sli = Sli::metric, .place = place_of(lua)};
  auto& metric = expectation.metric;
  metric.expression = to_text(lua, 1, "metric: the expression");
  expectation.subject = printable(metric.expression);
  const Fields fields(lua, 2, metric_shape());
  fields.text("name", expectation.subject);
  fields.with("take",
              [&](int index, const std::string& what) { metric.take = to_take(lua, index, what); });
  fields.number("below", expectation.threshold, -any_value, any_value);
  fields.number("above", expectation.threshold, -any_value, any_value);
  metric.comparison = fields.has("above") ? slo::Comparison::at_least : slo::Comparison::at_most;
  if (fields.has("below") == fields.has("above")) {
    refuse("metric: expected either below = 5, at most, or above = 5, at least");
  }
  push(lua, std::move(expectation));
  return 1;
}

int expect_alert(lua_State* lua) {
  push(lua, about_alert(lua, Sli::alert, "alert"));
  return 1;
}

int expect_quiet(lua_State* lua) {
  push(lua, about_alert(lua, Sli::quiet, "quiet"));
  return 1;
}

}  // namespace faultline::script
