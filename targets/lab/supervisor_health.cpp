#include "targets/lab/supervisor_health.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <sstream>

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

std::vector<std::string> split(const std::string& line, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(line);
  for (std::string part; std::getline(in, part, separator);) {
    parts.push_back(part);
  }
  return parts;
}

/// "HTTP/1.1 200 OK" -> "200".
std::string status_of(const std::string& http) {
  const auto first = http.find(' ');
  return first == std::string::npos ? "" : http.substr(first + 1, 3);
}

std::string cache_of(const Process& process) {
  const auto it = process.labels.find("cache");
  return it == process.labels.end() ? "" : it->second;
}

}  // namespace

Question liveness_question(const Process& process, const std::string& from, Duration limit) {
  Question question{from, process.address, process.port, "", "", one_line, limit};
  const bool redis_protocol = process.kind == "redis" || process.kind == "sentinel";
  question.text = redis_protocol ? "PING\r\n"
                                 : "GET /health HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n";
  if (!redis_protocol) {
    question.whole = nullptr;  // read to the end, so that the server sees an orderly close
  }
  return question;
}

std::map<std::string, std::string> parse_balancer_stat(const std::string& csv) {
  std::map<std::string, std::string> servers;
  std::istringstream in(csv);
  std::string line;
  std::getline(in, line);
  const auto titles = split(line, ',');
  const auto status =
      static_cast<std::size_t>(std::ranges::find(titles, "status") - titles.begin());
  while (std::getline(in, line)) {
    const auto values = split(line, ',');
    if (values.size() > status && values[1] != "FRONTEND" && values[1] != "BACKEND") {
      servers[values[0] + '/' + values[1]] = values[status];
    }
  }
  return servers;
}

Health::Health(boost::asio::io_context& io, const Topology& topology, const Components& components,
               std::filesystem::path balancer_socket)
    : io_(io),
      topology_(topology),
      components_(components),
      balancer_socket_(std::move(balancer_socket)),
      timer_(io) {
  for (const auto* node : topology_.of_kind("redis")) {
    views_[cache_of(*node)];
  }
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
  pending_ = topology_.processes.size();
  for (const auto& process : topology_.processes) {
    look_at(process);
  }
}

void Health::look_at(const Process& process) {
  if (components_.state(process.name) != ProcessState::running) {
    boost::asio::post(io_, [this, &process] {
      seen(process,
           NoAnswer{Silence::broken, std::string(to_string(components_.state(process.name)))});
    });
    return;
  }
  ask(io_, question_for(process), [this, &process](const Heard& heard) { seen(process, heard); });
}

Question Health::question_for(const Process& process) const {
  auto question = liveness_question(process, process.host, answer_limit);
  if (process.kind == "balancer") {
    question.path = balancer_socket_;
    question.text = "show stat\n";
  } else if (process.kind == "redis") {
    question.text = "INFO replication\r\n";
    question.whole = [](const std::string& text) { return parse_replies(text, 1).has_value(); };
  } else if (process.kind == "sentinel") {
    std::size_t replies = 1;
    for (const auto& [cache, view] : views_) {
      question.text +=
          fmt::format("SENTINEL GET-MASTER-ADDR-BY-NAME {0}\r\nSENTINEL CKQUORUM {0}\r\n", cache);
      replies += 2;
    }
    question.whole = [replies](const std::string& text) {
      return parse_replies(text, replies).has_value();
    };
  }
  return question;
}

void Health::seen(const Process& process, const Heard& heard) {
  if (process.kind == "redis") {
    saw_redis(process, heard);
  } else if (!heard) {
    reports_[process.name] = {false, heard.error().words, ""};
  } else if (process.kind == "sentinel") {
    saw_sentinel(process, heard);
  } else if (process.kind == "balancer") {
    saw_balancer(process, heard);
  } else {
    const auto status = status_of(heard->text);
    reports_[process.name] = {status == "200", "answers " + status, ""};
  }
  if (--pending_ == 0) {
    end_round();
  }
}

void Health::saw_redis(const Process& process, const Heard& heard) {
  auto& node = nodes_[process.name];
  node = {process.name, process.address, heard.has_value(), {}};
  if (heard) {
    const auto reply = parse_replies(heard->text, 1)->front();
    node.answers = !reply.error;
    node.info = parse_info(reply.text());
  }
}

void Health::saw_sentinel(const Process& process, const Heard& heard) {
  const auto replies = *parse_replies(heard->text, 1 + 2 * views_.size());
  Report report{true, "", ""};
  std::size_t next = 1;
  for (const auto& [cache, view] : views_) {
    votes_[cache][process.name] = replies[next].text();
    report.healthy = report.healthy && !replies[next + 1].error;
    report.words = fmt::format("{}: {}", cache, replies[next + 1].text());
    next += 2;
  }
  reports_[process.name] = report;
}

void Health::saw_balancer(const Process& process, const Heard& heard) {
  servers_ = parse_balancer_stat(heard->text);
  const auto down = std::ranges::count_if(
      servers_, [](const auto& server) { return server.second.starts_with("DOWN"); });
  const auto up = static_cast<std::ptrdiff_t>(servers_.size()) - down;
  reports_[process.name] = {up > 0, fmt::format("{} of {} servers up", up, servers_.size()), ""};
}

void Health::end_round() {
  for (auto& [cache, view] : views_) {
    std::vector<std::string> votes;
    for (const auto& [sentinel, address] : votes_[cache]) {
      if (components_.state(sentinel) == ProcessState::running) {
        votes.push_back(address);
      }
    }
    std::vector<DataNode> nodes;
    for (const auto* process : topology_.of_kind("redis")) {
      if (cache_of(*process) == cache) {
        nodes.push_back(nodes_[process->name]);
      }
    }
    view = view_of(nodes, majority(votes), topology_.profile.min_replicas);
    for (const auto& [component, node] : view.nodes) {
      reports_[component] = {node.healthy, node.words, node.role};
    }
  }
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

std::vector<targets::Invariant> Health::invariants() const {
  std::vector<targets::Invariant> all;
  for (const auto& process : topology_.processes) {
    const auto report = of(process.name);
    all.push_back(
        {"component " + process.name, report.healthy ? "healthy" : report.words, "healthy"});
  }
  for (const auto& [cache, view] : views_) {
    const auto replicas = static_cast<int>(view.nodes.size()) - 1;
    all.push_back({"cache " + cache, view.in_words(), cache_in_words(1, replicas)});
    all.push_back({fmt::format("cache {} primary", cache), view.primary, ""});
  }
  for (const auto& [server, status] : servers_) {
    all.push_back({"balancer " + server, status, topology_.profile.health_checks ? "UP" : ""});
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
