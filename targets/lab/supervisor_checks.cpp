#include "targets/lab/supervisor_checks.hpp"

#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace faultline::lab {
namespace {

using targets::CheckResult;
using targets::Invariant;
using targets::Json;
using namespace std::chrono_literals;

constexpr Duration silence_limit = 300ms;  // the contract of component.silent
constexpr Duration reach_limit = 1s;       // the contract of network.unreachable
constexpr Duration nft_limit = 5s;         // 5 ms on a quiet machine

std::string text_of(const Json& args, const char* key) {
  return args.at(key).get<std::string>();
}

}  // namespace

void Checks::check(const targets::Check& check, Done done) {
  if (check.kind == "component.state") {
    state(check.args, done);
  } else if (check.kind == "component.silent") {
    silent(check.args, done);
  } else if (check.kind == "network.unreachable") {
    unreachable(check.args, done);
  } else if (check.kind == "cache.primary_not") {
    primary_not(check.args, done);
  } else {
    done(Error{ErrorKind::unsupported,
               fmt::format("the lab cannot check '{}'; it can component.state, component.silent, "
                           "network.unreachable, cache.primary_not",
                           check.kind)});
  }
}

Result<const Process*> Checks::process(const Json& args, const char* key) const {
  const auto name = text_of(args, key);
  if (const auto* found = topology_.process(name)) {
    return found;
  }
  std::vector<std::string> names;
  for (const auto& p : topology_.processes) {
    names.push_back(p.name);
  }
  return Error{ErrorKind::not_found,
               fmt::format("the lab has no component '{}'{}", name, suggestion(name, names))};
}

void Checks::state(const Json& args, const Done& done) {
  const auto component = process(args, "component");
  if (!component) {
    done(component.error());
    return;
  }
  const auto& name = (*component)->name;
  const auto found = to_string(components_.state(name));
  const int pid = components_.pid(name);
  done(CheckResult{found == text_of(args, "state"),
                   pid == 0 ? fmt::format("{} is {}", name, found)
                            : fmt::format("{} (pid {}) is {}", name, pid, found)});
}

void Checks::silent(const Json& args, const Done& done) {
  const auto component = process(args, "component");
  if (!component) {
    done(component.error());
    return;
  }
  const Process& p = **component;
  const auto from = p.zone.empty() ? "core" : p.zone + "-router";
  ask(io_, liveness_question(p, from, silence_limit), [done, name = p.name](const Heard& heard) {
    done(heard
             ? CheckResult{false, fmt::format("{} answered in {:.1f} ms", name, to_ms(heard->took))}
             : CheckResult{true, heard.error().words});
  });
}

void Checks::unreachable(const Json& args, const Done& done) {
  const auto component = process(args, "to");
  if (!component) {
    done(component.error());
    return;
  }
  const Process& p = **component;
  const auto from = text_of(args, "from");
  if (topology_.host(from) == nullptr) {
    done(Error{ErrorKind::not_found, fmt::format("the lab has no host '{}'", from)});
    return;
  }
  const Question connect{from, p.address, p.port, "", "", nullptr, reach_limit};
  ask(io_, connect, [done, from, name = p.name](const Heard& heard) {
    if (heard) {
      done(CheckResult{false,
                       fmt::format("{} reached {} in {:.1f} ms", from, name, to_ms(heard->took))});
    } else {
      // A refusal came from the host: it can be reached.
      done(CheckResult{heard.error().why != Silence::refused, heard.error().words});
    }
  });
}

void Checks::primary_not(const Json& args, const Done& done) {
  const auto component = process(args, "component");
  const auto cache = text_of(args, "cache");
  if (!component || !blueprint(topology_).homes.contains(cache)) {
    done(component ? Error{ErrorKind::not_found, fmt::format("the lab has no cache '{}'", cache)}
                   : component.error());
    return;
  }
  health_.look([this, done, cache, name = (*component)->name] {
    const auto& primary = health_.cache(cache).primary;
    done(CheckResult{!primary.empty() && primary != name,
                     primary.empty()
                         ? fmt::format("{} has no writable primary", cache)
                         : fmt::format("{} is the writable primary of {}", primary, cache)});
  });
}

void Checks::invariants(targets::Done<std::vector<Invariant>> done) {
  health_.look([this, done = std::move(done)] { add_rules(health_.invariants(), done); });
}

void Checks::add_rules(std::vector<Invariant> found,
                       const targets::Done<std::vector<Invariant>>& done) {
  struct Gathering {
    std::vector<Invariant> found;
    std::size_t left = 0;
  };
  auto gathering = std::make_shared<Gathering>(Gathering{std::move(found), topology_.hosts.size()});
  for (const auto& host : topology_.hosts) {
    children_.run(
        {host.name, {"nft", "list", "ruleset"}}, "", nft_limit,
        [gathering, done, name = host.name](const Result<std::string>& listed) {
          const auto value = !listed ? listed.error().message : listed->empty() ? "none" : *listed;
          gathering->found.push_back({"rules " + name, value, ""});
          if (--gathering->left == 0) {
            std::ranges::sort(gathering->found, {}, &Invariant::name);
            done(std::move(gathering->found));
          }
        });
  }
}

}  // namespace faultline::lab
