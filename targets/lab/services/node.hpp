#pragma once

#include "targets/http/server.hpp"
#include "targets/lab/services/auth.hpp"
#include "targets/lab/services/billing.hpp"
#include "targets/lab/services/catalog.hpp"
#include "targets/lab/services/flags.hpp"
#include "targets/lab/services/log.hpp"

#include <functional>

namespace faultline::services {

/// The client's deadline for a request that arrived at `arrival`: what its header X-Deadline-Ms
/// says (1 to 60,000), else `usual`.
Instant deadline_of(std::string_view header, Instant arrival, std::chrono::milliseconds usual);

/// A node's HTTP side: it knows routes and threads, the roles know the rest.
class Node {
 public:
  struct Parts {
    const Flags& flags;
    Auth& auth;
    Catalog& catalog;
    Billing& billing;
    WriteHold& hold;
    Metrics& metrics;
    Log& log;
    std::function<bool()> leaving;  ///< the balancer should take this node out
  };
  explicit Node(Parts parts);
  ~Node();  ///< stops

  /// Binds and serves on threads of its own. Error `io` when the address cannot be bound.
  Result<> start();
  /// Stops accepting and returns when what was in flight is answered, 2 s at most.
  void stop();

 private:
  using Handler = std::function<Answer(const httplib::Request&)>;
  void add_routes();
  void add_own_routes();
  [[nodiscard]] Instant deadline(const httplib::Request& request) const;
  [[nodiscard]] http::Handle counted(std::string role, Handler handler);

  Parts parts_;
  http::Server server_;
};

}  // namespace faultline::services
