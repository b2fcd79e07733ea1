#include "targets/net/process.hpp"

#include "targets/net/fd.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

extern char** environ;

namespace faultline::net {
namespace {

namespace asio = boost::asio;

/// A second of histograms is some 20 kB.
constexpr std::size_t max_line_bytes = 8u << 20;

std::string in_words(int status) {
  if (WIFSIGNALED(status)) {
    return fmt::format("killed by signal {}", WTERMSIG(status));
  }
  return WEXITSTATUS(status) == 0 ? "" : fmt::format("exited with code {}", WEXITSTATUS(status));
}

struct Pipe {
  Fd ours, theirs;
};

/// `theirs` is the end that the child reads when `child_reads`.
std::optional<Pipe> make_pipe(bool child_reads) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return {};
  }
  return child_reads ? Pipe{Fd(ends[1]), Fd(ends[0])} : Pipe{Fd(ends[0]), Fd(ends[1])};
}

/// Stays alive until the program has ended, also when its owner has dropped it.
class Process : public std::enable_shared_from_this<Process> {
 public:
  Process(asio::io_context& io, targets::WorkerSpec spec, pid_t pid, Fd input, Fd output)
      : spec_(std::move(spec)),
        pid_(pid),
        input_(io, input.release()),
        output_(io, output.release()) {}
  ~Process() {
    input_.close();
    reap();
  }

  void send(std::string line) {
    lines_.push_back(std::move(line) + "\n");
    if (lines_.size() == 1) {
      write();
    }
  }
  void read() {
    asio::async_read_until(
        output_, asio::dynamic_buffer(read_, max_line_bytes), '\n',
        [self = shared_from_this()](boost::system::error_code error, std::size_t bytes) {
          if (error) {
            self->ended();
            return;
          }
          const auto line = self->read_.substr(0, bytes - 1);
          self->read_.erase(0, bytes);
          if (!self->dropped_) {
            self->spec_.on_line(line);
          }
          self->read();
        });
  }
  /// Nobody listens any more: the program is told by the end of its input.
  void drop() {
    dropped_ = true;
    boost::system::error_code ignored;
    input_.close(ignored);
  }

 private:
  void write() {
    asio::async_write(input_, asio::buffer(lines_.front()),
                      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                        self->lines_.pop_front();
                        if (!error && !self->lines_.empty()) {
                          self->write();
                        }
                      });
  }
  void ended() {
    const auto how = reap();
    if (!dropped_) {
      spec_.on_exit(how);
    }
  }
  /// It has said its last word: it has ended, or it is made to.
  std::string reap() {
    int status = 0;
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
      }
      pid_ = 0;
    }
    return in_words(status);
  }

  targets::WorkerSpec spec_;
  pid_t pid_;
  asio::posix::stream_descriptor input_, output_;
  std::deque<std::string> lines_;
  std::string read_;
  bool dropped_ = false;
};

class Handle : public targets::Worker {
 public:
  explicit Handle(std::shared_ptr<Process> process) : process_(std::move(process)) {}
  ~Handle() override { process_->drop(); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  void send(std::string line) override { process_->send(std::move(line)); }

 private:
  std::shared_ptr<Process> process_;
};

/// The pid, or 0 with errno.
pid_t spawn(const std::vector<std::string>& argv, int input, int output) {
  std::vector<char*> words;
  for (const auto& word : argv) {
    words.push_back(const_cast<char*>(word.c_str()));
  }
  words.push_back(nullptr);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t pid = 0;
  errno = ::posix_spawn(&pid, "/proc/self/exe", &files, &attributes, words.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  return errno == 0 ? pid : 0;
}

}  // namespace

Result<std::unique_ptr<targets::Worker>> start_on_this_machine(asio::io_context& io,
                                                               targets::WorkerSpec spec) {
  auto input = make_pipe(true);
  auto output = make_pipe(false);
  std::vector<std::string> argv{"faultline"};
  argv.insert(argv.end(), spec.argv.begin(), spec.argv.end());
  const pid_t pid = input && output ? spawn(argv, input->theirs.get(), output->theirs.get()) : 0;
  if (pid == 0) {
    return Error{ErrorKind::io,
                 fmt::format("{} could not be started: {}", argv.back(), std::strerror(errno))};
  }
  auto line = spec.input;
  const auto process = std::make_shared<Process>(io, std::move(spec), pid, std::move(input->ours),
                                                 std::move(output->ours));
  process->send(std::move(line));
  process->read();
  return std::unique_ptr<targets::Worker>(std::make_unique<Handle>(process));
}

}  // namespace faultline::net
