#pragma once

/// How everybody talks to a lab: the supervisor listens on the Unix socket
/// `<home>/lab/control.sock`.
///
/// One JSON object a line, both ways. Request { "id": n, "op": "...", ... }; answer
/// { "id": n, "ok": {...} } or { "id": n, "error": { "kind": "<ErrorKind's name>", "message" } }.
/// Answers may come out of order. File descriptors travel with the line that names them
/// (SCM_RIGHTS). A supervisor never blocks on a client: one that does not read is disconnected.
///
///   op          fields                              ok
///   status      -                                   a World (targets/target.hpp), plus "hosts_up",
///                                                   "healthy": bool, "up_since", "pid", "version"
///   acquire     "who"                               { "epoch" }; error refused names the owner
///   release     "epoch"                             {}
///   renew       "epoch"                             {}; error fenced when a newer epoch exists
///   arm         "epoch", "action"                   {}
///   apply       "epoch", "action"                   { "outcome" }; only after arm
///   revert      "epoch", "action"                   {}; an action that is not there is {} too
///   check       "check"                             { "holds", "evidence" }
///   invariants  -                                 { "invariants": [{ "name", "value", "wanted" }]}
///   bring_home  "epoch"                             { "moves": ["sessions: b-redis -> a-redis"] }
///   exec        "host", "argv", "env", + 3 fds      { "exec": n } when started, then the notice
///               (standard input, output, error)     { "exec": n, "exited": code | "signal": s }
///   signal      "exec", "signal"                    {}
///   dial        "host", "address", "port"           {} with a connected TCP socket as 1 fd
///   watch       -                                 {}, then { "notice": name, "t_ns", "detail" }
///   down        -                                   {} and then the end of everything
///
/// A connection owns what it started: when it closes, its execs are killed and its epoch's lock is
/// free; what is in force stays until its lease (10 s without `renew`) or its deadline ends it.
namespace faultline::lab {

constexpr int protocol_version = 1;
constexpr int max_line_bytes = 1 << 20;       ///< longer: disconnected
constexpr int max_connections = 64;           ///< a limit on everything; 65th is refused
constexpr int lease_seconds = 10;             ///< an action not renewed for so long is reverted

}  // namespace faultline::lab
