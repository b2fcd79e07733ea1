#pragma once

#include "targets/clock.hpp"
#include "targets/lab/channel.hpp"
#include "targets/lab/spawn.hpp"
#include "targets/target.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace faultline::lab {

/// The answer to a request; descriptors came with it.
struct Answer {
  targets::Json ok;
  std::vector<net::Fd> fds;
};

/// The client's side of the protocol: requests with an answer or an error each, notices, and
/// programs run inside. Every callback comes on the executor, never from inside a call; none comes
/// after the connection is destroyed.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using OnAnswer = std::function<void(Result<Answer>)>;
  using OnNotice = std::function<void(const targets::Notice&)>;
  /// How the program ended; an error as `request` has it when the connection was lost first.
  using OnExit = std::function<void(Result<ProcessEnd>)>;

  /// Whether the lab is gone, and everything in it: nobody listens where it did.
  using IsGone = std::function<bool()>;

  /// Error `not_found` says how to start a lab.
  static Result<std::shared_ptr<Connection>> open(boost::asio::any_io_executor executor,
                                                  const std::filesystem::path& home);
  static std::shared_ptr<Connection> over(boost::asio::any_io_executor executor,
                                          std::shared_ptr<Channel> channel,
                                          std::unique_ptr<Clock> clock, IsGone is_gone);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Error `timeout` after `limit`; when the connection is lost `not_found` if the lab is gone, and
  /// `io` if it still is there.
  void request(const std::string& op, targets::Json fields, Duration limit, OnAnswer on_answer,
               std::vector<net::Fd> fds = {});

  struct Program {
    std::string host;
    std::vector<std::string> argv;
    std::map<std::string, std::string> env;
  };
  /// Starts a program with standard input, output and error; `started` gets its number.
  void exec(const Program& program, std::vector<net::Fd> stdio, targets::Done<int> started,
            OnExit on_exit);
  void signal(int exec, int number);

  /// One listener. It also hears {"target_gone", {"reason", "everything_gone"}} when the connection
  /// is lost.
  void on_notice(OnNotice listener);

  [[nodiscard]] const boost::asio::any_io_executor& executor() const { return executor_; }

 private:
  struct Pending {
    OnAnswer on_answer;
    std::unique_ptr<Timer> timer;
  };

  Connection(boost::asio::any_io_executor executor, std::shared_ptr<Channel> channel,
             std::unique_ptr<Clock> clock, IsGone is_gone)
      : executor_(std::move(executor)),
        channel_(std::move(channel)),
        clock_(std::move(clock)),
        is_gone_(std::move(is_gone)) {}

  void start();
  void on_line(const targets::Json& line, std::vector<net::Fd> fds);
  void on_answer(const targets::Json& line, std::vector<net::Fd> fds);
  void on_exec_end(const targets::Json& line);
  void settle(std::int64_t id, Result<Answer> answer);
  void lose(const std::string& reason);

  boost::asio::any_io_executor executor_;
  std::shared_ptr<Channel> channel_;
  std::unique_ptr<Clock> clock_;
  IsGone is_gone_;
  OnNotice listener_;
  std::map<std::int64_t, Pending> pending_;
  std::map<int, OnExit> running_;
  std::int64_t last_id_ = 0;
  std::optional<Error> lost_;  // why, when it is
};

/// The longest that a lab takes to answer, other than for what waits on its managers.
constexpr Duration answer_limit = std::chrono::seconds(5);

/// One request on a connection of its own; blocks.
Result<targets::Json> ask(const std::filesystem::path& home, const std::string& op,
                          targets::Json fields = targets::Json::object());

}  // namespace faultline::lab
