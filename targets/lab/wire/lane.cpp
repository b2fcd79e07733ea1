#include "targets/lab/wire/lane.hpp"

#include <algorithm>

namespace faultline::wire {
namespace {

std::size_t cost(std::size_t packet_bytes) {
  return packet_bytes + frame_overhead_bytes;
}

/// On the line; none without a limit.
Duration time_for(std::size_t bytes, std::uint64_t bits_per_second) {
  if (bits_per_second == 0) {
    return {};
  }
  const double seconds = static_cast<double>(bytes) * 8 / static_cast<double>(bits_per_second);
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

bool Lane::drop() {
  ++dropped_;
  return false;
}

bool Lane::push(Instant arrived, std::span<const std::byte> packet) {
  if (bytes_ + cost(packet.size()) > max_lane_bytes) {
    return drop();
  }
  Instant leaves = arrived;
  if (shape_.bits_per_second != 0) {
    const Instant begins = std::max(arrived, line_free_);
    if (begins - arrived > max_rate_wait) {
      return drop();
    }
    leaves = begins + time_for(packet.size(), shape_.bits_per_second);
    line_free_ = leaves;
  }
  const double share = shape_.jitter > Duration::zero() ? draw_() : 0;
  Frame frame{leaves, share, {}, Packet(packet.begin(), packet.end())};
  frame.due = due_of(frame);
  if (!queue_.empty()) {
    frame.due = std::max(frame.due, queue_.back().due);
  }
  bytes_ += cost(packet.size());
  queue_.push_back(std::move(frame));
  return true;
}

Instant Lane::due_of(const Frame& frame) const {
  const auto jitter = std::chrono::duration<double, Duration::period>(shape_.jitter) * frame.share;
  return frame.leaves + shape_.delay + std::chrono::duration_cast<Duration>(jitter);
}

void Lane::reshape(const Shape& shape, Instant now) {
  shape_ = shape;
  Instant line = now;
  Instant before = Instant::min();
  for (auto& frame : queue_) {
    if (frame.leaves > now) {
      line = std::min(frame.leaves, line + time_for(frame.packet.size(), shape.bits_per_second));
      frame.leaves = line;
    }
    frame.due = std::max(before, std::min(frame.due, due_of(frame)));
    before = frame.due;
  }
  line_free_ = line;
}

std::optional<Instant> Lane::next() const {
  return queue_.empty() ? std::nullopt : std::optional(queue_.front().due);
}

std::size_t Lane::due(Instant now, std::size_t at_most) const {
  const std::size_t most = std::min(at_most, queue_.size());
  std::size_t count = 0;
  while (count < most && queue_[count].due <= now) {
    ++count;
  }
  return count;
}

void Lane::pop(std::size_t count) {
  for (; count > 0; --count) {
    bytes_ -= cost(queue_.front().packet.size());
    queue_.pop_front();
  }
}

}  // namespace faultline::wire
