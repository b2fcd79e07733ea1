#pragma once

#include "orchestrator/report/frame.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <vector>

namespace faultline::report {

/// Shows a run while it happens: a live view that is drawn again in place on a terminal, otherwise
/// one timestamped line for each notable event:
///   2026-11-20T12:00:21.312Z +14.312s fault_applied kill a-redis (SIGKILL)
class Console {
 public:
  /// `live`: `out` is a terminal. `quiet`: nothing is written at all.
  Console(std::FILE* out, bool live, bool colour, bool quiet)
      : out_(out), live_(live), colour_(colour), quiet_(quiet) {}
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  void on(const nlohmann::json& event);

 private:
  void draw();
  /// Leaves the last frame as it is and gives the cursor back.
  void leave();
  void print(const nlohmann::json& event);
  [[nodiscard]] Size size() const;

  std::FILE* out_;
  bool live_, colour_, quiet_;
  View view_;
  double drawn_at_ms_ = 0;
  std::vector<std::size_t> drawn_cells_;  ///< of each line on the screen; empty when there is none
};

}  // namespace faultline::report
