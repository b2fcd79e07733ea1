#pragma once

#include "targets/lab/config.hpp"
#include "targets/lab/supervisor_components.hpp"
#include "targets/target.hpp"

#include <boost/asio/io_context.hpp>

#include <string>

namespace faultline::lab {

/// Tells parts of the lab (wire, metadata, dependency) through their control sockets what an action
/// adds to them and what is removed.
class SideDoors {
 public:
  SideDoors(boost::asio::io_context& io, const Components& components, const Places& places)
      : io_(io), components_(components), places_(places) {}

  /// Error `refused` in the part's words; `timeout` when it does not answer.
  void tell(const std::string& component, const targets::Json& what, targets::Done<void> done);
  /// Of a removal, which is idempotent: a part that is dead has forgotten by itself.
  void forget(const std::string& component, const targets::Json& what, targets::Done<void> done);

 private:
  boost::asio::io_context& io_;
  const Components& components_;
  const Places& places_;
};

}  // namespace faultline::lab
