#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace faultline {

/// The candidate that a misspelt name most likely meant: edit distance at most a third of its
/// length (at least 2), the smallest first; none when nothing is near.
std::optional<std::string> nearest(std::string_view name, std::span<const std::string> candidates);

/// "; did you mean 'x'?" or "; known: a, b, c", to end an error about an unknown name.
std::string suggestion(std::string_view name, std::span<const std::string> candidates);

/// "a, b and c".
std::string list_in_words(std::span<const std::string> items);

}  // namespace faultline
