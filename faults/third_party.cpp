#include "faults/failover.hpp"
#include "faults/kinds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace faultline::faults {
namespace {

constexpr double good_within_ms = 500;       // a healthy third party answers in a few milliseconds
constexpr double proof_within_ms = 2000;     // nobody waits longer for a proof, whatever the delay
constexpr double p_miss = 1e-4;              // that none of the proof's calls is hit
constexpr double ms_per_call = 20;           // of a call that is answered, on a busy machine
constexpr double min_delay_ms = 50;          // shorter ones drown in a busy machine's own
constexpr double min_shared_delay_ms = 500;  // of hundreds of calls one is slow by chance
constexpr double max_delay_ms = 5 * 60 * 1000;

struct Degraded {
  std::string dependency, mode;
  double delay_ms, status, share_percent;
  [[nodiscard]] bool slow() const { return mode == "latency" || mode == "slow_body"; }
};

std::string in_words(const Degraded& d) {
  const auto delay = faultline::in_words(std::chrono::milliseconds(std::llround(d.delay_ms)));
  const auto what = d.mode == "latency"  ? fmt::format("answer after {}", delay)
                    : d.mode == "reset"  ? std::string("reset the connection")
                    : d.mode == "status" ? fmt::format("answer with status {:.0f}", d.status)
                                         : fmt::format("send the body over {}", delay);
  const auto who = d.share_percent < 100 ? fmt::format("{:g} % of the calls", d.share_percent)
                                         : std::string("every call");
  return fmt::format("let {} {} to {}", d.dependency, what, who);
}

Action action_of(const Degraded& d, const targets::Component& server, const std::string& id) {
  if (d.mode == "blackhole") {
    return {.id = id + ".1",
            .kind = "network.isolate",
            .args = {{"host", server.host}},
            .summary = fmt::format("drop everything from and to host {}", server.host),
            .undo_summary = "delete those rules",
            .resource = "host " + server.host};
  }
  return {.id = id + ".1",
          .kind = "dependency.degrade",
          .args = {{"dependency", d.dependency},
                   {"mode", d.mode},
                   {"delay_ms", d.slow() ? std::llround(d.delay_ms) : 0},
                   {"status", std::llround(d.status)},
                   {"share_percent", d.share_percent}},
          .summary = in_words(d),
          .undo_summary = "take that away again",
          .resource = "dependency " + d.dependency};
}

/// So many calls that at least one is hit, but for one proof in 10,000.
int calls_needed(double share_percent) {
  return share_percent >= 100
             ? 1
             : static_cast<int>(std::ceil(std::log(p_miss) / std::log1p(-share_percent / 100)));
}

void add_proof(Plan& plan, const Degraded& d) {
  const double within_ms = d.slow() ? std::min(d.delay_ms, proof_within_ms) : proof_within_ms;
  const double before_ms = std::min(within_ms, good_within_ms);
  const int calls = d.mode == "blackhole" ? 1 : calls_needed(d.share_percent);
  plan.before = {{"dependency.good",
                  {{"dependency", d.dependency}, {"within_ms", before_ms}},
                  fmt::format("{} answers well within {:g} ms", d.dependency, before_ms)}};
  plan.effect = {
      {"dependency.bad",
       {{"dependency", d.dependency}, {"within_ms", within_ms}, {"calls", calls}, {"at_least", 1}},
       calls == 1 ? fmt::format("{} gives no good answer within {:g} ms", d.dependency, within_ms)
                  : fmt::format("at least one of {} calls of {} has no good answer "
                                "within {:g} ms",
                                calls, d.dependency, within_ms)}};
  const auto needed = std::chrono::milliseconds(std::llround(within_ms + calls * ms_per_call));
  plan.effect_within = std::chrono::seconds(3) + needed;
}

Result<Plan> plan(const World& world, const Json& params, const std::string& id) {
  const Degraded d{params.at("dependency"), params.at("mode"), params.at("delay"),
                   params.at("status"), params.at("share")};
  const auto servers = world.with_label("dependency", d.dependency);
  if (servers.empty()) {
    return Error{ErrorKind::not_found,
                 fmt::format("third_party: nothing serves '{}' here", d.dependency)};
  }
  if (d.mode == "blackhole" && d.share_percent < 100) {
    return Error{ErrorKind::usage,
                 "third_party: a blackhole takes every packet, so it has no 'share'; the modes "
                 "latency, reset, status and slow_body have"};
  }
  if (d.slow() && d.share_percent < 100 && d.delay_ms < min_shared_delay_ms) {
    return Error{ErrorKind::usage,
                 fmt::format("third_party: with a 'share' below 100 % the delay must be at least "
                             "{:g} ms, found {:g} ms: the proof makes many calls, and one of them "
                             "may be that slow by chance; make 'delay' longer or leave 'share' out",
                             min_shared_delay_ms, d.delay_ms)};
  }
  const auto& server = *servers.front();
  Plan plan;
  plan.actions = {action_of(d, server, id)};
  plan.resources = {"dependency " + d.dependency};
  plan.instances = {server.name};
  if (d.mode == "blackhole") {
    plan.resources.push_back("host " + server.host);
    plan.instances = components_at(world, server.host);
  }
  add_proof(plan, d);
  plan.end_state = {fmt::format("{} answers as before", d.dependency)};
  return plan;
}

std::vector<Param> params() {
  return {{.name = "dependency", .type = ParamType::dependency, .doc = "the third party"},
          {.name = "mode",
           .type = ParamType::choice,
           .doc = "latency: answers come after the delay; blackhole: its packets are dropped; "
                  "reset: connections are reset; status: an HTTP status instead of an answer; "
                  "slow_body: the head at once, the body over the delay",
           .fallback = "latency",
           .choices = {"latency", "blackhole", "reset", "status", "slow_body"}},
          {.name = "delay",
           .type = ParamType::duration,
           .doc = "for latency and slow_body; at least 500 ms with a share",
           .fallback = 30'000,
           .min = min_delay_ms,
           .max = max_delay_ms},
          {.name = "status",
           .type = ParamType::count,
           .doc = "for status: what is answered",
           .fallback = 503,
           .min = 400,
           .max = 599},
          {.name = "share",
           .type = ParamType::percent,
           .doc = "of the calls that are hit; all but blackhole",
           .fallback = 100,
           .min = 1,
           .max = 100}};
}

}  // namespace

Kind third_party() {
  return {.name = "third_party",
          .summary = "A third party that the service calls is slow, broken or away",
          .capability = "degrade the third party's server, or isolate its host",
          .params = params(),
          .plan = plan};
}

}  // namespace faultline::faults
