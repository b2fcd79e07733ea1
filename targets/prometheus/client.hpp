#pragma once

#include "targets/prometheus/alerts.hpp"
#include "targets/prometheus/figure.hpp"
#include "targets/web/client.hpp"

#include <functional>

namespace faultline::prometheus {

/// Where a server is: "http://127.0.0.1:9090", with a path in front of /api when it has one.
struct Server {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers{};  ///< Authorization, for instance
  Duration limit = std::chrono::seconds(5);                    ///< of one question
};

/// Answers questions about the past; callbacks come on the asker's thread, never from inside a
/// call.
class Source {
 public:
  template <class T>
  using Then = std::function<void(Result<T>)>;

  virtual ~Source() = default;
  virtual void figure(const Question& question, Then<Figure> then) = 0;
  virtual void history(const AlertQuestion& question, Then<AlertHistory> then) = 0;
};

/// Asks one server, through a web client that outlives it. Callbacks come as that client's do; the
/// errors are its, the parsers' and those of the pure functions that turn answers into values.
///
/// A question about [from, to] is asked when the samples of `to` have arrived: one scrape interval
/// later, and for an alert one evaluation interval more.
class Client : public Source {
 public:
  Client(web::Client& web, Server server) : web_(web), server_(std::move(server)) {}

  /// An expression at one time, and over a window.
  void query(const std::string& expression, WallTime at, Then<Answer> then);
  void query(const std::string& expression, const Window& window, Then<Answer> then);
  void rules(Then<std::vector<AlertRule>> then);

  void figure(const Question& question, Then<Figure> then) override;
  void history(const AlertQuestion& question, Then<AlertHistory> then) override;

 private:
  using Fields = std::vector<std::pair<std::string, std::string>>;
  void ask(const std::string& path, Fields fields, Then<Answer> then);
  [[nodiscard]] web::Request request(const std::string& path) const;

  web::Client& web_;
  Server server_;
};

}  // namespace faultline::prometheus
