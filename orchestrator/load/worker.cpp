#include "orchestrator/load/worker.hpp"

#include "orchestrator/load/generator.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <csignal>
#include <optional>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

namespace faultline::load {
namespace {

/// A spec with a page's body in it is far smaller.
constexpr std::size_t max_line_bytes = 8u << 20;
/// The reader decides within 100 ms of the truth; half of it leaves room for the way there.
constexpr auto report_interval = std::chrono::milliseconds(50);
/// How long "finish", or a report, may wait behind a source with sockets of its own.
constexpr auto control_pause = std::chrono::milliseconds(10);
/// A wake-up costs some 7 us of processor time on a virtual machine, as much as a request. At
/// 30,000/s two requests share one, of which the first is sent 33 us late; at 10,000/s each has its
/// own, and the answer is read at the next.
constexpr auto least_nap = std::chrono::microseconds(35),
               longest_nap = std::chrono::microseconds(100);

constexpr int finished = 0, gone = 1, wrong_spec = 2;  ///< exit codes

Instant now() {
  return std::chrono::steady_clock::now();
}

Result<Source> make_source(boost::asio::io_context& io, const Spec& spec) {
  const auto kind = find_kind(spec.kind);
  if (!kind) {
    return kind.error();
  }
  auto source = (*kind)->make(io, spec);
  if (source && spec.users > 0 && !source->wait) {
    return Error{ErrorKind::usage,
                 fmt::format("spec of the worker: 'users', a closed loop, is for http; {} takes "
                             "'rate_per_s'",
                             spec.kind)};
  }
  return source;
}

/// One worker from its spec to its end. Members are destroyed in reverse order: the sources and the
/// generator before the io_context, whose handlers know them.
class Session {
 public:
  Session(int input, int output)
      : input_(io_, ::dup(input)), output_(io_, output, [this] { end(gone); }) {}

  int run() {
    read_line();
    while (!ended_) {
      if (source_.wait && started_) {
        wait_for_source();
      } else {
        io_.run_one();
      }
    }
    return code_;
  }

 private:
  void read_line() {
    boost::asio::async_read_until(input_, boost::asio::dynamic_buffer(read_, max_line_bytes), '\n',
                                  [this](boost::system::error_code error, std::size_t bytes) {
                                    if (error) {
                                      input_ended();
                                      return;
                                    }
                                    const auto line = read_.substr(0, bytes - 1);
                                    read_.erase(0, bytes);
                                    take(line);
                                    read_line();
                                  });
  }

  /// Whoever has said "finish" has nothing more to say; anybody else is gone.
  void input_ended() {
    if (!finish_asked_ && !refused_) {
      end(gone);
    }
  }

  void take(const std::string& line) {
    if (refused_) {
      return;
    }
    if (!generator_) {
      if (const auto begun = begin(line); !begun) {
        refused_ = true;
        output_.line(Json{{"error", begun.error().message}}.dump());
        output_.when_empty([this] { end(wrong_spec); });
      }
    } else if (line == "finish") {
      finish_asked_ = true;
      finish_if_started();
    }
  }

  Result<> begin(const std::string& line) {
    auto spec = parse_spec(line);
    if (!spec) {
      return spec.error();
    }
    spec_ = std::move(*spec);
    auto source = make_source(io_, spec_);
    if (!source) {
      return source.error();
    }
    source_ = std::move(*source);
    recorder_.emplace(spec_, output_);
    generator_.emplace(spec_, source_, *recorder_);
    if (source_.prepare) {
      source_.prepare([this] { start(); });
    } else {
      start();
    }
    return {};
  }

  /// Who comes late to the start is late with what was due: nobody's schedule moves.
  void start() {
    if (!spec_.start_at) {
      return start_from(now());
    }
    send_timer_.expires_at(*spec_.start_at);
    send_timer_.async_wait([this](boost::system::error_code error) {
      if (!error) {
        start_from(*spec_.start_at);
      }
    });
  }

  void start_from(Instant at) {
    started_ = true;
    started_at_ = second_started_ = at;
    output_.line(fmt::format(R"({{"started": {}}})", to_us(at)));
    recorder_->start(at);
    generator_->start(at);
    if (!source_.wait) {
      send_regularly();
    }
    report_regularly();
    finish_if_started();
  }

  /// A source without sockets of its own is served by the io_context.
  void send_regularly() {
    generator_->tick(now());
    send_timer_.expires_at(generator_->wake_at());
    send_timer_.async_wait([this](boost::system::error_code error) {
      if (!error && !finishing_) {
        send_regularly();
      }
    });
  }

  void wait_for_source() {
    const auto until = std::min(generator_->wake_at(), next_poll_);
    const auto napped = nap();
    idle_ += napped + source_.wait(napped > Duration::zero() ? Instant() : until);
    const auto at = now();
    generator_->tick(at);
    if (at >= next_poll_ && !ended_) {
      next_poll_ = at + control_pause;
      io_.poll();
    }
  }

  /// Sleeps until a request is due, if that is soon and answers can wait: one wake-up then serves
  /// for both, and where several are due in short order, for all of these. Returns for how long.
  Duration nap() {
    const auto at = now();
    if (spec_.wake_every > Duration::zero()) {
      std::this_thread::sleep_for(spec_.wake_every);
    } else {
      const bool can = source_.answers_can_wait && source_.answers_can_wait();
      const auto until = can ? generator_->due_from(at + least_nap) : Instant::max();
      if (until - at > longest_nap) {
        return {};
      }
      std::this_thread::sleep_until(until);
    }
    return now() - at;
  }

  void report_regularly() {
    const auto at = now();
    recorder_->report(generator_->seen_until(at), generator_->waiting());
    if (at - second_started_ >= std::chrono::seconds(1) && !finishing_) {
      report_second(at);
    }
    report_timer_.expires_after(report_interval);
    report_timer_.async_wait([this](boost::system::error_code error) {
      if (!error) {
        report_regularly();
      }
    });
  }

  void report_second(Instant at) {
    const auto delays = generator_->take_recent_delays();
    const auto seconds = std::chrono::duration<double>(at - second_started_).count();
    output_.line(fmt::format(R"({{"delay_p99_ms": {:.1f}, "achieved_per_s": {:.2f}}})",
                             delays.p99_ms(), static_cast<double>(delays.count()) / seconds));
    second_started_ = at;
  }

  void finish_if_started() {
    if (!finish_asked_ || !started_ || finishing_) {
      return;
    }
    finishing_ = true;
    busy_ = 1 - idle_ / std::chrono::duration<double>(now() - started_at_);
    generator_->finish([this] {
      recorder_->report(generator_->seen_until(now()), 0);
      recorder_->finish();
      if (source_.finish) {
        source_.finish([this](const Json& line) {
          output_.line(line.dump());
          say_goodbye();
        });
      } else {
        say_goodbye();
      }
    });
  }

  void say_goodbye() {
    const auto busy = source_.wait ? fmt::format(R"(, "busy": {:.3f})", busy_) : "";
    output_.line(fmt::format(R"({{"finished": {}, "begun": {}, "delay_p99_ms": {:.1f}{}}})",
                             to_us(now()), generator_->delays().count(),
                             generator_->delays().p99_ms(), busy));
    output_.when_empty([this] { end(finished); });
  }

  void end(int code) {
    code_ = code;
    ended_ = true;
    io_.stop();
  }

  boost::asio::io_context io_{1};
  boost::asio::posix::stream_descriptor input_;
  Output output_;
  std::string read_;
  Spec spec_;
  Source source_;
  std::optional<Recorder> recorder_;
  std::optional<Generator> generator_;
  boost::asio::steady_timer send_timer_{io_}, report_timer_{io_};
  Instant started_at_, second_started_, next_poll_;
  Duration idle_{};
  double busy_ = 0;
  bool refused_ = false, started_ = false, finish_asked_ = false, finishing_ = false;
  bool ended_ = false;
  int code_ = gone;
};

void be_ready_for_load() {
  std::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_TIMERSLACK, 1);  // ns; the default of 50 us is small, but it is not ours to add
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
}

}  // namespace

int run_worker(int input, int output) {
  return Session(input, output).run();
}

int worker_main() {
  be_ready_for_load();
  return run_worker(STDIN_FILENO, STDOUT_FILENO);
}

Result<> check_spec(const std::string& line) {
  const auto spec = parse_spec(line);
  if (!spec) {
    return spec.error();
  }
  boost::asio::io_context io;
  const auto source = make_source(io, *spec);
  return source ? Result<>() : Result<>(source.error());
}

}  // namespace faultline::load
