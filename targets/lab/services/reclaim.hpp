#pragma once

#include "targets/lab/services/http_client.hpp"

#include <atomic>
#include <functional>

namespace faultline::services {

/// Asks the metadata service whether this instance is to be reclaimed, with a token as ECS wants
/// it. From the answer that names a time the node is leaving: it says so in GET /health, the
/// balancer takes it out, and it serves what still comes. One thread asks, any may read.
class Reclaim {
 public:
  using Metadata = std::function<CallReply(const Call& call)>;
  Reclaim(Metadata metadata, std::function<void(const std::string&)> on_change)
      : metadata_(std::move(metadata)), on_change_(std::move(on_change)) {}

  /// One question. Without an answer, what is known stays.
  void ask();
  [[nodiscard]] bool leaving() const { return leaving_; }

 private:
  bool renew_token();
  void learn(bool leaving, const std::string& when);

  Metadata metadata_;
  std::function<void(const std::string&)> on_change_;
  std::string token_;
  std::atomic<bool> leaving_ = false;
};

}  // namespace faultline::services
