#include "orchestrator/engine/freeze.hpp"

#include "targets/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace faultline::engine {
namespace {

using std::chrono::sys_days;

const std::array<std::string, 7> day_names{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
constexpr unsigned days_of_a_week = 7;

/// The parts between `separator`s, without the spaces around them.
std::vector<std::string> parts_of(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  for (auto& part : parts) {
    const auto first = part.find_first_not_of(' ');
    part = first == part.npos ? "" : part.substr(first, part.find_last_not_of(' ') + 1 - first);
  }
  return parts;
}

Result<unsigned> parse_day(const std::string& name) {
  const auto found = std::ranges::find(day_names, name);
  if (found != day_names.end()) {
    return static_cast<unsigned>(found - day_names.begin());
  }
  return Error{ErrorKind::usage,
               fmt::format("expected days such as \"sat-sun\" or \"fri\", found '{}'{}", name,
                           suggestion(name, day_names))};
}

std::string date_in_words(sys_days day) {
  const std::chrono::year_month_day date(day);
  return fmt::format("{:04}-{:02}-{:02}", int(date.year()), unsigned(date.month()),
                     unsigned(date.day()));
}

unsigned weekday_of(sys_days day) {
  return std::chrono::weekday(day).c_encoding();
}

}  // namespace

bool Freeze::covers(WallTime time) const {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  return (!from || day >= *from) && (!to || day <= *to) &&
         (days.empty() || days.contains(weekday_of(day)));
}

Result<sys_days> parse_date(std::string_view text) {
  int year = 0;
  unsigned month = 0, day = 0;
  const auto number = [&](std::size_t at, std::size_t size, auto& out) {
    const auto part = text.substr(at, size);
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), out);
    return error == std::errc() && end == part.data() + part.size();
  };
  const bool shaped = text.size() == 10 && text[4] == '-' && text[7] == '-';
  if (shaped && number(0, 4, year) && number(5, 2, month) && number(8, 2, day)) {
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                           std::chrono::day(day)};
    if (date.ok()) {
      return sys_days(date);
    }
  }
  return Error{ErrorKind::usage,
               fmt::format("expected a day such as \"2026-12-24\", found '{}'", text)};
}

Result<std::set<unsigned>> parse_days(std::string_view text) {
  std::set<unsigned> days;
  for (const auto& part : parts_of(text, ',')) {
    const auto ends = parts_of(part, '-');
    const auto first = parse_day(ends.front());
    const auto last = parse_day(ends.size() <= 2 ? ends.back() : part);
    if (!first || !last) {
      return first ? last.error() : first.error();
    }
    days.insert(*last);
    for (unsigned day = *first; day != *last; day = (day + 1) % days_of_a_week) {  // may go round
      days.insert(day);
    }
  }
  return days;
}

std::string in_words(const Freeze& freeze) {
  std::vector<std::string> words;
  if (freeze.from && freeze.to) {
    words.push_back(
        fmt::format("{} to {}", date_in_words(*freeze.from), date_in_words(*freeze.to)));
  }
  if (!freeze.days.empty()) {
    std::vector<std::string> names;
    for (const auto day : freeze.days) {
      names.push_back(day_names.at(day));
    }
    words.push_back(fmt::format("{}", fmt::join(names, ", ")));
  }
  const auto why = freeze.reason.empty() ? "" : fmt::format(" ({})", freeze.reason);
  return fmt::format("{} UTC{}", fmt::join(words, ", "), why);
}

std::string day_in_words(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{} {} {:02}:{:02} UTC", day_names.at(weekday_of(day)), date_in_words(day),
                     clock.hours().count(), clock.minutes().count());
}

}  // namespace faultline::engine
