#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

namespace faultline::services {

/// A limit on calls in flight to one third party, so that its slowness takes only as many of a
/// node's threads. Who finds it full is turned away at once. Thread-safe.
class Bulkhead {
 public:
  class Seat {
   public:
    explicit Seat(Bulkhead& bulkhead) : bulkhead_(&bulkhead) {}
    ~Seat() {
      if (bulkhead_ != nullptr) {
        bulkhead_->leave();
      }
    }
    Seat(Seat&& other) noexcept : bulkhead_(other.bulkhead_) { other.bulkhead_ = nullptr; }
    Seat& operator=(Seat&&) = delete;

   private:
    Bulkhead* bulkhead_;
  };
  struct Figures {
    int now = 0;
    int max = 0;
    std::uint64_t rejected = 0;
  };

  explicit Bulkhead(int limit) : limit_(limit) {}
  std::optional<Seat> enter();
  [[nodiscard]] Figures figures() const;
  [[nodiscard]] int limit() const { return limit_; }

 private:
  void leave();
  const int limit_;
  mutable std::mutex mutex_;
  Figures figures_;
};

/// What a node may try again: retries are a share of its calls, so that a fault is not answered
/// with a multiple of the load. Every call earns a tenth of a retry, up to `limit`. Thread-safe.
class RetryBudget {
 public:
  struct Figures {
    double tokens = 0;
    std::uint64_t taken = 0;
    std::uint64_t denied = 0;
  };

  /// `limit` retries are there at the start; 0: nothing is ever tried again.
  explicit RetryBudget(int limit) : limit_(limit) { figures_.tokens = limit; }
  void earn();
  bool take();
  [[nodiscard]] Figures figures() const;
  [[nodiscard]] int limit() const { return limit_; }

 private:
  const int limit_;
  mutable std::mutex mutex_;
  Figures figures_;
};

}  // namespace faultline::services
