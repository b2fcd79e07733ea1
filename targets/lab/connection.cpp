#include "targets/lab/connection.hpp"

#include "targets/lab/launch.hpp"
#include "targets/net/asio_clock.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <optional>
#include <thread>

namespace faultline::lab {
namespace {

using targets::Json;

ErrorKind error_kind(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, ErrorKind>, 9> kinds{{
      {"usage", ErrorKind::usage},
      {"not_found", ErrorKind::not_found},
      {"unsupported", ErrorKind::unsupported},
      {"refused", ErrorKind::refused},
      {"fenced", ErrorKind::fenced},
      {"conflict", ErrorKind::conflict},
      {"timeout", ErrorKind::timeout},
      {"io", ErrorKind::io},
      {"cancelled", ErrorKind::cancelled},
  }};
  const auto* const found = std::ranges::find(kinds, name, &decltype(kinds)::value_type::first);
  return found == kinds.end() ? ErrorKind::io : found->second;
}

constexpr int gone_looks = 50;
constexpr Duration gone_pause = std::chrono::milliseconds(10);

Error lost(bool is_gone, const std::string& reason) {
  return is_gone
             ? Error{ErrorKind::not_found,
                     fmt::format("the lab is gone, and everything in it: {}", reason)}
             : Error{ErrorKind::io, fmt::format("the connection to the lab is lost: {}", reason)};
}

}  // namespace

Result<std::shared_ptr<Connection>> Connection::open(boost::asio::any_io_executor executor,
                                                     const std::filesystem::path& home) {
  auto channel = Channel::connect(executor, socket_path(home));
  if (!channel) {
    return channel.error().kind == ErrorKind::not_found ? no_lab(home) : channel.error();
  }
  // A supervisor that is killed closes one descriptor after the other, its listening one perhaps
  // last: one look is not enough.
  const auto is_gone = [executor, home] {
    for (int look = 0; look < gone_looks; ++look) {
      const auto again = Channel::connect(executor, socket_path(home));
      if (!again && again.error().kind == ErrorKind::not_found) {
        return true;
      }
      std::this_thread::sleep_for(gone_pause);
    }
    return false;
  };
  return over(executor, std::move(*channel), std::make_unique<net::AsioClock>(executor), is_gone);
}

std::shared_ptr<Connection> Connection::over(boost::asio::any_io_executor executor,
                                             std::shared_ptr<Channel> channel,
                                             std::unique_ptr<Clock> clock, IsGone is_gone) {
  std::shared_ptr<Connection> connection(new Connection(std::move(executor), std::move(channel),
                                                        std::move(clock), std::move(is_gone)));
  connection->start();
  return connection;
}

Connection::~Connection() {
  channel_->close();
}

void Connection::start() {
  channel_->start(
      [weak = weak_from_this()](const Json& line, std::vector<net::Fd> fds) {
        if (const auto me = weak.lock()) {
          me->on_line(line, std::move(fds));
        }
      },
      [weak = weak_from_this()](const std::string& reason) {
        if (const auto me = weak.lock()) {
          me->lose(reason);
        }
      });
}

void Connection::request(const std::string& op, Json fields, Duration limit, OnAnswer on_answer,
                         std::vector<net::Fd> fds) {
  const std::int64_t id = ++last_id_;
  auto& pending = pending_[id];
  pending.on_answer = std::move(on_answer);
  if (lost_) {
    boost::asio::post(executor_, [weak = weak_from_this(), id] {
      if (const auto me = weak.lock()) {
        me->settle(id, *me->lost_);
      }
    });
    return;
  }
  pending.timer = clock_->at(clock_->now() + limit, [weak = weak_from_this(), id, op, limit] {
    if (const auto me = weak.lock()) {
      me->settle(id, Error{ErrorKind::timeout, fmt::format("the lab did not answer '{}' within {}",
                                                           op, in_words(limit))});
    }
  });
  fields["id"] = id;
  fields["op"] = op;
  channel_->send(fields, std::move(fds));
}

void Connection::exec(const Program& program, std::vector<net::Fd> stdio,
                      targets::Done<int> started, OnExit on_exit) {
  request(
      "exec", {{"host", program.host}, {"argv", program.argv}, {"env", program.env}}, answer_limit,
      [weak = weak_from_this(), started = std::move(started),
       on_exit = std::move(on_exit)](Result<Answer> answer) {
        const auto me = weak.lock();
        if (!answer || me == nullptr) {
          started(answer ? lost(false, "it was closed") : answer.error());
          return;
        }
        const int number = answer->ok.at("exec").get<int>();
        me->running_[number] = on_exit;
        started(number);
      },
      std::move(stdio));
}

void Connection::signal(int exec, int number) {
  request("signal", {{"exec", exec}, {"signal", number}}, answer_limit,
          [](const Result<Answer>&) {});  // one that has ended meanwhile needs no signal
}

void Connection::on_notice(OnNotice listener) {
  listener_ = std::move(listener);
  request("watch", Json::object(), answer_limit, [weak = weak_from_this()](Result<Answer> answer) {
    const auto me = weak.lock();
    if (!answer && me != nullptr) {
      me->lose(answer.error().message);
    }
  });
}

void Connection::on_line(const Json& line, std::vector<net::Fd> fds) {
  const auto keep = shared_from_this();  // a callback may drop the last owner
  try {
    if (line.contains("id")) {
      on_answer(line, std::move(fds));
    } else if (line.contains("exec")) {
      on_exec_end(line);
    } else if (listener_) {
      listener_({Instant(Duration(line.at("t_ns").get<std::int64_t>())),
                 line.at("notice").get<std::string>(), line.at("detail")});
    }
  } catch (const Json::exception& malformed) {
    lose(fmt::format("it sent what this program does not understand: {}", malformed.what()));
  }
}

void Connection::on_answer(const Json& line, std::vector<net::Fd> fds) {
  if (line.contains("ok")) {
    settle(line.at("id").get<std::int64_t>(), Answer{line.at("ok"), std::move(fds)});
    return;
  }
  const Json& error = line.at("error");
  const Error told{error_kind(error.at("kind").get<std::string>()),
                   error.at("message").get<std::string>()};
  if (line.at("id").is_null()) {
    lose(told.message);  // no request of ours: the whole connection is refused
  } else {
    settle(line.at("id").get<std::int64_t>(), told);
  }
}

void Connection::on_exec_end(const Json& line) {
  const auto running = running_.extract(line.at("exec").get<int>());
  if (running) {
    running.mapped()(ProcessEnd{line.value("exited", 0), line.value("signal", 0)});
  }
}

void Connection::settle(std::int64_t id, Result<Answer> answer) {
  auto pending = pending_.extract(id);
  if (pending) {  // else it came after its limit
    pending.mapped().timer.reset();
    pending.mapped().on_answer(std::move(answer));
  }
}

void Connection::lose(const std::string& reason) {
  if (lost_) {
    return;
  }
  const auto keep = shared_from_this();
  lost_ = lost(is_gone_(), reason.empty() ? "the connection was closed" : reason);
  channel_->close();
  while (!pending_.empty()) {
    settle(pending_.begin()->first, *lost_);
  }
  for (const auto& [number, on_exit] : std::exchange(running_, {})) {
    on_exit(*lost_);
  }
  if (listener_) {
    listener_(
        {clock_->now(),
         "target_gone",
         {{"reason", lost_->message}, {"everything_gone", lost_->kind == ErrorKind::not_found}}});
  }
}

Result<Json> ask(const std::filesystem::path& home, const std::string& op, Json fields) {
  boost::asio::io_context io;
  const auto connection = Connection::open(io.get_executor(), home);
  if (!connection) {
    return connection.error();
  }
  std::optional<Result<Json>> outcome;
  (*connection)->request(op, std::move(fields), answer_limit, [&outcome](Result<Answer> answer) {
    outcome = answer ? ok<Json>(std::move(answer->ok)) : Result<Json>(answer.error());
  });
  while (!outcome && io.run_one() > 0) {
  }
  return outcome ? std::move(*outcome) : Result<Json>(lost(false, "no answer"));
}

}  // namespace faultline::lab
