#include "targets/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

namespace faultline {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row.back();
}

constexpr std::size_t max_name_bytes =
    64;                                 // longer is no misspelling, and the distance is quadratic
constexpr std::size_t max_listed = 12;  // more would bury the message

}  // namespace

std::optional<std::string> nearest(std::string_view name, std::span<const std::string> candidates) {
  if (name.size() > max_name_bytes) {
    return std::nullopt;
  }
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string suggestion(std::string_view name, std::span<const std::string> candidates) {
  if (const auto near = nearest(name, candidates)) {
    return fmt::format("; did you mean '{}'?", *near);
  }
  if (candidates.empty()) {
    return "; there are none";
  }
  const auto shown = candidates.first(std::min(candidates.size(), max_listed));
  return fmt::format("; known: {}{}", fmt::join(shown, ", "),
                     shown.size() < candidates.size() ? ", ..." : "");
}

std::string list_in_words(std::span<const std::string> items) {
  if (items.empty()) {
    return "nothing";
  }
  if (items.size() == 1) {
    return items.front();
  }
  return fmt::format("{} and {}", fmt::join(items.first(items.size() - 1), ", "), items.back());
}

}  // namespace faultline
