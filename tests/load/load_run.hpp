#pragma once

#include "orchestrator/load/worker.hpp"
#include "targets/clock.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace faultline::load::testing {

using Json = nlohmann::json;

struct Seen {
  double due_ms;  ///< from the start
  double latency_ms, service_ms;
  int result;         ///< 0 good, 1 degraded, 2 bad
  std::string error;  ///< empty when none
};

/// Everything a worker said.
struct Told {
  std::vector<Seen> samples;  ///< in the order told
  std::vector<Json> seconds;  ///< delay_p99_ms, achieved_per_s
  Json writes, last;
  std::string error;
  bool seen_until_was_true = true;  ///< nothing due before it came later
  int exit_code = -1;

  [[nodiscard]] std::map<std::string, int> errors() const {
    std::map<std::string, int> counts;
    for (const auto& sample : samples) {
      ++counts[sample.result == 2 ? sample.error : sample.result == 1 ? "degraded" : "good"];
    }
    return counts;
  }
};

/// A worker on a thread, its input and output as pipes.
class LoadRun {
 public:
  explicit LoadRun(const std::string& spec_line) {
    EXPECT_EQ(::pipe(input_), 0);
    EXPECT_EQ(::pipe(output_), 0);
    lines_ = ::fdopen(output_[0], "r");
    write_line(spec_line);
    thread_ = std::thread([this] {
      exit_code_ = run_worker(input_[0], output_[1]);
      ::close(output_[1]);
    });
  }
  ~LoadRun() {
    close_input();
    if (thread_.joinable()) {
      thread_.join();
    }
    ::close(input_[0]);
    std::fclose(lines_);
  }

  void write_line(const std::string& line) {
    const auto text = line + "\n";
    EXPECT_EQ(::write(input_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void close_input() {
    if (input_[1] >= 0) {
      ::close(std::exchange(input_[1], -1));
    }
  }
  /// The next line, or null at the end.
  Json next() {
    char* line = nullptr;
    std::size_t capacity = 0;
    const auto size = ::getline(&line, &capacity, lines_);
    const std::unique_ptr<char, decltype(&std::free)> owner(line, std::free);
    return size < 0 ? Json() : Json::parse(line);
  }

  /// What happens when everything due until then is known: (milliseconds from the start, what).
  using Events = std::vector<std::pair<std::chrono::milliseconds, std::function<void()>>>;

  /// Reads on, says "finish" when everything due in the first `length` is known, and reads to the
  /// end.
  Told for_time(std::chrono::milliseconds length, const Events& events = {}) {
    Told told;
    double start_us = 0, seen_until_us = 0;
    bool asked = false;
    auto next_event = events.begin();
    for (auto line = next(); !line.is_null(); line = next()) {
      if (line.contains("started")) {
        start_us = line["started"];
      } else if (line.contains("samples")) {
        for (const auto& s : line["samples"]) {
          told.seen_until_was_true &= s[0].get<double>() >= seen_until_us;
          told.samples.push_back({(s[0].get<double>() - start_us) / 1e3, s[1].get<double>() / 1e3,
                                  s[2].get<double>() / 1e3, s[3].get<int>(),
                                  s[4].is_string() ? s[4].get<std::string>() : ""});
        }
        seen_until_us = line["seen_until"];
        for (; next_event != events.end() &&
               seen_until_us - start_us >= to_ms(next_event->first) * 1e3;
             ++next_event) {
          next_event->second();
        }
        if (!asked && seen_until_us - start_us >= to_ms(length) * 1e3) {
          asked = true;
          write_line("finish");
          close_input();
        }
      } else if (line.contains("writes")) {
        told.writes = line;
      } else if (line.contains("finished")) {
        told.last = line;
      } else if (line.contains("error")) {
        told.error = line["error"];
      } else {
        told.seconds.push_back(line);
      }
    }
    thread_.join();
    told.exit_code = exit_code_;
    return told;
  }

 private:
  int input_[2]{}, output_[2]{};
  std::FILE* lines_ = nullptr;
  std::thread thread_;
  int exit_code_ = -1;
};

inline Told run_for(std::chrono::milliseconds length, const Json& spec,
                    const LoadRun::Events& events = {}) {
  return LoadRun(spec.dump()).for_time(length, events);
}

}  // namespace faultline::load::testing
