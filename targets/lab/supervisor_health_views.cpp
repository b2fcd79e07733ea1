#include "targets/lab/supervisor_health.hpp"
#include "targets/lab/supervisor_http.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

/// What the answers of a round say about the components.
namespace faultline::lab {
namespace {

using targets::Json;

constexpr int http_ok = 200;
const std::string all_see_it = "each sees the primary up";

std::vector<std::string> split(const std::string& line, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(line);
  for (std::string part; std::getline(in, part, separator);) {
    parts.push_back(part);
  }
  return parts;
}

/// What actions have added to a part, without its counters.
std::string added(const Json& shown) {
  for (const auto* field : {"layers", "announced"}) {
    if (shown.contains(field)) {
      return shown[field].empty() ? "none" : shown[field].dump();
    }
  }
  return "none";
}

}  // namespace

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

targets::Component::Counts parse_frontend_counts(const std::string& csv,
                                                 std::string_view frontend) {
  targets::Component::Counts counts;
  std::istringstream in(csv);
  std::string line;
  std::getline(in, line);
  const auto titles = split(line, ',');
  while (std::getline(in, line)) {
    const auto values = split(line, ',');
    if (values.size() < 2 || values[0] != frontend || values[1] != "FRONTEND") {
      continue;
    }
    for (const auto& [title, counted] :
         {std::pair("req_tot", "requests"), std::pair("conn_tot", "connections")}) {
      const auto at = static_cast<std::size_t>(std::ranges::find(titles, title) - titles.begin());
      if (at < values.size() && !values[at].empty()) {
        counts[counted] = std::strtoull(values[at].c_str(), nullptr, 10);
      }
    }
  }
  return counts;
}

void Health::saw_redis(const Process& process, const Heard& heard) {
  auto& node = nodes_[process.name];
  node = {process.name, process.address, heard.has_value(), {}};
  if (heard) {
    const auto reply = parse_replies(heard->text, 1)->front();
    node.answers = !reply.error;
    node.info = parse_info(reply.text());
    if (node.answers) {
      arrived_[process.name] = redis_arrivals_.seen(process.name, node.info);
    }
  }
}

void Health::saw_sentinel(const Process& process, const Heard& heard) {
  if (!heard) {
    reports_[process.name] = {false, heard.error().words, ""};
    return;
  }
  const auto replies = *parse_replies(heard->text, 1 + 2 * views_.size());
  Report report{true, "", ""};
  std::size_t next = 1;
  for (const auto& [cache, view] : views_) {
    const auto& seen = votes_[cache][process.name] = parse_primary(replies[next]);
    report.healthy = report.healthy && !replies[next + 1].error;
    report.words = replies[next + 1].error ? fmt::format("{}: {}", cache, replies[next + 1].text())
                                           : fmt::format("{}: quorum, {} is {}", cache,
                                                         seen.address, seen.up ? "up" : "down");
    next += 2;
  }
  reports_[process.name] = report;
}

void Health::view_caches() {
  for (auto& [cache, view] : views_) {
    std::vector<std::string> votes;
    for (const auto& [sentinel, seen] : votes_[cache]) {
      if (components_.state(sentinel) == targets::ProcessState::running) {
        votes.push_back(seen.address);
      }
    }
    std::vector<DataNode> nodes;
    for (const auto* process : topology_.of_kind("redis")) {
      if (process->labels.at("cache") == cache) {
        nodes.push_back(nodes_[process->name]);
      }
    }
    view = view_of(nodes, majority(votes), topology_.profile.min_replicas);
    for (const auto& [component, node] : view.nodes) {
      reports_[component] = {node.healthy, node.words, node.role};
    }
  }
}

/// The lab has one manager, of the one database there is.
void Health::saw_manager(const Process& process, const Heard& heard) {
  const auto answer = heard ? parse_http(heard->text) : std::nullopt;
  const auto status = answer && answer->status == http_ok
                          ? parse_database(answer->body)
                          : Result<DatabaseView>(Error{
                                ErrorKind::io, heard ? "answers no status" : heard.error().words});
  auto& view = databases_.begin()->second;
  if (status) {
    view = *status;
    reports_[process.name] = {true, view.moving ? "moves the writable role" : view.in_words, ""};
  } else {
    reports_[process.name] = {false, status.error().message, ""};
    view.rw.clear();
    view.in_words = "unknown: the manager does not answer";
    for (auto& [name, node] : view.nodes) {
      node = {"", false, "unknown: the manager does not answer"};
    }
  }
  for (const auto& [name, node] : view.nodes) {
    reports_[name] = {node.healthy, node.words, node.role};
  }
}

/// How the node is, its manager says; its machine says only what befell its server. One that does
/// not answer, held or being started, is asked again.
void Health::saw_machine(const Process& process, const Heard& heard) {
  const auto answer = heard ? parse_http(heard->text) : std::nullopt;
  if (answer && answer->status == http_ok) {
    if (const auto how = losses_.news(process.name, answer->body)) {
      on_loss_(process.name, *how);
    }
  }
}

void Health::saw_endpoint(const Process& process, const Heard& heard) {
  endpoint_ = heard ? endpoint_in_words(parse_balancer_stat(heard->text)) : heard.error().words;
  if (heard) {
    arrived_[process.name] = parse_frontend_counts(heard->text, endpoint_frontend);
  }
  reports_[process.name] = {heard.has_value(), endpoint_, ""};
}

void Health::saw_page(const Process& process, const Heard& heard) {
  const auto answer = heard ? parse_http(heard->text) : std::nullopt;
  if (!answer) {
    reports_[process.name] = {false, heard ? "answers half a page" : heard.error().words, ""};
  } else {
    reports_[process.name] = {answer->status == http_ok, fmt::format("answers {}", answer->status),
                              ""};
  }
}

void Health::saw_balancer(const Process& process, const Heard& heard) {
  if (!heard) {
    reports_[process.name] = {false, heard.error().words, ""};
    return;
  }
  servers_ = parse_balancer_stat(heard->text);
  arrived_[process.name] = parse_frontend_counts(heard->text, balancer_frontend);
  const auto down = std::ranges::count_if(
      servers_, [](const auto& server) { return server.second.starts_with("DOWN"); });
  const auto up = static_cast<std::ptrdiff_t>(servers_.size()) - down;
  reports_[process.name] = {up > 0, fmt::format("{} of {} servers up", up, servers_.size()), ""};
}

void Health::saw_side_door(const Process& process, const Heard& heard) {
  const auto shown = side_door_answer(heard);
  auto& layers = layers_[process.name];
  layers = shown ? added(*shown) : "unknown";
  if (process.kind == "wire") {
    reports_[process.name] = {shown.has_value(),
                              shown ? "carries, layers: " + layers : shown.error().message, ""};
  }
}

/// A Sentinel that was cut off takes the primary for down until it has reached it again; until then
/// the next disturbance would give it the votes for a failover.
std::string Health::sentinels_in_words(const std::string& cache) const {
  std::vector<std::string> down;
  if (const auto votes = votes_.find(cache); votes != votes_.end()) {
    for (const auto& [sentinel, seen] : votes->second) {
      if (!seen.up) {
        down.push_back(sentinel);
      }
    }
  }
  return down.empty() ? all_see_it
                      : fmt::format("the primary is down for {}", fmt::join(down, ", "));
}

void Health::add_store_invariants(std::vector<targets::Invariant>& all) const {
  for (const auto& [cache, view] : views_) {
    const auto replicas = static_cast<int>(view.nodes.size()) - 1;
    all.push_back({"cache " + cache, view.in_words(), cache_in_words(1, replicas)});
    all.push_back({fmt::format("cache {} primary", cache), view.primary, ""});
    all.push_back({fmt::format("Sentinels of {}", cache), sentinels_in_words(cache), all_see_it});
  }
  for (const auto& [database, view] : databases_) {
    const auto readers = static_cast<int>(view.nodes.size()) - 1;
    all.push_back({"database " + database, view.in_words, database_in_words(readers)});
    all.push_back({fmt::format("database {} rw", database), view.rw, ""});
    all.push_back({"endpoint " + database, endpoint_, endpoint_in_words(1, readers)});
  }
}

}  // namespace faultline::lab
