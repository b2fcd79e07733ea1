#pragma once

#include "targets/lab/database/server_options.hpp"
#include "targets/lab/database/template.hpp"
#include "tests/load/servers.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <mysql.h>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace faultline::load::testing {

/// A real MariaDB on loopback in a folder of its own, with the lab's options, users and tables.
class MariaDb {
 public:
  static bool installed() { return ::access(database::mariadbd, X_OK) == 0; }

  MariaDb() : port_(closed_port()) {
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
    for (int i = 0; i < 200 && !connect(); ++i) {
      ::usleep(50'000);
    }
    EXPECT_TRUE(connect()) << "mariadbd does not answer";
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
    const auto connection = connect();
    if (!connection || ::mysql_query(connection.get(), sql.c_str()) != 0) {
      ADD_FAILURE() << sql << ": " << (connection ? ::mysql_error(connection.get()) : "not there");
      return "";
    }
    const std::unique_ptr<MYSQL_RES, decltype(&::mysql_free_result)> result(
        ::mysql_store_result(connection.get()), ::mysql_free_result);
    auto* const row = result ? ::mysql_fetch_row(result.get()) : nullptr;
    return row != nullptr && row[0] != nullptr ? row[0] : "";
  }

 private:
  using Connection = std::unique_ptr<MYSQL, decltype(&::mysql_close)>;

  [[nodiscard]] Connection connect() const {
    Connection connection(::mysql_init(nullptr), ::mysql_close);
    const unsigned limit_s = 2;
    ::mysql_options(connection.get(), MYSQL_OPT_CONNECT_TIMEOUT, &limit_s);
    if (::mysql_real_connect(connection.get(), "127.0.0.1", "manager", "lab", nullptr, port_,
                             nullptr, 0) == nullptr) {
      connection.reset();
    }
    return connection;
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
