#include "orchestrator/load/totals.hpp"

#include "orchestrator/slo/rank.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace faultline::load {
namespace {

/// What is infinite or not known is null.
Json finite(double value) {
  return std::isfinite(value) ? Json(value) : Json();
}

double us_to_ms(std::int64_t us) {
  return static_cast<double>(us) / 1e3;
}

/// Percentiles from when requests were sent; null when none was answered.
Json uncorrected(const slo::Histogram& service) {
  const auto at = [&](double percent) {
    return service.count() == 0 ? Json() : Json(us_to_ms(service.at_percentile(percent)));
  };
  return {{"p50_ms", at(50)},
          {"p90_ms", at(90)},
          {"p99_ms", at(99)},
          {"p999_ms", at(99.9)},
          {"max_ms", at(100)}};
}

slo::Histogram histogram_of(const Json& line, const char* field) {
  return slo::Histogram::decode(line.at(field).get_ref<const std::string&>()).value();
}

}  // namespace

double Tally::percentile_ms(double percent) const {
  if (requests() == 0) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const auto rank = slo::nearest_rank(percent, requests());
  return rank > latency.count() ? std::numeric_limits<double>::infinity()
                                : us_to_ms(latency.at_rank(rank));
}

void Tally::add(const Tally& other) {
  good += other.good;
  degraded += other.degraded;
  bad += other.bad;
  unsent += other.unsent;
  for (const auto& [error, count] : other.errors) {
    errors[error] += count;
  }
  latency.add(other.latency);
  service.add(other.service);
}

Totals::Totals(std::size_t workers, OnSecond on_second)
    : workers_(workers), on_second_(std::move(on_second)) {}

Result<> Totals::take(std::size_t index, const Json& line) {
  auto& worker = workers_.at(index);
  try {
    if (line.contains("second")) {
      take_second(index, line);
    } else if (line.contains("finished")) {
      worker.finished = true;
      worker.begun = line.at("begun").get<std::uint64_t>();
      worker.delay_p99_ms = line.at("delay_p99_ms").get<double>();
      worker.busy = line.value("busy", 0.0);
    } else if (line.contains("error")) {
      problem_ = line.at("error").get<std::string>();
    }
  } catch (const std::exception& error) {
    return Error{ErrorKind::usage, fmt::format("not a worker's line: {}", error.what())};
  }
  return {};
}

void Totals::take_second(std::size_t index, const Json& line) {
  Tally told;
  told.good = line.at("good").get<std::uint64_t>();
  told.degraded = line.at("degraded").get<std::uint64_t>();
  told.bad = line.at("bad").get<std::uint64_t>();
  told.unsent = line.at("unsent").get<std::uint64_t>();
  told.errors = line.at("errors").get<std::map<std::string, std::uint64_t>>();
  told.latency = histogram_of(line, "latency");
  told.service = histogram_of(line, "service");
  const auto number = line.at("second").get<std::int64_t>();
  seconds_[number].add(told);
  workers_[index].known_until = number;
  complete();
}

void Totals::ended(std::size_t index) {
  workers_.at(index).known_until = std::numeric_limits<std::int64_t>::max();
  complete();
}

/// The seconds of which every worker has told.
void Totals::complete() {
  const auto until = std::ranges::min(workers_, {}, &Worker::known_until).known_until;
  while (!seconds_.empty() && seconds_.begin()->first <= until) {
    const auto& [number, second] = *seconds_.begin();
    all_.add(second);
    series_.push_back({{"t_ms", static_cast<double>(number) * 1000},
                       {"good", second.good},
                       {"degraded", second.degraded},
                       {"bad", second.bad},
                       {"p50_ms", finite(second.percentile_ms(50))},
                       {"p99_ms", finite(second.percentile_ms(99))}});
    if (on_second_) {
      on_second_(number, second);
    }
    seconds_.erase(seconds_.begin());
  }
}

bool Totals::finished() const {
  return std::ranges::all_of(workers_, &Worker::finished);
}

std::uint64_t Totals::begun() const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) {
    sum += worker.begun;
  }
  return sum;
}

double Totals::delay_p99_ms() const {
  return std::ranges::max(workers_, {}, &Worker::delay_p99_ms).delay_p99_ms;
}

double Totals::busy() const {
  return std::ranges::max(workers_, {}, &Worker::busy).busy;
}

Json Totals::record() const {
  return {{"requests", all_.requests()},
          {"good", all_.good},
          {"degraded", all_.degraded},
          {"bad", all_.bad},
          {"sent", all_.sent()},
          {"errors", all_.errors},
          {"p50_ms", finite(all_.percentile_ms(50))},
          {"p90_ms", finite(all_.percentile_ms(90))},
          {"p99_ms", finite(all_.percentile_ms(99))},
          {"p999_ms", finite(all_.percentile_ms(99.9))},
          {"max_ms", finite(all_.percentile_ms(100))},
          {"uncorrected", uncorrected(all_.service)},
          {"worker_delay_p99_ms", delay_p99_ms()},
          {"series", series_}};
}

}  // namespace faultline::load
