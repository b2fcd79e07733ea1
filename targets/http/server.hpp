#pragma once

#include "targets/error.hpp"
#include "targets/net/endpoint.hpp"

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace httplib {
class Server;
struct Request;
}  // namespace httplib

namespace faultline::http {

struct Answer {
  int status = 200;
  std::string body;  ///< JSON, or text when it does not begin with '{'
  std::vector<std::pair<std::string, std::string>> headers{};
};
/// Runs on one of the server's threads.
using Handle = std::function<Answer(const httplib::Request&)>;

struct Size {
  std::size_t threads = 8;  ///< requests at once; a connection that is kept holds one
  int backlog = 128;        ///< connections that come while all cores are busy
  std::size_t requests_per_connection = 5;
};

/// A few routes over HTTP, served on threads of its own.
class Server {
 public:
  explicit Server(Size size);
  ~Server();  ///< stops

  /// Before it starts. `path` is a regular expression; its groups are the request's `matches`.
  void get(const std::string& path, Handle handle);
  void post(const std::string& path, Handle handle);
  /// Once. Error `io` when the address cannot be bound.
  Result<> start(const net::Endpoint& listen);
  /// Accepts nobody any more and returns when what was in flight is answered. Idempotent.
  void stop();

 private:
  const Size size_;
  std::unique_ptr<httplib::Server> server_;
  std::thread listener_;
  int listening_ = -1;
};

}  // namespace faultline::http
