#pragma once

#include "targets/clock.hpp"
#include "targets/error.hpp"
#include "targets/net/endpoint.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace faultline::services {

/// A request as an event-driven part sees it.
struct HttpRequest {
  std::string method;
  std::string path;                            ///< without the query
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  std::string from;  ///< the caller's address, "10.0.1.11"
};

/// What comes back, and when.
struct Reaction {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  Duration delay{};       ///< from the request's last byte to the answer's first
  bool reset = false;     ///< no answer after the delay, but RST
  Duration body_takes{};  ///< the headers come at once, the body over this time
};

/// Says what a request gets. Asked when it arrives and again whenever the server is told to
/// reconsider, so that a layer that is removed lets go of those that wait because of it.
using Recipe = std::function<Reaction()>;

/// HTTP/1.1 on one thread, for parts at which thousands of idle connections may be held: a fault
/// opens and keeps them, so none is ever ended for being idle.
class EventHttp {
 public:
  using Handle = std::function<Recipe(const HttpRequest&)>;

  /// Listens at once; error `io` when the address cannot be bound.
  static Result<std::unique_ptr<EventHttp>> open(boost::asio::io_context& io,
                                                 const net::Endpoint& at, Handle handle);
  ~EventHttp();

  /// The port that was bound: of interest when 0 was asked for.
  [[nodiscard]] std::uint16_t port() const;
  /// Asks the recipes of all requests that wait for their answer again.
  void reconsider();

 private:
  class Shared;
  class Session;
  class Door;
  explicit EventHttp(std::unique_ptr<Door> door);
  std::unique_ptr<Door> door_;
};

/// As many descriptors as the system allows: connections are this part's business.
void raise_descriptor_limit();

}  // namespace faultline::services
