#include "targets/lab/services/flows.hpp"

#include "targets/lab/services/family.hpp"
#include "targets/lab/services/flow_holder.hpp"
#include "targets/net/fd.hpp"
#include "targets/net/flags.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

namespace faultline::services {
namespace {

/// Four NAT addresses full.
constexpr int max_flows = 4 * 64'512;

/// All that are nobody's by custom.
constexpr int first_port = 1024, all_ports = 64'512;

/// What the process `index` of several may use. The machine's own ports, outside a lab, are not
/// ours to choose from.
FlowLimits limits_of(const net::Endpoint& to, int index, int processes) {
  FlowLimits limits;
  if (!to.address.starts_with("127.")) {
    limits.first_port = first_port + index * all_ports / processes;
    limits.ports = first_port + (index + 1) * all_ports / processes - limits.first_port;
  }
  return limits;
}

/// A child's life: it tells its count, one line far below PIPE_BUF, through `pipe`.
int hold_share(const net::Endpoint& to, int flows, const FlowLimits& limits, int pipe) {
  const auto error = hold_flows(to, flows, limits, [pipe](const FlowCount& count) {
    const auto line = count.to_json() + "\n";
    [[maybe_unused]] const auto written = ::write(pipe, line.data(), line.size());
  });
  return net::fail(error);
}

/// The counts of all `processes`; an error when one ended before it told its own.
Result<FlowCount> hear_all(int pipe, int processes) {
  const std::unique_ptr<std::FILE, decltype(&std::fclose)> lines(::fdopen(pipe, "r"), &std::fclose);
  FlowCount all;
  for (int heard = 0; heard < processes; ++heard) {
    char* line = nullptr;
    std::size_t capacity = 0;
    const auto size = ::getline(&line, &capacity, lines.get());
    const std::unique_ptr<char, decltype(&std::free)> owner(line, &std::free);
    const auto count = FlowCount::parse(size > 0 ? std::string(line) : "");
    if (!count) {
      return Error{ErrorKind::io, "a process that holds connections ended"};
    }
    all.add(*count);
  }
  return all;
}

}  // namespace

void FlowCount::add(const FlowCount& other) {
  held += other.held;
  failed += other.failed;
  for (const auto& [reason, times] : other.why) {
    why[reason] += times;
  }
}

std::string FlowCount::to_json() const {
  nlohmann::ordered_json json{{"held", held}, {"failed", failed}};
  if (!why.empty()) {
    json["why"] = why;
  }
  return json.dump();
}

Result<FlowCount> FlowCount::parse(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return Error{ErrorKind::io, "expected a count of flows, found '" + text + "'"};
  }
  FlowCount count;
  count.held = json.value("held", 0);
  count.failed = json.value("failed", 0);
  count.why = json.value("why", count.why);
  return count;
}

Error hold_flows(const net::Endpoint& to, int flows, const FlowLimits& limits,
                 const std::function<void(const FlowCount&)>& tried) {
  return FlowHolder(to, flows, limits).run(tried);
}

int flows_main(std::span<const std::string> args) {
  net::FlagReader flags(args, {"--to", "--flows"});
  const auto to = flags.endpoint("--to");
  const int flows = flags.number("--flows", 1, max_flows);
  if (const auto right = flags.result(); !right) {
    return net::fail(right.error());
  }
  if (const auto may = may_exchange_with(to); !may) {
    return net::fail(may.error());
  }
  int pipe[2]{};
  if (::pipe2(pipe, O_CLOEXEC) != 0) {
    return net::fail({ErrorKind::io, "no pipe: too many open files"});
  }
  Family family;
  const int most = raise_connection_limit();
  const int processes = (flows + most - 1) / most;
  for (int i = 0, left = flows; i < processes; ++i) {
    const int share = left / (processes - i);
    left -= share;
    const auto added = family.add([&to, share, limits = limits_of(to, i, processes), &pipe] {
      ::close(pipe[0]);
      return hold_share(to, share, limits, pipe[1]);
    });
    if (!added) {
      return net::fail(added.error());
    }
  }
  ::close(pipe[1]);
  const auto all = hear_all(pipe[0], processes);
  if (!all) {
    return net::fail(all.error());
  }
  fmt::print("{}\n", all->to_json());
  std::fflush(stdout);
  return family.wait_for_one();
}

}  // namespace faultline::services
