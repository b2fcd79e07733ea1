#pragma once

#include "targets/error.hpp"

#include <string>
#include <string_view>

/// The worker process: sends load from inside the environment, or from this machine, and streams
/// what a user would have felt.
///
/// Standard input, JSON lines. The first is its spec:
///   { "probe": "login", "kind": "http|redis_writes|sql_writes|replica_lag|redis|tcp",
///     "rate_per_s": 100, "deadline_ms": 5000, "threshold_ms": 5000, "seed": 1, "args": {...} }
///   besides        "spacing": "even" or "poisson"
///                  "stages": [ { "rate_per_s", "length_ms", "ramp": false } ] instead of the rate,
///                  or "users": n, "think_ms": 0 (http only): a closed loop, due when answered
///                  "report": "samples" or "seconds"
///                  "index": 0, "workers": 1: its share of a load; "start_at_us", "length_ms"
///                  "allow": [] addresses besides loopback and a lab's; "wake_every_us": 0
///   http          args { "host", "port", "method", "path", "body", "headers": {},
///                        "expect": { "status": 200, "json": {}, "min_bytes", "max_bytes" },
///                        "authority": "HOST:PORT", "connections": 512, "keep_alive": true,
///                        "tls": { "name", "ca": PEM }, "rows": { "columns": [], "rows": [[]] },
///                        "sessions": { "count", "token": "token", "login": { as a request } },
///                        "mix": [ { "name", "weight", and as a request } ] }
///                 path, headers and body may hold {random:1..1000}, {counter} (from 0), {unique}
///                 (a text of at most 64 characters, another in every request of every run),
///                 {tenant} (tenant-1 to tenant-20), {csv:COLUMN} and {token}; an answer with the
///                 header "X-Degraded" is degraded
///   redis_writes  args { "sentinels": ["10.0.1.20:26379", ...], "cache": "sessions",
///                        "prefix": "<run>", "read_back_within_ms": 15000 }
///                 one key per write, <prefix>:<probe>:<n>, by SETEX, which services are not to
///                 send: INFO commandstats counts it apart; finds the primary through Sentinel as
///                 a client does
///   sql_writes    args { "host", "port", "database": "orders", "prefix": "<run>", "read_host",
///                        "read_port", "read_back_within_ms": 30000, "max_rate_per_s": 500 }
///                 one row per write in faultline.writes (writer "<prefix>:<probe>", n, value) of
///                 the MariaDB at that endpoint, as app/lab; acknowledged is the OK of an
///                 autocommitted insert. Read back through read_host:read_port, by default the
///                 same endpoint; "database" is what messages call it
///   replica_lag   args { "host", "port", "database": "orders",
///                        "replicas": ["10.0.1.30:3306", ...] }
///                 each request is a beat, written through the endpoint to the probe's one row of
///                 faultline.heartbeats (probe, run, beat), and answered when every replica has
///                 shown it or a later one; looked for each 2 ms, or each fiftieth of the lag if
///                 that is longer, up to 100 ms. No writer: nothing is read back
///   redis         args as redis_writes; one PING of the primary, a new connection each
///   tcp           args { "host", "port" }: one connect each
/// Then "finish" (stop sending, answer what is in flight, read every acknowledged write back from
/// the primary, delete the keys, print the totals, exit 0). End of input without it: exit at once,
/// with code 1.
///
/// Standard output, JSON lines; times are CLOCK_MONOTONIC in microseconds:
///   { "started": t }
///   { "samples": [sample, ...], "seen_until": t, "waiting": n }
///        at least every 100 ms; a sample is [due, latency, service_time, class 0|1|2,
///        "error class" or 0]; every request due before seen_until has been reported;
///        n are sent and not yet answered
///   { "second": k, "good", "degraded", "bad", "unsent", "errors": { class: n }, "latency",
///     "service" }
///        instead, with "report": "seconds": of the requests due in that second, when all are
///        known, in order; the last two are histograms of the answered ones (slo/histogram.hpp)
///   { "delay_p99_ms": x, "achieved_per_s": y }
///        each second: lateness of sending against due time
///   { "writes": { "attempted", "acknowledged", "ambiguous", "lost", "duplicated", "stale",
///                 "loss_span_ms" } }
///        after finish, redis_writes and sql_writes only; duplicated is 0, because a key cannot
///        be there twice, nor can a row's primary key
///   { "writes": null, "error": "..." }
///        instead, when they could not be read back
///   { "heartbeat_removed": true }
///        after finish, replica_lag only; false: the endpoint did not answer, and the row is left
///   { "finished": t, "begun": n, "delay_p99_ms": x, "busy": 0.31 }
///        busy, http only: the share of the time from the start to "finish" that it did not wait
/// A spec that is wrong: one line { "error": "..." } and exit code 2.
///
/// Errors by class: connection refused, connect timeout, unreachable, reset, closed early,
/// deadline, slow, connection limit, tls <what>, login: <class>, no token, unexpected size, not
/// json, unexpected <field>, status <n> (": " and the service's own word, when it has one, see
/// status_classes.hpp), answer too large, unexpected answer, no local port; of Redis also
/// timeout, no sentinel, no primary, primary moved, and an error answer's first word, such as
/// readonly or noreplicas; of MariaDB also timeout, read only, access denied, too many connections,
/// server shutting down and sql error <n>. A write that found no connection has the class of what
/// ended the last. Of replica_lag: primary: <one of these>, replica behind: <replicas>, replica
/// unreachable: <replica>, <one of these>.
namespace faultline::load {

/// Standard input and output. Keeps the process ready for load: descriptors up to the hard limit,
/// timers without slack. Refuses to send to anything but loopback outside a lab (place.hpp).
int worker_main();

/// The worker over two other descriptors, which it duplicates; blocks until its end. Returns the
/// exit code: 0 finished, 1 its input ended or its output broke, 2 the spec was wrong.
int run_worker(int input, int output);

/// Whether a worker on this machine would take that first line; nothing is sent. Errors: `usage`,
/// `refused` when load may not go there from here.
Result<> check_spec(const std::string& line);

}  // namespace faultline::load
