#pragma once

#include "targets/error.hpp"
#include "targets/net/fd.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace faultline::lab {

/// JSON lines with file descriptors over a Unix stream socket: one side of the protocol in
/// protocol.hpp. Asynchronous on `executor`; never blocks.
class Channel : public std::enable_shared_from_this<Channel> {
 public:
  using OnLine = std::function<void(nlohmann::json line, std::vector<net::Fd> fds)>;
  using OnClose = std::function<void(std::string reason)>;

  /// Connects to a supervisor. Error `not_found` when nobody listens.
  static Result<std::shared_ptr<Channel>> connect(boost::asio::any_io_executor executor,
                                                  const std::filesystem::path& socket);
  static std::shared_ptr<Channel> adopt(boost::asio::any_io_executor executor, net::Fd socket);
  virtual ~Channel() = default;

  /// Starts reading. A line that is not JSON, or too long, closes the channel.
  virtual void start(OnLine on_line, OnClose on_close) = 0;
  /// Queues a line; `fds` travel with its first byte. At most 4 MiB are queued, then it closes.
  virtual void send(const nlohmann::json& line, std::vector<net::Fd> fds = {}) = 0;
  virtual void close() = 0;
};

}  // namespace faultline::lab
