#pragma once

#include "orchestrator/load/totals.hpp"
#include "tests/load/story.hpp"

#include <algorithm>
#include <memory>

/// Loads that are told by the second, as `faultline load` has them.
namespace faultline::load::testing {

/// For all workers to be there when the first request is due.
constexpr auto head_start = std::chrono::milliseconds(300);

inline Instant soon() {
  return std::chrono::steady_clock::now() + head_start;
}

/// Runs workers that share the load of `spec` for so long, and merges what they told. `start`: when
/// the first request is due.
inline Totals measure(Json spec, std::chrono::milliseconds length, std::size_t workers = 1,
                      const Totals::OnSecond& on_second = {}, Instant start = soon()) {
  const auto since_boot = std::chrono::floor<std::chrono::microseconds>(start.time_since_epoch());
  spec["report"] = "seconds";
  spec["length_ms"] = length.count();
  spec["start_at_us"] = since_boot.count();
  spec["workers"] = workers;
  std::vector<std::unique_ptr<LoadRun>> runs;
  for (std::size_t index = 0; index < workers; ++index) {
    spec["index"] = index;
    runs.push_back(std::make_unique<LoadRun>(spec.dump()));
  }
  std::this_thread::sleep_until(start + length);
  Totals totals(workers, on_second);
  for (std::size_t index = 0; index < workers; ++index) {
    runs[index]->write_line("finish");
    runs[index]->close_input();
    for (auto line = runs[index]->next(); !line.is_null(); line = runs[index]->next()) {
      EXPECT_TRUE(totals.take(index, line)) << line;
    }
    totals.ended(index);
  }
  EXPECT_TRUE(totals.finished()) << totals.problem();
  return totals;
}

inline Json http_load(std::uint16_t port, double rate, const Json& args = {}) {
  Json spec = {{"probe", "page"},    {"kind", "http"},
               {"rate_per_s", rate}, {"deadline_ms", 5'000},
               {"seed", 7},          {"args", {{"host", "127.0.0.1"}, {"port", port}}}};
  spec["args"].update(args.is_null() ? Json::object() : args);
  return spec;
}

/// What a request was for: "/17" of "GET /17 HTTP/1.1...".
inline std::string path_of(const std::string& request) {
  const auto from = request.find(' ') + 1;
  return request.substr(from, request.find(' ', from) - from);
}

}  // namespace faultline::load::testing
