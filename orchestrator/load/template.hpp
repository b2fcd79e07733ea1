#pragma once

#include "targets/error.hpp"

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::load {

/// What placeholders are replaced by, for one request.
struct Draw {
  std::uint64_t number = 0;           ///< {counter}
  std::string tenant;                 ///< {tenant}, the same everywhere in a request
  std::mt19937_64* random = nullptr;  ///< {random:a..b}, drawn anew each time
  std::string_view run;               ///< {unique} is this and the number; must outlive the draw
};
/// Draws for request `number`: one of the tenants tenant-1 to tenant-20, evenly.
Draw draw_for(std::uint64_t number, std::mt19937_64& random, std::string_view run = {});

/// Begins the unique texts of one worker: no other has its seed and started in the same nanosecond.
/// At most 34 characters, so that with the number a column of 80 holds it.
std::string unique_prefix(std::uint64_t seed, std::chrono::system_clock::time_point started);

/// A text with {random:1..1000}, {counter}, {unique} and {tenant}. A brace that no lower-case
/// letter follows is only a brace, so JSON needs no escapes.
class Template {
 public:
  /// Error `usage` when a placeholder is unknown or malformed.
  static Result<Template> parse(std::string_view text);
  [[nodiscard]] std::string render(const Draw& draw) const;

 private:
  enum class Kind { literal, random, counter, unique, tenant };
  struct Piece {
    Kind kind = Kind::literal;
    std::string text;
    std::uint64_t from = 0, to = 0;
  };
  static Result<Piece> placeholder(std::string_view name);

  std::vector<Piece> pieces_;
};

}  // namespace faultline::load
