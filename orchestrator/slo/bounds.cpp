// What a number of requests can say about a share, when each is a draw of its own.
#include "orchestrator/slo/bounds.hpp"

#include <boost/math/special_functions/beta.hpp>

#include <cmath>
#include <limits>

namespace faultline::slo {
namespace {

constexpr double miss = 0.05;  ///< 95 % confidence, one-sided
constexpr double budget_seconds = 28.0 * 24 * 3600;
/// Percentages such as 99.9 have no exact binary form; without it 99.9 % would need 1,001 requests.
constexpr double rounding = 1e-6;

}  // namespace

double established_percent(std::uint64_t good, std::uint64_t requests) {
  if (good == 0 || good > requests) {
    return 0;
  }
  const auto successes = static_cast<double>(good);
  if (good == requests) {
    return 100 * std::pow(miss, 1 / successes);
  }
  const auto failures = static_cast<double>(requests - good);
  return 100 * boost::math::ibeta_inv(successes, failures + 1, miss);
}

std::uint64_t requests_to_express(double percent) {
  if (percent <= 0 || percent >= 100) {
    return 1;  // "all of them" and "any" can be said of a single request
  }
  return static_cast<std::uint64_t>(std::ceil(100 / (100 - percent) - rounding));
}

std::uint64_t requests_to_establish(double percent) {
  if (percent <= 0) {
    return 1;
  }
  if (percent >= 100) {
    return std::numeric_limits<std::uint64_t>::max();  // no sample establishes "never fails"
  }
  return static_cast<std::uint64_t>(std::ceil(std::log(miss) / std::log(percent / 100) - rounding));
}

double budget_burned_percent(double objective_percent, std::uint64_t bad, double rate_per_s) {
  const double allowed = rate_per_s * budget_seconds * (100 - objective_percent) / 100;
  if (bad == 0) {
    return 0;
  }
  return allowed > 0 ? 100 * static_cast<double>(bad) / allowed
                     : std::numeric_limits<double>::infinity();
}

}  // namespace faultline::slo
