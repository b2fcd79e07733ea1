#include "orchestrator/guard/link.hpp"

#include "orchestrator/guard/guard.hpp"
#include "orchestrator/guard/guard_life.hpp"
#include "orchestrator/guard/start.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <fmt/format.h>

#include <sys/socket.h>

namespace faultline::guard {

namespace {
constexpr Duration connect_pause = std::chrono::milliseconds(20);  // a guard starts in some 30 ms
constexpr Duration start_pause = std::chrono::milliseconds(500);   // between two starts
using Local = boost::asio::local::stream_protocol;
}  // namespace

class Link::State : public std::enable_shared_from_this<State> {
 public:
  explicit State(Options options) : in_(std::move(options)), socket_(in_.executor) {}

  void attach(std::function<void(Result<>)> done) {
    attached_ = std::move(done);
    give_up_at_ = in_.clock.now() + start_limit;
    connect();
  }

  void detach() {
    if (socket_.is_open()) {
      send("detach\n");
    }
    leave();
  }

  /// Without a word: to the guard that is a death.
  void leave() {
    over_ = true;
    timer_.reset();
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  [[nodiscard]] bool guarded() const {
    return answered_ && in_.clock.now() < *answered_ + GuardLife::lease;
  }

 private:
  void connect() {
    socket_ = Local::socket(in_.executor);
    heard_ = std::make_shared<boost::asio::streambuf>();
    sent_.reset();
    boost::system::error_code error;
    socket_.connect(Local::endpoint(socket_path(in_.home).string()), error);
    if (!error && send(fmt::format("attach {}\n", in_.journal.string()))) {
      sent_ = in_.clock.now();
      listen();
      return later(beat_every, [this] { beat(); });
    }
    if (attached_ && in_.clock.now() >= give_up_at_) {
      return std::exchange(attached_, nullptr)(
          Error{ErrorKind::io,
                fmt::format("no guard answers at {}: {}; see {}", socket_path(in_.home).string(),
                            problem_.empty() ? error.message() : problem_,
                            (in_.home / "guard.log").string())});
    }
    start();
    later(connect_pause, [this] { connect(); });
  }

  void start() {
    if (started_ && in_.clock.now() < *started_ + start_pause) {
      return;
    }
    started_ = in_.clock.now();
    const auto begun = start_guard(in_.home);
    problem_ = begun ? "" : begun.error().message;
  }

  void listen() {
    boost::asio::async_read_until(
        socket_, *heard_, '\n',
        [self = shared_from_this(), heard = heard_](boost::system::error_code error, std::size_t) {
          if (self->over_ || heard != self->heard_) {
            return;  // of a guard that was given up
          }
          if (error) {
            return self->replace("the guard is gone, starting another");
          }
          std::istream in(heard.get());
          std::string word;
          in >> word;
          in.ignore(1);
          self->hear(word);
          if (!self->over_) {
            self->listen();
          }
        });
  }

  void hear(const std::string& word) {
    if (word == "relieved") {
      sent_.reset();  // it answers: it is at work on what this process left
      answered_.reset();
      if (!std::exchange(relieved_, true)) {
        in_.on_relieved();
      }
      return;
    }
    if (sent_) {  // after a pause there may be two answers to one question
      answered_ = std::exchange(sent_, std::nullopt);
    }
    if (attached_) {
      std::exchange(attached_, nullptr)({});
    }
  }

  void beat() {
    const auto now = in_.clock.now();
    const bool stood_still = now > beat_due_ + beat_every;  // then no answer could be heard
    if (sent_ && !stood_still && now >= *sent_ + answer_limit) {
      kill_peer(socket_.native_handle());
      return replace("the guard does not answer, starting another");
    }
    if (stood_still || !sent_) {
      sent_ = now;
      if (!send("beat\n")) {
        return replace("the guard is gone, starting another");
      }
    }
    later(beat_every, [this] { beat(); });
  }

  void replace(const std::string& why) {
    in_.on_note(why);
    boost::system::error_code ignored;
    socket_.close(ignored);
    connect();
  }

  bool send(std::string_view text) {
    return ::send(socket_.native_handle(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }

  void later(Duration after, std::function<void()> then) {
    beat_due_ = in_.clock.now() + after;
    timer_ = in_.clock.at(beat_due_, std::move(then));
  }

  Options in_;
  Local::socket socket_;
  std::shared_ptr<boost::asio::streambuf> heard_;
  std::unique_ptr<Timer> timer_;
  std::function<void(Result<>)> attached_;
  std::optional<Instant> started_, sent_, answered_;
  Instant give_up_at_{}, beat_due_{};
  std::string problem_;
  bool over_ = false;
  bool relieved_ = false;
};

Link::Link(Options options) : state_(std::make_shared<State>(std::move(options))) {}

Link::~Link() {
  state_->leave();
}

void Link::detach() {
  state_->detach();
}

void Link::attach(std::function<void(Result<>)> done) {
  state_->attach(std::move(done));
}

bool Link::guarded() const {
  return state_->guarded();
}

}  // namespace faultline::guard
