#pragma once

#include <cstdint>

namespace faultline::slo {

/// The share of good requests, in percent, that `good` of `requests` establishes at 95 % confidence
/// (one-sided Clopper-Pearson): 2,995 of 2,995 establish 99.9.
double established_percent(std::uint64_t good, std::uint64_t requests);
/// Requests needed to express a percentage at all: 99.9 % needs 1,000.
std::uint64_t requests_to_express(double percent);
/// Requests without a failure needed to establish it at 95 %: 99.9 % needs 2,995.
std::uint64_t requests_to_establish(double percent);
/// Share of the 28-day budget of `objective_percent` that `bad` requests at `rate` per s burn.
double budget_burned_percent(double objective_percent, std::uint64_t bad, double rate_per_s);

}  // namespace faultline::slo
