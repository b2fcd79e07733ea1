#pragma once

#include "targets/lab/channel.hpp"
#include "targets/lab/supervisor_actions.hpp"
#include "targets/lab/supervisor_checks.hpp"
#include "targets/lab/supervisor_ownership.hpp"
#include "targets/lab/supervisor_undoing.hpp"

#include <memory>
#include <set>

namespace faultline::lab {

/// What a session works on.
struct LabParts {
  boost::asio::io_context& io;
  const Topology& topology;
  Children& children;
  Components& components;
  Health& health;
  Roles& roles;
  Switchovers& switchovers;
  Actions& actions;
  Undoing& undoing;
  Checks& checks;
  Ownership& ownership;
  targets::Json about;                                  ///< "pid", "up_since", "version" for status
  std::function<void(const targets::Notice&)> publish;  ///< to every watcher
  std::function<void()> down;                           ///< ends the lab
};

/// The world as it is now.
targets::World observe(const LabParts& lab);

/// One client: its requests, and what it started.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(LabParts& lab, std::shared_ptr<Channel> channel, int id)
      : lab_(lab), channel_(std::move(channel)), id_(id) {}

  /// `on_end`: the client is gone and everything it owned is let go.
  void start(std::function<void()> on_end);
  /// Ends the conversation without a word.
  void close() { channel_->close(); }
  /// To a client that watches.
  void notify(const targets::Notice& notice);
  /// Tells the client why it is not served, and closes.
  static void turn_away(const std::shared_ptr<Channel>& channel, const Error& error);

 private:
  using Json = targets::Json;
  struct Request {
    Json id;
    Json fields;
    std::vector<net::Fd> fds;
  };
  struct Op {
    std::string_view name;
    void (Session::*serve)(Request&);
  };
  static const std::array<Op, 15>& ops();

  void on_line(Json line, std::vector<net::Fd> fds);
  void serve(Request& request);
  void answer(const Json& id, Json ok, std::vector<net::Fd> fds = {});
  void answer(const Json& id, const Error& error);
  void answer(const Json& id, const Result<>& result);
  void end();

  void status(Request& request);
  void acquire(Request& request);
  void release(Request& request);
  void renew(Request& request);
  void arm(Request& request);
  void apply(Request& request);
  void revert(Request& request);
  void check(Request& request);
  void invariants(Request& request);
  void bring_home(Request& request);
  void exec(Request& request);
  void signal(Request& request);
  void dial_in(Request& request);
  void watch(Request& request);
  void down(Request& request);

  LabParts& lab_;
  std::shared_ptr<Channel> channel_;
  const int id_;
  std::function<void()> on_end_;
  std::map<int, pid_t> execs_;  // by number
  int last_exec_ = 0;
  bool watching_ = false;
};

}  // namespace faultline::lab
