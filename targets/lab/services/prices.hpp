#pragma once

#include "targets/lab/services/http_client.hpp"
#include "targets/lab/services/metrics.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace faultline::services {

struct Price {
  int status = 0;  ///< 200, or what the checkout is answered with
  int cents = 0;
  std::string why;
};

/// What a product costs.
class Prices {
 public:
  virtual ~Prices() = default;
  virtual Price of(const std::string& tenant, const std::string& product, Instant deadline) = 0;
};

/// Whose turn it is: round robin, over those that have not failed within the last `rest`; over all
/// when every one has. With a rest of zero, over all. Thread-safe.
class Turns {
 public:
  Turns(std::size_t count, Duration rest, std::function<Instant()> now)
      : rests_until_(count), rest_(rest), now_(std::move(now)) {}
  std::size_t next();
  void failed(std::size_t which);

 private:
  std::mutex mutex_;
  std::vector<Instant> rests_until_;
  const Duration rest_;
  const std::function<Instant()> now_;
  std::size_t turn_ = 0;
};

/// One call to one peer.
class PeerApi {
 public:
  virtual ~PeerApi() = default;
  virtual CallReply get(std::size_t peer, const std::string& target, const CallLimits& limits) = 0;
};

/// Peers by HTTP, each with its own connections.
class HttpPeers : public PeerApi {
 public:
  /// `retries` as in HttpClient.
  HttpPeers(const std::vector<net::Endpoint>& peers, RetryBudget* retries);
  CallReply get(std::size_t peer, const std::string& target, const CallLimits& limits) override;

 private:
  std::vector<std::unique_ptr<HttpClient>> clients_;
};

/// Asks a peer's catalogue. With a budget for retries, each call has short limits, a peer that
/// failed is left alone for a while, and another one is asked instead; without, one is asked and
/// waited for until the client's deadline: nodes that wait for each other must not wait for ever.
class PeerPrices : public Prices {
 public:
  struct Parts {
    PeerApi& peers;
    std::size_t count;
    RetryBudget* retries;  ///< none: plain
    Metrics& metrics;
    std::function<Instant()> now;
  };
  explicit PeerPrices(const Parts& parts);
  Price of(const std::string& tenant, const std::string& product, Instant deadline) override;

 private:
  CallReply ask(const std::string& target, Instant deadline);
  Parts parts_;
  Turns turns_;
};

}  // namespace faultline::services
