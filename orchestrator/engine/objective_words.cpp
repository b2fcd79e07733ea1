#include "orchestrator/engine/objectives.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

/// Promises, and how they were broken, as people say them.
namespace faultline::engine {
namespace {

std::string worst_error(const slo::Summary& s) {
  std::string worst;
  std::uint64_t most = 0;
  for (const auto& [name, count] : s.errors) {
    if (count > most) {
      worst = name;
      most = count;
    }
  }
  return worst.empty() ? "" : fmt::format(", most of them '{}'", worst);
}

std::string limit_in_words(const Expectation& e) {
  const auto ms = fmt::format("{:.4g} ms", e.threshold);
  return !e.versus ? fmt::format("{:.6g} ms", e.threshold)
                   : fmt::format("max({:g} x baseline, baseline + {}){}", e.versus->times,
                                 in_words(e.versus->plus), e.threshold > 0 ? " = " + ms : "");
}

std::string burn_in_words(const Expectation& e) {
  std::vector<std::string> rules;
  for (const auto& rule : e.burn) {
    rules.push_back(fmt::format("{:.4g} x over {} and {}", rule.factor, in_words(rule.long_window),
                                in_words(rule.short_window)));
  }
  return fmt::format("{} burns the budget of {:.6g} % at most {}", e.subject, e.threshold,
                     fmt::join(rules, ", "));
}

std::string alerts_in_words(const Objective& o) {
  if (!o.measured) {
    return o.name;
  }
  return fmt::format("{}: it fires {} after the window began", o.name,
                     in_words(std::chrono::milliseconds(std::llround(*o.measured))));
}

}  // namespace

std::string_view to_string(Sli sli) {
  switch (sli) {
    case Sli::good:
      return "good";
    case Sli::served:
      return "served";
    case Sli::latency:
      return "latency";
    case Sli::bad:
      return "bad";
    case Sli::bad_seconds:
      return "bad_seconds";
    case Sli::throughput:
      return "throughput";
    case Sli::burn:
      return "burn";
    case Sli::recovery:
      return "recovery";
    case Sli::lost:
      return "lost";
    case Sli::metric:
      return "metric";
    case Sli::alert:
      return "alert";
    case Sli::quiet:
      return "quiet";
  }
  return "";
}

std::string in_words(const Expectation& e) {
  const std::string over = e.over > Duration::zero() ? " over " + in_words(e.over) : "";
  switch (e.sli) {
    case Sli::good:
      return fmt::format("{} >= {:.6g} % good{}", e.subject, e.threshold, over);
    case Sli::served:
      return fmt::format("{} >= {:.6g} % served{}", e.subject, e.threshold, over);
    case Sli::latency:
      return fmt::format("{} p{:.4g} <= {}{}", e.subject, e.percentile, limit_in_words(e), over);
    case Sli::bad:
      return fmt::format("{} <= {:.0f} bad{}", e.subject, e.threshold, over);
    case Sli::bad_seconds:
      return fmt::format("{} <= {:.0f} bad seconds{}", e.subject, e.threshold, over);
    case Sli::throughput:
      return fmt::format("{} >= {:.6g} good requests/s{}", e.subject, e.threshold, over);
    case Sli::burn:
      return burn_in_words(e) + over;
    case Sli::metric:
      return fmt::format("{} of {} {} {:.6g}{}", prometheus::to_string(e.metric.take), e.subject,
                         to_string(e.metric.comparison), e.threshold, over);
    case Sli::alert:
      return fmt::format("alert {} fires within {}", e.subject, in_words(e.over));
    case Sli::quiet:
      return fmt::format("alert {} does not fire{}", e.subject, over);
    case Sli::recovery:
      return fmt::format("{} {} again within {}", e.subject, e.of_writes ? "writable" : "good",
                         in_words(e.over));
    case Sli::lost:
      return fmt::format("{} <= {:.0f} acknowledged writes lost", e.subject, e.threshold);
  }
  return e.subject;
}

std::string broken_in_words(const Objective& o) {
  const auto& e = o.expectation;
  switch (e.sli) {
    case Sli::good:
    case Sli::served:
      return fmt::format("{}: {:.2f} % of {} requests, {} bad in {} s{}", o.name, *o.measured,
                         o.summary->requests, o.summary->bad, o.summary->bad_seconds,
                         worst_error(*o.summary));
    case Sli::latency:
      return std::isinf(*o.measured) ? fmt::format("{}: among the bad requests", o.name)
                                     : fmt::format("{}: {:.4g} ms", o.name, *o.measured);
    case Sli::bad:
      return fmt::format("{}: {:.0f} bad{}", o.name, *o.measured, worst_error(*o.summary));
    case Sli::bad_seconds:
      return fmt::format("{}: {:.0f} bad seconds{}", o.name, *o.measured, worst_error(*o.summary));
    case Sli::throughput:
      return fmt::format("{}: {:.2f} good requests/s{}", o.name, *o.measured,
                         worst_error(*o.summary));
    case Sli::burn:
      return fmt::format("{}: {:.4g} x", o.name, *o.measured);
    case Sli::metric:
      return fmt::format("{}: {}", o.name, prometheus::in_words(*o.figure));
    case Sli::alert:
      return o.name + ": it did not";
    case Sli::quiet:
      return alerts_in_words(o);
    case Sli::recovery:
      return fmt::format("{}: {}{}", o.name, o.recovery->censored ? "> " : "",
                         in_words(std::chrono::milliseconds(std::llround(*o.measured))));
    case Sli::lost:
      return fmt::format("{}: {:.0f} lost of {} acknowledged", o.name, *o.measured,
                         o.writes->acknowledged);
  }
  return o.name;
}

}  // namespace faultline::engine
