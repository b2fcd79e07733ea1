#pragma once

#include "orchestrator/load/spec.hpp"
#include "orchestrator/slo/sample.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <optional>
#include <span>
#include <string>

/// The seam between when a request is due (generator) and what a request is (http, tcp, ...).
namespace faultline::load {

/// How one request ended. `error` names the class of a bad one: "connection refused", "status 503".
struct Outcome {
  slo::Class result = slo::Class::good;
  std::string error;
  Instant sent;  ///< when its first packet could go; the service time counts from here
  std::optional<Instant> arrived;  ///< the last of its answer, if that is known better than by now
  bool unsent = false;             ///< nothing of it ever left: there was no connection for it
};

inline Outcome failed(std::string error, Instant sent) {
  return {slo::Class::bad, std::move(error), sent};
}

inline Outcome never_sent(std::string error, Instant at) {
  auto outcome = failed(std::move(error), at);
  outcome.unsent = true;
  return outcome;
}

/// One request. `done` is called exactly once, at the latest shortly after the deadline.
struct Request {
  std::uint64_t number = 0;  ///< from 0, without gaps
  Instant due, deadline;
  std::function<void(Outcome)> done;
};

/// Whatever sends requests and looks at what comes back.
struct Source {
  /// Called before the first request, if set: gets ready, with a limit of its own, then calls.
  std::function<void(std::function<void()> ready)> prepare;
  std::function<void(Request)> send;
  /// Set by a source with sockets of its own instead of the io_context's: waits for them, until
  /// then at the latest, and deals with what came. Returns how long nothing was there to do.
  std::function<Duration(Instant until)> wait;
  /// Set beside `wait`, if at all: whether answers can be read a moment later without that changing
  /// anything that is measured or sent.
  std::function<bool()> answers_can_wait;
  /// Called after the last answer, if set: verifies, cleans up and calls with a line to print.
  std::function<void(std::function<void(Json line)> finished)> finish;
};

/// A kind of load: one line in `catalog.cpp`. Errors of `make` are about the spec's args.
struct Kind {
  std::string_view name;
  Result<Source> (*make)(boost::asio::io_context& io, const Spec& spec);
};

std::span<const Kind> catalog();
/// Error `usage` with the nearest name when there is none.
Result<const Kind*> find_kind(const std::string& name);

Result<Source> make_http(boost::asio::io_context& io, const Spec& spec);
Result<Source> make_tcp(boost::asio::io_context& io, const Spec& spec);
Result<Source> make_redis_ping(boost::asio::io_context& io, const Spec& spec);
Result<Source> make_redis_writes(boost::asio::io_context& io, const Spec& spec);
Result<Source> make_sql_writes(boost::asio::io_context& io, const Spec& spec);
Result<Source> make_replica_lag(boost::asio::io_context& io, const Spec& spec);

}  // namespace faultline::load
