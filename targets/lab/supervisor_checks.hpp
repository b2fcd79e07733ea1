#pragma once

#include "targets/lab/supervisor_flows.hpp"
#include "targets/lab/supervisor_health.hpp"
#include "targets/lab/supervisor_netlink.hpp"
#include "targets/lab/supervisor_reclaims.hpp"

namespace faultline::lab {

/// What the checks look at.
struct CheckParts {
  boost::asio::io_context& io;
  const Topology& topology;
  Children& children;
  const Components& components;
  Health& health;
  const Reclaims& reclaims;
  const FlowHolds& flow_holds;
  FlowCounts& flow_counts;
};

/// A kind of check, a row each: `targets/target.hpp` has the arguments. `look` answers once; it
/// throws an Error as Failure for an unknown name, a JSON exception for a missing argument.
struct CheckKind {
  using Done = targets::Done<targets::CheckResult>;
  std::string_view name;
  void (*look)(const CheckParts& lab, const targets::Json& args, Done done);
};
std::vector<CheckKind> component_checks();  ///< processes and roles
std::vector<CheckKind> network_checks();    ///< reachability, loss, round trips, the NAT
std::vector<CheckKind> outside_checks();    ///< the metadata, the third party

/// Error `not_found`, as Failure, for a name that is not there.
const Process& process_of(const CheckParts& lab, const targets::Json& args, const char* key);
const Host& host_of(const CheckParts& lab, const targets::Json& args, const char* key);

/// Answers questions about the lab by looking, never by waiting for a reaction.
class Checks {
 public:
  explicit Checks(const CheckParts& parts);

  /// Error `unsupported` for an unknown kind, `not_found` for an unknown name.
  void check(const targets::Check& check, targets::Done<targets::CheckResult> done);
  /// Notes how the network was built: from now on anything else is told.
  Result<> note_network();
  /// After a fresh look at every component, and at every host's rules and routes.
  void invariants(targets::Done<std::vector<targets::Invariant>> done);

 private:
  /// A host's rules and routes.
  struct Ground {
    RuleTables rules;
    Routes routes;
  };
  [[nodiscard]] static Result<Ground> look_at(const Host& host);

  CheckParts parts_;
  std::vector<CheckKind> kinds_;
  std::map<std::string, Ground> built_;  // by host
};

/// What differs from how it was built, as words: "as built", or "added inet fl_x: 1 chain, 2 rules,
/// digest 5f3a9c21; missing ip faultline".
std::string difference(const RuleTables& built, const RuleTables& now);
std::string difference(const Routes& built, const Routes& now);

}  // namespace faultline::lab
