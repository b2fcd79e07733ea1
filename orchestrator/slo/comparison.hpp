#pragma once

#include <string_view>

namespace faultline::slo {

enum class Comparison { below, at_most, above, at_least };
/// "<", "<=", ">", ">=": the same in PromQL.
std::string_view to_string(Comparison comparison);
/// NaN never compares: no data is not a pass.
bool holds(double value, Comparison comparison, double limit);

}  // namespace faultline::slo
