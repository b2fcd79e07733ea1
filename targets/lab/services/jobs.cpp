#include "targets/lab/services/jobs.hpp"

#include <fmt/format.h>

#include <charconv>

namespace faultline::services {
namespace {

using namespace std::chrono_literals;

constexpr auto stream = "jobs";
constexpr auto group = "workers";
constexpr auto field = "order";
constexpr auto max_length = "20000";      ///< jobs: five minutes at 60/s; older ones are dropped
constexpr auto batch = "20";              ///< jobs taken at once
constexpr auto wait_ms = "250";           ///< for the first new job: how long an ending node waits
constexpr auto stale_ms = "5000";         ///< taken so long ago: its worker is gone or cut off
constexpr auto remembered_s = "3600";     ///< a webhook that was delivered
constexpr Duration push_timeout = 150ms;  ///< what a sick queue may cost a checkout
constexpr Duration timeout = 300ms;
constexpr Duration take_timeout = 600ms;  ///< the wait included

}  // namespace

std::vector<Job> jobs_in(const std::vector<std::string>& flat) {
  std::vector<Job> jobs;
  for (std::size_t i = 1; i + 1 < flat.size(); ++i) {
    if (flat[i] == field) {
      jobs.push_back({flat[i - 1], flat[i + 1]});
      ++i;
    }
  }
  return jobs;
}

void RedisJobs::push(const std::string& order) {
  if (rest_.resting()) {
    metrics_.count(R"(jobs_total{event="not_queued"})");
    return;
  }
  const Reply reply =
      store_.command({"XADD", stream, "MAXLEN", "~", max_length, "*", field, order}, push_timeout);
  if (reply.error == RedisError::timeout) {
    rest_.begin();
  }
  metrics_.count(fmt::format(R"(jobs_total{{event="{}"}})", reply.ok() ? "queued" : "not_queued"));
}

Reply RedisJobs::prepare() {
  Reply reply = store_.command({"XGROUP", "CREATE", stream, group, "0", "MKSTREAM"}, timeout);
  if (reply.detail.starts_with("BUSYGROUP")) {
    return {};
  }
  return reply;
}

Reply RedisJobs::take(std::vector<Job>& jobs) {
  Reply reply = store_.command({"XREADGROUP", "GROUP", group, worker_, "COUNT", batch, "BLOCK",
                                wait_ms, "STREAMS", stream, ">"},
                               take_timeout);
  jobs = jobs_in(reply.values);
  return reply;
}

Reply RedisJobs::claim(std::vector<Job>& jobs) {
  Reply reply = store_.command(
      {"XAUTOCLAIM", stream, group, worker_, stale_ms, "0", "COUNT", batch}, timeout);
  jobs = jobs_in(reply.values);
  return reply;
}

Reply RedisJobs::deliver(const Job& job, bool& first) {
  Reply reply =
      store_.command({"SET", "webhook:" + job.order, job.id, "EX", remembered_s, "NX"}, timeout);
  first = reply.ok() && !reply.values.empty();
  return reply;
}

Reply RedisJobs::done(const Job& job) {
  return store_.command({"XACK", stream, group, job.id}, timeout);
}

Reply RedisJobs::pending(std::uint64_t& count) {
  Reply reply = store_.command({"XPENDING", stream, group}, timeout);
  if (reply.ok() && !reply.values.empty()) {
    const auto& text = reply.values[0];
    std::from_chars(text.data(), text.data() + text.size(), count);
  }
  return reply;
}

}  // namespace faultline::services
