#include "targets/lab/supervisor_checks.hpp"

#include <fmt/format.h>

namespace faultline::lab {
namespace {

using targets::CheckResult;
using targets::Json;
using Done = CheckKind::Done;

constexpr Duration silence_limit = std::chrono::milliseconds(300);  // of component.silent

void state(const CheckParts& lab, const Json& args, Done done) {
  const auto& name = process_of(lab, args, "component").name;
  const auto found = to_string(lab.components.state(name));
  const int pid = lab.components.pid(name);
  done(CheckResult{found == args.at("state").get<std::string>(),
                   pid == 0 ? fmt::format("{} is {}", name, found)
                            : fmt::format("{} (pid {}) is {}", name, pid, found)});
}

Result<CheckResult> silence_of(const std::string& name, const Heard& heard) {
  if (heard) {
    return CheckResult{false, fmt::format("{} answered in {:.1f} ms", name, to_ms(heard->took))};
  }
  const auto asked = was_asked(heard);
  return asked ? Result<CheckResult>(CheckResult{true, heard.error().words}) : asked.error();
}

void silent(const CheckParts& lab, const Json& args, Done done) {
  const auto& p = process_of(lab, args, "component");
  if (p.address.empty()) {
    done(Error{ErrorKind::unsupported,
               fmt::format("{} has no address: check its state instead", p.name)});
    return;
  }
  const auto from = p.zone.empty() ? "core" : p.zone + "-router";
  ask(lab.io, liveness_question(p, from, silence_limit),
      [done = std::move(done), name = p.name](const Heard& heard) {
        done(silence_of(name, heard));
      });
}

/// The store of that name, told by its label; throws a Failure `not_found`.
void require_store(const CheckParts& lab, std::string_view label, const std::string& name) {
  for (const auto& process : lab.topology.processes) {
    if (store_label(process) == label && process.labels.at(std::string(label)) == name) {
      return;
    }
  }
  throw Failure({ErrorKind::not_found, fmt::format("the lab has no {} '{}'", label, name)});
}

CheckResult role_elsewhere(const std::string& holder, const std::string& component,
                           std::string_view role, const std::string& store) {
  return {!holder.empty() && holder != component,
          holder.empty() ? fmt::format("{} has no {} now", store, role)
                         : fmt::format("{} is the {} of {}", holder, role, store)};
}

void primary_not(const CheckParts& lab, const Json& args, Done done) {
  const auto cache = args.at("cache").get<std::string>();
  require_store(lab, "cache", cache);
  const auto& component = process_of(lab, args, "component").name;
  lab.health.look([&health = lab.health, cache, component, done = std::move(done)] {
    done(role_elsewhere(health.cache(cache).primary, component, "writable primary", cache));
  });
}

void rw_not(const CheckParts& lab, const Json& args, Done done) {
  const auto database = args.at("database").get<std::string>();
  require_store(lab, "database", database);
  const auto& component = process_of(lab, args, "component").name;
  lab.health.look([&health = lab.health, database, component, done = std::move(done)] {
    done(role_elsewhere(health.database(database).rw, component, "writable node", database));
  });
}

}  // namespace

std::vector<CheckKind> component_checks() {
  return {{"component.state", state},
          {"component.silent", silent},
          {"cache.primary_not", primary_not},
          {"database.rw_not", rw_not}};
}

}  // namespace faultline::lab
