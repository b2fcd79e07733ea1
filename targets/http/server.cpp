#include "targets/http/server.hpp"

#include <fmt/format.h>
#include <httplib.h>

#include <chrono>
#include <sys/socket.h>

namespace faultline::http {
namespace {

constexpr std::size_t max_body = 16 * 1024;  ///< a login is 60 bytes, a switchover 20
constexpr time_t keep_alive_s = 1;           ///< a connection holds a thread: idle ones are let go
constexpr auto slow_client = std::chrono::seconds(2);  ///< who stalls for so long is dropped

auto to_library(Handle handle) {
  return [handle = std::move(handle)](const httplib::Request& request,
                                      httplib::Response& response) {
    const auto answer = handle(request);
    response.status = answer.status;
    for (const auto& [name, value] : answer.headers) {
      response.set_header(name, value);
    }
    response.set_content(answer.body, answer.body.starts_with('{') ? "application/json"
                                                                   : "text/plain; version=0.0.4");
  };
}

}  // namespace

Server::Server(Size size) : size_(size), server_(std::make_unique<httplib::Server>()) {
  server_->new_task_queue = [threads = size.threads] { return new httplib::ThreadPool(threads); };
  server_->set_payload_max_length(max_body);
  server_->set_read_timeout(slow_client);
  server_->set_write_timeout(slow_client);
  server_->set_keep_alive_timeout(keep_alive_s);
  server_->set_keep_alive_max_count(size.requests_per_connection);
  server_->set_tcp_nodelay(true);
  server_->set_socket_options([this](int socket) {
    // No SO_REUSEPORT, the library's default: a second part on this address must fail to start.
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    listening_ = socket;
  });
}

Server::~Server() {
  stop();
}

void Server::get(const std::string& path, Handle handle) {
  server_->Get(path, to_library(std::move(handle)));
}

void Server::post(const std::string& path, Handle handle) {
  server_->Post(path, to_library(std::move(handle)));
}

Result<> Server::start(const net::Endpoint& listen) {
  if (!server_->bind_to_port(listen.address.c_str(), listen.port)) {
    return Error{ErrorKind::io, fmt::format("cannot listen on {}: is another one there, or is the "
                                            "address not this host's?",
                                            net::to_string(listen))};
  }
  ::listen(listening_, size_.backlog);  // again: the library asks for 5, a burst would wait for 1 s
  listener_ = std::thread([this] { server_->listen_after_bind(); });
  while (!server_->is_running()) {  // a stop before this would be lost
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return {};
}

void Server::stop() {
  if (listener_.joinable()) {
    server_->stop();
    listener_.join();
  }
}

}  // namespace faultline::http
