#pragma once

#include "targets/lab/database/server_options.hpp"
#include "targets/lab/database/template.hpp"
#include "targets/sql/connection.hpp"
#include "tests/net/loopback.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace faultline::load::testing {

/// A real MariaDB on loopback in a folder of its own, with the lab's options, users and tables.
class MariaDb {
 public:
  MariaDb() : port_(net::free_port().port) {
    std::string name = (std::filesystem::temp_directory_path() / "faultline-db-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    database::build_template(folder_ / "data").value();
    start();
  }
  ~MariaDb() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  MariaDb(const MariaDb&) = delete;
  MariaDb& operator=(const MariaDb&) = delete;

  /// Returns when it answers and is writable, as a manager's word makes it.
  void start() {
    pid_ = spawn(database::server_arguments({folder_, {"127.0.0.1", port_}}));
    for (int i = 0; i < 200 && !connect().stands(); ++i) {
      ::usleep(50'000);
    }
    EXPECT_TRUE(connect().stands()) << "mariadbd does not answer";
    ask("SET GLOBAL read_only = 0");
  }
  void kill() {
    if (pid_ > 0) {
      signal(SIGKILL);
      ::waitpid(std::exchange(pid_, 0), nullptr, 0);
    }
  }
  void signal(int number) const { ::kill(pid_, number); }
  [[nodiscard]] std::uint16_t port() const { return port_; }

  /// As the manager; the first value of the first row, or "".
  std::string ask(const std::string& sql) {
    const auto answer = connect().query(sql, in_time());
    EXPECT_FALSE(answer.failure) << sql << ": " << answer.failure.message;
    return answer.rows.empty() ? "" : answer.rows[0].at(0);
  }

 private:
  static Instant in_time() { return std::chrono::steady_clock::now() + std::chrono::seconds(2); }
  [[nodiscard]] sql::Connection connect() const {
    return {{"127.0.0.1", port_}, {"manager", "lab"}, in_time()};
  }

  static pid_t spawn(std::vector<std::string> words) {
    const pid_t pid = ::fork();
    if (pid != 0) {
      return pid;
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nothing = ::open("/dev/null", O_RDWR);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(nothing, STDOUT_FILENO);
    ::dup2(nothing, STDERR_FILENO);
    ::close_range(STDERR_FILENO + 1, ~0u, 0);  // the worker's pipes among them
    std::vector<char*> argv;
    for (auto& word : words) {
      argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }

  std::filesystem::path folder_;
  std::uint16_t port_;
  pid_t pid_ = 0;
};

}  // namespace faultline::load::testing
