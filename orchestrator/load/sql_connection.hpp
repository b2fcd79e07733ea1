#pragma once

#include "orchestrator/load/place.hpp"
#include "targets/clock.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct st_mysql;
struct st_mysql_res;

/// A MariaDB client: libmariadb's non-blocking calls on an Asio descriptor. The library's own
/// timeouts are whole seconds, so deadlines are kept here: an operation that is late has its socket
/// shut down and is told that its wait has timed out.
namespace faultline::load {

struct SqlAnswer {
  /// "", or the class of the failure: "timeout", "read only", "reset", "sql error 1146", ...
  std::string failure;
  /// The server said itself that it did not do it; otherwise a failure leaves that open.
  bool surely_not_done = false;
  std::vector<std::vector<std::string>> rows;
};

/// One connection, one query at a time. No callback is called from inside the call that takes it.
class SqlConnection : public std::enable_shared_from_this<SqlConnection> {
 public:
  explicit SqlConnection(boost::asio::io_context& io);
  ~SqlConnection();
  SqlConnection(const SqlConnection&) = delete;
  SqlConnection& operator=(const SqlConnection&) = delete;

  /// Once, as app/lab. `then` has the class of the error or "". Logging in counts as connecting.
  void connect(const Endpoint& to, Instant deadline,
               std::function<void(const std::string& error)> then);
  /// Only when it stands and is free. After a failure that is not the server's word it is closed.
  void query(std::string text, Instant deadline, std::function<void(const SqlAnswer&)> then);
  /// Nothing is called afterwards. Idempotent; never waits.
  void close();
  [[nodiscard]] bool free() const { return stands_ && step_ == Step::none && !then_; }
  [[nodiscard]] bool stands() const { return stands_; }
  /// Called when it is ended from the other side while it is free.
  void on_dropped(std::function<void(const std::string& why)> listener) {
    on_dropped_ = std::move(listener);
  }

 private:
  enum class Step { none, connect, query, store };
  int begin_step();
  int continue_step(int happened);
  void begin(Step step, Instant deadline);
  /// `status`: what the library waits for, 0 when the step has ended.
  void go_on(int status);
  void wait_for(int status);
  void happened(int event);
  void late();
  bool watch_socket();
  /// The step that follows at once, or none when the operation has ended.
  Step step_ended();
  void finish(SqlAnswer answer);
  void watch_idle();
  [[nodiscard]] SqlAnswer failure() const;
  void shut();

  boost::asio::io_context& io_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<st_mysql, void (*)(st_mysql*)> mysql_;
  std::optional<boost::asio::posix::stream_descriptor> socket_;  ///< a duplicate of the library's
  std::string host_, text_;
  unsigned port_ = 0;
  Step step_ = Step::none;
  st_mysql* connected_ = nullptr;
  int query_failed_ = 0;
  st_mysql_res* result_ = nullptr;
  std::function<void(const SqlAnswer&)> then_;  ///< until it has been called
  std::function<void(const std::string&)> on_dropped_;
  std::vector<std::vector<std::string>> rows_;
  std::uint64_t waits_ = 0;  ///< events of an earlier wait are of no interest
  bool stands_ = false, late_ = false;
};

/// 'text' as a literal of SQL.
std::string quoted(const std::string& text);

}  // namespace faultline::load
