#include "orchestrator/script/plausible.hpp"

#include "orchestrator/slo/judge.hpp"

#include <fmt/format.h>

#include <cmath>
#include <optional>

namespace faultline::script {
namespace {

using engine::Sli;

std::optional<double> percent_of(const engine::Expectation& expectation) {
  switch (expectation.sli) {
    case Sli::good:
    case Sli::served: return expectation.threshold;
    case Sli::latency: return expectation.percentile;
    case Sli::bad:
    case Sli::recovery:
    case Sli::lost: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

void check_expressible(const engine::Expectation& expectation,
                       const engine::Environment& environment) {
  const auto percent = percent_of(expectation);
  const auto probe = environment.probes.find(expectation.subject);
  if (!percent || probe == environment.probes.end() || *percent >= 100) {
    return;  // 100 % is a count: no bad request at all
  }
  const double seconds = std::chrono::duration<double>(expectation.over).count();
  const auto requests = static_cast<std::uint64_t>(std::llround(probe->second.rate_per_s * seconds));
  const auto needed = slo::requests_to_express(*percent);
  if (needed <= requests) {
    return;
  }
  throw Failure(
      {ErrorKind::usage,
       fmt::format("{:g} % of '{}' cannot be expressed: {} at {:g} per s are {} requests, and it "
                   "needs {}; use a longer window, a lower percentage, or a count: bad(\"{}\", 0)",
                   *percent, expectation.subject, faultline::in_words(expectation.over),
                   probe->second.rate_per_s, requests, needed, expectation.subject)});
}

}  // namespace faultline::script
