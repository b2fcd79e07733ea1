#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// Text in a terminal's cells: widths, cutting and colours.
namespace faultline::report {

/// `text` with control characters replaced by spaces, so that a title cannot steer the terminal.
std::string printable(std::string_view text);

/// The cells that UTF-8 text takes: CJK and emoji take two, combining marks none.
std::size_t cells(std::string_view text);

/// At most `width` cells of `text`; what was cut off ends in "…".
std::string clip(std::string_view text, std::size_t width);

/// Clipped to `width` and filled up with spaces, behind or, `right` aligned, in front.
std::string pad(std::string_view text, std::size_t width, bool right = false);

enum class Style { plain, strong, dim, good, warning, bad, accent };

/// A line of styled parts that never exceeds its width.
class Line {
 public:
  Line(std::size_t width, bool colour) : left_(width), colour_(colour) {}
  /// Adds `text`, made printable, as far as there is room.
  Line& add(std::string_view text, Style style = Style::plain);
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::size_t left() const { return left_; }

 private:
  std::string text_;
  std::size_t left_;
  bool colour_;
};

}  // namespace faultline::report
