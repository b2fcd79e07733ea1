#include "targets/lab/services/metadata.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

namespace faultline::services {
namespace {

using Json = nlohmann::json;

constexpr auto ttl_header = "x-aliyun-ecs-metadata-token-ttl-seconds";
constexpr auto token_header = "x-aliyun-ecs-metadata-token";
constexpr int max_ttl_s = 21'600;         ///< ECS: six hours
constexpr std::size_t max_tokens = 4096;  ///< nodes ask for one in hours; the oldest ends first

[[noreturn]] void wrong(std::string message) {
  throw Failure({ErrorKind::usage, std::move(message)});
}

Reaction plain(int status, std::string body) {
  return {status, std::move(body), "text/plain"};
}

}  // namespace

Reaction Metadata::handle(const HttpRequest& request) {
  if (request.path == "/health") {
    return {200, R"({"healthy":true})"};
  }
  if (request.path == "/latest/api/token") {
    return request.method == "PUT" ? token(request) : plain(405, "expected PUT\n");
  }
  if (token_is_wrong(request)) {
    return plain(401, "the token is unknown or has ended\n");
  }
  if (request.path == "/latest/meta-data/instance/spot/termination-time") {
    return termination_time(request.from);
  }
  return plain(404, "not found\n");
}

Reaction Metadata::token(const HttpRequest& request) {
  const auto header = request.headers.find(ttl_header);
  const std::string text = header == request.headers.end() ? "" : header->second;
  int seconds = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (code != std::errc{} || end != text.data() + text.size() || seconds < 1 ||
      seconds > max_ttl_s) {
    return plain(400, fmt::format("{} expects 1 to {}, found '{}'\n", ttl_header, max_ttl_s, text));
  }
  std::erase_if(tokens_, [this](const auto& t) { return t.second <= now_(); });
  if (tokens_.size() >= max_tokens) {
    tokens_.erase(std::ranges::min_element(tokens_, {}, [](const auto& t) { return t.second; }));
  }
  const std::string made = new_token_();
  tokens_[made] = now_() + std::chrono::seconds(seconds);
  return plain(200, made);
}

bool Metadata::token_is_wrong(const HttpRequest& request) const {
  const auto header = request.headers.find(token_header);
  if (header == request.headers.end()) {
    return false;
  }
  const auto known = tokens_.find(header->second);
  return known == tokens_.end() || known->second <= now_();
}

Reaction Metadata::termination_time(const std::string& from) const {
  const auto instance = instances_.find(from);
  std::string earliest;
  for (const auto& [id, announcement] : announced_) {
    const bool mine = instance != instances_.end() && announcement.instance == instance->second;
    if (mine && (earliest.empty() || announcement.at < earliest)) {
      earliest = announcement.at;  // times in UTC of one form sort as text
    }
  }
  return earliest.empty() ? plain(404, "not found\n") : plain(200, earliest);
}

nlohmann::json Metadata::control(const Json& request) {
  if (request.contains("announce")) {
    announce(request);
    return Json::object();
  }
  if (request.contains("withdraw")) {
    announced_.erase(request["withdraw"].get<std::string>());
    return Json::object();
  }
  if (request.contains("show")) {
    Json all = Json::object();
    for (const auto& [id, announcement] : announced_) {
      all[id] = {{"instance", announcement.instance}, {"at", announcement.at}};
    }
    return {{"announced", std::move(all)}};
  }
  wrong("expected announce, withdraw or show, found " + request.dump());
}

void Metadata::announce(const Json& request) {
  const auto id = request["announce"].get<std::string>();
  const Announcement said{request.value("instance", ""), request.value("at", "")};
  const bool known = std::ranges::any_of(
      instances_, [&](const auto& instance) { return instance.second == said.instance; });
  if (!known) {
    wrong(fmt::format("instance '{}' is not one of those of --instances", said.instance));
  }
  if (said.at.empty()) {
    wrong("expected \"at\": a time in UTC such as 2026-01-05T18:02:00Z");
  }
  announced_[id] = said;
}

Result<std::map<std::string, std::string>> parse_instances(std::string_view text) {
  std::map<std::string, std::string> instances;
  while (true) {
    const auto comma = text.find(',');
    const auto one = text.substr(0, comma);
    const auto equals = one.find('=');
    const std::string address(equals == one.npos ? "" : one.substr(equals + 1));
    in_addr ignored{};
    if (equals == 0 || inet_pton(AF_INET, address.c_str(), &ignored) != 1) {
      return Error{ErrorKind::usage,
                   fmt::format("expected NAME=IPV4,..., found '{}'", std::string(one))};
    }
    instances[address] = std::string(one.substr(0, equals));
    if (comma == text.npos) {
      return instances;
    }
    text.remove_prefix(comma + 1);
  }
}

}  // namespace faultline::services
