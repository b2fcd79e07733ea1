#include "tests/simulation/load.hpp"

namespace faultline::simulation {

using namespace std::chrono_literals;

namespace {

constexpr Duration report_every = 100ms;  // as the real one
constexpr Duration answered_in = 2ms;
constexpr double late_ms = 80;  // above what the engine believes

std::int64_t us(Duration d) {
  return std::chrono::duration_cast<std::chrono::microseconds>(d).count();
}
std::int64_t us(Instant t) {
  return us(t.time_since_epoch());
}

}  // namespace

SimWorker::SimWorker(World& world, Process& orchestrator, targets::WorkerSpec spec, Trouble trouble,
                     Traffic& traffic)
    : world_(world),
      orchestrator_(orchestrator),
      spec_(std::move(spec)),
      trouble_(std::move(trouble)),
      traffic_(traffic) {
  const auto input = Json::parse(spec_.input);
  traffic_.probe = input.at("probe");
  traffic_.rate_per_s = input.at("rate_per_s");
  traffic_.writes = input.at("args").contains("prefix");
  traffic_.lost_writes = traffic_.writes ? trouble_.lost_writes : 0;
  gap_ = std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / traffic_.rate_per_s));
  next_ = Instant(std::chrono::microseconds(us(world_.clock().now())));  // lines are in us
  traffic_.started = next_;
  say({{"started", us(next_)}});
  timer_ = world_.clock().at(next_ + report_every, [this] { work(); });
}

void SimWorker::send(std::string line) {
  if (line == "finish" && timer_) {
    finish();
  }
}

void SimWorker::work() {
  if (catch_up()) {
    timer_ = world_.clock().at(world_.clock().now() + report_every, [this] { work(); });
  }
}

bool SimWorker::catch_up() {
  const auto now = world_.clock().now();
  if (trouble_.probe == traffic_.probe && now >= traffic_.started + trouble_.after) {
    traffic_.trouble = trouble_.kind;
  }
  if (!orchestrator_.alive()) {
    end("the connection is lost");
    return false;
  }
  if (traffic_.trouble == Trouble::Kind::dies) {
    end("killed by signal 9");
    return false;
  }
  auto samples = Json::array();
  for (; next_ <= now; next_ += gap_) {
    auto sample = request(next_);
    if (!sample.is_null()) {
      samples.push_back(std::move(sample));
    }
  }
  say({{"samples", samples}, {"seen_until", us(next_)}, {"waiting", 0}});
  return true;
}

/// Null: it was not sent, and nobody says so.
SimWorker::Json SimWorker::request(Instant due) {
  const bool lies = traffic_.trouble == Trouble::Kind::lies;
  const bool skipped =
      traffic_.trouble == Trouble::Kind::skips && traffic_.requests.size() % 10 == 9;
  const bool bad = !lies && world_.fails(due);
  const bool told = !skipped && traffic_.trouble != Trouble::Kind::silent;
  traffic_.requests.push_back({due, bad, told});
  if (skipped) {
    return {};
  }
  traffic_.good += bad ? 0 : 1;
  if (!lies) {
    ++traffic_.arrived;
    world_.arrive(traffic_.writes);
  }
  return {us(due), us(answered_in), us(answered_in), bad ? 2 : 0, bad ? Json("refused") : Json(0)};
}

void SimWorker::finish() {
  timer_.reset();
  if (!catch_up() || traffic_.trouble == Trouble::Kind::silent) {
    return;
  }
  if (traffic_.writes) {
    say({{"writes",
          {{"attempted", traffic_.requests.size()},
           {"acknowledged", traffic_.good},
           {"lost", traffic_.lost_writes}}}});
  }
  const bool late = traffic_.trouble == Trouble::Kind::late;
  say({{"finished", us(world_.clock().now())}, {"delay_p99_ms", late ? late_ms : 1.0}});
  end("");
}

void SimWorker::say(const Json& line) {
  if (traffic_.trouble != Trouble::Kind::silent) {
    orchestrator_.deliver([on_line = spec_.on_line, text = line.dump()] { on_line(text); });
  }
}

void SimWorker::end(const std::string& reason) {
  timer_.reset();
  orchestrator_.deliver([on_exit = spec_.on_exit, reason] { on_exit(reason); });
}

}  // namespace faultline::simulation
