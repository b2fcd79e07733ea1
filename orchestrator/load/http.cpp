// Kind http: HTTP/1.1 over a pool of connections, with sockets of its own (Source::wait).
#include "orchestrator/load/http_connection.hpp"
#include "orchestrator/load/source.hpp"
#include "orchestrator/load/status_classes.hpp"

#include <fmt/format.h>

#include <array>
#include <deque>
#include <memory>
#include <sys/epoll.h>
#include <system_error>

namespace faultline::load {
namespace {

constexpr int max_events = 256;  // of one look; the rest comes with the next
constexpr unsigned unauthorized = 401;
constexpr timespec no_time{};

Instant now() {
  return std::chrono::steady_clock::now();
}

/// Connections, and the requests on them or in the queue for one.
class HttpLoad {
 public:
  HttpLoad(HttpPlan plan, net::Fd epoll, std::uint64_t seed)
      : plan_(std::move(plan)),
        epoll_(std::move(epoll)),
        shared_{plan_, epoll_.get(), !plan_.tls, {}, 0},
        random_(~seed),  // the times of a Poisson load are drawn from `seed` itself
        unique_prefix_(unique_prefix(seed, std::chrono::system_clock::now())),
        sessions_(plan_.sessions ? plan_.sessions->count : 0) {}

  void send(Request request);
  Duration wait(Instant until);
  [[nodiscard]] bool answers_can_wait() const {
    return shared_.stamped && sessions_.empty() && queue_.empty() && shared_.connecting == 0;
  }

 private:
  using Progress = HttpConnection::Progress;

  /// A request from when it is due to when its fate is known.
  struct Flight {
    Request request;
    Instant sent;  ///< when it got its connection
    const HttpMessage* message = nullptr;
    HttpConnection* connection = nullptr;  ///< none: it waits
    std::uint64_t login = 0;               ///< of its session, when it was sent
    bool over = false;
  };
  struct Session {
    enum class State { out, logging_in, in } state = State::out;
    std::string token;
    std::uint64_t logins = 0;
    std::vector<std::uint64_t> waiting;
  };

  struct Unsettled {
    HttpConnection* connection;
    std::uint64_t number;
    Progress progress;
  };

  [[nodiscard]] bool in_flight(std::uint64_t number) {
    return number >= first_ && !flight(number).over;
  }
  [[nodiscard]] Flight& flight(std::uint64_t number) { return flights_[number - first_]; }
  [[nodiscard]] Session* session_of(std::uint64_t number) {
    return sessions_.empty() ? nullptr : &sessions_[number % sessions_.size()];
  }
  void begin(std::uint64_t number);
  HttpConnection* free_connection();
  void go(HttpConnection& connection, std::uint64_t number, const HttpMessage& message,
          bool logging_in);
  void progressed(HttpConnection& connection, Progress progress);
  void logged_in(HttpConnection& connection, Progress progress);
  void begin_waiting(Session& session);
  [[nodiscard]] Outcome outcome_of(const HttpConnection& connection, const Flight& flight);
  [[nodiscard]] std::optional<Instant> arrived(const HttpConnection& connection,
                                               Instant sent) const;
  void finish(std::uint64_t number, Outcome outcome);
  void release(HttpConnection& connection);
  void give_up_late(Instant at);
  void give_up(std::uint64_t number, Instant at);
  /// Failures are dealt with after what caused them, so that a failing `send` does not call itself.
  void settle();

  HttpPlan plan_;
  net::Fd epoll_;
  HttpShared shared_;
  std::mt19937_64 random_;
  std::string unique_prefix_;
  StatusClasses statuses_;
  std::vector<Session> sessions_;
  std::vector<std::unique_ptr<HttpConnection>> connections_;
  std::vector<HttpConnection*> free_;
  std::deque<Flight> flights_;  ///< from the oldest whose fate is not known
  std::uint64_t first_ = 0;     ///< number of the front
  std::deque<std::uint64_t> queue_;
  std::deque<Unsettled> to_settle_;
  Instant looked_at_;                      ///< when it was last told of events
  std::chrono::nanoseconds wall_ahead_{};  ///< the wall clock less the steady one, then
};

void HttpLoad::send(Request request) {
  const auto number = request.number;
  if (flights_.empty()) {
    first_ = number;
  }
  const auto& message = plan_.choose(random_);
  flights_.push_back({std::move(request), {}, &message});
  begin(number);
  settle();
}

HttpConnection* HttpLoad::free_connection() {
  if (!free_.empty()) {
    auto* connection = free_.back();
    free_.pop_back();
    return connection;
  }
  if (connections_.size() == plan_.connections) {
    return nullptr;
  }
  return connections_.emplace_back(std::make_unique<HttpConnection>(shared_)).get();
}

void HttpLoad::begin(std::uint64_t number) {
  auto* session = session_of(number);
  if (session != nullptr && session->state == Session::State::logging_in) {
    session->waiting.push_back(number);
    return;
  }
  auto* connection = free_connection();
  if (connection == nullptr) {
    queue_.push_back(number);
    return;
  }
  auto& f = flight(number);
  f.sent = now();
  f.connection = connection;
  const bool must_log_in = session != nullptr && session->state == Session::State::out;
  if (must_log_in) {
    session->state = Session::State::logging_in;
  }
  go(*connection, number, must_log_in ? plan_.sessions->login : *f.message, must_log_in);
}

void HttpLoad::go(HttpConnection& connection, std::uint64_t number, const HttpMessage& message,
                  bool logging_in) {
  connection.number = number;
  connection.logging_in = logging_in;
  Draw draw;
  if (message.fixed.empty()) {
    draw = draw_for(number, random_, unique_prefix_);
    draw.row = plan_.rows.of(number);
    if (const auto* session = session_of(number); session != nullptr) {
      draw.token = session->token;
    }
  }
  if (const auto* session = session_of(number); session != nullptr) {
    flight(number).login = session->logins;
  }
  const auto progress = connection.send(message, draw);
  if (progress != Progress::pending) {
    to_settle_.push_back({&connection, number, progress});
  }
}

void HttpLoad::settle() {
  while (!to_settle_.empty()) {
    const auto next = to_settle_.front();
    to_settle_.pop_front();
    if (in_flight(next.number) && flight(next.number).connection == next.connection) {
      progressed(*next.connection, next.progress);
    }
  }
}

void HttpLoad::progressed(HttpConnection& connection, Progress progress) {
  if (connection.logging_in) {
    return logged_in(connection, progress);
  }
  const auto number = connection.number;
  auto outcome = progress == Progress::answered ? outcome_of(connection, flight(number))
                                                : failed(connection.error(), flight(number).sent);
  if (progress == Progress::answered && connection.answer().status() == unauthorized) {
    auto* session = session_of(number);
    const bool current = session != nullptr && session->logins == flight(number).login;
    if (current && session->state == Session::State::in) {
      session->state = Session::State::out;
    }
  }
  if (shared_.stamped) {
    outcome.arrived = arrived(connection, outcome.sent);
  }
  outcome.unsent = !connection.wrote();
  finish(number, std::move(outcome));
  release(connection);
}

/// The request that had to log in first goes on with its own on the same connection.
void HttpLoad::logged_in(HttpConnection& connection, Progress progress) {
  const auto number = connection.number;
  auto& session = *session_of(number);
  auto outcome = failed(connection.error(), flight(number).sent);
  if (progress == Progress::answered) {
    outcome = outcome_of(connection, flight(number));
    session.token = text_at(connection.answer().body(), plan_.sessions->token);
    const bool usable = !session.token.empty() && !has_control(session.token);
    if (outcome.result != slo::Class::bad && !usable) {
      outcome = failed("no token", outcome.sent);
    }
  }
  const bool in = outcome.result != slo::Class::bad;
  session.state = in ? Session::State::in : Session::State::out;
  if (in) {
    ++session.logins;
    go(connection, number, *flight(number).message, false);
  } else {
    finish(number, never_sent("login: " + outcome.error, outcome.sent));
    release(connection);
  }
  begin_waiting(session);
}

void HttpLoad::begin_waiting(Session& session) {
  for (const auto number : std::exchange(session.waiting, {})) {
    if (in_flight(number)) {
      begin(number);
    }
  }
}

Outcome HttpLoad::outcome_of(const HttpConnection& connection, const Flight& f) {
  const auto& expectation =
      connection.logging_in ? plan_.sessions->login.expectation : f.message->expectation;
  const auto& answer = connection.answer();
  if (answer.status() != expectation.status()) {
    return failed(statuses_.name(answer.status(), answer.body()), f.sent);
  }
  if (auto wrong = expectation.wrong_in(answer); !wrong.empty()) {
    return failed(std::move(wrong), f.sent);
  }
  return {answer.degraded() ? slo::Class::degraded : slo::Class::good, "", f.sent};
}

/// By the steady clock. A wall clock that was set in between makes it a time that cannot be.
std::optional<Instant> HttpLoad::arrived(const HttpConnection& connection, Instant sent) const {
  const auto at = Instant(connection.arrived_wall() - wall_ahead_);
  const bool can_be = at >= sent && at <= looked_at_;
  return can_be ? std::optional(at) : std::nullopt;
}

void HttpLoad::finish(std::uint64_t number, Outcome outcome) {
  auto& f = flight(number);
  f.over = true;
  f.connection = nullptr;
  const auto done = std::move(f.request.done);
  while (!flights_.empty() && flights_.front().over) {
    flights_.pop_front();
    ++first_;
  }
  done(std::move(outcome));
}

void HttpLoad::release(HttpConnection& connection) {
  free_.push_back(&connection);
  while (!queue_.empty() && !free_.empty()) {
    const auto next = queue_.front();
    queue_.pop_front();
    if (in_flight(next) && flight(next).request.deadline > now()) {
      begin(next);
    }
  }
}

/// All have the same time, so the oldest is the first whose time is up.
void HttpLoad::give_up_late(Instant at) {
  const auto end = first_ + flights_.size();
  for (auto number = first_; number < end; ++number) {
    if (!in_flight(number)) {
      continue;
    }
    if (flight(number).request.deadline > at) {
      return;
    }
    give_up(number, at);
  }
}

void HttpLoad::give_up(std::uint64_t number, Instant at) {
  const auto& f = flight(number);
  auto* connection = f.connection;
  auto* session = session_of(number);
  if (connection == nullptr) {
    const bool logs_in = session != nullptr && session->state == Session::State::logging_in;
    return finish(number, never_sent(logs_in ? "login: deadline" : "connection limit", at));
  }
  const bool logs_in = connection->logging_in;
  // It waited longer for one of the connections than for the answer.
  const bool limited = session == nullptr && f.sent - f.request.due > at - f.sent;
  auto outcome = failed(logs_in   ? "login: " + connection->late()
                        : limited ? "connection limit"
                                  : connection->late(),
                        f.sent);
  outcome.unsent = logs_in || !connection->wrote();
  connection->give_up();
  finish(number, std::move(outcome));
  if (logs_in) {
    session->state = Session::State::out;
    begin_waiting(*session);
  }
  release(*connection);
}

Duration HttpLoad::wait(Instant until) {
  std::array<epoll_event, max_events> events;
  const auto began = now();
  const auto first_deadline = flights_.empty() ? until : flights_.front().request.deadline;
  const auto rest = std::max(std::min(until, first_deadline) - began, Duration::zero());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(rest);
  const timespec limit{seconds.count(), (rest - seconds).count()};
  const int count = ::epoll_pwait2(epoll_.get(), events.data(), max_events, &limit, nullptr);
  looked_at_ = now();
  if (shared_.stamped && count > 0) {
    wall_ahead_ =
        std::chrono::system_clock::now().time_since_epoch() - looked_at_.time_since_epoch();
  }
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    auto& connection = *static_cast<HttpConnection*>(event.data.ptr);
    const auto progress =
        connection.ready((event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
    if (progress != Progress::pending) {
      progressed(connection, progress);
    }
  }
  settle();
  give_up_late(looked_at_);
  settle();
  return looked_at_ - began;
}

}  // namespace

Result<Source> make_http(boost::asio::io_context&, const Spec& spec) {
  auto plan = parse_http(spec);
  if (!plan) {
    return plan.error();
  }
  net::Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (epoll_event none{}; ::epoll_pwait2(epoll.get(), &none, 1, &no_time, nullptr) != 0) {
    const auto why = std::generic_category().message(errno);
    return Error{ErrorKind::unsupported,
                 fmt::format("expected epoll_pwait2 of Linux 5.11 or newer, found: {}", why)};
  }
  const auto load =
      std::make_shared<HttpLoad>(std::move(*plan), std::move(epoll), spec.seed + spec.index);
  return Source{.send = [load](Request request) { load->send(std::move(request)); },
                .wait = [load](Instant until) { return load->wait(until); },
                .answers_can_wait = [load] { return load->answers_can_wait(); }};
}

}  // namespace faultline::load
