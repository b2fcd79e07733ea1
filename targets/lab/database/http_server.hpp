#pragma once

#include "targets/error.hpp"
#include "targets/net/endpoint.hpp"

#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace httplib {
class Server;
}

namespace faultline::database {

/// A few routes over HTTP, for the lab's own use.
class HttpServer {
 public:
  struct Answer {
    int status = 200;
    std::string body;  ///< JSON, or text when it does not begin with '{'
  };
  using Handle = std::function<Answer(const std::string& body)>;

  HttpServer();
  ~HttpServer();  ///< stops; handlers that still run are waited for

  /// `handle` runs on one of the server's threads.
  void get(const std::string& path, Handle handle);
  void post(const std::string& path, Handle handle);
  /// Error `io` when the address cannot be bound.
  Result<> start(const net::Endpoint& listen);

 private:
  std::unique_ptr<httplib::Server> server_;
  std::thread listener_;
  int listening_ = -1;
};

}  // namespace faultline::database
