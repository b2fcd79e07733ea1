#pragma once

#include "targets/lab/supervisor_health.hpp"

namespace faultline::lab {

/// Answers questions about the lab by looking, never by waiting for a reaction.
class Checks {
 public:
  Checks(boost::asio::io_context& io, const Topology& topology, Children& children,
         const Components& components, Health& health)
      : io_(io),
        topology_(topology),
        children_(children),
        components_(components),
        health_(health) {}

  /// Error `unsupported` for an unknown kind, `not_found` for an unknown name.
  void check(const targets::Check& check, targets::Done<targets::CheckResult> done);
  /// After a fresh look at every component and every host's rules.
  void invariants(targets::Done<std::vector<targets::Invariant>> done);

 private:
  using Done = targets::Done<targets::CheckResult>;
  void state(const targets::Json& args, const Done& done);
  void silent(const targets::Json& args, const Done& done);
  void unreachable(const targets::Json& args, const Done& done);
  void primary_not(const targets::Json& args, const Done& done);
  void add_rules(std::vector<targets::Invariant> found,
                 const targets::Done<std::vector<targets::Invariant>>& done);
  [[nodiscard]] Result<const Process*> process(const targets::Json& args, const char* key) const;

  boost::asio::io_context& io_;
  const Topology& topology_;
  Children& children_;
  const Components& components_;
  Health& health_;
};

}  // namespace faultline::lab
