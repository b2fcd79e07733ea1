#include "orchestrator/report/story.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <set>

namespace faultline::report {
namespace {

constexpr double second_ms = 1000;  // the record's series is by second
constexpr std::size_t max_marks = 26;

struct Force {
  double from_ms, to_ms;
  std::string mark;
};

std::vector<Force> in_force(const Json& record) {
  std::vector<Force> found;
  std::size_t index = 0;
  for (const auto& fault : list(record, "faults")) {
    if (const auto from = offset_ms(fault, "applied_at")) {
      const auto to = offset_ms(fault, "reverted_at");
      found.push_back(
          {*from, to.value_or(std::numeric_limits<double>::infinity()), mark_of(index)});
    }
    ++index;
  }
  return found;
}

/// The moments at which what is in force changes, and the ends of what was measured.
std::vector<double> cuts(const Json& record, const std::vector<Force>& faults) {
  double first = std::numeric_limits<double>::infinity();
  double last = 0;
  for (const auto& probe : list(record, "probes")) {
    for (const auto& point : list(probe, "series")) {
      const double t = number(point, "t_ms").value_or(0);
      first = std::min(first, t);
      last = std::max(last, t + second_ms);
    }
  }
  std::set<double> moments{first, last};
  for (const auto& fault : faults) {
    for (const double moment : {fault.from_ms, fault.to_ms}) {
      if (moment > first && moment < last) {
        moments.insert(moment);
      }
    }
  }
  return first < last ? std::vector<double>(moments.begin(), moments.end()) : std::vector<double>();
}

Got got_between(const Json& probe, double from_ms, double to_ms) {
  Got got{.probe = text(probe, "name")};
  for (const auto& point : list(probe, "series")) {
    const double middle = number(point, "t_ms").value_or(0) + second_ms / 2;
    if (middle >= from_ms && middle < to_ms) {
      got.good += number(point, "good").value_or(0);
      got.degraded += number(point, "degraded").value_or(0);
      got.bad += number(point, "bad").value_or(0);
    }
  }
  return got;
}

}  // namespace

std::string Got::in_words() const {
  if (requests() == 0) {
    return "-";
  }
  std::string words = brief(100 * good / requests(), "%") + " good";
  words += degraded > 0 ? fmt::format(", {} degraded", grouped(degraded)) : "";
  words += bad > 0 ? fmt::format(", {} bad", grouped(bad)) : "";
  return words;
}

std::string mark_of(std::size_t index) {
  return index < max_marks ? std::string(1, static_cast<char>('A' + index))
                           : fmt::format("F{}", index + 1);
}

std::string mark_of_recovery(const Json& record, const Json& recovery) {
  const auto& faults = list(record, "faults");
  const auto from = text(recovery, "from");
  for (std::size_t i = 0; i < faults.size() && faults.size() > 1; ++i) {
    if (!from.empty() && text(faults[i], "id") == from) {
      return mark_of(i);
    }
  }
  return "";
}

std::vector<Stretch> stretches(const Json& record) {
  const auto faults = in_force(record);
  const auto moments = cuts(record, faults);
  std::vector<Stretch> found;
  for (std::size_t i = 0; i + 1 < moments.size(); ++i) {
    Stretch stretch{.from_ms = moments[i], .to_ms = moments[i + 1], .marks = {}, .got = {}};
    for (const auto& fault : faults) {
      if (fault.from_ms < stretch.to_ms && fault.to_ms > stretch.from_ms) {
        stretch.marks.push_back(fault.mark);
      }
    }
    double requests = 0;
    for (const auto& probe : list(record, "probes")) {
      stretch.got.push_back(got_between(probe, stretch.from_ms, stretch.to_ms));
      requests += stretch.got.back().requests();
    }
    if (requests > 0) {  // two faults at once leave a gap that no second's middle is in
      found.push_back(std::move(stretch));
    }
  }
  return found;
}

std::string marks_in_words(const Stretch& stretch) {
  return stretch.marks.empty() ? "none" : fmt::format("{}", fmt::join(stretch.marks, ", "));
}

}  // namespace faultline::report
