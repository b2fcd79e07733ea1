#include "targets/lab/lab_worker.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <array>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <optional>

namespace faultline::lab {
namespace {

constexpr std::size_t max_worker_line_bytes = 1 << 20;  // 100 ms of samples are a few KiB

struct Pipe {
  net::Fd reading, writing;
};

std::optional<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return std::nullopt;
  }
  return Pipe{net::Fd(ends[0]), net::Fd(ends[1])};
}

/// The pipes to a worker and what is known of its end.
class WorkerProcess : public std::enable_shared_from_this<WorkerProcess> {
 public:
  WorkerProcess(const std::shared_ptr<Connection>& connection, targets::WorkerSpec spec,
                net::Fd input, net::Fd output)
      : connection_(connection),
        spec_(std::move(spec)),
        input_(connection->executor(), input.release()),
        output_(connection->executor(), output.release()) {}

  void start(int exec) {
    exec_ = exec;
    send(spec_.input);
    read();
  }

  void send(std::string_view line) {
    const bool idle = sending_.empty() && queue_.empty();
    queue_.append(line).push_back('\n');
    if (idle) {
      write();
    }
  }

  /// A connection that was lost took the worker with it.
  void ended(const Result<ProcessEnd>& how) {
    if (!how) {
      reason_ = how.error().message;
      output_ended_ = true;
    } else if (how->signal != 0) {
      reason_ = fmt::format("killed by signal {}", how->signal);
    } else {
      reason_ = how->code == 0 ? "" : fmt::format("exit code {}", how->code);
    }
    report_end();
  }

  void drop() {
    dropped_ = true;
    boost::system::error_code ignored;
    input_.close(ignored);
    output_.close(ignored);
    const auto connection = connection_.lock();
    if (connection != nullptr && !reason_) {
      connection->signal(exec_, SIGKILL);
    }
  }

 private:
  void write() {
    sending_.swap(queue_);
    queue_.clear();
    boost::asio::async_write(
        input_, boost::asio::buffer(sending_),
        [me = shared_from_this()](boost::system::error_code failed, std::size_t) {
          me->sending_.clear();
          if (!failed && !me->queue_.empty()) {
            me->write();
          }  // a worker that does not read has ended, which is told in another way
        });
  }

  void read() {
    boost::asio::async_read_until(
        output_, boost::asio::dynamic_buffer(received_, max_worker_line_bytes), '\n',
        [me = shared_from_this()](boost::system::error_code failed, std::size_t bytes) {
          if (failed) {
            me->output_ended_ = true;
            me->report_end();
            return;
          }
          const std::string line = me->received_.substr(0, bytes - 1);
          me->received_.erase(0, bytes);
          if (!me->dropped_) {
            me->spec_.on_line(line);
            me->read();
          }
        });
  }

  void report_end() {
    if (reason_ && output_ended_ && !dropped_ && !std::exchange(told_, true)) {
      spec_.on_exit(*reason_);
    }
  }

  std::weak_ptr<Connection> connection_;
  targets::WorkerSpec spec_;
  boost::asio::posix::stream_descriptor input_, output_;
  int exec_ = 0;
  std::string queue_, sending_, received_;
  std::optional<std::string> reason_;  // once it has exited
  bool output_ended_ = false;
  bool told_ = false;     // of its end
  bool dropped_ = false;  // nobody listens any more
};

class LabWorker final : public targets::Worker {
 public:
  explicit LabWorker(std::shared_ptr<WorkerProcess> process) : process_(std::move(process)) {}
  ~LabWorker() override { process_->drop(); }
  LabWorker(const LabWorker&) = delete;
  LabWorker& operator=(const LabWorker&) = delete;
  void send(std::string line) override { process_->send(line); }

 private:
  std::shared_ptr<WorkerProcess> process_;
};

}  // namespace

void start_worker(const std::shared_ptr<Connection>& connection, targets::WorkerSpec spec,
                  const std::filesystem::path& program, const std::filesystem::path& log,
                  targets::Done<std::unique_ptr<targets::Worker>> done) {
  auto input = make_pipe();
  auto output = make_pipe();
  net::Fd errors(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!input || !output || !errors) {
    boost::asio::post(connection->executor(), [done, error = errno] {
      done(Error{ErrorKind::io,
                 fmt::format("cannot make a worker's pipes and log: {}", std::strerror(error))});
    });
    return;
  }
  Connection::Program worker{spec.host, {program.string()}, {}};
  worker.argv.insert(worker.argv.end(), spec.argv.begin(), spec.argv.end());
  std::vector<net::Fd> stdio;
  stdio.push_back(std::move(input->reading));
  stdio.push_back(std::move(output->writing));
  stdio.push_back(std::move(errors));
  const auto process = std::make_shared<WorkerProcess>(
      connection, std::move(spec), std::move(input->writing), std::move(output->reading));
  connection->exec(
      worker, std::move(stdio),
      [process, done = std::move(done)](const Result<int>& exec) {
        if (!exec) {
          done(exec.error());
          return;
        }
        process->start(*exec);
        done(std::make_unique<LabWorker>(process));
      },
      [process](const Result<ProcessEnd>& how) { process->ended(how); });
}

}  // namespace faultline::lab
