#include "targets/lab/supervisor_switchover.hpp"

#include "targets/lab/supervisor_http.hpp"

#include <fmt/format.h>

namespace faultline::lab {
namespace {

using namespace std::chrono_literals;
using targets::Json;
using Moves = std::vector<std::string>;

constexpr Duration switchover_limit = 12s;  // the manager answers within 10 s
constexpr Duration home_limit = 20s;        // it takes 1 s, a node that is copied anew some 3 s
constexpr Duration look_pause = 100ms;
constexpr int http_ok = 200;
constexpr int http_late = 504;  // it was begun and goes on

}  // namespace

struct Switchovers::Move {
  std::string database, home;
  targets::Done<Moves> done;
  Instant until;
  std::string refusal;  // the manager's last
  Moves moves;
  boost::asio::steady_timer timer;
};

Result<> switchover_answer(const Heard& heard) {
  if (!heard) {
    return Error{heard.error().why == Silence::timeout ? ErrorKind::timeout : ErrorKind::refused,
                 "the database's manager does not answer: " + heard.error().words};
  }
  const auto answer = parse_http(heard->text);
  if (!answer) {
    return Error{ErrorKind::refused, "the database's manager answers no HTTP: " + heard->text};
  }
  if (answer->status == http_ok) {
    return {};
  }
  const auto said = Json::parse(answer->body, nullptr, false);
  const auto words = said.is_object() ? said.value("error", answer->body) : answer->body;
  return answer->status == http_late
             ? Error{ErrorKind::timeout, "the database's manager is not done yet: " + words}
             : Error{ErrorKind::refused, "the database's manager moves nothing: " + words};
}

void Switchovers::ask(const std::string& to, targets::Done<void> done) {
  const auto& manager = *topology_.of_kind("manager").front();
  const auto question = http_question({manager.host, manager.address, manager.port}, "POST",
                                      "/switchover", Json{{"to", to}}.dump(), switchover_limit);
  lab::ask(io_, question,
           [done = std::move(done)](const Heard& heard) { done(switchover_answer(heard)); });
}

void Switchovers::bring_home(targets::Done<Moves> done) {
  const auto& first = *topology_.of_kind("database").front();
  auto move = std::make_shared<Move>(Move{first.labels.at("database"),
                                          first.name,
                                          std::move(done),
                                          std::chrono::steady_clock::now() + home_limit,
                                          "",
                                          {},
                                          boost::asio::steady_timer(io_)});
  health_.look([this, move] { step(move); });
}

void Switchovers::step(const std::shared_ptr<Move>& move) {
  const auto& view = health_.database(move->database);
  if (view.whole() && view.rw == move->home) {
    move->done(move->moves);
  } else if (std::chrono::steady_clock::now() >= move->until) {
    move->done(
        Error{ErrorKind::timeout,
              fmt::format("{} is not at home on {} after {}: its writable node is {}, {}{}{}",
                          move->database, move->home, in_words(home_limit),
                          view.rw.empty() ? "unknown" : view.rw, view.in_words,
                          move->refusal.empty() ? "" : "; ", move->refusal)});
  } else if (view.whole()) {
    ask(move->home, [this, move, from = view.rw](const Result<>& moved) {
      if (moved) {
        move->moves.push_back(fmt::format("{}: {} -> {}", move->database, from, move->home));
      } else {
        move->refusal = moved.error().message;
      }
      look_later(move);
    });
  } else {
    look_later(move);
  }
}

void Switchovers::look_later(const std::shared_ptr<Move>& move) {
  move->timer.expires_after(look_pause);
  move->timer.async_wait([this, move](boost::system::error_code e) {
    if (!e) {
      health_.look([this, move] { step(move); });
    }
  });
}

}  // namespace faultline::lab
