#include "orchestrator/script/plausible.hpp"

#include "orchestrator/slo/judge.hpp"

#include <fmt/format.h>

#include <cmath>

namespace faultline::script {
namespace {

using engine::Sli;

std::optional<double> percent_of(const engine::Expectation& expectation) {
  switch (expectation.sli) {
    case Sli::good:
    case Sli::served:
      return expectation.threshold;
    case Sli::latency:
      return expectation.percentile;
    case Sli::bad:
    case Sli::recovery:
    case Sli::lost:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> requests_in_window(const engine::Expectation& expectation,
                                                const engine::Environment& environment) {
  const auto probe = environment.probes.find(expectation.subject);
  if (!percent_of(expectation) || probe == environment.probes.end()) {
    return std::nullopt;
  }
  const double seconds = std::chrono::duration<double>(expectation.over).count();
  return static_cast<std::uint64_t>(std::llround(probe->second.rate_per_s * seconds));
}

void check_expressible(const engine::Expectation& expectation,
                       const engine::Environment& environment) {
  const auto requests = requests_in_window(expectation, environment);
  const double percent = percent_of(expectation).value_or(0);
  if (!requests || percent >= 100) {
    return;  // 100 % is a count: no bad request at all
  }
  const auto needed = slo::requests_to_express(percent);
  if (needed <= *requests) {
    return;
  }
  throw Failure(
      {ErrorKind::usage,
       fmt::format("{:g} % of '{}' cannot be expressed: {} at {:g} per s are {} requests, and it "
                   "needs {}; use a longer window, a lower percentage, or a count: bad(\"{}\", 0)",
                   percent, expectation.subject, faultline::in_words(expectation.over),
                   environment.probes.at(expectation.subject).rate_per_s, *requests, needed,
                   expectation.subject)});
}

void check_expressible(const engine::StopCondition& condition,
                       const engine::Environment& environment) {
  const auto& probe = environment.probes.at(condition.subject);
  const double requests = probe.rate_per_s * std::chrono::duration<double>(condition.over).count();
  if (requests < 1) {
    throw Failure({ErrorKind::usage,
                   fmt::format("'{}' has {:g} requests per s, so {} often hold none at all; use a "
                               "higher rate or a longer window",
                               condition.subject, probe.rate_per_s, in_words(condition.over))});
  }
  engine::Expectation share{.sli = condition.sli, .subject = condition.subject, .place = {}};
  share.threshold = condition.limit;
  share.percentile = condition.percentile;
  share.over = condition.over;
  check_expressible(share, environment);
}

}  // namespace faultline::script
