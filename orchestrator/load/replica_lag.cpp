// Kind replica_lag: how long a row takes from a cluster's endpoint to its replicas.
#include "orchestrator/load/source.hpp"
#include "orchestrator/load/sql_error.hpp"
#include "orchestrator/load/sql_store.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <deque>
#include <list>

namespace faultline::load {
namespace {

/// As sql_writes: an attempt is a short one, and a node that is gone is looked for again at once.
constexpr Duration attempt_timeout = std::chrono::seconds(1);
constexpr Duration connect_timeout = std::chrono::milliseconds(250);
/// A replica may be far away for a while: three round trips of 300 ms. After a cut it is found
/// again that much later at most.
constexpr Duration replica_connect_timeout = std::chrono::seconds(1);
constexpr auto connect_interval = std::chrono::milliseconds(50);
/// Between two looks at a replica: a fiftieth of the lag so far, so that the figure is 2 % off at
/// most, but no more than 500 looks a second.
constexpr int looks_of_a_lag = 50;
constexpr Duration least_pause = std::chrono::milliseconds(2);
constexpr Duration longest_pause = std::chrono::milliseconds(100);
constexpr std::size_t max_replicas = 8;  // a cluster of PolarDB has 15, a figure needs some of them
constexpr double max_rate_per_s = 100;   // each beat is a commit, and a look at each replica
constexpr Duration cleaning_limit = std::chrono::seconds(2);

Instant now() {
  return std::chrono::steady_clock::now();
}

/// A connection that is made again whenever it ends.
class Link {
 public:
  /// An attempt to connect is given `connect_timeout`, the next ones longer, up to `longest`.
  /// `changed`: after each.
  Link(boost::asio::io_context& io, const Endpoint& at, Duration longest,
       std::function<void()> changed)
      : io_(io), at_(at), longest_(longest), changed_(std::move(changed)), pause_(io) {}

  void connect() {
    since_ = now();
    connection_ = connect_as_client(io_, at_, since_ + patience_, [this](const auto& answer) {
      tried_ = true;
      if (answer.failure) {
        patience_ = std::min(2 * patience_, longest_);
        lost(answer.failure);
      } else {
        patience_ = connect_timeout;
        connection_->on_dropped([this](const sql::Failure& why) { lost(why); });
      }
      changed_();
    });
  }
  /// Only when it is free. A failure ends the connection: it may be another node that answers next.
  void query(std::string statement, Instant deadline, sql::AsyncConnection::Then then) {
    connection_->query(std::move(statement), deadline,
                       [this, then = std::move(then)](const sql::Answer& answer) {
                         if (answer.failure) {
                           lost(answer.failure);
                         }
                         then(answer);
                       });
  }
  void close() {
    pause_.cancel();
    if (const auto connection = std::exchange(connection_, nullptr)) {
      connection->close();
    }
  }

  [[nodiscard]] bool tried() const { return tried_; }
  [[nodiscard]] bool stands() const { return connection_ && connection_->stands(); }
  [[nodiscard]] bool free() const { return connection_ && connection_->free(); }
  /// Why it does not stand: the class of what ended it.
  [[nodiscard]] const std::string& why() const { return why_; }

 private:
  void lost(const sql::Failure& why) {
    why_ = sql_error_class(why);
    close();
    pause_.expires_at(since_ + connect_interval);
    pause_.async_wait([this](boost::system::error_code error) {
      if (!error) {
        connect();
      }
    });
  }

  boost::asio::io_context& io_;
  Endpoint at_;
  Duration patience_ = connect_timeout, longest_;
  std::function<void()> changed_;
  boost::asio::steady_timer pause_;
  std::shared_ptr<sql::AsyncConnection> connection_;
  Instant since_;
  std::string why_ = "not connected";
  bool tried_ = false;
};

struct LagArgs {
  Endpoint at;
  std::vector<std::string> names;  ///< of the replicas, as they are written
  std::vector<Endpoint> replicas;
};

/// Beats are counted by the requests; one row holds the newest. A beat that becomes due while
/// another is being written waits for it, and then goes together with all that wait.
class LagWatch {
 public:
  LagWatch(boost::asio::io_context& io, LagArgs args, const Spec& spec)
      : args_(std::move(args)),
        row_(sql::quoted("faultline:" + spec.probe)),
        // An earlier run's beats, which a replica may still show, are not taken for ours.
        run_(fmt::to_string(std::chrono::system_clock::now().time_since_epoch().count())),
        look_timeout_(std::min(attempt_timeout, spec.deadline / 2)),
        deadline_timer_(io),
        primary_(io, args_.at, connect_timeout, [this] { tried(); }) {
    for (std::size_t i = 0; i < args_.replicas.size(); ++i) {
      replicas_.emplace_back(io, args_.replicas[i], args_.names[i], [this, i] {
        tried();
        look(*std::next(replicas_.begin(), static_cast<std::ptrdiff_t>(i)));
      });
    }
  }

  /// Ready when each node was tried once, so that the load starts on connections.
  void prepare(std::function<void()> ready) {
    ready_ = std::move(ready);
    primary_.connect();
    for (auto& replica : replicas_) {
      replica.link.connect();
    }
  }

  void send(Request request) {
    const auto sent = now();
    if (!primary_.stands()) {
      request.done(failed(of_primary(primary_.why()), sent));
      return;
    }
    waiting_.push_back({std::move(request), sent});
    write();
    watch_deadlines();
  }

  void finish(std::function<void(Json)> finished) {
    deadline_timer_.cancel();
    for (auto& replica : replicas_) {
      replica.pause.cancel();
      replica.link.close();
    }
    const auto end = [this, finished = std::move(finished)](bool removed) {
      primary_.close();
      finished(Json{{"heartbeat_removed", removed}});
    };
    if (!primary_.free()) {
      end(false);
      return;
    }
    primary_.query("DELETE FROM faultline.heartbeats WHERE probe = " + row_, now() + cleaning_limit,
                   [end](const sql::Answer& answer) { end(!answer.failure); });
  }

 private:
  struct Replica {
    Replica(boost::asio::io_context& io, const Endpoint& at, std::string named,
            std::function<void()> changed)

        : link(io, at, replica_connect_timeout, std::move(changed)),
          name(std::move(named)),
          pause(io) {}
    Link link;
    std::string name;
    boost::asio::steady_timer pause;
    std::uint64_t seen = 0;  ///< the newest beat
  };
  struct Waiting {
    Request request;
    Instant sent;
    bool written = false;
    [[nodiscard]] std::uint64_t beat() const { return request.number + 1; }
  };

  static std::string of_primary(const std::string& why) { return "primary: " + why; }

  void tried() {
    const auto all = std::ranges::all_of(replicas_, [](const auto& r) { return r.link.tried(); });
    if (ready_ && primary_.tried() && all) {
      std::exchange(ready_, nullptr)();
    }
  }

  void write() {
    if (!primary_.free() || waiting_.empty() || waiting_.back().written) {
      return;
    }
    const auto beat = waiting_.back().beat();
    primary_.query(
        fmt::format("INSERT INTO faultline.heartbeats (probe, run, beat) VALUES ({}, '{}', {}) ON "
                    "DUPLICATE KEY UPDATE run = VALUES(run), beat = VALUES(beat)",
                    row_, run_, beat),
        now() + attempt_timeout,
        [this, beat](const sql::Answer& answer) { written(beat, answer); });
  }

  void written(std::uint64_t beat, const sql::Answer& answer) {
    if (answer.failure) {
      fail_unwritten(of_primary(sql_error_class(answer.failure)));
      return;
    }
    for (auto& one : waiting_) {
      one.written = one.written || one.beat() <= beat;
    }
    write();
    for (auto& replica : replicas_) {
      look(replica);
    }
  }

  /// Those that came later would have gone the same way.
  void fail_unwritten(const std::string& why) {
    const auto first = std::ranges::find(waiting_, false, &Waiting::written);
    std::vector<Waiting> unwritten(std::make_move_iterator(first),
                                   std::make_move_iterator(waiting_.end()));
    waiting_.erase(first, waiting_.end());
    for (const auto& one : unwritten) {
      one.request.done(failed(why, one.sent));
    }
  }

  /// The oldest beat that is written and that it has not shown; nullptr: there is none.
  [[nodiscard]] const Waiting* missing(const Replica& replica) const {
    const auto first = std::ranges::find_if(
        waiting_, [&](const Waiting& one) { return one.written && one.beat() > replica.seen; });
    return first == waiting_.end() ? nullptr : &*first;
  }

  void look(Replica& replica) {
    if (!replica.link.free() || missing(replica) == nullptr) {
      return;
    }
    replica.link.query("SELECT run, beat FROM faultline.heartbeats WHERE probe = " + row_,
                       now() + look_timeout_,
                       [this, &replica](const sql::Answer& answer) { looked(replica, answer); });
  }

  void looked(Replica& replica, const sql::Answer& answer) {
    if (!answer.failure && !answer.rows.empty() && answer.rows[0].at(0) == run_) {
      const auto beat = std::strtoull(answer.rows[0].at(1).c_str(), nullptr, 10);
      replica.seen = std::max<std::uint64_t>(replica.seen, beat);
    }
    if (const auto* oldest = missing(replica)) {
      const auto lag = now() - oldest->request.due;
      replica.pause.expires_after(
          std::clamp<Duration>(lag / looks_of_a_lag, least_pause, longest_pause));
      replica.pause.async_wait([this, &replica](boost::system::error_code error) {
        if (!error) {
          look(replica);
        }
      });
    }
    settle();
  }

  /// Answers what every replica has shown, in order.
  void settle() {
    const auto everywhere = [&](const Waiting& one) {
      return one.written &&
             std::ranges::all_of(replicas_, [&](const auto& r) { return r.seen >= one.beat(); });
    };
    while (!waiting_.empty() && everywhere(waiting_.front())) {
      const auto one = std::move(waiting_.front());
      waiting_.pop_front();
      one.request.done({slo::Class::good, "", one.sent});
    }
  }

  /// The oldest is in front, and all have the same time.
  void watch_deadlines() {
    while (!waiting_.empty() && waiting_.front().request.deadline <= now()) {
      const auto late = std::move(waiting_.front());
      waiting_.pop_front();
      late.request.done(failed(why_late(late), late.sent));
    }
    if (waiting_.empty()) {
      return;
    }
    deadline_timer_.expires_at(waiting_.front().request.deadline);
    deadline_timer_.async_wait([this](boost::system::error_code error) {
      if (!error) {
        watch_deadlines();
      }
    });
  }

  [[nodiscard]] std::string why_late(const Waiting& late) const {
    if (!late.written) {
      return of_primary("timeout");
    }
    std::vector<std::string> behind;
    for (const auto& replica : replicas_) {
      if (replica.seen >= late.beat()) {
        continue;
      }
      if (!replica.link.stands()) {
        return fmt::format("replica unreachable: {}, {}", replica.name, replica.link.why());
      }
      behind.push_back(replica.name);
    }
    return fmt::format("replica behind: {}", fmt::join(behind, ", "));
  }

  LagArgs args_;
  std::string row_, run_;
  Duration look_timeout_;
  boost::asio::steady_timer deadline_timer_;
  Link primary_;
  std::list<Replica> replicas_;  ///< their connections know where they are
  std::deque<Waiting> waiting_;  ///< by number, and so by deadline
  std::function<void()> ready_;
};

Result<LagArgs> parse_args(const Spec& spec) {
  Fields fields(spec.args, where(spec));
  const auto host = fields.text("host");
  const double port = fields.number("port", 1, 65'535, 3306);
  static_cast<void>(fields.text("database", ""));  // whose endpoint it is, for people
  LagArgs args;
  args.names = fields.texts("replicas");
  if (fields.ok() && (args.names.empty() || args.names.size() > max_replicas)) {
    fields.wrong(fmt::format("'replicas' must be 1 to {} addresses with ports, found {}",
                             max_replicas, args.names.size()));
  }
  if (spec.rate.highest_per_s() > max_rate_per_s) {
    fields.wrong(fmt::format("at most {} beats/s, each of which is a commit, found {}",
                             max_rate_per_s, spec.rate.highest_per_s()));
  }
  if (const auto done = fields.done(); !done) {
    return done.error();
  }
  const auto add = [&](const char* field, const Result<Endpoint>& to, Endpoint& out) -> Result<> {
    if (!to) {
      return Error{to.error().kind,
                   fmt::format("{}: '{}': {}", where(spec), field, to.error().message)};
    }
    out = *to;
    return {};
  };
  if (const auto at = add("host", destination(host, port), args.at); !at) {
    return at.error();
  }
  for (const auto& name : args.names) {
    if (const auto at = add("replicas", destination(name), args.replicas.emplace_back()); !at) {
      return at.error();
    }
  }
  return args;
}

}  // namespace

Result<Source> make_replica_lag(boost::asio::io_context& io, const Spec& spec) {
  auto args = parse_args(spec);
  if (!args) {
    return args.error();
  }
  const auto watch = std::make_shared<LagWatch>(io, std::move(*args), spec);
  return Source{
      .prepare = [watch](std::function<void()> ready) { watch->prepare(std::move(ready)); },
      .send = [watch](Request request) { watch->send(std::move(request)); },
      .finish = [watch](std::function<void(Json)> done) { watch->finish(std::move(done)); }};
}

}  // namespace faultline::load
