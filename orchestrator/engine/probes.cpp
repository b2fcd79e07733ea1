#include "orchestrator/engine/probes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace faultline::engine {
namespace {

constexpr double max_delay_p99_ms =
    50;  // DESIGN, "What is measured": above it the machine is too busy
constexpr double min_rate_share = 0.98;  // fewer requests than that were sent: it could not keep up

Instant from_us(std::int64_t us) {
  return Instant(std::chrono::microseconds(us));
}

slo::Writes writes_of(const Json& j) {
  slo::Writes w;
  w.attempted = j.value("attempted", std::uint64_t{0});
  w.acknowledged = j.value("acknowledged", std::uint64_t{0});
  w.ambiguous = j.value("ambiguous", std::uint64_t{0});
  w.lost = j.value("lost", std::uint64_t{0});
  w.duplicated = j.value("duplicated", std::uint64_t{0});
  w.stale = j.value("stale", std::uint64_t{0});
  w.loss_span_ms = j.value("loss_span_ms", 0.0);
  return w;
}

}  // namespace

Json worker_spec(const Probe& probe, const std::string& run, std::uint64_t seed) {
  Json spec = {{"probe", probe.name},
               {"kind", probe.kind},
               {"deadline_ms", to_ms(probe.deadline)},
               {"threshold_ms", to_ms(probe.threshold)},
               {"seed", seed},
               {"args", probe.args}};
  if (probe.pacing.is_object()) {
    spec.update(probe.pacing);
  } else {
    spec["rate_per_s"] = probe.rate_per_s;
  }
  if (probe.poisson) {
    spec["spacing"] = "poisson";
  }
  if (probe.writes()) {
    spec["args"]["prefix"] = "faultline:" + run + ":" + probe.name;
  }
  return spec;
}

std::uint64_t Probes::Measured::due_before(Instant at) const {
  if (at <= started) {
    return 0;
  }
  while (due_times_.empty() || due_times_.back() < at - started) {
    due_times_.push_back(schedule_.next());
  }
  return static_cast<std::uint64_t>(std::ranges::lower_bound(due_times_, at - started) -
                                    due_times_.begin());
}

void Probes::start(const Environment& environment, const std::string& run, std::uint64_t seed,
                   std::function<void(Result<>)> done) {
  struct Starting {
    std::size_t left;
    std::optional<Error> error;
  };
  auto starting = std::make_shared<Starting>(Starting{environment.probes.size(), {}});
  for (const auto& [name, probe] : environment.probes) {
    auto& measured = all_.emplace_back(probe, seed);
    targets::WorkerSpec spec;
    spec.host = probe.from;
    spec.argv = {"worker"};
    spec.input = worker_spec(probe, run, seed++).dump();
    spec.on_line = [this, &measured, alive = std::weak_ptr(alive_)](std::string_view line) {
      if (!alive.expired()) {
        on_line(measured, line);
      }
    };
    spec.on_exit = [this, &measured, alive = std::weak_ptr(alive_)](const std::string& reason) {
      if (!alive.expired() && !measured.finished) {
        measured.problem = fmt::format("the worker of probe {} ended: {}", measured.probe.name,
                                       reason.empty() ? "without a word" : reason);
        measured.finished = true;
        changed_();
      }
    };
    target_.start_worker(std::move(spec),
                         [&measured, starting, done, alive = std::weak_ptr(alive_)](auto worker) {
                           if (alive.expired()) {
                             return;
                           }
                           if (worker) {
                             measured.worker = std::move(*worker);
                           } else {
                             starting->error = worker.error();
                             measured.problem = worker.error().message;
                             measured.finished = true;
                           }
                           if (--starting->left == 0) {
                             done(starting->error ? Result<>(*starting->error) : Result<>());
                           }
                         });
  }
  if (environment.probes.empty()) {
    done({});
  }
}

void Probes::finish() {
  for (auto& measured : all_) {
    if (measured.worker && !measured.finished) {
      measured.worker->send("finish");
    }
  }
}

void Probes::on_line(Measured& measured, std::string_view line) {
  try {
    take(measured, Json::parse(line));
  } catch (const Json::exception&) {
    measured.problem =
        fmt::format("probe {}: not a report: {}", measured.probe.name, line.substr(0, 80));
  }
  changed_();
}

void Probes::take(Measured& measured, const Json& report) {
  if (report.contains("started")) {
    measured.started = measured.seen_until = from_us(report["started"].get<std::int64_t>());
  }
  if (report.contains("samples")) {
    on_samples(measured, report["samples"]);
    measured.waiting = report.at("waiting").get<std::uint64_t>();
    measured.seen_until = from_us(report.at("seen_until").get<std::int64_t>());
  }
  if (report.contains("writes") && report["writes"].is_object()) {
    measured.writes = writes_of(report["writes"]);
  }
  if (report.contains("error")) {
    measured.problem = fmt::format("probe {}: {}", measured.probe.name, report["error"].dump());
  }
  if (report.contains("finished")) {
    measured.finished = true;
    measured.delay_p99_ms = report.value("delay_p99_ms", 0.0);
  }
}

void Probes::on_samples(Measured& measured, const Json& samples) {
  for (const auto& s : samples) {
    slo::Sample sample;
    sample.due = from_us(s.at(0).get<std::int64_t>());
    sample.latency = std::chrono::microseconds(s.at(1).get<std::int64_t>());
    sample.service_time = std::chrono::microseconds(s.at(2).get<std::int64_t>());
    sample.result = static_cast<slo::Class>(std::clamp(s.at(3).get<int>(), 0, 2));
    for (auto* series : {&measured.series, &measured.lately}) {
      sample.error = s.at(4).is_string() ? series->error_class(s.at(4).get<std::string>()) : 0;
      series->add(sample);
    }
  }
}

bool Probes::running() const {
  return std::ranges::any_of(all_, [](const Measured& m) { return !m.finished; });
}

std::map<std::string, Probes::Lately> Probes::lately() {
  std::map<std::string, Lately> all;
  for (auto& m : all_) {
    const auto answered = std::exchange(m.lately, {});
    all[m.probe.name] = {slo::summarize(answered, m.started, Instant::max()), m.waiting};
  }
  return all;
}

Instant Probes::seen_until() const {
  Instant oldest = Instant::max();
  for (const auto& measured : all_) {
    oldest = std::min(oldest, measured.seen_until);
  }
  return oldest;
}

const Probes::Measured* Probes::find(const std::string& name) const {
  const auto it = std::ranges::find_if(all_, [&](const auto& m) { return m.probe.name == name; });
  return it == all_.end() ? nullptr : &*it;
}

const Probes::Measured* Probes::writer(const std::string& subject) const {
  return find_writer(all_, subject, [](const Measured& m) -> const Probe& { return m.probe; });
}

std::string Probes::problem() const {
  for (const auto& m : all_) {
    if (!m.problem.empty()) {
      return m.problem;
    }
    if (m.delay_p99_ms > max_delay_p99_ms) {
      return fmt::format(
          "machine too busy: the worker of {} ran {:.0f} ms late at p99, at most {:.0f} "
          "ms prove anything",
          m.probe.name, m.delay_p99_ms, max_delay_p99_ms);
    }
    const auto due = static_cast<double>(m.due_before(m.seen_until));
    const auto sent = static_cast<double>(m.series.samples().size());
    if (due > 0 && sent < due * min_rate_share) {
      return fmt::format("machine too busy: the worker of {} sent {:.0f} of {:.0f} requests",
                         m.probe.name, sent, due);
    }
  }
  return {};
}

}  // namespace faultline::engine
