#pragma once

#include <string>

/// The worker process: sends load at a fixed rate from inside the environment and streams what a
/// user would have felt.
///
/// Standard input, JSON lines. The first is its spec:
///   { "probe": "login", "kind": "http|redis_writes|sql_writes|redis|tcp", "rate_per_s": 100,
///     "deadline_ms": 5000, "threshold_ms": 5000, "seed": 1, "args": {...} }
///   http          args { "host", "port", "method", "path", "body", "headers": {},
///                        "expect_status": 200 }
///                 path and body may hold {random:1..1000}, {counter} (from 0), {unique} (a text
///                 of at most 64 characters, another in every request of every run) and {tenant}
///                 (tenant-1 to tenant-20); an answer with the header "X-Degraded" is degraded
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
///   { "delay_p99_ms": x, "achieved_per_s": y }
///        each second: lateness of sending against due time
///   { "writes": { "attempted", "acknowledged", "ambiguous", "lost", "duplicated", "stale",
///                 "loss_span_ms" } }
///        after finish, redis_writes and sql_writes only; duplicated is 0, because a key cannot
///        be there twice, nor can a row's primary key
///   { "writes": null, "error": "..." }
///        instead, when they could not be read back
///   { "finished": t, "delay_p99_ms": x }
/// A spec that is wrong: one line { "error": "..." } and exit code 2.
///
/// Errors by class: connection refused, connect timeout, unreachable, reset, closed early,
/// deadline, slow, status <n> (": " and the service's own word, when it has one, see
/// status_classes.hpp), answer too large, unexpected answer, no local port; of Redis also
/// timeout, no sentinel, no primary, primary moved, and an error answer's first word, such as
/// readonly or noreplicas; of MariaDB also timeout, read only, access denied, too many connections,
/// server shutting down and sql error <n>. A write that found no connection has the class of what
/// ended the last.
namespace faultline::load {

/// Standard input and output. Keeps the process ready for load: descriptors up to the hard limit,
/// timers without slack. Refuses to send to anything but loopback outside a lab (place.hpp).
int worker_main();

/// The worker over two other descriptors, which it duplicates; blocks until its end. Returns the
/// exit code: 0 finished, 1 its input ended or its output broke, 2 the spec was wrong.
int run_worker(int input, int output);

}  // namespace faultline::load
