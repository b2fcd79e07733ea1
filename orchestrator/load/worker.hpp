#pragma once

#include <string>

/// The worker process: sends load at a fixed rate from inside the environment and streams what a
/// user would have felt.
///
/// Standard input, JSON lines. The first is its spec:
///   { "probe": "login", "kind": "http|redis_writes|redis|tcp", "rate_per_s": 100,
///     "deadline_ms": 5000, "threshold_ms": 5000, "seed": 1, "args": {...} }
///   http          args { "host", "port", "method", "path", "body", "headers": {}, "expect_status": 200 }
///                 path and body may hold {random:1..1000} and {counter} and {tenant}; an answer with
///                 the header "X-Degraded" is degraded
///   redis_writes  args { "sentinels": ["10.0.1.20:26379", ...], "cache": "sessions", "prefix": "<run>" }
///                 one key per write, unique; finds the primary through Sentinel as a client does
///   redis         args as redis_writes; one PING of the primary, a new connection each
///   tcp           args { "host", "port" }: one connect each
/// Then "finish" (stop sending, answer what is in flight, read every acknowledged write back from
/// the primary, delete the keys, print the totals, exit 0). End of input without it: exit at once.
///
/// Standard output, JSON lines; times are CLOCK_MONOTONIC in microseconds:
///   { "started": t }
///   { "samples": [[due, latency, service_time, class 0|1|2, "error class" or 0], ...], "seen_until": t }
///        at least every 100 ms; every request due before seen_until has been reported
///   { "delay_p99_ms": x, "achieved_per_s": y }   each second: lateness of sending against due time
///   { "writes": { "attempted", "acknowledged", "ambiguous", "lost", "duplicated", "stale",
///                 "loss_span_ms" } }             after finish, redis_writes only
///   { "finished": t, "delay_p99_ms": x }
/// A spec that is wrong: one line { "error": "..." } and exit code 2.
namespace faultline::load {

/// Refuses to send unless the process is inside a lab: see `inside_lab()`.
int worker_main();

/// True when the process's network namespace is not the host's: it has been told so by
/// FAULTLINE_LAB_HOST and the namespace holds no interface but lo and those of the lab.
bool inside_lab();

}  // namespace faultline::load
