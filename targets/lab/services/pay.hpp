#pragma once

#include "targets/lab/services/event_http.hpp"

#include <nlohmann/json_fwd.hpp>

#include <deque>
#include <span>
#include <vector>

namespace faultline::services {

/// How the third party is made worse: named, so that faults stack and are undone in any order.
struct PayLayer {
  enum class Mode { latency, reset, status, slow_body };
  std::string id;
  Mode mode = Mode::latency;
  Duration delay{};
  int status = 503;
  int share_percent = 100;  ///< of the charges; drawn once for each
};

/// The third party that takes payments: POST /charge {"order", "amount_cents"} -> {"payment"},
/// once for each order however often it is asked. Layers touch charges only: GET /health says that
/// the server runs, and GET /metrics what it did. Not thread-safe.
class Pay {
 public:
  /// `random` is in [0, 1).
  explicit Pay(std::function<double()> random) : random_(std::move(random)) {}

  Recipe handle(const HttpRequest& request);
  /// The control socket's { "add" }, { "remove" } and { "show" }. Throws Failure `usage`.
  nlohmann::json control(const nlohmann::json& request);

 private:
  Recipe charge(const HttpRequest& request);
  [[nodiscard]] Reaction through(const std::vector<std::string>& drawn, Reaction reaction) const;
  std::string payment_of(const std::string& order);
  [[nodiscard]] std::string metrics_text() const;

  std::function<double()> random_;
  std::vector<PayLayer> layers_;
  std::map<std::string, std::string> payments_;  ///< by order
  std::deque<std::string> oldest_;               ///< orders, to forget the oldest
  std::uint64_t charges_ = 0;
  std::uint64_t repeated_ = 0;
};

/// `faultline-saas pay --listen 198.51.100.10:8080 --control PATH`
int pay_main(std::span<const std::string> args);

}  // namespace faultline::services
