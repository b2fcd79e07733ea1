#include "orchestrator/load/spec.hpp"

#include <fmt/format.h>

namespace faultline::load {
namespace {

/// One thread parses and classifies every answer; a rate above is a benchmark, not a probe.
constexpr double max_rate_per_s = 5'000;
/// One request in 1,000 s still is a probe; slower, the arithmetic of due times loses its sense.
constexpr double min_rate_per_s = 0.001;
/// What is in flight is bounded by rate x deadline; nobody waits longer than this for a page.
constexpr double max_deadline_ms = 120'000;

Duration from_ms(double ms) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(ms));
}

}  // namespace

Result<Spec> parse_spec(std::string_view line) {
  const auto json = Json::parse(line, nullptr, false);
  if (json.is_discarded()) {
    return Error{ErrorKind::usage, "worker: expected a spec, one JSON object on one line"};
  }
  Fields fields(json, "spec of the worker");
  Spec spec;
  spec.probe = fields.text("probe");
  spec.kind = fields.text("kind");
  spec.rate_per_s = fields.number("rate_per_s", min_rate_per_s, max_rate_per_s);
  const double deadline_ms = fields.number("deadline_ms", 1, max_deadline_ms);
  spec.deadline = from_ms(deadline_ms);
  spec.threshold = from_ms(fields.number("threshold_ms", 0, deadline_ms, deadline_ms));
  spec.seed = fields.whole("seed", 1);
  spec.args = fields.object("args");
  if (const auto done = fields.done(); !done) {
    return done.error();
  }
  return spec;
}

std::string where(const Spec& spec) {
  return fmt::format("args of the probe '{}' ({})", spec.probe, spec.kind);
}

}  // namespace faultline::load
