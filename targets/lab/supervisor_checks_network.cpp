#include "targets/lab/supervisor_checks.hpp"
#include "targets/lab/supervisor_flows.hpp"
#include "targets/lab/supervisor_ping.hpp"

#include <fmt/format.h>

namespace faultline::lab {
namespace {

using targets::CheckResult;
using targets::Json;
using Done = CheckKind::Done;
using namespace std::chrono_literals;

constexpr Duration reach_limit = 1s;     // of network.unreachable
constexpr Duration new_flow_limit = 2s;  // of nat.flow_dropped
constexpr Duration ping_limit = 12s;     // 200 pings take 2 s, 10 at 2 s delay each way 5 s
constexpr std::string_view nat_host = "nat";

/// A connect and nothing else.
Question connect_question(const Host& from, const Process& to, Duration limit) {
  return {from.name, to.address, to.port, "", "", nullptr, limit};
}

/// Only time without any answer shows that packets are lost: a refusal came from there, and other
/// errors may be the asking host's own.
Result<CheckResult> no_answer(const std::string& reached, const Heard& heard) {
  if (heard) {
    return CheckResult{false, fmt::format("{} in {:.1f} ms", reached, to_ms(heard->took))};
  }
  const auto asked = was_asked(heard);
  return asked ? Result<CheckResult>(
                     CheckResult{heard.error().why == Silence::timeout, heard.error().words})
               : asked.error();
}

void unreachable(const CheckParts& lab, const Json& args, Done done) {
  const auto& to = process_of(lab, args, "to");
  const auto& from = host_of(lab, args, "from");
  ask(lab.io, connect_question(from, to, reach_limit),
      [done = std::move(done), from = from.name, name = to.name](const Heard& heard) {
        done(no_answer(fmt::format("{} reached {}", from, name), heard));
      });
}

using Judge = std::function<CheckResult(const PingSeen& seen)>;

/// `ping` is asked at the host; `how` are its options.
void ping(const CheckParts& lab, const Json& args, std::vector<std::string> how, const Judge& judge,
          Done done) {
  const auto& from = host_of(lab, args, "from");
  const auto& to = host_of(lab, args, "to");
  std::vector<std::string> argv{"ping", "-n"};
  argv.insert(argv.end(), how.begin(), how.end());
  argv.push_back(to.address);
  lab.children.finish(
      {from.name, argv}, "", ping_limit,
      [judge, done = std::move(done),
       where = fmt::format("{} to {}", from.name, to.name)](const Result<Finished>& finished) {
        const auto seen = finished ? parse_ping(finished->printed) : std::nullopt;
        if (!finished) {
          done(finished.error());
        } else if (!seen) {
          done(Error{ErrorKind::io, fmt::format("ping from {} {}: {}", where,
                                                finished->exit.in_words(), finished->printed)});
        } else {
          auto result = judge(*seen);
          result.evidence = where + ": " + result.evidence;
          done(std::move(result));
        }
      });
}

void loses(const CheckParts& lab, const Json& args, Done done) {
  const auto at_least = args.at("at_least_percent").get<double>();
  ping(
      lab, args, {"-q", "-c", "200", "-i", "0.005", "-W", "1"},
      [at_least](const PingSeen& seen) {
        return CheckResult{
            seen.lost_percent() >= at_least,
            fmt::format("{} of {} pings lost ({:.1f} %, at least {:.1f} % expected)",
                        seen.sent - seen.received, seen.sent, seen.lost_percent(), at_least)};
      },
      std::move(done));
}

void round_trip(const CheckParts& lab, const Json& args, Done done) {
  const auto at_least = args.at("at_least_ms").get<double>();
  ping(
      lab, args, {"-c", "10", "-i", "0.02", "-W", "5"},
      [at_least](const PingSeen& seen) {
        return CheckResult{!seen.times_ms.empty() && seen.median_ms() >= at_least,
                           seen.times_ms.empty()
                               ? fmt::format("none of {} pings was answered", seen.sent)
                               : fmt::format("median round trip {:.1f} ms of {} pings (at least "
                                             "{:.1f} ms expected)",
                                             seen.median_ms(), seen.times_ms.size(), at_least)};
      },
      std::move(done));
}

void flows(const CheckParts& lab, const Json& args, Done done) {
  const auto& to = process_of(lab, args, "to");
  const auto at_least = args.at("at_least").get<int>();
  const bool all = !args.contains("from");
  const auto from = all ? "" : host_of(lab, args, "from").name;
  const FlowsOf wanted{std::string(nat_host), to.address, to.port,
                       all ? "" : host_of(lab, args, "from").address};
  lab.flow_counts.count(
      wanted, std::chrono::steady_clock::now(),
      [done = std::move(done), to, from, at_least](const Result<int>& counted) {
        if (!counted) {
          done(counted.error());
          return;
        }
        done(CheckResult{*counted >= at_least,
                         fmt::format("conntrack in {} counts {} established flows{} to {}:{} (at "
                                     "least {} expected)",
                                     nat_host, *counted, from.empty() ? "" : " from " + from,
                                     to.address, to.port, at_least)});
      });
}

void flow_dropped(const CheckParts& lab, const Json& args, Done done) {
  const auto& to = process_of(lab, args, "to");
  const auto& from = host_of(lab, args, "from");
  ask(lab.io, connect_question(from, to, new_flow_limit),
      [done = std::move(done), from = from.name, name = to.name](const Heard& heard) {
        done(no_answer(fmt::format("a new flow from {} reached {}", from, name), heard));
      });
}

}  // namespace

std::vector<CheckKind> network_checks() {
  return {{"network.unreachable", unreachable},
          {"network.loses", loses},
          {"network.round_trip", round_trip},
          {"nat.flows", flows},
          {"nat.flow_dropped", flow_dropped}};
}

}  // namespace faultline::lab
