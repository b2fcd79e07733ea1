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
constexpr double max_delay_p99_ms = 50;  // DESIGN, "What is measured"
constexpr double max_busy_share = 0.95;  // with less to spare answers wait for the worker
constexpr double min_sent_share = 0.98;  // fewer were sent: it could not keep the rate

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
json spec_of(const engine::Probe& probe, std::size_t index, const std::string& id,
             std::uint64_t seed, const std::vector<std::string>& allow) {
  auto spec = engine::worker_spec(probe, id, seed);
  spec["report"] = "seconds";
  spec["allow"] = allow;
  spec["index"] = index;
  spec["workers"] = probe.workers;
  if (closed_loop(probe)) {
    spec["users"] = users_of(probe, index);
  }
  return spec;
}

}  // namespace

Result<> check_load(const script::Load& load, const std::vector<std::string>& allow, bool here) {
  for (const auto& [name, probe] : load.probes) {
    const auto fine = load::check_spec(spec_of(probe, 0, "check", 1, allow).dump());
    if (!fine && (here || fine.error().kind != ErrorKind::refused)) {
      return fine.error();
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
  auto spec = spec_of(measured.probe, index, in_.id, in_.seed, in_.allow);
  spec["start_at_us"] =
      std::chrono::floor<std::chrono::microseconds>(start_.time_since_epoch()).count();
  spec["length_ms"] = to_ms(in_.load.duration);
  spec["wake_every_us"] = to_ms(in_.wake_every) * 1000;
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

void LoadRun::worker_ended(Measured& measured, std::size_t, const std::string& how) {
  if (measured.problem.empty() && !measured.totals.problem().empty()) {
    measured.problem = measured.totals.problem();
  }
  if (measured.problem.empty() && !how.empty()) {
    measured.problem = "its worker ended: " + how;
  }
  if (--running_ == 0) {
    timer_.cancel();
    for (auto& each : all_) {
      each.totals.finish();
    }
    std::exchange(done_, nullptr)();
  }
}

void LoadRun::finish_workers() {
  finishing_ = true;
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
    return measured.totals.sent();
  }
  if (measured.probe.poisson) {
    std::uint64_t count = 0;
    for (std::size_t index = 0; index < measured.probe.workers; ++index) {
      slo::Schedule schedule(rate_of(measured.probe), slo::Spacing::poisson, in_.seed, index,
                             measured.probe.workers);
      while (schedule.next() < in_.load.duration) {
        ++count;
      }
    }
    return count;
  }
  return static_cast<std::uint64_t>(
      std::ceil(rate_of(measured.probe).requests_within(in_.load.duration) - 1e-6));
}

std::string LoadRun::problem_of(const Measured& measured) const {
  const auto& name = measured.probe.name;
  const auto& totals = measured.totals;
  if (!measured.problem.empty()) {
    return fmt::format("{}: {}", name, measured.problem);
  }
  if (totals.all().requests() == 0) {
    return fmt::format("{}: no request was measured", name);
  }
  const auto wanted = due(measured);
  if (static_cast<double>(totals.sent()) < static_cast<double>(wanted) * min_sent_share) {
    return fmt::format(
        "{}: the rate could not be kept: {} of {} requests were sent; use more "
        "workers, or a lower rate",
        name, totals.sent(), wanted);
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
              {"id", in_.id},
              {"name", in_.load.name},
              {"script_sha256", in_.load.sha256},
              {"versions", {{"faultline", FAULTLINE_VERSION}}},
              {"started", rfc3339(wall_start_)},
              {"duration_ms", to_ms(in_.load.duration)},
              {"seed", in_.seed},
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
    probe["sent"] = measured.totals.sent();
    probe["rate_per_s"] = measured.probe.rate_per_s > 0 ? json(measured.probe.rate_per_s) : json();
    probe["achieved_per_s"] =
        static_cast<double>(measured.totals.sent()) / (to_ms(in_.load.duration) / 1000);
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
