#include "targets/lab/database/operations.hpp"

#include "targets/lab/database/examine.hpp"
#include "targets/lab/database/schema.hpp"

#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

namespace faultline::database {
namespace {

using namespace std::chrono_literals;

constexpr Duration connect_limit = 500ms;
constexpr Duration short_limit = 1s;      ///< a statement that waits for nobody
constexpr Duration answer_limit = 400ms;  ///< as an observer's: who answers so late is silent
constexpr Duration stop_limit = 2500ms;   ///< STOP SLAVE waits 1 s for a source out of reach
constexpr Duration apply_limit = 3s;      ///< what was received and is not yet applied
constexpr int apply_limit_s = 2;          ///< the same for the server, which should end first
constexpr Duration drain_limit = 2500ms;  ///< writes under way when a node is to be read-only
constexpr int drain_limit_s = 2;
constexpr auto agent_connect_limit = 300ms;
constexpr auto agent_limit = 5s;  ///< a reclone copies 30 MiB
constexpr int young_ms = 5000;    ///< a server that started so recently may still be starting

/// Throws Failure: `carry_out` makes it an outcome.
class Surgery {
 public:
  explicit Surgery(const NodeAccess& node)
      : node_(node), session_(Session::connect(node.sql, connect_limit).value()) {}

  std::vector<Session::Row> ask(const std::string& sql, Duration limit = short_limit) {
    return session_.query(sql, limit).value();
  }

  NodeView look() { return examine(session_, short_limit, short_limit).value().view; }

  /// A node that does not say what it received must not be taken for one that received nothing.
  Position hold() {
    ask("STOP SLAVE IO_THREAD", stop_limit);
    return all_of(look());
  }

  /// Whatever was received is applied, and `least` in any case; then nobody is followed any more.
  void promote(const Position& least) {
    const auto view = look();
    const auto wanted = further(least, all_of(view));
    if (view.position.number < wanted.number) {
      apply(wanted);
    }
    ask("STOP SLAVE", stop_limit);
    ask("RESET SLAVE ALL");
    ask(fmt::format("SET GLOBAL rpl_semi_sync_master_enabled={}", node_.semi_sync ? 1 : 0));
    ask("SET GLOBAL read_only=0");
  }

  Position demote() {
    // Waits for running commits. The limit is the server's: one that went on waiting for its lock
    // after we have left would make the node read-only later, behind everybody's back.
    ask(fmt::format("SET SESSION lock_wait_timeout={}", drain_limit_s));
    ask("SET GLOBAL read_only=1", drain_limit);
    return look().position;
  }

  void follow(const std::string& source) {
    const auto at = net::parse_endpoint(source).value();
    ask("STOP SLAVE", stop_limit);
    ask("SET GLOBAL read_only=1", drain_limit);
    ask("SET GLOBAL rpl_semi_sync_master_enabled=0");
    const auto rows =
        ask("SELECT @@GLOBAL.gtid_binlog_pos AS binlog, "
            "@@GLOBAL.gtid_slave_pos AS applied");
    const auto binlog = position_of(rows.at(0).at("binlog"));
    if (binlog.number > position_of(rows.at(0).at("applied")).number) {
      // It was writable: its own last event is where it goes on from.
      ask(fmt::format("SET GLOBAL gtid_slave_pos='{}'", binlog.gtid));
    }
    ask(
        fmt::format("CHANGE MASTER TO MASTER_HOST='{}', MASTER_PORT={}, MASTER_USER='{}', "
                    "MASTER_PASSWORD='{}', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1, "
                    "MASTER_HEARTBEAT_PERIOD=0.5",
                    at.address, at.port, manager_user, password));
    ask("START SLAVE");
  }

 private:
  static Position all_of(const NodeView& view) {
    const auto has = view.has();
    if (!has) {
      throw Failure({ErrorKind::timeout,
                     fmt::format("did not say in {} what it received", in_words(short_limit))});
    }
    return *has;
  }

  void apply(const Position& wanted) {
    ask("START SLAVE SQL_THREAD");
    const auto waited =
        ask(fmt::format("SELECT MASTER_GTID_WAIT('{}', {}) AS late", wanted.gtid, apply_limit_s),
            apply_limit);
    if (waited.empty() || waited[0].at("late") != "0") {
      throw Failure({ErrorKind::timeout,
                     fmt::format("did not apply {} in {} s", wanted.gtid, apply_limit_s)});
    }
  }

  const NodeAccess& node_;
  Session session_;
};

class Agent {
 public:
  explicit Agent(const net::Endpoint& at) : client_(at.address, at.port), at_(at) {
    client_.set_connection_timeout(agent_connect_limit);
    client_.set_read_timeout(agent_limit);
  }

  void post(const std::string& path) { check(client_.Post(path), path); }
  nlohmann::json state() {
    return nlohmann::json::parse(check(client_.Get("/state"), "/state").body);
  }

 private:
  httplib::Response check(const httplib::Result& result, const std::string& path) {
    if (!result) {
      throw Failure({ErrorKind::io, fmt::format("agent at {}: {}", net::to_string(at_),
                                                httplib::to_string(result.error()))});
    }
    if (result->status != 200) {
      throw Failure(
          {ErrorKind::io, fmt::format("agent at {}: {} answered {}: {}", net::to_string(at_), path,
                                      result->status, result->body)});
    }
    return *result;
  }

  httplib::Client client_;
  const net::Endpoint at_;
};

void restart(Agent& agent) {
  agent.post("/kill");
  agent.post("/start");
}

bool answers(const net::Endpoint& sql) {
  auto session = Session::connect(sql, answer_limit);
  return session && examine(*session, answer_limit);
}

/// After a cut the agent may be reached before the observer's next question: a server that is well
/// must not be killed for it.
void revive(Agent& agent, const net::Endpoint& sql) {
  const auto state = agent.state();
  if (!state.at("running")) {
    agent.post("/start");
  } else if (state.at("up_ms") > young_ms && !answers(sql)) {
    restart(agent);
  }
}

Position act_on(const NodeAccess& node, const Command& command) {
  switch (command.act) {
    case Act::hold:
      return Surgery(node).hold();
    case Act::promote:
      Surgery(node).promote(command.position);
      return {};
    case Act::demote:
      return Surgery(node).demote();
    case Act::follow:
      Surgery(node).follow(command.source);
      return {};
    case Act::fence:
    case Act::revive:
    case Act::reclone:
      break;
  }
  Agent agent(node.agent);
  if (command.act == Act::reclone) {
    agent.post("/reclone");
  } else if (command.act == Act::fence) {
    restart(agent);
  } else {
    revive(agent, node.sql);
  }
  return {};
}

}  // namespace

Outcome carry_out(const NodeAccess& node, const Command& command) {
  Outcome outcome{.command = command};
  try {
    outcome.position = act_on(node, command);
    outcome.done = true;
  } catch (const std::exception& e) {
    outcome.words = e.what();
  }
  outcome.ended = std::chrono::steady_clock::now();
  return outcome;
}

}  // namespace faultline::database
