#include "targets/lab/supervisor_roles.hpp"

#include <fmt/format.h>

#include <utility>

namespace faultline::lab {
namespace {

using namespace std::chrono_literals;
using Moves = std::vector<std::string>;

constexpr Duration sentinel_limit = 1s;
constexpr Duration home_limit = 20s;  // it takes some 5 s
constexpr Duration look_pause = 250ms;
constexpr Duration ask_again = 4s;  // a failover takes 1 to 2 s; meanwhile Sentinel refuses another

// A Sentinel looks at a node every 10 s and demotes an old primary after four times its publishing
// period: 11 to 21 s for each way home. While nothing is measured it may look more often.
constexpr auto brisk_pace = "SENTINEL DEBUG info-period 1000 publish-period 500";
constexpr auto usual_pace = "SENTINEL DEBUG info-period 10000 publish-period 2000";  // Redis' own

Instant now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

/// The way home of all caches, one after the other.
struct Roles::Move {
  std::map<std::string, std::string> homes;  // of caches that are not at home yet
  targets::Done<Moves> done;
  Instant until;
  bool brisk = false;             // the Sentinels' pace
  std::string from;               // where the primary was when a move was first asked for
  std::optional<Instant> agreed;  // when a Sentinel last agreed
  std::string refusal;            // the last one of a Sentinel
  Moves moves;
  boost::asio::steady_timer timer;
};

void Roles::fail_over(const std::string& cache, targets::Done<void> done) {
  try_sentinel(0, cache, "the lab has no Sentinel", done);
}

void Roles::ask_one(const Process& sentinel, const std::string& command,
                    const std::function<void(const std::string& words)>& done) {
  auto question = liveness_question(sentinel, sentinel.host, sentinel_limit);
  question.text = command + "\r\n";
  question.whole = [](const std::string& text) { return parse_replies(text, 1).has_value(); };
  ask(io_, question,
      [done](const Heard& heard) { done(heard ? heard->text : heard.error().words); });
}

void Roles::ask_all(const std::string& command,
                    const std::function<void(const Words& words)>& done) {
  const auto sentinels = topology_.of_kind("sentinel");
  auto heard = std::make_shared<Words>();
  for (const auto* sentinel : sentinels) {
    ask_one(*sentinel, command, [heard, done, count = sentinels.size()](const std::string& words) {
      heard->push_back(words);
      if (heard->size() == count) {
        done(*heard);
      }
    });
  }
}

/// One Sentinel after the other until one agrees.
void Roles::try_sentinel(std::size_t index, const std::string& cache, const std::string& last_words,
                         const targets::Done<void>& done) {
  const auto sentinels = topology_.of_kind("sentinel");
  if (index == sentinels.size()) {
    done(
        Error{ErrorKind::refused, fmt::format("no Sentinel fails {} over: {}", cache, last_words)});
    return;
  }
  ask_one(*sentinels[index], "SENTINEL FAILOVER " + cache,
          [this, index, cache, done](const std::string& words) {
            if (words == "+OK\r\n") {
              done(Result<>{});
            } else {
              try_sentinel(index + 1, cache, words.substr(0, words.find('\r')), done);
            }
          });
}

void Roles::bring_home(targets::Done<Moves> done) {
  std::map<std::string, std::string> homes;
  for (const auto& [store, home] : blueprint(topology_).homes) {
    if (topology_.process(home)->kind == "redis") {
      homes[store] = home;
    }
  }
  auto move = std::make_shared<Move>(Move{std::move(homes),
                                          std::move(done),
                                          now() + home_limit,
                                          false,
                                          "",
                                          {},
                                          "",
                                          {},
                                          boost::asio::steady_timer(io_)});
  health_.look([this, move] { step(move); });
}

bool Roles::at_home(const std::string& cache, const std::string& home) const {
  const auto& view = health_.cache(cache);
  return view.primary == home &&
         view.in_words() == cache_in_words(1, static_cast<int>(view.nodes.size()) - 1);
}

void Roles::step(const std::shared_ptr<Move>& move) {
  if (move->homes.empty()) {
    end(move, {});
  } else {
    ask_all("SENTINEL REPLICAS " + move->homes.begin()->first,
            [this, move](const Words& replicas) { decide(move, replicas); });
  }
}

/// `replicas`: what every Sentinel sees. Those that do not answer cannot interfere.
void Roles::decide(const std::shared_ptr<Move>& move, const Words& replicas) {
  const auto& [cache, home] = *move->homes.begin();
  const auto& home_address = topology_.process(home)->address;
  bool all_caught_up = true;
  bool all_prefer_home = true;
  for (const auto& words : replicas) {
    if (const auto replies = parse_replies(words, 1)) {
      const auto seen = parse_replicas(replies->front());
      all_caught_up = all_caught_up && caught_up(seen);
      all_prefer_home = all_prefer_home && prefers(seen, home_address);
    }
  }
  const auto& view = health_.cache(cache);
  const bool away = !view.primary.empty() && view.primary != home;
  const bool may_ask = !move->agreed || now() >= *move->agreed + ask_again;
  if (at_home(cache, home) && all_caught_up) {
    if (!move->from.empty()) {
      move->moves.push_back(
          fmt::format("{}: {} -> {}", cache, std::exchange(move->from, {}), home));
    }
    move->agreed.reset();
    move->homes.erase(move->homes.begin());
    step(move);
  } else if (now() >= move->until) {
    end(move, Error{ErrorKind::timeout, not_home(*move)});
  } else if (!move->brisk) {
    move->brisk = true;
    ask_all(brisk_pace, [this, move](const Words&) { look_later(move); });
  } else if (away && may_ask && all_caught_up && all_prefer_home && view.nodes.at(home).healthy) {
    ask_for_move(move);
  } else {
    look_later(move);
  }
}

void Roles::ask_for_move(const std::shared_ptr<Move>& move) {
  const auto& cache = move->homes.begin()->first;
  if (move->from.empty()) {
    move->from = health_.cache(cache).primary;
  }
  fail_over(cache, [this, move](const Result<>& agreed) {
    if (agreed) {
      move->agreed = now();
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

void Roles::end(const std::shared_ptr<Move>& move, const Result<>& result) {
  const auto answer = [move, result](const Words&) {
    move->done(result ? Result<Moves>(move->moves) : Result<Moves>(result.error()));
  };
  if (move->brisk) {
    ask_all(usual_pace, answer);
  } else {
    answer({});
  }
}

std::string Roles::not_home(const Move& move) const {
  const auto& [cache, home] = *move.homes.begin();
  const auto& view = health_.cache(cache);
  return fmt::format("{} is not at home on {} after {}: its primary is {}, {}{}{}", cache, home,
                     in_words(home_limit), view.primary.empty() ? "unknown" : view.primary,
                     view.in_words(), move.refusal.empty() ? "" : "; ", move.refusal);
}

}  // namespace faultline::lab
