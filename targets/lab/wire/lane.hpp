#pragma once

#include "targets/lab/wire/shape.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace faultline::wire {

using Packet = std::vector<std::byte>;

/// A uniform draw from 0 to 1: a frame's share of the jitter.
using Draw = std::function<double()>;

/// Memory that the frames on their way in one direction may take, 45 ms at 3 Gbit/s: what exceeds
/// it is dropped, as a full queue of a router drops.
constexpr std::size_t max_lane_bytes = 16 * 1024 * 1024;
/// What a frame takes besides its bytes, so that many small ones are bounded too.
constexpr std::size_t frame_overhead_bytes = 128;
/// How long a frame may wait for a limited rate before it is dropped: a router's buffer, and short
/// enough for TCP to find the rate instead of timing out.
constexpr Duration max_rate_wait = std::chrono::milliseconds(200);

/// One direction of a link: first in, first out, each frame when its time has come. A rate makes
/// frames leave one after the other, as a serial line does (a token bucket without a burst), and
/// the delay follows.
class Lane {
 public:
  Lane(Shape shape, Draw draw) : shape_(shape), draw_(std::move(draw)) {}

  /// Takes a frame that arrived then; false when it was dropped.
  bool push(Instant arrived, std::span<const std::byte> packet);

  /// From now on. Frames on their way leave when they would under the new shape, if that is sooner:
  /// a revert works at once, and what is in flight is handed on, neither dropped nor reordered.
  void reshape(const Shape& shape, Instant now);

  [[nodiscard]] std::optional<Instant> next() const;
  /// How many frames are due, counted up to `at_most`; they are packet(0), packet(1), ...
  [[nodiscard]] std::size_t due(Instant now, std::size_t at_most) const;
  [[nodiscard]] Packet& packet(std::size_t i) { return queue_[i].packet; }
  [[nodiscard]] Instant due_at(std::size_t i) const { return queue_[i].due; }
  void pop(std::size_t count);

  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  struct Frame {
    Instant leaves;  ///< the line at the limited rate; the delay follows
    double share;    ///< of the jitter
    Instant due;
    Packet packet;
  };
  bool drop();
  [[nodiscard]] Instant due_of(const Frame& frame) const;

  Shape shape_;
  Draw draw_;
  std::deque<Frame> queue_;
  std::size_t bytes_ = 0;
  Instant line_free_ = Instant::min();  ///< when the last frame has left at the limited rate
  std::uint64_t dropped_ = 0;
};

}  // namespace faultline::wire
