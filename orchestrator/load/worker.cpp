#include "orchestrator/load/worker.hpp"

#include "orchestrator/load/open_loop.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <fmt/format.h>

#include <csignal>
#include <optional>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace faultline::load {
namespace {

/// A spec with a page's body in it is far smaller.
constexpr std::size_t max_line_bytes = 1u << 20;

constexpr int finished = 0, gone = 1, wrong_spec = 2;  ///< exit codes

/// One worker from its spec to its end. Members are destroyed in reverse order: the sources and the
/// loop before the io_context, whose handlers know them.
class Session {
 public:
  Session(int input, int output)
      : input_(io_, ::dup(input)), output_(io_, output, [this] { end(gone); }) {}

  int run() {
    read_line();
    io_.run();
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
    if (!loop_) {
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
    const auto kind = find_kind(spec_.kind);
    if (!kind) {
      return kind.error();
    }
    auto source = (*kind)->make(io_, spec_);
    if (!source) {
      return source.error();
    }
    source_ = std::move(*source);
    loop_.emplace(io_, spec_, source_, output_);
    if (source_.prepare) {
      source_.prepare([this] { start(); });
    } else {
      start();
    }
    return {};
  }

  void start() {
    started_ = true;
    loop_->start();
    finish_if_started();
  }

  void finish_if_started() {
    if (!finish_asked_ || !started_ || finishing_) {
      return;
    }
    finishing_ = true;
    loop_->finish([this] {
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
    output_.line(fmt::format(R"({{"finished": {}, "delay_p99_ms": {:.1f}}})",
                             to_us(std::chrono::steady_clock::now()), loop_->delay_p99_ms()));
    output_.when_empty([this] { end(finished); });
  }

  void end(int code) {
    code_ = code;
    io_.stop();
  }

  boost::asio::io_context io_{1};
  boost::asio::posix::stream_descriptor input_;
  Output output_;
  std::string read_;
  Spec spec_;
  Source source_;
  std::optional<OpenLoop> loop_;
  bool refused_ = false, started_ = false, finish_asked_ = false, finishing_ = false;
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

}  // namespace faultline::load
