#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace faultline::load {

/// Lines to a reader. Writing never waits: what the reader has not taken is kept, and a reader that
/// is gone or falls 8 MiB behind is reported once as broken.
class Output {
 public:
  /// Uses a duplicate of `fd`.
  Output(boost::asio::io_context& io, int fd, std::function<void()> on_broken);

  void line(std::string_view text);
  /// Calls `then` when everything has been taken.
  void when_empty(std::function<void()> then);

 private:
  void write_more();
  void broken();

  boost::asio::posix::stream_descriptor stream_;
  std::function<void()> on_broken_, on_empty_;
  std::string writing_, waiting_;
  bool busy_ = false, broken_ = false;
};

}  // namespace faultline::load
