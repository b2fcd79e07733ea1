#pragma once

#include "orchestrator/report/event_words.hpp"

#include <nlohmann/json.hpp>

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace faultline::report {

/// What the live view knows of a run: built from its events alone.
class View {
 public:
  using Json = nlohmann::json;
  /// The next event; "run_started" begins a new run.
  void apply(const Json& event);

  /// What one probe counted between two ticks.
  struct Tick {
    double from_ms = 0, to_ms = 0;
    double requests = 0, good = 0, degraded = 0, bad = 0;  ///< answered or given up
    double waiting = 0;                                    ///< for an answer, at the end
    std::optional<double> p99_ms;
  };
  struct Fault {
    std::string summary;
    double age_ms = 0;
  };
  struct Notable {
    double offset_ms = 0;
    std::string name;
    EventWords words;
  };

  std::string id, experiment, title, environment, profile, phase, verdict;
  double now_ms = 0;  ///< from the start of the run
  double phase_started_ms = 0;
  std::optional<double> phase_expected_ms;
  std::map<std::string, std::deque<Tick>> probes;
  std::vector<Fault> faults;
  std::deque<Notable> notable;

 private:
  void tick(const Json& event);
  double last_tick_ms_ = 0;
};

struct Size {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

/// The live view as lines, none wider than the terminal and together lower than it, so that they
/// can be drawn again in place. Pure.
std::vector<std::string> frame(const View& view, Size size, bool colour);

}  // namespace faultline::report
