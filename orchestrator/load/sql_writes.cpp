// Kind sql_writes: rows with unique ids through one endpoint of a MariaDB cluster.
#include "orchestrator/load/read_back.hpp"
#include "orchestrator/load/source.hpp"
#include "orchestrator/load/sql_error.hpp"
#include "orchestrator/load/sql_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>

namespace faultline::load {
namespace {

/// A writer shows when writes are accepted again, so each is one attempt, and a short one.
constexpr auto attempt_timeout = std::chrono::seconds(1);
/// Four round trips of 1.2 ms, and a thread on the other side; a SYN lost in a cut is sent again
/// after 1 s, a new attempt sooner.
constexpr auto connect_timeout = std::chrono::milliseconds(250);
/// From one connecting to the next of the same connection, where nobody listens or a row is
/// refused.
constexpr auto connect_interval = std::chrono::milliseconds(50);
/// Less than that is not enough to send a row that has waited: it would end the connection.
constexpr auto least_time_left = std::chrono::milliseconds(100);
/// A commit that waits for a replica in another zone takes 3 ms: 1,300 rows/s, twice the limit.
constexpr std::size_t connections = 4;

/// Closed-loop writers were seen to reach 13,000/s and drown the wire between the zones.
constexpr double usual_max_rate_per_s = 500;
/// A failover and the rejoining of the old node take seconds; detection in `naive` 15 s.
constexpr double usual_read_back_ms = 30'000;
constexpr double max_read_back_ms = 600'000;
/// The column `writer`.
constexpr std::size_t max_writer_chars = 80;

struct SqlArgs {
  Endpoint at, read_at;
  std::string writer;
  Duration read_back_within{};
};

Instant now() {
  return std::chrono::steady_clock::now();
}

class SqlWriter {
 public:
  SqlWriter(boost::asio::io_context& io, SqlArgs args, const Spec& spec)
      : io_(io),
        args_(std::move(args)),
        ledger_(args_.writer, spec.seed),
        queue_timer_(io),
        lanes_{Lane(io), Lane(io), Lane(io), Lane(io)} {}

  /// Ready when the first attempt of each connection has ended, so that the load starts on them.
  void prepare(std::function<void()> ready) {
    ready_ = std::move(ready);
    for (auto& lane : lanes_) {
      connect(lane);
    }
  }

  void send(Request request) {
    const auto sent = now();
    ledger_.attempt(request.due);
    request.deadline = std::min<Instant>(request.deadline, sent + attempt_timeout);
    if (auto* const lane = free_lane()) {
      insert(*lane, {std::move(request), sent});
    } else if (any_stands()) {
      queue_.push_back({std::move(request), sent});
      watch_queue();
    } else {
      request.done(failed(why_, sent));
    }
  }

  void finish(std::function<void(Json)> finished) {
    for (auto& lane : lanes_) {
      lane.pause.cancel();
      if (const auto connection = std::exchange(lane.connection, nullptr)) {
        connection->close();
      }
    }
    store_.emplace(io_, args_.read_at, ledger_);
    read_back_.emplace(io_, *store_, ledger_, args_.read_back_within, std::move(finished));
    read_back_->begin();
  }

 private:
  struct Lane {
    explicit Lane(boost::asio::io_context& io) : pause(io) {}
    std::shared_ptr<sql::AsyncConnection> connection;
    boost::asio::steady_timer pause;
    Instant connecting_since;
    bool tried = false;
  };
  struct Waiting {
    Request request;
    Instant sent;
  };

  Lane* free_lane() {
    const auto is_free = [](const Lane& lane) {
      return lane.connection && lane.connection->free();
    };
    const auto it = std::ranges::find_if(lanes_, is_free);
    return it == lanes_.end() ? nullptr : &*it;
  }
  [[nodiscard]] bool any_stands() const {
    return std::ranges::any_of(
        lanes_, [](const Lane& lane) { return lane.connection && lane.connection->stands(); });
  }

  void connect(Lane& lane) {
    lane.connecting_since = now();
    lane.connection =
        connect_as_client(io_, args_.at, lane.connecting_since + connect_timeout,
                          [this, &lane](const sql::Answer& a) { connected(lane, a.failure); });
  }

  void connected(Lane& lane, const sql::Failure& failure) {
    lane.tried = true;
    if (failure) {
      lost(lane, failure);
    } else {
      lane.connection->on_dropped([this, &lane](const sql::Failure& why) { lost(lane, why); });
      send_what_waits();
    }
    if (ready_ && std::ranges::all_of(lanes_, &Lane::tried)) {
      std::exchange(ready_, nullptr)();
    }
  }

  /// Connects again at once, as it may be another node that answers now.
  void lost(Lane& lane, const sql::Failure& why) {
    why_ = sql_error_class(why);
    if (const auto connection = std::exchange(lane.connection, nullptr)) {
      connection->close();
    }
    if (!any_stands()) {
      refuse_what_waits();
    }
    lane.pause.expires_at(lane.connecting_since + connect_interval);
    lane.pause.async_wait([this, &lane](boost::system::error_code error) {
      if (!error) {
        connect(lane);
      }
    });
  }

  void insert(Lane& lane, Waiting waiting) {
    const auto number = waiting.request.number;
    auto text =
        fmt::format("INSERT INTO faultline.writes (writer, n, value) VALUES ({}, {}, {})",
                    sql::quoted(ledger_.writer()), number, sql::quoted(ledger_.value(number)));
    const auto deadline = waiting.request.deadline;
    lane.connection->query(std::move(text), deadline,
                           [this, &lane, waiting = std::move(waiting)](const sql::Answer& answer) {
                             answered(lane, waiting, answer);
                           });
  }

  void answered(Lane& lane, const Waiting& waiting, const sql::Answer& answer) {
    const auto number = waiting.request.number;
    if (!answer.failure) {
      ledger_.settle(number, Fate::acknowledged);
      waiting.request.done({slo::Class::good, "", waiting.sent});
      send_what_waits();
      return;
    }
    ledger_.settle(number, answer.failure.surely_not_done() ? Fate::failed : Fate::ambiguous);
    lost(lane, answer.failure);
    waiting.request.done(failed(sql_error_class(answer.failure), waiting.sent));
  }

  void send_what_waits() {
    drop_late_ones();
    for (auto* lane = free_lane(); lane != nullptr && !queue_.empty(); lane = free_lane()) {
      auto next = std::move(queue_.front());
      queue_.pop_front();
      insert(*lane, std::move(next));
    }
  }

  /// No connection is left to send it on, so it has surely not been done.
  void refuse_what_waits() {
    for (const auto& waiting : std::exchange(queue_, {})) {
      waiting.request.done(failed(why_, waiting.sent));
    }
  }

  static Instant leaves_queue_at(const Waiting& waiting) {
    return waiting.request.deadline - least_time_left;
  }

  void drop_late_ones() {
    while (!queue_.empty() && leaves_queue_at(queue_.front()) <= now()) {
      const auto late = std::move(queue_.front());
      queue_.pop_front();
      late.request.done(failed("timeout", late.sent));
    }
  }

  /// The oldest is in front, and all have the same time.
  void watch_queue() {
    drop_late_ones();
    if (queue_.empty()) {
      return;
    }
    queue_timer_.expires_at(leaves_queue_at(queue_.front()));
    queue_timer_.async_wait([this](boost::system::error_code error) {
      if (!error) {
        watch_queue();
      }
    });
  }

  boost::asio::io_context& io_;
  SqlArgs args_;
  WriteLedger ledger_;
  boost::asio::steady_timer queue_timer_;
  std::array<Lane, connections> lanes_;
  std::deque<Waiting> queue_;
  std::string why_ = "not connected";  ///< the last connection ended
  std::function<void()> ready_;
  std::optional<SqlStore> store_;
  std::optional<ReadBack> read_back_;
};

/// "<prefix>:<probe>", where the prefix does not say so already.
std::string writer_name(const std::string& prefix, const std::string& probe) {
  return prefix.ends_with(":" + probe) ? prefix : prefix + ":" + probe;
}

Result<Endpoint> endpoint_of(const Spec& spec, const char* field, const std::string& host,
                             double port) {
  auto to = destination(host, port);
  if (!to) {
    return Error{to.error().kind,
                 fmt::format("{}: '{}': {}", where(spec), field, to.error().message)};
  }
  return to;
}

Result<SqlArgs> parse_args(const Spec& spec) {
  Fields fields(spec.args, where(spec));
  const auto host = fields.text("host");
  const double port = fields.number("port", 1, 65'535, 3306);
  const auto database = fields.text("database", "");
  const auto prefix = fields.text("prefix", "faultline");
  const auto read_host = fields.text("read_host", host);
  const double read_port = fields.number("read_port", 1, 65'535, port);
  const double within_ms =
      fields.number("read_back_within_ms", 1, max_read_back_ms, usual_read_back_ms);
  const double max_rate = fields.number("max_rate_per_s", 1, 5'000, usual_max_rate_per_s);
  SqlArgs args;
  args.writer = writer_name(prefix, spec.probe);
  if (args.writer.size() > max_writer_chars) {
    fields.wrong(
        fmt::format("'{}' has {} characters, at most {} fit the table: choose a shorter "
                    "name for the probe or its prefix",
                    args.writer, args.writer.size(), max_writer_chars));
  }
  if (spec.rate.highest_per_s() > max_rate) {
    fields.wrong(fmt::format(
        "{} rows/s to {} are more than {}/s, above which a writer drowns what "
        "it measures; choose a lower rate, or allow it with 'max_rate_per_s'",
        spec.rate.highest_per_s(), database.empty() ? "the database" : database, max_rate));
  }
  if (const auto done = fields.done(); !done) {
    return done.error();
  }
  args.read_back_within =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(within_ms));
  const auto at = endpoint_of(spec, "host", host, port);
  const auto read_at = endpoint_of(spec, "read_host", read_host, read_port);
  if (!at || !read_at) {
    return at ? read_at.error() : at.error();
  }
  args.at = *at;
  args.read_at = *read_at;
  return args;
}

}  // namespace

Result<Source> make_sql_writes(boost::asio::io_context& io, const Spec& spec) {
  auto args = parse_args(spec);
  if (!args) {
    return args.error();
  }
  const auto writer = std::make_shared<SqlWriter>(io, std::move(*args), spec);
  return Source{
      .prepare = [writer](std::function<void()> ready) { writer->prepare(std::move(ready)); },
      .send = [writer](Request request) { writer->send(std::move(request)); },
      .finish = [writer](std::function<void(Json)> done) { writer->finish(std::move(done)); }};
}

}  // namespace faultline::load
