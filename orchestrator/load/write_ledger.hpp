#pragma once

#include "orchestrator/slo/sample.hpp"

#include <string>
#include <vector>

namespace faultline::load {

/// What became of a write. Ambiguous: sent, but without an answer, so either may be true.
enum class Fate : std::uint8_t { failed, ambiguous, acknowledged };

/// The account of a writer: write n sets key(n), or the row (writer(), n), to value(n), once.
class WriteLedger {
 public:
  /// `prefix` tells the keys of one writer from those of any other.
  WriteLedger(std::string prefix, std::uint64_t seed);

  [[nodiscard]] const std::string& writer() const { return prefix_; }
  [[nodiscard]] std::string key(std::uint64_t number) const;
  [[nodiscard]] std::string value(std::uint64_t number) const;

  /// Writes are numbered from 0 in the order of this call; failed until said otherwise.
  void attempt(Instant due);
  void settle(std::uint64_t number, Fate fate) { writes_[number].fate = fate; }

  [[nodiscard]] std::uint64_t attempted() const { return writes_.size(); }
  [[nodiscard]] std::vector<std::uint64_t> acknowledged() const;

  /// Forgets an earlier reading back.
  void begin_reading();
  /// `found`: the value read, nullptr for none.
  void read_back(std::uint64_t number, const std::string* found);
  /// `duplicated` is 0: a key cannot be there twice, nor can the primary key of a row.
  [[nodiscard]] slo::Writes totals() const;

 private:
  struct Write {
    Instant due;
    Fate fate = Fate::failed;
  };
  std::string prefix_, seed_;
  std::vector<Write> writes_;
  std::vector<std::uint64_t> lost_;
  std::uint64_t stale_ = 0;
};

}  // namespace faultline::load
