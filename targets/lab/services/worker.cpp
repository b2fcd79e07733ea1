#include "targets/lab/services/worker.hpp"

#include <fmt/format.h>

namespace faultline::services {
namespace {

using namespace std::chrono_literals;

constexpr Duration look_period = 2s;           ///< for jobs that somebody left
constexpr Duration pause_after_error = 300ms;  ///< a failover takes 3 s

}  // namespace

Duration Worker::step() {
  return round() ? Duration{} : pause_after_error;
}

bool Worker::round() {
  if (!prepared_) {
    prepared_ = held(jobs_.prepare());
    if (!prepared_) {
      return false;
    }
  }
  if (now_() >= next_look_ && !look_for_stale()) {
    return false;
  }
  std::vector<Job> jobs;
  return held(jobs_.take(jobs)) && work_on(jobs);
}

bool Worker::look_for_stale() {
  next_look_ = now_() + look_period;
  std::vector<Job> jobs;
  if (!held(jobs_.claim(jobs))) {
    return false;
  }
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    metrics_.count(R"(jobs_total{event="claimed"})");
  }
  std::uint64_t count = 0;
  if (!work_on(jobs) || !held(jobs_.pending(count))) {
    return false;
  }
  pending_ = count;
  return true;
}

bool Worker::work_on(const std::vector<Job>& jobs) {
  for (const auto& job : jobs) {
    bool first = false;
    if (!held(jobs_.deliver(job, first)) || !held(jobs_.done(job))) {
      return false;  // it stays pending, and is claimed again
    }
    metrics_.count(fmt::format(R"(jobs_total{{event="{}"}})", first ? "done" : "repeated"));
  }
  return true;
}

bool Worker::held(const Reply& reply) {
  if (!reply.ok()) {
    metrics_.count(fmt::format(R"(job_errors_total{{class="{}"}})", to_string(reply.error)));
    // The new primary may know neither stream nor group.
    prepared_ = prepared_ && !reply.detail.starts_with("NOGROUP");
  }
  return reply.ok();
}

}  // namespace faultline::services
