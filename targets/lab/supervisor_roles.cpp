#include "targets/lab/supervisor_roles.hpp"

#include <fmt/format.h>

namespace faultline::lab {
namespace {

using namespace std::chrono_literals;
using Moves = std::vector<std::string>;

constexpr Duration sentinel_limit = 1s;
constexpr Duration home_limit = 20s;   // Sentinel demotes the old primary 10 to 12 s after a failover
constexpr Duration look_pause = 250ms;
constexpr Duration ask_again = 4s;     // a failover takes 1 to 2 s; while it runs Sentinel refuses another

Instant now() { return std::chrono::steady_clock::now(); }

}  // namespace

/// The way home of all caches, one after the other.
struct Roles::Move {
  std::map<std::string, std::string> homes;  // caches not yet at home
  targets::Done<Moves> done;
  Instant until;
  std::optional<Instant> asked;
  std::string refusal;  // Sentinel's last one
  Moves moves;
  boost::asio::steady_timer timer;
};

void Roles::fail_over(const std::string& cache, targets::Done<void> done) {
  ask_sentinel(0, cache, "the lab has no Sentinel", std::move(done));
}

void Roles::ask_sentinel(std::size_t index, const std::string& cache, const std::string& last_words,
                         targets::Done<void> done) {
  const auto sentinels = topology_.of_kind("sentinel");
  if (index == sentinels.size()) {
    done(Error{ErrorKind::refused,
               fmt::format("no Sentinel fails {} over: {}", cache, last_words)});
    return;
  }
  const Process& sentinel = *sentinels[index];
  auto question = liveness_question(sentinel, sentinel.host, sentinel_limit);
  question.text = fmt::format("SENTINEL FAILOVER {}\r\n", cache);
  ask(io_, question, [this, index, cache, done = std::move(done)](const Heard& heard) {
    const auto words = heard ? heard->text.substr(0, heard->text.find('\r')) : heard.error().words;
    if (words == "+OK") {
      done(Result<>{});
    } else {
      ask_sentinel(index + 1, cache, words, done);
    }
  });
}

void Roles::bring_home(targets::Done<Moves> done) {
  auto move = std::make_shared<Move>(Move{blueprint(topology_).cache_homes, std::move(done),
                                          now() + home_limit, {}, "", {},
                                          boost::asio::steady_timer(io_)});
  health_.look([this, move] { step(move); });
}

void Roles::step(const std::shared_ptr<Move>& move) {
  while (!move->homes.empty()) {
    const auto& [cache, home] = *move->homes.begin();
    const auto& view = health_.cache(cache);
    const bool whole = view.in_words() == cache_in_words(1, static_cast<int>(view.nodes.size()) - 1);
    if (view.primary == home && whole) {
      move->homes.erase(move->homes.begin());
      move->asked.reset();
      continue;
    }
    if (now() >= move->until) {
      const auto refusal = move->refusal.empty() ? "" : fmt::format("; {}", move->refusal);
      move->done(Error{ErrorKind::timeout,
                       fmt::format("{} is not at home on {} after {}: primary is {}, {}{}", cache,
                                   home, in_words(home_limit),
                                   view.primary.empty() ? "unknown" : view.primary, view.in_words(),
                                   refusal)});
      return;
    }
    const bool away = !view.primary.empty() && view.primary != home;
    if (away && view.nodes.at(home).healthy && (!move->asked || now() >= *move->asked + ask_again)) {
      ask_for_move(move);
      return;
    }
    look_later(move);
    return;
  }
  move->done(std::move(move->moves));
}

void Roles::ask_for_move(const std::shared_ptr<Move>& move) {
  const auto& [cache, home] = *move->homes.begin();
  auto words = fmt::format("{}: {} -> {}", cache, health_.cache(cache).primary, home);
  fail_over(cache, [this, move, words = std::move(words)](Result<> agreed) {
    if (agreed) {
      move->asked = now();
      move->moves.push_back(words);
    } else {
      move->refusal = agreed.error().message;
    }
    look_later(move);
  });
}

void Roles::look_later(const std::shared_ptr<Move>& move) {
  move->timer.expires_after(look_pause);
  move->timer.async_wait([this, move](boost::system::error_code e) {
    if (!e) {
      health_.look([this, move] { step(move); });
    }
  });
}

}  // namespace faultline::lab
