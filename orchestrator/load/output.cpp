#include "orchestrator/load/output.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <unistd.h>
#include <utility>

namespace faultline::load {
namespace {

/// About 20 s of samples at 5,000/s: longer than any pause of a reader that is alive.
constexpr std::size_t max_waiting_bytes = 8u << 20;

}  // namespace

Output::Output(boost::asio::io_context& io, int fd, std::function<void()> on_broken)
    : stream_(io, ::dup(fd)), on_broken_(std::move(on_broken)) {}

void Output::line(std::string_view text) {
  if (broken_) {
    return;
  }
  waiting_.append(text).push_back('\n');
  if (waiting_.size() > max_waiting_bytes) {
    broken();
  } else if (!busy_) {
    write_more();
  }
}

void Output::when_empty(std::function<void()> then) {
  on_empty_ = std::move(then);
  if (!busy_ && !broken_) {
    boost::asio::post(stream_.get_executor(), std::exchange(on_empty_, nullptr));
  }
}

void Output::write_more() {
  busy_ = true;
  writing_.clear();
  std::swap(writing_, waiting_);
  boost::asio::async_write(stream_, boost::asio::buffer(writing_),
                           [this](boost::system::error_code error, std::size_t) {
                             busy_ = false;
                             if (error) {
                               broken();
                             } else if (!waiting_.empty()) {
                               write_more();
                             } else if (on_empty_) {
                               std::exchange(on_empty_, nullptr)();
                             }
                           });
}

void Output::broken() {
  if (!std::exchange(broken_, true)) {
    on_broken_();
  }
}

}  // namespace faultline::load
