#include "targets/http/server.hpp"
#include "targets/lab/database/machine.hpp"
#include "targets/lab/database/parts.hpp"
#include "targets/net/flags.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>

namespace faultline::database {
namespace {

http::Answer answer_of(const Result<>& done) {
  return done ? http::Answer{200, "{}"} : http::Answer{500, done.error().message};
}

void add_routes(http::Server& agent, Machine& machine) {
  agent.get("/health", [](const auto&) { return http::Answer{200, "{}"}; });
  agent.get("/state", [&machine](const auto&) {
    const auto state = machine.state();
    return http::Answer{200, fmt::format(R"({{"running":{},"up_ms":{},"server_id":{}}})",
                                         state.running, state.up.count(), state.server_id)};
  });
  agent.get("/lost", [&machine](const auto&) {
    const auto lost = machine.lost().value_or(Loss{});  // `how` needs no escapes
    return http::Answer{200, fmt::format(R"({{"pid":{},"how":"{}"}})", lost.pid, lost.how)};
  });
  agent.post("/kill", [&machine](const auto&) { return answer_of(machine.kill()); });
  agent.post("/start", [&machine](const auto&) { return answer_of(machine.start()); });
  agent.post("/reclone", [&machine](const auto&) { return answer_of(machine.reclone()); });
}

}  // namespace

int node_main(std::span<const std::string> args) {
  net::FlagReader flags(args, {"--name", "--listen", "--agent", "--server-id", "--template",
                               "--folder", "--semi-sync"});
  Server server{flags.text("--folder"), flags.endpoint("--listen"),
                flags.number("--server-id", 1, 99), flags.number("--semi-sync", 0, 1) == 1};
  const auto name = flags.text("--name");
  const auto agent_at = flags.endpoint("--agent");
  const std::filesystem::path source = flags.text("--template");
  if (auto read = flags.result(); !read) {
    return net::fail(read.error());
  }
  std::signal(SIGPIPE, SIG_IGN);
  Machine machine(std::move(server), source, [&name](const std::string& line) {
    fmt::print("{}: {}\n", name, line);
    std::fflush(stdout);
  });
  http::Server agent{http::Size{}};
  add_routes(agent, machine);
  if (auto started = agent.start(agent_at); !started) {
    return net::fail(started.error());
  }
  const Error error = machine.run();  // on this thread: the server dies with the one that starts it
  fmt::print(stderr, "{}: {}\n", name, error.message);
  std::fflush(stderr);
  std::_Exit(1);  // requests that wait for the machine would wait for ever
}

}  // namespace faultline::database
