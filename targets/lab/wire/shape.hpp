#pragma once

#include "targets/clock.hpp"
#include "targets/error.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// The wire between zones: frames that arrive at one end of a link leave at the other, later.
namespace faultline::wire {

/// What happens to every frame of a link, each way.
struct Shape {
  Duration delay{};
  /// Up to so much more: a uniform draw for every frame, which then waits for those before it. So
  /// the closer frames follow each other, the nearer all of them come to the whole of it.
  Duration jitter{};
  std::uint64_t bits_per_second = 0;  ///< 0: no limit
  bool operator==(const Shape&) const = default;
};

/// What one action adds to a link.
struct Layer {
  std::string link;  ///< the interface at the router's side: "zone-a"
  Shape shape;
  bool operator==(const Layer&) const = default;
};

/// The layers by the id of their action, on top of a base that every link has.
class Layers {
 public:
  Layers(std::vector<std::string> links, Shape base) : links_(std::move(links)), base_(base) {}

  /// Error `usage` for an unknown link, `conflict` when the id has a different layer already; the
  /// same layer again is no error, because whoever lost an answer asks again.
  Result<> add(const std::string& id, const Layer& layer);
  /// Removing what is not there is no error.
  void remove(const std::string& id) { layers_.erase(id); }

  /// Delays and jitters add up, and one draw is made from the sum; the lowest rate counts.
  [[nodiscard]] Shape shape_of(std::string_view link) const;
  [[nodiscard]] const std::map<std::string, Layer>& all() const { return layers_; }

 private:
  std::vector<std::string> links_;
  Shape base_;
  std::map<std::string, Layer> layers_;
};

}  // namespace faultline::wire
