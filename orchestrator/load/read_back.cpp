#include "orchestrator/load/read_back.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faultline::load {
namespace {

/// Some 30 KB and 1 ms of a primary's time: other clients do not notice.
constexpr std::size_t batch = 500;
/// Between a failed attempt and the next.
constexpr auto pause = std::chrono::milliseconds(100);

Json to_json(const slo::Writes& writes) {
  return {{"writes",
           {{"attempted", writes.attempted},
            {"acknowledged", writes.acknowledged},
            {"ambiguous", writes.ambiguous},
            {"lost", writes.lost},
            {"duplicated", writes.duplicated},
            {"stale", writes.stale},
            {"loss_span_ms", writes.loss_span_ms}}}};
}

}  // namespace

ReadBack::ReadBack(boost::asio::io_context& io, WriteStore& store, WriteLedger& ledger,
                   Duration within, std::function<void(Json)> finished)
    : store_(store),
      ledger_(ledger),
      within_(within),
      finished_(std::move(finished)),
      give_up_(io),
      again_(io) {}

void ReadBack::begin() {
  wanted_ = ledger_.acknowledged();
  if (wanted_.empty() && ledger_.totals().ambiguous == 0) {
    finish(to_json(ledger_.totals()));  // there is nothing to read or to remove
    return;
  }
  give_up_later();
  open();
}

void ReadBack::give_up_later() {
  give_up_.expires_after(within_);
  give_up_.async_wait([this](boost::system::error_code error) {
    too_late_ = !error;
    if (too_late_ && !opened_) {  // a reading under way may end: each of its steps has a limit
      give_up();
    }
  });
}

void ReadBack::open() {
  store_.open([this](const std::string& why_not) {
    if (!why_not.empty()) {
      start_over(why_not);
      return;
    }
    opened_ = true;
    ledger_.begin_reading();
    read_batch(0);
  });
}

void ReadBack::read_batch(std::size_t from) {
  const auto count = std::min(batch, wanted_.size() - from);
  if (count == 0) {
    remove_batch(0);
    return;
  }
  const auto numbers = std::span(wanted_).subspan(from, count);
  store_.read(numbers,
              [this, from, numbers](const std::string& why_not, const WriteStore::Values& values) {
                if (!why_not.empty() || values.size() != numbers.size()) {
                  start_over("reading back: " + why_not);
                  return;
                }
                for (std::size_t i = 0; i < numbers.size(); ++i) {
                  ledger_.read_back(numbers[i], values[i] ? &*values[i] : nullptr);
                }
                read_batch(from + numbers.size());
              });
}

/// The counts are in, so what cannot be removed now is left: no other run has its names.
void ReadBack::remove_batch(std::uint64_t from) {
  const auto to = std::min<std::uint64_t>(from + batch, ledger_.attempted());
  if (from == to) {
    finish(to_json(ledger_.totals()));
    return;
  }
  store_.remove(from, to, [this, to](const std::string& why_not) {
    if (why_not.empty()) {
      remove_batch(to);
    } else {
      finish(to_json(ledger_.totals()));
    }
  });
}

void ReadBack::start_over(const std::string& why) {
  why_not_ = why;
  opened_ = false;
  store_.close();
  if (too_late_) {
    give_up();
    return;
  }
  again_.expires_after(pause);
  again_.async_wait([this](boost::system::error_code error) {
    if (!error) {
      open();
    }
  });
}

void ReadBack::give_up() {
  if (wanted_.empty()) {
    finish(to_json(ledger_.totals()));  // nothing was acknowledged, so nothing can be lost
    return;
  }
  const auto waits_for = store_.waits_for();
  const auto& why = waits_for.empty() ? why_not_ : waits_for;
  finish({{"writes", nullptr},
          {"error", fmt::format("the acknowledged writes could not be read back within {}: {}",
                                in_words(within_), why.empty() ? "no answer" : why)}});
}

void ReadBack::finish(Json line) {
  give_up_.cancel();
  again_.cancel();
  store_.close();
  if (finished_) {
    std::exchange(finished_, nullptr)(std::move(line));
  }
}

}  // namespace faultline::load
