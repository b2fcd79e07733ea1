#include "targets/lab/database/manager.hpp"
#include "targets/lab/database/parts.hpp"
#include "targets/net/flags.hpp"
#include "targets/net/inside_lab.hpp"
#include "targets/net/log_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <sys/stat.h>

namespace faultline::database {
namespace {

Error wrong_nodes(std::string_view found) {
  return {ErrorKind::usage,
          fmt::format("faultline-saas: --nodes expects NAME=IPV4:PORT:AGENT_PORT,..., found '{}'",
                      found)};
}

/// "a-db=10.0.1.30:3306:3307,...", in the order that breaks ties after the home.
Result<> read_nodes(std::string_view text, Manager::Settings& settings) {
  while (true) {
    const auto one = text.substr(0, text.find(','));
    const auto equals = one.find('='), last = one.rfind(':');
    if (equals == one.npos || equals == 0 || last == one.npos || last < equals) {
      return wrong_nodes(one);
    }
    const std::string name(one.substr(0, equals));
    const auto sql = net::parse_endpoint(one.substr(equals + 1, last - equals - 1));
    if (!sql) {
      return wrong_nodes(one);
    }
    const auto agent = net::parse_endpoint(sql->address + std::string(one.substr(last)));
    if (!agent || settings.nodes.contains(name)) {
      return wrong_nodes(one);
    }
    settings.nodes[name] = {*sql, *agent, settings.cluster.semi_sync};
    settings.cluster.members.push_back({name, net::to_string(*sql)});
    if (one.size() == text.size()) {
      return {};
    }
    text.remove_prefix(one.size() + 1);
  }
}

/// It asks the nodes from its first moment on, so it must be where those addresses are the lab's.
Result<> may_send(const Manager::Settings& settings) {
  const bool loopback = std::ranges::all_of(
      settings.nodes, [](const auto& node) { return node.second.sql.address.starts_with("127."); });
  if (loopback || net::in_namespace_of_a_lab()) {
    return {};
  }
  return Error{ErrorKind::refused,
               "faultline-saas db-manager: its nodes are not on loopback and "
               "this is not a lab's host; start it with 'faultline lab up'"};
}

Result<Manager::Settings> read(std::span<const std::string> args) {
  net::FlagReader flags(
      args, {"--listen", "--nodes", "--home", "--endpoint", "--detection-ms", "--semi-sync"});
  Manager::Settings settings;
  settings.listen = flags.endpoint("--listen");
  settings.endpoint = flags.text("--endpoint");
  settings.cluster.home = flags.text("--home");
  settings.cluster.detection = flags.ms("--detection-ms", 200, 60'000);
  settings.cluster.semi_sync = flags.number("--semi-sync", 0, 1) == 1;
  if (auto right = flags.result(); !right) {
    return right.error();
  }
  if (auto nodes = read_nodes(flags.text("--nodes"), settings); !nodes) {
    return nodes.error();
  }
  if (!settings.nodes.contains(settings.cluster.home)) {
    return Error{ErrorKind::usage,
                 fmt::format("faultline-saas: --home expects one of --nodes, found '{}'",
                             settings.cluster.home)};
  }
  return settings;
}

}  // namespace

int manager_main(std::span<const std::string> args) {
  auto settings = read(args);
  if (!settings) {
    return net::fail(settings.error());
  }
  if (auto may = may_send(*settings); !may) {
    return net::fail(may.error());
  }
  // Blocked before the first thread starts, so that only sigwait sees them.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  Manager manager(std::move(*settings), [](const std::string& line) { net::log_line(line); });
  if (auto started = manager.start(); !started) {
    return net::fail(started.error());
  }
  int signal = 0;
  ::sigwait(&ends, &signal);
  return 0;
}

}  // namespace faultline::database
