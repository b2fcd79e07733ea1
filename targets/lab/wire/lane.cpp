#include "targets/lab/wire/lane.hpp"

#include <algorithm>

namespace faultline::wire {
namespace {

std::size_t cost(std::size_t packet_bytes) {
  return packet_bytes + frame_overhead_bytes;
}

Duration time_for(std::size_t bytes, std::uint64_t bits_per_second) {
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
  const Duration jitter = shape_.jitter > Duration::zero() ? draw_(shape_.jitter) : Duration{};
  Instant due = leaves + shape_.delay + jitter;
  if (!queue_.empty()) {
    due = std::max(due, queue_.back().due);
  }
  bytes_ += cost(packet.size());
  queue_.push_back({due, Packet(packet.begin(), packet.end())});
  return true;
}

void Lane::reshape(const Shape& shape, Instant now) {
  const Duration gained = std::max(shape_.delay - shape.delay, Duration::zero());
  const bool rate_is_gone = shape_.bits_per_second != 0 && shape.bits_per_second == 0;
  const Instant latest = now + shape.delay + shape.jitter;
  for (auto& frame : queue_) {
    frame.due -= gained;
    if (rate_is_gone) {
      frame.due = std::min(frame.due, latest);
    }
  }
  if (rate_is_gone) {
    line_free_ = Instant::min();
  }
  shape_ = shape;
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
