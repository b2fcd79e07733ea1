#pragma once

#include "targets/lab/supervisor_flows.hpp"
#include "targets/lab/supervisor_health.hpp"
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
  /// After a fresh look at every component and every host's rules.
  void invariants(targets::Done<std::vector<targets::Invariant>> done);

 private:
  void add_rules(std::vector<targets::Invariant> found,
                 const targets::Done<std::vector<targets::Invariant>>& done);

  CheckParts parts_;
  std::vector<CheckKind> kinds_;
};

}  // namespace faultline::lab
