// PromQL is read no further than to know what may be put around it; Prometheus judges the rest.
#include "orchestrator/slo/openslo_parts.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faultline::slo {
namespace {

constexpr std::size_t max_query_bytes = 16u << 10;  // each objective holds a copy

struct Scanned {
  std::string query;  ///< without comments
  std::string code;   ///< as long, with blanks for what stands in quotes
  bool open_quote = false;
};

Scanned scan(std::string_view text) {
  Scanned scanned;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0 && c == '#') {
      i = std::min(text.find('\n', i), text.size()) - 1;
      continue;
    }
    const bool escaped = quote != 0 && quote != '`' && c == '\\' && i + 1 < text.size();
    scanned.query.append(text.substr(i, escaped ? 2 : 1));
    scanned.code.append(escaped ? 2 : 1, quote == 0 ? c : ' ');
    if (escaped) {
      ++i;
    } else if (quote == c) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'' || c == '`')) {
      quote = c;
    }
  }
  scanned.open_quote = quote != 0;
  return scanned;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto from = std::min(text.find_first_not_of(blanks), text.size());
  text.remove_prefix(from);
  return text.substr(0, text.find_last_not_of(blanks) + 1);
}

bool is_balanced(std::string_view code) {
  std::string open;
  for (const char c : code) {
    if (c == '(' || c == '[' || c == '{') {
      open += c == '(' ? ')' : c == '[' ? ']' : '}';
    } else if (c == ')' || c == ']' || c == '}') {
      if (open.empty() || open.back() != c) {
        return false;
      }
      open.pop_back();
    }
  }
  return open.empty();
}

/// `requests_total`, `requests_total{code="200"}`, `{job="web"}`: what a range may be put behind.
bool is_bare_selector(std::string_view query) {
  const auto scanned = scan(query);
  std::string_view rest = scanned.code;
  const auto name = std::min(rest.find_first_of("{ \t\r\n"), rest.size());
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == ':';
  };
  const bool digit_first = !rest.empty() && rest.front() >= '0' && rest.front() <= '9';
  if (!std::ranges::all_of(rest.substr(0, name), is_word) || digit_first) {
    return false;
  }
  rest = trimmed(rest.substr(name));
  if (rest.empty()) {
    return name > 0;
  }
  return rest.size() >= 2 && rest.find_first_of("()[]{}", 1) == rest.size() - 1 &&
         rest.front() == '{' && rest.back() == '}';
}

}  // namespace

std::string read_query(const Mapping& mapping, std::string_view field, bool counter) {
  const auto text = mapping.text(field, "a PromQL expression");
  if (text.size() > max_query_bytes) {
    mapping.refuse(field, fmt::format("expected at most {} KiB, found {}", max_query_bytes / 1024,
                                      text.size() / 1024));
  }
  const auto scanned = scan(text);
  std::string query(trimmed(scanned.query));
  if (query.empty()) {
    mapping.refuse(field, "expected a PromQL expression, found blanks and comments alone");
  }
  if (scanned.open_quote || !is_balanced(scanned.code)) {
    mapping.refuse(
        field, fmt::format("expected a whole PromQL expression, found {} with {}", in_quotes(query),
                           scanned.open_quote ? "a quote that is not closed"
                                              : "brackets that do not match"));
  }
  auto code = scanned.code;
  for (auto at = code.find(window_placeholder); at != code.npos;
       at = code.find(window_placeholder)) {
    code.replace(at, window_placeholder.size(), "1m");
  }
  if (code.find("{{") != code.npos || code.find('$') != code.npos) {
    mapping.refuse(field, fmt::format("templates other than {} are not supported, found {}; write "
                                      "what it stands for",
                                      window_placeholder, in_quotes(query)));
  }
  if (counter && code.find('[') != code.npos) {
    mapping.refuse(field, fmt::format("with counter: true expected a query that counts up for "
                                      "ever, found one that takes a range, {}; write the counter "
                                      "alone, or counter: false",
                                      in_quotes(query)));
  }
  return query;
}

std::string with_window(std::string_view query, Duration window) {
  using std::chrono::milliseconds;
  const auto ms = std::max<std::int64_t>(1, std::chrono::round<milliseconds>(window).count());
  const auto text = ms % 1000 == 0 ? fmt::format("{}s", ms / 1000) : fmt::format("{}ms", ms);
  std::string filled(query);
  for (auto at = filled.find(window_placeholder); at != filled.npos;
       at = filled.find(window_placeholder, at + text.size())) {
    filled.replace(at, window_placeholder.size(), text);
  }
  return filled;
}

std::optional<std::string> good_share(const Indicator& indicator) {
  const auto &part = indicator.part, &total = indicator.total;
  const bool of_bad = indicator.kind == IndicatorKind::bad_of_total;
  switch (indicator.kind) {
    case IndicatorKind::threshold:
      return std::nullopt;
    case IndicatorKind::success_ratio:
      return part;
    case IndicatorKind::failure_ratio:
      return fmt::format("1 - ({})", part);
    case IndicatorKind::good_of_total:
    case IndicatorKind::bad_of_total:
      break;
  }
  if (!indicator.counter) {
    return fmt::format("{}sum({}) / sum({})", of_bad ? "1 - " : "", part, total);
  }
  if (!is_bare_selector(part) || !is_bare_selector(total)) {
    return std::nullopt;
  }
  return fmt::format("{0}sum(increase({1}[{3}])) / sum(increase({2}[{3}]))", of_bad ? "1 - " : "",
                     part, total, window_placeholder);
}

}  // namespace faultline::slo
