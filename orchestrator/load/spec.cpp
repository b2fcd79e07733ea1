#include "orchestrator/load/spec.hpp"

#include <fmt/format.h>

namespace faultline::load {
namespace {

/// A line is printed and read for each sample; loads by the second are bounded by what one thread
/// can send.
constexpr double max_sampled_rate_per_s = 5'000, max_rate_per_s = 1'000'000;
/// One request in 1,000 s still is a probe; slower, the arithmetic of due times loses its sense.
constexpr double min_rate_per_s = 0.001;
/// What is in flight is bounded by rate x deadline; nobody waits longer than this for a page.
constexpr double max_deadline_ms = 120'000;
constexpr double max_users = 20'000;     // a descriptor each
constexpr double max_think_ms = 60'000;  // slower users are a rate
constexpr std::size_t max_stages = 100;
constexpr double max_stage_ms = 24 * 3600 * 1e3;
constexpr double max_wake_every_us = 10'000;
constexpr std::uint64_t max_workers = 64;

Duration from_ms(double ms) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(ms));
}

slo::Rate parse_stages(Fields& fields, double max_per_s) {
  std::vector<slo::Stage> stages;
  for (const auto& item : fields.objects("stages", max_stages)) {
    Fields stage(item, "a stage of the load");
    stages.push_back({stage.number("rate_per_s", 0, max_per_s),
                      from_ms(stage.number("length_ms", 0, max_stage_ms)),
                      stage.flag("ramp", false)});
    if (const auto done = stage.done(); !done) {
      fields.wrong(done.error().message);
    }
  }
  if (stages.empty()) {
    fields.wrong("'stages' must have at least one");
    return {};
  }
  return slo::Rate(std::move(stages));
}

/// How much is sent: a rate, stages, or users.
void parse_amount(Fields& fields, Spec& spec) {
  const double max_per_s = spec.by_second ? max_rate_per_s : max_sampled_rate_per_s;
  const auto spacing = fields.text("spacing", "even");
  spec.spacing = spacing == "poisson" ? slo::Spacing::poisson : slo::Spacing::even;
  if (spacing != "poisson" && spacing != "even") {
    fields.wrong(fmt::format("'spacing' must be even or poisson, found '{}'", spacing));
  }
  spec.users = static_cast<std::uint64_t>(fields.number("users", 0, max_users, 0));
  spec.think = from_ms(fields.number("think_ms", 0, max_think_ms, 0));
  if (fields.has("stages")) {
    spec.rate = parse_stages(fields, max_per_s);
  } else if (spec.users == 0) {
    spec.rate = slo::Rate(fields.number("rate_per_s", min_rate_per_s, max_per_s));
  }
  if (spec.users > 0 && (fields.has("stages") || fields.has("rate_per_s"))) {
    fields.wrong(
        "'users' is a closed loop, which has no rate: leave 'rate_per_s' and 'stages' out");
  }
}

void parse_share(Fields& fields, Spec& spec) {
  spec.index = fields.whole("index", 0);
  spec.workers = fields.whole("workers", 1);
  if (spec.workers < 1 || spec.workers > max_workers || spec.index >= spec.workers) {
    fields.wrong(fmt::format("'index' must be below 'workers', and these 1 to {}, found {} of {}",
                             max_workers, spec.index, spec.workers));
    spec.index = 0;
    spec.workers = 1;
  }
  if (fields.has("length_ms")) {
    spec.length = from_ms(fields.number("length_ms", 1, max_stage_ms));
  }
  if (fields.has("start_at_us")) {
    spec.start_at = Instant(std::chrono::microseconds(fields.whole("start_at_us", 0)));
  }
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
  const auto report = fields.text("report", "samples");
  spec.by_second = report == "seconds";
  if (report != "samples" && report != "seconds") {
    fields.wrong(fmt::format("'report' must be samples or seconds, found '{}'", report));
  }
  parse_amount(fields, spec);
  parse_share(fields, spec);
  const double deadline_ms = fields.number("deadline_ms", 1, max_deadline_ms);
  spec.deadline = from_ms(deadline_ms);
  spec.threshold = from_ms(fields.number("threshold_ms", 0, deadline_ms, deadline_ms));
  spec.seed = fields.whole("seed", 1);
  spec.wake_every = from_ms(fields.number("wake_every_us", 0, max_wake_every_us, 0) / 1e3);
  spec.allow = fields.has("allow") ? fields.texts("allow") : std::vector<std::string>{};
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
