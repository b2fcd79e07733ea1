#include "orchestrator/load/write_ledger.hpp"

#include <algorithm>

namespace faultline::load {

WriteLedger::WriteLedger(std::string prefix, std::uint64_t seed)
    : prefix_(std::move(prefix)), seed_(std::to_string(seed)) {}

std::string WriteLedger::key(std::uint64_t number) const {
  return prefix_ + ":" + std::to_string(number);
}

std::string WriteLedger::value(std::uint64_t number) const {
  return seed_ + "." + std::to_string(number);
}

void WriteLedger::attempt(Instant due) {
  writes_.push_back({due, Fate::failed});
}

std::vector<std::uint64_t> WriteLedger::acknowledged() const {
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t number = 0; number < writes_.size(); ++number) {
    if (writes_[number].fate == Fate::acknowledged) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

void WriteLedger::begin_reading() {
  lost_.clear();
  stale_ = 0;
}

void WriteLedger::read_back(std::uint64_t number, const std::string* found) {
  if (found == nullptr) {
    lost_.push_back(number);
  } else if (*found != value(number)) {
    ++stale_;
  }
}

slo::Writes WriteLedger::totals() const {
  slo::Writes totals;
  totals.attempted = attempted();
  for (const auto& write : writes_) {
    totals.acknowledged += write.fate == Fate::acknowledged ? 1 : 0;
    totals.ambiguous += write.fate == Fate::ambiguous ? 1 : 0;
  }
  totals.lost = lost_.size();
  totals.stale = stale_;
  if (!lost_.empty()) {
    const auto [first, last] = std::ranges::minmax(lost_);
    totals.loss_span_ms = to_ms(writes_[last].due - writes_[first].due);
  }
  return totals;
}

}  // namespace faultline::load
