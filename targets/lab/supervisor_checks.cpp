#include "targets/lab/supervisor_checks.hpp"

#include "targets/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

namespace faultline::lab {
namespace {

using targets::Invariant;
using targets::Json;

constexpr Duration nft_limit = std::chrono::seconds(5);  // 5 ms on a quiet machine

template <class T>
const T& named(const std::vector<T>& all, std::string_view what, const std::string& name) {
  const auto it = std::ranges::find(all, name, &T::name);
  if (it != all.end()) {
    return *it;
  }
  std::vector<std::string> names;
  for (const auto& one : all) {
    names.push_back(one.name);
  }
  throw Failure({ErrorKind::not_found,
                 fmt::format("the lab has no {} '{}'{}", what, name, suggestion(name, names))});
}

}  // namespace

const Process& process_of(const CheckParts& lab, const Json& args, const char* key) {
  return named(lab.topology.processes, "component", args.at(key).get<std::string>());
}

const Host& host_of(const CheckParts& lab, const Json& args, const char* key) {
  return named(lab.topology.hosts, "host", args.at(key).get<std::string>());
}

Checks::Checks(const CheckParts& parts) : parts_(parts), kinds_(component_checks()) {
  for (const auto& more : {network_checks(), outside_checks()}) {
    kinds_.insert(kinds_.end(), more.begin(), more.end());
  }
}

void Checks::check(const targets::Check& check, targets::Done<targets::CheckResult> done) {
  const auto kind = std::ranges::find(kinds_, check.kind, &CheckKind::name);
  if (kind == kinds_.end()) {
    std::vector<std::string_view> names;
    for (const auto& one : kinds_) {
      names.push_back(one.name);
    }
    done(Error{ErrorKind::unsupported, fmt::format("the lab cannot check '{}'; it can {}",
                                                   check.kind, fmt::join(names, ", "))});
    return;
  }
  try {
    kind->look(parts_, check.args, done);
  } catch (const Failure& wrong) {
    done(wrong.error());
  }
}

void Checks::invariants(targets::Done<std::vector<Invariant>> done) {
  parts_.health.look(
      [this, done = std::move(done)] { add_rules(parts_.health.invariants(), done); });
}

void Checks::add_rules(std::vector<Invariant> found,
                       const targets::Done<std::vector<Invariant>>& done) {
  struct Gathering {
    std::vector<Invariant> found;
    std::size_t left = 0;
  };
  const auto& hosts = parts_.topology.hosts;
  auto gathering = std::make_shared<Gathering>(Gathering{std::move(found), hosts.size()});
  for (const auto& host : hosts) {
    parts_.children.run(
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
