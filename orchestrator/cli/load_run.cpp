#include "orchestrator/cli/load_run.hpp"

#include "orchestrator/engine/probes.hpp"
#include "orchestrator/load/worker.hpp"
#include "orchestrator/slo/schedule.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

namespace faultline::cli {
namespace {

using nlohmann::json;

/// For all workers to be there when the first request is due.
constexpr Duration head_start = std::chrono::milliseconds(500);
constexpr double max_delay_p99_ms = 50;    // DESIGN, "What is measured"
constexpr double max_busy_share = 0.95;    // with less to spare answers wait for the worker
constexpr double min_begun_share = 0.999;  // fewer were begun: it could not keep the rate

Instant now() {
  return std::chrono::steady_clock::now();
}

slo::Rate rate_of(const engine::Probe& probe) {
  if (!probe.pacing.contains("stages")) {
    return slo::Rate(probe.rate_per_s);
  }
  std::vector<slo::Stage> stages;
  for (const auto& stage : probe.pacing["stages"]) {
    stages.push_back(
        {stage["rate_per_s"].get<double>(),
         std::chrono::duration_cast<Duration>(
             std::chrono::duration<double, std::milli>(stage["length_ms"].get<double>())),
         stage["ramp"].get<bool>()});
  }
  return slo::Rate(std::move(stages));
}

bool closed_loop(const engine::Probe& probe) {
  return probe.pacing.contains("users");
}

/// The users of a closed loop are spread over the workers.
std::uint64_t users_of(const engine::Probe& probe, std::size_t index) {
  const auto all = probe.pacing["users"].get<std::uint64_t>();
  return all / probe.workers + (index < all % probe.workers ? 1 : 0);
}

/// A worker's share of a probe; when it begins is still open.
json spec_of(const engine::Probe& probe, std::size_t index, Duration length, const Sending& how) {
  auto spec = engine::worker_spec(probe, how.id, how.seed);
  spec["report"] = "seconds";
  spec["allow"] = how.allow;
  spec["index"] = index;
  spec["workers"] = probe.workers;
  spec["length_ms"] = to_ms(length);
  spec["wake_every_us"] = to_ms(how.wake_every) * 1000;
  if (closed_loop(probe)) {
    spec["users"] = users_of(probe, index);
  }
  return spec;
}

}  // namespace

Result<> check_load(const script::Load& load, const Sending& how, bool here) {
  for (const auto& [name, probe] : load.probes) {
    for (std::size_t index = 0; index < probe.workers; ++index) {
      const auto fine = load::check_spec(spec_of(probe, index, load.duration, how).dump());
      if (!fine && (here || fine.error().kind != ErrorKind::refused)) {
        return Error{
            ErrorKind::usage,
            fmt::format("{}:{}: {}", probe.place.file.empty() ? load.file : probe.place.file,
                        probe.place.line, fine.error().message)};
      }
    }
  }
  return {};
}

LoadRun::LoadRun(Inputs inputs) : in_(std::move(inputs)), timer_(in_.executor) {
  for (const auto& [name, probe] : in_.load.probes) {
    all_.emplace_back(probe, [this, probe_name = name](auto number, const auto& second) {
      if (in_.on_second) {
        in_.on_second(probe_name, number, second);
      }
    });
  }
}

void LoadRun::start(std::function<void()> done) {
  done_ = std::move(done);
  start_ = now() + head_start;
  length_ = in_.load.duration;
  wall_start_ =
      std::chrono::floor<WallTime::duration>(std::chrono::system_clock::now() + head_start);
  for (auto& measured : all_) {
    running_ += measured.probe.workers;
  }
  for (auto& measured : all_) {
    for (std::size_t index = 0; index < measured.probe.workers; ++index) {
      start_worker(measured, index);
    }
  }
  timer_.expires_at(start_ + in_.load.duration);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) {
      finish_workers();
    }
  });
}

void LoadRun::start_worker(Measured& measured, std::size_t index) {
  auto spec = spec_of(measured.probe, index, in_.load.duration, in_.how);
  spec["start_at_us"] =
      std::chrono::floor<std::chrono::microseconds>(start_.time_since_epoch()).count();
  targets::WorkerSpec worker;
  worker.host = measured.probe.from;
  worker.argv = {"worker"};
  worker.input = spec.dump();
  worker.on_line = [&measured, index](std::string_view line) {
    const auto parsed = json::parse(line, nullptr, false);
    const auto taken = parsed.is_object() ? measured.totals.take(index, parsed)
                                          : Result<>(Error{ErrorKind::usage, "no JSON"});
    if (!taken && measured.problem.empty()) {
      measured.problem = taken.error().message;
    }
  };
  worker.on_exit = [this, &measured, index](const std::string& how) {
    worker_ended(measured, index, how);
  };
  in_.start_worker(std::move(worker), [this, &measured, index](auto started) {
    if (!started) {
      return worker_ended(measured, index, started.error().message);
    }
    measured.workers.push_back(std::move(*started));
    if (finishing_) {
      measured.workers.back()->send("finish");
    }
  });
}

void LoadRun::worker_ended(Measured& measured, std::size_t index, const std::string& how) {
  measured.totals.ended(index);
  if (measured.problem.empty() && !measured.totals.problem().empty()) {
    measured.problem = measured.totals.problem();
  }
  if (measured.problem.empty() && !how.empty()) {
    measured.problem = "its worker ended: " + how;
  }
  if (!measured.problem.empty() && !finishing_) {
    timer_.cancel();
    finish_workers();  // what is left would be measured for nothing
  }
  if (--running_ == 0) {
    timer_.cancel();
    std::exchange(done_, nullptr)();
  }
}

/// At the end, or before it.
void LoadRun::finish_workers() {
  finishing_ = true;
  length_ = std::clamp<Duration>(now() - start_, Duration(1), length_);
  for (auto& measured : all_) {
    for (auto& worker : measured.workers) {
      worker->send("finish");
    }
  }
}

void LoadRun::stop(const std::string& why) {
  stopped_ = why;
  timer_.cancel();
  finish_workers();
}

/// Of an open loop; what a closed one sends depends on the answers.
std::uint64_t LoadRun::due(const Measured& measured) const {
  if (closed_loop(measured.probe)) {
    return measured.totals.begun();
  }
  if (measured.probe.poisson) {
    std::uint64_t count = 0;
    for (std::size_t index = 0; index < measured.probe.workers; ++index) {
      slo::Schedule schedule(rate_of(measured.probe), slo::Spacing::poisson, in_.how.seed, index,
                             measured.probe.workers);
      while (schedule.next() < length_) {
        ++count;
      }
    }
    return count;
  }
  return static_cast<std::uint64_t>(
      std::ceil(rate_of(measured.probe).requests_within(length_) - 1e-6));
}

std::string LoadRun::problem_of(const Measured& measured) const {
  const auto& name = measured.probe.name;
  const auto& totals = measured.totals;
  if (!measured.problem.empty()) {
    return fmt::format("{}: {}", name, measured.problem);
  }
  if (!totals.finished()) {
    return fmt::format("{}: a worker ended before it had told everything", name);
  }
  if (totals.all().requests() == 0) {
    return fmt::format("{}: no request was measured", name);
  }
  const auto wanted = due(measured);
  if (static_cast<double>(totals.begun()) < static_cast<double>(wanted) * min_begun_share) {
    return fmt::format(
        "{}: the rate could not be kept: {} of {} requests were begun; use more "
        "workers, or a lower rate",
        name, totals.begun(), wanted);
  }
  if (totals.delay_p99_ms() > max_delay_p99_ms && !closed_loop(measured.probe)) {
    return fmt::format(
        "{}: machine too busy: requests were sent {:.0f} ms late at p99, at most "
        "{:.0f} ms prove anything",
        name, totals.delay_p99_ms(), max_delay_p99_ms);
  }
  if (totals.busy() > max_busy_share && !closed_loop(measured.probe)) {
    return fmt::format(
        "{}: a worker had no time left: it was busy {:.0f} % of the time, so that answers waited "
        "for it; use more workers, or a lower rate",
        name, totals.busy() * 100);
  }
  return {};
}

json LoadRun::record() const {
  json out = {{"schema", "faultline.load/1"},
              {"id", in_.how.id},
              {"name", in_.load.name},
              {"script_sha256", in_.load.sha256},
              {"versions", {{"faultline", FAULTLINE_VERSION}}},
              {"started", rfc3339(wall_start_)},
              {"duration_ms", to_ms(length_)},
              {"seed", in_.how.seed},
              {"verdict", "measured"},
              {"reason", ""},
              {"probes", json::array()}};
  std::string reason = stopped_;
  for (const auto& measured : all_) {
    const auto problem = problem_of(measured);
    reason = reason.empty() ? problem : reason;
    auto probe = measured.totals.record();
    probe["name"] = measured.probe.name;
    probe["kind"] = measured.probe.kind;
    probe["workers"] = measured.probe.workers;
    probe["due"] = due(measured);
    probe["rate_per_s"] = measured.probe.rate_per_s > 0 ? json(measured.probe.rate_per_s) : json();
    probe["achieved_per_s"] =
        static_cast<double>(measured.totals.all().sent()) / (to_ms(length_) / 1000);
    probe["problem"] = problem;
    out["probes"].push_back(std::move(probe));
  }
  if (!reason.empty()) {
    out["verdict"] = "inconclusive";
    out["reason"] = reason;
  }
  return out;
}

}  // namespace faultline::cli
