#pragma once

#include "targets/error.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <functional>
#include <memory>

namespace faultline::net {

/// The side door of a part of the lab: a Unix socket on which one JSON line is asked and one is
/// answered, then closed. Whoever may open the path may do everything, so its mode is 0600.
class LineServer {
 public:
  /// `handle` runs on the io_context's thread and may throw `Failure` or a JSON exception: the
  /// answer is then { "error": "..." }, else { "ok": what it returned }.
  using Handle = std::function<nlohmann::json(const nlohmann::json& request)>;

  /// Listens at once; error `io` when the path cannot be bound. A socket left there by a process
  /// that is gone is replaced.
  static Result<std::unique_ptr<LineServer>> open(boost::asio::io_context& io,
                                                  const std::filesystem::path& path, Handle handle);

 private:
  class Conversation;
  LineServer(boost::asio::local::stream_protocol::acceptor acceptor, Handle handle)
      : acceptor_(std::move(acceptor)),
        pause_(acceptor_.get_executor()),
        handle_(std::move(handle)) {}
  void accept();

  boost::asio::local::stream_protocol::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  Handle handle_;
};

}  // namespace faultline::net
