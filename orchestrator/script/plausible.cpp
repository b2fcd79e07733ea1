#include "orchestrator/script/plausible.hpp"

#include "orchestrator/slo/judge.hpp"
#include "orchestrator/slo/sizing.hpp"

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
    default:
      return std::nullopt;
  }
  return std::nullopt;
}

double seconds(Duration d) {
  return std::chrono::duration<double>(d).count();
}

/// "N s" as a duration that people write, rounded up.
Duration whole_seconds(Duration d) {
  return std::chrono::ceil<std::chrono::seconds>(d);
}

[[noreturn]] void cannot(const std::string& why) {
  throw Failure({ErrorKind::usage, why});
}

/// What needs no percentage of a window, and may be impossible or empty all the same.
void check_counts(const engine::Expectation& e, const engine::Probe& probe) {
  const double requests = probe.rate_per_s * seconds(e.over);
  if (e.sli == Sli::bad && e.over > Duration::zero() && e.threshold >= requests) {
    cannot(
        fmt::format("bad: {} at {:g} per s are {:g} requests, so this holds whatever happens; "
                    "allow fewer, or use a longer window",
                    faultline::in_words(e.over), probe.rate_per_s, requests));
  }
  if (e.sli == Sli::throughput && e.threshold > probe.rate_per_s) {
    cannot(fmt::format("throughput: '{}' sends {:g} requests a second, so {:g} good ones cannot be",
                       e.subject, probe.rate_per_s, e.threshold));
  }
  if (e.sli == Sli::bad_seconds && e.over > Duration::zero() && e.threshold >= seconds(e.over)) {
    cannot(
        fmt::format("bad_seconds: {} has no more than {:.0f} seconds, so this holds whatever "
                    "happens; allow fewer",
                    faultline::in_words(e.over), e.threshold));
  }
}

/// One bad request alone must not be an alert.
void check_burn(const engine::Expectation& e, const engine::Probe& probe) {
  const double budget = 1 - e.threshold / 100;
  if (e.sli == Sli::burn && budget <= 0) {
    cannot("burn: an objective of 100 % has no budget that could burn; use bad(\"PROBE\", 0)");
  }
  for (const auto& rule : e.burn) {
    if (rule.factor * budget >= 1 - 1e-9) {
      cannot(
          fmt::format("burn: with everything lost the budget of {:.6g} % burns {:.6g} times as "
                      "fast as allowed, so it is never above {:g}; use a lower factor",
                      e.threshold, 1 / budget, rule.factor));
    }
    const double requests = probe.rate_per_s * seconds(rule.long_window);
    if (budget > 0 && requests * budget * rule.factor < 1) {
      cannot(fmt::format(
          "burn: {} of '{}' are {:.0f} requests, so a single bad one burns the budget of {:.6g} % "
          "{:.3g} times as fast as allowed, above {:g}; use a longer window or a higher factor",
          faultline::in_words(rule.long_window), e.subject, requests, e.threshold,
          1 / (requests * budget), rule.factor));
    }
  }
}

/// How many requests fall into the window of a share or a percentile; none for other promises.
std::optional<std::uint64_t> requests_in_window(const engine::Expectation& expectation,
                                                const engine::Environment& environment) {
  const auto probe = environment.probes.find(expectation.subject);
  if (!percent_of(expectation) || probe == environment.probes.end()) {
    return std::nullopt;
  }
  const double seconds = std::chrono::duration<double>(expectation.over).count();
  return static_cast<std::uint64_t>(std::llround(probe->second.rate_per_s * seconds));
}

}  // namespace

std::optional<Duration> sized_window(const engine::Expectation& e,
                                     const engine::Environment& environment) {
  const auto probe = environment.probes.find(e.subject);
  if (!percent_of(e) || probe == environment.probes.end()) {
    return std::nullopt;
  }
  const auto& [rate, deadline] = std::pair(probe->second.rate_per_s, probe->second.deadline);
  const auto needed = slo::needed_for(*percent_of(e), rate, slo::block_for(deadline));
  if (!needed.to_establish_by_requests) {
    return std::nullopt;
  }
  return whole_seconds(std::max(*needed.to_establish_by_requests, deadline));
}

engine::Json reach_in_json(const engine::Expectation& e, const engine::Environment& environment) {
  const auto probe = environment.probes.find(e.subject);
  if (!percent_of(e) || probe == environment.probes.end()) {
    return {};
  }
  const double rate = probe->second.rate_per_s;
  const auto block = slo::block_for(probe->second.deadline);
  const auto reach = slo::reach_of(e.over, rate, block);
  const auto needed = slo::needed_for(*percent_of(e), rate, block);
  const auto ms = [](const std::optional<Duration>& d) {
    return d ? engine::Json(to_ms(*d)) : engine::Json();
  };
  return {{"requests", reach.requests},
          {"blocks", reach.blocks},
          {"block_ms", to_ms(block)},
          {"claims_percent", *percent_of(e)},
          {"establishes_percent", reach.establishes_percent_by_requests},
          {"establishes_percent_by_blocks", reach.establishes_percent_by_blocks},
          {"to_establish_ms", ms(needed.to_establish_by_requests)},
          {"to_establish_by_blocks_ms", ms(needed.to_establish_by_blocks)}};
}

void check_expressible(const engine::Expectation& expectation,
                       const engine::Environment& environment) {
  if (const auto probe = environment.probes.find(expectation.subject);
      probe != environment.probes.end() && !engine::is_monitored(expectation.sli)) {
    check_counts(expectation, probe->second);
    check_burn(expectation, probe->second);
  }
  if (expectation.sli == Sli::recovery && expectation.over > environment.recovery_cap) {
    cannot(fmt::format(
        "recovered: recoveries are watched for {}, the environment's recovery_cap, "
        "so {} could never be missed; promise less, or watch for longer",
        faultline::in_words(environment.recovery_cap), faultline::in_words(expectation.over)));
  }
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
