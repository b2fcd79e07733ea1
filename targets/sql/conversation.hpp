#pragma once

#include "targets/net/endpoint.hpp"
#include "targets/sql/answer.hpp"

#include <memory>
#include <optional>
#include <string>

struct st_mysql;
struct st_mysql_res;

namespace faultline::sql {

struct Login {
  std::string user;
  std::string password;
  std::string schema{};  ///< none: statements name theirs
};

/// One connection and what is said on it, one thing at a time, without ever waiting: the caller
/// waits for `wants()` on `socket()`, says what happened, and asks again, until nothing is wanted
/// and there is an answer. One thread at a time.
class Conversation {
 public:
  Conversation();
  ~Conversation();  ///< does not wait, whatever the server does
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  /// Once, and first.
  void connect(const net::Endpoint& to, const Login& as);
  /// Only while it stands and wants nothing.
  void query(std::string statement);

  /// POLLIN and POLLOUT, what the library waits for; 0 when what was asked has ended.
  [[nodiscard]] short wants() const { return wants_; }
  /// -1 when there is none. The library closes it when an operation fails.
  [[nodiscard]] int socket() const;
  /// `events` as poll tells them, errors and hang-ups among them.
  void happened(short events);
  /// Ends what goes on as `late`: the caller's deadline has passed. The server may go on with it.
  void cut_short();

  /// Of what ended last; it is handed over.
  Answer answer();
  /// The login was taken, and no failure since leaves open what the other side does.
  [[nodiscard]] bool stands() const { return stands_; }

 private:
  enum class Step { none, connect, query, store };
  int start();
  int proceed(int happened);
  void begin(Step step);
  /// `status`: what the library waits for, 0 when the step has ended.
  void go_on(int status);
  Step step_ended();
  void take_rows();
  void finish();
  [[nodiscard]] Failure failure() const;
  void shut() const;

  std::unique_ptr<st_mysql, void (*)(st_mysql*)> mysql_;
  net::Endpoint to_;
  Login login_;
  std::string statement_;
  Step step_ = Step::none;
  short wants_ = 0;
  st_mysql* connected_ = nullptr;
  int query_failed_ = 0;
  st_mysql_res* result_ = nullptr;
  Answer answer_;
  bool connecting_ = true, stands_ = false, late_ = false;
};

}  // namespace faultline::sql
