#include "targets/lab/supervisor_session.hpp"

#include "targets/lab/supervisor_usage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <signal.h>

namespace faultline::lab {
namespace {

using targets::Action;
using targets::Epoch;
using targets::Json;
using namespace std::chrono_literals;

constexpr std::size_t max_execs = 32;  // of one client: a run has some six workers
constexpr Duration dial_limit = 5s;

std::string_view name_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return "usage";
    case ErrorKind::not_found:
      return "not_found";
    case ErrorKind::unsupported:
      return "unsupported";
    case ErrorKind::refused:
      return "refused";
    case ErrorKind::fenced:
      return "fenced";
    case ErrorKind::conflict:
      return "conflict";
    case ErrorKind::timeout:
      return "timeout";
    case ErrorKind::io:
      return "io";
    case ErrorKind::cancelled:
      return "cancelled";
  }
  return "io";
}

Json error_line(const Json& id, const Error& error) {
  return {{"id", id}, {"error", {{"kind", name_of(error.kind)}, {"message", error.message}}}};
}

Instant now() {
  return std::chrono::steady_clock::now();
}

Epoch epoch_of(const Json& fields) {
  return fields.at("epoch").get<Epoch>();
}

}  // namespace

const std::array<Session::Op, 15>& Session::ops() {
  static constexpr std::array<Op, 15> all{{{"status", &Session::status},
                                           {"acquire", &Session::acquire},
                                           {"release", &Session::release},
                                           {"renew", &Session::renew},
                                           {"arm", &Session::arm},
                                           {"apply", &Session::apply},
                                           {"revert", &Session::revert},
                                           {"check", &Session::check},
                                           {"invariants", &Session::invariants},
                                           {"bring_home", &Session::bring_home},
                                           {"exec", &Session::exec},
                                           {"signal", &Session::signal},
                                           {"dial", &Session::dial_in},
                                           {"watch", &Session::watch},
                                           {"down", &Session::down}}};
  return all;
}

void Session::start(std::function<void()> on_end) {
  on_end_ = std::move(on_end);
  channel_->start(
      [me = shared_from_this()](Json line, std::vector<net::Fd> fds) {
        me->on_line(std::move(line), std::move(fds));
      },
      [me = shared_from_this()](const std::string&) { me->end(); });
}

void Session::turn_away(const std::shared_ptr<Channel>& channel, const Error& error) {
  channel->send(error_line(nullptr, error));
  channel->close();
}

void Session::notify(const targets::Notice& notice) {
  if (watching_) {
    channel_->send({{"notice", notice.name},
                    {"t_ns", notice.at.time_since_epoch().count()},
                    {"detail", notice.detail}});
  }
}

void Session::on_line(Json line, std::vector<net::Fd> fds) {
  Request request{nullptr, std::move(line), std::move(fds)};
  try {
    request.id = request.fields.at("id");
    serve(request);
  } catch (const Json::exception& e) {
    answer(request.id, Error{ErrorKind::usage, fmt::format("malformed request: {}", e.what())});
  } catch (const std::exception& e) {
    // The lab outlives a request that it was not made for.
    answer(request.id,
           Error{ErrorKind::io, fmt::format("the lab failed at this request: {}", e.what())});
  }
}

void Session::serve(Request& request) {
  const auto op = request.fields.at("op").get<std::string>();
  const auto it = std::ranges::find(ops(), op, &Op::name);
  if (it == ops().end()) {
    answer(request.id, Error{ErrorKind::usage,
                             fmt::format("the lab knows no request '{}'; is the program older or "
                                         "newer than the lab? take it down and up again",
                                         op)});
  } else {
    (this->*it->serve)(request);
  }
}

void Session::answer(const Json& id, Json ok, std::vector<net::Fd> fds) {
  channel_->send({{"id", id}, {"ok", std::move(ok)}}, std::move(fds));
}

void Session::answer(const Json& id, const Error& error) {
  channel_->send(error_line(id, error));
}

void Session::answer(const Json& id, const Result<>& result) {
  if (result) {
    answer(id, Json::object());
  } else {
    answer(id, result.error());
  }
}

void Session::end() {
  for (const auto& [number, pid] : execs_) {
    ::kill(-pid, SIGKILL);
  }
  const auto owner = lab_.ownership.owner();
  if (lab_.ownership.connection_closed(id_)) {
    lab_.publish({now(), "owner_lost", {{"owner", owner}}});
  }
  on_end_();
}

void Session::status(Request& request) {
  Json world = observe(lab_);
  const auto wrong = unmet(lab_.health.invariants());
  world.update(lab_.about);
  world["hosts_up"] = lab_.topology.hosts.size();
  world["healthy"] = wrong.empty();
  world["unhealthy"] = wrong;
  answer(request.id, std::move(world));
}

void Session::acquire(Request& request) {
  const auto& fields = request.fields;
  auto epoch = lab_.ownership.acquire(fields.at("who").get<std::string>(),
                                      fields.at("instead_of").get<Epoch>(), id_, now());
  if (epoch) {
    answer(request.id, {{"epoch", *epoch}});
  } else {
    answer(request.id, epoch.error());
  }
}

void Session::release(Request& request) {
  answer(request.id, lab_.ownership.release(epoch_of(request.fields)));
}

void Session::renew(Request& request) {
  answer(request.id, lab_.ownership.renew(epoch_of(request.fields), now()));
}

void Session::arm(Request& request) {
  const auto action = request.fields.at("action").get<Action>();
  if (auto valid = lab_.actions.validate(action); !valid) {
    answer(request.id, valid);
    return;
  }
  // Not before what an earlier owner left under that id is undone.
  lab_.undoing.after(action.id, [me = shared_from_this(), id = request.id, action,
                                 epoch = epoch_of(request.fields)] {
    me->answer(id, me->lab_.ownership.arm(action, epoch, now()));
  });
}

void Session::apply(Request& request) {
  const auto id = request.fields.at("action").at("id").get<std::string>();
  const auto action = lab_.ownership.begin_apply(id, epoch_of(request.fields));
  if (!action) {
    answer(request.id, action.error());
    return;
  }
  lab_.actions.apply(*action, [me = shared_from_this(), id = request.id](const Result<>& result) {
    if (result) {
      me->answer(id, {{"outcome", to_string(targets::Outcome::done)}});
    } else {
      me->answer(id, result.error());
    }
  });
}

void Session::revert(Request& request) {
  const auto action = lab_.ownership.begin_revert(
      request.fields.at("action").at("id").get<std::string>(), epoch_of(request.fields));
  if (!action || !*action) {
    answer(request.id, action ? Result<>{} : Result<>(action.error()));
    return;
  }
  lab_.undoing.undo(**action, [me = shared_from_this(), id = request.id](const Result<>& result) {
    me->answer(id, result);
  });
}

void Session::check(Request& request) {
  lab_.checks.check(
      request.fields.at("check").get<targets::Check>(),
      [me = shared_from_this(), id = request.id](const Result<targets::CheckResult>& result) {
        if (result) {
          me->answer(id, {{"holds", result->holds}, {"evidence", result->evidence}});
        } else {
          me->answer(id, result.error());
        }
      });
}

void Session::invariants(Request& request) {
  lab_.checks.invariants(
      [me = shared_from_this(), id = request.id](Result<std::vector<targets::Invariant>> found) {
        Json list = Json::array();
        for (const auto& i : *found) {
          list.push_back({{"name", i.name}, {"value", i.value}, {"wanted", i.wanted}});
        }
        me->answer(id, {{"invariants", std::move(list)}});
      });
}

void Session::bring_home(Request& request) {
  if (auto permitted = lab_.ownership.permit(epoch_of(request.fields)); !permitted) {
    answer(request.id, permitted);
    return;
  }
  struct Homing {
    int left = 2;
    Result<std::vector<std::string>> moves = std::vector<std::string>{};
  };
  const auto one = [me = shared_from_this(), id = request.id, homing = std::make_shared<Homing>()](
                       const Result<std::vector<std::string>>& moved) {
    if (homing->moves && moved) {
      homing->moves->insert(homing->moves->end(), moved->begin(), moved->end());
    } else if (homing->moves) {
      homing->moves = moved.error();
    }
    if (--homing->left > 0) {
      return;
    }
    if (homing->moves) {
      me->answer(id, {{"moves", *homing->moves}});
    } else {
      me->answer(id, homing->moves.error());
    }
  };
  lab_.roles.bring_home(one);
  lab_.switchovers.bring_home(one);
}

void Session::exec(Request& request) {
  const auto& fields = request.fields;
  const auto argv = fields.at("argv").get<std::vector<std::string>>();
  if (request.fds.size() != 3 || argv.empty() || execs_.size() == max_execs) {
    answer(request.id,
           Error{ErrorKind::usage,
                 fmt::format("exec needs a program, 3 descriptors and at most {} of a client at "
                             "once; found {} arguments, {} descriptors, {} running",
                             max_execs, argv.size(), request.fds.size(), execs_.size())});
    return;
  }
  const auto host = fields.at("host").get<std::string>();
  ChildSpec spec{host,
                 argv,
                 fields.value("env", std::map<std::string, std::string>{}),
                 request.fds[0].get(),
                 request.fds[1].get(),
                 request.fds[2].get()};
  spec.env["FAULTLINE_LAB_HOST"] = host;
  const int number = ++last_exec_;
  const auto on_exit = [me = shared_from_this(), number](const Exit& exit) {
    me->execs_.erase(number);
    me->channel_->send(exit.signal != 0 ? Json{{"exec", number}, {"signal", exit.signal}}
                                        : Json{{"exec", number}, {"exited", exit.code}});
  };
  const auto pid = host.empty() ? Result<pid_t>(Error{ErrorKind::not_found, "exec needs a host"})
                                : lab_.children.spawn(spec, on_exit);
  if (!pid) {
    answer(request.id, pid.error());
    return;
  }
  execs_[number] = *pid;
  answer(request.id, {{"exec", number}});
}

void Session::signal(Request& request) {
  const auto it = execs_.find(request.fields.at("exec").get<int>());
  const int number = request.fields.at("signal").get<int>();
  if (it == execs_.end() || ::kill(-it->second, number) != 0) {
    answer(request.id, Error{ErrorKind::not_found, "no such exec or no such signal"});
  } else {
    answer(request.id, Json::object());
  }
}

void Session::dial_in(Request& request) {
  const auto& fields = request.fields;
  const Question question{fields.at("host").get<std::string>(),
                          fields.at("address").get<std::string>(),
                          fields.at("port").get<std::uint16_t>(),
                          "",
                          "",
                          nullptr,
                          dial_limit};
  if (lab_.topology.host(question.host) == nullptr) {
    answer(request.id,
           Error{ErrorKind::not_found, fmt::format("the lab has no host '{}'", question.host)});
    return;
  }
  dial(lab_.io, question,
       [me = shared_from_this(), id = request.id](boost::system::result<int, NoAnswer> socket) {
         if (!socket) {
           me->answer(id, Error{ErrorKind::refused, socket.error().words});
           return;
         }
         std::vector<net::Fd> fds;
         fds.emplace_back(*socket);
         me->answer(id, Json::object(), std::move(fds));
       });
}

void Session::watch(Request& request) {
  watching_ = true;
  answer(request.id, Json::object());
}

void Session::down(Request& request) {
  answer(request.id, Json::object());
  lab_.down();
}

targets::World observe(const LabParts& lab) {
  auto world = blueprint(lab.topology);
  const auto usage = usage_by_group();
  for (auto& c : world.components) {
    const auto report = lab.health.of(c.name);
    c.state = lab.components.state(c.name);
    c.healthy = report.healthy;
    c.health = report.words;
    c.arrived = lab.health.arrived(c.name);
    c.pid = lab.components.pid(c.name);
    if (const auto used = usage.find(c.pid); c.pid != 0 && used != usage.end()) {
      c.memory_bytes = used->second.memory_bytes;
      c.cpu_ms = used->second.cpu_ms;
    }
    c.labels.erase("role");
    if (!report.role.empty()) {
      c.labels["role"] = report.role;
    }
  }
  world.machine = machine_used(usage);
  world.in_force = lab.ownership.in_force(now());
  world.owner = lab.ownership.owner();
  return world;
}

}  // namespace faultline::lab
