#include "targets/web/client.hpp"

#include "targets/web/transfer.hpp"
#include "targets/web/url.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <deque>
#include <iterator>
#include <map>
#include <mutex>
#include <thread>

namespace faultline::web {
namespace {

/// At once; Prometheus itself works on 20. Further requests wait here, in their own time: in
/// libcurl's queue, limits of time are not kept (curl's issues 6744 and 13227).
constexpr std::size_t max_under_way = 16;
constexpr auto longest_wait = std::chrono::seconds(10);  ///< libcurl's timers cut it short

/// libcurl's global state, counted by libcurl itself.
class Library {
 public:
  Library() {
    if ((::curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_THREADSAFE) == 0 ||
        ::curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
      throw Failure({ErrorKind::unsupported,
                     fmt::format("expected a libcurl that can be initialised beside other threads "
                                 "(7.84 or newer), found {}",
                                 ::curl_version())});
    }
  }
  ~Library() { ::curl_global_cleanup(); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
};

struct MultiCleanup {
  void operator()(CURLM* multi) const { ::curl_multi_cleanup(multi); }
};

/// A thread that no signal of the program is delivered to, SIGPIPE of a TLS connection included.
template <class Body>
std::thread thread_without_signals(Body body) {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);
  std::thread thread(std::move(body));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

/// The thread, and what it has to do. Everything of libcurl happens on it, the making of a handle
/// excepted.
class Client::Loop {
 public:
  Loop() : multi_(::curl_multi_init()) {
    if (!multi_) {
      throw Failure({ErrorKind::io, "libcurl has no memory for requests"});
    }
    thread_ = thread_without_signals([this] { run(); });
  }
  ~Loop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    ::curl_multi_wakeup(multi_.get());
    thread_.join();
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// False when there are too many already.
  bool add(std::unique_ptr<Transfer> transfer) {
    {
      const std::lock_guard lock(mutex_);
      if (unfinished_ == max_requests) {
        return false;
      }
      ++unfinished_;
      added_.push_back(std::move(transfer));
    }
    ::curl_multi_wakeup(multi_.get());
    return true;
  }

 private:
  void run() {
    while (take_what_was_added()) {
      begin_what_may_begin();
      int running = 0;
      ::curl_multi_perform(multi_.get(), &running);
      end_what_is_done();
      const auto wait = std::chrono::ceil<std::chrono::milliseconds>(time_to_wait());
      ::curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(wait.count()), nullptr);
    }
    for (const auto& [handle, transfer] : running_) {
      ::curl_multi_remove_handle(multi_.get(), handle);
    }
    running_.clear();
    waiting_.clear();
  }

  /// False when it is time to stop.
  bool take_what_was_added() {
    const std::lock_guard lock(mutex_);
    std::ranges::move(added_, std::back_inserter(waiting_));
    added_.clear();
    return !stopping_;
  }

  void begin_what_may_begin() {
    const Instant now = std::chrono::steady_clock::now();
    const auto late =
        std::stable_partition(waiting_.begin(), waiting_.end(),
                              [now](const auto& transfer) { return transfer->deadline() > now; });
    for (auto transfer = late; transfer != waiting_.end(); ++transfer) {
      forget_one();
      (*transfer)->end_unbegun();
    }
    waiting_.erase(late, waiting_.end());
    while (!waiting_.empty() && running_.size() < max_under_way) {
      auto transfer = std::move(waiting_.front());
      waiting_.pop_front();
      if (transfer->begin(now, multi_.get())) {
        running_.emplace(transfer->handle(), std::move(transfer));
      } else {
        forget_one();
      }
    }
  }

  /// Until somebody who waits has waited for too long, or can begin.
  [[nodiscard]] Duration time_to_wait() const {
    if (!waiting_.empty() && running_.size() < max_under_way) {
      return {};
    }
    const Instant now = std::chrono::steady_clock::now();
    Duration wait = longest_wait;
    for (const auto& transfer : waiting_) {
      wait = std::min(wait, std::max(Duration{}, transfer->deadline() - now));
    }
    return wait;
  }

  void forget_one() {
    const std::lock_guard lock(mutex_);
    --unfinished_;
  }

  void end_what_is_done() {
    int left = 0;
    while (const CURLMsg* message = ::curl_multi_info_read(multi_.get(), &left)) {
      CURL* handle = message->easy_handle;
      const CURLcode code = message->data.result;  // the message goes with the handle
      ::curl_multi_remove_handle(multi_.get(), handle);
      const auto ended = running_.extract(handle);
      forget_one();
      ended.mapped()->end(code);
    }
  }

  Library library_;
  std::unique_ptr<CURLM, MultiCleanup> multi_;
  std::map<CURL*, std::unique_ptr<Transfer>> running_;  // the thread's own
  std::deque<std::unique_ptr<Transfer>> waiting_;       // the thread's own, too
  std::mutex mutex_;                                    // of what follows
  std::vector<std::unique_ptr<Transfer>> added_;
  std::size_t unfinished_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

Client::Client(boost::asio::any_io_executor executor, std::vector<std::string> allowed)
    : executor_(std::move(executor)),
      allowed_(std::move(allowed)),
      loop_(std::make_unique<Loop>()) {}

Client::~Client() {
  alive_.reset();
}

void Client::send(const Request& request, Then then) {
  // Whoever runs the executor waits for the answer, too. What `then` holds goes along: it is never
  // destroyed on the loop's thread beside its owner's.
  auto answer = [work = boost::asio::make_work_guard(executor_), alive = std::weak_ptr(alive_),
                 then = std::make_shared<Then>(std::move(then))](Result<Response> result) mutable {
    boost::asio::post(work.get_executor(),
                      [alive, then = std::move(then), result = std::move(result)]() mutable {
                        if (!alive.expired()) {
                          (*then)(std::move(result));
                        }
                      });
  };
  auto url = checked_url(request.url, allowed_);
  if (!url) {
    answer(url.error());
    return;
  }
  auto transfer = Transfer::make(*url, request, answer);
  if (!transfer) {
    answer(transfer.error());
  } else if (!loop_->add(std::move(*transfer))) {
    answer(
        Error{ErrorKind::refused,
              fmt::format("{}: {} requests are under way, which is the limit; ask again when one "
                          "has ended",
                          *url, max_requests)});
  }
}

}  // namespace faultline::web
