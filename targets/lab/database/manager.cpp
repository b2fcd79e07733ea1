#include "targets/lab/database/manager.hpp"

#include "targets/lab/database/status_json.hpp"

#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include <chrono>

namespace faultline::database {
namespace {

using namespace std::chrono_literals;

constexpr auto tick = 50ms;  ///< how late a decision may be that no event brings about
constexpr auto switchover_limit = 10s;

Instant now() {
  return std::chrono::steady_clock::now();
}

WallTime wall(Instant at) {
  return std::chrono::floor<std::chrono::milliseconds>(
      std::chrono::system_clock::now() -
      std::chrono::duration_cast<std::chrono::system_clock::duration>(now() - at));
}

constexpr int conflict = 409;     ///< nothing moves
constexpr int unavailable = 503;  ///< the manager ends; what was begun stays as it is
constexpr int late = 504;         ///< it was begun and goes on

http::Answer error(int status, const std::string& why) {
  return {status, nlohmann::json{{"error", why}}.dump()};
}

}  // namespace

Manager::Manager(Settings settings, std::function<void(const std::string&)> log)
    : settings_(std::move(settings)), log_(std::move(log)) {
  http_.get("/health", [](const auto&) { return http::Answer{200, "{}"}; });
  http_.get("/status", [this](const auto&) {
    return http::Answer{200, status_json(status(), wall)};
  });
  http_.get("/metrics", [this](const auto&) {
    const auto current = status();
    const std::lock_guard lock(mutex_);
    return http::Answer{200, metrics_text(current, acts_)};
  });
  http_.post("/switchover",
             [this](const httplib::Request& request) { return switchover(request.body); });
}

Manager::~Manager() {
  stopping_ = true;
  changed_.notify_all();
}

Result<> Manager::start() {
  if (auto started = http_.start(settings_.listen); !started) {
    return started;
  }
  endpoint_ = std::make_unique<EndpointDriver>(
      settings_.endpoint,
      [this](const std::string& node) {
        post([node, at = now()](Cluster& cluster) { cluster.endpoint_reached(node, at); });
      },
      log_);
  for (const auto& [name, access] : settings_.nodes) {
    nodes_[name] = std::make_unique<NodeThreads>(
        name, access,
        [this](Observation seen) {
          post([seen = std::move(seen)](Cluster& cluster) { cluster.observe(seen); });
        },
        [this](Outcome outcome) {
          note(outcome);
          post([outcome = std::move(outcome)](Cluster& cluster) { cluster.finish(outcome); });
        });
  }
  decider_ = std::jthread([this](const std::stop_token& stop) { decide(stop); });
  return {};
}

void Manager::post(Event event) {
  const std::lock_guard lock(mutex_);
  events_.push_back(std::move(event));
  changed_.notify_all();
}

void Manager::decide(const std::stop_token& stop) {
  Cluster cluster(settings_.cluster, now());
  while (!stop.stop_requested()) {
    std::vector<Event> events;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, tick, [this] { return !events_.empty(); });
      events.swap(events_);
    }
    for (const auto& event : events) {
      event(cluster);
    }
    dispatch(cluster.decide(now()));
    for (const auto& step : cluster.take_steps()) {  // at once: the line's time is the step's
      log_(fmt::format("step {} {}: {}", to_string(step.kind), step.node, step.why));
    }
    endpoint_->set(cluster.doors());
    auto status = cluster.status(now());
    note_change(status);
    const std::lock_guard lock(mutex_);
    status_ = std::move(status);
    changed_.notify_all();
  }
}

void Manager::dispatch(const std::vector<Command>& commands) {
  for (const auto& command : commands) {
    nodes_.at(command.node)->carry_out(command);
  }
}

void Manager::note(const Outcome& outcome) {
  const auto& command = outcome.command;
  {
    const std::lock_guard lock(mutex_);
    ++acts_[fmt::format("{}{}", to_string(command.act), outcome.done ? "" : " failed")];
  }
  if (command.act != Act::revive || outcome.done) {  // tried again and again through a cut
    log_(fmt::format("{} {}: {}", to_string(command.act), command.node,
                     outcome.done ? "done " + outcome.position.gtid : outcome.words));
  }
}

void Manager::note_change(const Cluster::Status& status) {
  auto line = fmt::format("rw={}{}: {}", status.rw.empty() ? "none" : status.rw,
                          status.moving ? ", moving" : "", in_words(status));
  if (line != said_) {
    said_ = std::move(line);
    log_(said_);
  }
}

Cluster::Status Manager::status() {
  const std::lock_guard lock(mutex_);
  return status_;
}

http::Answer Manager::switchover(const std::string& body) {
  std::string to;
  try {
    to = nlohmann::json::parse(body).at("to").get<std::string>();
  } catch (const nlohmann::json::exception&) {
    return {400, R"({"error":"expected {\"to\": \"a node's name, or empty for any\"}"})"};
  }
  struct Asked {
    bool known = false, ended = false;
    std::string refusal;
  };
  const auto asked = std::make_shared<Asked>();
  post([this, to, asked](Cluster& cluster) {
    const auto result = cluster.ask_switchover(to, now());
    const std::lock_guard lock(mutex_);
    asked->known = true;
    asked->refusal = result ? "" : result.error().message;
    status_.moving = cluster.status(now()).moving;
  });
  std::unique_lock lock(mutex_);
  const auto deadline = now() + switchover_limit;
  const bool ended = changed_.wait_until(lock, deadline, [&] {
    return stopping_ || (asked->known && (!asked->refusal.empty() || !status_.moving));
  });
  if (!asked->refusal.empty()) {
    return error(conflict, asked->refusal);
  }
  if (stopping_) {
    return error(unavailable, "the manager is stopping");
  }
  if (!ended) {
    return error(late, "the switchover did not end in 10 s and goes on; see /status");
  }
  if (!status_.given_up.empty()) {
    return error(conflict, "given up: " + status_.given_up);
  }
  return {200, "{}"};
}

}  // namespace faultline::database
