#pragma once

#include "targets/lab/wire/shape.hpp"

#include <nlohmann/json_fwd.hpp>

#include <functional>

namespace faultline::wire {

/// Longest delay and jitter of a layer: beyond every timeout of the lab, and a lane's memory bounds
/// what is on its way.
constexpr Duration max_delay = std::chrono::seconds(10);
/// From a line of 8 kbit/s to one that is faster than the wire.
constexpr std::uint64_t min_rate_kbit = 8;
constexpr std::uint64_t max_rate_kbit = 10'000'000;

/// The requests of the control socket:
/// { "add": id, "link": "zone-a", "delay_us": n, "jitter_us": n, "rate_kbit": n } (the numbers are
/// 0 when missing; rate 0: no limit), { "remove": id }, { "show": true }.
class Control {
 public:
  /// `reshaped` is called with a link whose shape has changed; `figures` fills what `show` says
  /// besides the layers.
  Control(Layers& layers, std::function<void(const std::string& link)> reshaped,
          std::function<void(nlohmann::json&)> figures)
      : layers_(layers), reshaped_(std::move(reshaped)), figures_(std::move(figures)) {}

  /// Throws Failure when the request is not one of those.
  nlohmann::json answer(const nlohmann::json& request);

 private:
  void add(const nlohmann::json& request);
  void remove(const std::string& id);

  Layers& layers_;
  std::function<void(const std::string&)> reshaped_;
  std::function<void(nlohmann::json&)> figures_;
};

}  // namespace faultline::wire
