#include "orchestrator/report/markup.hpp"

#include "orchestrator/report/terminal_text.hpp"

namespace faultline::report {

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string fill(std::string_view template_text,
                 const std::vector<std::pair<std::string_view, std::string>>& values) {
  std::string out;
  while (true) {
    const auto open = template_text.find("{{");
    const auto close = template_text.find("}}", open);
    if (open == std::string_view::npos || close == std::string_view::npos) {
      return out.append(template_text);
    }
    out += template_text.substr(0, open);
    const auto name = template_text.substr(open + 2, close - open - 2);
    for (const auto& [key, value] : values) {
      out += key == name ? value : "";
    }
    template_text.remove_prefix(close + 2);
  }
}

}  // namespace faultline::report
