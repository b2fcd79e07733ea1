#include "orchestrator/report/terminal_text.hpp"

#include <array>
#include <cstdint>
#include <utility>

namespace faultline::report {
namespace {

struct Point {
  char32_t code = 0;
  std::size_t bytes = 1;
};

constexpr char32_t malformed = 0xFFFD;

/// The first code point of `text`, which is not empty.
Point first_point(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) {
    return {lead, 1};
  }
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 1;
  if (size == 1 || lead > 0xF4 || text.size() < size) {
    return {malformed, 1};
  }
  char32_t code = lead & (0xFFu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) {
      return {malformed, 1};
    }
    code = (code << 6) | (byte(i) & 0x3Fu);
  }
  return {code, size};
}

/// The blocks that terminals draw in two cells (Unicode's East Asian Width W and F, in the large).
constexpr std::array<std::pair<char32_t, char32_t>, 8> wide{{{0x1100, 0x115F},
                                                             {0x2E80, 0xA4CF},
                                                             {0xAC00, 0xD7A3},
                                                             {0xF900, 0xFAFF},
                                                             {0xFE30, 0xFE6F},
                                                             {0xFF00, 0xFF60},
                                                             {0x1F300, 0x1FAFF},
                                                             {0x20000, 0x3FFFD}}};

std::size_t cells_of(char32_t code) {
  if (code >= 0x300 && code <= 0x36F) {
    return 0;
  }
  for (const auto& [from, to] : wide) {
    if (code >= from && code <= to) {
      return 2;
    }
  }
  return 1;
}

std::string_view escape(Style style) {
  switch (style) {
    case Style::plain:
      return "";
    case Style::strong:
      return "\x1b[1m";
    case Style::dim:
      return "\x1b[2m";
    case Style::good:
      return "\x1b[32m";
    case Style::warning:
      return "\x1b[33m";
    case Style::bad:
      return "\x1b[1;31m";
    case Style::accent:
      return "\x1b[36m";
  }
  return "";
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto [code, bytes] = first_point(text);
    const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0) ||
                         (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
                         (code >= 0x2066 && code <= 0x2069);  // zero width and direction marks
    if (code == malformed) {
      out += "\xEF\xBF\xBD";
    } else {
      out += control ? std::string_view(" ") : text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
  return out;
}

std::size_t cells(std::string_view text) {
  std::size_t sum = 0;
  while (!text.empty()) {
    const auto [code, bytes] = first_point(text);
    sum += cells_of(code);
    text.remove_prefix(bytes);
  }
  return sum;
}

std::string clip(std::string_view text, std::size_t width) {
  if (cells(text) <= width) {
    return std::string(text);
  }
  std::size_t taken = 0;
  std::size_t used = 0;
  while (taken < text.size()) {
    const auto [code, bytes] = first_point(text.substr(taken));
    if (used + cells_of(code) + 1 > width) {
      break;
    }
    used += cells_of(code);
    taken += bytes;
  }
  return std::string(text.substr(0, taken)) + (width == 0 ? "" : "…");
}

std::string pad(std::string_view text, std::size_t width, bool right) {
  auto cut = clip(text, width);
  const std::string space(width - cells(cut), ' ');
  return right ? space + cut : cut + space;
}

Line& Line::add(std::string_view text, Style style) {
  const auto cut = clip(printable(text), left_);
  left_ -= cells(cut);
  const auto begin = colour_ && !cut.empty() ? escape(style) : "";
  text_ += begin;
  text_ += cut;
  text_ += begin.empty() ? "" : "\x1b[0m";
  return *this;
}

}  // namespace faultline::report
