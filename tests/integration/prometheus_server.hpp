#pragma once

#include "targets/http/server.hpp"
#include "tests/integration/program.hpp"
#include "tests/net/loopback.hpp"

#include <fmt/format.h>

#include <atomic>
#include <fstream>
#include <map>
#include <mutex>
#include <sys/prctl.h>

namespace faultline::integration {

/// Something that a Prometheus scrapes, on loopback: the series that it is told to have.
class Exporter {
 public:
  Exporter() : at_(net::free_port()) {
    server_.get("/metrics", [this](const auto&) {
      const std::lock_guard lock(mutex_);
      ++scrapes_;
      std::string page;
      for (const auto& [series, value] : series_) {
        page += fmt::format("{} {}\n", series, value);
      }
      return http::Answer{200, page};
    });
    server_.start(at_).value();
  }
  void set(const std::string& series, const std::string& value) {
    const std::lock_guard lock(mutex_);
    series_[series] = value;
  }
  void remove(const std::string& series) {
    const std::lock_guard lock(mutex_);
    series_.erase(series);
  }
  [[nodiscard]] int scrapes() const { return scrapes_; }
  [[nodiscard]] const net::Endpoint& at() const { return at_; }

 private:
  net::Endpoint at_;
  std::mutex mutex_;
  std::map<std::string, std::string> series_;
  std::atomic<int> scrapes_{0};
  http::Server server_{http::Size{.requests_per_connection = 100'000}};
};

/// The real `prometheus` with a configuration and data of its own, on loopback, killed at the end.
class PrometheusServer {
 public:
  /// `configuration` in YAML, `rules` as the groups of a file of rules.
  PrometheusServer(const std::string& configuration, const std::string& rules)
      : at_(net::free_port()) {
    std::string name = (std::filesystem::temp_directory_path() / "faultline-prom-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    std::ofstream(folder_ / "rules.yml") << rules;
    std::ofstream(folder_ / "prometheus.yml") << "rule_files: [rules.yml]\n" << configuration;
    start();
  }
  ~PrometheusServer() {
    end(SIGKILL);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  PrometheusServer(const PrometheusServer&) = delete;
  PrometheusServer& operator=(const PrometheusServer&) = delete;

  void start() {
    pid_ = ::fork();
    if (pid_ != 0) {
      return;
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const auto log = (folder_ / "log").string();
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    ::close_range(STDERR_FILENO + 1, ~0u, 0);
    const auto config = "--config.file=" + (folder_ / "prometheus.yml").string();
    const auto data = "--storage.tsdb.path=" + (folder_ / "data").string();
    const auto listen = "--web.listen-address=" + net::to_string(at_);
    ::execlp("prometheus", "prometheus", config.c_str(), data.c_str(), listen.c_str(),
             static_cast<char*>(nullptr));
    ::_exit(127);
  }
  void end(int signal) {
    if (pid_ > 0) {
      ::kill(pid_, signal);
      ::waitpid(std::exchange(pid_, 0), nullptr, 0);
    }
  }
  /// Returns when none of its threads runs any more.
  void freeze() const {
    ::kill(pid_, SIGSTOP);
    ::waitpid(pid_, nullptr, WUNTRACED);
  }
  void thaw() const { ::kill(pid_, SIGCONT); }
  [[nodiscard]] std::string url() const { return "http://" + net::to_string(at_); }
  [[nodiscard]] std::string log() const {
    std::ifstream in(folder_ / "log");
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  net::Endpoint at_;
  std::filesystem::path folder_;
  pid_t pid_ = 0;
};

}  // namespace faultline::integration
