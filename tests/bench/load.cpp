#include "orchestrator/load/totals.hpp"
#include "targets/net/fd.hpp"
#include "tests/bench/bare_loop.hpp"
#include "tests/net/loopback.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <sstream>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

/// What a request costs the load generator, against wrk and hey on the same nginx, in rounds that
/// take turns: the processor time of a request stands still where rates do not.
namespace faultline {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int connections = 64;
constexpr double least_gain_over_wrk = 1.4;
constexpr double most_rate_error = 0.001;
/// Of a rate: what looking up at once may cost, against looking up once in a millisecond.
const std::map<int, double> most_cost_at_rate{{10'000, 2.3}, {30'000, 1.5}};

double seconds_of(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}

/// A folder that ends with the program.
class Folder {
 public:
  Folder() {
    std::string name = fs::temp_directory_path() / "faultline-bench-load-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// A program whose input and output are ours.
class Child {
 public:
  explicit Child(std::vector<std::string> argv) {
    int input[2], output[2];
    if (::pipe2(input, O_CLOEXEC) != 0 || ::pipe2(output, O_CLOEXEC) != 0) {
      throw std::runtime_error("no pipe");
    }
    std::vector<char*> words;
    for (auto& word : argv) {
      words.push_back(word.data());
    }
    words.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(input[0], STDIN_FILENO);
      ::dup2(output[1], STDOUT_FILENO);
      ::execvp(words[0], words.data());
      std::fprintf(stderr, "bench_load: cannot run %s; scripts/packages bench installs it\n",
                   words[0]);
      ::_exit(127);
    }
    ::close(input[0]);
    ::close(output[1]);
    in_.reset(input[1]);
    out_.reset(output[0]);
  }
  ~Child() {
    if (pid_ > 0) {
      ::kill(pid_, SIGTERM);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void say(const std::string& line) const {
    const auto text = line + "\n";
    [[maybe_unused]] const auto written = ::write(in_.get(), text.data(), text.size());
  }
  struct End {
    std::string out;
    double cpu_s = 0;
  };
  /// Its output, and the processor time it took with all it had started.
  End wait() {
    End end;
    std::array<char, 64 * 1024> block{};
    for (ssize_t got = 0; (got = ::read(out_.get(), block.data(), block.size())) > 0;) {
      end.out.append(block.data(), static_cast<std::size_t>(got));
    }
    int status = 0;
    rusage used{};
    ::wait4(std::exchange(pid_, 0), &status, 0, &used);
    if (status != 0) {
      throw std::runtime_error("a program failed:\n" + end.out);
    }
    end.cpu_s = seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
    return end;
  }

 private:
  pid_t pid_ = 0;
  net::Fd in_, out_;
};

/// nginx as Debian configures it, but that it neither logs nor ends connections.
class Nginx {
 public:
  Nginx() {
    const auto file = folder_.path() / "nginx.conf";
    std::ofstream(file) << fmt::format(
        "daemon off; worker_processes auto; pid {0}/pid; error_log {0}/error.log;\n"
        "events {{ worker_connections 4096; }}\n"
        "http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 300s;\n"
        "  client_body_temp_path {0}/1; proxy_temp_path {0}/2; fastcgi_temp_path {0}/3;\n"
        "  uwsgi_temp_path {0}/4; scgi_temp_path {0}/5;\n"
        "  server {{ listen {1}; location / {{ return 200 \"a page of a few words\\n\"; }} }} }}\n",
        folder_.path().string(), net::to_string(at_));
    child_.emplace(std::vector<std::string>{"nginx", "-p", folder_.path(), "-c", file, "-e",
                                            folder_.path() / "error.log"});
    const auto address = net::loopback(at_.port);
    const void* raw = &address;
    for (int attempt = 0; attempt < 100; ++attempt) {
      const auto socket = net::loopback_socket();
      if (::connect(socket.get(), static_cast<const sockaddr*>(raw), sizeof address) == 0) {
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    throw std::runtime_error("nginx does not listen");
  }
  [[nodiscard]] std::uint16_t port() const { return at_.port; }
  [[nodiscard]] std::string url() const { return "http://" + net::to_string(at_) + "/"; }

 private:
  net::Endpoint at_ = net::free_port();
  Folder folder_;
  std::optional<Child> child_;
};

/// What one turn of a tool came to.
struct Turn {
  double requests = 0, cpu_s = 0, rate_error = 0, p50_us = 0;
  [[nodiscard]] double cost() const { return cpu_s / requests * 1e5; }  ///< of 100,000 requests
};

double number_in(const std::string& text, const std::string& pattern) {
  std::smatch found;
  if (!std::regex_search(text, found, std::regex(pattern))) {
    throw std::runtime_error("expected " + pattern + ", found\n" + text);
  }
  return std::stod(found[1]);
}

Turn wrk(const Nginx& nginx, int seconds) {
  const auto end = Child({"wrk", "-t1", fmt::format("-c{}", connections),
                          fmt::format("-d{}s", seconds), nginx.url()})
                       .wait();
  return {.requests = number_in(end.out, R"((\d+) requests in)"), .cpu_s = end.cpu_s};
}

Turn hey(const Nginx& nginx, int seconds) {
  const auto end = Child({"hey", "-c", std::to_string(connections), "-z",
                          fmt::format("{}s", seconds), nginx.url()})
                       .wait();
  return {.requests = number_in(end.out, R"(\[200\]\s+(\d+) responses)"), .cpu_s = end.cpu_s};
}

Turn bare(const Nginx& nginx, int seconds) {
  const auto end =
      Child({"/proc/self/exe", "bare-loop", std::to_string(nginx.port()), std::to_string(seconds)})
          .wait();
  return {.requests = std::stod(end.out), .cpu_s = end.cpu_s};
}

/// A worker of ours, with histograms of every second. `pacing` is a rate, or users in a closed
/// loop.
Turn faultline(const Nginx& nginx, int seconds, json pacing, int wake_every_us = 0) {
  json spec = {
      {"probe", "page"},
      {"kind", "http"},
      {"deadline_ms", 5'000},
      {"report", "seconds"},
      {"length_ms", seconds * 1'000},
      {"wake_every_us", wake_every_us},
      {"args", {{"host", "127.0.0.1"}, {"port", nginx.port()}, {"connections", connections}}}};
  spec.update(pacing);
  Child child({FAULTLINE_BINARY_DIR "/faultline", "worker"});
  child.say(spec.dump());
  std::this_thread::sleep_for(std::chrono::seconds(seconds) + std::chrono::milliseconds(200));
  child.say("finish");
  const auto end = child.wait();
  load::Totals totals(1, {});
  std::istringstream lines(end.out);
  for (std::string line; std::getline(lines, line);) {
    totals.take(0, json::parse(line)).value();
  }
  totals.ended(0);
  const auto& all = totals.all();
  if (all.bad > 0) {
    fmt::print(stderr, "{} bad of {}: {}\n", all.bad, all.requests(), json(all.errors).dump());
  }
  Turn turn{.requests = static_cast<double>(all.requests()), .cpu_s = end.cpu_s};
  turn.p50_us = static_cast<double>(all.latency.at_percentile(50));
  if (pacing.contains("rate_per_s")) {
    turn.rate_error = std::abs(turn.requests / seconds / pacing["rate_per_s"].get<double>() - 1);
  }
  return turn;
}

double median(const std::vector<Turn>& turns, double (*of)(const Turn&)) {
  std::vector<double> values;
  for (const auto& turn : turns) {
    values.push_back(of(turn));
  }
  std::ranges::sort(values);
  return values[values.size() / 2];
}

double cost(const std::vector<Turn>& turns) {
  return median(turns, [](const Turn& turn) { return turn.cost(); });
}

class Bench {
 public:
  Bench(int rounds, int seconds) : rounds_(rounds), seconds_(seconds) {}

  void measure() {
    for (int round = 0; round < rounds_; ++round) {
      turns_["wrk"].push_back(wrk(nginx_, seconds_));
      turns_["faultline"].push_back(faultline(nginx_, seconds_, {{"users", connections}}));
      turns_["bare loop"].push_back(bare(nginx_, seconds_));
      turns_["hey"].push_back(hey(nginx_, seconds_));
      for (const auto& [rate, bar] : most_cost_at_rate) {
        at_once_[rate].push_back(faultline(nginx_, seconds_, {{"rate_per_s", rate}}));
        batched_[rate].push_back(faultline(nginx_, seconds_, {{"rate_per_s", rate}}, 1'000));
      }
    }
  }

  /// Prints the tables; whether every bar is met.
  bool print() const {
    fmt::print("As fast as it goes, {} connections, median of {} rounds of {} s\n\n", connections,
               rounds_, seconds_);
    fmt::print(
        "| | requests per CPU-second | CPU-s per 100,000 | against wrk |\n|---|---|---|---|\n");
    const double wrks = cost(turns_.at("wrk"));
    for (const auto* name : {"wrk", "hey", "faultline", "bare loop"}) {
      const double own = cost(turns_.at(name));
      fmt::print("| {} | {:.0f} | {:.2f} | {:.2f} |\n", name, 1e5 / own, own, wrks / own);
    }
    fmt::print(
        "\nAt a rate\n\n| requests/s | off by | p50 us | CPU-s per 100,000 | woken once a ms "
        "| ratio |\n|---|---|---|---|---|---|\n");
    bool met = verdict("requests per CPU-second against wrk",
                       wrks / cost(turns_.at("faultline")) >= least_gain_over_wrk);
    for (const auto& [rate, bar] : most_cost_at_rate) {
      const double own = cost(at_once_.at(rate)), batched = cost(batched_.at(rate));
      const double error = median(at_once_.at(rate), [](const Turn& t) { return t.rate_error; });
      fmt::print("| {} | {:.3f} % | {:.0f} | {:.2f} | {:.2f} | {:.2f} |\n", rate, error * 100,
                 median(at_once_.at(rate), [](const Turn& t) { return t.p50_us; }), own, batched,
                 own / batched);
      met &= verdict(fmt::format("the rate of {}/s", rate), error <= most_rate_error);
      met &= verdict(fmt::format("what {}/s cost", rate), own / batched <= bar);
    }
    return met;
  }

 private:
  static bool verdict(const std::string& bar, bool met) {
    if (!met) {
      fmt::print(stderr, "missed: {}\n", bar);
    }
    return met;
  }

  int rounds_, seconds_;
  Nginx nginx_;
  std::map<std::string, std::vector<Turn>> turns_;
  std::map<int, std::vector<Turn>> at_once_, batched_;
};

}  // namespace
}  // namespace faultline

/// bench_load [ROUNDS] [SECONDS]
int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "bare-loop") {  // how it starts itself
    fmt::print("{}\n", faultline::bare_loop(static_cast<std::uint16_t>(std::atoi(argv[2])),
                                            faultline::connections, std::atoi(argv[3])));
    return 0;
  }
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 3;
  const int seconds = argc > 2 ? std::max(1, std::atoi(argv[2])) : 2;
  std::signal(SIGPIPE, SIG_IGN);
  try {
    faultline::Bench bench(rounds, seconds);
    bench.measure();
    return bench.print() ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_load: {}\n", error.what());
    return 2;
  }
}
