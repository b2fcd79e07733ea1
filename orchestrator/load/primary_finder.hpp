#pragma once

#include "orchestrator/load/resp.hpp"
#include "orchestrator/load/spec.hpp"

#include <optional>
#include <vector>

namespace faultline::load {

/// The args of the Redis kinds.
struct CacheArgs {
  std::vector<Endpoint> sentinels;
  std::string cache;
  std::string prefix;           ///< of the keys
  Duration read_back_within{};  ///< after the end of the load a primary must be there
};
Result<CacheArgs> parse_cache_args(const Spec& spec);

/// Where Sentinel says the primary is. While its user is in trouble it asks one Sentinel after the
/// other, every 100 ms, each with 200 ms to answer; otherwise it is quiet, as clients are.
class PrimaryFinder {
 public:
  /// `on_named`: each answer while in trouble, the same address again included.
  PrimaryFinder(boost::asio::io_context& io, CacheArgs args,
                std::function<void(const Endpoint&)> on_named);
  PrimaryFinder(const PrimaryFinder&) = delete;
  PrimaryFinder& operator=(const PrimaryFinder&) = delete;

  /// A request failed: asks until `all_is_well`.
  void in_trouble();
  void all_is_well();
  /// Forgets what was named and asks all again: `agreed` is then fresh.
  void ask_all_anew();

  /// Named last by whichever Sentinel answered.
  [[nodiscard]] const std::optional<Endpoint>& named() const { return named_; }
  /// Named last by more than half of the Sentinels.
  [[nodiscard]] std::optional<Endpoint> agreed() const;
  /// Why nothing is named: "no sentinel", "no primary"; "" when something is.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  /// Calls `then` once, after the first answer or when every Sentinel has failed to answer.
  void when_asked(std::function<void()> then) { when_asked_ = std::move(then); }

 private:
  void ask_next();
  void heard(std::size_t sentinel, const Reply& reply);
  void next_round(Instant not_before);

  boost::asio::io_context& io_;
  CacheArgs args_;
  std::function<void(const Endpoint&)> on_named_;
  std::function<void()> when_asked_;
  boost::asio::steady_timer timer_;
  Instant asked_at_;
  std::size_t next_ = 0, unanswered_ = 0;
  std::vector<std::optional<Endpoint>> named_by_;
  std::optional<Endpoint> named_;
  std::string problem_ = "no primary";
  bool trouble_ = false, asking_ = false, waiting_ = false;
};

}  // namespace faultline::load
