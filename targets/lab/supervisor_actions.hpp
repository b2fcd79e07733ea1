#pragma once

#include "targets/lab/supervisor_roles.hpp"

#include <deque>

namespace faultline::lab {

/// Does actions and undoes them. What touches one resource happens one after the other, in the
/// order asked; resources in parallel.
class Actions {
 public:
  Actions(boost::asio::io_context& io, const Topology& topology, Children& children,
          Components& components, Roles& roles)
      : io_(io), topology_(topology), children_(children), components_(components), roles_(roles) {}

  /// Error `unsupported` for an unknown kind, `not_found` or `usage` for wrong arguments.
  [[nodiscard]] Result<> validate(const targets::Action& action) const;

  /// Of a valid action. An error means that nothing was changed, except `timeout`.
  void apply(const targets::Action& action, targets::Done<void> done);
  /// Idempotent.
  void revert(const targets::Action& action, targets::Done<void> done);

 private:
  using Job = std::function<void(targets::Done<void>)>;
  void enqueue(const std::string& resource, Job job, targets::Done<void> done);
  void next(const std::string& resource);
  void rules(const std::string& host, const std::string& text, targets::Done<void> done);

  boost::asio::io_context& io_;
  const Topology& topology_;
  Children& children_;
  Components& components_;
  Roles& roles_;
  std::map<std::string, std::deque<std::function<void()>>>
      queues_;  // by resource; front is running
};

}  // namespace faultline::lab
