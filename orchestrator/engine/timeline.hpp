#pragma once

#include "targets/clock.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace faultline::engine {

/// The one stream of events of a run, and the bridge between monotonic and wall-clock time: every
/// wall time in a record is the start's plus a monotonic offset, so a clock step cannot bend it.
class Timeline {
 public:
  using Json = nlohmann::json;
  using Sink = std::function<void(const Json& event)>;

  /// `sink` may be empty. One that throws is not told anything more: nobody who only listens may
  /// hold up a revert.
  Timeline(Clock& clock, Sink sink)
      : clock_(clock), sink_(std::move(sink)), start_(clock.now()), wall_start_(clock.wall()) {}

  /// Tells everybody, and keeps it for the record.
  void tell(const std::string& name, Json detail = Json::object());
  /// Tells everybody only: progress, many times a second.
  void show(const std::string& name, Json detail = Json::object());

  /// Sets out[name] and out[name_offset_ms]; null when there is no such time.
  void stamp(Json& out, const std::string& name, std::optional<Instant> at) const;
  [[nodiscard]] Instant start() const { return start_; }
  [[nodiscard]] std::string wall(Instant at) const;
  [[nodiscard]] double offset_ms(Instant at) const { return to_ms(at - start_); }
  [[nodiscard]] const std::vector<Json>& events() const { return events_; }

 private:
  void hand_on(const Json& event);
  [[nodiscard]] Json event(const std::string& name, Json detail) const;

  Clock& clock_;
  Sink sink_;
  Instant start_;
  WallTime wall_start_;
  std::vector<Json> events_;
};

}  // namespace faultline::engine
