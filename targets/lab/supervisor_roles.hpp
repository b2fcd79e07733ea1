#pragma once

#include "targets/lab/supervisor_health.hpp"

#include <memory>

namespace faultline::lab {

/// Moves of the caches' roles, always asked of Sentinel: the lab itself never promotes.
class Roles {
 public:
  Roles(boost::asio::io_context& io, const Topology& topology, Health& health)
      : io_(io), topology_(topology), health_(health) {}

  /// Done when a Sentinel has agreed to fail the cache over. Error `refused` quotes the last one.
  void fail_over(const std::string& cache, targets::Done<void> done);

  /// Until every cache's primary is at home with all replicas in sync and every Sentinel has seen
  /// it, at most 20 s. The configured replica priority makes Sentinel choose the home. Gives the
  /// moves in words.
  void bring_home(targets::Done<std::vector<std::string>> done);

 private:
  struct Move;
  using Words = std::vector<std::string>;
  /// The answer of the Sentinel, or why there is none.
  void ask_one(const Process& sentinel, const std::string& command,
               const std::function<void(const std::string& words)>& done);
  void ask_all(const std::string& command, const std::function<void(const Words& words)>& done);
  void try_sentinel(std::size_t index, const std::string& cache, const std::string& last_words,
                    const targets::Done<void>& done);
  void step(const std::shared_ptr<Move>& move);
  void decide(const std::shared_ptr<Move>& move, const Words& replicas);
  void ask_for_move(const std::shared_ptr<Move>& move);
  void look_later(const std::shared_ptr<Move>& move);
  void end(const std::shared_ptr<Move>& move, const Result<>& result);
  [[nodiscard]] bool at_home(const std::string& cache, const std::string& home) const;
  [[nodiscard]] std::string not_home(const Move& move) const;

  boost::asio::io_context& io_;
  const Topology& topology_;
  Health& health_;
};

}  // namespace faultline::lab
