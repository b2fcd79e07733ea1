#include "orchestrator/load/template.hpp"

#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace faultline::load {
namespace {

/// Enough to spread users over the tenants of the service, few enough to hit caches.
constexpr std::uint64_t tenants = 20;

bool opens_placeholder(std::string_view text, std::size_t brace) {
  return brace + 1 < text.size() && text[brace + 1] >= 'a' && text[brace + 1] <= 'z';
}

std::size_t next_placeholder(std::string_view text, std::size_t from) {
  auto brace = text.find('{', from);
  while (brace != std::string_view::npos && !opens_placeholder(text, brace)) {
    brace = text.find('{', brace + 1);
  }
  return brace;
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return {};
  }
  return value;
}

}  // namespace

Draw draw_for(std::uint64_t number, std::mt19937_64& random, std::string_view run) {
  std::uniform_int_distribution<std::uint64_t> any(1, tenants);
  return {number, fmt::format("tenant-{}", any(random)), &random, run};
}

std::string unique_prefix(std::uint64_t seed, std::chrono::system_clock::time_point started) {
  const std::chrono::nanoseconds since_1970 = started.time_since_epoch();
  return fmt::format("{:x}-{:x}-", seed, since_1970.count());
}

Result<Template::Piece> Template::placeholder(std::string_view name, const Known& known) {
  if (name == "counter") {
    return Piece{Kind::counter};
  }
  if (name == "unique") {
    return Piece{Kind::unique};
  }
  if (name == "tenant") {
    return Piece{Kind::tenant};
  }
  if (name == "token" && known.token) {
    return Piece{Kind::token};
  }
  std::vector<std::string> names{"random:1..1000", "counter", "unique", "tenant"};
  if (known.token) {
    names.emplace_back("token");
  }
  for (std::size_t i = 0; i < known.columns.size(); ++i) {
    names.push_back("csv:" + known.columns[i]);
    if (name == names.back()) {
      return Piece{Kind::column, "", i, 0};
    }
  }
  constexpr std::string_view random = "random:";
  const auto dots = name.find("..");
  if (name.starts_with(random) && dots != std::string_view::npos) {
    const auto from = whole_number(name.substr(random.size(), dots - random.size()));
    const auto to = whole_number(name.substr(dots + 2));
    if (from && to && *from <= *to) {
      return Piece{Kind::random, "", *from, *to};
    }
  }
  const auto* missing = name.starts_with("csv:") && known.columns.empty()
                            ? "; it needs rows = csv \"FILE.csv\""
                        : name == "token" ? "; it needs sessions = { ... }"
                                          : nullptr;
  return Error{ErrorKind::usage,
               fmt::format("unknown placeholder '{{{}}}'{}", name,
                           missing != nullptr ? missing : suggestion(name, names))};
}

Result<Template> Template::parse(std::string_view text, const Known& known) {
  Template parsed;
  std::size_t done = 0;
  for (auto brace = next_placeholder(text, 0); brace != std::string_view::npos;
       brace = next_placeholder(text, done)) {
    const auto end = text.find('}', brace);
    if (end == std::string_view::npos) {
      return Error{ErrorKind::usage,
                   fmt::format("a placeholder without its '}}': '{}'", text.substr(brace))};
    }
    auto piece = placeholder(text.substr(brace + 1, end - brace - 1), known);
    if (!piece) {
      return piece.error();
    }
    parsed.pieces_.push_back({Kind::literal, std::string(text.substr(done, brace - done)), 0, 0});
    parsed.pieces_.push_back(std::move(*piece));
    done = end + 1;
  }
  parsed.pieces_.push_back({Kind::literal, std::string(text.substr(done)), 0, 0});
  return parsed;
}

bool Template::fixed() const {
  return std::ranges::all_of(pieces_, [](const Piece& p) { return p.kind == Kind::literal; });
}

std::string Template::render(const Draw& draw) const {
  std::string out;
  render(draw, out);
  return out;
}

void Template::render(const Draw& draw, std::string& out) const {
  for (const auto& piece : pieces_) {
    switch (piece.kind) {
      case Kind::literal:
        out += piece.text;
        break;
      case Kind::counter:
        out += std::to_string(draw.number);
        break;
      case Kind::unique:
        out.append(draw.run).append(std::to_string(draw.number));
        break;
      case Kind::tenant:
        out += draw.tenant;
        break;
      case Kind::column:
        out += (*draw.row)[piece.from];
        break;
      case Kind::token:
        out += draw.token;
        break;
      case Kind::random:
        out += std::to_string(
            std::uniform_int_distribution<std::uint64_t>(piece.from, piece.to)(*draw.random));
        break;
    }
  }
}

}  // namespace faultline::load
