#include "orchestrator/slo/comparison.hpp"

namespace faultline::slo {

std::string_view to_string(Comparison comparison) {
  switch (comparison) {
    case Comparison::below:
      return "<";
    case Comparison::at_most:
      return "<=";
    case Comparison::above:
      return ">";
    case Comparison::at_least:
      return ">=";
  }
  return "";
}

bool holds(double value, Comparison comparison, double limit) {
  switch (comparison) {
    case Comparison::below:
      return value < limit;
    case Comparison::at_most:
      return value <= limit;
    case Comparison::above:
      return value > limit;
    case Comparison::at_least:
      return value >= limit;
  }
  return false;
}

}  // namespace faultline::slo
