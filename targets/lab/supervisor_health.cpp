#include "targets/lab/supervisor_health.hpp"

#include "targets/lab/supervisor_http.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace faultline::lab {
namespace {

using targets::ProcessState;
using namespace std::chrono_literals;

constexpr Duration round_pause =
    250ms;  // with answer_limit: a component that hangs shows within 1 s
constexpr Duration answer_limit = 500ms;

bool one_line(const std::string& text) {
  return text.find("\r\n") != std::string::npos;
}

}  // namespace

Question liveness_question(const Process& process, const std::string& from, Duration limit) {
  Question question{from, process.address, process.port, "", "", one_line, limit};
  if (process.kind == "database" || process.kind == "endpoint") {
    question.greeted = true;
    question.whole = [](const std::string& text) { return !text.empty(); };
    return question;
  }
  const bool redis_protocol = process.kind == "redis" || process.kind == "sentinel";
  question.text = redis_protocol ? "PING\r\n"
                                 : "GET /health HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n";
  if (!redis_protocol) {
    question.whole = nullptr;  // read to the end, so that the server sees an orderly close
  }
  return question;
}

Health::Health(boost::asio::io_context& io, const Topology& topology, const Components& components,
               const Places& places)
    : io_(io), topology_(topology), components_(components), places_(places), timer_(io) {
  for (const auto* node : topology_.of_kind("redis")) {
    views_[node->labels.at("cache")];
  }
  for (const auto* node : topology_.of_kind("database")) {
    databases_[node->labels.at("database")].nodes[node->name];
  }
  for (const auto& process : topology_.processes) {
    add_looks(process);
  }
}

void Health::add_looks(const Process& process) {
  const auto add = [&](Question question, Saw saw) {
    looks_.push_back({&process, std::move(question), saw});
  };
  const auto line = [&](const std::filesystem::path& path, std::string text) {
    return Question{"", "", 0, path, std::move(text), nullptr, answer_limit};
  };
  const bool has_side_door =
      process.kind == "metadata" || process.kind == "dependency" || process.kind == "wire";
  if (process.kind == "redis") {
    auto question = liveness_question(process, process.host, answer_limit);
    question.text = node_info;
    question.whole = [](const std::string& text) { return parse_replies(text, 1).has_value(); };
    add(std::move(question), &Health::saw_redis);
  } else if (process.kind == "sentinel") {
    add(sentinel_question(process), &Health::saw_sentinel);
  } else if (process.kind == "balancer") {
    add(line(balancer_socket(places_), "show stat\n"), &Health::saw_balancer);
  } else if (process.kind == "endpoint") {
    add(line(endpoint_socket(places_), "show stat\n"), &Health::saw_endpoint);
  } else if (process.kind == "manager") {
    add(http_question({process.host, process.address, process.port}, "GET", "/status", "",
                      answer_limit),
        &Health::saw_manager);
  } else if (process.kind == "database") {
    add(http_question({process.host, process.address, database_agent_port}, "GET", "/lost", "",
                      answer_limit),
        &Health::saw_machine);
  } else if (process.kind != "wire") {
    add(liveness_question(process, process.host, answer_limit), &Health::saw_page);
  }
  if (has_side_door) {
    add(side_door_question(control_socket(places_, process.name), {{"show", true}}, answer_limit),
        &Health::saw_side_door);
  }
}

Question Health::sentinel_question(const Process& process) const {
  auto question = liveness_question(process, process.host, answer_limit);
  std::size_t replies = 1;
  for (const auto& [cache, view] : views_) {
    question.text += fmt::format("SENTINEL MASTER {0}\r\nSENTINEL CKQUORUM {0}\r\n", cache);
    replies += 2;
  }
  question.whole = [replies](const std::string& text) {
    return parse_replies(text, replies).has_value();
  };
  return question;
}

void Health::start() {
  repeating_ = true;
  look([] {});
}

void Health::look(std::function<void()> done) {
  next_round_.push_back(std::move(done));
  if (this_round_.empty()) {
    begin_round();
  }
}

void Health::begin_round() {
  timer_.cancel();
  this_round_ = std::exchange(next_round_, {});
  pending_ = looks_.size();
  for (const auto& look : looks_) {
    take(look);
  }
}

void Health::take(const Look& look) {
  const auto state = components_.state(look.process->name);
  if (state != ProcessState::running) {
    boost::asio::post(io_, [this, &look, state] {
      seen(look, NoAnswer{Silence::broken, std::string(to_string(state))});
    });
    return;
  }
  ask(io_, look.question, [this, &look](const Heard& heard) { seen(look, heard); });
}

void Health::seen(const Look& look, const Heard& heard) {
  (this->*look.saw)(*look.process, heard);
  if (--pending_ == 0) {
    end_round();
  }
}

void Health::end_round() {
  view_caches();
  for (const auto& done : std::exchange(this_round_, {})) {
    done();
  }
  if (!next_round_.empty() && this_round_.empty()) {
    begin_round();
  } else if (repeating_ && this_round_.empty()) {
    timer_.expires_after(round_pause);
    timer_.async_wait([this](boost::system::error_code e) {
      if (!e && this_round_.empty()) {
        look([] {});
      }
    });
  }
}

Health::Report Health::of(const std::string& component) const {
  const auto state = components_.state(component);
  if (state != ProcessState::running) {
    return {false, std::string(to_string(state)), ""};
  }
  const auto it = reports_.find(component);
  return it == reports_.end() ? Report{} : it->second;
}

targets::Component::Counts Health::arrived(const std::string& component) const {
  const auto it = arrived_.find(component);
  return it == arrived_.end() ? targets::Component::Counts() : it->second;
}

std::vector<targets::Invariant> Health::invariants() const {
  std::vector<targets::Invariant> all;
  for (const auto& process : topology_.processes) {
    const auto report = of(process.name);
    all.push_back(
        {"component " + process.name, report.healthy ? "healthy" : report.words, "healthy"});
  }
  add_store_invariants(all);
  for (const auto& [server, status] : servers_) {
    all.push_back({"balancer " + server, status, topology_.profile.health_checks ? "UP" : ""});
  }
  for (const auto& [component, layers] : layers_) {
    all.push_back({component + (component == "metadata" ? " announced" : " layers"), layers, ""});
  }
  return all;
}

std::vector<std::string> unmet(const std::vector<targets::Invariant>& invariants) {
  std::vector<std::string> out;
  for (const auto& i : invariants) {
    if (!i.wanted.empty() && i.value != i.wanted) {
      out.push_back(fmt::format("{}: {}", i.name, i.value));
    }
  }
  return out;
}

}  // namespace faultline::lab
