#pragma once

#include "targets/lab/services/store.hpp"
#include "targets/lab/services/write_hold.hpp"

#include <map>

namespace faultline::services {

/// Hands that only move when somebody sleeps or a store takes its time.
struct ManualTime {
  Instant now{std::chrono::hours(1)};

  Time time() {
    return {[this] { return now; }, [this](Duration d) { now += d; }, [] { return 0.5; }};
  }
};

/// A store in memory that can be broken.
class FakeStore : public Store {
 public:
  explicit FakeStore(ManualTime& hands) : hands_(hands) {}

  RedisError broken = RedisError::none;
  Instant mends_at = Instant::max();  ///< broken until then
  bool done_all_the_same = false;     ///< a write that times out is applied anyway
  int calls = 0;
  std::map<std::string, std::string> keys;

  Reply get(const std::string& key, Duration timeout) override {
    if (auto failure = fails(timeout)) {
      return *failure;
    }
    const auto found = keys.find(key);
    return found == keys.end() ? Reply{} : Reply{RedisError::none, "", {found->second}};
  }

  Reply set(const std::string& key, const std::string& value, std::chrono::seconds /*lifetime*/,
            Duration timeout) override {
    const auto failure = fails(timeout);
    if (!failure || done_all_the_same) {
      keys[key] = value;
    }
    return failure.value_or(Reply{RedisError::none, "", {"OK"}});
  }

 private:
  std::optional<Reply> fails(Duration timeout) {
    ++calls;
    if (broken == RedisError::none || hands_.now >= mends_at) {
      return std::nullopt;
    }
    hands_.now += broken == RedisError::timeout ? timeout : Duration{};
    return Reply{broken, "broken by the test", {}};
  }

  ManualTime& hands_;
};

}  // namespace faultline::services
