#include "targets/lab/services/prices.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace faultline::services {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr Duration peer_rest = 1s;         ///< one call in a second finds out whether it is back
constexpr Duration connect_limit = 250ms;  ///< as the balancer's; peers are 0.2 to 1.2 ms away
/// A peer may ask the cache (200 ms) and the database twice (400 ms and 1 s).
constexpr Duration answer_limit = 1800ms;

/// An answer that another peer might not give.
bool is_bad(const CallReply& reply) {
  return !reply.answered() || reply.status >= 500;
}

Price failed(const CallReply& reply) {
  const bool late = reply.error == CallError::connect_timeout || reply.error == CallError::timeout;
  return {late ? 504 : 502, 0, std::string(in_words(reply.error))};
}

}  // namespace

std::size_t Turns::next() {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < rests_until_.size(); ++i) {
    const std::size_t which = turn_++ % rests_until_.size();
    if (rests_until_[which] <= now_()) {
      return which;
    }
  }
  return turn_++ % rests_until_.size();
}

void Turns::failed(std::size_t which) {
  const std::lock_guard lock(mutex_);
  rests_until_[which] = now_() + rest_;
}

HttpPeers::HttpPeers(const std::vector<net::Endpoint>& peers, RetryBudget* retries) {
  for (const auto& peer : peers) {
    clients_.push_back(std::make_unique<HttpClient>(peer, retries));
  }
}

CallReply HttpPeers::get(std::size_t peer, const std::string& target, const CallLimits& limits) {
  return clients_[peer]->call({"GET", target}, limits);
}

PeerPrices::PeerPrices(const Parts& parts)
    : parts_(parts),
      turns_(parts.count, parts.retries != nullptr ? peer_rest : Duration{}, parts.now) {}

CallReply PeerPrices::ask(const std::string& target, Instant deadline) {
  const std::size_t peer = turns_.next();
  CallLimits limits{Instant::max(), deadline};
  if (parts_.retries != nullptr) {
    limits.connect = parts_.now() + connect_limit;
    limits.answer = std::min(parts_.now() + answer_limit, deadline);
  }
  CallReply reply = parts_.peers.get(peer, target, limits);
  parts_.metrics.count(fmt::format(
      R"(peer_calls_total{{class="{}"}})",
      reply.answered() ? fmt::format("status_{}", reply.status) : to_string(reply.error)));
  if (is_bad(reply)) {
    turns_.failed(peer);
  }
  return reply;
}

Price PeerPrices::of(const std::string& tenant, const std::string& product, Instant deadline) {
  const std::string target = fmt::format("/catalog/{}?tenant={}", product, tenant);
  CallReply reply = ask(target, deadline);
  if (is_bad(reply) && parts_.retries != nullptr && parts_.retries->take()) {
    reply = ask(target, deadline);
  }
  if (!reply.answered()) {
    return failed(reply);
  }
  const Json answer = Json::parse(reply.body, nullptr, false);
  if (reply.status != 200) {
    const std::string why = answer.is_object() ? answer.value("error", "") : "";
    return {reply.status < 500 ? reply.status : 502, 0,
            why.empty() ? fmt::format("status {}", reply.status) : why};
  }
  if (!answer.is_object() || !answer.value("price_cents", Json()).is_number_integer()) {
    return {502, 0, "an answer without a price"};
  }
  return {200, answer["price_cents"].get<int>(), ""};
}

}  // namespace faultline::services
